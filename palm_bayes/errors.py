"""Exceptions and warnings of palm_bayes, and formatting of their messages."""

import difflib
import math
import re
from collections.abc import Iterable
from contextlib import suppress
from numbers import Integral
from typing import Any

# Control characters, lone surrogates, line separators, changes of the direction of writing, and
# what is no character: they steer terminals, are not allowed in XML, or hide what a text says.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufff9-\ufffb\ufffe\uffff]"
)
_LONGEST_WORD, _LONGEST_MESSAGE = 300, 3000  # characters; a path of a file is rarely longer


def one_line(text: str) -> str:
    """Replace line breaks, and the blanks around them, by a blank."""
    return re.sub(r"\s*[\r\n]\s*", " ", text)


def shortened(message: str) -> str:
    """Write a message in one line, without the middle if it is overlong, or a word of it is."""
    words = re.sub(
        rf"\S{{{_LONGEST_WORD + 1},}}", lambda word: _without_middle(word[0], 60), one_line(message)
    )
    return words if len(words) <= _LONGEST_MESSAGE else _without_middle(words, 1000)


def _without_middle(text: str, end: int) -> str:
    return f"{text[:end]}... ({len(text):,} characters) ...{text[-end:]}"


class PalmError(ValueError):
    """Base class of all errors that palm_bayes raises on purpose; long messages are shortened."""

    def __init__(self, message: object = "") -> None:
        super().__init__(shortened(str(message)))


class DataError(PalmError):
    """Unusable input; one line gives the value found, its place and what is allowed."""


class WriteError(DataError):
    """File that cannot be written, such as on a full disk: what comes next could not be either."""


class ConvergenceError(PalmError):
    """Request that needs a converged fit, for one whose sampler did not converge."""


class SamplingError(PalmError, RuntimeError):
    """Failure of the sampler, with its message."""


class WorkerError(PalmError, RuntimeError):
    """Loss of the connection to workers, or of each worker that ran a job."""


class PalmWarning(UserWarning):
    """Warning about unusual data or results."""


def visible(text: str, keep: str = "") -> str:
    r"""Replace control characters except those in `keep` by their codes, such as \\x1b."""
    return _UNSEEN.sub(lambda one: one[0] if one[0] in keep else ascii(one[0])[1:-1], text)


def real(value: Any, what: str) -> float:
    """Return a value as a number; `DataError` for text, truth values and all else."""
    if not isinstance(value, (str, bytes, bool)):  # Python would take "nan" and True as numbers
        try:
            return float(value)
        except OverflowError:  # Python does not write integers of more than 4,300 digits
            raise DataError(f"{what} is too large: it must be below 1e308") from None
        except (TypeError, ValueError):
            pass
    raise DataError(f"{what} is {value!r}, but must be a number")


def whole(value: Any, what: str, least: int) -> int:
    """Return a value as a whole number; `DataError` for a smaller one, and for all else."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise DataError(f"{what} is {value!r}, but must be a whole number")
    if value < least:
        raise DataError(f"{what} is {value}, but must be at least {least}")
    return int(value)


def require_flag(value: Any, what: str, *others: None) -> None:
    """Raise `DataError` unless a value is True or False, also NumPy's, or one of the others."""
    with suppress(TypeError):  # of what has no hash, as a list
        if value in {True, False, *others}:
            return
    *names, last = map(str, (True, False, *others))
    raise DataError(f"{what} is {value!r}, but must be {', '.join(names)} or {last}")


def of_type[T](value: Any, kind: type[T], what: str, wanted: str) -> T:
    """Return a value of the type that is wanted, in words; `DataError` for others."""
    if not isinstance(value, kind):
        raise DataError(f"{what} is of type {type(value).__name__}, but must be {wanted}")
    return value


def text(value: Any, what: str) -> str:
    """Return a value that is text, empty for None; `DataError` for all else."""
    return "" if value is None else of_type(value, str, what, "text")


def several(values: Any) -> list[Any]:
    """Return values in a list, also a single one, as any text is."""
    try:
        return [values] if isinstance(values, str) else list(values)
    except TypeError:
        return [values]


def require_inside(value: float, what: str) -> None:
    """Raise `DataError` unless a value, such as a probability, lies between 0 and 1."""
    if not 0 < real(value, what) < 1:
        raise DataError(f"{what} is {value:g}, but must be above 0 and below 1")


def listed(names: Iterable[Any], most: int = 8) -> str:
    """Join names by commas, with the number of omitted ones."""
    words = [str(name) for name in names]
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more


def number(value: float) -> str:
    """Format with four significant digits, or as a whole number from 1,000 on."""
    return f"{value:,.0f}" if 1000 <= abs(value) < math.inf else f"{value:.4g}"


def span(values: Iterable[float]) -> str:
    """Format the range of values without NaN: "6 to 10", or "10"."""
    numbers = [float(value) for value in values if not math.isnan(value)]
    low, high = number(min(numbers)), number(max(numbers))
    return low if low == high else f"{low} to {high}"


def plural(values: Iterable[float], one: str, many: str) -> str:
    """Format a count, or range of counts, with its noun: "1 episode", "6-10 episodes"."""
    count = span(values).replace(" to ", "-")
    return f"{count} {one if count == '1' else many}"


def known(names: Iterable[str], there: Iterable[str], what: str) -> list[str]:
    """Return unique `names`, or a single one in a list.

    `DataError`, with similar names, for one that is not in `there`, of any type.
    """
    wanted, present = several(names), list(there)
    if not wanted:
        raise DataError(f"no {what} is named: there are {listed(present)}")
    for name in wanted:
        if not isinstance(name, str) or name not in present:
            near = difflib.get_close_matches(str(name), present)
            hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
            raise DataError(f"no {what} {name!r}: there are {listed(present)}{hint}")
    return list(dict.fromkeys(wanted))
