"""Noise of repetitions around their expected curve, as pure array functions.

Real curves (`benchmarks/memory.py`) show two parts. Each repetition has a constant offset, that of
its own test split. The other part is transient: it shrinks as the curve saturates, and is
autocorrelated, since training sets are nested. Repetitions share some of both parts, since they use
one test split and often one start pool; so their mean is less certain than that of independent
repetitions. As in `curve`, ``xp`` is `numpy` or `pytensor.tensor`.
"""

from types import ModuleType
from typing import NamedTuple

import numpy as np

from palm_bayes.arrays import Floats, Integers
from palm_bayes.model.curve import SATURATED, Array

LOG_SQRT_2PI = 0.5 * np.log(2 * np.pi)

RESOLUTION = 1e-4
"""Standard deviation of rounding errors: accuracies are reported to about four digits.

Without it the density of constant accuracies is unbounded as the noise approaches 0.
"""

LEAST_VARIANCE = 1e-3
"""Least A (1 − A), so that accuracies of 0 and 1 have a positive standard deviation."""

# Share of the non-shrinking variance that is transient: a test set is finite, and accuracies that
# were constant for a while need not remain so.
TRANSIENT = 0.15
SMALL_FALL = 0.2  # log fall of the gap over the data below which noise past them hardly shrinks


def single_prediction_sd(accuracy: Array, xp: ModuleType = np) -> Array:
    """Compute sqrt(A (1 − A)): the standard deviation of an accuracy on one test example.

    On n independent examples it is 1 / sqrt(n) times that.
    """
    return xp.sqrt(xp.maximum(accuracy * (1 - accuracy), LEAST_VARIANCE))


def offset_sd(noise: Array, lasting: Array, xp: ModuleType = np) -> Array:
    """Compute the standard deviation of a repetition's constant offset, a fraction.

    `noise` is the standard deviation of an accuracy at the last observed x, without rounding, and
    `lasting` the non-shrinking share of its variance: all but a share `TRANSIENT` of it persists.
    """
    return noise * xp.sqrt((1 - TRANSIENT) * lasting)


def transient_share(lasting: Array) -> Array:
    """Compute the share of the variance at the last observed x that is not that of `offset_sd`."""
    return 1 - (1 - TRANSIENT) * lasting


def decline(u: Array, x: Array, xp: ModuleType = np) -> Array:
    """Compute the scale on which transient noise falls: −log of the gap, plus half of log labels.

    Only the gap that data can show counts, that above e^-`SATURATED`; otherwise the noise alone
    would determine α and β of a curve that is saturated from the start. Noise falls there as well,
    since larger training sets differ less, so labels count too, like those of a mean: x^-1/2.
    `u` is `palm_bayes.model.curve.u` at `x`. Only differences of the result matter.
    """
    return 0.5 * xp.log(x) - above_floor(SATURATED - u, xp)


def transient_sd(
    here: Array,
    first: Array,
    last: Array,
    noise: Array,
    noise_ratio: Array,
    lasting: Array,
    xp: ModuleType = np,
) -> Array:
    """Compute the standard deviation of transient noise at any x, a fraction.

    On curves that rise, it is a power of gap + gap_last, with a lower limit from `TRANSIENT` and
    `RESOLUTION`. The power is parametrised by the noise at both ends of the data. A power itself,
    or a ratio to a floor, would be confounded with the gap, which a saturated curve does not
    determine, and NUTS would diverge.

    `here`, `first` and `last` are `decline` at the requested x and at the first and last observed
    x. `noise_ratio` is the standard deviation of the shrinking part at x_first over that at x_last.
    """
    of_ratio = power(here, last, span(first, last, xp), xp)
    shrinking = (1 - lasting) * noise_ratio ** (2 * of_ratio)
    return total_sd(shrinking, noise, lasting, xp)


def span(first: Array, last: Array, xp: ModuleType = np) -> Array:
    """Compute the fall of the noise between both ends of the data, at least `SMALL_FALL`."""
    return xp.sqrt(above_floor(last - first, xp) ** 2 + SMALL_FALL**2)


def power(here: Array, last: Array, over_data: Array, xp: ModuleType = np) -> Array:
    """Compute the exponent of `noise_ratio`, 0 at the last x; `over_data` is `span`."""
    found = above_floor(last - here, xp) / over_data
    # Constant before the data; past them it shrinks at most by the same ratio again.
    return xp.maximum(xp.minimum(found, 1), -1)


def total_sd(shrinking: Array, noise: Array, lasting: Array, xp: ModuleType = np) -> Array:
    """Compute `transient_sd` from the shrinking part of the variance, in units of noise²."""
    return xp.sqrt(noise**2 * (shrinking + TRANSIENT * lasting) + RESOLUTION**2)


def sd_at_first(noise: Array, noise_ratio: Array, lasting: Array, xp: ModuleType = np) -> Array:
    """Compute the standard deviation of an accuracy at x_first, if the gap has shrunk since."""
    return xp.sqrt(noise**2 * ((1 - lasting) * noise_ratio**2 + lasting) + RESOLUTION**2)


def above_floor(log_ratio: Array, xp: ModuleType) -> Array:
    """Compute log((gap + gap_last) / (2 gap_last)) from log(gap / gap_last), stably if large."""
    return xp.maximum(log_ratio, 0) + xp.log1p(xp.exp(-xp.abs(log_ratio))) - np.log(2)


def autocorrelation(rho: Array, lag: Array) -> Array:
    """Compute the correlation of transient residuals `lag` episodes apart, 0 where `lag` is 0.

    A lag of 0 marks the first observation of a run.
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
    """Compute the log density of each accuracy given the previous ones, dims (..., observation).

    The residuals of a run are lasts · c + sd · w, with c a standard normal of the run and w a
    stationary AR(1). Conditioned on are the earlier accuracies of the run, and those of previous
    runs at the same x, whose innovations have correlation `shared`. All arrays have the dims of the
    result, or those of `place` and `first`, (observation,).

    Parameters
    ----------
    y, mean : array
        Accuracies, run after run, in order of episode, and what is expected.
    sd, carried, lasts : array
        `transient_sd`, `autocorrelation` and `offset_sd` of each observation.
    shared : array
        Share of the noise's variance that runs have in common, in [0, 1).
    place, first : array of int
        `place_begins`, and the index of the first observation of each observation's run.
    """
    new, scale = conditional_innovations(y, mean, sd, carried, lasts, first, xp)
    innovation = new / scale
    runs_in_order = xp.arange(place.shape[-1])  # an unstable sort would shuffle them
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


def conditional_innovations(
    y: Array,
    mean: Array,
    sd: Array,
    carried: Array,
    lasts: Array,
    first: Array,
    xp: ModuleType = np,
) -> tuple[Array, Array]:
    """Compute innovations over `sd`, minus their conditional mean, and their conditional sd.

    Parameters are as in `log_density`.
    """
    change, weight = (_changes(part / sd, carried, xp) for part in (y - mean, lasts))
    left = xp.sqrt(1 - carried**2)
    weighted_sum, information = (
        _before(part / left**2, xp) for part in (weight * change, weight**2)
    )
    past = weighted_sum - weighted_sum[..., first], information - information[..., first]
    expected, scale = innovation_moments(*past, weight / left, xp)
    return change - left * expected, left * scale


def _changes(values: Array, carried: Array, xp: ModuleType) -> Array:
    """Subtract the carried part of the previous value from each value."""
    before = xp.concatenate([xp.zeros_like(values[..., :1]), values[..., :-1]], axis=-1)
    return values - carried * before


def offset_weight(
    lasts: Array, sd: Array, sd_before: Array, carried: Array, xp: ModuleType = np
) -> Array:
    """Compute the weight of the constant offset in the innovation of an AR(1) that it is added to.

    `sd_before` is the `sd` of the run's previous observation; the rest is as in `log_density`.
    """
    return (lasts / sd - carried * lasts / sd_before) / xp.sqrt(1 - carried**2)


def innovation_moments(
    weighted_sum: Array, information: Array, weight: Array, xp: ModuleType = np
) -> tuple[Array, Array]:
    """Compute mean and standard deviation of an innovation given the earlier ones of its run.

    Innovations are weight · c + v with independent standard normals v: a linear regression on c,
    whose prior is standard normal. `weighted_sum` and `information` are sums of weight · innovation
    and of weight² over the earlier innovations; weights are each `offset_weight`.
    """
    before = 1 + information
    return weight * weighted_sum / before, xp.sqrt((before + weight**2) / before)


def _before(values: Array, xp: ModuleType) -> Array:
    """Compute exclusive cumulative sums along the last axis."""
    return xp.cumsum(values, axis=-1) - values


def place_begins(where: Floats) -> Integers:
    """Label observations by place: the number of observations at lower places.

    Those at one place have equal rows in `where`, dims (observation, key), such as strategy and x.
    """
    _, of, count = np.unique(where, axis=0, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - count)[of])


def mixed(common: Array, own: Array, shared: Array, xp: ModuleType = np) -> Array:
    """Combine common and own standard normals to ones with the share `shared` in common."""
    return xp.sqrt(shared) * common + xp.sqrt(1 - shared) * own


class State(NamedTuple):
    """State of runs after their observations, dims (...)."""

    residual: Array  # of the last observation, over `sd`
    sd: Array  # its `transient_sd`
    weighted_sum: Array  # as `information` in `innovation_moments`
    information: Array


def state_after(y: Array, mean: Array, sd: Array, carried: Array, lasts: Array) -> State:
    """Return the state of one run after its observations; parameters as in `log_density`."""
    residual, kept = (y - mean) / sd, lasts / sd
    change, weight = (_changes(part, carried, np) for part in (residual, kept))
    weighted_sum, information = (
        (part / (1 - carried**2)).sum(-1) for part in (weight * change, weight**2)
    )
    return State(residual[..., -1], sd[..., -1], weighted_sum, information)


def simulate(
    mean: Array, sd: Array, carried: Array, lasts: Array, fresh: Array, first: Array
) -> Array:
    """Draw accuracies along runs from the process of `log_density`, dims (..., observation).

    Parameters are as there, but `lasts` has dims (...), and `fresh` are standard normal draws with
    correlation ``shared`` between runs at the same x.
    """
    residual = np.empty(np.broadcast_shapes(mean.shape, fresh.shape))
    left = np.sqrt(1 - carried**2)
    before, sd_before, weighted_sum, information = begun = State(0.0, 1.0, 0.0, 0.0)
    for i in range(mean.shape[-1]):
        if first[i] == i:
            before, sd_before, weighted_sum, information = begun
        weight = offset_weight(lasts, sd[..., i], sd_before, carried[..., i])
        expected, scale = innovation_moments(weighted_sum, information, weight)
        innovation = expected + scale * fresh[..., i]
        weighted_sum, information = weighted_sum + weight * innovation, information + weight**2
        before = carried[..., i] * before + left[..., i] * innovation
        sd_before = sd[..., i]
        residual[..., i] = before
    return mean + sd * residual
