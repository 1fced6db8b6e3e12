"""Expected accuracies of posterior draws at any x, on the PALM curve and with misfit."""

from collections.abc import Iterable
from types import ModuleType
from typing import Any

import numpy as np
import xarray as xr

from palm_bayes.model import curve, noise
from palm_bayes.model.misfit import PARTS, Misfit, log_odds, noise_of_odds, steps_until


def moments(posterior: xr.Dataset, x: Any, x_first: Any, x_last: Any) -> tuple[Any, Any]:
    """Compute expected accuracy and the standard deviation of transient noise (`noise.passing`).

    Parameters
    ----------
    posterior : Dataset
        Contains ``curve``, ``noise``, ``noise_ratio`` and ``lasting``.
    x, x_first, x_last : DataArray or float
        Labels in batches, and the strategy's first and last observed x.

    Returns
    -------
    tuple of DataArray
        Mean and standard deviation, fractions, of the broadcast dims.
    """
    of_curve = (posterior["curve"].sel(parameter=name, drop=True) for name in curve.COORDINATES)
    of_noise = (posterior[name] for name in ("noise", "noise_ratio", "lasting"))
    return moments_of(x, x_first, x_last, of_curve, of_noise)


def moments_of(
    x: Any,
    x_first: Any,
    x_last: Any,
    of_curve: Iterable[Any],
    of_noise: Iterable[Any],
    xp: ModuleType = np,
) -> tuple[Any, Any]:
    """Compute `moments` from broadcast arrays: curve coordinates; noise, ratio and lasting."""
    A_max, log_u, alpha, beta = of_curve
    sd, ratio, lasting = of_noise

    def u(at: Any) -> Any:
        # Below −α, which can only lie before the data, the expected accuracy is 0.
        begun = at + alpha > 0
        inside = x_first + (at - x_first) * begun
        return curve.u(inside, log_u, alpha, beta, x_first, xp) * begun

    there = u(x)
    passes = noise.passing(there, u(x_first), u(x_last), sd, ratio, lasting, xp)
    return A_max * -xp.expm1(-there), passes


def strayed(
    on_curve: xr.DataArray, posterior: xr.Dataset, ends: xr.Dataset, misfit: Misfit
) -> xr.DataArray:
    """Add the misfit of each draw to its expected accuracies on the PALM curve.

    Parameters
    ----------
    on_curve : DataArray, dims (chain, draw, strategy, x)
        First result of `moments`.
    posterior : Dataset
        As in `moments`, and with ``misfit``.
    ends : Dataset, dims (strategy,)
        ``x_first`` and ``x_last``.
    misfit : Misfit

    Returns
    -------
    DataArray, dims (chain, draw, strategy, x)
    """
    x_first, x_last = ends["x_first"], ends["x_last"]
    t = np.log((on_curve["x"] / x_last).transpose("strategy", "x").to_numpy())
    grid = x_last * xr.DataArray(np.exp(steps_until(t)), dims="step")
    along, _ = moments(posterior, grid, x_first, x_last)
    reached = along.transpose("chain", "draw", "strategy", "step").to_numpy()
    misfits = (posterior["misfit"].sel(misfit_part=part, drop=True) for part in PARTS)
    noise, of_level, of_growth = (
        part.transpose("chain", "draw", "strategy").to_numpy()[..., None]
        for part in (posterior["noise"], *misfits)
    )
    s = noise_of_odds(reached[..., :1], noise)
    odds, along_odds = log_odds(on_curve.to_numpy()), log_odds(reached)
    return on_curve.copy(data=misfit.expected(odds, along_odds, s, t, of_level, of_growth))
