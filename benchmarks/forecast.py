"""Do the bands hold, and do the forecasts beat the baselines, on real curves? See README.md.

python benchmarks/forecast.py --curves DIR --out forecast
"""

import argparse
from pathlib import Path

import pandas as pd
from cells import LEAST_REPETITIONS, TASK, curves_argument

from palm_bayes.backtesting import backtest

FRACTIONS = (0.25, 0.5)
LEAST_EPISODES = 10
CELL = [*TASK, "strategy"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    curves_argument(parser)
    parser.add_argument("--out", type=Path, default=Path("forecast"), help="resumed if it is there")
    parser.add_argument("--fresh", action="store_true", help="start anew: the model has changed")
    args = parser.parse_args()
    found = backtest(
        curves(args.curves),
        train_fractions=FRACTIONS,
        out=args.out,
        fresh=args.fresh,
        progress=lambda cell, _, done: print(f"{done:6.1%}  {cell}", flush=True),
    )
    print(found.sentence)


def curves(folder: Path) -> pd.DataFrame:
    """Return all cells with at least 3 repetitions and 10 episodes, whatever their shape."""
    text = dict.fromkeys([*CELL, "repetition"], str)
    files = sorted(folder.glob("*.csv.gz"))
    table = pd.concat([pd.read_csv(file, dtype=text, keep_default_na=False) for file in files])
    of_cell = table.groupby(CELL)
    enough = (of_cell["repetition"].transform("nunique") >= LEAST_REPETITIONS) & (
        of_cell["episode"].transform("max") >= LEAST_EPISODES
    )
    return table[enough].reset_index(drop=True)


if __name__ == "__main__":
    main()
