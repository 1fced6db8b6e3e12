"""Expected accuracies of posterior draws at any x, on the PALM curve and with misfit."""

from collections.abc import Iterable
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
import xarray as xr

from palm_bayes.model import curve, noise
from palm_bayes.model.misfit import Misfit, log_odds, noise_of_odds, steps_to, steps_until


def on_curve(posterior: xr.Dataset, x: Any, x_first: Any) -> Any:
    """Compute expected accuracies on the PALM curve: dims of the posterior, then those of x.

    `posterior` contains ``curve``; `x` and the strategy's `x_first` are a DataArray or a number.
    """

    def accuracy(A_max: Any, log_u: Any, alpha: Any, beta: Any, x: Any, x_first: Any) -> Any:
        return A_max * -np.expm1(-_u(x, x_first, log_u, alpha, beta, np))

    return xr.apply_ufunc(accuracy, *_curves(posterior), x, x_first)


def moments(posterior: xr.Dataset, x: Any, x_first: Any, x_last: Any) -> tuple[Any, Any]:
    """Compute expected accuracy and `noise.transient_sd`, each as in `on_curve`.

    `posterior` contains ``noise``, ``noise_ratio`` and ``lasting``, too.
    """
    of_noise = [posterior[name] for name in ("noise", "noise_ratio", "lasting")]

    def both(*given: Any) -> tuple[Any, Any]:
        *curves, sd, ratio, lasting, x, x_first, x_last = given
        return moments_of(x, x_first, x_last, curves, (sd, ratio, lasting))

    given = *_curves(posterior), *of_noise, x, x_first, x_last
    found: tuple[Any, Any] = xr.apply_ufunc(both, *given, output_core_dims=[[], []])
    return found


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
    at = x, x_first, x_last
    u, *of_ends = (_u(each, x_first, log_u, alpha, beta, xp) for each in at)
    here, first, last = map(partial(noise.decline, xp=xp), (u, *of_ends), at)
    return A_max * -xp.expm1(-u), noise.transient_sd(here, first, last, sd, ratio, lasting, xp)


def _curves(posterior: xr.Dataset) -> Iterable[xr.DataArray]:
    return (posterior["curve"].sel(parameter=name, drop=True) for name in curve.COORDINATES)


def _u(x: Any, x_first: Any, log_u: Any, alpha: Any, beta: Any, xp: ModuleType) -> Any:
    """Compute u(x); it is 0 below −α, which can only lie before the data."""
    begun = x + alpha > 0
    return curve.u(xp.where(begun, x, x_first), log_u, alpha, beta, x_first, xp) * begun


def with_misfit(
    without: xr.DataArray,
    posterior: xr.Dataset,
    ends: xr.Dataset,
    misfit: Misfit,
    x_pool: float | None = None,
) -> xr.DataArray:
    """Add the misfit of each draw to its accuracies `on_curve`, dims (chain, draw, strategy, x).

    `posterior` is as in `moments`, and with ``misfit``; `ends` has ``x_first`` and ``x_last``, dims
    (strategy,). Where the pool ends at `x_pool`, the posterior has ``at_pool``.
    """

    def of_strategies(name: str) -> Any:
        return posterior[name].transpose("chain", "draw", "strategy").to_numpy()[..., None]

    x_first, x_last = ends["x_first"], ends["x_last"]
    t = np.log((without["x"] / x_last).transpose("strategy", "x").to_numpy())
    grid = steps_until(t) if x_pool is None else steps_to(np.log(x_pool / x_last.to_numpy()))
    dims = "step" if x_pool is None else (*x_last.dims, "step")
    along_x = x_last * xr.DataArray(np.exp(grid), dims=dims)
    along = on_curve(posterior, along_x, x_first)
    reached = along.transpose("chain", "draw", "strategy", "step").to_numpy()
    s = noise_of_odds(reached[..., :1], of_strategies("noise"))
    odds, along_odds = log_odds(without.to_numpy()), log_odds(reached)
    pool = None if x_pool is None else (grid, of_strategies("at_pool"))
    found = misfit.expected(odds, along_odds, s, t, of_strategies("misfit"), pool=pool)
    return without.copy(data=found)
