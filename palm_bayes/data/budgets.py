"""Budgets of runs: labels, or episodes where labels are unknown."""

import math
from typing import Literal

import numpy as np

from palm_bayes.arrays import Floats
from palm_bayes.data.runs import Runs
from palm_bayes.errors import DataError

Unit = Literal["labels", "episodes"]

MOST_LATER = 10_000
"""Most episodes past the data: each costs a number for every draw of every strategy."""


def unit_of(runs: Runs) -> Unit:
    """Return the unit of budgets: labels, or episodes where labels are unknown."""
    return "labels" if runs.labels_known else "episodes"


def episode_budgets(runs: Runs, until: float) -> Floats:
    """Return the budget after each episode, observed and then by batch past `until`, shape (n,).

    Observed ones are the (lower) median over runs, so that they are whole labels where data are.
    `DataError` if there are more than `MOST_LATER` past the data.
    """
    labels = runs.labels_known
    column, step = ("labels", runs.batch) if labels else ("episode", 1.0)
    by_episode = runs.table.groupby("episode")[column]
    seen = by_episode.quantile(0.5, interpolation="lower").cummax().to_numpy(float)
    more = max(math.ceil((until - seen[-1]) / step - 1e-9), 0)
    if more > MOST_LATER:
        raise DataError(
            f"{until:,.10g} {unit_of(runs)} are {more:,} episodes past the data, but must be at "
            f"most {MOST_LATER:,}: ask for less"
        )
    later = whole_labels(runs, seen[-1] + step * np.arange(1, more + 1))
    return np.concatenate([np.unique(seen), later])


def whole_labels(runs: Runs, labels: Floats) -> Floats:
    """Round labels of later episodes where those of the data are whole, as half a batch is not."""
    known = runs.labels_known and runs.batch >= 1
    return np.round(labels) if known and (runs.table["labels"] % 1 == 0).all() else labels


def seen_budget(runs: Runs) -> float:
    """Return the budget of the last episode observed for any strategy."""
    return float(episode_budgets(runs, 0)[-1])


def twice_seen(runs: Runs) -> float:
    """Return the budget after twice the observed episodes, the default limit of forecasts."""
    step = runs.batch if runs.labels_known else 1.0
    return seen_budget(runs) + step * runs.table["episode"].nunique()
