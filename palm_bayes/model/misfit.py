"""Misfit: prior of a strategy's deviation from the PALM curve past the data.

PALM is a good approximation, but a posterior of its four parameters ignores that it is not exact.
In log-odds, the expected accuracy is PALM's plus a misfit, which grows from x_last on and depends
on a standard normal variable z per strategy; data up to x_last do not inform it. With
t = log(x / x_last) ≥ 0 and the noise s of a single accuracy at the end of the data (in log-odds),
the log-odds are

    max over τ ≤ t of  PALM(0) + G(τ) + h(z) · (scale · (s / _NOISE)^by_noise · τ^power
                                                + by_gain · G(τ))

G(τ) = (1 − straight) · (PALM(τ) − PALM(0)) + straight · PALM'(0) · τ is the expected gain: PALM's
curve comes to rest, while many real curves go on in a straight line of log-odds by log labels, as
power laws do. The maximum allows a curve to stay constant, but not to fall with more labels.
h(z) = z · exp(tail · z² / 2), Tukey's h distribution, allows large deviations for a few curves.
Strategies of one task share an unknown part of the variance of z, whose prior has mean `common` and
puts most weight near 0 and 1. Past the data the noise of a strategy's repetitions has more in
common than within them, where PALM's curve follows what they have in common: see
`Misfit.becomes_shared`. All hyperparameters are learned from past curves
(`palm_bayes.evaluation.learn`). As in `curve`, ``xp`` is `numpy` or `pytensor.tensor`.
"""

from dataclasses import asdict, dataclass
from types import ModuleType
from typing import Any

import numpy as np

from palm_bayes.arrays import Floats
from palm_bayes.errors import DataError, real
from palm_bayes.model.noise import LEAST_VARIANCE, mixed

STEP = 0.05
"""Step of the grid of log labels on which the running maximum is computed."""

_NOISE = 0.05  # log-odds: the noise that `scale` refers to
_LEAST_END = 1e-9  # of the grid to the end of a pool
_POOL_POWER = 2  # of the labelled share of a pool, by which curves approach its end
_ALIKE = 0.5  # sum of the Beta prior's parameters: below 2 it favours the ends over the middle
_LEAST = 1e-4  # least distance of accuracies to 0 and 1, whose log-odds are infinite
# Allowed hyperparameters: largest values, and those above 0.
MOST = {
    **dict.fromkeys(("straight", "common", "later_shared"), 1.0),
    "tail": 0.99,
    **dict.fromkeys(("between_gains", "between_levels"), np.inf),
}
_POSITIVE = {"power", *(f"between_{of}{w}" for of in ("gains", "levels") for w in ("", "_width"))}


@dataclass(frozen=True)
class Misfit:
    """Learned hyperparameters of the misfit; see the module.

    Attributes
    ----------
    scale : float
        Standard deviation of the misfit of a curve without gain, in log-odds, after e-fold labels,
        if the noise at the end of the data is 0.05.
    by_noise : float
        Exponent of the noise in the growth of the misfit.
    power : float
        Exponent of log(x / x_last) in the growth of the misfit.
    by_gain : float
        Standard deviation of a curve's gain past the data, as a share of the expected one. It and
        `scale` are standard deviations only if `tail` is 0.
    straight : float
        Share of the straight line that continues PALM's curve, in log-odds by log labels, in the
        expected gain; from 0 (PALM's gain) to 1.
    tail : float
        Tail parameter of Tukey's h distribution of the growth, from 0 (normal) to below 1.
    later_shared : float
        Share of the repetitions' own noise that becomes common to them far past the data, from 0
        to 1; see `becomes_shared`.
    common : float
        Mean share of the misfit's variance common to the strategies of a task, from 0 to 1.
    between_gains, between_gains_width : float
        Median, and standard deviation of the logarithm, of the log-normal prior of the scale of
        the log gains of a task's strategies around their common location; see
        `palm_bayes.inference.partial_pooling`. An infinite median means no pooling.
    between_levels, between_levels_width : float
        The same of their log-odds at the end of the data.
    """

    scale: float
    by_noise: float
    power: float
    by_gain: float
    straight: float
    tail: float
    later_shared: float
    common: float
    between_gains: float
    between_gains_width: float
    between_levels: float
    between_levels_width: float

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            most = MOST.get(name, np.finfo(float).max)
            real(value, f"{name} of the misfit")
            if not 0 <= value <= most or (value == 0 and name in _POSITIVE):
                raise DataError(f"{name} of the misfit is {value:g}, which is not allowed")

    def normals(self, chains: int, draws: int, strategies: int, rng: np.random.Generator) -> Floats:
        """Draw z from its prior, stratified over draws; dims (chain, draw, strategy).

        Each pair of strategies has correlation `common`.
        """
        # SciPy is imported in functions: most answers of a saved fit do without it.
        from scipy.special import ndtri
        from scipy.stats import qmc

        places = qmc.LatinHypercube(strategies + 2, rng=rng).random(chains * draws)
        normal = ndtri(places[:, :-1]).reshape(chains, draws, strategies + 1)
        own, task = normal[..., :-1], normal[..., -1:]
        if strategies == 1:
            return np.asarray(own)
        share = shares_in_common(self.common, places[:, -1]).reshape(chains, draws, 1)
        return np.asarray(mixed(task, own, share))

    def becomes_shared(self, t: Any) -> Any:
        """Compute the share of the repetitions' own noise that is common to them past the data.

        It is `later_shared` times 1 − x_last / x, the share of the labels that came after the data.
        Within the data, PALM's curve follows most of what slowly moves all repetitions, such as
        their common test split, so that it is hardly seen as noise. The variance of a single
        repetition does not change.

        Parameters
        ----------
        t : array
            log(x / x_last), at least 0.
        """
        return self.later_shared * -np.expm1(-t)

    def width(self, noise: Any, t: Any, gain: Any) -> Any:
        """Compute the standard deviation of the misfit's growth in log-odds, before the maximum.

        Parameters
        ----------
        noise : array
            s; see `noise_of_odds`.
        t : array
            log(x / x_last), at least 0.
        gain : array
            G, the expected gain of log-odds since x_last.
        """
        return self.scale * (noise / _NOISE) ** self.by_noise * t**self.power + self.by_gain * gain

    def expected(
        self,
        odds: Any,
        along: Any,
        noise: Any,
        t: Any,
        z: Any,
        xp: ModuleType = np,
        pool: tuple[Any, Any] | None = None,
    ) -> Any:
        """Compute expected accuracies, which do not fall with more labels; arguments are broadcast.

        Parameters
        ----------
        odds : array, dims (..., x)
            Log-odds of PALM's curve; only those within the data are used.
        along : array, dims (..., step)
            The same on the grid `steps_until` the last x or, with `pool`, `steps_to` its end.
        noise : array, dims (..., 1)
            s, of `noise_of_odds`.
        t : array, dims (x,) or (strategy, x)
            log(x / x_last), at most 0 within the data; always a NumPy array. In the other arguments
            strategies, if any, are the last dim but one.
        z : array, dims (..., 1)
            Standard normal.
        xp : module
            `numpy` or `pytensor.tensor`.
        pool : tuple of arrays, optional
            Where the pool ends: `steps_to` there, dims (strategy, step), a NumPy array, and the
            log-odds that all strategies have there, dims (..., 1).
        """
        if pool is None:
            step, steps = STEP, STEP * xp.arange(along.shape[-1])
        else:
            step, steps = pool[0][..., 1:2], pool[0]
        gain = along - along[..., :1]
        gain = gain + self.straight * (gain[..., 1:2] / step * steps - gain)
        heavy = z * xp.exp(0.5 * self.tail * z**2)
        with_misfit = along[..., :1] + gain + heavy * self.width(noise, steps, gain)
        highest = _highest_so_far(with_misfit, xp)
        place = np.maximum(t, 0) / step
        if pool is not None:
            highest = _to_the_pools_end(highest, *pool, xp)
            last = steps.shape[-1] - 2  # also of t that differ from it by rounding
            place = np.where(t < steps[..., -2:-1] * (1 - 1e-9), place, last)
        # Linear between steps, so that the result does not depend on the other requested x.
        before: Any = np.floor(place).astype(int)
        *rows, _ = np.indices(before.shape, sparse=True)  # ten times as fast as `take_along_axis`
        low, high = (highest[(..., *rows, at)] for at in (before, before + 1))
        rested = low + (place - before) * (high - low)
        # The inverse of the log-odds, without overflow.
        return 0.5 + 0.5 * xp.tanh(0.5 * xp.where(t > 0, rested, odds))


def shares_in_common(mean: float, places: Floats) -> Floats:
    """Return quantiles, at `places`, of the prior of the share common to a task's strategies."""
    from scipy.special import betaincinv

    return np.asarray(betaincinv(*beta_in_common(mean), places))


def beta_in_common(mean: float) -> tuple[float, float]:
    """Return the parameters of this prior, a Beta distribution."""
    inside = min(max(mean, 1e-6), 1 - 1e-6)
    return _ALIKE * inside, _ALIKE * (1 - inside)


def steps_until(t: Any) -> Floats:
    """Return the grid of log(x / x_last) that `Misfit.expected` needs up to the largest t."""
    return np.asarray(STEP * np.arange(int(max(np.max(t), 0) / STEP) + 2))


def steps_to(end: Floats) -> Floats:
    """Return such a grid for each strategy, dims (strategy, step), up to `end` and one step more.

    One that is not above 0, where the pool is labelled already, is moved just above it.
    """
    count = int(max(np.max(end), 0) / STEP) + 1
    return np.asarray(np.maximum(end, _LEAST_END)[:, None] * np.arange(count + 2) / count)


def log_odds(accuracy: Any, xp: ModuleType = np) -> Any:
    """Compute log-odds of accuracies; 0 and 1 are first moved inside, to finite log-odds."""
    inside = xp.clip(accuracy, _LEAST, 1 - _LEAST)
    return xp.log(inside) - xp.log1p(-inside)


def noise_of_odds(accuracy: Any, noise: Any, xp: ModuleType = np) -> Any:
    """Convert a small standard deviation of an accuracy to log-odds (the delta method)."""
    return noise / xp.maximum(accuracy * (1 - accuracy), LEAST_VARIANCE)


def _to_the_pools_end(own: Any, steps: Floats, in_common: Any, xp: ModuleType) -> Any:
    """Let curves approach what they have in common at the last step but one.

    What is missing is made up by a power of the labelled share of what the pool has left. Curves do
    not fall: one that would is constant where it lies above its end. Nothing changes if the pool is
    labelled already.
    """
    end = steps[..., -2:-1]
    share = (end > _LEAST_END) * np.minimum(np.expm1(steps) / np.expm1(end), 1)
    weight = share**_POOL_POWER
    # Not by slices, of which PyTensor does not know that they have length 1.
    start, alone = (own[..., place][..., None] for place in (0, -2))
    reached = own - weight * alone + weight * in_common  # exact at the end
    return _lowest_from_here(xp.maximum(reached, start), xp)


def _highest_so_far(values: Any, xp: ModuleType) -> Any:
    """Compute the running maximum along the last axis."""
    if xp is np:
        return np.maximum.accumulate(values, axis=-1)
    # PyTensor has no running maximum: take the maximum of each row of a triangle.
    step = xp.arange(values.shape[-1])
    return xp.where(step <= step[:, None], values[..., None, :], -np.inf).max(axis=-1)


def _lowest_from_here(values: Any, xp: ModuleType) -> Any:
    """Compute the running minimum along the last axis, from its end."""
    return -_highest_so_far(-values[..., ::-1], xp)[..., ::-1]
