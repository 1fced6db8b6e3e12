"""Partial pooling of the strategies of one task, as the upper level of a hierarchical model.

Strategies are sampled separately, so that one that is hard to sample does not affect the others.
The dependence between them is added afterwards, exactly, by matching their draws:

- *Gains.* Take a curve's gain in log-odds from the end of its data to twice as many labels. Its
  logarithm has a Student's t distribution, whose location and scale are common to the task.
- *Levels.* So have the log-odds of the curves at the last x that all strategies have.
- *Noise.* Repetitions of one seed start from one pool and are tested on one split. If repetition i
  tends to be good or bad in all strategies, the errors of the strategies' means are correlated. In
  seemingly unrelated regressions with the same regressors (Zellner 1962) the estimates have the
  correlation of the noise. So the levels have a Gaussian copula with this correlation: a standard
  normal error, common to the task, and one of each strategy.

Locations have flat priors, scales learned ones: the more alike the strategies, the stronger the
shrinkage. Given locations, scales and the common error, strategies are independent. These are drawn
from their joint posterior on a grid, then each strategy's draws in proportion to their density.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from palm_bayes.arrays import Floats, Integers
from palm_bayes.data.runs import Runs
from palm_bayes.model.misfit import Misfit
from palm_bayes.model.noise import mixed

CONFIDENCE = 0.8  # of the lower bound on the noise correlation between strategies
HORIZON = 2.0
"""End of the period of the gains, in multiples of the labels seen."""

_LEAST_GAIN = 0.02  # log-odds, added to gains, so that smaller ones hardly differ
_LOCATIONS = 20  # grid points
_SCALES = 5  # grid points, evenly over the logarithm
_REACH = 2.0  # standard deviations of a log scale from its prior's median to the ends of its grid
_TAIL = 0.003  # share of all draws beyond the grid of locations at either end
_ERRORS = np.linspace(-2.5, 2.5, 11)  # grid of the common error
_MOST_SHARED = 0.93  # correlation; the grid of errors is too coarse for more
_SAME = 4  # draws that share a place
_DRAWS = 500  # evenly taken per strategy; more do not change the posterior on the grid
type Singles = NDArray[np.float32]


class Curves(NamedTuple):
    """Quantities of one strategy's draws used for pooling, dims (chain, draw) or (draw,)."""

    gain: Floats  # in log-odds, from x_last to `HORIZON` times x_last
    level: Floats  # log-odds at the last x that all strategies have


class Between(NamedTuple):
    """Student's t distributions, robust to outlying strategies, on a grid; dims (place,) each."""

    center: Floats
    scale: Floats
    log_prior: Floats  # logarithm of the prior probability of both, up to a constant

    @classmethod
    def grid(cls, values: Sequence[Floats], median: float, width: float) -> "Between":
        """Lay a grid over the `values` of all strategies, for a log-normal prior of the scale.

        An infinite `median` gives one place at which all values are equally likely.
        """
        if np.isinf(median):
            return cls(np.zeros(1), np.full(1, np.inf), np.zeros(1))
        every = np.concatenate(values)
        low, high = np.quantile(every, [_TAIL, 1 - _TAIL])
        # Half of the points lie where most draws are: strategies may differ by many of their sds.
        dense = np.quantile(every, np.linspace(_TAIL, 1 - _TAIL, _LOCATIONS // 2))
        at = np.sort(np.concatenate([np.linspace(low, high, _LOCATIONS // 2), dense]))
        between = np.diff(at, prepend=at[0], append=at[-1])
        away = np.linspace(-_REACH, _REACH, _SCALES)
        weight = np.log(between[:-1] + between[1:] + 1e-9)[:, None] - 0.5 * away**2
        center, scale = np.broadcast_arrays(at[:, None], median * np.exp(width * away))
        return cls(center.ravel(), scale.ravel(), weight.ravel())

    def density(self, values: Floats) -> Floats:
        """Compute unnormalised densities, dims (draw, place), of values of dims (draw,)."""
        if np.isinf(self.scale).any():
            return np.ones((len(values), len(self.scale)))
        z = (values[:, None] - self.center) / self.scale
        q = 1 + z**2 / 4
        return np.asarray(1 / (q**2 * np.sqrt(q) * self.scale))  # 4 degrees of freedom


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """Upper level of the hierarchy and its posterior."""

    gains: Between  # grid for the logarithms of gains
    levels: Between
    correlation: float  # of the errors of levels, from 0 to 1
    likely: Floats  # probabilities, dims (place of gains, place of levels and common error)

    def given(self, one: Curves, weights: Floats) -> tuple[Singles, Singles, Singles]:
        """Compute unnormalised densities of a strategy's draws, each of dims (draw, place).

        Given each place of gains, times the weights; of levels; and of the common error.
        """
        of_gain = weights[:, None] * self.gains.density(_log(one.gain))
        of_level = self.levels.density(one.level)
        of_error = _given_error(one.level, weights, self.correlation)
        # Single precision halves the time; densities are sums of hundreds of draws.
        return of_gain.astype(np.float32), of_level.astype(np.float32), of_error.astype(np.float32)

    def parts(self, one: Curves, weights: Floats) -> tuple[Singles, Singles]:
        """Combine densities as the dims of `likely`: those of levels and common error in one."""
        of_gain, of_level, of_error = self.given(one, weights)
        return of_gain, (of_level[:, :, None] * of_error[:, None]).reshape(len(weights), -1)

    def places(self, count: int, rng: np.random.Generator) -> Integers:
        """Draw places, as positions in the flattened `likely`, by systematic sampling.

        Each is used a few times, which is faster.
        """
        distinct = max(count // _SAME, 1)
        quantiles = (np.arange(distinct) + rng.random()) / distinct
        found = np.searchsorted(self.likely.cumsum(), quantiles).clip(max=self.likely.size - 1)
        return np.asarray(rng.permutation(np.resize(found, count)))

    def matched_draws(
        self, one: Curves, weights: Floats, at: Integers, rng: np.random.Generator
    ) -> Integers:
        """Pick a draw of a strategy for each of the places `at`."""
        of_gain, of_level, of_error = self.given(one, weights)
        places, row = np.unique(at, return_inverse=True)
        gain, rest = np.divmod(places, self.likely.shape[1])
        level, error = np.divmod(rest, of_error.shape[1])
        reached = (of_gain[:, gain] * of_level[:, level] * of_error[:, error]).T.cumsum(axis=1)
        quantiles = (rng.permutation(len(at)) + rng.random(len(at))) / len(at)
        # One search serves all places, if the shares of the i-th end at i + 1.
        totals = reached[:, -1:].astype(float).clip(min=np.finfo(float).tiny)
        ends = np.arange(len(places))[:, None] + reached / totals
        found = np.searchsorted(ends.ravel(), row + quantiles) - row * len(weights)
        return np.asarray(found).clip(0, len(weights) - 1)


def hierarchy_of(curves: Sequence[Curves], misfit: Misfit, correlation: float) -> Hierarchy:
    """Compute the posterior of the upper level from separate draws, dims (draw,), of strategies."""
    weights = [_equal(len(one.gain)) for one in curves]
    return _hierarchy(curves, misfit, correlation, weights)[0]


def hierarchy_and_weights(
    curves: Sequence[Curves], misfit: Misfit, correlation: float, weights: Sequence[Floats]
) -> tuple[Hierarchy, list[Floats]]:
    """Compute the same from weighted draws, and their weights in the joint posterior.

    The weights of each strategy, dims (draw,), sum to 1.
    """
    hierarchy, of_strategies = _hierarchy(curves, misfit, correlation, weights)
    found = []
    for of_gain, of_level, density in of_strategies:
        share = (hierarchy.likely / density).astype(np.float32)
        joint = np.einsum("dp,dp->d", of_gain @ share, of_level).astype(float)
        found.append(joint / joint.sum())
    return hierarchy, found


def _hierarchy(
    curves: Sequence[Curves], misfit: Misfit, correlation: float, weights: Sequence[Floats]
) -> tuple[Hierarchy, list[tuple[Singles, Singles, Singles]]]:
    """Compute the hierarchy, and each strategy's `Hierarchy.parts` with its density of places."""
    gains = Between.grid(
        [_log(one.gain) for one in curves], misfit.between_gains, misfit.between_gains_width
    )
    levels = Between.grid(
        [one.level for one in curves], misfit.between_levels, misfit.between_levels_width
    )
    shared = min(correlation, _MOST_SHARED)
    prior = np.exp(-0.5 * _errors(shared) ** 2)
    total = gains.log_prior[:, None] + np.add.outer(levels.log_prior, np.log(prior)).ravel()
    flat, of_strategies = Hierarchy(gains, levels, shared, np.ones_like(total)), []
    for one, weight in zip(curves, weights, strict=True):
        of_gain, of_level = flat.parts(one, weight)
        density = of_gain.T @ of_level
        total = total + np.log(density, dtype=float)
        of_strategies.append((of_gain, of_level, density))
    likely = np.exp(total - total.max())
    return replace(flat, likely=likely / likely.sum()), of_strategies


def joined(
    curves: Sequence[Curves], misfit: Misfit, correlation: float, rng: np.random.Generator
) -> Integers:
    """Choose the draws of each strategy that form joint draws.

    `curves` have dims (chain, draw). `misfit` has the priors of the scales, `between_gains` and
    `between_levels`; if infinite, gains or levels are not pooled. `correlation` is that of the
    levels' errors, from 0 to 1. The result has dims (chain, draw, strategy): the index of a draw
    of the same chain.
    """
    if np.isinf(misfit.between_gains) and np.isinf(misfit.between_levels):
        return _matched([one.level for one in curves], correlation, rng)
    chains, draws = curves[0].gain.shape
    every = max(chains * draws // _DRAWS, 1)
    thinned = [Curves(*(part.ravel()[::every] for part in one)) for one in curves]
    hierarchy = hierarchy_of(thinned, misfit, correlation)
    chosen = np.empty((chains, draws, len(curves)), dtype=np.int64)
    for chain in range(chains):
        at = hierarchy.places(draws, rng)
        for i, one in enumerate(curves):
            of_chain = Curves(*(part[chain] for part in one))
            chosen[chain, :, i] = hierarchy.matched_draws(of_chain, _equal(draws), at, rng)
    return chosen


def _matched(levels: Sequence[Floats], correlation: float, rng: np.random.Generator) -> Integers:
    """Match draws by the ranks of correlated normals (Iman and Conover 1982); all are kept."""
    chains, draws = levels[0].shape
    task = rng.standard_normal((chains, draws, 1))
    own = rng.standard_normal((chains, draws, len(levels)))
    ranks = mixed(task, own, correlation).argsort(axis=1).argsort(axis=1)
    order = np.stack(levels, axis=-1).argsort(axis=1, kind="stable")
    return np.asarray(np.take_along_axis(order, ranks, axis=1))


def _given_error(level: Floats, weights: Floats, correlation: float) -> Floats:
    """Compute relative densities of levels given the common error, dims (draw, error)."""
    # SciPy is imported in functions: most answers of a saved fit do without it.
    from scipy.special import ndtri

    errors = _errors(correlation)
    if len(errors) == 1:
        return np.ones((len(level), 1))
    order = level.argsort(kind="stable")
    below = np.empty(len(level))
    below[order] = weights[order].cumsum() - 0.5 * weights[order]
    z = ndtri(below.clip(1e-4, 1 - 1e-4))[:, None]
    density = np.exp(-0.5 * (z - np.sqrt(correlation) * errors) ** 2 / (1 - correlation))
    # Over the prior of the error each draw has density 1: the copula keeps its margins.
    prior = np.exp(-0.5 * errors**2)
    return np.asarray(density / (density @ prior)[:, None] * prior.sum())


def _errors(correlation: float) -> Floats:
    """Return the grid of the common error, one point where there is none."""
    return _ERRORS if correlation > 0 else np.zeros(1)


def _equal(count: int) -> Floats:
    return np.full(count, 1 / count)


def _log(gain: Floats) -> Floats:
    return np.log(np.maximum(gain, 0) + _LEAST_GAIN)


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
    from scipy.special import fdtri

    k, n = levels.shape
    shared = levels.mean(axis=0)
    between = k * (shared**2).sum() / (n - 1)
    within = ((levels - shared) ** 2).sum() / ((n - 1) * (k - 1))
    if within < 1e-12 * between:
        return 1.0
    ratio = between / within / fdtri(n - 1, (n - 1) * (k - 1), CONFIDENCE)
    return float(max((ratio - 1) / (ratio + k - 1), 0))
