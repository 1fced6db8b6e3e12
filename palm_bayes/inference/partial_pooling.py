"""Partial pooling of the strategies of one task, as the upper level of a hierarchical model.

Strategies are sampled separately, so that one that is hard to sample does not affect the others.
The dependence between them is added afterwards, exactly, by matching their draws:

- *Gains.* Take a curve's gain in log-odds from the end of its data to twice as many labels. Its
  logarithm has a Student's t distribution with location γ, common to the task, and scale ω. γ has
  a flat prior, ω a learned one: the more alike the strategies' gains, the stronger the shrinkage.
  Given γ and ω, strategies are independent: both are drawn from their posterior, then each
  strategy's draws are resampled in proportion to the density of their gain.
- *Noise.* Repetitions of one seed start from one pool and are tested on one split. If repetition i
  tends to be good or bad in all strategies, the errors of the strategies' means are correlated. In
  seemingly unrelated regressions with the same regressors (Zellner 1962) the estimates have the
  correlation of the noise. So draws are matched by rank such that the levels of the curves have
  this correlation (Iman and Conover 1982).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import ndtr

from palm_bayes.data.runs import Runs
from palm_bayes.model.misfit import Misfit, correlated

CONFIDENCE = 0.8  # of the lower bound on the noise correlation between strategies
HORIZON = 2.0
"""End of the period of the gains, in multiples of the labels seen."""

_LEAST_GAIN = 0.02  # log-odds, added to gains, so that smaller ones hardly differ
_DEGREES = 4.0  # of freedom of Student's t, robust to outlying strategies
_LEVELS = 40  # grid points of γ
_SCALES = 7  # grid points of ω, evenly over its logarithm
_REACH = 2.0  # standard deviations of log ω from its prior's median to the ends of its grid
_TAIL = 0.003  # share of all draws beyond the grid of γ at either end
_DRAWS = 1000  # evenly taken per strategy; more do not change the posterior of γ and ω

type Floats = NDArray[np.float64]


class Curves(NamedTuple):
    """Quantities of one strategy's draws used for pooling, each of dims (chain, draw).

    Attributes
    ----------
    gain : array
        Gain in log-odds from x_last to `HORIZON` times x_last.
    level : array
        Mean expected accuracy at the observed x.
    """

    gain: Floats
    level: Floats


class Levels(NamedTuple):
    """Posterior of the task's common parameters on a grid, each of dims (place,).

    Attributes
    ----------
    center, scale : array
        γ and ω.
    likely : array
        Posterior probabilities; they sum to 1.
    """

    center: Floats
    scale: Floats
    likely: Floats

    def density(self, gain: Floats) -> Floats:
        """Compute unnormalised densities of gains, dims (draw,), per place: dims (draw, place)."""
        if np.isinf(self.scale).any():
            return np.ones((len(gain), len(self.scale)))
        z = (_log(gain)[:, None] - self.center) / self.scale
        q = 1 + z**2 / _DEGREES
        return np.asarray(1 / (q ** ((_DEGREES + 1) / 2) * self.scale))


def joined(
    curves: Sequence[Curves], misfit: Misfit, correlation: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Choose the draws of each strategy that form joint draws.

    Parameters
    ----------
    curves : sequence of Curves
        Curves of the strategies.
    misfit : Misfit
        Provides the prior of ω, `apart`; if infinite, gains are not pooled.
    correlation : float
        Correlation of the levels, from 0 to 1.
    rng : Generator

    Returns
    -------
    array of int, dims (chain, draw, strategy)
        Index of a draw of the same chain.
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
        normal = correlated(correlation, common, own)
        for i, one in enumerate(curves):
            order = one.level[chain].argsort(kind="stable")
            picked = _picked(met.density(one.gain[chain][order]), at, normal[:, i])
            chosen[chain, :, i] = order[picked]
    return chosen


def levels_of(
    gains: Sequence[Floats], misfit: Misfit, weights: Sequence[Floats] | None = None
) -> Levels:
    """Compute the posterior of γ and ω from draws of the strategies' gains, dims (draw,) each.

    The `weights` of the draws sum to 1; by default they are equal.
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
    """Draw positions by weights with systematic sampling, in random order."""
    places = (np.arange(count) + rng.random()) / count
    found = np.searchsorted(weights.cumsum(), places).clip(max=len(weights) - 1)
    return np.asarray(rng.permutation(found))


def _picked(near: Floats, at: NDArray[np.int64], normal: Floats) -> NDArray[np.int64]:
    """Pick a draw for each γ by weights `near`, dims (draw, γ), at the quantiles of `normal`."""
    reached = near.cumsum(axis=0)
    picked = np.empty(len(at), dtype=np.int64)
    for i in np.unique(at):
        members = np.flatnonzero(at == i)
        # Evenly spaced quantiles in the order of the normals repeat fewer draws.
        ranks = normal[members].argsort().argsort()
        spread = (ranks + 0.5) / len(members) if len(members) > 1 else ndtr(normal[members])
        picked[members] = np.searchsorted(reached[:, i], spread * reached[-1, i])
    return picked.clip(max=len(near) - 1)


def shared_noise(runs: Runs) -> float:
    """Estimate the correlation between strategies of equally named repetitions, from 0 to 1.

    The lower one-sided confidence bound of the intraclass correlation, ICC(C,1) of McGraw and
    Wong (1996), at least 0. The level of a repetition is its mean residual from the mean of the
    repetitions, over the episodes common to all, in units of each strategy's standard deviation.
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
    """Bound ICC(C,1) from below; `levels` have shape (strategy, repetition), rows of mean 0."""
    k, n = levels.shape
    shared = levels.mean(axis=0)
    between = k * (shared**2).sum() / (n - 1)
    within = ((levels - shared) ** 2).sum() / ((n - 1) * (k - 1))
    if within < 1e-12 * between:
        return 1.0
    ratio = between / within / stats.f.ppf(CONFIDENCE, n - 1, (n - 1) * (k - 1))
    return float(max((ratio - 1) / (ratio + k - 1), 0))
