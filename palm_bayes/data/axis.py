"""Forecast grid: requested labels, episodes or a horizon, converted to x."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from palm_bayes.arrays import Floats
from palm_bayes.data.runs import Runs, interpolated
from palm_bayes.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


def asked_x(
    runs: Runs,
    labels: ArrayLike | None = None,
    episodes: ArrayLike | None = None,
    horizon: int | None = None,
) -> xr.DataArray:
    """Return the increasing x to forecast at, dims (x,), with coords ``episode`` and ``labels``."""
    x = _grid(runs, labels, episodes, horizon)
    along = {"episode": ("x", _episode_at(runs, x)), "labels": ("x", runs.labels_at(x))}
    return xr.DataArray(x, {"x": x, **along}, "x")


def _grid(
    runs: Runs, labels: ArrayLike | None, episodes: ArrayLike | None, horizon: int | None
) -> Floats:
    """Return the increasing x as requested; by default twice the observed episodes."""
    if sum(part is not None for part in (labels, episodes, horizon)) > 1:
        raise DataError("labels, episodes and horizon exclude each other: give one of them")
    if labels is not None:
        return runs.x_at(_positive(labels, "labels"))
    seen = runs.table["episode"]
    if episodes is not None:
        return _x_at_episode(runs, _positive(episodes, "episodes"))
    ahead = seen.nunique() if horizon is None else horizon
    if ahead < 0:
        raise DataError(f"horizon is {horizon}, but must be a number of episodes, at least 0")
    later = np.arange(seen.max() + 1, seen.max() + 1 + ahead)
    return _x_at_episode(runs, np.concatenate([np.unique(seen), later]))


def _positive(values: ArrayLike, name: str) -> Floats:
    try:
        numbers = np.unique(np.asarray(values, dtype=float))
    except (TypeError, ValueError):
        raise DataError(f"the requested {name} are {values!r}, but must be numbers") from None
    if not numbers.size or not np.all(numbers > 0) or not np.all(np.isfinite(numbers)):
        raise DataError(f"the requested {name} are {values!r}, but must be numbers above 0")
    return numbers


def _x_by_episode(runs: Runs) -> "pd.Series[float]":
    """Return x of each observed episode: the median over runs, whose start pools may differ."""
    return runs.table.groupby("episode")["x"].median().cummax()


def _x_at_episode(runs: Runs, episodes: Floats) -> Floats:
    """Convert episodes to x: linear between observed episodes, one batch per episode beyond."""
    points = _x_by_episode(runs)
    return interpolated(episodes, points.index, points, 1.0)


def _episode_at(runs: Runs, x: Floats) -> Floats:
    """Invert `_x_at_episode`, rounded to twelve digits so that whole episodes stay whole."""
    points = _x_by_episode(runs)
    return np.round(interpolated(x, points, points.index, 1.0), 12)
