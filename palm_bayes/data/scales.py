"""Numbers in the cells of a table, and the scale of accuracies: fractions or percent."""

import warnings
from typing import Any, Protocol

import numpy as np
import pandas as pd

from palm_bayes.data.cells import as_numbers, text_of
from palm_bayes.errors import DataError, PalmWarning, listed

RUN = ["strategy", "repetition"]
_EMPTY = ("", "<NA>", "nan", "None")
_SLACK = 1e-6  # float32 accuracies may exceed 1 or 100 by rounding
_LEAST_POINTS = 0.1  # in percent; smaller differences are probably fractions given by mistake
_SMALL = 10  # falling values up to here are more likely errors in the unit of y than percent
_ALLOWED = {None: "0 to 1, or 0 to 100 in percent", True: "0 to 100 (percent)", False: "0 to 1"}


def reject(table: pd.DataFrame, bad: "pd.Series[bool]", message: str) -> None:
    """Raise an error that names the first bad row; `message` is formatted with its values."""
    if bad.any():
        first = table[bad].iloc[0].items()
        row: dict[str, Any] = {str(k): v if isinstance(v, float) else text_of(v) for k, v in first}
        words = {word: row[word] for word in (*RUN, "episode") if row.get(word, "") not in _EMPTY}
        names = [f"{k} {v:g}" if isinstance(v, float) else f"{k} {v}" for k, v in words.items()]
        place = ", ".join(part for part in (row["file"], row["where"], *names) if part)
        raise DataError(f"{place}: {message.format(**row)}")


def numbers(table: pd.DataFrame, column: str, allowed: str) -> "pd.Series[float]":
    """Return a column as finite numbers."""
    values = as_numbers(table[column])
    cells = table.assign(cell=table[column])
    reject(cells, ~values.abs().lt(np.inf), f"{column} is '{{cell}}', allowed is {allowed}")
    return values


def to_fraction(table: pd.DataFrame, percent: bool | None, notes: list[str]) -> bool:
    """Convert accuracy to fractions in place; return True if it was in percent.

    A task has one scale. If `percent` is None, a largest value above 1 means percent. Tables that
    hold both scales, or a few values above 1, are refused; so are values up to 10 that fall in most
    runs, such as an RMSE.
    """
    if percent not in _ALLOWED:
        raise DataError(f"percent is {percent!r}, allowed are True, False and None")
    values = table["accuracy"] = numbers(table, "accuracy", _ALLOWED[percent])
    most = 1 if percent is False else 100
    inside = values.between(0, most * (1 + _SLACK))
    reject(table, ~inside, f"accuracy is {{accuracy:g}}, allowed is {_ALLOWED[percent]}")
    top, guessed = values.max(), percent is None
    percent = bool(top > 1 + _SLACK) if percent is None else percent
    if guessed and percent:
        _check_percent(table, notes)
    said = "percent" if percent else "a fraction"
    hint = "; percent=True reads it otherwise" if guessed and not percent else ""
    notes.append(f"Accuracy is read as {said}: the largest value is {top:.4g}{hint}.")
    table["accuracy"] = (values / (100 if percent else 1)).clip(upper=1)
    return percent


def _check_percent(table: pd.DataFrame, notes: list[str]) -> None:
    """Refuse values above 1 that are hardly percent; note runs at 1 % and less."""
    accuracy, by_run = table["accuracy"], table.groupby(RUN, sort=False)["accuracy"]
    known = "percent=True (--percent) reads it as percent"
    above = accuracy > 1 + _SLACK
    if (by_run.median() <= 1).all():
        message = "accuracy is {accuracy:g} where most are at most 1, allowed is "
        reject(table, above, f"{message}{_ALLOWED[None]}; {known}")
    if accuracy.max() <= _SMALL and (by_run.last() < by_run.first()).mean() > 0.5:
        message = f"accuracy goes up to {accuracy.max():.4g} and falls, an error such as an RMSE?"
        reject(table, accuracy == accuracy.max(), f"{message} Allowed is {_ALLOWED[None]}; {known}")
    low = by_run.transform("max") <= 1 + _SLACK
    others = accuracy[~low]
    # Times 100, a collapsed run in percent lies above all others; a run in fractions does not.
    among = low & (100 * accuracy).between(others.min(), others.max())
    mixed = low & among.groupby([table[word] for word in RUN]).transform("any")
    words = {"low": _named(table[mixed]), "top": accuracy.max()}
    message = "fractions and percent: at most 1 in {low}, up to {top:.4g} elsewhere, "
    reject(table.assign(**words), mixed, f"{message}allowed is one scale; {known}")
    if low.any():
        notes.append(
            f"Values read as 1 % or less, since others are in percent: {_named(table[low])}."
        )


def _named(rows: pd.DataFrame) -> str:
    runs = rows[RUN].drop_duplicates().itertuples(index=False)
    return listed(f"{strategy} repetition {repetition}" for strategy, repetition in runs)


class Scaled(Protocol):
    """Object with accuracies in the user's own scale, such as runs."""

    @property
    def scale(self) -> float:
        """Factor from fractions to the user's scale: 100 or 1."""


def parsed(given: float | str, what: str) -> tuple[float, bool]:
    """Return the number of an accuracy such as 0.93 or "93%", and whether it has a percent sign.

    Raises
    ------
    DataError
        If text is no number, with or without a percent sign.
    """
    if not isinstance(given, str):
        return float(given), False
    number = given.strip()
    try:
        return float(number.removesuffix("%")), number.endswith("%")
    except ValueError as error:
        allowed = "a number in the scale of the data, or percent such as 93%"
        raise DataError(f"{what} is {given!r}, allowed is {allowed}") from error


def in_scale(of: Scaled, given: float | str, what: str) -> float:
    """Return an accuracy that a user gives in the user's own scale.

    Text such as "93%" is percent in either scale. Where data are fractions, a number above 10 is
    percent too; a `PalmWarning` says how these are read.

    Raises
    ------
    DataError
        If the value lies outside the scale, is a fraction although the data are in percent, or is
        no number.
    """
    value, percent = parsed(given, what)
    converted = of.scale == 1 and (percent or _SMALL < value <= 100)
    if converted:
        value /= 100
    if not 0 < value <= of.scale:
        allowed = f"above 0 and at most {of.scale:g}, the scale of the data"
        raise DataError(f"{what} is {value:g}, allowed is {allowed}, or percent such as 93%")
    if of.scale > 1 and value <= 1 and not percent:
        raise DataError(f"{what} is {value:g}, but the data are in percent: give {100 * value:g}")
    if converted:
        text = f"{what} {given} is read as {value:g}, since the data are fractions"
        warnings.warn(text, PalmWarning, stacklevel=2)
    return value


def as_fraction(of: Scaled, given: float | str, what: str) -> float:
    """Convert an accuracy as in `in_scale` to a fraction."""
    return in_scale(of, given, what) / of.scale


def difference_as_fraction(of: Scaled, value: float, what: str) -> float:
    """Convert a difference of accuracies, such as a gain, from the user's scale to a fraction.

    Raises
    ------
    DataError
        As in `as_fraction`; in percent, values below a tenth of a point are taken for fractions.
    """
    if not 0 <= value < of.scale:
        raise DataError(f"{what} is {value:g}, allowed is from 0 and below {of.scale:g}")
    if of.scale > 1 and 0 < value < _LEAST_POINTS:
        raise DataError(
            f"{what} is {value:g}, but the data are in percent: give {100 * value:g}, in points"
        )
    return value / of.scale
