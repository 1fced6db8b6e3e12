"""The drift of a fit's curves off PALM's: where they stand, and what they do past the data."""

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import qmc

from palm_bayes import families
from palm_bayes.averaging import mean_curve
from palm_bayes.misfit import FAR, Misfit, OtherCurves, log_odds, noise_of_odds
from palm_bayes.runs import Runs

# Fitted to the mean curve beside the posterior: PALM's, two that forecast well, no gain at all.
_FAMILIES = ("palm_multistart", "pow4", "mmf4", "last_value")
_PARAMETERS = 4  # of each but the last
_NEAR_END = 1 + 1e-9  # batches: one but for rounding
_TELL = 3  # repetitions; further ones tell little more
_BEGUN = 1e-12  # x + α where a curve has not begun, so that its logarithm is finite

type Floats = NDArray[np.float64]


def strayed(
    on_curve: xr.DataArray,
    posterior: xr.Dataset,
    runs: Runs,
    misfit: Misfit,
    rng: np.random.Generator,
) -> xr.DataArray:
    """Let each draw of a curve drift its own way.

    Parameters
    ----------
    on_curve : DataArray, dims (chain, draw, strategy, x)
        Accuracy on the PALM curve; the last x of every run and the landmarks are among x.
    posterior : Dataset
        As `palm_bayes.forecast.moments` takes it.
    runs : Runs
    misfit : Misfit
    rng : Generator

    Returns
    -------
    DataArray, dims (chain, draw, strategy, x)
        Expected accuracy.
    """
    x, accuracy = on_curve["x"].to_numpy(), on_curve.to_numpy()
    marks = landmarks(runs)
    alpha = _numbers(posterior["curve"].sel(parameter="alpha", drop=True))
    s = np.log(np.maximum(x + alpha, _BEGUN) / (marks[:, 1:2] + alpha))
    others = other_curves(runs, x) if misfit.heeds_others else OtherCurves(0.0, 0.0, 0.0)
    spread = np.median(_numbers(posterior["noise"])[..., 0], axis=(0, 1))
    drift = _gained(x, accuracy, s, marks, spread, misfit, others)
    chains, draws, strategies, _ = on_curve.shape
    # Two numbers a curve: how far it stands off at the end of the data, and how it strays past it.
    shares = qmc.LatinHypercube(2 * strategies, rng=rng).random(chains * draws)
    off, share = np.moveaxis(shares.reshape(chains, draws, 2, strategies, 1), 2, 0)
    if misfit.level:
        drift = drift + misfit.standing(*_last_residual(on_curve, posterior, runs), ndtri(off), s)
    return on_curve.copy(data=misfit.strayed(accuracy, s, share, others.disagreement, drift))


def landmarks(runs: Runs) -> Floats:
    """Return x where each strategy's data begin and end, and far past them; dims (strategy, 3)."""
    ends = runs.table.groupby("strategy", sort=False)["x"].agg(["min", "max"]).to_numpy()
    return np.column_stack([ends, FAR * ends[:, 1]])


def _numbers(draws: xr.DataArray) -> Floats:
    """Draws of one number a strategy, dims (chain, draw, strategy, 1)."""
    return draws.transpose("chain", "draw", "strategy").to_numpy()[..., None]


def _last_residual(
    on_curve: xr.DataArray, posterior: xr.Dataset, runs: Runs
) -> tuple[Floats, Floats]:
    """Residual of the mean where the data end and the variance of its noise, of log-odds.

    Each of dims (chain, draw, strategy, 1).
    """
    expected, seen, count = [], [], []
    for name in runs.strategies:
        table = runs.strategy(name).table
        at_end = _ends(table)
        # Pools may be of unlike size, so that each run is compared where it ends.
        of_runs = on_curve.sel(strategy=name, x=at_end["x"].to_numpy())
        offsets = mean_curve(runs.strategy(name)).offsets[at_end["repetition"]]
        expected.append(of_runs.mean("x").to_numpy())
        seen.append([at_end["accuracy"].mean() - offsets.mean()])
        count.append([float(len(at_end))])
    there = np.stack(expected, axis=-1)[..., None]
    spread, shared = _numbers(posterior["noise"]), _numbers(posterior["shared"])
    variance = spread**2 * (shared + (1 - shared) / np.array(count))
    return log_odds(np.array(seen)) - log_odds(there), noise_of_odds(there, variance)


def _ends(table: pd.DataFrame) -> pd.DataFrame:
    """Last observations of a strategy's runs that go on to a batch before its data end."""
    lasts = table.groupby("repetition", sort=False).tail(1)
    return lasts.query("x >= x.max() - @_NEAR_END")


def _gained(
    x: Floats,
    accuracy: Floats,
    s: Floats,
    marks: Floats,
    spread: Floats,
    misfit: Misfit,
    others: OtherCurves,
) -> Floats:
    """How much more curves gain past the data than PALM's.

    Parameters
    ----------
    x : array, dims (x,)
    accuracy, s : array, dims (chain, draw, strategy, x)
    marks : array, dims (strategy, 3)
        As `landmarks` gives them.
    spread : array, dims (strategy,)
        Of a repetition's noise where the data end.
    misfit, others

    Returns
    -------
    array, dims (chain, draw, strategy, x), or (strategy, x) if all draws gain alike
        0 within the data.
    """
    first, last, far = np.searchsorted(x, marks).T
    own = np.arange(len(marks))
    of_draws = log_odds(accuracy)
    odds, typical = (np.median(part, axis=(0, 1)) for part in (of_draws, s))
    gain = odds - odds[own, last][:, None]
    ahead = np.arange(odds.shape[1]) > last[:, None]
    foreseen = np.where(ahead, misfit.foreseen(gain, typical, others), gain)
    theirs = _of_others(foreseen + odds[own, last][:, None], marks, last)
    alone = np.isnan(theirs)
    foreseen = np.where(alone, foreseen, misfit.shared(foreseen, theirs))
    there = np.median(accuracy[..., own, last], axis=(0, 1))
    sd = np.sqrt(noise_of_odds(there, spread**2))
    foreseen *= misfit.believed(foreseen[own, far], gain[own, first], sd)[:, None]
    drift = foreseen - gain
    if misfit.apart < 1 and not alone.all():
        of_draws = of_draws - of_draws[..., own, last][..., None] - gain
        drift = drift + (misfit.apart - 1) * of_draws * ~alone
    return np.where(ahead, drift, 0.0)


def _of_others(curves: Floats, marks: Floats, last: NDArray[np.intp]) -> Floats:
    """Median of what a task's other strategies gain since the end of each one's data.

    Parameters
    ----------
    curves : array, dims (strategy, x)
        Log-odds.
    marks : array, dims (strategy, 3)
    last : array, dims (strategy,)
        Where among x the data end.

    Returns
    -------
    array, dims (strategy, x)
        NaN where no other begins early enough to tell.
    """
    # Of each strategy (first axis) since the last x of each (second axis).
    since = curves[:, None] - curves[:, last][..., None]
    unknown = marks[:, :1] > marks[:, 1]
    np.fill_diagonal(unknown, True)  # itself is no other
    since[unknown] = np.nan
    alone = unknown.all(axis=0)
    typical = np.full_like(curves, np.nan)
    typical[~alone] = np.nanmedian(since[:, ~alone], axis=0)
    return typical


def other_curves(runs: Runs, at: Floats) -> OtherCurves:
    """What the families fitted to each strategy's mean curve say; dims (strategy, x)."""
    found = []
    for name, (_, end, _) in zip(runs.strategies, landmarks(runs), strict=True):
        alone = runs.strategy(name)
        x, y, _ = mean_curve(alone)
        odds = np.stack(
            [log_odds(families.fitted(family, x, y)(np.append(at, end))) for family in _FAMILIES]
        )
        gains = odds[:, :-1] - odds[:, -1:]
        longest = alone.table.groupby("repetition").size().nlargest(_TELL)
        known = (longest - _PARAMETERS).clip(lower=0).sum()
        found.append((gains[0], gains.std(axis=0), np.full(at.shape, known)))
    return OtherCurves(*(np.stack(parts) for parts in zip(*found, strict=True)))
