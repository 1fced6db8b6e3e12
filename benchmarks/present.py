"""Is the expected accuracy at the end of the data as well known as is said? See README.md.

python benchmarks/present.py --curves DIR

Every other repetition of the first half of a cell is fitted; the mean of the others at the last
episode, with its own standard error, is held against the expected accuracy there.
"""

import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
from cells import Cell, cells, curves_parser

from palm_bayes import PalmWarning, Runs, fit

LEAST = 4  # repetitions: two to fit, two to judge
WAYS = {"default": {}, "pure PALM": {"misfit": None}}

type Row = dict[str, object]


def main() -> None:
    args = curves_parser(__doc__, stride=3).parse_args()
    warnings.simplefilter("ignore", PalmWarning)
    rows = [row for cell in cells(args.curves, args.stride) for row in judged(cell)]
    table = pd.DataFrame(rows)
    shown = table.groupby("way").agg(
        cells=("error", "size"), sd=("sd", "mean"), error=("error", "mean"),
        **{f"{band} %": (f"in {band}", "mean") for band in (50, 80, 95)},
    )  # fmt: skip
    shown[["sd", "error"]] *= 100
    print("Bands of the expected accuracy that hold the mean of other repetitions, shares;")
    print("mean standard deviation, and mean absolute error of the median, in points:")
    print(shown.round(3).to_string())
    print((100 * table.pivot_table(index="source", columns="way", values="in 80")).round(1))


def judged(cell: Cell) -> Iterator[Row]:
    """Fit a half of the repetitions, and judge by the other half."""
    table = cell.half.table.drop(columns="x")
    names = table["repetition"].unique()
    fitted = table["repetition"].isin(names[::2])
    other = table[~fitted & (table["episode"] == table.loc[fitted, "episode"].max())]["accuracy"]
    if len(names) < LEAST or len(other) < 2:
        return
    found = fit(Runs.from_frame(table[fitted], batch=cell.half.batch))
    labels = float(found.runs.table["labels"].max())
    for way, options in WAYS.items():
        draws = found.forecast(labels=[labels], **options).draws.to_numpy().ravel()
        of_mean = np.random.default_rng(0).normal(0, other.std() / np.sqrt(len(other)), len(draws))
        below = float(np.mean(draws + of_mean < other.mean()))
        yield {
            "source": cell.source,
            "way": way,
            "sd": draws.std(),
            "error": abs(np.median(draws) - other.mean()),
            **{f"in {band}": abs(below - 0.5) <= band / 200 for band in (50, 80, 95)},
        }


if __name__ == "__main__":
    main()
