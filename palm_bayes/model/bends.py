"""Smooth bends of a line, and their inverses: parts of the coordinates in which NUTS samples."""

from typing import Any

import pytensor.tensor as pt


def steepened(z: Any, at: Any) -> tuple[Any, Any]:
    """Bend the diagonal downwards below `at`, like a parabola; also return its log slope.

    This turns an exponential tail into an approximately normal one.
    """
    below = pt.softplus(at - z)
    return z - below**2 / 2, pt.log1p(below * pt.sigmoid(at - z))


def flattened(y: Any, at: Any) -> Any:
    """Invert `steepened` by Newton's method, started on the steep side of the concave function."""
    z = y
    for _ in range(12):
        found, log_slope = steepened(z, at)
        z = z + (y - found) * pt.exp(-log_slope)
    return z


def bent(z: Any, at: Any, slope: Any) -> tuple[Any, Any]:
    """Bend the line at `at`, with slope 1 above and `slope` below; also return its log slope."""
    t = z - at
    root = pt.sqrt(t**2 + 1)
    log_slope = pt.log((1 + slope + (1 - slope) * t / root) / 2)
    return at + (t * (1 + slope) + root * (1 - slope)) / 2, log_slope


def straight(y: Any, at: Any, slope: Any) -> Any:
    """Invert `bent`, a hyperbola, by solving a quadratic equation."""
    a = y - at
    root = pt.sqrt(a**2 + slope)
    return at + (a * (1 + slope) - root * (1 - slope)) / (2 * slope)


def logit(p: Any) -> Any:
    """Return the inverse of the sigmoid."""
    return pt.log(p) - pt.log1p(-p)


def log_sigmoid_slope(z: Any) -> Any:
    """Return the log of the derivative of the sigmoid at z."""
    return -pt.softplus(z) - pt.softplus(-z)
