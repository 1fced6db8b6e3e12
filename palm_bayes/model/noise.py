"""The noise of repetitions around their expected curve, as pure array functions.

What real curves show (`benchmarks/memory.py`): a repetition keeps an offset to its end, that of its
own test split, which is as large late as early. Beside it there is noise that passes: it shrinks as
the curve saturates, and is autocorrelated, since training sets are nested. And repetitions have a
share of both in common, since they use one test split and often one start pool, so that more
repetitions do not make their mean as certain as independent ones would. As in `curve`, ``xp`` is
`numpy` or `pytensor.tensor`.
"""

from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from palm_bayes.model.curve import Array

LOG_SQRT_2PI = 0.5 * np.log(2 * np.pi)

RESOLUTION = 1e-4
"""Standard deviation of what rounding does to an accuracy: scores are told to four digits or so.

Without it the density of accuracies that are all the same grows without bound as noise nears 0.
"""

# Of the variance that does not shrink, the share that passes: a test set is grainy, and accuracies
# that stay the same for a while are no proof that they will.
_GRAIN = 0.15
_STRAIGHT = 0.2  # fall over the data below which it says little of how the noise goes on


def offset(noise: Array, lasting: Array, xp: ModuleType = np) -> Array:
    """Standard deviation of what a repetition keeps, of accuracies.

    Parameters
    ----------
    noise : array
        Standard deviation of an accuracy at the last observed x, a fraction, but for rounding.
    lasting : array
        Share of its variance that does not shrink, in [0, 1): all but a grain of it lasts.
    """
    return noise * xp.sqrt((1 - _GRAIN) * lasting)


def passing(
    u: Array,
    u_first: Array,
    u_last: Array,
    noise: Array,
    noise_ratio: Array,
    lasting: Array,
    xp: ModuleType = np,
) -> Array:
    """Standard deviation of what does not last, at any x, of accuracies.

    It shrinks with a power of gap + gap_last, down to a grain and to `RESOLUTION`. The power is
    given by what both ends of the data see of it: a power itself, or a ratio to a floor, trades off
    with a gap that a saturated curve leaves open, and NUTS diverges.

    Parameters
    ----------
    u, u_first, u_last : array
        `palm_bayes.curve.u`, −log of the gap, where asked and at the first and last observed x.
    noise, lasting : array
        As in `offset`.
    noise_ratio : array
        How much larger what shrinks of it is at x_first than at x_last, if the gap has shrunk.
    """
    shrinking = (1 - lasting) * noise_ratio ** (2 * power(u, u_first, u_last, xp))
    return xp.sqrt(noise**2 * (shrinking + _GRAIN * lasting) + RESOLUTION**2)


def power(u: Array, u_first: Array, u_last: Array, xp: ModuleType = np) -> Array:
    """To which what shrinks has its ratio, 0 at the last observed x; parameters as in `passing`."""
    fall = _above_floor(u_last - u_first, xp)
    found = _above_floor(u_last - u, xp) / xp.sqrt(fall**2 + _STRAIGHT**2)
    # Before the data there is nothing to tell by, and past them it shrinks at most once more.
    return xp.maximum(xp.minimum(found, 1), -1)


def at_first(noise: Array, noise_ratio: Array, lasting: Array, xp: ModuleType = np) -> Array:
    """Standard deviation of an accuracy at the first observed x, if the gap has shrunk since.

    Parameters are as in `passing`.
    """
    return xp.sqrt(noise**2 * ((1 - lasting) * noise_ratio**2 + lasting) + RESOLUTION**2)


def _above_floor(log_ratio: Array, xp: ModuleType) -> Array:
    """Log of (gap + gap_last) / (2 gap_last), given that of gap / gap_last, which may be large."""
    return xp.maximum(log_ratio, 0) + xp.log1p(xp.exp(-xp.abs(log_ratio))) - np.log(2)


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
    lasts: Array,
    place: Array,
    first: Array,
    xp: ModuleType = np,
) -> Array:
    """Log-density of each accuracy given what comes before.

    The residuals of a run are lasts · c + sd · w, c a standard normal of the run and w a stationary
    AR(1). Given are the accuracies before it in its run, and those of the runs before that are at
    the same x: what is new in them has correlation `shared`.

    Parameters
    ----------
    y : array, dims (..., observation)
        Accuracies, run after run, in order of episode.
    mean, sd : array, dims (..., observation)
        Expected accuracy and `passing`.
    carried : array, dims (..., observation)
        `carry` of each observation.
    shared : array, dims (..., observation)
        Share of the noise's variance that runs have in common, in [0, 1).
    lasts : array, dims (..., observation)
        `offset`.
    place : array of int, dims (observation,)
        `place_begins` of the observations.
    first : array of int, dims (observation,)
        Where the run of each observation begins.

    Returns
    -------
    array, dims (..., observation)
        The terms whose sum is the log-likelihood.
    """
    new, scale = unexpected(y, mean, sd, carried, lasts, first, xp)
    innovation = new / scale
    runs_in_order = xp.arange(place.shape[-1])  # which a sort that is not stable would shuffle
    order = xp.argsort(place * place.shape[-1] + runs_in_order)
    rank = xp.argsort(order)
    total_before = _before(innovation[..., order], xp)
    earlier = total_before[..., rank] - total_before[..., place]
    own = 1 - shared
    known = own + shared * (rank - place)
    expected = shared * earlier / known
    variance = own * (known + shared) / known
    volume = 0.5 * xp.log(variance) + xp.log(scale * sd) + LOG_SQRT_2PI
    return -0.5 * (innovation - expected) ** 2 / variance - volume


def unexpected(
    y: Array,
    mean: Array,
    sd: Array,
    carried: Array,
    lasts: Array,
    first: Array,
    xp: ModuleType = np,
) -> tuple[Array, Array]:
    """Residuals over `sd`, without what their runs let expect, and the standard deviation of it.

    Parameters are as in `log_density`.
    """
    change, weight = (_changes(part / sd, carried, xp) for part in (y - mean, lasts))
    left = xp.sqrt(1 - carried**2)
    told, known = (_before(part / left**2, xp) for part in (weight * change, weight**2))
    past = told - told[..., first], known - known[..., first]
    expected, scale = foreseen(*past, weight / left, xp)
    return change - left * expected, left * scale


def _changes(values: Array, carried: Array, xp: ModuleType) -> Array:
    """Values without what is carried of the one before."""
    before = xp.concatenate([xp.zeros_like(values[..., :1]), values[..., :-1]], axis=-1)
    return values - carried * before


def telling(
    lasts: Array, sd: Array, sd_before: Array, carried: Array, xp: ModuleType = np
) -> Array:
    """How much of what lasts is in the innovation of an AR(1) that it is added to.

    Parameters
    ----------
    lasts, sd, carried : array
        As in `log_density`.
    sd_before : array
        `sd` of the run's observation before.
    """
    return (lasts / sd - carried * lasts / sd_before) / xp.sqrt(1 - carried**2)


def foreseen(told: Array, known: Array, weight: Array, xp: ModuleType = np) -> tuple[Array, Array]:
    """Mean and standard deviation of an innovation, given those before it in its run.

    They are weight · c + v with independent standard normals v: a linear regression on c, whose
    prior is standard normal.

    Parameters
    ----------
    told, known : array
        Sums over the innovations before, of weight · innovation and of weight².
    weight : array
        `telling` of it.
    """
    before = 1 + known
    return weight * told / before, xp.sqrt((before + weight**2) / before)


def _before(values: Array, xp: ModuleType) -> Array:
    """Sums along the last axis over what comes before."""
    return xp.cumsum(values, axis=-1) - values


def place_begins(where: NDArray[np.float64]) -> NDArray[np.int64]:
    """Tell which observations are at the same place: the number of observations at lower ones.

    Parameters
    ----------
    where : array, dims (observation, key)
        Rows, such as strategy and x, are equal where the place is the same.
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
    """What runs have come to.

    Attributes
    ----------
    residual, sd : array, dims (...)
        Of their last observation: its residual over `passing`, and that.
    told, known : array, dims (...)
        As in `foreseen`.
    """

    residual: Array
    sd: Array
    told: Array
    known: Array


UNBEGUN = Past(0.0, 1.0, 0.0, 0.0)


def past(y: Array, mean: Array, sd: Array, carried: Array, lasts: Array) -> Past:
    """What one run has come to after its observations; parameters as in `log_density`."""
    residual, kept = (y - mean) / sd, lasts / sd
    change, weight = (_changes(part, carried, np) for part in (residual, kept))
    told, known = ((part / (1 - carried**2)).sum(-1) for part in (weight * change, weight**2))
    return Past(residual[..., -1], sd[..., -1], told, known)


def simulate(
    mean: Array,
    sd: Array,
    carried: Array,
    lasts: Array,
    fresh: Array,
    start: Past = UNBEGUN,
    first: Array | None = None,
) -> Array:
    """Draw accuracies along runs, the process of `log_density`.

    Parameters
    ----------
    mean, sd, carried : array, dims (..., observation)
        As in `log_density`.
    lasts : array, dims (...)
    fresh : array, dims (..., observation)
        Standard normal draws; with correlation ``shared`` between runs at the same x.
    start : Past, dims (...)
        Before the first observation; its residual counts where `carried` is not 0.
    first : array of int, dims (observation,), optional
        Where the run of each observation begins, if there are several.

    Returns
    -------
    array, dims (..., observation)
    """
    residual = np.empty(np.broadcast_shapes(mean.shape, fresh.shape))
    left = np.sqrt(1 - carried**2)
    before, sd_before, told, known = start
    for i in range(mean.shape[-1]):
        if first is not None and first[i] == i:
            before, sd_before, told, known = UNBEGUN
        weight = telling(lasts, sd[..., i], sd_before, carried[..., i])
        expected, scale = foreseen(told, known, weight)
        innovation = expected + scale * fresh[..., i]
        told, known = told + weight * innovation, known + weight**2
        before = carried[..., i] * before + left[..., i] * innovation
        sd_before = sd[..., i]
        residual[..., i] = before
    return mean + sd * residual
