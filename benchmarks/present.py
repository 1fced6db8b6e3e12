"""Is the expected accuracy at the end of the data as well known as is said? See README.md.

python benchmarks/present.py --curves DIR

Every other repetition of the first half of a cell is fitted; the mean of the others at the last
episode, with its own standard error, is held against the expected accuracy there.
"""

import warnings

import numpy as np
import pandas as pd
from cells import Cell, cells, curves_parser

from palm_bayes import PalmWarning, Runs, fit

LEAST = 4  # repetitions: two to fit, two to judge

type Row = dict[str, object]


def main() -> None:
    args = curves_parser(__doc__, stride=3).parse_args()
    warnings.simplefilter("ignore", PalmWarning)
    judgements = (judged(cell) for cell in cells(args.curves, args.stride))
    table = pd.DataFrame([found for found in judgements if found is not None])
    shown = table.drop(columns="source").mean()
    shown[["sd", "error"]] *= 100
    print(f"{len(table)} cells: shares of bands of the expected accuracy that hold that mean;")
    print("mean standard deviation, and mean absolute error of the median, in points:")
    print(shown.round(3).to_string())
    print((100 * table.groupby("source")["in 80"].mean()).round(1).to_string())


def judged(cell: Cell) -> Row | None:
    """Fit a half of the repetitions, and judge by the other half; None if they are too few."""
    table = cell.half.table.drop(columns="x")
    names = table["repetition"].unique()
    fitted = table["repetition"].isin(names[::2])
    other = table[~fitted & (table["episode"] == table.loc[fitted, "episode"].max())]["accuracy"]
    if len(names) < LEAST or len(other) < 2:
        return None
    found = fit(Runs.from_frame(table[fitted], batch=cell.half.batch))
    labels = float(found.runs.table["labels"].max())
    draws = found.forecast(labels=[labels]).draws.to_numpy().ravel()
    of_mean = np.random.default_rng(0).normal(0, other.std() / np.sqrt(len(other)), len(draws))
    below = float(np.mean(draws + of_mean < other.mean()))
    return {
        "source": cell.source,
        "sd": draws.std(),
        "error": abs(np.median(draws) - other.mean()),
        **{f"in {band}": abs(below - 0.5) <= band / 200 for band in (50, 80, 95)},
    }


if __name__ == "__main__":
    main()
