"""The noise's log-likelihood by sums over runs, which a sampler takes in fewer operations.

It is that of `palm_bayes.noise.log_density`, summed. As in `curve`, all is array functions, and
``xp`` is `numpy` or `pytensor.tensor`.
"""

from types import ModuleType
from typing import NamedTuple

import numpy as np

from palm_bayes.curve import Array
from palm_bayes.noise import LOG_SQRT_2PI, foreseen, step_ends, telling


class Steps(NamedTuple):
    """Steps of runs from an observation to the next, summed up over runs.

    The log-likelihood depends on the accuracies by sums over the runs that take the same steps and,
    for what lasts, by one sum over each run. Fields have dims (step,), (group, step), where a group
    is the runs that take the same steps, or (run, step).

    Attributes
    ----------
    x, x_before : array, dims (step,)
        Labels in batches at the step's end and start; the same at a run's first observation.
    lag : array, dims (step,)
        Episodes between them, 0 at a run's first observation.
    square, product, square_before : array, dims (step,)
        Sums of the squares and products of the runs' deviations from their groups' means.
    count : array, dims (group, step)
        How many runs of the group take the step.
    mean, mean_before : array, dims (group, step)
        Their mean accuracy at either end; 0 before a first observation.
    taken : array, dims (run, step)
        Whether the run takes the step, 0 or 1.
    off, off_before : array, dims (run, step)
        Its deviation at either end from the mean of its group.
    """

    x: Array
    x_before: Array
    lag: Array
    square: Array
    product: Array
    square_before: Array
    count: Array
    mean: Array
    mean_before: Array
    taken: Array
    off: Array
    off_before: Array


def summed_up(x: Array, accuracy: Array, lag: Array) -> Steps:
    """Sum up observations, run after run in order of episode; `lag` is 0 at a run's first."""
    distinct, step = np.unique(step_ends(x, lag), axis=0, return_inverse=True)
    run = np.cumsum(lag == 0) - 1
    taken, here, before = np.zeros((3, run[-1] + 1, len(distinct)))
    taken[run, step] = 1
    here[run, step] = accuracy
    before[run, step] = np.where(lag > 0, np.roll(accuracy, 1), 0)
    of_group, group, size = np.unique(taken, axis=0, return_inverse=True, return_counts=True)
    belongs = (group == np.arange(len(size))[:, None]) / size[:, None]
    means = belongs @ here, belongs @ before
    off, off_before = here - means[0][group], before - means[1][group]
    square, product, square_before = (
        (one * two).sum(axis=0) for one, two in ((off, off), (off, off_before), (off_before,) * 2)
    )
    return Steps(
        distinct[:, 0], distinct[:, 1], distinct[:, 2], square, product, square_before,
        size[:, None] * of_group, *means, taken, off, off_before,
    )  # fmt: skip


def log_likelihood(
    seen: Steps,
    mean: Array,
    sd: Array,
    mean_before: Array,
    sd_before: Array,
    carried: Array,
    shared: Array,
    lasting: Array,
    xp: ModuleType = np,
) -> Array:
    """Log-likelihood of all runs.

    Innovations of a run have the covariance (1 − λ) I + λ w wᵀ, w from `telling`, whose inverse
    takes from their sum of squares no more than (wᵀ innovations)². Of n innovations of a step with
    correlation ω the mean has the variance (1 − ω + nω) / n, and the n − 1 deviations from it
    have 1 − ω, independently.

    Parameters
    ----------
    seen : Steps
    mean, sd, mean_before, sd_before : array, dims (..., step)
        Expected accuracy and `spread` at either end of a step.
    carried : array, dims (..., step)
        `palm_bayes.noise.carry` of each step.
    shared, lasting : array, dims (..., 1), or scalars
        As in `palm_bayes.noise.log_density`.

    Returns
    -------
    array, dims (...)
    """
    left, weight = xp.sqrt(1 - carried**2), telling(carried, xp)
    here, before = 1 / (sd * left), carried / (sd_before * left)
    squares = here**2 * seen.square - 2 * here * before * seen.product
    squares = (squares + before**2 * seen.square_before).sum(axis=-1, keepdims=True)
    told = (weight * here) @ seen.off.T - (weight * before) @ seen.off_before.T
    own, known = 1 - lasting, weight**2 @ seen.taken.T
    lasts = (lasting * told**2 / (own + lasting * known)).sum(axis=-1, keepdims=True)
    square, total = _of_means(seen, here, before, mean, mean_before, weight, lasting, xp)
    count = seen.count.sum(axis=0)
    apart = 1 - shared
    common = apart + count * shared
    steps_taken = seen.taken.sum(axis=-1)
    distance = square - shared * total**2 / common
    volume = (count - 1) * xp.log(apart) + xp.log(common) + 2 * count * xp.log(sd * left)
    of_steps = (distance / apart + volume).sum(axis=-1)
    of_runs = (steps_taken * xp.log(own) + xp.log1p(lasting * known / own)).sum(axis=-1)
    of_off = ((squares - lasts) / (own * apart))[..., 0]
    return -0.5 * (of_steps + of_runs + of_off) - count.sum() * LOG_SQRT_2PI


def _wide(of_step: Array) -> Array:
    """Dims (..., 1, step) of dims (..., step), to stand beside groups."""
    return of_step[..., None, :]


def _of_means(
    seen: Steps,
    here: Array,
    before: Array,
    mean: Array,
    mean_before: Array,
    weight: Array,
    lasting: Array,
    xp: ModuleType,
) -> tuple[Array, Array]:
    """Sums over runs of the squares and of the innovations if each were its group's mean."""
    taken = 1.0 * (seen.count > 0)
    change = _wide(here) * seen.mean - _wide(before) * seen.mean_before
    change = change - _wide(here * mean - before * mean_before)
    weight = taken * _wide(weight)
    earlier = xp.triu(xp.ones((seen.x.shape[0],) * 2), 1)  # a product takes less time than cumsum
    told, known = (part @ earlier for part in (weight * change, weight**2))
    expected, scale = foreseen(told, known, weight, lasting[..., None], xp)
    innovation = (change - expected) / scale
    sums = (seen.count * part for part in (innovation**2, innovation))
    square, total = (part.sum(axis=-2) for part in sums)
    return square, total
