"""Sensitivity to the prior: posterior draws as if the prior weighed more or less.

The prior density of a strategy's parameters is raised to a power, by Pareto-smoothed importance
weights of the draws (Kallioinen, Paananen, Bürkner and Vehtari, *Detecting and diagnosing prior and
likelihood sensitivity with power-scaling*, Statistics and Computing 2024). The prior of the misfit,
which data do not inform, and that of pooling remain.
"""

from typing import Any

import numpy as np
import xarray as xr
from scipy import stats

from palm_bayes.arrays import Floats, Integers
from palm_bayes.inference.saved import learned_of
from palm_bayes.inference.weights import PARETO_K_MOST, resampled, smoothed
from palm_bayes.model.known_noise import noise_log_normals
from palm_bayes.model.learned import LogNormal
from palm_bayes.model.noise import single_prediction_sd
from palm_bayes.model.variables import BETAS

POWERS = {"half": 0.5, "twice": 2.0}
"""Powers of the prior, by name."""
_SHARES = {name: stats.beta(*shape) for name, shape in BETAS.items()}


def prior_scaled(trace: xr.DataTree) -> xr.Dataset:
    """Pick draws of every strategy as if its default prior weighed half or twice as much.

    ``position``, dims (strategy, weight, sample), are positions in the draws, chain after chain;
    ``reliable``, dims (strategy, weight), says whether they can be used, by their Pareto k.
    """
    names = trace["posterior"]["strategy"].to_numpy()
    size = trace["posterior"].sizes["chain"] * trace["posterior"].sizes["draw"]
    position = np.zeros((len(names), len(POWERS), size), dtype=np.int32)
    reliable = np.zeros((len(names), len(POWERS)), dtype=bool)
    for i, name in enumerate(names):
        density = log_prior(trace, name)
        for j, power in enumerate(POWERS.values()):
            picks = scaled(density, power)
            if picks is not None:
                position[i, j], reliable[i, j] = picks, True
    return xr.Dataset(
        {
            "position": (("strategy", "weight", "sample"), position),
            "reliable": (("strategy", "weight"), reliable),
        },
        {"strategy": names, "weight": list(POWERS)},
    )


def log_prior(trace: xr.DataTree, strategy: str) -> Floats:
    """Compute the default log prior density of a strategy's parameters, up to a constant.

    It is the density of the model's free variables, as in the group ``log_prior`` of `full_trace`,
    computed by SciPy, since answers of a saved fit do not wait for PyMC. `trace` is of a fit with
    the default priors; the result has dims (chain, draw).
    """
    draws = trace["posterior"].to_dataset().sel(strategy=strategy).transpose("chain", "draw", ...)
    ends = trace["constant_data"]["ends"].sel(strategy=strategy)
    x_first, accuracy_last = (float(ends.sel(end=end)) for end in ("x_first", "accuracy_last"))
    learned = learned_of(trace)
    known = noise_log_normals(trace["runs"].to_dataset().to_dataframe())
    densities = _SHARES | {
        name: _log_normal(prior) for name, prior in {"beta": learned.beta, **known}.items()
    }
    log_u = draws["curve"].sel(parameter="log_u_first").to_numpy()
    total = log_u - np.exp(log_u)  # of a uniform share 1 − exp(−u), as a density of log u
    alpha_start = draws["alpha"].to_numpy() + min(x_first, 1000.0)
    total = total + _log_normal(learned.alpha_start).logpdf(alpha_start)
    unit = single_prediction_sd(accuracy_last)
    draws = draws.assign(relative_noise=draws["noise"] / unit)
    total = total - np.log(unit)
    for name, density in densities.items():
        total = total + density.logpdf(draws[name].to_numpy())
    return np.asarray(total)


def _log_normal(prior: LogNormal) -> Any:
    return stats.lognorm(prior.width, scale=prior.median)


def scaled(log_prior: Floats, power: float) -> Integers | None:
    """Pick draws, of log densities of dims (chain, draw), as if these were raised to a power.

    Returns positions in the draws, chain after chain, as many as there are draws; None if the
    importance weights are unreliable, by their Pareto k.
    """
    log_weights, pareto_k = smoothed((power - 1) * log_prior)
    if not pareto_k <= PARETO_K_MOST:
        return None
    return np.asarray(resampled(np.exp(log_weights).reshape(1, -1))[0])
