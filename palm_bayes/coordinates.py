r"""Curve coordinates: the joint transform in which PALM's posterior can be sampled.

A_max, δ, α and β trade off along curved ridges: NUTS fails on them. The accuracies at the first
and the last observed x hardly do. With u(x) = −log(1 − A(x)/A_max) = k (x + α)^β, the unconstrained
point z = (z1, z2, z3, z4) stands for

    f_hi = sigmoid(z1)                 accuracy at x_last
    v    = exp(z2) = −log(1 − r)       r = f_lo / f_hi, the share of it reached at x_first
    q    = softplus(−log(1 − f_hi) − v) + exp(z3),     u_hi = v + log(exp(q) − 1)
    α    = alpha_lo + (alpha_hi − alpha_lo) · sigmoid(z4)

and the parameters follow from them:

    A_max = f_hi / (1 − exp(−u_hi))          u_lo = −log(exp(−v) + r exp(−u_hi))
    L = log((x_last + α) / (x_first + α))    β = (log u_hi − log u_lo) / L

u_hi lies above −log(1 − f_hi), hence A_max below 1. On curves still rising, z3 moves A_max alone.
On curves flat from the start, where v is large and u_hi ≈ v, it moves log β alone: there
β L ≈ log(1 + q/v). One chart thus serves both; charts on log u_hi or on A_max serve only one.

The parameters are (A_max, log u_lo, α, β): see `palm_bayes.curve` for why log u_lo stands for δ.
"""

from typing import Any

import pytensor.tensor as pt
from pymc.logprob.transforms import Transform


class CurveCoordinates(Transform):  # type: ignore[misc]  # PyMC is not typed
    """Transform of the vector (A_max, log u_lo, α, β) to curve coordinates; see the module.

    Parameters
    ----------
    x_first, x_last : tensor, dims (strategy,)
        First and last observed x of each strategy, in batches.
    alpha_lo, alpha_hi : tensor, dims (strategy,)
        Bounds on α, with alpha_lo ≥ −x_first.
    """

    name = "coordinates"

    def __init__(self, x_first: Any, x_last: Any, alpha_lo: Any, alpha_hi: Any) -> None:
        self.x_first, self.x_last = x_first, x_last
        self.alpha_lo, self.alpha_hi = alpha_lo, alpha_hi

    def backward(self, value: Any, *_: Any) -> Any:
        """Parameters, dims (strategy, 4), of unconstrained points, dims (strategy, 4)."""
        return self._backward(value)[0]

    def log_jac_det(self, value: Any, *_: Any) -> Any:
        """Log of |∂(A_max, log u_lo, α, β)/∂z|, dims (strategy,)."""
        return self._backward(value)[1]

    def forward(self, value: Any, *_: Any) -> Any:
        """Unconstrained points of parameters; the inverse of `backward`."""
        A_max, log_u_lo, alpha, beta = (value[..., i] for i in range(4))
        u_lo = pt.exp(log_u_lo)
        u_hi = pt.exp(log_u_lo + beta * pt.log((self.x_last + alpha) / (self.x_first + alpha)))
        f_hi = -A_max * pt.expm1(-u_hi)
        v = -pt.log1p(-pt.expm1(-u_lo) / pt.expm1(-u_hi))
        z3 = pt.log(pt.softplus(u_hi - v) - pt.softplus(-pt.log1p(-f_hi) - v))
        share = (alpha - self.alpha_lo) / (self.alpha_hi - self.alpha_lo)
        return pt.stack([_logit(f_hi), pt.log(v), z3, _logit(share)], axis=-1)

    def _backward(self, z: Any) -> tuple[Any, Any]:
        """Parameters and log-Jacobian, which share nearly all their terms."""
        z1, z2, z3, z4 = (z[..., i] for i in range(4))
        v = pt.exp(z2)
        q = pt.softplus(pt.softplus(z1) - v) + pt.exp(z3)
        log_expm1_q = q + pt.log(-pt.expm1(-q))
        u_hi = v + log_expm1_q
        v_less_u_lo = pt.softplus(pt.log(-pt.expm1(-v)) - log_expm1_q)
        u_lo = v - v_less_u_lo
        log_u_hi, log_u_lo = pt.log(u_hi), pt.log(u_lo)
        width = self.alpha_hi - self.alpha_lo
        alpha = self.alpha_lo + width * pt.sigmoid(z4)
        L = pt.log1p((self.x_last - self.x_first) / (self.x_first + alpha))
        A_max = pt.sigmoid(z1) / -pt.expm1(-u_hi)
        beta = (log_u_hi - log_u_lo) / L
        # ∂(f_hi, r, log u_hi, α)/∂z is triangular; the rest is ∂(A_max, log u_lo, β) given α. The
        # terms are paired so that none is large: a flat curve's u_lo can be e^100.
        of_z = _log_slope(z1) + (z2 - log_u_lo) + (z3 - log_u_hi) - pt.log(-pt.expm1(-q))
        of_alpha = pt.log(width) + _log_slope(z4) - pt.log(L)
        parameters = pt.stack([A_max, log_u_lo, alpha, beta], axis=-1)
        return parameters, of_z + of_alpha - v_less_u_lo


def _logit(p: Any) -> Any:
    return pt.log(p) - pt.log1p(-p)


def _log_slope(z: Any) -> Any:
    """Log of the derivative of the sigmoid at z."""
    return -pt.softplus(z) - pt.softplus(-z)
