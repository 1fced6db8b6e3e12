"""The noise of repetitions around their expected curve, as pure array functions.

Four things that real curves show: its spread shrinks as the curve saturates; a part of it lasts
through a repetition, which has its own test split and its own start; the rest is autocorrelated,
since training sets are nested; and repetitions have a share of it in common, since they use one
test split and often one start pool, so that more repetitions do not make their mean as certain as
independent ones would. As in `curve`, ``xp`` is `numpy` or `pytensor.tensor`.
"""

from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from palm_bayes.curve import Array

LOG_SQRT_2PI = 0.5 * np.log(2 * np.pi)


def spread(
    gap: Array, gap_last: Array, noise: Array, noise_ratio: Array, xp: ModuleType = np
) -> Array:
    """Standard deviation of an accuracy around the expected curve.

    It is sqrt(σ² + (τ · gap)²), written by its value at the last observed x and by τ/σ. So written
    the data know the first and a flat curve leaves the second to its prior; σ and τ themselves
    trade off along an L, on which NUTS diverges.

    Parameters
    ----------
    gap, gap_last : array
        Share of A_max still missing (`palm_bayes.curve.gap`) where asked, and at x_last.
    noise : array
        Standard deviation at x_last, as a fraction of accuracy.
    noise_ratio : array
        τ/σ: the spread far from saturation over the spread at saturation, roughly.
    """
    return noise * xp.sqrt((1 + (noise_ratio * gap) ** 2) / (1 + (noise_ratio * gap_last) ** 2))


def carry(rho: Array, lag: Array) -> Array:
    """Share of a standardised residual that is left `lag` episodes later, 0 where `lag` is 0.

    A lag of 0 marks the first observation of a run, which has nothing before it.
    """
    return rho**lag * (lag > 0)


def log_density(
    y: Array,
    mean: Array,
    sd: Array,
    carried: Array,
    shared: Array,
    lasting: Array,
    step: Array,
    first: Array,
    xp: ModuleType = np,
) -> Array:
    """Log-density of each accuracy given what comes before.

    The standardised residuals of a run are sqrt(λ) · c + sqrt(1 − λ) · w, c a standard normal of
    the run and w a stationary AR(1). Given are the accuracies before it in its run, and those of
    the runs before that take the same step: innovations of one step have correlation `shared`.

    Parameters
    ----------
    y : array, dims (..., observation)
        Accuracies, run after run, in order of episode.
    mean, sd : array, dims (..., observation)
        Expected accuracy and `spread`.
    carried : array, dims (..., observation)
        `carry` of each observation.
    shared : array, dims (..., observation)
        Share of the noise's variance that runs have in common, in [0, 1).
    lasting : array, dims (..., observation)
        Share of its variance that lasts through a run (λ), in [0, 1).
    step : array of int, dims (observation,)
        `step_begins` of the observations.
    first : array of int, dims (observation,)
        Where the run of each observation begins.

    Returns
    -------
    array, dims (..., observation)
        The terms whose sum is the log-likelihood.
    """
    new, scale = unexpected(y, mean, sd, carried, lasting, first, xp)
    innovation = new / scale
    runs_in_order = xp.arange(step.shape[-1])  # which a sort that is not stable would shuffle
    order = xp.argsort(step * step.shape[-1] + runs_in_order)
    place = xp.argsort(order)
    total_before = _before(innovation[..., order], xp)
    earlier = total_before[..., place] - total_before[..., step]
    own = 1 - shared
    known = own + shared * (place - step)
    expected = shared * earlier / known
    variance = own * (known + shared) / known
    volume = 0.5 * xp.log(variance) + xp.log(scale * sd) + LOG_SQRT_2PI
    return -0.5 * (innovation - expected) ** 2 / variance - volume


def unexpected(
    y: Array,
    mean: Array,
    sd: Array,
    carried: Array,
    lasting: Array,
    first: Array,
    xp: ModuleType = np,
) -> tuple[Array, Array]:
    """Standardised residuals without what their runs let expect, and the standard deviation of it.

    Parameters are as in `log_density`.
    """
    change, weight = _changes((y - mean) / sd, carried, xp), telling(carried, xp)
    left = xp.sqrt(1 - carried**2)
    told, known = (_before(part, xp) for part in (weight * change / left, weight**2))
    past = told - told[..., first], known - known[..., first]
    expected, scale = foreseen(*past, weight, lasting, xp)
    return change - left * expected, left * scale


def _changes(residual: Array, carried: Array, xp: ModuleType) -> Array:
    """Residuals without what is carried of the one before."""
    before = xp.concatenate([xp.zeros_like(residual[..., :1]), residual[..., :-1]], axis=-1)
    return residual - carried * before


def telling(carried: Array, xp: ModuleType = np) -> Array:
    """How much of what lasts is in the innovation of an AR(1) that it is added to."""
    return xp.sqrt((1 - carried) / (1 + carried))


def foreseen(
    told: Array, known: Array, weight: Array, lasting: Array, xp: ModuleType = np
) -> tuple[Array, Array]:
    """Mean and standard deviation of an innovation, given those before it in its run.

    They are weight · sqrt(λ) · c + sqrt(1 − λ) · v with independent standard normals v: a linear
    regression on c, whose prior is standard normal.

    Parameters
    ----------
    told, known : array
        Sums over the innovations before, of weight · innovation and of weight².
    weight : array
        `telling` of it.
    lasting : array
        λ.
    """
    own = 1 - lasting
    before = own + lasting * known
    after = before + lasting * weight**2
    return lasting * weight * told / before, xp.sqrt(own * after / before)


def _before(values: Array, xp: ModuleType) -> Array:
    """Sums along the last axis over what comes before."""
    return xp.cumsum(values, axis=-1) - values


def step_begins(where: NDArray[np.float64]) -> NDArray[np.int64]:
    """Tell which observations take the same step: the number of observations in steps before it.

    Parameters
    ----------
    where : array, dims (observation, key)
        Rows are equal where the step is the same.
    """
    _, of, count = np.unique(where, axis=0, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - count)[of])


def step_ends(x: Array, lag: Array) -> NDArray[np.float64]:
    """Where the step to each observation ends and starts, and its lag; dims (observation, 3).

    A run's first observation, of lag 0, is a step from itself.
    """
    return np.stack([x, np.where(lag > 0, np.roll(x, 1), x), lag], axis=-1)


def mixed(common: Array, own: Array, shared: Array, xp: ModuleType = np) -> Array:
    """Standard normals, of which a share of the variance is in common; from such normals."""
    return xp.sqrt(shared) * common + xp.sqrt(1 - shared) * own


class Past(NamedTuple):
    """What runs have come to: their last standardised residual, and what tells of what lasts.

    Attributes
    ----------
    residual, told, known : array, dims (...)
        The last two as in `foreseen`.
    """

    residual: Array
    told: Array
    known: Array


UNBEGUN = Past(0.0, 0.0, 0.0)


def past(y: Array, mean: Array, sd: Array, carried: Array) -> Past:
    """What one run has come to after its observations; parameters as in `log_density`."""
    residual, weight = (y - mean) / sd, telling(carried)
    told = weight * _changes(residual, carried, np) / np.sqrt(1 - carried**2)
    return Past(residual[..., -1], told.sum(axis=-1), (weight**2).sum(axis=-1))


def simulate(
    mean: Array,
    sd: Array,
    carried: Array,
    lasting: Array,
    fresh: Array,
    start: Past = UNBEGUN,
    first: Array | None = None,
) -> Array:
    """Draw accuracies along runs, the process of `log_density`.

    Parameters
    ----------
    mean, sd, carried : array, dims (..., observation)
        As in `log_density`.
    lasting : array, dims (...)
    fresh : array, dims (..., observation)
        Standard normal draws; with correlation ``shared`` between runs that take the same step.
    start : Past, dims (...)
        Before the first observation; its residual counts where `carried` is not 0.
    first : array of int, dims (observation,), optional
        Where the run of each observation begins, if there are several.

    Returns
    -------
    array, dims (..., observation)
    """
    residual = np.empty(np.broadcast_shapes(mean.shape, fresh.shape))
    weights, left = telling(carried), np.sqrt(1 - carried**2)
    before, told, known = start
    for i in range(mean.shape[-1]):
        if first is not None and first[i] == i:
            before, told, known = UNBEGUN
        weight = weights[..., i]
        expected, scale = foreseen(told, known, weight, lasting)
        innovation = expected + scale * fresh[..., i]
        told, known = told + weight * innovation, known + weight**2
        before = carried[..., i] * before + left[..., i] * innovation
        residual[..., i] = before
    return mean + sd * residual
