"""Standard errors of accuracies that are means of repetitions, from what a table has of them."""

import re
from typing import Any

import numpy as np
import pandas as pd

from palm_bayes.data.cells import as_numbers, as_text
from palm_bayes.data.columns import MEAN
from palm_bayes.data.means import Spread
from palm_bayes.data.scales import reject
from palm_bayes.data.sheet import GAPS, PAIR
from palm_bayes.errors import DataError, listed, plural

MOST = 1000
"""Most repetitions that means are of: a larger number probably counts something else."""
_CELL = re.compile(
    r"^\W{0,3}(\d[\d.,]*)[\s_{]*(%?)[\s_{]*(?:±|\+/?-|\\pm|\()\s*(\d*\.?\d+)\s*(%?)[\s)}$]*$"
)
_ASKED = ("spread", "spread kind", "spread name", "mean of")
_NONE = "--spread none fits each mean as one repetition of unknown noise"


def with_standard_errors(table: pd.DataFrame, said: str | None, notes: list[str]) -> pd.DataFrame:
    """Give accuracies that are means of repetitions their standard errors.

    Parameters
    ----------
    table : DataFrame
        Rows as of `palm_bayes.data.sheet.Sheet.rows`: ``spread`` beside ``accuracy``, or cells of
        ``accuracy`` that hold both; "spread kind" is "sd", "se" or "?"; "mean of" their number.
    said : str, optional
        What the user says of the spread.
    notes : list of str
        What was understood is added.

    Returns
    -------
    DataFrame
        With ``standard_error``, in the unit of the accuracies and NaN where unknown, and
        ``mean_of``, the number of repetitions, if there is a spread; their repetition is "mean".

    Raises
    ------
    DataError
        If the kind of a spread or the number of repetitions is not known, or is not allowed.
    """
    given, place = Spread.of(said), _place(table)
    table = _split_cells(table, given)
    rest = table.drop(columns=[word for word in _ASKED if word in table])
    if "spread" not in table or given.kind == "none":
        if given.kind not in {"", "none"}:
            raise DataError(f"{place}spread is {said!r}, but no column or cell has a spread")
        return rest
    if "repetition" in table:
        single = ~as_text(table["repetition"]).str.lower().isin({*MEAN, ""})
        reject(table, single, "a single repetition, where others are means: read them apart")
    name = listed(table["spread name"].dropna().unique())
    kind = _kind_of(table, given, name)
    count = _count_of(table, given, kind, name)
    spread = _numbers(table)
    error = spread / np.sqrt(count) if kind == "sd" else spread
    error = error.where((kind != "sd") | (count > 1))
    what = "standard deviations" if kind == "sd" else "standard errors"
    of = f" of {plural(count, 'repetition', 'repetitions')}" if count.notna().any() else ""
    notes.append(f"in {name} are {what} of means{of}")
    return rest.assign(repetition="mean", standard_error=error, mean_of=count)


def _place(table: pd.DataFrame) -> str:
    file = next(iter(table["file"]), "") if "file" in table else ""
    return f"{file}: " if file else ""


def _split_cells(table: pd.DataFrame, given: Spread) -> pd.DataFrame:
    """Split cells such as 0.54 ± 0.02 into mean and spread; refuse those of repetitions."""
    text = as_text(table["accuracy"])
    pair = text.str.match(PAIR)
    if not pair.any():
        return table
    found = text.str.extract(_CELL)
    cells = table.assign(cell=text)
    message = "'{cell}' is a mean and its spread, needed is "
    reject(cells, pair & found[0].isna(), message + "each repetition, or a standard deviation")
    if given.kind != "none" and "repetition" in table:
        of_run = pair & ~as_text(table["repetition"]).str.lower().isin(MEAN)
        reject(cells, of_run, message + f"each repetition; {_NONE}")
    accuracy = (found[0] + found[1]).where(pair, text)
    spread = (found[2] + found[3]).where(pair, "")
    return table.assign(
        accuracy=accuracy, spread=spread, **{"spread name": "cells such as " + text[pair].iloc[0]}
    )


def _kind_of(table: pd.DataFrame, given: Spread, name: str) -> str:
    """Return "sd" or "se", as the user or the names of columns say."""
    if given.kind:
        return given.kind
    kinds = table["spread kind"].dropna().unique()
    if len(kinds) == 1 and kinds[0] != "?":
        return str(kinds[0])
    raise DataError(
        f"{_place(table)}in {name} are means and their spread: say which by --spread 'sd of N', "
        "standard deviations of N repetitions, or --spread se, standard errors (in Python, "
        f"spread='sd of N'); {_NONE}"
    )


def _count_of(table: pd.DataFrame, given: Spread, kind: str, name: str) -> "pd.Series[float]":
    """Return the number of repetitions of each mean; NaN if only standard errors are known."""
    if given.count is not None:
        return pd.Series(float(given.count), table.index)
    if "mean of" not in table:
        if kind == "sd":
            raise DataError(
                f"{_place(table)}in {name} are standard deviations of means: say of "
                f"how many repetitions by --spread 'sd of N' (in Python, spread='sd of N'); {_NONE}"
            )
        return pd.Series(np.nan, table.index)
    count = as_numbers(table["mean of"])
    whole = (count % 1 == 0) & count.between(1, MOST)
    unknown = _empty(table["accuracy" if kind == "sd" else "mean of"])
    message = f"the number of repetitions is '{{cell}}', but must be from 1 to {MOST:,}"
    message += f", or be said by --spread '{kind} of N'"
    reject(table.assign(cell=table["mean of"]), ~whole & ~unknown, message)
    return count


def _numbers(table: pd.DataFrame) -> "pd.Series[float]":
    """Return spreads as numbers, NaN where a cell is empty."""
    text = as_text(table["spread"])
    marked, bare = text.str.endswith("%"), text.str.removesuffix("%").str.strip()
    values = as_numbers(bare)
    message = "the spread is '{cell}', but must be a number from 0"
    cells = table.assign(cell=text)
    reject(cells, ~values.between(0, np.inf, inclusive="left") & ~_empty(bare), message)
    means = as_numbers(as_text(table["accuracy"]).str.removesuffix("%"))
    in_percent = marked if means.max() <= 1 else marked & False
    reject(cells, in_percent, message + " in the unit of the means, which are fractions")
    return values


def _empty(cells: "pd.Series[Any]") -> "pd.Series[bool]":
    return as_text(cells).str.lower().isin(GAPS)
