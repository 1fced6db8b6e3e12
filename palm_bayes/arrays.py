"""Types of arrays, as annotations write them, and their interpolation."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

type Floats = NDArray[np.float64]
type Integers = NDArray[np.int64]


def interpolated(at: ArrayLike, x: ArrayLike, y: ArrayLike, slope: float) -> Floats:
    """Interpolate linearly between increasing `x`; beyond them, continue with `slope`."""
    at, x, y = (np.asarray(values, float) for values in (at, x, y))
    return np.asarray(np.interp(at, x, y) + slope * (at - np.clip(at, x[0], x[-1])))
