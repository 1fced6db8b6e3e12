"""The drift of a fit's curves off PALM's: where they stand, and what they do past the data."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import qmc

from palm_bayes import families
from palm_bayes.misfit import Misfit, OtherCurves, log_odds, noise_of_odds
from palm_bayes.runs import Runs

# Fitted to the mean curve beside the posterior: PALM's, two that forecast well, no gain at all.
_FAMILIES = ("palm_multistart", "pow4", "mmf4", "last_value")
_PARAMETERS = 4  # of each but the last

type Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ends:
    """The first and last observed x of strategies and the mean accuracy at the last.

    Attributes
    ----------
    x_first, x_last : array, dims (strategy,)
    accuracy : array, dims (strategy,)
        Mean over the repetitions that have x_last.
    repetitions : array, dims (strategy,)
        How many these are.
    """

    x_first: Floats
    x_last: Floats
    accuracy: Floats
    repetitions: Floats

    @classmethod
    def of(cls, runs: Runs) -> "Ends":
        """Read them from the runs."""
        by_x = runs.table.groupby(["strategy", "x"], sort=True)["accuracy"].agg(["mean", "size"])
        each = [by_x.loc[name] for name in runs.strategies]
        return cls(
            np.array([part.index[0] for part in each]),
            np.array([part.index[-1] for part in each]),
            np.array([part["mean"].iloc[-1] for part in each]),
            np.array([part["size"].iloc[-1] for part in each], dtype=float),
        )


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
        Accuracy on the PALM curve; every strategy's last observed x is among x.
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
    ends, x, accuracy = Ends.of(runs), on_curve["x"].to_numpy(), on_curve.to_numpy()
    last = np.searchsorted(x, ends.x_last)
    alpha = _numbers(posterior["curve"].sel(parameter="alpha", drop=True))
    begun = np.maximum(x + alpha, 1e-12)
    s = np.log(begun / (ends.x_last[:, None] + alpha))
    others = other_curves(runs, x) if misfit.heeds_others else OtherCurves(0.0, 0.0, 0.0)
    standing = _standing(posterior, accuracy[..., np.arange(len(last)), last], ends, misfit, s)
    typical = np.median(s, axis=(0, 1)) if misfit.heeds_others else 0.0
    drift = standing + _gained(accuracy, typical, last, ends, misfit, others)
    chains, draws, strategies, _ = on_curve.shape
    share = qmc.LatinHypercube(strategies, rng=rng).random(chains * draws)
    share = share.reshape(chains, draws, strategies, 1)
    return on_curve.copy(data=misfit.strayed(accuracy, s, share, others.disagreement, drift))


def _numbers(draws: xr.DataArray) -> Floats:
    """Draws of one number a strategy, dims (chain, draw, strategy, 1)."""
    return draws.transpose("chain", "draw", "strategy").to_numpy()[..., None]


def _standing(
    posterior: xr.Dataset, at_last: Floats, ends: Ends, misfit: Misfit, s: Floats
) -> Floats | float:
    """Part of the drift that the end of the data shows; `at_last` has dims (..., strategy)."""
    if not misfit.level:
        return 0.0
    spread, shared = _numbers(posterior["noise"]), _numbers(posterior["shared"])
    variance = spread**2 * (shared + (1 - shared) / ends.repetitions[:, None])
    residual = log_odds(ends.accuracy) - log_odds(at_last)
    of_odds = noise_of_odds(at_last[..., None], variance)
    return np.asarray(misfit.standing(residual[..., None], of_odds, s))


def _gained(
    accuracy: Floats, s: Any, last: Any, ends: Ends, misfit: Misfit, others: OtherCurves
) -> Floats:
    """How much more than their posterior medians curves gain past the data; dims (strategy, x)."""
    odds = np.median(log_odds(accuracy), axis=(0, 1))
    own = np.arange(len(last))
    gain = odds - odds[own, last][:, None]
    ahead = np.arange(odds.shape[1]) > last[:, None]
    foreseen = np.where(ahead, misfit.foreseen(gain, s, others), gain)
    if misfit.common and len(last) > 1:
        curves = odds + foreseen - gain
        # Of each strategy (first axis) since the last x of each (second axis).
        since = curves[:, None] - curves[:, last][..., None]
        unknown = ends.x_first[:, None] > ends.x_last
        unknown[own, own] = True  # itself is no other
        since[unknown] = np.nan
        alone = unknown.all(axis=0)
        since[:, alone] = foreseen[alone]
        foreseen = misfit.shared(foreseen, np.nanmedian(since, axis=0))
    return np.where(ahead, foreseen - gain, 0.0)


def other_curves(runs: Runs, at: Floats) -> OtherCurves:
    """What the families fitted to each strategy's mean curve say; dims (strategy, x)."""
    found = []
    for name in runs.strategies:
        alone = runs.strategy(name)
        x, y = families.mean_curve(alone)
        odds = np.stack(
            [log_odds(families.fitted(family, x, y)(np.append(at, x[-1]))) for family in _FAMILIES]
        )
        gains = odds[:, :-1] - odds[:, -1:]
        repetitions = alone.table["repetition"].nunique()
        known = max(len(x) - _PARAMETERS, 0) * min(repetitions, 3)
        found.append((gains[0], gains.std(axis=0), np.full(at.shape, known)))
    return OtherCurves(*(np.stack(parts) for parts in zip(*found, strict=True)))
