"""What palm_bayes raises and warns on purpose, and the words its messages share."""

import difflib
import math
from collections.abc import Iterable
from typing import Any


class PalmError(ValueError):
    """Base of all errors that palm_bayes raises on purpose."""


class DataError(PalmError):
    """Input that cannot be used: one line saying what was found, where, and what is allowed."""


class ConvergenceError(PalmError):
    """A decision was asked of a fit whose sampler did not converge."""


class SamplingError(PalmError, RuntimeError):
    """The sampler broke down: what it said."""


class PalmWarning(UserWarning):
    """Something the user should know, although a result could be given."""


def listed(names: Iterable[Any], most: int = 8) -> str:
    """Join names by commas, saying how many were left off."""
    words = [str(name) for name in names]
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def span(values: Iterable[float]) -> str:
    """Smallest to largest, NaN left out: "6 to 10", or "10"."""
    numbers = [float(value) for value in values if not math.isnan(value)]
    low, high = f"{min(numbers):.4g}", f"{max(numbers):.4g}"
    return low if low == high else f"{low} to {high}"


def plural(values: Iterable[float], one: str, many: str) -> str:
    """Count, or range of counts, with its word: "1 episode", "6-10 episodes"."""
    number = span(values).replace(" to ", "-")
    return f"{number} {one if number == '1' else many}"


def known(names: Iterable[str], there: Iterable[str], what: str) -> list[str]:
    """Return `names` once each; `DataError`, with near names, for one that is not `there`."""
    wanted, present = list(dict.fromkeys(names)), list(there)
    if not wanted:
        raise DataError(f"no {what} is named: there are {listed(present)}")
    for name in wanted:
        if name not in present:
            near = difflib.get_close_matches(str(name), present)
            hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
            raise DataError(f"no {what} {name!r}: there are {listed(present)}{hint}")
    return wanted


def percent(probability: float) -> str:
    """Say a probability; draws never show that it is 0 or 1."""
    if probability < 0.005:
        return "<1 %"
    return ">99 %" if probability >= 0.995 else f"{100 * probability:.0f} %"
