"""Importance weights of draws: smoothed, and draws resampled by them."""

import numpy as np
from arviz_stats.base import array_stats

from palm_bayes.arrays import Floats, Integers

PARETO_K_MOST = 0.7
"""Pareto k above which weights are unreliable."""


def smoothed(log_ratios: Floats) -> tuple[Floats, float]:
    """Compute Pareto-smoothed log weights, dims (chain, draw), and their Pareto k.

    If the data are unchanged, weights are equal up to rounding.
    """
    if np.ptp(log_ratios) < 1e-9:
        return log_ratios, -np.inf
    log_weights, pareto_k = array_stats.psislw(-log_ratios, axis=(-2, -1))
    return log_weights, float(pareto_k)


def resampled(weights: Floats) -> Integers:
    """Resample each chain systematically by its weights, in order, to its own length.

    The convergence diagnostics then remain valid: repeated draws raise the autocorrelation, and
    chains whose weights differ by chance disagree.
    """
    draws = weights.shape[-1]
    places = (np.arange(draws) + 0.5) / draws
    reached = weights.cumsum(axis=-1) / weights.sum(axis=-1, keepdims=True)
    found = [np.searchsorted(chain, places).clip(max=draws - 1) for chain in reached]
    return np.stack(found)
