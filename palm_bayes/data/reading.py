"""Options of reading runs, the same in Python and on the command line, and what they may be."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any, Literal

from palm_bayes.errors import DataError, real, several, text

XMode = Literal["labels", "episodes"]

MIN_EPISODES = 4  # the curve has four parameters
OF_SOURCE = ("columns", "layout", "pattern", "pool", "spread")
"""Options that tell how a source is laid out."""
_OF_RUNS = (
    *("batch", "x_mode", "percent", "metric", "lower_is_better", "max_repetitions"),
    "max_episodes",
)


@dataclass(frozen=True)
class Reading:
    """Options of `palm_bayes.read`, which documents them."""

    strategies: Sequence[str] | None = None
    dataset: str | None = None
    model: str | None = None
    batch: float | None = None
    x_mode: XMode = "labels"
    percent: bool | None = None
    metric: str | None = None
    lower_is_better: bool = False
    max_repetitions: int | None = None
    max_episodes: int | None = None
    columns: Mapping[str, str] | None = None
    layout: str | None = None
    pattern: str | None = None
    pool: float | None = None
    spread: str | None = None

    def __post_init__(self) -> None:
        """Raise `DataError` for names that are no text, and columns that are not named."""
        for name in ("dataset", "model", "pattern"):
            text(getattr(self, name), name)
        if self.columns is not None and not isinstance(self.columns, Mapping):
            wanted = "a dict such as {'accuracy': 'test_acc'}"
            raise DataError(f"columns is {self.columns!r}, but must be {wanted}")

    @property
    def named(self) -> Sequence[str] | None:
        """Strategies to read, also if only one name was given."""
        return None if self.strategies is None else several(self.strategies)

    @property
    def given(self) -> dict[str, Any]:
        """Options other than their defaults, by name."""
        return changed_fields(self)

    @property
    def of_source(self) -> dict[str, Any]:
        """Options given of `OF_SOURCE`."""
        return {name: value for name, value in self.given.items() if name in OF_SOURCE}

    @property
    def of_runs(self) -> dict[str, Any]:
        """Options of `Runs.from_frame`."""
        return {name: getattr(self, name) for name in _OF_RUNS}


def changed_fields(options: Any) -> dict[str, Any]:
    """Return the fields of a dataclass that differ from their defaults, by name."""
    pairs = ((option, getattr(options, option.name)) for option in fields(options))
    return {option.name: value for option, value in pairs if value != option.default}


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
        if value is not None and not (isinstance(value, Real) and real(value, name) >= least):
            raise DataError(f"{name} is {value}, but must be at least {least}")


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
