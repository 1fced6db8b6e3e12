"""Budgets of runs, labels or episodes where labels are unknown, and the x to forecast at."""

import math
from numbers import Real
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike

from palm_bayes.arrays import Floats, as_floats, interpolated
from palm_bayes.data.cells import EXACT, quoted
from palm_bayes.data.runs import Runs
from palm_bayes.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

Unit = Literal["labels", "episodes"]

_FAR = 4  # multiples of the budget seen up to which targets are looked for
MOST_LATER = 10_000
"""Most episodes past the data: each costs a number for every draw of every strategy."""


def unit_of(runs: Runs) -> Unit:
    """Return the unit of budgets."""
    return "labels" if runs.labels_known else "episodes"


def episode_budgets(runs: Runs, until: float) -> Floats:
    """Return the budget after each episode, observed and then by batch past `until`, shape (n,).

    `DataError` if there are more than `MOST_LATER` past the data.
    """
    seen = _by_episode(runs, _column(runs)).to_numpy(float)
    more = max(math.ceil((until - seen[-1]) / _step(runs) - 1e-9), 0)
    if more > MOST_LATER:
        raise DataError(
            f"{until:,.10g} {unit_of(runs)} are {more:,} episodes past the data, but must be at "
            f"most {MOST_LATER:,}: ask for less"
        )
    later = whole_labels(runs, seen[-1] + _step(runs) * np.arange(1, more + 1))
    return np.concatenate([np.unique(seen), later])


def whole_labels(runs: Runs, labels: Floats) -> Floats:
    """Round labels of later episodes where those of the data are whole, as half a batch is not."""
    known = runs.labels_known and runs.batch >= 1
    return np.round(labels) if known and (runs.table["labels"] % 1 == 0).all() else labels


def seen_budget(runs: Runs) -> float:
    """Return the budget of the last episode observed for any strategy."""
    return float(episode_budgets(runs, 0)[-1])


def seen_by_strategy(runs: Runs) -> "pd.Series[float]":
    """Return the last budget observed for each strategy, in the order of the strategies."""
    last = runs.table.groupby("strategy")[_column(runs)].max()
    return last.astype(float)[list(runs.strategies)]


def twice_seen(runs: Runs) -> float:
    """Return the budget after twice the observed episodes, the default limit of forecasts."""
    return within_pool(runs, seen_budget(runs) + _step(runs) * runs.table["episode"].nunique())


def considered(runs: Runs, within: float | None = None, until: float | None = None) -> Floats:
    """Return the budgets at which a target may be reached, shape (n,): whole episodes.

    They go to `until`, by default to four times the budget seen or the end of the pool, and at
    least to `within`.
    """
    if until is None:
        until = max(within_pool(runs, _FAR * seen_budget(runs)), within or 0)
        if _pool(runs) is None:
            return episode_budgets(runs, until)
    budgets = episode_budgets(runs, until)
    return np.union1d(budgets[budgets <= until], [until])  # the last batch may be smaller


def _pool(runs: Runs) -> float | None:
    """Return the size of the pool; None if it or labels are unknown."""
    return runs.read_with.get("pool") if runs.labels_known else None


def x_pool(runs: Runs) -> float | None:
    """Return x where all of the pool is labelled; None if its size or labels are unknown."""
    size = _pool(runs)
    return None if size is None else float(runs.x_at([size])[0])


def within_pool(runs: Runs, budget: float) -> float:
    """Return the budget, or the labels of the pool if these are fewer."""
    size = _pool(runs)
    return budget if size is None else min(budget, max(size, seen_budget(runs)))


def _column(runs: Runs) -> str:
    """Return the column of budgets in `Runs.table`."""
    return "labels" if runs.labels_known else "episode"


def _step(runs: Runs) -> float:
    return runs.batch if runs.labels_known else 1.0


def asked_x(
    runs: Runs,
    labels: ArrayLike | None = None,
    episodes: ArrayLike | None = None,
    horizon: int | None = None,
) -> "xr.DataArray":
    """Return the increasing x to forecast at, dims (x,), with coords ``episode`` and ``labels``.

    By default it goes to twice the observed episodes.
    """
    import xarray as xr  # slow to import

    x = _grid(runs, labels, episodes, horizon)
    points = _by_episode(runs, "x")
    # Rounded, so that whole episodes and labels stay whole.
    episode = np.round(interpolated(x, points, points.index, 1.0), 12)
    along = {"episode": ("x", episode), "labels": ("x", np.round(runs.labels_at(x), 9))}
    return xr.DataArray(x, {"x": x, **along}, "x")


def _grid(
    runs: Runs, labels: ArrayLike | None, episodes: ArrayLike | None, horizon: int | None
) -> Floats:
    if sum(part is not None for part in (labels, episodes, horizon)) > 1:
        raise DataError("labels, episodes and horizon exclude each other: give one of them")
    if labels is not None:
        return runs.x_at(_positive(labels, "labels"))
    if episodes is not None:
        at = _positive(episodes, "episodes")
    else:
        seen = np.unique(runs.table["episode"])
        ahead = len(seen) if horizon is None else later_episodes(horizon)
        at = np.concatenate([seen, seen[-1] + np.arange(1, ahead + 1)])
    points = _by_episode(runs, "x")
    return interpolated(at, points.index, points, 1.0)


def later_episodes(horizon: int) -> int:
    """Return the number of episodes to forecast past the data."""
    number = isinstance(horizon, Real) and not isinstance(horizon, bool)
    if number and 0 <= horizon <= MOST_LATER and horizon % 1 == 0:
        return int(horizon)
    raise DataError(
        f"horizon is {quoted(horizon)}, but must be a whole number of episodes, from 0 to "
        f"{MOST_LATER:,}"
    )


def _positive(values: ArrayLike, name: str) -> Floats:
    try:
        numbers = np.unique(as_floats(values, name))
    except DataError:
        numbers = np.array([np.nan])
    if not numbers.size or not np.all((numbers > 0) & (numbers <= EXACT)):
        raise DataError(
            f"the requested {name} are {quoted(values)}, but must be numbers above 0, up to "
            f"{EXACT:.0e}"
        )
    return numbers


def _by_episode(runs: Runs, column: str) -> "pd.Series[float]":
    """Return x or labels of each observed episode, of runs whose start pools may differ.

    It is the lower median over runs, so that labels are whole where those of the data are. Between
    episodes x is linear, and past them a batch for each.
    """
    of = runs.table.groupby("episode")[column]
    return of.quantile(0.5, interpolation="lower").cummax()
