"""Do means with standard deviations forecast as well as all repetitions? See README.md.

python benchmarks/means.py --curves DIR --out means.csv

The first half of a cell is fitted three times: all repetitions, their means with the standard
deviations and numbers as a table has them, and the means as one repetition of unknown noise.
"""

import warnings
from collections.abc import Iterator
from itertools import chain, zip_longest

import numpy as np
import pandas as pd
from cells import Cell, append, cells, curves_parser, done

from palm_bayes import PalmFit, PalmWarning, Runs, fit, read
from palm_bayes.evaluation.scores import crps

SEED = 0
SCOPES = ("expected", "continuing")

type Row = dict[str, object]


def main() -> None:
    parser = curves_parser(__doc__, out="means.csv")
    parser.add_argument("--cells", type=int, default=6, help="of each source, drawn at random")
    args = parser.parse_args()
    warnings.simplefilter("ignore", PalmWarning)
    there = {cell for (cell, *_) in done(args.out, ["cell", "scope"])}
    for cell in drawn(list(cells(args.curves)), args.cells):
        if cell.id not in there:
            print(cell.id, flush=True)
            for row in judged(cell):
                append(args.out, row)
    report(pd.read_csv(args.out))


def drawn(every: list[Cell], count: int) -> Iterator[Cell]:
    """Draw cells of each source, and give them source by source in turn."""
    rng = np.random.default_rng(SEED)
    sources: dict[str, list[Cell]] = {}
    for cell in every:
        sources.setdefault(cell.source, []).append(cell)
    picked = [[its[i] for i in rng.permutation(len(its))[:count]] for its in sources.values()]
    return (cell for cell in chain.from_iterable(zip_longest(*picked)) if cell is not None)


def judged(cell: Cell) -> Iterator[Row]:
    """Fit in three ways, and judge forecasts of the later means over all repetitions."""
    table = cell.full.table[cell.full.table["episode"] > cell.half.table["episode"].max()]
    later = table.groupby("episode").agg(
        labels=("labels", "median"), mean=("accuracy", "mean"), count=("accuracy", "size")
    )
    later = later[later["count"] == cell.half.table["repetition"].nunique()]
    later = later[later["labels"] > cell.half.table["labels"].max()]
    if later.empty:
        return
    for way, runs in ways(cell.half).items():
        found = fit(runs, cores=1)
        for scope in SCOPES:
            draws = forecasts(found, later["labels"].to_numpy(), scope)
            low, median, high = np.quantile(draws, (0.1, 0.5, 0.9), axis=0)
            truth = later["mean"].to_numpy()
            yield {
                "cell": cell.id, "scope": scope, "way": way,
                "repetitions": cell.half.table["repetition"].nunique(),
                "held": np.mean((low <= truth) & (truth <= high)),
                "crps": crps(draws, truth).mean(),
                "error": np.abs(median - truth).mean(),
                "width": (high - low).mean(),
                "noise": float(found.trace["posterior"]["noise"].median()),
                "passed": bool(found.convergence.table["passed"].all()),
            }  # fmt: skip


def ways(half: Runs) -> dict[str, Runs]:
    """Return the repetitions, and their means with known and with unknown noise."""
    table = half.table.groupby(["strategy", "episode"], as_index=False).agg(
        labels=("labels", "median"), mean=("accuracy", "mean"), std=("accuracy", "std"),
        n_runs=("accuracy", "size"),
    )  # fmt: skip
    return {
        "all repetitions": half,
        "means, known noise": read(table, batch=half.batch, percent=False),
        "means, unknown noise": read(table, batch=half.batch, percent=False, spread="none"),
    }


def forecasts(found: PalmFit, labels: np.ndarray, scope: str) -> np.ndarray:
    """Draw later accuracies of the mean over repetitions, dims (draw, x)."""
    draws = found.forecast(labels=labels, scope=scope, seed=SEED).draws
    if "repetition" in draws.dims:
        draws = draws.mean("repetition")
    return (
        draws.isel(strategy=0).stack(sample=("chain", "draw")).transpose("sample", "x").to_numpy()
    )


def report(rows: pd.DataFrame) -> None:
    """Print means over cells: shares in percent, accuracies in points."""
    rows["source"] = rows["cell"].str.split("/").str[0]
    numbers = ["held", "crps", "error", "width", "noise", "passed"]
    rows[numbers] = 100 * rows[numbers].astype(float)
    print(rows.groupby(["scope", "way"])[numbers].mean().round(2).to_string())
    print(rows.groupby("way")["cell"].nunique().rename("cells").to_string())
    expected = rows[rows["scope"] == "expected"]
    print(expected.pivot_table(["held", "crps"], "source", "way").round(2).to_string())


if __name__ == "__main__":
    main()
