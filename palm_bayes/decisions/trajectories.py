"""Draws of whole curves over whole episodes, in the units of a question: budgets and targets."""

import math
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from palm_bayes.data.runs import Runs
from palm_bayes.errors import DataError
from palm_bayes.forecast.forecast import Scope

if TYPE_CHECKING:
    from palm_bayes.palm_fit import PalmFit

Unit = Literal["labels", "episodes"]

_LEAST_POINTS = 0.1  # of percent; smaller differences are given by mistake


def unit_of(runs: Runs) -> Unit:
    """What budgets are counted in: labels, or episodes where labels are unknown."""
    return "labels" if runs.labels_known else "episodes"


class Scaled(Protocol):
    """What has accuracies in the user's own scale: runs, or what is made of them."""

    @property
    def scale(self) -> float:
        """What a fraction is multiplied by: 100 or 1."""


def as_fraction(of: Scaled, value: float, what: str) -> float:
    """Take an accuracy from the user's own scale.

    Raises
    ------
    DataError
        If it lies outside it, or is a fraction although the data are in percent.
    """
    if not 0 < value <= of.scale:
        allowed = f"above 0 and at most {of.scale:g}, the scale of the data"
        raise DataError(f"{what} is {value:g}, allowed is {allowed}")
    if of.scale > 1 and value <= 1:
        raise DataError(f"{what} is {value:g}, but the data are in percent: give {100 * value:g}")
    return value / of.scale


def difference_as_fraction(of: Scaled, value: float, what: str) -> float:
    """Take a difference of accuracies, such as a gain, from the user's own scale.

    Raises
    ------
    DataError
        As `as_fraction`; of percent, what is below a tenth of a point is taken for a fraction.
    """
    if not 0 <= value < of.scale:
        raise DataError(f"{what} is {value:g}, allowed is from 0 and below {of.scale:g}")
    if of.scale > 1 and 0 < value < _LEAST_POINTS:
        raise DataError(
            f"{what} is {value:g}, but the data are in percent: give {100 * value:g}, in points"
        )
    return value / of.scale


def episode_budgets(runs: Runs, until: float) -> NDArray[np.float64]:
    """Budget after each whole episode: those seen, then batch by batch past `until`, shape (n,)."""
    labels = runs.labels_known
    column, step = ("labels", runs.batch) if labels else ("episode", 1.0)
    seen = runs.table.groupby("episode")[column].median().cummax().to_numpy(float)
    more = max(math.ceil((until - seen[-1]) / step - 1e-9), 0)
    return np.concatenate([np.unique(seen), seen[-1] + step * np.arange(1, more + 1)])


def seen_budget(runs: Runs) -> float:
    """Budget of the last episode that any strategy has."""
    return float(episode_budgets(runs, 0)[-1])


def twice_seen(runs: Runs) -> float:
    """As many episodes again as were seen: as far as anything is forecast unless asked."""
    step = runs.batch if runs.labels_known else 1.0
    return seen_budget(runs) + step * runs.table["episode"].nunique()


def draw_paths(
    fit: "PalmFit",
    budgets: NDArray[np.float64],
    scope: Scope = "expected",
    seed: int = 0,
) -> xr.DataArray:
    """Draw the curves of all strategies.

    Parameters
    ----------
    fit : PalmFit
    budgets : array, shape (n,)
        In the unit of `unit_of`.
    scope : {"expected", "new"}
        The expected curve, or a repetition not yet begun with its noise.
    seed : int
        Of the noise.

    Returns
    -------
    DataArray, dims (sample, strategy, budget)
        Accuracy as a fraction; coordinate ``future``, dims (strategy, budget).
    """
    at: dict[str, Any] = {"labels" if fit.runs.labels_known else "episodes": budgets}
    draws = fit.forecast(scope=scope, seed=seed, **at).draws
    stacked = draws.transpose("chain", "draw", "strategy", "x").to_numpy()
    coords = {
        "strategy": draws["strategy"].to_numpy(),
        "budget": np.unique(budgets),
        "future": (("strategy", "budget"), draws["future"].transpose("strategy", "x").to_numpy()),
    }
    values = stacked.reshape(-1, *stacked.shape[2:])
    return xr.DataArray(values, coords, ("sample", "strategy", "budget"), "accuracy")


def first_reached(
    paths: xr.DataArray, target: "float | xr.DataArray", *, between: bool = False
) -> xr.DataArray:
    """Budget at which each path is first at its target or above: a path may fall below it again.

    Parameters
    ----------
    paths : DataArray, dims (..., budget)
    target : float or DataArray
        Fraction, of the dims of `paths` other than budget.
    between : bool
        Interpolate linearly between the budgets; otherwise the first of them, as labels are bought
        by whole episodes.

    Returns
    -------
    DataArray, dims (...)
        Infinite where no budget of `paths` is enough.
    """
    budget = paths["budget"]
    there = paths >= target
    first = there.argmax("budget")
    found = budget[first].drop_vars(("budget", "future"), errors="ignore")
    if between:
        before = (first - 1).clip(min=0)
        low, high = (paths.isel(budget=at).drop_vars("budget") for at in (before, first))
        start = budget[before].drop_vars("budget")
        rise = (high - low).where(first > 0, 1)  # at the first budget there is nothing between
        found = start + (found - start) * ((target - low) / rise).clip(0, 1)
    return found.where(there.any("budget"), np.inf)


def last_zero(lead: NDArray[np.float64], budgets: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where each row, above 0 at its end, was last not above 0, between budgets linearly."""
    last = lead.shape[1] - 1 - (lead[:, ::-1] <= 0).argmax(axis=1)
    rows = np.arange(len(lead))
    before, after = lead[rows, last], lead[rows, last + 1]
    share = before / (before - after)
    return np.asarray(budgets[last] + share * (budgets[last + 1] - budgets[last]))
