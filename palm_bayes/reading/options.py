"""Options of reading runs, the same in Python and on the command line."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from palm_bayes.data.limits import XMode
from palm_bayes.errors import DataError, real, require_flag, several, text

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
        """Raise `DataError` for options of other types, and columns that are not named."""
        for name in ("dataset", "model", "metric", "pattern", "spread"):
            text(getattr(self, name), name)
        require_flag(self.percent, "percent", None)
        require_flag(self.lower_is_better, "lower_is_better")
        if self.pool is not None:
            pool = real(self.pool, "pool (--pool)")
            if not 0 < pool < math.inf:
                raise DataError(f"pool (--pool) is {pool:g}, but must be finite and above 0")
            object.__setattr__(self, "pool", pool)
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
    return {
        option.name: value
        for option, value in pairs
        if value is not option.default  # arrays have no single ==
        and not (isinstance(value, (int, float, str)) and value == option.default)
    }
