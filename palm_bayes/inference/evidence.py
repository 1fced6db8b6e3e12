"""Posterior combined from draws of its regions, weighted by their evidence."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import arviz as az
import numpy as np
import xarray as xr
from scipy import stats
from scipy.special import logsumexp, softmax

from palm_bayes.arrays import Floats, Integers
from palm_bayes.inference.convergence import e_bfmi

NEGLIGIBLE = 0.01  # weight of a region below which its divergences cannot matter
_CLUSTERS = 8  # at most
_INNER = 0.8  # share of a cluster's draws inside its ellipsoid


class Part(NamedTuple):
    """Posterior draws in one region, dims (chain, draw, ...)."""

    posterior: xr.Dataset
    stats: xr.Dataset  # ``diverging`` and ``energy`` among them
    free: xr.Dataset | None = None  # unconstrained points, needed if there are several regions
    log_density: xr.DataArray | None = None  # unnormalised, at `free`


@dataclass(frozen=True, eq=False)
class Joined:
    """Draws of the posterior over all regions; those of each part keep their order."""

    posterior: xr.Dataset
    stats: xr.Dataset
    divergences: int  # of all draws of all parts except those of negligible weight
    e_bfmi: float  # the smallest of these parts
    # Upper bound on the Monte-Carlo variance due to the regions' weights, as a share of the
    # posterior variance; 0 for a single part.
    weight_error: float


def join(parts: Sequence[Part], rng: np.random.Generator) -> Joined:
    """Combine parts of equal numbers of draws into as many draws, in proportion to evidence."""
    if len(parts) == 1:
        (one,) = parts
        diverged = int(one.stats["diverging"].sum())
        return Joined(one.posterior, one.stats, diverged, e_bfmi(one.stats["energy"]), 0.0)
    logs, errors = zip(*(log_evidence(part) for part in parts), strict=True)
    weights = softmax(logs)
    # Two values with distance d and weights w and 1 − w have variance w (1 − w) d²; an error e of
    # log w changes their mean by w (1 − w) e d.
    spread = weights * (1 - weights)  # 0 where a weight is rounded to 0 or 1
    error = float(np.sum(spread * np.square(np.where(spread > 0, errors, 0.0))))
    chosen = _positions(weights, parts[0].stats.sizes["draw"], rng)
    each = list(zip(parts, chosen, strict=True))
    counted = [part for part, weight in zip(parts, weights, strict=True) if weight > NEGLIGIBLE]
    return Joined(
        _in_order((part.posterior.isel(draw=which), at) for part, (which, at) in each),
        _in_order((aggregated_stats(part.stats, which), at) for part, (which, at) in each),
        sum(int(part.stats["diverging"].sum()) for part in counted),
        min(e_bfmi(part.stats["energy"]) for part in counted),
        error,
    )


def longer(parts: Sequence[Part]) -> Part:
    """Append the chains of parts of one region, the first to the first, and so on."""
    if len(parts) == 1:
        return parts[0]
    fields: Iterable[Any] = zip(*parts, strict=True)
    joined: list[Any] = [None if of[0] is None else xr.concat(of, "draw") for of in fields]
    return Part(*joined)


def aggregated_stats(stats: xr.Dataset, which: Integers) -> xr.Dataset:
    """Aggregate the statistics of all draws to those kept: each covers draws up to the next.

    `which` are the increasing indices of the draws kept. ``n_steps`` is a sum; ``diverging`` is
    true if any draw diverged; ``energy``, whose changes between draws lose their meaning, is NaN
    unless all draws are kept.
    """
    draws = stats.sizes["draw"]
    kept = stats.isel(draw=which)
    if len(which) in {0, draws}:
        return kept
    starts = np.concatenate([[0], which[1:]])
    ordered = stats.transpose("chain", "draw")
    sums = {"diverging": np.logical_or, "n_steps": np.add}
    found = {
        name: (("chain", "draw"), of.reduceat(ordered[name].to_numpy(), starts, axis=1))
        for name, of in sums.items()
    }
    return without_energy(kept.assign(found))


def without_energy(stats: xr.Dataset) -> xr.Dataset:
    """Set the energy to NaN, for draws that no longer follow their predecessors."""
    return stats.assign(energy=xr.full_like(stats["energy"], np.nan))


def _positions(
    weights: Floats, draws: int, rng: np.random.Generator
) -> list[tuple[Integers, Integers]]:
    """For each part, choose draws at even spacing and their positions in the joined chains.

    The positions are random but increasing, so that the joined chains keep the parts'
    autocorrelation and differences between chains.
    """
    edges = np.round(np.cumsum(weights) * draws).astype(int)
    owner = rng.permutation(np.searchsorted(edges, np.arange(draws), side="right"))
    places = [np.flatnonzero(owner == i) for i in range(len(weights))]
    return [(np.linspace(0, draws - 1, len(at)).round().astype(int), at) for at in places]


def _in_order(placed: Iterable[tuple[xr.Dataset, Integers]]) -> xr.Dataset:
    """Join the draws of several parts, each at its positions."""
    parts = [draws.assign_coords(draw=at) for draws, at in placed]
    return xr.concat(parts, "draw", combine_attrs="drop").sortby("draw")


def log_evidence(part: Part) -> tuple[float, float]:
    """Estimate the log integral of a part's density, with its Monte-Carlo standard error.

    The reciprocal of the integral is the posterior mean of g(z) / density(z), for any density g
    inside the posterior's support (the truncated harmonic mean of Robert and Wraith, *Computational
    methods for Bayesian model choice*, 2009). g is a mixture of normal distributions, each
    truncated to an ellipsoid, fitted to one half of the draws and evaluated on the other. Without a
    draw inside them the error is infinite, and the value a guess.
    """
    assert part.free is not None
    assert part.log_density is not None
    stacked = part.free.to_stacked_array("number", ["chain", "draw"])
    points = stacked.transpose("chain", "draw", "number").to_numpy()
    log_density = part.log_density.transpose("chain", "draw").to_numpy()
    half = points.shape[1] // 2
    early, late = slice(None, half), slice(half, None)
    ratios = np.concatenate(
        [
            _log_mixture(points[:, known], points[:, new]) - log_density[:, new]
            for known, new in ((early, late), (late, early))
        ],
        axis=1,
    )
    if not np.isfinite(ratios.max()):  # chains that drift have no place where both halves were
        return float(log_density.max()), np.inf
    scaled = np.exp(ratios - ratios.max())
    mean = scaled.mean()
    return -float(np.log(mean) + ratios.max()), float(az.mcse(scaled, method="mean") / mean)


def _log_mixture(known: Floats, at: Floats) -> Floats:
    """Fit truncated normals to points; give their log density at others, dims (..., parameter)."""
    from scipy.cluster.vq import kmeans2  # here: only regions need it

    flat = known.reshape(-1, known.shape[-1])
    scale = np.maximum(flat.std(axis=0), 1e-12)
    least = 5 * flat.shape[1]  # draws per covariance
    count = min(_CLUSTERS, max(len(flat) // (2 * least), 1))
    _, labels = kmeans2(flat / scale, count, minit="++", seed=0)
    clusters = [flat[labels == i] for i in range(count)]
    large = [cluster for cluster in clusters if len(cluster) > least] or [flat]
    logs = [np.log(len(cluster)) + _log_truncated_normal(cluster, at) for cluster in large]
    total = np.log(sum(len(cluster) for cluster in large))
    return np.asarray(logsumexp(logs, axis=0) - total)


def _log_truncated_normal(cluster: Floats, at: Floats) -> Floats:
    mean, covariance = cluster.mean(axis=0), np.cov(cluster.T)
    normal = stats.multivariate_normal(mean, covariance, allow_singular=True)
    peak = normal.logpdf(mean)
    # Squared Mahalanobis distances, computed from the density.
    inner = np.quantile(2 * (peak - normal.logpdf(cluster)), _INNER)
    log_density = normal.logpdf(at)
    inside = 2 * (peak - log_density) < inner
    kept = stats.chi2(cluster.shape[1]).logcdf(inner)
    return np.where(inside, log_density - kept, -np.inf)
