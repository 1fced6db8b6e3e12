"""Types of arrays, as annotations write them; arrays of a user's numbers, and interpolation."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from palm_bayes.errors import DataError, real

type Floats = NDArray[np.float64]
type Integers = NDArray[np.int64]


def as_floats(values: ArrayLike, what: str) -> Floats:
    """Return a number, or an array of numbers, as floats; `DataError` for all else."""
    try:
        if np.ndim(values):
            return np.asarray(values, float)
    except (TypeError, ValueError, ArithmeticError):
        raise DataError(f"{what} is {values!r}, but must be numbers") from None
    return np.asarray(real(values, what))


def interpolated(at: ArrayLike, x: ArrayLike, y: ArrayLike, slope: float) -> Floats:
    """Interpolate linearly between increasing `x`; beyond them, continue with `slope`."""
    at, x, y = (np.asarray(values, float) for values in (at, x, y))
    return np.asarray(np.interp(at, x, y) + slope * (at - np.clip(at, x[0], x[-1])))
