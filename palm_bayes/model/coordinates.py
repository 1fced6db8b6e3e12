r"""Coordinates of the curve: joint transforms that make PALM's posterior easy to sample.

A_max, δ, α and β are correlated along curved ridges, on which NUTS fails. The accuracies at the
first and the last observed x are nearly uncorrelated. With u(x) = −log(1 − A(x)/A_max)
= k (x + α)^β, the unconstrained point z = (z1, z2, z3, z4) stands for

    f_hi = sigmoid(z1)                 accuracy at x_last
    v    = exp(z2) = −log(1 − r)       r = f_lo / f_hi, the share of f_hi reached at x_first
    q    = q_least + exp(steep z3),    u_hi = v + log(exp(q) − 1)
    α    = alpha_lo + (top − alpha_lo) · sigmoid(z4)

and the parameters follow from them:

    A_max = f_hi / (1 − exp(−u_hi))          u_lo = −log(exp(−v) + r exp(−u_hi))
    L = log((x_last + α) / (x_first + α))    β = (log u_hi − log u_lo) / L

With q_least = softplus(−log(1 − f_hi) − v), u_hi lies above −log(1 − f_hi), hence A_max below 1. On
curves that still rise, z3 changes only A_max. Below log q_least it is steepened; otherwise its
tail would be exponential wherever A_max may be nearly 1. On curves flat from the start, v is large,
u_hi is near v, q_least vanishes, and z3 changes only log β: there β L ≈ log(1 + q/v). One chart
thus serves both kinds of curve; charts on log u_hi or on A_max serve only one.
`top` is alpha_hi, or the α at which β = beta_hi if that is less, so that no bound truncates.

The precision of f_hi and r depends on the noise, which few observations leave uncertain: in z1
and z2 the posterior would be a funnel. So both are measured from the observed accuracies at both
ends, in units of their standard error given the noise, to the power of 4 / n: the share of n
observations that the curve's four parameters use up. The error of f_hi does not vanish in long
runs, since each has a constant offset (`palm_bayes.model.noise.offset_sd`). There are as few of
these as repetitions, so the power is at least `LEVEL_POWER`.

Where the prior gives much volume to curves that the data determine poorly, these have their own
charts (`palm_bayes.model.curve_regions`), in which the prior of the undetermined parameters is wide
and smooth. With S = x_first + α and k = u_lo / S^β:

    flat    A_max = sigmoid(z1)    β = beta_hi · sigmoid(z2)    k = SATURATED S^−β + softplus(z3)
            α = alpha_lo + (alpha_hi − alpha_lo) · sigmoid(bent z4)
    step    A_max = sigmoid(z1)    β = beta_hi · sigmoid(z4)    k = k_least + softplus(z3)
            log u_lo = z2          log S = (log u_lo − log k) / β

z4 is bent at S = 1; below it, its slope on log S is only 1 / (1 + β), since there S^−β soon
requires a k outside its prior, the sooner the larger β is. k_least gives u = SATURATED at the
second observed x, or α = alpha_hi.
The parameters are (A_max, log u_lo, α, β); `palm_bayes.model.curve` says why log u_lo replaces δ.
"""

from typing import Any

import numpy as np
import pytensor.tensor as pt
from pymc.logprob.transforms import Transform

from palm_bayes.model import noise
from palm_bayes.model.curve import SATURATED
from palm_bayes.model.variables import Ends

LEVEL_POWER = 1 / 3
"""Least power of the unit of f_hi: the share of three repetitions that its level uses up."""


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


class _Chart(Transform):  # type: ignore[misc]  # PyMC is not typed
    """Transform of the vector (A_max, log u_lo, α, β), with alpha_lo ≥ −x_first; see the module."""

    name = "coordinates"

    def __init__(self, ends: Ends, alpha_lo: Any, alpha_hi: Any, beta_hi: float) -> None:
        self.ends = ends
        self.x_first, self.x_second, self.x_last = ends.x_first, ends.x_second, ends.x_last
        self.alpha_lo, self.alpha_hi, self.beta_hi = alpha_lo, alpha_hi, beta_hi

    def backward(self, value: Any, *inputs: Any) -> Any:
        """Map unconstrained points, dims (strategy, 4), to parameters, dims (strategy, 4)."""
        return self._backward(value, *inputs)[0]

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        """Return log |∂(A_max, log u_lo, α, β)/∂z|, dims (strategy,)."""
        return self._backward(value, *inputs)[1]

    def _backward(self, z: Any, *inputs: Any) -> tuple[Any, Any]:
        """Return parameters and log-Jacobian, which share nearly all their terms."""
        raise NotImplementedError


class CurveCoordinates(_Chart):
    """Chart of all curves, efficient where they rise."""

    def forward(self, value: Any, *inputs: Any) -> Any:
        """Map parameters to unconstrained points; the inverse of `backward`."""
        A_max, log_u_lo, alpha, beta = (value[..., i] for i in range(4))
        rise = beta * pt.log((self.x_last + alpha) / (self.x_first + alpha))
        u_lo, u_hi = pt.exp(log_u_lo), pt.exp(log_u_lo + rise)
        f_hi = -A_max * pt.expm1(-u_hi)
        v = -pt.log1p(-pt.expm1(-u_lo) / pt.expm1(-u_hi))
        least = pt.softplus(-pt.log1p(-f_hi) - v)
        z3 = flattened(pt.log(pt.softplus(u_hi - v) - least), pt.log(least))
        share = (alpha - self.alpha_lo) / self._width(rise)
        counted = zip((logit(f_hi), pt.log(v)), *self._counting(*inputs), strict=True)
        z1, z2 = ((z - center) / pt.exp(log_unit) for z, center, log_unit in counted)
        return pt.stack([z1, z2, z3, logit(share)], axis=-1)

    def _counting(self, *inputs: Any) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
        """Return the origins of z1 and z2 and the logs of their units, of dims (strategy,) each.

        Inputs are those of the free variable ``curve`` as PyMC passes them: a size, the first x,
        the lower bound of α, the standard deviation of the noise at the last x, the ratio of
        `palm_bayes.model.noise.transient_sd`, and the persistent share.
        """
        spread, ratio, lasting = inputs[3:6]
        last = pt.clip(self.ends.accuracy_last, 0.005, 0.995)
        reached = pt.clip(self.ends.accuracy_first / last, 0.02, 0.998)
        v = -pt.log1p(-reached)
        slopes = 1 / (last * (1 - last)), 1 / (last * (1 - reached) * v)
        used = pt.minimum(4 / self.ends.count, 1)
        transient = noise.transient_share(lasting)
        of_level = pt.sqrt(spread**2 * (1 - transient + used * transient) + noise.RESOLUTION**2)
        errors = slopes[0] * of_level, slopes[1] * noise.sd_at_first(spread, ratio, lasting, pt)
        powers = pt.maximum(used, LEVEL_POWER), used
        of_first, of_second = (
            power * (pt.log(error) - 0.5 * pt.log1p(error**2))  # a coordinate is of the order of 1
            for power, error in zip(powers, errors, strict=True)
        )
        return (logit(last), pt.log(v)), (of_first, of_second)

    def _width(self, rise: Any) -> Any:
        """Return the largest α − alpha_lo for a given rise of log u, with β at most beta_hi."""
        steepest = (self.x_last - self.x_first) / pt.expm1(rise / self.beta_hi) - self.x_first
        return pt.maximum(pt.minimum(self.alpha_hi, steepest) - self.alpha_lo, 1e-12)

    def _backward(self, z: Any, *inputs: Any) -> tuple[Any, Any]:
        centers, log_units = self._counting(*inputs)
        z1, z2, z3, z4 = (z[..., i] for i in range(4))  # no vectors: PyTensor is faster on scalars
        z1, z2 = centers[0] + pt.exp(log_units[0]) * z1, centers[1] + pt.exp(log_units[1]) * z2
        v = pt.exp(z2)
        least = pt.softplus(pt.softplus(z1) - v)
        log_more, log_slope = steepened(z3, pt.log(least))
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
        of_z = (
            log_sigmoid_slope(z1) + (z2 - log_u_lo) + (log_more - log_u_hi) - pt.log(-pt.expm1(-q))
        )
        of_alpha = pt.log(width) + log_sigmoid_slope(z4) - pt.log(L)
        parameters = pt.stack([A_max, log_u_lo, alpha, rise / L], axis=-1)
        return parameters, of_z + log_slope + of_alpha - v_less_u_lo + sum(log_units)


class FlatCoordinates(_Chart):
    """Chart of the curves that are saturated at the first observed x: u(x_first) > SATURATED."""

    def forward(self, value: Any, *_: Any) -> Any:
        """Map parameters to unconstrained points; the inverse of `backward`."""
        A_max, log_u_lo, alpha, beta = (value[..., i] for i in range(4))
        width = self.alpha_hi - self.alpha_lo
        log_power = beta * pt.log(self.x_first + alpha)
        more = (pt.exp(log_u_lo) - SATURATED) * pt.exp(-log_power)
        z4 = straight(logit((alpha - self.alpha_lo) / width), -pt.log(width), 1 / (1 + beta))
        z = (logit(A_max), logit(beta / self.beta_hi), pt.log(pt.expm1(more)), z4)
        return pt.stack(z, axis=-1)

    def _backward(self, z: Any, *_: Any) -> tuple[Any, Any]:
        z1, z2, z3, z4 = (z[..., i] for i in range(4))
        beta = self.beta_hi * pt.sigmoid(z2)
        width = self.alpha_hi - self.alpha_lo
        y, log_slope = bent(z4, -pt.log(width), 1 / (1 + beta))
        above = width * pt.sigmoid(y)
        log_power = beta * pt.log(self.x_first + self.alpha_lo + above)
        k = SATURATED * pt.exp(-log_power) + pt.softplus(z3)
        parameters = (pt.sigmoid(z1), pt.log(k) + log_power, self.alpha_lo + above, beta)
        of_k = -pt.softplus(-z3) - pt.log(k)
        of_alpha = pt.log(width) + log_sigmoid_slope(y) + log_slope
        of_rest = log_sigmoid_slope(z1) + np.log(self.beta_hi) + log_sigmoid_slope(z2)
        return pt.stack(parameters, axis=-1), of_k + of_alpha + of_rest


class StepCoordinates(_Chart):
    """Chart of the curves that are saturated at the second observed x: u(x_second) > SATURATED."""

    def forward(self, value: Any, *_: Any) -> Any:
        """Map parameters to unconstrained points; the inverse of `backward`."""
        A_max, log_u_lo, alpha, beta = (value[..., i] for i in range(4))
        more = pt.exp(log_u_lo - beta * pt.log(self.x_first + alpha)) - self._least(log_u_lo, beta)
        z = (logit(A_max), log_u_lo, pt.log(pt.expm1(more)), logit(beta / self.beta_hi))
        return pt.stack(z, axis=-1)

    def _least(self, log_u_lo: Any, beta: Any) -> Any:
        """Return the least k for which u(x_second) ≥ SATURATED and α ≤ alpha_hi."""
        short = pt.minimum((log_u_lo - np.log(SATURATED)) / beta, -1e-12)
        of_second = pt.log(-pt.expm1(short)) - pt.log(self.x_second - self.x_first)
        of_alpha = log_u_lo - beta * pt.log(self.x_first + self.alpha_hi)
        return pt.exp(pt.maximum(np.log(SATURATED) + beta * of_second, of_alpha))

    def _backward(self, z: Any, *_: Any) -> tuple[Any, Any]:
        z1, log_u_lo, z3, z4 = (z[..., i] for i in range(4))
        beta = self.beta_hi * pt.sigmoid(z4)
        log_k = pt.log(self._least(log_u_lo, beta) + pt.softplus(z3))
        # In the far tail, where β approaches 0, α would be rounded to −x_first.
        log_start = pt.maximum((log_u_lo - log_k) / beta, -30.0)
        parameters = (pt.sigmoid(z1), log_u_lo, pt.exp(log_start) - self.x_first, beta)
        of_alpha = log_start - pt.log(beta) - pt.softplus(-z3) - log_k
        of_rest = log_sigmoid_slope(z1) + np.log(self.beta_hi) + log_sigmoid_slope(z4)
        return pt.stack(parameters, axis=-1), of_alpha + of_rest
