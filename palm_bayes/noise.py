"""The noise of repetitions around their expected curve, as pure array functions.

Two things that real curves show: its spread shrinks as the curve saturates, and it is
autocorrelated within a repetition, whose training sets are nested and whose test split is one.
As in `curve`, ``xp`` is `numpy` or `pytensor.tensor`.
"""

from types import ModuleType

import numpy as np

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


def log_density(y: Array, mean: Array, sd: Array, carried: Array, xp: ModuleType = np) -> Array:
    """Log-density of each accuracy given the one before it in its run: AR(1), stationary.

    Parameters
    ----------
    y : array, dims (..., observation)
        Accuracies, run after run, in order of episode.
    mean, sd : array, dims (..., observation)
        Expected accuracy and `spread`.
    carried : array, dims (..., observation)
        `carry` of each observation.

    Returns
    -------
    array, dims (..., observation)
        The terms whose sum is the log-likelihood.
    """
    residual = (y - mean) / sd
    before = xp.concatenate([xp.zeros_like(residual[..., :1]), residual[..., :-1]], axis=-1)
    left = 1 - carried**2
    innovation = residual - carried * before
    return -0.5 * (innovation**2 / left + xp.log(left)) - xp.log(sd) - _LOG_SQRT_2PI


def simulate(
    mean: Array, sd: Array, carried: Array, rng: np.random.Generator, start: Array = 0.0
) -> Array:
    """Draw accuracies along runs, the process of `log_density`.

    Parameters
    ----------
    mean, sd, carried : array, dims (..., observation)
        As in `log_density`.
    rng : numpy.random.Generator
    start : array, dims (...)
        Standardised residual before the first observation; counts where its `carried` is not 0.

    Returns
    -------
    array, dims (..., observation)
    """
    mean, sd, carried = np.broadcast_arrays(mean, sd, carried)
    residual = rng.standard_normal(mean.shape) * np.sqrt(1 - carried**2)
    before = start
    for i in range(mean.shape[-1]):
        residual[..., i] += carried[..., i] * before
        before = residual[..., i]
    return mean + sd * residual
