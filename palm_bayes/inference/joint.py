"""Joint posterior of a task's strategies, from separate draws of each."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from palm_bayes.arrays import Integers
from palm_bayes.data.budgets import x_pool
from palm_bayes.data.runs import Runs
from palm_bayes.inference import partial_pooling
from palm_bayes.inference.draws import taken
from palm_bayes.inference.nuts import Sample
from palm_bayes.model.expected import on_curve, with_misfit
from palm_bayes.model.misfit import Misfit, log_odds
from palm_bayes.model.variables import observations


def joint_draws(
    runs: Runs, samples: Sequence[Sample], misfit: Misfit, seed: int
) -> list[tuple[Sample, xr.DataArray]]:
    """Match the draws of separate strategies to draws of their joint posterior.

    A strategy that did not converge is excluded from pooling and keeps its draws. Returns the
    strategies' samples, resampled (some draws omitted, others repeated), and the draws of each
    one's misfit, dims (chain, draw); these do not depend on the order of the strategies.
    """
    of_sharing, of_misfit = np.random.default_rng(seed).spawn(2)
    chains, draws = (samples[0].stats.sizes[dim] for dim in ("chain", "draw"))
    by_name = sorted(range(len(samples)), key=runs.strategies.__getitem__)
    converged = [i for i in by_name if samples[i].verdict["passed"]]
    chosen = list(samples)
    if len(converged) > 1:
        strategies = [runs.strategy(runs.strategies[i]) for i in converged]
        until = min(float(one.table["x"].max()) for one in strategies)
        each = zip((samples[i] for i in converged), strategies, strict=True)
        curves = [_curves(sample, one, until) for sample, one in each]
        correlation = partial_pooling.shared_noise(runs)
        which = partial_pooling.joined(curves, misfit, correlation, of_sharing)
        for place, i in enumerate(converged):
            chosen[i] = _picked(samples[i], which[..., place])
    normals = misfit.normals(chains, draws, len(samples), of_misfit)
    coords = {"chain": range(chains), "draw": range(draws)}
    of_each = [
        xr.DataArray(normals[:, :, by_name.index(i)], coords, ("chain", "draw"))
        for i in range(len(samples))
    ]
    return list(zip(chosen, of_each, strict=True))


def with_pool(
    posterior: xr.Dataset,
    ends: xr.DataArray,
    runs: Runs,
    misfit: Misfit,
    converged: Sequence[str] | None = None,
) -> xr.Dataset:
    """Add ``at_pool``, the log-odds that all strategies reach where the pool is labelled.

    Its distribution is the mixture of the strategies' own forecasts with equal weights, a linear
    opinion pool (Stone 1961): they may all be wrong by the same. Draws are high where the mean of
    the strategies' is, and not below the present level of any, as curves do not fall. A strategy
    that did not converge keeps its own forecast, and adds none. Nothing is added if the size of
    the pool is unknown.

    Parameters
    ----------
    posterior : Dataset, dims (chain, draw, strategy)
    ends : DataArray, dims (end, strategy)
        As in the group ``constant_data`` of a trace.
    runs : Runs
    misfit : Misfit
    converged : sequence of str, optional
        By default all strategies.
    """
    if (end := x_pool(runs)) is None:
        return posterior
    of_ends, dims = ends.to_dataset("end"), ("chain", "draw", "strategy")

    def on(x: xr.DataArray) -> xr.DataArray:
        found: xr.DataArray = on_curve(posterior, x, of_ends["x_first"]).transpose(*dims, ...)
        return found

    at = xr.DataArray([end], {"x": [end]}, "x")
    own = log_odds(with_misfit(on(at), posterior, of_ends, misfit)).isel(x=0, drop=True)
    names = list(runs.strategies if converged is None else converged)
    if names:
        of_each, levels = (part.sel(strategy=names) for part in (own, on(of_ends["x_last"])))
        mean = of_each.mean("strategy").to_numpy()
        places = (mean.ravel().argsort().argsort() + 0.5) / mean.size
        mixed = np.quantile(of_each, places, method="hazen").reshape(mean.shape)
        in_common = np.maximum(log_odds(levels).max("strategy"), mixed)
        own = own.where(~own["strategy"].isin(names), in_common)
    return posterior.assign(at_pool=own)


def _curves(sample: Sample, runs: Runs, until: float) -> partial_pooling.Curves:
    """Compute what is pooled of one strategy; `until` is the last x that all strategies have."""
    ends = observations(runs).ends
    first, last = float(ends.x_first[0]), float(ends.x_last[0])
    x = xr.DataArray([until, last, partial_pooling.HORIZON * last], dims="x")
    accuracy = on_curve(sample.posterior.isel(strategy=0), x, first)
    level, end, later = log_odds(accuracy.transpose("x", "chain", "draw").to_numpy())
    return partial_pooling.Curves(later - end, level)


def _picked(sample: Sample, which: Integers) -> Sample:
    """Select draws of each chain by position, dims (chain, draw)."""
    terms = np.take_along_axis(sample.log_likelihood, which[..., None], axis=1)
    posterior = taken(sample.posterior, which).assign_coords(draw=sample.posterior["draw"])
    return Sample(posterior, sample.stats, terms, sample.verdict)
