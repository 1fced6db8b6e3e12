"""Models of the benchmarks' own, sampled as the package samples its own."""

from typing import Any

import nutpie
import pymc as pm
import pytensor.tensor as pt
import xarray as xr

from palm_bayes.data.runs import Runs
from palm_bayes.inference.convergence import diagnose, e_bfmi
from palm_bayes.inference.settings import Settings
from palm_bayes.model.curve import PARAMETERS
from palm_bayes.model.noise import single_prediction_sd
from palm_bayes.model.variables import observations

SETTINGS = Settings()
NAIVE = [*PARAMETERS, "noise"]

NAIVE_IN_STAN = """
data {
  int n;
  vector[n] x;
  vector[n] y;
  real alpha_lo;
  real unit;
}
parameters {
  real<lower=0, upper=1> A_max;
  real<lower=0, upper=1> delta;
  real<lower=alpha_lo, upper=1000> alpha;
  real<lower=0, upper=100> beta;
  real<lower=0> noise;
}
model {
  noise ~ lognormal(log(0.03 * unit), 1.1);
  y ~ normal(A_max * (1 - pow(1 - delta, pow(x + alpha, beta))), noise);
}
"""


def naive(x: Any, y: Any, alpha_lo: Any, unit: Any) -> None:
    """Give the model at hand PALM as first written: bounded uniforms, independent normal noise.

    The prior of the noise is the package's. `NAIVE_IN_STAN` is the same model.
    """
    A_max, delta = pm.Uniform("A_max", 0, 1), pm.Uniform("delta", 0, 1)
    alpha, beta = pm.Uniform("alpha", alpha_lo, 1000), pm.Uniform("beta", 0, 100)
    noise = pm.LogNormal("noise", pt.log(0.03 * unit), 1.1)
    pm.Normal("accuracy", A_max * (1 - (1 - delta) ** ((x + alpha) ** beta)), noise, observed=y)


def naive_data(runs: Runs) -> dict[str, Any]:
    """Return the arguments of `naive` for one strategy."""
    seen = observations(runs)
    unit = float(single_prediction_sd(seen.ends.accuracy_last[0]))
    alpha_lo = max(-1000.0, -seen.ends.x_first[0])
    return {"x": seen.x, "y": seen.accuracy, "alpha_lo": alpha_lo, "unit": unit}


def sample(program: Any, parameters: list[str]) -> tuple[xr.Dataset, dict[str, Any]]:
    """Posterior of a compiled program, by the package's sampler and settings; and its verdict."""
    tree = nutpie.sample(
        program,
        draws=SETTINGS.draws,
        tune=SETTINGS.tune,
        chains=SETTINGS.chains,
        seed=SETTINGS.seed,
        target_accept=SETTINGS.target_accept,
        adaptation="low_rank",
        save_warmup=False,
        progress_bar=False,
    )
    return judged(tree, parameters)


def judged(tree: xr.DataTree, parameters: list[str]) -> tuple[xr.Dataset, dict[str, Any]]:
    """Posterior of these parameters, and the package's verdict of convergence."""
    posterior, stats = tree["posterior"].to_dataset()[parameters], tree["sample_stats"]
    return posterior, diagnose(posterior, int(stats["diverging"].sum()), e_bfmi(stats["energy"]))
