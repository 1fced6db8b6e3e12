"""Checks of the options of reading, and of the episodes that a labelling loop reports."""

from numbers import Real
from typing import Literal

import numpy as np

from palm_bayes.errors import DataError

XMode = Literal["labels", "episodes"]

MIN_EPISODES = 4  # the curve has four parameters


def check_episode(
    labels: float, accuracy: float, before: float = 0.0, name: str = "accuracy"
) -> None:
    """Refuse an episode that a loop reports: labels, after `before`, and the score called `name`.

    Checks that need all rows are those of `palm_bayes.data.runs.Runs`.
    """
    if not before < labels < np.inf:
        raise DataError(f"labels are {labels!r}, but must be a number above {before:,.10g}")
    if not 0 <= accuracy <= 100:
        raise DataError(f"{name} is {accuracy!r}, but must be 0 to 1, or 0 to 100 in percent")


def check_options(
    batch: float | None, x_mode: str, repetitions: int | None, episodes: int | None
) -> None:
    """Raise `DataError` for options that are outside their limits."""
    if batch is not None and not (isinstance(batch, Real) and 0 < batch < np.inf):
        raise DataError(
            f"batch (--budget-size) is {batch!r}, but must be a number of labels above 0"
        )
    if x_mode not in ("labels", "episodes"):
        raise DataError(f"x_mode is {x_mode!r}, but must be 'labels' or 'episodes'")
    limits = (
        ("max_repetitions (--num-variants)", repetitions, 1),
        ("max_episodes (--episodes)", episodes, MIN_EPISODES),
    )
    for name, value, least in limits:
        if value is not None and not (isinstance(value, Real) and value >= least):
            raise DataError(f"{name} is {value}, but must be at least {least}")
