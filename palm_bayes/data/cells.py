"""Cells of tables as text and as numbers, whatever they hold."""

import re
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from palm_bayes.errors import visible

EXACT = 2**53
"""Whole numbers up to here are exact; more labels or episodes are refused."""

_GAPS = ("", "nan", "na", "n/a", "#n/a", "none", "null", "-", "--", "–", "—", "?", "<na>")

PAIR = r"^\W{0,3}(\d[\d.,]*)[\s%_{]*(?:±|\+/?-|\\pm|[\(\[]\s*[-+]?[\d.]+[\s%]*[,;\)])"
"""Cells of a mean and its spread: 0.54 ± 0.02, 0.54 (0.02), 0.54 [0.40, 0.90]."""

MAX_NAME = 500
"""Longest name of a strategy, a repetition, a column, a key, or a file with folders above it."""


def text_of(cell: Any) -> str:
    """Return a cell as text that can be stored, or its type if Python refuses, as for 10**5000."""
    try:
        return well_formed(str(cell))
    except ValueError:
        return f"a huge {type(cell).__name__}"


def quoted(value: Any) -> str:
    """Return a value as Python writes it, or its type if Python refuses, as for 10**5000."""
    try:
        return repr(value)
    except ValueError:
        return f"a huge {type(value).__name__}"


def well_formed(text: str) -> str:
    """Decode as UTF-8 the bytes of a name that Python could not decode.

    Such names, of files on a system of another encoding, cannot be stored in a table.
    """
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except UnicodeEncodeError:  # half of a pair, as in JSON
        return text.encode("utf-8", "replace").decode("utf-8")


def as_numbers(cells: "pd.Series[Any]") -> "pd.Series[float]":
    """Convert cells to numbers; text, arrays, 10**400 and missing values become NaN."""
    kind = getattr(cells.dtype, "kind", "")
    if kind in "cmM":  # complex numbers, times and durations
        return pd.Series(np.nan, cells.index)
    # Of Decimal("1e999999") pandas would write out all digits.
    if kind != "O" or not any(isinstance(cell, Decimal) for cell in cells):
        try:
            values = pd.to_numeric(cells, errors="coerce")
            if getattr(values.dtype, "kind", "") != "c":
                return pd.Series(values.to_numpy(float, na_value=np.nan), cells.index)
        except (TypeError, ValueError, ArithmeticError):  # one cell suffices
            pass
    return pd.Series([_number(cell) for cell in cells], cells.index, dtype=float)


def _number(cell: Any) -> float:
    try:
        return float(cell)
    except (TypeError, ValueError, ArithmeticError):
        return np.nan


def natural(name: str) -> list[tuple[int, int, str]]:
    """Return a sort key that puts "2" before "10", for numbers of any length."""
    parts = re.findall(r"([0-9]+)|([^0-9]+)", name)
    numbers = [digits.lstrip("0") for digits, _ in parts]
    return [
        (0, len(number), number + digits) if digits else (1, 0, word)
        for number, (digits, word) in zip(numbers, parts, strict=True)
    ]


def as_text(names: "pd.Series[Any]") -> "pd.Series[str]":
    """Convert names to stripped, `visible` text: 1.0 becomes "1", missing becomes empty.

    An accented letter is one character (NFC): file names of macOS have two, and look the same.
    """
    return as_given(names).map(visible).str.normalize("NFC")


def as_given(names: "pd.Series[Any]") -> "pd.Series[str]":
    """Convert names to stripped text; control characters stay."""
    if pd.api.types.is_float_dtype(names):
        values = pd.Series(names.to_numpy(float, na_value=np.nan), names.index)
        known = values.dropna()
        whole = ((known % 1 == 0) & (known.abs() < EXACT)).all()
        names = values.astype("Int64") if whole else values
    try:
        text = names.astype(object).where(names.notna(), "").astype(str)
    except (ValueError, ArithmeticError):  # one cell suffices: 10**5000, a signalling NaN
        text = pd.Series([text_of(cell) for cell in names], names.index, dtype=str)
    return text.str.strip()


def is_gap(cells: "pd.Series[Any]") -> "pd.Series[bool]":
    """Return True for cells that hold nothing, also as text: "N/A", "-"."""
    return as_given(cells).str.lower().isin(_GAPS)


def holds(column: "pd.Series[Any]", *, numbers: bool) -> bool:
    """Return True if a column holds numbers, or text, and at most gaps beside them.

    A mark of percent does not matter, nor the spread of a mean, which is refused later.
    """
    text = as_text(column)
    text = text[~is_gap(text)]
    found = as_numbers(text).notna()
    if not found.all():
        bare = text.str.extract(PAIR)[0].fillna(text.str.removesuffix("%"))
        found = as_numbers(bare).notna()
    return bool(len(found)) and bool((found == numbers).all())


def in_native_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Convert columns of the other byte order, which pandas cannot sort or group by."""
    frame = frame.copy(deep=False)
    for i, one in enumerate(frame.dtypes):
        if isinstance(one, np.dtype) and not one.isnative:
            frame.isetitem(i, frame.iloc[:, i].to_numpy().astype(one.newbyteorder("=")))
    return frame
