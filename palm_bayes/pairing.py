"""What strategies share: repetitions of one seed start from one pool and are tested on one split.

Strategies are fitted one by one, so that their draws are independent. Where repetition i of one
strategy is good when repetition i of the others is, the strategies' means err together, and their
difference is known better than independent draws say. In seemingly unrelated regressions with the
same regressors (Zellner 1962) the correlation of the noise is that of the estimates, while each
estimate by itself stays as it is. So here: every strategy keeps its draws, only their order
changes (Iman and Conover 1982), until the curves' levels correlate as the noise does.
"""

import numpy as np
import xarray as xr
from scipy import stats

from palm_bayes.runs import Runs

CONFIDENCE = 0.8  # that the strategies share at least as much as is taken


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


def paired(paths: xr.DataArray, correlation: float, seed: int = 0) -> xr.DataArray:
    """Reorder each strategy's draws, so that the levels of the curves seen correlate.

    Parameters
    ----------
    paths : DataArray, dims (sample, strategy, budget)
        As `palm_bayes.paths.draw_paths` gives them.
    correlation : float
        From 0, which leaves them as they are, to 1.
    seed : int

    Returns
    -------
    DataArray, dims (sample, strategy, budget)
        The same draws of every strategy.
    """
    if not correlation:
        return paths
    levels = paths.where(~paths["future"]).mean("budget").to_numpy()
    rng = np.random.default_rng(seed)
    common = rng.standard_normal((len(levels), 1))
    wanted = np.sqrt(correlation) * common
    wanted = wanted + np.sqrt(1 - correlation) * rng.standard_normal(levels.shape)
    ranks = wanted.argsort(axis=0).argsort(axis=0)
    order = np.take_along_axis(levels.argsort(axis=0), ranks, axis=0)
    values = np.take_along_axis(paths.to_numpy(), order[..., None], axis=0)
    return paths.copy(data=values)
