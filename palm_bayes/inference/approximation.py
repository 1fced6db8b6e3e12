"""Normal approximation of the posterior of one strategy, from which NUTS starts.

NUTS takes most of its warm-up to reach the posterior and to learn its scales and correlations. The
mode and the curvature there give both at the price of about a hundred gradients. They affect how
well NUTS works, and not what it samples.
"""

from collections.abc import Callable

import numpy as np
from scipy.optimize import OptimizeResult, minimize
from scipy.special import logit

from palm_bayes.arrays import Floats
from palm_bayes.errors import DataError
from palm_bayes.inference.compile_cache import Normal
from palm_bayes.model.curve_regions import Region
from palm_bayes.model.priors import Priors
from palm_bayes.model.variables import Ends

_STARTS = 500  # points that are tried, as by nutpie
_NO_DENSITY = 1e10  # in place of infinity, with which the optimiser cannot calculate
_STEP = 0.01  # of a standard deviation, for differences of gradients
_MOST_SD = 2.0  # the coordinates are of the order of 1

Density = Callable[[Floats], tuple[float, Floats]]
"""Function that returns the log density, -inf where there is none, and its gradient."""


def approximation(density: Density, starts: Callable[[int], Floats]) -> Normal:
    """Approximate a density at its mode.

    `starts` returns a point for each seed; the search begins at the first one with a density.
    """

    def less(point: Floats) -> tuple[float, Floats]:
        value, gradient = density(point)
        return (-value if value > -np.inf else _NO_DENSITY), -gradient

    points = map(starts, range(_STARTS))
    start = next((point for point in points if density(point)[0] > -np.inf), None)
    if start is None:  # nutpie would say so too, but its threads may then crash at exit
        raise DataError(
            "the prior has no density where the chains start, near the data: widen its parts, and "
            "set bounds on alpha and beta by alpha_lo, alpha_hi and beta_hi"
        )
    found = minimize(less, start, jac=True, method="BFGS")
    return Normal(found.x, _factor(less, found))


def _factor(less: Density, found: OptimizeResult) -> Floats:
    """Return a factor of the inverse of the curvature, where that is positive and not too small."""
    variances = np.maximum(np.diag(found.hess_inv), 1e-8)  # positive, but for rounding errors
    steps = _STEP * np.sqrt(variances)
    slopes = [(less(found.x + step)[1], less(found.x - step)[1]) for step in np.diag(steps)]
    curvature = np.array([above - below for above, below in slopes]) / (2 * steps[:, None])
    values, vectors = np.linalg.eigh((curvature + curvature.T) / 2)
    return np.asarray(vectors / np.sqrt(np.maximum(values, _MOST_SD**-2)))


def near_data(ends: Ends, priors: Priors, region: Region) -> Callable[[int], Floats]:
    """Return unconstrained points near the data: in remote local modes of PALM noise explains all.

    Points are in the order of `palm_bayes.model.variables.NUMBERS`; `ends` are of one strategy. In
    the chart of rising curves, three coordinates (`palm_bayes.model.coordinates`) have their origin
    at the data. The noise is small, with usual shares.
    """
    first, last, x_first, count = (
        float(end[0]) for end in (ends.accuracy_first, ends.accuracy_last, ends.x_first, ends.count)
    )
    last = float(np.clip(last, 0.005, 0.995))
    log_u = np.log(-np.log1p(-np.clip(first / last, 0.02, 0.97)))
    lowest = max(priors.alpha_lo, -x_first)
    alpha = np.clip(1.5 / (priors.alpha_hi - lowest), 1e-9, 0.5)
    saturated = {"flat": [logit(last), 0.0, 0.0, 0.0], "step": [logit(last), log_u, 0.5, -2.0]}
    of_curve = saturated.get(region, [0.0, 0.0, 0.0, logit(alpha)])
    memory = [0.5 * np.sqrt(count), 0.0]  # ρ of about 0.3
    center = np.array([*memory, -3.0, 1.5, -1.0, *of_curve])
    jitter = np.array([*[0.5] * 5, 0.1, 0.1, 0.5, 0.5])
    return lambda seed: center + jitter * np.random.default_rng(seed).uniform(-1, 1, len(center))
