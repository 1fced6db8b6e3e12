r"""Coordinates of the noise: transforms that make its posterior easy to sample.

The autocorrelation ρ and the persistent share λ have joint coordinates. In short runs a ρ near 1
and a λ are hardly distinguishable, and the data determine their sum better than either one. In
long runs they determine ρ, with a standard error of about 1 / √n for n observations, and hardly λ,
of which there are as few values as repetitions. With a weight w = 8 / (8 + T), T the mean number of
episodes, and a bound c,

    −log(1 − ρ/c) = t s     −w log(1 − λ/c) = t (1 − s)
    √n log(1 + t) = softplus(z1)     s = sigmoid(z2)

For the same reason the standard deviation of the noise has the coordinate that its prior has, plus
half the log of the transient share of the variance.

The share that repetitions have in common is c sigmoid(steep z), steepened as in
`palm_bayes.model.coordinates`. The bound c lies a little below 1: at 1 the density of identical
repetitions, or of constant accuracies, would be infinite.
"""

from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pymc.distributions.shape_utils import change_dist_size
from pymc.distributions.transforms import log
from pymc.logprob.transforms import Transform

from palm_bayes.model import noise
from palm_bayes.model.coordinates import flattened, log_sigmoid_slope, logit, steepened
from palm_bayes.model.variables import Ends

MOST = 0.999
"""Upper bound of the noise's persistent, autocorrelated and shared parts."""
_LONG = 8.0  # episodes of a run above which ρ is determined better than its sum with λ
_USUAL = -2.0  # logit of a share of about 1 / 8


class MemoryCoordinates(Transform):  # type: ignore[misc]  # PyMC is not typed
    """Transform of the vector (ρ, λ); see the module."""

    name = "coordinates"

    def __init__(self, ends: Ends) -> None:
        self.w = _LONG / (_LONG + ends.length)
        self.root = pt.sqrt(ends.count)

    def forward(self, value: Any, *_: Any) -> Any:
        """Map shares to unconstrained points; the inverse of `backward`."""
        of_rho, of_lasting = (-pt.log1p(-value[..., i] / MOST) for i in range(2))
        of_lasting *= self.w
        y = self.root * pt.log1p(of_rho + of_lasting)
        return pt.stack([y + pt.log(-pt.expm1(-y)), pt.log(of_rho / of_lasting)], axis=-1)

    def backward(self, value: Any, *_: Any) -> Any:
        """Map unconstrained points, dims (..., 2), to shares, dims (..., 2)."""
        return pt.stack([-MOST * pt.expm1(-of) for of in self._parts(value)], axis=-1)

    def _parts(self, value: Any) -> tuple[Any, Any]:
        """Return −log(1 − ρ/c) and −log(1 − λ/c)."""
        t = pt.expm1(pt.softplus(value[..., 0]) / self.root)
        return t * pt.sigmoid(value[..., 1]), t * pt.sigmoid(-value[..., 1]) / self.w

    def log_jac_det(self, value: Any, *_: Any) -> Any:
        """Return log |∂(ρ, λ)/∂z|, dims (...)."""
        of_rho, of_lasting = self._parts(value)
        t = of_rho + self.w * of_lasting
        log_slope = pt.log1p(t) - pt.log(self.root) - pt.softplus(-value[..., 0])  # of t
        of_parts = pt.log(t) + log_sigmoid_slope(value[..., 1]) - pt.log(self.w)
        return log_slope + of_parts - of_rho - of_lasting + 2 * np.log(MOST)


class NoiseCoordinates(Transform):  # type: ignore[misc]  # PyMC is not typed
    """Transform of the noise's standard deviation given the persistent share λ; see the module.

    The transform of `prior`, a distribution of PyMC of the noise over its unit, precedes the shift.
    """

    name = "coordinates"

    def __init__(self, prior: Any) -> None:
        alone = pm.Model(model=None)  # apart from the model that is being built
        variable = alone.register_rv(change_dist_size(prior, ()), "any")
        self.usual = alone.rvs_to_transforms[variable] or log
        self.of_usual = prior.owner.inputs

    def forward(self, value: Any, _size: Any, lasting: Any, unit: Any, *_: Any) -> Any:
        """Map standard deviations to unconstrained points; the inverse of `backward`."""
        return self.usual.forward(value / unit, *self.of_usual) + self._shift(lasting)

    def backward(self, value: Any, _size: Any, lasting: Any, unit: Any, *_: Any) -> Any:
        """Map unconstrained points to standard deviations."""
        return unit * self.usual.backward(value - self._shift(lasting), *self.of_usual)

    def log_jac_det(self, value: Any, _size: Any, lasting: Any, unit: Any, *_: Any) -> Any:
        """Return the log of the derivative of `backward`."""
        return pt.log(unit) + self.usual.log_jac_det(value - self._shift(lasting), *self.of_usual)

    @staticmethod
    def _shift(lasting: Any) -> Any:
        return pt.log(noise.transient_share(lasting)) / 2


class ShareCoordinates(Transform):  # type: ignore[misc]  # PyMC is not typed
    """Transform of a usually small share in (0, 1): a logit, bent below a typical value."""

    name = "coordinates"

    def forward(self, value: Any, *_: Any) -> Any:
        """Map shares to unconstrained points; the inverse of `backward`."""
        return flattened(logit(value / MOST), _USUAL)

    def backward(self, value: Any, *_: Any) -> Any:
        """Map unconstrained points to shares."""
        return MOST * pt.sigmoid(steepened(value, _USUAL)[0])

    def log_jac_det(self, value: Any, *_: Any) -> Any:
        """Return the log of the derivative of `backward`."""
        bent, log_slope = steepened(value, _USUAL)
        return log_sigmoid_slope(bent) + log_slope + np.log(MOST)
