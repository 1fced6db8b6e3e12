"""What strategies of one task tell each other: the level of the hierarchy above them.

Strategies are sampled one by one, so that one that is hard to sample does not spoil the others.
What they have in common is brought in afterwards, exactly, by which of their draws go together:

- *Gains.* The logarithm of what a curve gains, as log-odds, from the end of its data to twice as
  many labels lies around a level γ that the task has in common, by a Student's t of scale ω. γ has
  a flat prior, ω a learned one: strategies that go on alike tell each other much, others little.
  Given both strategies are independent: γ and ω are drawn from their posterior, then each
  strategy's draws are taken in proportion to the density of their gain.
- *Noise.* Repetitions of one seed start from one pool and are tested on one split. Where repetition
  i of one strategy is good when repetition i of the others is, the strategies' means err together.
  In seemingly unrelated regressions with the same regressors (Zellner 1962) the correlation of the
  noise is that of the estimates. So draws of high curves go with draws of high curves, until the
  levels of the curves correlate as the noise does (Iman and Conover 1982).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import ndtr

from palm_bayes.data.runs import Runs
from palm_bayes.model.misfit import Misfit

CONFIDENCE = 0.8  # that the strategies' noise shares at least as much as is taken
HORIZON = 2.0
"""Times the labels seen, up to which gains are told of."""

_LEAST_GAIN = 0.02  # log-odds, added to gains: smaller ones are alike
_DEGREES = 4.0  # of Student's t: some strategies are unlike the others
_LEVELS = 40  # of γ
_SCALES = 7  # of ω, evenly over its logarithm
_REACH = 2.0  # standard deviations of log ω from its prior's median to the ends of its grid
_TAIL = 0.003  # of all draws, beyond the grid of γ at either end
_DRAWS = 1000  # of a strategy, evenly: what they say of γ and ω is as sure as what all of them do

type Floats = NDArray[np.float64]


class Curves(NamedTuple):
    """What is looked at of one strategy's draws, each of dims (chain, draw).

    Attributes
    ----------
    gain : array
        Of log-odds from x_last to `HORIZON` times that.
    level : array
        Mean accuracy where data were seen.
    """

    gain: Floats
    level: Floats


class Levels(NamedTuple):
    """The posterior of what strategies have in common, on a grid, each of dims (place,).

    Attributes
    ----------
    center, scale : array
        γ and ω.
    likely : array
        Their posterior; sums up to 1.
    """

    center: Floats
    scale: Floats
    likely: Floats

    def density(self, gain: Floats) -> Floats:
        """Densities of gains, dims (draw,), at each place, up to a constant; dims (draw, place)."""
        if np.isinf(self.scale).any():
            return np.ones((len(gain), len(self.scale)))
        z = (_log(gain)[:, None] - self.center) / self.scale
        q = 1 + z**2 / _DEGREES
        return np.asarray(1 / (q ** ((_DEGREES + 1) / 2) * self.scale))


def joined(
    curves: Sequence[Curves], misfit: Misfit, correlation: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Tell which draws of the strategies go together.

    Parameters
    ----------
    curves : sequence of Curves
        Of the strategies.
    misfit : Misfit
        With the prior of ω, `apart`; infinite for gains that tell of no other's.
    correlation : float
        Of levels, from 0 to 1.
    rng : Generator

    Returns
    -------
    array of int, dims (chain, draw, strategy)
        Number of a draw of the same chain.
    """
    chains, draws = curves[0].gain.shape
    every = max(chains * draws // _DRAWS, 1)
    levels = levels_of([one.gain.ravel()[::every] for one in curves], misfit)
    chosen = np.empty((chains, draws, len(curves)), dtype=np.int64)
    for chain in range(chains):
        places, at = np.unique(_evenly(levels.likely, draws, rng), return_inverse=True)
        met = Levels(*(part[places] for part in levels))
        common = rng.standard_normal((draws, 1))
        own = rng.standard_normal((draws, len(curves)))
        normal = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own
        for i, one in enumerate(curves):
            order = one.level[chain].argsort(kind="stable")
            picked = _picked(met.density(one.gain[chain][order]), at, normal[:, i])
            chosen[chain, :, i] = order[picked]
    return chosen


def levels_of(
    gains: Sequence[Floats], misfit: Misfit, weights: Sequence[Floats] | None = None
) -> Levels:
    """Find what strategies have in common from draws of their gains, each of dims (draw,).

    `weights` of the draws sum up to 1; by default they are equal.
    """
    if np.isinf(misfit.apart):
        return Levels(np.zeros(1), np.full(1, np.inf), np.ones(1))
    low, high = np.quantile(np.concatenate([_log(gain) for gain in gains]), [_TAIL, 1 - _TAIL])
    away = np.linspace(-_REACH, _REACH, _SCALES)
    scales = misfit.apart * np.exp(misfit.apart_width * away)
    center, scale = map(np.ravel, np.meshgrid(np.linspace(low, high, _LEVELS), scales))
    total = np.repeat(-0.5 * away**2, _LEVELS)
    levels = Levels(center, scale, np.ones(len(center)))
    for i, gain in enumerate(gains):
        equal = np.full(len(gain), 1 / len(gain))
        total = total + np.log((equal if weights is None else weights[i]) @ levels.density(gain))
    likely = np.exp(total - total.max())
    return levels._replace(likely=likely / likely.sum())


def _log(gain: Floats) -> Floats:
    return np.log(np.maximum(gain, 0) + _LEAST_GAIN)


def _evenly(weights: Floats, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw positions in proportion to weights, evenly, in any order."""
    places = (np.arange(count) + rng.random()) / count
    found = np.searchsorted(weights.cumsum(), places).clip(max=len(weights) - 1)
    return np.asarray(rng.permutation(found))


def _picked(near: Floats, at: NDArray[np.int64], normal: Floats) -> NDArray[np.int64]:
    """Pick a draw for each γ: of weights `near`, dims (draw, γ), at the quantiles of `normal`."""
    reached = near.cumsum(axis=0)
    picked = np.empty(len(at), dtype=np.int64)
    for i in np.unique(at):
        members = np.flatnonzero(at == i)
        # Evenly spread quantiles in the order of the normals: fewer draws are taken twice.
        ranks = normal[members].argsort().argsort()
        spread = (ranks + 0.5) / len(members) if len(members) > 1 else ndtr(normal[members])
        picked[members] = np.searchsorted(reached[:, i], spread * reached[-1, i])
    return picked.clip(max=len(near) - 1)


def shared_noise(runs: Runs) -> float:
    """Correlation between strategies of the levels of repetitions of one name, from 0 to 1.

    The lower one-sided confidence bound of the intraclass correlation, ICC(C,1) of McGraw and
    Wong (1996): 0 unless the data show more. Levels are mean residuals over the episodes that all
    have, from the mean of the repetitions and in units of each strategy's own spread.
    """
    table = runs.table.pivot_table(
        index="episode", columns=["strategy", "repetition"], values="accuracy", sort=False
    )
    of_strategy = [table[name] for name in runs.strategies]
    common = set.intersection(*(set(part.columns) for part in of_strategy))
    names = [name for name in of_strategy[0].columns if name in common]
    if len(of_strategy) < 2 or len(names) < 3:
        return 0.0
    cube = np.stack([part[names].to_numpy() for part in of_strategy])  # strategy, episode, run
    cube = cube[:, ~np.isnan(cube).any(axis=(0, 2))]
    if not cube.shape[1]:
        return 0.0
    residuals = cube - cube.mean(axis=2, keepdims=True)
    levels = residuals.mean(axis=1)
    spread = levels.std(axis=1, ddof=1, keepdims=True)
    return _lower_icc(levels / spread) if spread.min() > 1e-12 else 0.0


def _lower_icc(levels: "np.ndarray[tuple[int, int], np.dtype[np.float64]]") -> float:
    """Lower bound of ICC(C,1); `levels` have shape (strategy, repetition) and rows of mean 0."""
    k, n = levels.shape
    shared = levels.mean(axis=0)
    between = k * (shared**2).sum() / (n - 1)
    within = ((levels - shared) ** 2).sum() / ((n - 1) * (k - 1))
    if within < 1e-12 * between:
        return 1.0
    ratio = between / within / stats.f.ppf(CONFIDENCE, n - 1, (n - 1) * (k - 1))
    return float(max((ratio - 1) / (ratio + k - 1), 0))
