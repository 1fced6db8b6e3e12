"""On how many real curves does NUTS converge? See README.md.

python benchmarks/convergence.py --curves DIR --out convergence.csv
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import nutpie
import pandas as pd
import pymc as pm
from cells import append, cells, curves_parser, done
from plain import NAIVE, SETTINGS, naive, naive_data, sample

from palm_bayes.data.runs import Runs
from palm_bayes.inference.nuts import compile_programs, sample_strategy
from palm_bayes.inference.settings import OF_SWEEPS, Settings
from palm_bayes.model.priors import named_priors

TASK = ["priors", "cell"]
MODELS = ("default", "bounds", "naive")

type Sampler = Callable[[Runs], dict[str, Any]]  # a verdict: a row of Convergence.table


def main() -> None:
    again = "It resumes: it fits only the cells that --out lacks; remove that file to restart."
    doc = f"{__doc__.splitlines()[0]} {again}"
    parser = curves_parser(doc, stride=1, out="convergence.csv")
    parser.add_argument("--naive-stride", type=int, default=20, help="the same, for naive")
    parser.add_argument("--once", action="store_true", help="one batch of draws")
    parser.add_argument("--sweep", action="store_true", help="settings of palm_bayes.sweep")
    parser.add_argument("--priors", nargs="+", default=MODELS, choices=MODELS)
    args = parser.parse_args()
    for priors in args.priors:
        stride = max(args.stride, args.naive_stride) if priors == "naive" else args.stride
        there = done(args.out, TASK)
        wanted = [cell for cell in cells(args.curves, stride) if (priors, cell.id) not in there]
        settings = OF_SWEEPS if args.sweep else SETTINGS
        settings = replace(settings, batches=1 if args.once else settings.batches)
        sampler = (_naive() if priors == "naive" else _ours(priors, settings)) if wanted else None
        for cell in wanted:
            append(args.out, {"priors": priors, "cell": cell.id, **_measured(cell.half, sampler)})
    report(pd.read_csv(args.out))


def _measured(runs: Runs, sampler: Sampler) -> dict[str, Any]:
    start = time.perf_counter()
    verdict = sampler(runs)
    seconds = time.perf_counter() - start
    lengths = runs.table.groupby("repetition").size()
    size = {"repetitions": len(lengths), "episodes": lengths.max(), "seconds": round(seconds, 3)}
    return {**size, **verdict}


def _ours(priors: str, settings: Settings) -> Sampler:
    """Sample as the package does: curve coordinates, batches of draws until they suffice."""
    chosen = named_priors(priors)
    compile_programs(chosen)
    return lambda runs: sample_strategy(runs, chosen, settings).verdict


def _naive() -> Sampler:
    """Sample `plain.naive` by the package's sampler and settings; one batch of draws."""
    data = {"x": np.arange(1.0, 6.0), "y": np.linspace(0.5, 0.7, 5), "alpha_lo": -1.0}
    with pm.Model() as model:
        naive(**{name: pm.Data(name, value) for name, value in data.items()})
    program = nutpie.compile_pymc_model(model)

    def verdict(runs: Runs) -> dict[str, Any]:
        return {**sample(program.with_data(**naive_data(runs)), NAIVE)[1], "attempts": 1}

    return verdict


def report(rows: pd.DataFrame) -> None:
    """Print pass rates and costs, and the cells that fail."""
    rows["first"] = rows["passed"] & (rows["attempts"] == 1)
    rows["rate"] = rows["ess_bulk"] / rows["seconds"]
    table = rows.groupby("priors", sort=False).agg(
        cells=("cell", "size"),
        first_try=("first", "mean"),
        passed=("passed", "mean"),
        failing=("passed", lambda passed: (~passed).sum()),
        r_hat_worst=("r_hat", "max"),
        seconds_median=("seconds", "median"),
        seconds_90=("seconds", lambda seconds: seconds.quantile(0.9)),
        seconds_most=("seconds", "max"),
        ess_per_s=("rate", "median"),
    )
    shares = dict.fromkeys(["first_try", "passed"], "{:.1%}".format)
    print(table.to_string(formatters=shares, float_format="{:.3g}".format))
    failing = rows.loc[~rows["passed"], [*TASK, "advice"]]
    print("\nFailing:")
    print("\n".join("  ".join(row) for row in failing.itertuples(index=False)) or "none")


if __name__ == "__main__":
    main()
