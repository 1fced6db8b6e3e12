"""Effective draws per second: curve coordinates against PALM's own parameters. See README.md.

python benchmarks/ess.py --curves DIR
"""

import time
from dataclasses import replace
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from cells import cells, curves_parser
from plain import SETTINGS, sample

from palm_bayes.data.runs import Runs
from palm_bayes.inference.compile_cache import compile_model, with_data
from palm_bayes.inference.nuts import compile_programs, sample_strategy
from palm_bayes.inference.posterior import PARAMETERS as NAMES
from palm_bayes.model import curve
from palm_bayes.model.likelihood import LogLikelihood, register_in_numba
from palm_bayes.model.priors import (
    Priors,
    curve_logp,
    named_priors,
    noise_over_unit,
    noise_unit,
)
from palm_bayes.model.steps import ROWS, ends_of, pooled
from palm_bayes.model.variables import NOISE, Observations, observations

PARAMETERS = list(NAMES)


def main() -> None:
    parser = curves_parser(__doc__, stride=40)
    parser.add_argument("--priors", nargs="+", default=["default"], choices=["default", "bounds"])
    args = parser.parse_args()
    rows = []
    for name in args.priors:
        priors = named_priors(name)
        compile_programs(priors)
        program = compile_model(plain_model(priors), PARAMETERS)
        for cell in cells(args.curves, args.stride):
            for coordinates, measured in (
                ("curve", in_curve_coordinates(cell.half, priors)),
                ("plain", in_plain_coordinates(program, cell.half, priors)),
            ):
                rows.append({"priors": name, "cell": cell.id, "in": coordinates, **measured})
    report(pd.DataFrame(rows))


def in_curve_coordinates(runs: Runs, priors: Priors) -> dict[str, Any]:
    """As the package samples, its second tries timed too."""
    start = time.perf_counter()
    found = sample_strategy(runs, priors, SETTINGS)
    return measured(found.posterior[PARAMETERS], found.verdict, time.perf_counter() - start)


def in_plain_coordinates(program: Any, runs: Runs, priors: Priors) -> dict[str, Any]:
    """The same posterior, settings and sampler, started as near to the data."""
    data = observations(runs)
    program = with_data(program, pooled(data))
    start = time.perf_counter()
    near_data = replace(program, initial_point_func=near(program, data, priors))
    posterior, verdict = sample(near_data, PARAMETERS)
    return measured(posterior, verdict, time.perf_counter() - start)


def measured(posterior: xr.Dataset, verdict: dict[str, Any], seconds: float) -> dict[str, Any]:
    ess = float(az.ess(posterior, method="bulk").to_array().min())
    found = {name: verdict[name] for name in ("passed", "divergences", "r_hat")}
    return {"seconds": seconds, "ess": ess, "rate": ess / seconds, **found}


def plain_model(priors: Priors) -> pm.Model:
    """Write the package's posterior in A_max, δ, α and β, each with PyMC's transform of its own.

    Uniform variables carry the transforms; the joint density of the prior is added to them.
    """
    register_in_numba()
    with pm.Model() as model:
        rows = pm.Data("steps", np.zeros((ROWS, 8)), shape=(ROWS, None))  # until `with_data`
        x_first = ends_of(rows).x_first
        alpha_lo = pt.maximum(priors.alpha_lo, -x_first)
        A_max, delta = pm.Uniform("A_max", 0, 1), pm.Uniform("delta", 0, 1)
        alpha = pm.Uniform("alpha", alpha_lo, priors.alpha_hi)
        beta = pm.Uniform("beta", 0, priors.beta_hi)
        log_u = curve.log_u_first(delta, alpha, beta, x_first, pt)
        point = pt.stack([A_max, log_u, alpha, beta])[None]
        k = -pt.log1p(-delta)
        joint = curve_logp(priors, point, x_first[None], alpha_lo[None])[0]
        # As a density of δ rather than of log u: |∂ log u / ∂δ| = 1 / ((1 − δ) k).
        pm.Potential("prior", joint + k - pt.log(k))
        over_unit = model.register_rv(noise_over_unit(priors), "noise")
        others = [model.register_rv(getattr(priors, name), name) for name in NOISE[1:]]
        noise = over_unit * noise_unit(priors, ends_of(rows).accuracy_last, pt)
        parameters = pt.stack([A_max, log_u, alpha, beta, noise, *others])
        pm.Potential("accuracy", LogLikelihood()(parameters, rows)[0])
    return model


def near(program: Any, data: Observations, priors: Priors) -> Any:
    """Start where the package's chains start, in these coordinates, with as much jitter."""
    last, first = float(data.ends.accuracy_last[0]), float(data.ends.accuracy_first[0])
    last = float(np.clip(last, 0.005, 0.995))
    u_first = -np.log1p(-np.clip(first / last, 0.02, 0.97))
    lowest = max(priors.alpha_lo, -data.ends.x_first[0])
    start, beta = data.ends.x_first[0] + lowest + 1.5, 0.7
    delta = -np.expm1(-u_first / start**beta)
    A_max = last + (1 - last) / 2
    shares = np.array([A_max, delta, 1.5 / (priors.alpha_hi - lowest), beta / priors.beta_hi])
    center = np.log(shares / (1 - shares))

    def start_point(seed: int) -> np.ndarray:
        point = program.initial_point_func(seed)
        point[:4] = center + np.random.default_rng(seed).uniform(-0.5, 0.5, 4)
        point[4:6] += -3.0, 1.5  # small noise, and its ratio
        return point

    return start_point


def report(rows: pd.DataFrame) -> None:
    """Print what a cell gives in either coordinates, and the ratio cell by cell."""
    table = rows.groupby(["priors", "in"], sort=False).agg(
        cells=("cell", "size"),
        passed=("passed", "mean"),
        with_divergences=("divergences", lambda count: (count > 0).mean()),
        r_hat_median=("r_hat", "median"),
        seconds_median=("seconds", "median"),
        ess_median=("ess", "median"),
        ess_per_s=("rate", "median"),
    )
    rates = rows.set_index(["priors", "cell", "in"])["rate"].unstack("in")
    ratio = (rates["curve"] / rates["plain"]).groupby("priors", sort=False)
    quantiles = ratio.quantile([0.1, 0.5, 0.9]).unstack()
    print(table.to_string(float_format="{:.3g}".format))
    print("\nRatio of ESS per second, curve over plain, cell by cell (10 %, 50 %, 90 %):")
    print(quantiles.to_string(float_format="{:.3g}".format))


if __name__ == "__main__":
    main()
