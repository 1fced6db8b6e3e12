"""The cells of a table: numbers, and whether accuracies are fractions or percent."""

from typing import Any, Protocol

import numpy as np
import pandas as pd

from palm_bayes.errors import DataError, listed

RUN = ["strategy", "repetition"]
_SLACK = 1e-6  # float32 accuracies may pass 1 or 100 by rounding
_LEAST_POINTS = 0.1  # of percent; smaller differences are given by mistake
_SMALL = 10  # percent up to here, falling, are more likely errors in the unit of y
_ALLOWED = {None: "0 to 1, or 0 to 100 in percent", True: "0 to 100 (percent)", False: "0 to 1"}


def reject(table: pd.DataFrame, bad: "pd.Series[bool]", message: str) -> None:
    """Raise for the first bad row, naming it; `message` is formatted with the row's values."""
    if bad.any():
        row: dict[str, Any] = {str(k): v for k, v in table[bad].iloc[0].items()}
        words = {word: row[word] for word in (*RUN, "episode") if row.get(word, "") != ""}
        names = [f"{k} {v:g}" if isinstance(v, float) else f"{k} {v}" for k, v in words.items()]
        place = ", ".join(part for part in (row["file"], row["where"], *names) if part)
        raise DataError(f"{place}: {message.format(**row)}")


def numbers(table: pd.DataFrame, column: str, allowed: str) -> "pd.Series[float]":
    """Return a column as finite numbers."""
    values = pd.to_numeric(table[column], errors="coerce").astype(float)
    cells = table.assign(cell=table[column])
    reject(cells, ~values.abs().lt(np.inf), f"{column} is '{{cell}}', allowed is {allowed}")
    return values


def to_fraction(table: pd.DataFrame, percent: bool | None, notes: list[str]) -> bool:
    """Bring accuracy to fractions, in place; return whether it was in percent.

    A task has one scale. Where `percent` does not tell, the largest value does: above 1 is percent.
    Refused are tables that hold both scales, or a few values above 1; and values up to 10 that fall
    in most runs, such as an RMSE.
    """
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
    """Refuse values above 1 that are hardly percent; runs at 1 % and less are named in a note."""
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
    # A collapsed run of percent, times 100, lies above all others; one of fractions among them.
    among = low & (100 * accuracy).between(others.min(), others.max())
    mixed = low & among.groupby([table[word] for word in RUN]).transform("any")
    words = {"low": _named(table[mixed]), "top": accuracy.max()}
    message = "fractions and percent: at most 1 in {low}, up to {top:.4g} elsewhere, "
    reject(table.assign(**words), mixed, f"{message}allowed is one scale; {known}")
    if low.any():
        notes.append(f"Read as 1 % or less, since others are in percent: {_named(table[low])}.")


def _named(rows: pd.DataFrame) -> str:
    runs = rows[RUN].drop_duplicates().itertuples(index=False)
    return listed(f"{strategy} repetition {repetition}" for strategy, repetition in runs)


class Scaled(Protocol):
    """What has accuracies in the user's own scale: runs, or what is made of them."""

    @property
    def scale(self) -> float:
        """What a fraction is multiplied by: 100 or 1."""


def as_fraction(of: Scaled, value: float, what: str) -> float:
    """Take an accuracy from the user's own scale.

    Raises
    ------
    DataError
        If it lies outside it, or is a fraction although the data are in percent.
    """
    if not 0 < value <= of.scale:
        allowed = f"above 0 and at most {of.scale:g}, the scale of the data"
        raise DataError(f"{what} is {value:g}, allowed is {allowed}")
    if of.scale > 1 and value <= 1:
        raise DataError(f"{what} is {value:g}, but the data are in percent: give {100 * value:g}")
    return value / of.scale


def difference_as_fraction(of: Scaled, value: float, what: str) -> float:
    """Take a difference of accuracies, such as a gain, from the user's own scale.

    Raises
    ------
    DataError
        As `as_fraction`; of percent, what is below a tenth of a point is taken for a fraction.
    """
    if not 0 <= value < of.scale:
        raise DataError(f"{what} is {value:g}, allowed is from 0 and below {of.scale:g}")
    if of.scale > 1 and 0 < value < _LEAST_POINTS:
        raise DataError(
            f"{what} is {value:g}, but the data are in percent: give {100 * value:g}, in points"
        )
    return value / of.scale
