"""Later accuracies and the draws of fits to earlier episodes, for learning hyperparameters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from scipy.special import ndtr, ndtri

from palm_bayes.arrays import Floats, Integers
from palm_bayes.data.runs import Runs
from palm_bayes.inference.partial_pooling import (
    HORIZON,
    Curves,
    Hierarchy,
    hierarchy_and_weights,
)
from palm_bayes.model import noise
from palm_bayes.model.expected import moments
from palm_bayes.model.learned import Learned, LogNormal
from palm_bayes.model.misfit import (
    Misfit,
    log_odds,
    noise_of_odds,
    shares_in_common,
    steps_until,
)
from palm_bayes.model.variables import observations

DRAWS = 400
"""Number of draws kept of each fit."""

_EPISODES = 12  # number of later episodes used, evenly spaced
_RUNS = 3  # number of runs used in addition to their mean
_ODD = 1e-3  # mixture weight of a uniform density, for robustness

_PER_DRAW = 4  # normals of the misfit for each draw
_SHARES_SEED = 1000  # a seed that no strategy has
_BY_DRAW = ("odds", "along", "noise", "gain", "log_start", "log_beta", "own")


class Later(NamedTuple):
    """Later accuracies of one strategy, and the draws of a fit for predicting them.

    Attributes
    ----------
    odds : array, dims (draw, x)
        Log-odds of PALM's curve.
    along : array, dims (draw, step)
        The same on a grid past the data, for `palm_bayes.model.misfit.Misfit.expected`.
    noise : array, dims (draw, 1)
        Noise of a single accuracy at the end of the data, in log-odds.
    gain, log_start, log_beta : array, dims (draw,)
        As in `palm_bayes.inference.partial_pooling.Curves`; logarithms of α + x_first and β.
    shift, variance : array, dims (run, draw, x)
        Conditional mean and variance of noise given a run's residuals. The first run is the mean
        over all repetitions, the others are some of them.
    own : array, dims (draw, x)
        Variance that the mean would have in addition if repetitions had all noise in common.
    observed : array, dims (run, x)
        Observed accuracies; NaN where missing.
    t : array, dims (x,)
        log(x / x_last).
    """

    odds: Floats
    along: Floats
    noise: Floats
    gain: Floats
    log_start: Floats
    log_beta: Floats
    shift: Floats
    variance: Floats
    own: Floats
    observed: Floats
    t: Floats

    def expected(self, misfit: Misfit, z: Floats) -> Floats:
        """Compute expected accuracies, dims (draw, x), from normals of dims (draw,)."""
        parts = self.odds, self.along, self.noise, self.t, z[:, None]
        return np.asarray(misfit.expected(*parts))

    def with_shared(self, misfit: Misfit) -> "Later":
        """Add what becomes common to the repetitions past the data to the mean's variance."""
        of_mean = self.variance[:1] + misfit.becomes_shared(self.t) * self.own
        return self._replace(variance=np.concatenate([of_mean, self.variance[1:]]))

    @property
    def curves(self) -> Curves:
        """What is pooled between strategies, dims (draw,)."""
        return Curves(self.gain, self.along[:, 0])

    def taken(self, which: Integers) -> "Later":
        """Select draws by index, dims (draw,)."""
        of_draws = {name: getattr(self, name)[which] for name in _BY_DRAW}
        of_runs = {name: getattr(self, name)[:, which] for name in ("shift", "variance")}
        return self._replace(**of_draws, **of_runs)

    def standardised(self, expected: Floats) -> tuple[Floats, Floats]:
        """Return standardised residuals and standard deviations; dims (run, draw, x)."""
        sd = np.sqrt(self.variance)
        return (self.observed[:, None] - expected - self.shift) / sd, sd


@dataclass(frozen=True, eq=False)
class FittedTask:
    """Strategies of one task, fitted to their first episodes.

    Attributes
    ----------
    source : str
    laters : tuple of Later
    correlation : float
        Correlation between strategies of the noise of equally named repetitions, from 0 to 1.
    """

    source: str
    laters: tuple[Later, ...]
    correlation: float

    def weights(self, learned: Learned, sampled: Learned) -> list[Floats]:
        """Compute importance weights of draws sampled under other priors, each of dims (draw,)."""
        own = [_weights(later, learned, sampled) for later in self.laters]
        return own if len(own) < 2 else self._pooled(learned, own)[1]

    def _pooled(self, learned: Learned, own: Sequence[Floats]) -> tuple[Hierarchy, list[Floats]]:
        curves = [later.curves for later in self.laters]
        return hierarchy_and_weights(curves, learned.misfit, self.correlation, own)

    def scores(self, learned: Learned, sampled: Learned) -> Floats:
        """Compute log densities of later data by strategy and x; means over runs count half."""
        found = []
        for later, weight in zip(self.laters, self.weights(learned, sampled), strict=True):
            density = _average_over_draws(later, weight, learned.misfit, _density)
            of_mean, *of_runs = np.log((1 - _ODD) * density + _ODD)
            found.append(0.5 * (of_mean + _mean_of_runs(of_runs, of_mean)))
        return np.concatenate(found)

    def pit_values(self, learned: Learned, sampled: Learned) -> pd.DataFrame:
        """Compute PIT values ``p`` of later means over runs (``mean``) and single runs.

        Columns also: ``source``, ``times`` the labels seen, ``third`` of the horizon (0, 1, 2).
        """
        rows = []
        for later, weight in zip(self.laters, self.weights(learned, sampled), strict=True):
            p = _average_over_draws(later, weight, learned.misfit, lambda z, _: np.asarray(ndtr(z)))
            runs, count = p.shape
            rows.append(
                pd.DataFrame(
                    {
                        "times": np.tile(np.exp(later.t), runs),
                        "third": np.tile(3 * np.arange(count) // count, runs),
                        "mean": np.repeat(np.arange(runs) == 0, count),
                        "p": p.ravel(),
                    }
                )
            )
        return pd.concat(rows).dropna().assign(source=self.source)

    def orders(self, learned: Learned, sampled: Learned, commons: Sequence[float]) -> list[float]:
        """Compute mean log probabilities of the observed orders, by the misfit's common share.

        An order says which of two strategies has the higher later mean.
        """
        joint = self._joint(learned, sampled)
        task, places = _normals(), ndtr(_normals(_SHARES_SEED))
        found = []
        for mean in commons:
            common = shares_in_common(mean, places)
            of_each = []
            for i, later in enumerate(joint):
                z = noise.mixed(task, _normals(i + 1), common)
                of_each.append((later, later.expected(learned.misfit, z)))
            pairs = combinations(of_each, 2)
            logs = [_log_order(*one, *other, self.correlation) for one, other in pairs]
            every = np.concatenate(logs)
            found.append(float(every.mean()) if len(every) else np.nan)
        return found

    def _joint(self, learned: Learned, sampled: Learned) -> list[Later]:
        """Return joint draws of the strategies, with what repetitions share past the data."""
        own = [_weights(later, learned, sampled) for later in self.laters]
        (hierarchy, _), rng = self._pooled(learned, own), np.random.default_rng(0)
        at = hierarchy.places(DRAWS, rng)
        each = zip(self.laters, own, strict=True)
        taken = [
            later.taken(hierarchy.matched_draws(later.curves, weights, at, rng))
            for later, weights in each
        ]
        return [later.with_shared(learned.misfit) for later in taken]


def _average_over_draws(
    later: Later, weights: Floats, misfit: Misfit, of: Callable[[Floats, Floats], Floats]
) -> Floats:
    """Average a function of standardised residuals and their sd over draws; dims (run, x)."""
    later = later.with_shared(misfit)
    found = [
        np.einsum("d,rdx->rx", weights, of(*later.standardised(later.expected(misfit, z))))
        for z in map(_normals, range(_PER_DRAW))
    ]
    return np.asarray(np.mean(found, axis=0))


def _density(z: Floats, sd: Floats) -> Floats:
    return np.asarray(np.exp(-0.5 * z**2) / (np.sqrt(2 * np.pi) * sd))


def _mean_of_runs(of_runs: Sequence[Floats], otherwise: Floats) -> Floats:
    """Average over the runs that continue, at each x; `otherwise` if none does."""
    there = np.isfinite(of_runs)
    total = np.where(there, of_runs, 0).sum(axis=0)
    return np.where(there.any(axis=0), total / np.maximum(there.sum(axis=0), 1), otherwise)


def _log_order(
    one: Later, expected: Floats, other: Later, of_other: Floats, correlation: float
) -> Floats:
    """Compute the log probability of which mean is higher, at each x that both have; no ties."""
    if one.t.shape != other.t.shape or not np.allclose(one.t, other.t):
        return np.empty(0)
    variance = one.variance[0] + other.variance[0]
    variance = variance - 2 * correlation * np.sqrt(one.variance[0] * other.variance[0])
    ahead = expected + one.shift[0] - of_other - other.shift[0]
    higher = ndtr(ahead / np.sqrt(variance)).mean(axis=0)
    seen = one.observed[0] - other.observed[0]
    unequal = np.isfinite(seen) & (seen != 0)
    probability = np.where(seen > 0, higher, 1 - higher)[unequal]
    return np.asarray(np.log((1 - _ODD) * probability + 0.5 * _ODD))


def _weights(later: Later, learned: Learned, sampled: Learned) -> Floats:
    """Compute weights of draws under other priors of α and β, dims (draw,); they sum to 1."""
    total = np.zeros(len(later.gain))
    for value, name in ((later.log_start, "alpha_start"), (later.log_beta, "beta")):
        new, old = (getattr(of, name) for of in (learned, sampled))
        total += _log_density(value, new) - _log_density(value, old)
    weights = np.exp(total - total.max())
    return np.asarray(weights / weights.sum())


def _log_density(logarithm: Floats, prior: LogNormal) -> Floats:
    """Compute the log density at a number, given by its logarithm, up to a constant."""
    return np.asarray(-0.5 * ((logarithm - np.log(prior.median)) / prior.width) ** 2)


@lru_cache
def _normals(seed: int = 0) -> Floats:
    """Return evenly spread normals, equal for all hyperparameters, dims (draw,)."""
    places = np.random.default_rng(seed).permutation(DRAWS) + 0.5
    return np.asarray(ndtri(places / DRAWS))


def later_of(posterior: xr.Dataset, seen: Runs, after: pd.DataFrame) -> Later:
    """Extract the data of one strategy for learning hyperparameters.

    Parameters
    ----------
    posterior : Dataset, dims (chain, draw)
        Separate posterior of the strategy.
    seen : Runs
        Runs it was fitted to.
    after : DataFrame
        Rows of later episodes of its repetitions, as in `Runs.table`.
    """
    draws = posterior.stack(sample=("chain", "draw"))
    draws = draws.isel(sample=np.linspace(0, draws.sizes["sample"] - 1, DRAWS).astype(int))
    episodes = np.unique(after["episode"])
    kept = np.unique(np.linspace(0, len(episodes) - 1, _EPISODES).round().astype(int))
    after = after[after["episode"].isin(episodes[kept])]
    x = after.groupby("episode")["x"].median().to_numpy(float)
    of_data = observations(seen).ends
    ends = float(of_data.x_first[0]), float(of_data.x_last[0])

    def known(at: Floats) -> tuple[Floats, Floats]:
        parts = moments(draws, xr.DataArray(at, dims="x"), *ends)
        mean, sd = (part.transpose("sample", "x").to_numpy() for part in parts)
        return mean, sd

    t = np.log(x / ends[1])
    on_curve, sd = known(x)
    along, _ = known(ends[1] * np.exp(steps_until(t)))
    far, _ = known(np.array([HORIZON * ends[1]]))
    spread, shared = (draws[name].to_numpy()[:, None] for name in ("noise", "shared"))
    shift, variance, observed = _moments_of_runs(draws, seen, after, known, sd)
    return Later(
        odds=log_odds(on_curve),
        along=log_odds(along),
        noise=noise_of_odds(along[:, :1], spread),
        gain=log_odds(far[:, 0]) - log_odds(along[:, 0]),
        log_start=np.log(draws["alpha"].to_numpy() + ends[0]),
        log_beta=np.log(draws["beta"].to_numpy()),
        **_with_mean_of_runs(shift, variance, observed, shared),
        t=t,
    )


def _with_mean_of_runs(
    shift: Floats, variance: Floats, observed: Floats, shared: Floats
) -> dict[str, Floats]:
    """Combine the mean over all runs with some runs, whose innovations have share `shared`."""
    count = np.isfinite(observed).sum(axis=0)
    together = np.nanmean(np.sqrt(variance), axis=0) ** 2  # if all of it were common
    apart = np.nanmean(variance, axis=0) / count
    of_mean = shared * together + (1 - shared) * apart
    some = np.unique(np.linspace(0, len(observed) - 1, _RUNS).astype(int))
    return {
        "shift": np.concatenate([np.nanmean(shift, axis=0)[None], shift[some]]),
        "variance": np.concatenate([of_mean[None], variance[some]]),
        "own": (1 - shared) * (together - apart),
        "observed": np.concatenate([np.nanmean(observed, axis=0)[None], observed[some]]),
    }


def _moments_of_runs(
    draws: xr.Dataset,
    seen: Runs,
    after: pd.DataFrame,
    known: Callable[[Floats], tuple[Floats, Floats]],
    sd: Floats,
) -> tuple[Floats, Floats, Floats]:
    """Return conditional moments of each run's later noise, and later accuracies (or NaN)."""
    episodes = np.unique(after["episode"])
    rho = draws["rho"].to_numpy()[:, None]
    lasts = noise.offset_sd(draws["noise"], draws["lasting"]).to_numpy()[:, None]
    found: list[tuple[Floats, Floats, Floats]] = []
    for repetition, run in after.groupby("repetition"):
        before = seen.table[seen.table["repetition"] == repetition]
        mean, spread = known(before["x"].to_numpy(float))
        lags = before["episode"].diff().fillna(0).to_numpy()
        past = noise.state_after(
            before["accuracy"].to_numpy(), mean, spread, noise.autocorrelation(rho, lags), lasts
        )
        at = np.searchsorted(episodes, run["episode"])
        later = noise.autocorrelation(rho, run["episode"].to_numpy() - before["episode"].iloc[-1])
        shift, variance, accuracy = np.full((3, *sd.shape), np.nan)
        kept = lasts * (1 - later * sd[:, at] / past.sd[:, None])  # of a unit offset
        certain = 1 + past.information[:, None]
        shift[:, at] = later * sd[:, at] * past.residual[:, None]
        shift[:, at] += kept * past.weighted_sum[:, None] / certain
        variance[:, at] = sd[:, at] ** 2 * (1 - later**2) + kept**2 / certain
        accuracy[:, at] = run["accuracy"].to_numpy()
        found.append((shift, variance, accuracy[0]))
    shifts, variances, accuracies = map(np.stack, zip(*found, strict=True))
    return shifts, variances, accuracies
