"""Are forecasts better where the size of the pool is known? See README.md.

python benchmarks/pools.py --curves DIR

Tasks of several strategies whose pools are in `pools.csv` are fitted to a quarter and to half of
their episodes, without and with this size. Later means of the repetitions judge.
"""

import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from cells import TASK, curves_parser, tasks

from palm_bayes import PalmWarning, Runs, fit
from palm_bayes.evaluation.cells import FRACTIONS, train_size
from palm_bayes.evaluation.scores import crps

SIZES = Path(__file__).with_name("pools.csv")

type Row = dict[str, object]


def main() -> None:
    args = curves_parser(__doc__, stride=1).parse_args()
    warnings.simplefilter("ignore", PalmWarning)
    sizes, rows = pool_sizes(SIZES), list[Row]()
    known = [
        (dict(zip(TASK, task, strict=True)), runs, sizes["/".join(task[:2])])
        for task, runs in tasks(args.curves)
        if "/".join(task[:2]) in sizes and len(runs.strategies) > 1
    ]
    for number, (task, runs, pool) in enumerate(known[:: args.stride], 1):
        print(f"{number}: {' / '.join(task.values())}", flush=True)
        rows += [{**task, **row} for row in judged(runs, pool)]
    table = pd.DataFrame(rows)
    found = 100 * table.groupby(["source", "fraction", "pool"])[["crps", "error", "held"]].mean()
    found.insert(0, "means", table.groupby(["source", "fraction", "pool"]).size())
    print("CRPS and error of the median in points, share held by 80 % bands in %:")
    print(found.unstack("pool").drop(columns=("means", "known")).round(2).to_string())


def pool_sizes(file: Path | None) -> dict[str, float]:
    """Return the sizes of pools by source and data set."""
    if file is None:
        return {}
    table = pd.read_csv(file)
    names = table["source"] + "/" + table["dataset"]
    return dict(zip(names, table["pool"].astype(float), strict=True))


def judged(full: Runs, pool: float) -> Iterator[Row]:
    """Judge later means, of forecasts from a quarter and from half, without and with the pool."""
    means = full.table.groupby(["strategy", "episode"])["accuracy"].mean().unstack("strategy")
    for fraction in FRACTIONS:
        seen = full.first(train_size(int(full.table["episode"].max()), fraction))
        later = means.dropna().loc[int(seen.table["episode"].max()) + 1 :]
        if later.empty:
            continue
        for name, size in (("unknown", None), ("known", pool)):
            found = fit(replace(seen, read_with={"pool": size}))
            draws = found.forecast(episodes=list(later.index), scope="continuing").draws
            of_means = draws.mean("repetition").stack(sample=("chain", "draw"))
            for strategy in found.runs.strategies:
                drawn = of_means.sel(strategy=strategy).transpose("sample", "x").to_numpy()
                came = later[strategy].to_numpy()
                low, middle, high = np.quantile(drawn, [0.1, 0.5, 0.9], axis=0)
                scores = zip(
                    crps(drawn, came),
                    np.abs(middle - came),
                    (low <= came) & (came <= high),
                    strict=True,
                )
                for score, error, held in scores:
                    yield {
                        "fraction": fraction, "pool": name,
                        "crps": score, "error": error, "held": float(held),
                    }  # fmt: skip


if __name__ == "__main__":
    main()
