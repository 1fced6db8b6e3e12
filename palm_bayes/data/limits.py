"""What options of reading are allowed."""

from numbers import Real
from typing import Literal

import numpy as np

from palm_bayes.errors import DataError

XMode = Literal["labels", "episodes"]

MIN_EPISODES = 4  # the curve has four parameters


def check_options(
    batch: float | None, x_mode: str, repetitions: int | None, episodes: int | None
) -> None:
    """Refuse options that no runs could have."""
    if batch is not None and not (isinstance(batch, Real) and 0 < batch < np.inf):
        raise DataError(f"batch is {batch!r}, allowed is a number of labels above 0")
    if x_mode not in ("labels", "episodes"):
        raise DataError(f"x_mode is {x_mode!r}, allowed are 'labels' and 'episodes'")
    limits = (("max_repetitions", repetitions, 1), ("max_episodes", episodes, MIN_EPISODES))
    for name, value, least in limits:
        if value is not None and not (isinstance(value, Real) and value >= least):
            raise DataError(f"{name} is {value}, allowed is at least {least}")
