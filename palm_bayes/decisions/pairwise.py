"""Comparisons as functions of draws of curves, dims (sample, strategy[, budget])."""

import numpy as np
import pandas as pd
import xarray as xr

from palm_bayes.arrays import Floats
from palm_bayes.decisions.trajectories import first_reached, last_zero
from palm_bayes.errors import listed

QUANTILES = ("median", "lower", "upper")
PAIRS = ("strategy", "other", "p_better", "p_equal", "p_worse", "p_above", *QUANTILES)
CROSSINGS = ("strategy", "other", "p_overtakes", *QUANTILES)
SURE = 0.9  # least P(worse) for "ruled out", and least P(equal) for "equivalent"


def quantiles(values: Floats, probability: float) -> dict[str, Floats]:
    """Compute median and central interval over the first axis; values may be infinite."""
    tail = (1 - probability) / 2
    if not len(values):
        return dict.fromkeys(QUANTILES, np.full(values.shape[1:], np.nan)[()])
    found = np.quantile(values, [0.5, tail, 1 - tail], axis=0, method="inverted_cdf")
    return dict(zip(QUANTILES, found, strict=True))


def best(values: xr.DataArray) -> xr.DataArray:
    """Indicate the best strategy of each sample; ties share the weight of 1."""
    top = values == values.max("strategy")
    return top / top.sum("strategy")


def loss(values: xr.DataArray) -> xr.DataArray:
    """Compute the difference of each strategy to the best of its sample."""
    return values.max("strategy") - values


def mean_until(paths: xr.DataArray, at: float) -> xr.DataArray:
    """Average the accuracy from the first budget to `at` by the trapezoidal rule."""
    part = paths.sel(budget=slice(None, at))
    first, last = part["budget"][[0, -1]].to_numpy()
    return part.integrate("budget") / (last - first) if last > first else part.isel(budget=0)


def with_shares(ranking: pd.DataFrame, speed_up: pd.DataFrame) -> pd.DataFrame:
    """Add the columns of `speed_up`, whose quantiles are ``share``..., to those of `ranking`."""
    names = {"median": "share", "lower": "share_lower", "upper": "share_upper"}
    return ranking.merge(speed_up.rename(columns=names), how="left", on="strategy")


def log_speed_up(paths: xr.DataArray, reference: str, at: float) -> xr.DataArray:
    """Compute the logarithm of each strategy's speed-up over the reference, always finite.

    Where a strategy is ahead at the budget, the speed-up is the budget over the labels with which
    it reached the reference's accuracy there; where it is behind, the labels with which the
    reference reached the strategy's accuracy, over the budget. Both labels are at most the budget,
    and exchanging strategy and reference changes the sign only.

    Parameters
    ----------
    paths : DataArray, dims (sample, strategy, budget)
    reference : str
    at : float
        The budget, one of `paths`.

    Returns
    -------
    DataArray, dims (sample, strategy)
        Above 0 for a faster strategy; 0 for the reference.
    """
    way = paths.sel(budget=slice(None, at)).drop_vars("future", errors="ignore")
    here = way.isel(budget=-1, drop=True)
    of_reference = way.sel(strategy=reference, drop=True)
    goal = here.sel(strategy=reference, drop=True)
    own = first_reached(way, goal.broadcast_like(here), between=True)
    others = first_reached(of_reference.broadcast_like(way), here, between=True)
    speed_up = (at / own).where(here >= goal, others / at)
    return speed_up.copy(data=np.log(speed_up.to_numpy()))


def overtaking(lead: xr.DataArray, margin: float) -> tuple[float, Floats]:
    """Compute the share of samples from behind to ahead by more than `margin`, and the crossings.

    `lead` is one strategy minus another, dims (sample, budget): behind at any budget, ahead at the
    last. Crossings are the budgets after which it stays above 0, one for each such sample.
    """
    values = lead.transpose("sample", "budget").to_numpy()
    gained = (values < -margin).any(axis=1) & (values[:, -1] > margin)
    places = last_zero(values[gained], lead["budget"].to_numpy())
    return float(gained.mean()), places


def above(difference: Floats) -> Floats:
    """Compute P(difference above 0) over samples, the first axis; a difference of 0 counts half."""
    return np.asarray((difference > 0).mean(axis=0) + (difference == 0).mean(axis=0) / 2)


def shares(difference: Floats, margin: float) -> dict[str, float]:
    """Compute P(difference above, within, below a margin); dims (sample,)."""
    better, worse = float((difference > margin).mean()), float((difference < -margin).mean())
    return {
        "p_better": better,
        "p_equal": float((abs(difference) <= margin).mean()),
        "p_worse": worse,
        "p_above": float(above(difference)),
    }


def standing(ahead: xr.DataArray, margin: float) -> list[str]:
    """Classify strategies by the lead of the first, `ahead`, dims (sample, strategy)."""
    is_worse, is_equal = (
        part.mean("sample") >= SURE for part in (ahead > margin, abs(ahead) <= margin)
    )
    names = np.where(is_worse, "ruled out", np.where(is_equal, "equivalent", "not ruled out"))
    return [str(name) for name in names]


def others_in_words(standings: dict[str, str], margin: str) -> str:
    """Describe the standings of all strategies but the first: "; not ruled out: b, c (...)"."""
    sure, words = f"{100 * SURE:.0f} %", ""
    why = {
        "equivalent": f"P(within {margin} of it) at least {sure}",
        "not ruled out": f"P(worse by more than {margin}) below {sure}",
    }
    for standing, reason in why.items():
        names = [name for name, found in standings.items() if found == standing]
        words += f"; {standing}: {listed(names)} ({reason})" if names else ""
    return words or "; all others are ruled out"


def share_in_words(median: float, lower: float, upper: float, end: float) -> str:
    """Format a share and its interval, "62 % [48-77]"; values past `end` are infinite."""
    middle, low, high = (f"{100 * part:.0f}" for part in (median, lower, upper))
    if np.isinf(lower):
        return f">{100 * end:.0f} %"
    words = f"{middle} %" if np.isfinite(median) else f">{100 * end:.0f} %"
    return words + (f" [{low}-{high}]" if np.isfinite(upper) else f" [{low} or more]")
