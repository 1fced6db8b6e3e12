"""What runs may be, as far as it can be told without their table; quick to import."""

import math
from numbers import Real
from typing import Literal

from palm_bayes.errors import DataError, real, whole

XMode = Literal["labels", "episodes"]

NO_LABELS = (
    "labels are unknown, only episodes are: give the labels per episode when the runs are read "
    "(batch= in Python, --budget-size in the shell)"
)
MIN_EPISODES = 4  # the curve has four parameters
UNBOUNDED = frozenset(
    {"rmse", "mse", "mae", "loss", "nll", "crossentropy", "perplexity", "deviance"}
)
"""Parts of names of errors that have no upper bound."""


def check_options(
    batch: float | None, x_mode: str, repetitions: int | None, episodes: int | None
) -> None:
    """Raise `DataError` for options that are outside their limits."""
    if batch is not None and not (
        isinstance(batch, Real) and 0 < real(batch, "batch (--budget-size)") < math.inf
    ):
        raise DataError(
            f"batch (--budget-size) is {batch!r}, but must be a number of labels above 0"
        )
    if x_mode not in ("labels", "episodes"):
        raise DataError(f"x_mode is {x_mode!r}, but must be 'labels' or 'episodes'")
    for name, value, least in (
        ("max_repetitions (--num-variants)", repetitions, 1),
        ("max_episodes (--episodes)", episodes, MIN_EPISODES),
    ):
        if value is not None:
            real(whole(value, name, least), name)


def check_episode(
    labels: float, accuracy: float, before: float = 0.0, name: str = "accuracy"
) -> None:
    """Refuse an episode that a loop reports: labels, after `before`, and the score called `name`.

    Checks that need all rows are those of `palm_bayes.data.runs.Runs`.
    """
    if not before < real(labels, "labels") < math.inf:
        raise DataError(f"labels are {labels!r}, but must be a number above {before:,.10g}")
    if not 0 <= real(accuracy, name) <= 100:
        raise DataError(f"{name} is {accuracy!r}, but must be 0 to 1, or 0 to 100 in percent")
