"""Sensitivity to the prior: posterior draws as if the prior weighed more or less.

The prior density of a strategy's parameters is raised to a power, by Pareto-smoothed importance
weights of the draws (Kallioinen, Paananen, Bürkner and Vehtari, *Detecting and diagnosing prior and
likelihood sensitivity with power-scaling*, Statistics and Computing 2024). The prior of the misfit,
which data do not inform, and that of pooling remain.
"""

import json

import numpy as np
from numpy.typing import NDArray

from palm_bayes.inference.draws import Floats
from palm_bayes.inference.importance_refit import PARETO_K_MOST, picked, priors_of, smoothed
from palm_bayes.inference.posterior import Posterior
from palm_bayes.model.build import FREE, observations
from palm_bayes.model.priors import joint_logp

POWERS = {"half": 0.5, "twice": 2.0}
"""Powers of the prior, by name."""


def prior_stored(fit: Posterior) -> bool:
    """Return False for custom priors, which a fit does not store."""
    return _name_of(fit) != "own"


def log_prior(fit: Posterior, strategy: str) -> Floats:
    """Compute the log prior density of a strategy's parameters, up to a constant.

    It is the density of the model's free variables, as in the group ``log_prior`` of `full_trace`.

    Parameters
    ----------
    fit : Posterior
    strategy : str

    Returns
    -------
    array, dims (chain, draw)

    Raises
    ------
    DataError
        If the priors are custom ones.
    """
    priors = priors_of(_name_of(fit), fit.learned, None)
    draws = fit.trace["posterior"].to_dataset().sel(strategy=strategy)
    each = (draws[name].transpose("chain", "draw", ...).to_numpy() for name in FREE)
    flat = [values.reshape(-1, *values.shape[2:]) for values in each]
    x_first = float(observations(fit.runs.strategy(strategy)).ends.x_first[0])
    found = joint_logp(priors)(*flat, x_first, max(priors.alpha_lo, -x_first))
    return found.reshape(draws.sizes["chain"], draws.sizes["draw"])


def scaled(log_prior: Floats, power: float) -> NDArray[np.int64] | None:
    """Pick draws as if their prior density were raised to a power.

    Parameters
    ----------
    log_prior : array, dims (chain, draw)
    power : float

    Returns
    -------
    array of int, dims (sample,), or None
        Positions in the draws, chain after chain, of which there are as many; None if the
        importance weights are unreliable, by their Pareto k.
    """
    log_weights, pareto_k = smoothed((power - 1) * log_prior)
    if not pareto_k <= PARETO_K_MOST:
        return None
    return np.asarray(picked(np.exp(log_weights).reshape(1, -1))[0])


def _name_of(fit: Posterior) -> str:
    return str(json.loads(fit.trace.attrs["palm_bayes"])["sampling"]["priors"])
