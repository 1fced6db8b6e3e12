"""`Score`: what runs measure, and both ways between a user's values and the fractions inside."""

import re
import warnings
from dataclasses import dataclass
from typing import Any, cast

from palm_bayes.display import accuracy, difference
from palm_bayes.errors import DataError, PalmWarning, of_type, real, require_flag

_LEAST_POINTS = 0.1  # in percent; smaller ones are probably fractions given by mistake
_SMALL = 10  # a larger target for fractions is percent
_LONGEST = 40  # letters of a name


@dataclass(frozen=True)
class Score:
    """Name, unit and direction of a score.

    Inside the package every score is a fraction that rises: an error rate e is 1 - e. Each value
    that comes in or goes out is converted here. Arguments called ``gain`` are differences of
    fractions, positive where better.

    Attributes
    ----------
    metric : str
        Its name in tables, figures and sentences.
    percent : bool
        True if the user's values are percent.
    lower_is_better : bool
        True for error rates and losses.
    """

    metric: str = "accuracy"
    percent: bool = False
    lower_is_better: bool = False

    def __post_init__(self) -> None:
        of_type(self.metric, str, "the name of the score", "text")
        if not (self.metric.isprintable() and 0 < len(self.metric.strip()) <= _LONGEST):
            allowed = f"allowed are 1 to {_LONGEST} letters in one line"
            raise DataError(f"the name of the score is {self.metric!r}, {allowed}")
        for name in ("percent", "lower_is_better"):
            require_flag(getattr(self, name), name)

    @property
    def unit(self) -> float:
        """Factor from fractions to the user's unit: 100 or 1."""
        return 100.0 if self.percent else 1.0

    @property
    def worse(self) -> str:
        """Side of a value on which worse ones lie."""
        return "above" if self.lower_is_better else "below"

    @property
    def better(self) -> str:
        """Side of a value on which better ones lie."""
        return "below" if self.lower_is_better else "above"

    @property
    def best(self) -> str:
        """Kind of the best value."""
        return "minimum" if self.lower_is_better else "maximum"

    @property
    def point(self) -> str:
        """A hundredth of the scale in words."""
        return "an accuracy point" if self.metric == "accuracy" else f"a point of {self.metric}"

    @property
    def title(self) -> str:
        """Name at the beginning of a sentence; names such as mAP or f1_macro do not change."""
        words = re.fullmatch(r"[a-z][a-z -]*", self.metric)
        return self.metric[0].upper() + self.metric[1:] if words else self.metric

    @property
    def axis(self) -> str:
        """Name with its unit, for an axis."""
        return self.title + " (%)" * self.percent

    @property
    def turned(self) -> str:
        """Sentence about what is fitted where lower is better; empty otherwise."""
        one = f"{self.unit:g} minus the {self.metric}"
        return f"PALM's curve and parameters describe {one}." if self.lower_is_better else ""

    def values[T](self, fractions: T) -> T:
        """Convert fractions to the user's values."""
        values = self.sizes(fractions)
        return _minus(self.unit, values) if self.lower_is_better else values

    def fractions[T](self, values: T) -> T:
        """Convert the user's values to fractions; inverse of `values`."""
        fractions: T = cast("Any", values) / self.unit
        return _minus(1.0, fractions) if self.lower_is_better else fractions

    def sizes[T](self, gain: T) -> T:
        """Convert gains and standard deviations to the user's unit, positive where better."""
        sizes: T = self.unit * cast("Any", gain)
        return sizes

    def differences[T](self, gain: T) -> T:
        """Convert gains to differences of the user's values: negative where errors fall."""
        return _minus(0.0, self.sizes(gain)) if self.lower_is_better else self.sizes(gain)

    def written(self, value: float) -> str:
        """Format one of the user's values, for a table."""
        return accuracy(value, self.unit)

    def written_size(self, size: float) -> str:
        """Format a difference in the user's unit, for a table."""
        return difference(size, self.unit)

    def shown(self, fraction: float) -> str:
        """Format a fraction as the user's value, for a sentence."""
        return self.written(self.values(fraction)) + " %" * self.percent

    def shown_size(self, gain: float) -> str:
        """Format a gain in the user's unit, for a sentence."""
        return self.written_size(self.sizes(gain)) + " points" * self.percent

    def asked(self, given: float | str) -> str:
        """Format a target that a user gave, for a sentence: "0.93" for "93%" of fractions."""
        return self.named(self.target(given))

    def named(self, value: float) -> str:
        """Format one of the user's values, for a sentence: "0.93", "93 %", "mAP 0.93"."""
        before, after = self.around
        return f"{before}{value:g}{after}"

    @property
    def around(self) -> tuple[str, str]:
        """Words before and after a value in a sentence: of an error in percent, its name, "%"."""
        return "" if self.metric == "accuracy" else f"{self.metric} ", " %" * self.percent

    def target(self, given: float | str, *, tell: bool = True) -> float:
        """Return a target, a value that a user asks for, in the user's unit.

        Text such as "93%" is percent in either unit. Where data are fractions, a number above 10
        is percent too; unless `tell` is False, a `PalmWarning` says how these are read.
        `DataError` if the value lies outside the scale, is a fraction although the data are in
        percent, or is no number.
        """
        value, percent = parsed(given, "the target")
        converted = not self.percent and (percent or _SMALL < value <= 100)
        if converted:
            value /= 100
        if not 0 < self.fractions(value) <= 1:
            ends = "above 0 and at most", "at least 0 and below"
            raise DataError(
                f"the target is {value:g}, but must be {ends[self.lower_is_better]} {self.unit:g}, "
                "the scale of the data, or percent such as 93%"
            )
        least = _LEAST_POINTS if self.lower_is_better else 1 + 1e-9
        if self.percent and 0 < value < least and not percent:
            message = f"the target is {value:g}, but the data are in percent: give {100 * value:g}"
            raise DataError(f"{message}, or {value:g}%" if self.lower_is_better else message)
        if converted and tell:
            said = given if isinstance(given, str) else f"{given:g}"
            text = f"the target {said} is read as {value:g}, since the data are fractions"
            warnings.warn(text, PalmWarning, stacklevel=3)
        return value

    def require_unit(self, given: float | str) -> None:
        """Refuse a target above 1 for scores that were taken for fractions, being at most 1 so far.

        Scores in percent may begin below 1, and then such a target would be read in another unit.
        """
        value, percent = parsed(given, "the target")
        if not self.percent and not percent and 1 < value <= 100:
            raise DataError(
                f"the target is {value:g}, but each {self.metric} so far is at most 1: are they in "
                "percent (percent=True, --percent) or fractions (percent=False, --fraction)?"
            )

    def goal(self, given: float | str) -> float:
        """Convert a target to a fraction; errors are those of `target`."""
        return self.fractions(self.target(given))

    def difference(self, given: float | str, what: str) -> float:
        """Return the size of a difference that a user gives, in the user's unit.

        Text such as "1%" is points in either unit. `DataError` if it is no number, or lies outside
        the scale; in percent, below a tenth of a point.
        """
        size, percent = parsed(given, what)
        if percent and not self.percent:
            size /= 100
        if not 0 <= size < self.unit:
            raise DataError(f"{what} is {size:g}, but must be at least 0 and below {self.unit:g}")
        if self.percent and 0 < size < _LEAST_POINTS:
            points = f"give {100 * size:g}, in points"
            raise DataError(f"{what} is {size:g}, but the data are in percent: {points}")
        return size

    def gain(self, given: float | str, what: str) -> float:
        """Convert the size of a difference to a fraction; errors are those of `difference`."""
        return self.difference(given, what) / self.unit


def _minus[T](whole: float, part: T) -> T:
    left: T = whole - cast("Any", part)
    return left


def parsed(given: float | str, what: str) -> tuple[float, bool]:
    """Return the number of a value such as 0.93 or "93%", and whether it has a percent sign.

    `DataError` if it is no number, with or without a percent sign.
    """
    if not isinstance(given, str):
        return real(given, what), False
    number = given.strip()
    try:
        return float(number.removesuffix("%")), number.endswith("%")
    except ValueError as error:
        allowed = "a number in the scale of the data, or percent such as 93%"
        raise DataError(f"{what} is {given!r}, but must be {allowed}") from error
