"""The noise of repetitions around their expected curve, as pure array functions.

Three things that real curves show: its spread shrinks as the curve saturates; it is
autocorrelated within a repetition, whose training sets are nested and whose test split is one; and
repetitions have a share of it in common, since they use one test split and often one start pool,
so that more repetitions do not make their mean as certain as independent ones would.
As in `curve`, ``xp`` is `numpy` or `pytensor.tensor`.
"""

from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from palm_bayes.curve import Array

_LOG_SQRT_2PI = 0.5 * np.log(2 * np.pi)


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
    step: Array,
    xp: ModuleType = np,
) -> Array:
    """Log-density of each accuracy given what comes before: AR(1), stationary, partly shared.

    Given are the accuracy before it in its run, and those of the runs before that take the same
    step: innovations of one step have correlation `shared`.

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
    step : array of int, dims (observation,)
        `step_begins` of the observations.

    Returns
    -------
    array, dims (..., observation)
        The terms whose sum is the log-likelihood.
    """
    left = 1 - carried**2
    innovation = unexpected(y, mean, sd, carried, xp) / xp.sqrt(left)
    runs_in_order = xp.arange(step.shape[-1])  # which a sort that is not stable would shuffle
    order = xp.argsort(step * step.shape[-1] + runs_in_order)
    place = xp.argsort(order)
    in_order = innovation[..., order]
    total_before = xp.cumsum(in_order, axis=-1) - in_order
    earlier = total_before[..., place] - total_before[..., step]
    own = 1 - shared
    known = own + shared * (place - step)
    expected = shared * earlier / known
    variance = own * (known + shared) / known
    scale = 0.5 * xp.log(left * variance) + xp.log(sd) + _LOG_SQRT_2PI
    return -0.5 * (innovation - expected) ** 2 / variance - scale


def unexpected(y: Array, mean: Array, sd: Array, carried: Array, xp: ModuleType = np) -> Array:
    """Standardised residual of each accuracy without what its run lets expect.

    Parameters and the result are as in `log_density`.
    """
    residual = (y - mean) / sd
    before = xp.concatenate([xp.zeros_like(residual[..., :1]), residual[..., :-1]], axis=-1)
    return residual - carried * before


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


class Steps(NamedTuple):
    """Steps of runs from an observation to the next, those between the same two x taken together.

    The log-likelihood depends on the accuracies by these sums alone, of which a task has as many
    as it has episodes, however often it was repeated. Each field has dims (..., step).

    Attributes
    ----------
    x, x_before : array
        Labels in batches at the step's end and start; the same at a run's first observation.
    lag : array
        Episodes between them, 0 at a run's first observation.
    count : array
        How many runs take the step.
    mean, mean_before : array
        Their mean accuracy at either end; 0 before a run's first observation.
    square, product, square_before : array
        Sums over the runs of the squares and products of the deviations from these means.
    """

    x: Array
    x_before: Array
    lag: Array
    count: Array
    mean: Array
    mean_before: Array
    square: Array
    product: Array
    square_before: Array


def steps(x: Array, accuracy: Array, lag: Array) -> Steps:
    """Sum up observations, run after run in order of episode; `lag` is 0 at a run's first."""
    accuracy_before = np.where(lag > 0, np.roll(accuracy, 1), 0)
    distinct, of = np.unique(step_ends(x, lag), axis=0, return_inverse=True)
    count = np.bincount(of)
    mean, mean_before = (np.bincount(of, part) / count for part in (accuracy, accuracy_before))
    off, off_before = accuracy - mean[of], accuracy_before - mean_before[of]
    products = (off * off, off * off_before, off_before * off_before)
    square, product, square_before = (np.bincount(of, part) for part in products)
    ends = distinct[:, 0], distinct[:, 1], distinct[:, 2]
    return Steps(*ends, count, mean, mean_before, square, product, square_before)


def steps_log_density(
    seen: Steps,
    mean: Array,
    sd: Array,
    mean_before: Array,
    sd_before: Array,
    carried: Array,
    shared: Array,
    xp: ModuleType = np,
) -> Array:
    """Sum of `log_density` over the runs that take each step.

    Of n innovations with correlation ω the mean has variance (1 − ω + nω) / n, and the n − 1
    deviations from it have 1 − ω, independently.

    Parameters
    ----------
    seen : Steps
    mean, sd, mean_before, sd_before : array, dims (..., step)
        Expected accuracy and `spread` at either end of a step.
    carried : array, dims (..., step)
        `carry` of each step.
    shared : array
        As in `log_density`.

    Returns
    -------
    array, dims (..., step)
    """
    here, before = 1 / sd, carried / sd_before
    innovation = here * (seen.mean - mean) - before * (seen.mean_before - mean_before)
    squares = (
        here**2 * seen.square - 2 * here * before * seen.product + before**2 * seen.square_before
    )
    own = 1 - shared
    common = own + seen.count * shared
    left = 1 - carried**2
    distance = (seen.count * innovation**2 / common + squares / own) / left
    volume = (seen.count - 1) * xp.log(own) + xp.log(common) + seen.count * xp.log(left)
    return -0.5 * (distance + volume) - seen.count * (xp.log(sd) + _LOG_SQRT_2PI)


def mixed(common: Array, own: Array, shared: Array, xp: ModuleType = np) -> Array:
    """Standard normals, of which a share of the variance is in common; from such normals."""
    return xp.sqrt(shared) * common + xp.sqrt(1 - shared) * own


def simulate(mean: Array, sd: Array, carried: Array, fresh: Array, start: Array = 0.0) -> Array:
    """Draw accuracies along runs, the process of `log_density`.

    Parameters
    ----------
    mean, sd, carried : array, dims (..., observation)
        As in `log_density`.
    fresh : array, dims (..., observation)
        Standard normal draws; with correlation ``shared`` between runs that take the same step.
    start : array, dims (...)
        Standardised residual before the first observation; counts where its `carried` is not 0.

    Returns
    -------
    array, dims (..., observation)
    """
    residual = fresh * np.sqrt(1 - carried**2)
    before = start
    for i in range(mean.shape[-1]):
        residual[..., i] += carried[..., i] * before
        before = residual[..., i]
    return mean + sd * residual
