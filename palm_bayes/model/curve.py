"""PALM curve and its inverses, as pure array functions.

Every function takes ``xp``, the array namespace: `numpy` by default, `pytensor.tensor` in the
model, so that each formula is written once.

Source: Machnio, Nielsen and Mehdipour Ghazi, *To Label or Not to Label: PALM*, ICCV 2025,
equation for A(B). Here x = B / b, the labels counted in batches, and u(x) = k (x + α)^β with
k = −log(1 − δ), so that A(x) = A_max · (1 − exp(−u(x))).

Inside the package a curve is given by log u at x_first, the first observed x, rather than by δ.
Even on ordinary curves δ may be rounded to 1, where x + α starts below 1, or to 0, where it starts
far above. `delta` and `log_u_first` convert between the two.
"""

from types import ModuleType
from typing import Any

import numpy as np

# Arrays of NumPy or PyTensor: the two share operators but no base class.
Array = Any

PARAMETERS = ("A_max", "delta", "alpha", "beta")
"""Names of PALM's four parameters."""

COORDINATES = ("A_max", "log_u_first", "alpha", "beta")
"""Parameters of a curve inside the package; δ follows from the last three."""

SATURATED = 8.0
"""Value of u above which e^-8 of A_max at most is missing, too little for any data to show."""

MOST_LOG_U = 100.0
"""Limit on log u: the gap is 0 there already, and an infinite u would have no gradient."""


def log_u_first(
    delta: Array, alpha: Array, beta: Array, x_first: Array, xp: ModuleType = np
) -> Array:
    """Compute the log of u(x_first) = −log(1 − δ) · (x_first + α)^β; `x_first` is above −alpha.

    PALM calls δ coverage efficiency, α initial learning efficiency and β scalability.
    """
    return xp.log(-xp.log1p(-delta)) + beta * xp.log(x_first + alpha)


@np.errstate(over="ignore")
def delta(log_u: Array, alpha: Array, beta: Array, x_first: Array, xp: ModuleType = np) -> Array:
    """Compute PALM's coverage efficiency δ, in [0, 1], from `log_u_first`."""
    return -xp.expm1(-xp.exp(log_u - beta * xp.log(x_first + alpha)))


def u(
    x: Array, log_u: Array, alpha: Array, beta: Array, x_first: Array, xp: ModuleType = np
) -> Array:
    """Compute u(x) = k (x + α)^β from `log_u_first`; `x` is above −alpha."""
    log_u_here = log_u + beta * xp.log((x + alpha) / (x_first + alpha))
    return xp.exp(xp.minimum(log_u_here, MOST_LOG_U))


@np.errstate(over="ignore", divide="ignore")  # δ may be rounded to 0 or 1
def accuracy(x: Array, A_max: Array, delta: Array, alpha: Array, beta: Array) -> Array:
    """Compute A(x) = A_max · (1 − (1 − δ)^((x + α)^β)), the expected accuracy, as in PALM.

    `x` is labels / b, above −alpha; the result is in the scale of `A_max`, a fraction or percent.
    """
    return A_max * -np.expm1(-np.exp(log_u_first(delta, alpha, beta, x)))
