"""Are differences of strategies as wide as their shared noise says, on real curves? See README.md.

python benchmarks/pairing.py --curves DIR
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
from cells import LEAST_REPETITIONS, TASK, curves_parser
from forecast import curves

from palm_bayes import PalmError, Runs, read_runs
from palm_bayes.inference.partial_pooling import shared_noise

SPLITS = 3
HALF_WIDTH = 1.2816  # of the 80 % band, in standard errors

type Row = dict[str, object]


def main() -> None:
    args = curves_parser(__doc__).parse_args()
    rng = np.random.default_rng(0)
    rows: list[Row] = []
    for task, frame in curves(args.curves).groupby(TASK):
        try:
            runs = read_runs(frame)
        except PalmError:
            continue
        for _ in range(SPLITS):
            rows += [{"source": task[0], **row} for row in split(runs, rng)]
    table = pd.DataFrame(rows)
    table["in_80"] = table["z"].abs() < HALF_WIDTH
    summary = table.groupby(["source", "draws"]).agg(
        correlation=("correlation", "mean"),
        rms_z=("z", lambda z: np.sqrt((z**2).mean())),
        in_80=("in_80", "mean"),
        differences=("z", "size"),
    )
    print(summary.round(3).to_string())


def split(runs: Runs, rng: np.random.Generator) -> Iterator[Row]:
    """Learn from some repetitions; compare differences of levels with those of the others.

    The levels' spread is that over all repetitions: judged is the correlation alone.
    """
    levels = (
        runs.table.groupby(["strategy", "repetition"])["accuracy"].mean().unstack().dropna(axis=1)
    )
    names = list(rng.permutation(levels.columns))
    some = names[: max(len(names) // 2, LEAST_REPETITIONS)]
    others = names[len(some) :]
    if len(others) < 2 or len(levels) < 2:
        return
    part = runs.table[runs.table["repetition"].isin(some)].reset_index(drop=True)
    found = shared_noise(replace(runs, table=part))
    error = np.sqrt(1 / len(some) + 1 / len(others))
    for one, other in combinations(levels.index, 2):
        lead = levels.loc[one] - levels.loc[other]
        change = lead[some].mean() - lead[others].mean()
        spreads = levels.loc[[one, other]].std(axis=1)
        if spreads.max() < 1e-12:
            continue
        for draws, correlation in (("independent", 0.0), ("paired", found)):
            variance = (spreads**2).sum() - 2 * correlation * spreads.prod()
            z = change / (error * np.sqrt(max(variance, 1e-12)))
            yield {"draws": draws, "correlation": correlation, "z": z}


if __name__ == "__main__":
    main()
