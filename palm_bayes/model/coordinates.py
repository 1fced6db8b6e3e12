r"""Coordinates: the joint transforms in which PALM's posterior can be sampled.

A_max, δ, α and β trade off along curved ridges: NUTS fails on them. The accuracies at the first
and the last observed x hardly do. With u(x) = −log(1 − A(x)/A_max) = k (x + α)^β, the unconstrained
point z = (z1, z2, z3, z4) stands for

    f_hi = sigmoid(z1)                 accuracy at x_last
    v    = exp(z2) = −log(1 − r)       r = f_lo / f_hi, the share of it reached at x_first
    q    = q_least + exp(steep z3),    u_hi = v + log(exp(q) − 1)
    α    = alpha_lo + (top − alpha_lo) · sigmoid(z4)

and the parameters follow from them:

    A_max = f_hi / (1 − exp(−u_hi))          u_lo = −log(exp(−v) + r exp(−u_hi))
    L = log((x_last + α) / (x_first + α))    β = (log u_hi − log u_lo) / L

With q_least = softplus(−log(1 − f_hi) − v), u_hi lies above −log(1 − f_hi), hence A_max below 1. On
curves still rising, z3 moves A_max alone: below log q_least it is steepened, or its tail would be
exponential wherever A_max may be nearly 1. On curves flat from the start, where v is large and u_hi
near it, q_least vanishes, and it moves log β alone: there β L ≈ log(1 + q/v). One chart thus serves
both; charts on log u_hi or on A_max serve only one.
`top` is alpha_hi, or the α at which β = beta_hi if that is less, so that no bound is a wall.

How closely the data tell f_hi and r goes with their noise, which few observations leave open: in
z1 and z2 the posterior would be a funnel. So these are counted from the data's own accuracies at
both ends, in units of what the noise lets them tell, to the power of 4 / n: what the curve's four
parameters take of n observations.

Where the prior leaves a large volume to curves of which the data see little, these have charts of
their own (`palm_bayes.model.curve_regions`), in which the prior of what the data do not see is wide
and even. With S = x_first + α and k = u_lo / S^β:

    flat    A_max = sigmoid(z1)    β = beta_hi · sigmoid(z2)    k = SATURATED S^−β + softplus(z3)
            α = alpha_lo + (alpha_hi − alpha_lo) · sigmoid(bent z4)
    step    A_max = sigmoid(z1)    β = beta_hi · sigmoid(z4)    k = k_least + softplus(z3)
            log u_lo = z2          log S = (log u_lo − log k) / β

z4 is bent at S = 1, below which it moves log S by 1 / (1 + β) only: there S^−β soon asks for a k
that its prior forbids, all the sooner the larger β is. k_least leads to u = SATURATED at the second
observed x, or to alpha_hi.

The parameters are (A_max, log u_lo, α, β): see `palm_bayes.model.curve` for why log u_lo stands for
δ.

What a repetition remembers has coordinates of its own: an autocorrelation ρ near 1 and a share λ
that lasts can hardly be told apart, and data tell their sum t better than which of them it is:

    −log(1 − ρ/c) = t s     −log(1 − λ/c) = t (1 − s)     t = exp(z1)     s = sigmoid(z2)

And the share that repetitions have in common is c sigmoid(steep z), for the same reason as above.
c, a little below 1, is what such a share is at most: at 1 the density of repetitions that are all
the same, or of accuracies that stay the same, would be infinite.
"""

from typing import Any, NamedTuple

import numpy as np
import pytensor.tensor as pt
from pymc.logprob.transforms import Transform

from palm_bayes.model import noise
from palm_bayes.model.curve_regions import SATURATED

MOST = 0.999
"""Of the shares of the noise that last, carry over or are in common."""
_USUAL = -2.0  # logit of a share of about 1 / 8


class Ends(NamedTuple):
    """Where the data of strategies begin and end; each a tensor, dims (strategy,) or none.

    Attributes
    ----------
    x_first, x_second, x_last
        Observed x, in batches.
    accuracy_first, accuracy_last
        Mean accuracy at the first and at the last, a fraction.
    count
        Of observations.
    """

    x_first: Any
    x_second: Any
    x_last: Any
    accuracy_first: Any
    accuracy_last: Any
    count: Any


class _Chart(Transform):  # type: ignore[misc]  # PyMC is not typed
    """Transform of the vector (A_max, log u_lo, α, β); see the module.

    Parameters
    ----------
    ends : Ends
    alpha_lo, alpha_hi : tensor, dims (strategy,)
        Bounds on α, with alpha_lo ≥ −x_first.
    beta_hi : float
        Bound on β.
    """

    name = "coordinates"

    def __init__(self, ends: Ends, alpha_lo: Any, alpha_hi: Any, beta_hi: float) -> None:
        self.ends = ends
        self.x_first, self.x_second, self.x_last = ends.x_first, ends.x_second, ends.x_last
        self.alpha_lo, self.alpha_hi, self.beta_hi = alpha_lo, alpha_hi, beta_hi

    def backward(self, value: Any, *inputs: Any) -> Any:
        """Parameters, dims (strategy, 4), of unconstrained points, dims (strategy, 4)."""
        return self._backward(value, *inputs)[0]

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        """Log of |∂(A_max, log u_lo, α, β)/∂z|, dims (strategy,)."""
        return self._backward(value, *inputs)[1]

    def _backward(self, z: Any, *inputs: Any) -> tuple[Any, Any]:
        """Parameters and log-Jacobian, which share nearly all their terms."""
        raise NotImplementedError


class CurveCoordinates(_Chart):
    """Chart of all curves, good where they rise."""

    def forward(self, value: Any, *inputs: Any) -> Any:
        """Unconstrained points of parameters; the inverse of `backward`."""
        A_max, log_u_lo, alpha, beta = (value[..., i] for i in range(4))
        rise = beta * pt.log((self.x_last + alpha) / (self.x_first + alpha))
        u_lo, u_hi = pt.exp(log_u_lo), pt.exp(log_u_lo + rise)
        f_hi = -A_max * pt.expm1(-u_hi)
        v = -pt.log1p(-pt.expm1(-u_lo) / pt.expm1(-u_hi))
        least = pt.softplus(-pt.log1p(-f_hi) - v)
        z3 = _flattened(pt.log(pt.softplus(u_hi - v) - least), pt.log(least))
        share = (alpha - self.alpha_lo) / self._width(rise)
        centers, log_units = self._counting(*inputs)
        z = pt.stack([_logit(f_hi), pt.log(v), z3, _logit(share)], axis=-1)
        return (z - centers) / pt.exp(log_units)

    def _counting(self, *inputs: Any) -> tuple[Any, Any]:
        """Where z is counted from, and the log of its units, each of dims (strategy, 4).

        Inputs are those of the free variable ``curve`` as PyMC hands them on: a size, the first x
        and the lower bound of α, and then what it has for this: the spread of the noise at the
        last x, `palm_bayes.model.noise.passing`'s ratio, and the share that lasts.
        """
        spread, ratio, lasting = inputs[3:6]
        last = pt.clip(self.ends.accuracy_last, 0.005, 0.995)
        reached = pt.clip(self.ends.accuracy_first / last, 0.02, 0.998)
        v = -pt.log1p(-reached)
        slopes = 1 / (last * (1 - last)), 1 / (last * (1 - reached) * v)
        spreads = noise.at_first(spread, 1, lasting, pt), noise.at_first(spread, ratio, lasting, pt)
        power = pt.minimum(4 / self.ends.count, 1)
        of_both = (
            power * (pt.log(error) - 0.5 * pt.log1p(error**2))  # a coordinate is of the order of 1
            for error in (slope * sd for slope, sd in zip(slopes, spreads, strict=True))
        )
        even = pt.zeros_like(last)
        centers = pt.stack([_logit(last), pt.log(v), even, even], axis=-1)
        return centers, pt.stack([*of_both, even, even], axis=-1)

    def _width(self, rise: Any) -> Any:
        """How far α may lie above alpha_lo, where log u rises so much and β is at most beta_hi."""
        steepest = (self.x_last - self.x_first) / pt.expm1(rise / self.beta_hi) - self.x_first
        return pt.maximum(pt.minimum(self.alpha_hi, steepest) - self.alpha_lo, 1e-12)

    def _backward(self, z: Any, *inputs: Any) -> tuple[Any, Any]:
        centers, log_units = self._counting(*inputs)
        counted = centers + pt.exp(log_units) * z
        z1, z2, z3, z4 = (counted[..., i] for i in range(4))
        v = pt.exp(z2)
        least = pt.softplus(pt.softplus(z1) - v)
        log_more, log_slope = _steepened(z3, pt.log(least))
        q = least + pt.exp(log_more)
        log_expm1_q = q + pt.log(-pt.expm1(-q))
        u_hi = v + log_expm1_q
        v_less_u_lo = pt.softplus(pt.log(-pt.expm1(-v)) - log_expm1_q)
        u_lo = v - v_less_u_lo
        log_u_hi, log_u_lo = pt.log(u_hi), pt.log(u_lo)
        rise = log_u_hi - log_u_lo
        width = self._width(rise)
        alpha = self.alpha_lo + width * pt.sigmoid(z4)
        L = pt.log1p((self.x_last - self.x_first) / (self.x_first + alpha))
        A_max = pt.sigmoid(z1) / -pt.expm1(-u_hi)
        # ∂(f_hi, r, log u_hi, α)/∂z is triangular; the rest is ∂(A_max, log u_lo, β) given α. The
        # terms are paired so that none is large: a flat curve's u_lo can be e^100.
        of_z = _log_slope(z1) + (z2 - log_u_lo) + (log_more - log_u_hi) - pt.log(-pt.expm1(-q))
        of_alpha = pt.log(width) + _log_slope(z4) - pt.log(L)
        parameters = pt.stack([A_max, log_u_lo, alpha, rise / L], axis=-1)
        return parameters, of_z + log_slope + of_alpha - v_less_u_lo + log_units.sum(axis=-1)


class FlatCoordinates(_Chart):
    """Chart of the curves that are saturated at the first observed x: u(x_first) > SATURATED."""

    def forward(self, value: Any, *_: Any) -> Any:
        """Unconstrained points of parameters; the inverse of `backward`."""
        A_max, log_u_lo, alpha, beta = (value[..., i] for i in range(4))
        width = self.alpha_hi - self.alpha_lo
        log_power = beta * pt.log(self.x_first + alpha)
        more = (pt.exp(log_u_lo) - SATURATED) * pt.exp(-log_power)
        z4 = _straight(_logit((alpha - self.alpha_lo) / width), -pt.log(width), 1 / (1 + beta))
        z = (_logit(A_max), _logit(beta / self.beta_hi), pt.log(pt.expm1(more)), z4)
        return pt.stack(z, axis=-1)

    def _backward(self, z: Any, *_: Any) -> tuple[Any, Any]:
        z1, z2, z3, z4 = (z[..., i] for i in range(4))
        beta = self.beta_hi * pt.sigmoid(z2)
        width = self.alpha_hi - self.alpha_lo
        y, log_slope = _bent(z4, -pt.log(width), 1 / (1 + beta))
        above = width * pt.sigmoid(y)
        log_power = beta * pt.log(self.x_first + self.alpha_lo + above)
        k = SATURATED * pt.exp(-log_power) + pt.softplus(z3)
        parameters = (pt.sigmoid(z1), pt.log(k) + log_power, self.alpha_lo + above, beta)
        of_k = -pt.softplus(-z3) - pt.log(k)
        of_alpha = pt.log(width) + _log_slope(y) + log_slope
        of_rest = _log_slope(z1) + np.log(self.beta_hi) + _log_slope(z2)
        return pt.stack(parameters, axis=-1), of_k + of_alpha + of_rest


class StepCoordinates(_Chart):
    """Chart of the curves that are saturated at the second observed x: u(x_second) > SATURATED."""

    def forward(self, value: Any, *_: Any) -> Any:
        """Unconstrained points of parameters; the inverse of `backward`."""
        A_max, log_u_lo, alpha, beta = (value[..., i] for i in range(4))
        more = pt.exp(log_u_lo - beta * pt.log(self.x_first + alpha)) - self._least(log_u_lo, beta)
        z = (_logit(A_max), log_u_lo, pt.log(pt.expm1(more)), _logit(beta / self.beta_hi))
        return pt.stack(z, axis=-1)

    def _least(self, log_u_lo: Any, beta: Any) -> Any:
        """Least k, so that u is SATURATED at x_second and α at most alpha_hi."""
        short = pt.minimum((log_u_lo - np.log(SATURATED)) / beta, -1e-12)
        of_second = pt.log(-pt.expm1(short)) - pt.log(self.x_second - self.x_first)
        of_alpha = log_u_lo - beta * pt.log(self.x_first + self.alpha_hi)
        return pt.exp(pt.maximum(np.log(SATURATED) + beta * of_second, of_alpha))

    def _backward(self, z: Any, *_: Any) -> tuple[Any, Any]:
        z1, log_u_lo, z3, z4 = (z[..., i] for i in range(4))
        beta = self.beta_hi * pt.sigmoid(z4)
        log_k = pt.log(self._least(log_u_lo, beta) + pt.softplus(z3))
        # Far out in the tail, where β nears 0, α would be rounded to −x_first.
        log_start = pt.maximum((log_u_lo - log_k) / beta, -30.0)
        parameters = (pt.sigmoid(z1), log_u_lo, pt.exp(log_start) - self.x_first, beta)
        of_alpha = log_start - pt.log(beta) - pt.softplus(-z3) - log_k
        of_rest = _log_slope(z1) + np.log(self.beta_hi) + _log_slope(z4)
        return pt.stack(parameters, axis=-1), of_alpha + of_rest


class MemoryCoordinates(Transform):  # type: ignore[misc]  # PyMC is not typed
    """Transform of the vector (ρ, λ); see the module."""

    name = "coordinates"

    def forward(self, value: Any, *_: Any) -> Any:
        """Unconstrained points of the shares; the inverse of `backward`."""
        of_rho, of_lasting = (-pt.log1p(-value[..., i] / MOST) for i in range(2))
        return pt.stack([pt.log(of_rho + of_lasting), pt.log(of_rho / of_lasting)], axis=-1)

    def backward(self, value: Any, *_: Any) -> Any:
        """Shares, dims (..., 2), of unconstrained points, dims (..., 2)."""
        t, z2 = pt.exp(value[..., 0]), value[..., 1]
        return pt.stack([-MOST * pt.expm1(-t * pt.sigmoid(by)) for by in (z2, -z2)], axis=-1)

    def log_jac_det(self, value: Any, *_: Any) -> Any:
        """Log of |∂(ρ, λ)/∂z|, dims (...)."""
        z1, z2 = value[..., 0], value[..., 1]
        return 2 * z1 + _log_slope(z2) - pt.exp(z1) + 2 * np.log(MOST)


class ShareCoordinates(Transform):  # type: ignore[misc]  # PyMC is not typed
    """Transform of a share in (0, 1) that is mostly small: a logit, bent below a usual one."""

    name = "coordinates"

    def forward(self, value: Any, *_: Any) -> Any:
        """Unconstrained points of shares; the inverse of `backward`."""
        return _flattened(_logit(value / MOST), _USUAL)

    def backward(self, value: Any, *_: Any) -> Any:
        """Shares of unconstrained points."""
        return MOST * pt.sigmoid(_steepened(value, _USUAL)[0])

    def log_jac_det(self, value: Any, *_: Any) -> Any:
        """Log of the derivative of `backward`."""
        logit, log_slope = _steepened(value, _USUAL)
        return _log_slope(logit) + log_slope + np.log(MOST)


def _steepened(z: Any, at: Any) -> tuple[Any, Any]:
    """Bend the diagonal downwards below `at`, like a parabola; and log of its slope.

    An exponential tail there becomes about a normal one.
    """
    below = pt.softplus(at - z)
    return z - below**2 / 2, pt.log1p(below * pt.sigmoid(at - z))


def _flattened(y: Any, at: Any) -> Any:
    """Undo `_steepened`, by Newton's method: of a concave function, from its steep side."""
    z = y
    for _ in range(12):
        found, log_slope = _steepened(z, at)
        z = z + (y - found) * pt.exp(-log_slope)
    return z


def _bent(z: Any, at: Any, slope: Any) -> tuple[Any, Any]:
    """Bend the line through the point `at`: above its slope is 1, below `slope`; and log of it."""
    t = z - at
    root = pt.sqrt(t**2 + 1)
    log_slope = pt.log((1 + slope + (1 - slope) * t / root) / 2)
    return at + (t * (1 + slope) + root * (1 - slope)) / 2, log_slope


def _straight(y: Any, at: Any, slope: Any) -> Any:
    """Undo `_bent`: a hyperbola, hence a quadratic equation."""
    a = y - at
    root = pt.sqrt(a**2 + slope)
    return at + (a * (1 + slope) - root * (1 - slope)) / (2 * slope)


def _logit(p: Any) -> Any:
    return pt.log(p) - pt.log1p(-p)


def _log_slope(z: Any) -> Any:
    """Log of the derivative of the sigmoid at z."""
    return -pt.softplus(z) - pt.softplus(-z)
