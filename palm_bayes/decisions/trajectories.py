"""Posterior draws of curves over whole episodes, by budget."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from palm_bayes.arrays import Floats
from palm_bayes.data.budgets import unit_of
from palm_bayes.forecast.forecast import Scope, forecast

if TYPE_CHECKING:
    from palm_bayes.inference.posterior import Posterior


def draw_paths(
    fit: "Posterior", budgets: Floats, scope: Scope = "expected", seed: int = 0
) -> xr.DataArray:
    """Draw curves of all strategies at budgets, as fractions, dims (sample, strategy, budget).

    Budgets are in the unit of `unit_of`. The coordinate ``future`` has dims (strategy, budget).
    """
    at: dict[str, Any] = {unit_of(fit.runs): budgets}
    draws = forecast(fit, scope=scope, seed=seed, **at).draws
    coords = {
        "strategy": draws["strategy"].to_numpy(),
        "budget": np.unique(budgets),
        "future": (("strategy", "budget"), draws["future"].transpose("strategy", "x").to_numpy()),
    }
    return xr.DataArray(by_sample(draws), coords, ("sample", "strategy", "budget"), "accuracy")


def by_sample(draws: xr.DataArray) -> Floats:
    """Return draws as an array, chain after chain, dims (sample, x) or (sample, strategy, x)."""
    stacked = draws.stack(sample=("chain", "draw"))
    return np.asarray(stacked.transpose("sample", ..., "x").to_numpy())


def first_reached(
    paths: xr.DataArray, target: "float | xr.DataArray", *, between: bool = False
) -> xr.DataArray:
    """Return the first budget at which each path reaches its target, even if it falls later.

    It is infinite if no budget of `paths`, dims (..., budget), suffices. It is one of these, since
    labels are bought in whole episodes, or else, with `between`, interpolated linearly.
    """
    budget = paths["budget"]
    there = paths >= target
    first = there.argmax("budget")
    found = budget[first].drop_vars(("budget", "future"), errors="ignore")
    if between:
        before = (first - 1).clip(min=0)
        low, high = (paths.isel(budget=at).drop_vars("budget") for at in (before, first))
        start = budget[before].drop_vars("budget")
        rise = (high - low).where(first > 0, 1)  # no interpolation before the first budget
        found = start + (found - start) * ((target - low) / rise).clip(0, 1)
    return found.where(there.any("budget"), np.inf)


def lower_medians(values: xr.DataArray) -> Floats:
    """Return each strategy's (lower) median, dims (sample, strategy); NaN ones are left out.

    It is one of the values, and so a whole episode as they are; NaN without any.
    """
    table = pd.DataFrame(values.transpose("sample", "strategy").to_numpy())
    return table.quantile(0.5, interpolation="lower").to_numpy()


def last_zero(lead: Floats, budgets: Floats) -> Floats:
    """Return each row's last crossing of 0, linear between budgets; rows end above 0."""
    last = lead.shape[1] - 1 - (lead[:, ::-1] <= 0).argmax(axis=1)
    rows = np.arange(len(lead))
    before, after = lead[rows, last], lead[rows, last + 1]
    share = before / (before - after)
    return np.asarray(budgets[last] + share * (budgets[last + 1] - budgets[last]))
