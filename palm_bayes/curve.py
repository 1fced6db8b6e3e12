"""The PALM curve and its inverses, as pure array functions.

Every function takes ``xp``, the array namespace: `numpy` by default, and
`pytensor.tensor` where the model is built, so that the formula is written once.

Source: Machnio, Nielsen and Mehdipour Ghazi, *To Label or Not to Label: PALM*, ICCV 2025,
equation for A(B); here x = B / b, the labels counted in batches.
"""

from types import ModuleType
from typing import Any

import numpy as np

# Arrays of NumPy or PyTensor: the two share operators but no base class.
Array = Any


def log_exposure(x: Array, delta: Array, alpha: Array, beta: Array, xp: ModuleType = np) -> Array:
    r"""Logarithm of u(x) = k (x + α)^β with k = −log(1 − δ), so that 1 − A/A_max = exp(−u).

    Kept on the log scale because (x + α)^β alone leaves the range of floats long before
    the parameters reach PALM.py's bounds.

    Parameters
    ----------
    x : array
        Labels in batches, above −alpha.
    delta, alpha, beta : array
        PALM's coverage efficiency in [0, 1], initial learning efficiency and scalability.
    xp : module
        `numpy` or `pytensor.tensor`.

    Returns
    -------
    array
        log u, of the broadcast shape.
    """
    return xp.log(-xp.log1p(-delta)) + beta * xp.log(x + alpha)


def gap(x: Array, delta: Array, alpha: Array, beta: Array, xp: ModuleType = np) -> Array:
    """Share of the achievable accuracy that is still missing: 1 − A(x)/A_max, in [0, 1]."""
    return xp.exp(-xp.exp(log_exposure(x, delta, alpha, beta, xp)))


def accuracy(
    x: Array, A_max: Array, delta: Array, alpha: Array, beta: Array, xp: ModuleType = np
) -> Array:
    """Expected accuracy A(x) = A_max · (1 − (1 − δ)^((x + α)^β)).

    Parameters
    ----------
    x : array
        Labels in batches (labels / b), above −alpha.
    A_max : array
        Achievable accuracy, a fraction.
    delta, alpha, beta : array
        As in `log_exposure`.
    xp : module
        `numpy` or `pytensor.tensor`.

    Returns
    -------
    array
        Accuracy as a fraction, of the broadcast shape.
    """
    return A_max * -xp.expm1(-xp.exp(log_exposure(x, delta, alpha, beta, xp)))


def x_to_reach(target: Array, A_max: Array, delta: Array, alpha: Array, beta: Array) -> Array:
    """Labels, in batches, at which the curve reaches `target`: the inverse of `accuracy`.

    Parameters
    ----------
    target : array
        Accuracy as a fraction.
    A_max, delta, alpha, beta : array
        As in `accuracy`.

    Returns
    -------
    array
        x; infinite where the target is not below `A_max`, which is never reached.
        May lie at or below zero where the curve starts above the target.
    """
    target, A_max, delta, alpha, beta = np.broadcast_arrays(target, A_max, delta, alpha, beta)
    reachable = target < A_max
    share = np.divide(target, A_max, out=np.zeros(target.shape), where=reachable)
    with np.errstate(divide="ignore"):
        log_x = (np.log(-np.log1p(-share)) - np.log(-np.log1p(-delta))) / beta
    return np.where(reachable, np.exp(log_x) - alpha, np.inf)
