"""On how many real curves does NUTS converge? See README.md.

python benchmarks/convergence.py --curves DIR --out convergence.csv
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import nutpie
import pandas as pd
import pymc as pm
from cells import Cell, cells, curves_argument
from plain import SETTINGS, sample

from palm_bayes.data.runs import Runs
from palm_bayes.inference.nuts import compile_programs, sample_strategy
from palm_bayes.model.curve import PARAMETERS
from palm_bayes.model.priors import named_priors
from palm_bayes.model.variables import observations

TASK = ["priors", "cell"]
MODELS = ("default", "bounds", "naive")

type Sampler = Callable[[Runs], dict[str, Any]]  # a verdict: a row of Convergence.table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    curves_argument(parser)
    parser.add_argument("--out", type=Path, default=Path("convergence.csv"), help="row by row")
    parser.add_argument("--stride", type=int, default=1, help="take every so many-th cell")
    parser.add_argument("--naive-stride", type=int, default=20, help="the same, for naive")
    parser.add_argument("--once", action="store_true", help="no further tries")
    parser.add_argument("--priors", nargs="+", default=MODELS, choices=MODELS)
    args = parser.parse_args()
    for priors in args.priors:
        stride = max(args.stride, args.naive_stride) if priors == "naive" else args.stride
        wanted = [cell for cell in cells(args.curves, stride) if not _done(args.out, priors, cell)]
        sampler = (_naive() if priors == "naive" else _ours(priors, args.once)) if wanted else None
        for cell in wanted:
            _append(args.out, {"priors": priors, "cell": cell.id, **_measured(cell.half, sampler)})
    report(pd.read_csv(args.out))


def _measured(runs: Runs, sampler: Sampler) -> dict[str, Any]:
    start = time.perf_counter()
    verdict = sampler(runs)
    seconds = time.perf_counter() - start
    lengths = runs.table.groupby("repetition").size()
    size = {"repetitions": len(lengths), "episodes": lengths.max(), "seconds": round(seconds, 3)}
    return {**size, **verdict}


def _ours(priors: str, once: bool) -> Sampler:
    """Sample as the package does: curve coordinates, further tries where one falls short."""
    chosen = named_priors(priors)
    compile_programs(chosen)
    settings = replace(SETTINGS, retries=0) if once else SETTINGS
    return lambda runs: sample_strategy(runs, chosen, settings).verdict


def _naive() -> Sampler:
    """Sample the model as first written: four bounded uniforms and independent normal noise.

    Sampler, settings and the prior of the noise are the package's; there are no further tries.
    """
    data = {"x": np.arange(1.0, 6.0), "y": np.linspace(0.5, 0.7, 5), "alpha_lo": -1.0}
    with pm.Model() as model:
        x, y, alpha_lo = (pm.Data(name, value) for name, value in data.items())
        A_max, delta = pm.Uniform("A_max", 0, 1), pm.Uniform("delta", 0, 1)
        alpha, beta = pm.Uniform("alpha", alpha_lo, 1000), pm.Uniform("beta", 0, 100)
        noise = pm.LogNormal("noise", np.log(0.012), 1.0)
        pm.Normal("accuracy", A_max * (1 - (1 - delta) ** ((x + alpha) ** beta)), noise, observed=y)
    program = nutpie.compile_pymc_model(model)

    def verdict(runs: Runs) -> dict[str, Any]:
        seen = observations(runs)
        lowest = max(-1000.0, -seen.ends.x_first[0])
        given = program.with_data(x=seen.x, y=seen.accuracy, alpha_lo=lowest)
        return {**sample(given, [*PARAMETERS, "noise"])[1], "attempts": 1}

    return verdict


def _done(out: Path, priors: str, cell: Cell) -> bool:
    return out.exists() and (priors, cell.id) in set(pd.read_csv(out).set_index(TASK).index)


def _append(out: Path, row: dict[str, Any]) -> None:
    pd.DataFrame([row]).to_csv(out, mode="a", header=not out.exists(), index=False)


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
