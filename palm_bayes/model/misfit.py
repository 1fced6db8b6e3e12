"""Misfit: how far a strategy's true curve may stray from PALM's past the data.

PALM is a good but not an exact law, which a posterior of its four parameters does not know. On the
scale of log-odds the expected accuracy is PALM's plus a misfit, a prior of its own: two standard
normal numbers a strategy, of which data up to x_last say nothing. With t = log(x / x_last), the
noise s of a single accuracy where the data end (as log-odds), and what PALM's curve gains since
then, G(t):

    level · s · z₁ + max over τ ≤ t of  PALM(τ) + h(z₂) · (scale · (s / _NOISE)^by_noise · τ^power
                                                           + by_gain · G(τ))

The maximum lets a curve come to rest, but not fall with more labels. h(z) = z · exp(tail · z² / 2),
Tukey's h distribution, lets a few curves go on quite unlike PALM's. Strategies of one task have a
share of the variance of z₁ and z₂ in common, which is unknown itself: of mean `common`, and in most
tasks nearly all or nearly nothing. All numbers are learned from past curves,
see `palm_bayes.evaluation.learn`. As in `curve`, all is array functions, and ``xp`` is `numpy` or
`pytensor.tensor`.
"""

from dataclasses import asdict, dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtri
from scipy.stats import qmc

from palm_bayes.errors import DataError

PARTS = ("level", "growth")
"""Of the misfit: how far the curve lies off PALM's already, and how it goes on."""

STEP = 0.05
"""Of the grid of log labels along which a curve's highest value so far is kept."""

_NOISE = 0.05  # log-odds: where `scale` is told
_ALIKE = 0.5  # sum of the Beta prior's parameters: below 2 its ends are likelier than its middle
_LEAST = 1e-4  # accuracies nearer to 0 or 1 count as this far from it: theirs have no log-odds
_LEAST_VARIANCE = 1e-3  # of A (1 − A), likewise

type Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Misfit:
    """The learned numbers of the misfit; see the module.

    Attributes
    ----------
    level : float
        Standard deviation of where the curve lies at the end of the data, in units of the noise of
        a single accuracy there.
    scale : float
        Standard deviation of how far it strays by e-fold labels, as log-odds, of curves whose noise
        there is 0.05.
    by_noise : float
        Power of the noise that it grows with.
    power : float
        Power of log(x / x_last) that it grows with.
    by_gain : float
        Spread of what a curve gains past the data, as a share of what PALM's does; it and `scale`
        are standard deviations where `tail` is 0.
    tail : float
        Of Tukey's h distribution, from 0 (normal) to below 1: how heavy the tails of growth are.
    common : float
        Mean share of the misfit's variance that strategies of a task have in common, from 0 to 1.
    apart, apart_width : float
        Median, and standard deviation of the logarithm, of the prior of how far the logarithms of
        strategies' gains lie around a level that their task has in common; see
        `palm_bayes.inference.partial_pooling`. `apart` is infinite for strategies that tell each
        other nothing.
    """

    level: float
    scale: float
    by_noise: float
    power: float
    by_gain: float
    tail: float
    common: float
    apart: float
    apart_width: float

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            most = {"tail": 0.99, "common": 1.0, "apart": np.inf}.get(name, np.finfo(float).max)
            if not 0 <= value <= most or (name in {"power", "apart", "apart_width"} and value == 0):
                raise DataError(f"{name} of the misfit is {value:g}, which is not allowed")

    def normals(self, chains: int, draws: int, strategies: int, rng: np.random.Generator) -> Floats:
        """Draw z₁ and z₂ from their prior, evenly over draws; dims (chain, draw, strategy, part).

        Each pair of strategies correlates by `common`.
        """
        shape = (chains, draws, strategies + 1, len(PARTS))
        count = (strategies + 1) * len(PARTS) + 1
        places = qmc.LatinHypercube(count, rng=rng).random(chains * draws)
        normal = ndtri(places[:, :-1]).reshape(shape)
        own, task = normal[:, :, :-1], normal[:, :, -1:]
        if strategies == 1:
            return np.asarray(own)
        share = shares_in_common(self.common, places[:, -1]).reshape(chains, draws, 1, 1)
        return np.asarray(np.sqrt(share) * task + np.sqrt(1 - share) * own)

    def width(self, noise: Any, t: Any, gain: Any) -> Any:
        """Standard deviation of how far curves stray, as log-odds, before they come to rest.

        Parameters
        ----------
        noise : array
            s; see `noise_of_odds`.
        t : array
            log(x / x_last), at least 0.
        gain : array
            G, of PALM's log-odds since x_last.
        """
        return self.scale * (noise / _NOISE) ** self.by_noise * t**self.power + self.by_gain * gain

    def expected(
        self,
        odds: Any,
        along: Any,
        noise: Any,
        t: Any,
        of_level: Any,
        of_growth: Any,
        xp: ModuleType = np,
    ) -> Any:
        """Expected accuracies, which do not fall with more labels; arguments are broadcast.

        Parameters
        ----------
        odds : array, dims (..., x)
            Log-odds of PALM's curve; what counts are those within the data.
        along : array, dims (..., step)
            The same along `steps_until` the last x.
        noise : array, dims (..., 1)
            s, of `noise_of_odds`.
        t : array, dims (..., x)
            log(x / x_last), at most 0 within the data; of NumPy in any case.
        of_level, of_growth : array, dims (..., 1)
            z₁ and z₂.
        xp : module
            `numpy` or `pytensor.tensor`.
        """
        steps = STEP * xp.arange(along.shape[-1])
        heavy = of_growth * xp.exp(0.5 * self.tail * of_growth**2)
        strayed = along + heavy * self.width(noise, steps, along - along[..., :1])
        highest = _highest_so_far(strayed, xp)
        # Linear between steps, so that it is the same whatever other x are asked for.
        place = np.maximum(t, 0) / STEP
        before = xp.broadcast_to(np.floor(place).astype(int), odds.shape)
        low, high = (xp.take_along_axis(highest, at, axis=-1) for at in (before, before + 1))
        rested = low + (place - before) * (high - low)
        return _of_log_odds(xp.where(t > 0, rested, odds) + self.level * noise * of_level, xp)


def shares_in_common(mean: float, places: Floats) -> Floats:
    """Quantiles, at `places`, of the prior of what strategies of a task have in common."""
    return np.asarray(betaincinv(*beta_in_common(mean), places))


def beta_in_common(mean: float) -> tuple[float, float]:
    """Parameters of that prior, a Beta distribution."""
    inside = min(max(mean, 1e-6), 1 - 1e-6)
    return _ALIKE * inside, _ALIKE * (1 - inside)


def steps_until(t: Any) -> Floats:
    """Grid of log(x / x_last) that `Misfit.expected` needs up to the largest t."""
    return np.asarray(STEP * np.arange(int(max(np.max(t), 0) / STEP) + 2))


def log_odds(accuracy: Any, xp: ModuleType = np) -> Any:
    """Log-odds of accuracies; of 0 and 1, which have no finite ones, those of their neighbours."""
    inside = xp.clip(accuracy, _LEAST, 1 - _LEAST)
    return xp.log(inside) - xp.log1p(-inside)


def noise_of_odds(accuracy: Any, noise: Any, xp: ModuleType = np) -> Any:
    """Standard deviation of the log-odds of an accuracy whose own is small (the delta method)."""
    return noise / xp.maximum(accuracy * (1 - accuracy), _LEAST_VARIANCE)


def _of_log_odds(odds: Any, xp: ModuleType) -> Any:
    """Inverse of the log-odds, which does not overflow."""
    return 0.5 + 0.5 * xp.tanh(0.5 * odds)


def _highest_so_far(values: Any, xp: ModuleType) -> Any:
    """Running maximum along the last axis."""
    if xp is np:
        return np.maximum.accumulate(values, axis=-1)
    # PyTensor has none: the largest of each row of a triangle.
    step = xp.arange(values.shape[-1])
    return xp.where(step <= step[:, None], values[..., None, :], -np.inf).max(axis=-1)
