"""How long does a repetition remember its noise? See README.md.

python benchmarks/memory.py --curves DIR
"""

import argparse

import numpy as np
import pandas as pd
from cells import cells, curves_argument

LAGS = (1, 2, 3, 5, 8, 12, 20, 30)
WHOLE = 0.9  # share of the repetitions that an episode must have


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    curves_argument(parser)
    args = parser.parse_args()
    table = pd.DataFrame(
        {"source": cell.id.split("/")[0], **remembered(cell.full.table)}
        for cell in cells(args.curves)
    )
    print("Autocorrelation of repetitions around their mean, by lag in episodes, mean of cells:")
    print(table.groupby("source").mean().round(2).to_string(na_rep=""))


def remembered(table: pd.DataFrame) -> dict[int, float]:
    """Autocorrelation of a strategy's repetitions, by lag.

    Off their mean, R repetitions have (R − 1) / R of the products that independent ones have.
    """
    wide = table.pivot(index="repetition", columns="episode", values="accuracy")
    wide = wide.dropna(axis=1, thresh=int(np.ceil(WHOLE * len(wide)))).dropna()
    off = (wide - wide.mean()).to_numpy()
    repetitions, episodes = off.shape
    spread = np.sqrt((off**2).sum(axis=0) / max(repetitions - 1, 1))
    standard = off / np.where(spread > 0, spread, np.nan)
    more = repetitions / max(repetitions - 1, 1)
    return {
        lag: float(more * np.nanmean(standard[:, lag:] * standard[:, :-lag]))
        for lag in LAGS
        if lag < episodes
    }


if __name__ == "__main__":
    main()
