"""Random-effects meta-analysis: one strategy's effect over many tasks.

Each task i gives an effect with mean y_i and standard deviation s_i, from its posterior. True
effects differ between tasks (DerSimonian and Laird 1986, Controlled Clinical Trials 7, 177-188;
Higgins, Thompson and Spiegelhalter 2009, J. R. Stat. Soc. A 172, 137-159):

    y_i ~ Normal(θ_i, s_i²),  θ_i ~ Normal(μ, τ²),  μ ~ Normal(0, 1),  τ ~ HalfNormal(0.5)

The scales of the priors suit logarithms of speed-ups. Given τ, all is normal in closed form: with
w_i = 1 / (s_i² + τ²), μ has the precision P = 1 + Σ w_i and the mean m = Σ w_i y_i / P, and a new
task's effect is Normal(m, 1/P + τ²). The posterior of τ, one-dimensional, is computed on a grid:

    log p(τ | y) = −τ² / (2 · 0.5²) + ½ (Σ log w_i − Σ w_i y_i² − log P + P m²) + constant

There is no Monte-Carlo error.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import ndtr, softmax

from palm_bayes.arrays import Floats
from palm_bayes.errors import DataError

PRIOR_MEAN_SD = 1.0
PRIOR_TAU_SCALE = 0.5
LEAST_SD = 1e-3  # of a task's effect: none is known exactly
_GRID = 5 * np.linspace(0, 1, 401) ** 2  # of tau, finer near 0


@dataclass(frozen=True)
class Pooled:
    """An effect pooled over tasks.

    Attributes
    ----------
    tasks : int
    mean, lower, upper : float
        Posterior median and interval of μ, the mean over tasks.
    tau : float
        Posterior median of τ, the standard deviation between tasks.
    new_lower, new_upper : float
        Interval of the effect on a new task.
    p_mean : float
        P(μ > 0).
    p_new : float
        P(the effect on a new task > 0): that the strategy helps there.
    """

    tasks: int
    mean: float
    lower: float
    upper: float
    tau: float
    new_lower: float
    new_upper: float
    p_mean: float
    p_new: float


def pooled(means: ArrayLike, sds: ArrayLike, probability: float = 0.9) -> Pooled:
    """Pool a strategy's effect over tasks.

    Parameters
    ----------
    means, sds : arrays, shape (tasks,)
        Mean and standard deviation of the effect in each task.
    probability : float
        Probability of the intervals.

    Raises
    ------
    DataError
        If a number is not finite, or there is no task.
    """
    y, s = np.asarray(means, float), np.asarray(sds, float)
    if not len(y) or not (np.isfinite(y).all() and np.isfinite(s).all()):
        raise DataError(f"{len(y)} effects to pool: there must be at least one, all finite")
    weight, centre, sd = _given_tau(y, np.maximum(s, LEAST_SD))
    around = np.hypot(sd, _GRID)
    tail = (1 - probability) / 2
    middle, lower, upper = (_quantile(p, weight, centre, sd) for p in (0.5, tail, 1 - tail))
    new_lower, new_upper = (_quantile(p, weight, centre, around) for p in (tail, 1 - tail))
    return Pooled(
        tasks=len(y),
        mean=middle,
        lower=lower,
        upper=upper,
        tau=float(np.interp(0.5, np.cumsum(weight) - weight / 2, _GRID)),
        new_lower=new_lower,
        new_upper=new_upper,
        p_mean=float(weight @ ndtr(centre / sd)),
        p_new=float(weight @ ndtr(centre / around)),
    )


def _given_tau(y: Floats, s: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the posterior weight of each τ, and mean and standard deviation of μ given it."""
    sums = []
    for tau in _GRID:  # one by one: all at once take 401 times the memory of the tasks
        w = 1 / (s**2 + tau**2)
        sums.append((w.sum(), w @ y, np.log(w).sum() - w @ y**2))
    weights, weighted, own = np.array(sums).T
    precision = 1 / PRIOR_MEAN_SD**2 + weights
    centre = weighted / precision
    fit = own - np.log(precision) + precision * centre**2
    log_density = 0.5 * fit - 0.5 * (_GRID / PRIOR_TAU_SCALE) ** 2
    steps = np.gradient(_GRID)
    return softmax(log_density + np.log(steps)), centre, 1 / np.sqrt(precision)


def _quantile(p: float, weight: Floats, centre: Floats, sd: Floats) -> float:
    """Return a quantile of a mixture of normal distributions."""
    low, high = (centre - 10 * sd).min(), (centre + 10 * sd).max()
    return float(brentq(lambda x: weight @ ndtr((x - centre) / sd) - p, low, high))
