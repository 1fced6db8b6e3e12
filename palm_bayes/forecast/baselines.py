"""Baselines: point forecasts from curve families fitted to a mean curve by least squares.

Sources: PALM.py (github.com/juliamachnio/PALM) for its model, start and bounds. POW4, MMF4, WBL4
and EXP4 as in Viering and Loog, *The Shape of Learning Curves: a Review* (TPAMI 2023), table 1, and
Mohr, Viering, Loog and van Rijn, *LCDB 1.0* (ECML PKDD 2022), which fits them to accuracies; the
first two won its comparison. Each is written here by its asymptote c, its value f at the first
observation and a share s(x) that falls from 1 to 0:

    c − (c − f) · s(x)      POW4  a − b (x + d)^−c          s = ((x + d) / (x₁ + d))^−p
                            MMF4  (a b + c x^d) / (b + x^d)  s = (b + x₁^d) / (b + x^d)
                            WBL4  c − b exp(−a x^d)          s = exp(−a (x^d − x₁^d))
                            EXP4  c − exp(−a x^d + b)        as WBL4, but it cannot fall

These are the same families, but all parameters have natural bounds and two of them are linear.
"""

from collections.abc import Callable
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np

from palm_bayes.arrays import Floats

type Curve = Callable[[Floats], Floats]  # labels in batches -> accuracy
type Fitter = Callable[[Floats, Floats], Curve]
type Shape = Callable[[Floats, Floats], Floats]  # (x / x_first, two parameters) -> s

_POLISHED = 3  # number of best starts that are optimised
_MOST = 200  # evaluations per optimisation; more only move along ridges of equal loss
_PALM_LOW, _PALM_HIGH = (0.0, 0.0, -1000.0, 0.0), (100.0, 1.0, 1000.0, 100.0)
_PALM_START = (0.5, 1.0, 1.0)  # PALM.py's δ, α and β; its A_max is the largest accuracy
_PALM_STARTS = tuple(product((0.02, 0.1, 0.3, 0.6), (-0.5, 1.0, 5.0, 30.0), (0.3, 0.7, 1.2, 2.5)))


def forecast_all(x: Floats, y: Floats, at: Floats) -> dict[str, Floats]:
    """Forecast at the labels `at`, in batches, with every family of `NAMES`; see `fitted`."""
    return {name: fitted(name, x, y)(at) for name in NAMES}


def fitted(name: str, x: Floats, y: Floats) -> Curve:
    """Fit a family of `NAMES` to a mean curve; results are cached.

    `x` are increasing labels in batches, `y` fractions. Values of the curve are in [0, 1], never
    NaN.
    """
    return _remembered(_FITTERS[name], tuple(x), tuple(y))


@lru_cache(maxsize=512)
def _remembered(fitter: Fitter, x: tuple[float, ...], y: tuple[float, ...]) -> Curve:
    curve = fitter(np.array(x), np.array(y))

    def accuracy(at: Floats) -> Floats:
        with np.errstate(all="ignore"):
            values = curve(at)
        # A failed fit is replaced by the last value.
        return np.clip(np.where(np.isfinite(values), values, y[-1]), 0, 1)

    return accuracy


def _last_value(_x: Floats, y: Floats) -> Curve:
    return lambda at: np.full(at.shape, y[-1])


def palm(x: Floats, p: Floats) -> Floats:
    """Compute PALM.py's curve in the unit of A_max, with its guard against negative x + α."""
    A_max, delta, alpha, beta = p
    return np.asarray(A_max * (1 - (1 - delta) ** (np.clip(x + alpha, 1e-8, None) ** beta)))


def _palm_slopes(x: Floats, p: Floats) -> Floats:
    """Compute derivatives of `palm` by its parameters, dims (x, 4)."""
    A_max, delta, alpha, beta = p
    grown = np.clip(x + alpha, 1e-8, None)
    power, log_left = grown**beta, np.log1p(-delta)
    left = np.exp(power * log_left)
    by_power = -A_max * left * log_left
    by_alpha = by_power * beta * power / grown * (x + alpha > 1e-8)
    by_delta = A_max * power * left / (1 - delta)
    slopes = [1 - left, by_delta, by_alpha, by_power * power * np.log(grown)]
    return np.asarray(np.nan_to_num(np.stack(slopes, axis=-1), posinf=1e3, neginf=-1e3))


def _palm_py(x: Floats, y: Floats) -> Curve:
    """Fit as PALM.py does: from its start, in percent (its tolerances are in units of y)."""
    start = np.array([100 * y.max(), *_PALM_START])
    p = _best(palm, x, 100 * y, [start], _PALM_LOW, _PALM_HIGH)
    return lambda at: palm(at, p) / 100


def _palm_multistart(x: Floats, y: Floats) -> Curve:
    """Fit PALM.py's curve within its bounds, from the best of many starts."""
    starts = [np.array([100 * y.max(), *start]) for start in (_PALM_START, *_PALM_STARTS)]
    p = _best(palm, x, 100 * y, starts, _PALM_LOW, _PALM_HIGH, _palm_slopes)
    return lambda at: palm(at, p) / 100


def _pow4(x: Floats, p: Floats) -> Floats:
    """Compute the shape of POW4; p = log(1 + d / x₁) and log of the power."""
    d = np.expm1(p[0])
    return np.asarray(((x + d) / (1 + d)) ** -np.exp(p[1]))


def _mmf4(x: Floats, p: Floats) -> Floats:
    """Compute the shape of MMF4; p = log(b / x₁^d) and log d."""
    b = np.exp(p[0])
    return np.asarray((b + 1) / (b + x ** np.exp(p[1])))


def _wbl4(x: Floats, p: Floats) -> Floats:
    """Compute the shape of WBL4; p = log(a x₁^d) and log d."""
    return np.asarray(np.exp(-np.exp(p[0]) * (x ** np.exp(p[1]) - 1)))


def _sigmoidal(
    shape: Shape, low: tuple[float, float], high: tuple[float, float], *, falls: bool = True
) -> Fitter:
    """Make a fitter of c − (c − f) s(x), f and c in [0, 1]; f = c · share if it cannot fall."""

    def value(x: Floats, p: Floats) -> Floats:
        c, f = p[0], p[1] if falls else p[0] * p[1]
        return np.asarray(c - (c - f) * shape(x, p[2:]))

    def start(x: Floats, y: Floats, p: tuple[float, ...]) -> Floats:
        """Solve for the two linear parameters."""
        s = shape(x, np.array(p))
        c, f = np.clip(np.linalg.lstsq(np.stack([1 - s, s], axis=1), y)[0], 0.001, 0.999)
        return np.array([c, f if falls else min(f / c, 0.999), *p])

    def fitter(x: Floats, y: Floats) -> Curve:
        grid = product(*np.linspace(low, high, 9)[1:-1].T)
        with np.errstate(all="ignore"):
            starts = [start(x / x[0], y, p) for p in grid]
        p = _best(value, x / x[0], y, starts, (0, 0, *low), (1, 1, *high))
        return lambda at: value(at / x[0], p)

    return fitter


@np.errstate(all="ignore")
def _best(
    curve: Callable[[Floats, Floats], Floats],
    x: Floats,
    y: Floats,
    starts: list[Floats],
    low: tuple[float, ...],
    high: tuple[float, ...],
    slopes: Callable[[Floats, Floats], Floats] | None = None,
) -> Floats:
    """Return the parameters of the best least-squares fit from the most promising starts."""
    # SciPy is imported in functions: most answers of a saved fit do without it.
    from scipy.optimize import least_squares

    def residual(p: Floats) -> Floats:
        return np.nan_to_num(curve(x, p) - y, nan=1e3, posinf=1e3, neginf=-1e3)

    def loss(p: Floats) -> float:
        return float(np.sum(residual(p) ** 2))

    options: dict[str, Any] = {"bounds": (low, high), "x_scale": 1.0, "max_nfev": _MOST}
    if slopes is not None:
        options |= {"jac": lambda p: slopes(x, p), "x_scale": "jac"}
    best = sorted(starts, key=loss)[:_POLISHED]
    found = [least_squares(residual, p, **options).x for p in best]
    return min([*found, *best], key=loss)


_FITTERS: dict[str, Fitter] = {
    "last_value": _last_value,
    "palm_py": _palm_py,
    "palm_multistart": _palm_multistart,
    "pow4": _sigmoidal(_pow4, (-4.0, -4.0), (7.0, 4.0)),
    "mmf4": _sigmoidal(_mmf4, (-5.0, -3.0), (10.0, 2.0)),
    "wbl4": _sigmoidal(_wbl4, (-8.0, -4.0), (3.0, 2.0)),
    "exp4": _sigmoidal(_wbl4, (-8.0, -4.0), (3.0, 2.0), falls=False),
}
NAMES = tuple(_FITTERS)
"""The families, in the order of tables."""
