"""Raw tables, read from files by their suffix, from frames and from dicts."""

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from palm_bayes.data.cells import as_numbers
from palm_bayes.data.columns import COUNTS, word_of
from palm_bayes.data.opening import (
    MAX_JSON,
    array_of,
    arrays_of,
    check_names,
    check_regular,
    check_table,
    is_zip,
    text_of,
)
from palm_bayes.errors import DataError, listed
from palm_bayes.files import uncell

_DEEPEST = 8  # names within names, of JSON and dicts
_DECIMAL_COMMA = r"\s*[+-]?\d+,\d+(?:[eE][+-]?\d+)?\s*"


@dataclass(frozen=True)
class Raw:
    """A table as it was read.

    Attributes
    ----------
    frame : DataFrame
        Its index says where rows are: "line 3".
    file : str
        Path; empty in memory.
    name : str
        Its sheet or key, if it is one of several of a file.
    notes : tuple of str
        What was understood so far.
    fields : mapping of str to str
        Strategy, repetition and so on by the path, for tables without such columns.
    alone : bool
        If it is the only table, whose name tells a repetition only along with the strategy.
    """

    frame: pd.DataFrame
    file: str = ""
    name: str = ""
    notes: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    alone: bool = True


def read_file(path: Path) -> list[Raw]:
    """Read the tables of a file; `DataError` names it."""
    if not path.exists():
        raise DataError(f"{path} does not exist")
    suffixes = [suffix for suffix in READERS if path.name.lower().endswith(suffix)]
    if not suffixes:
        raise DataError(f"{path} is neither a folder nor a file of {listed(READERS, 20)}")
    kind, reader = READERS[max(suffixes, key=len)]
    check_regular(path)
    try:
        return reader(path)
    except DataError:
        raise
    except ImportError as error:
        raise DataError(f"{path} needs another package: {error}") from error
    except Exception as error:  # parsers of damaged files raise anything
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path} cannot be read as {kind}: {reason}") from error


def of_mapping(mapping: Mapping[str, Any], file: str = "", name: str = "") -> list[Raw]:
    """Read columns by name, arrays of runs by strategy, or such mappings by name.

    ``{"labels": [...], "accuracy": [...]}`` is a table; ``{"labels": [...], "margin": [[...],
    [...]]}`` has runs x episodes; ``{"margin": {...}, "random": {...}}`` a table for each.
    """
    place = file or "the dict"
    if not mapping:
        raise DataError(f"{place} is empty")
    if name.count("/") >= _DEEPEST:
        raise DataError(f"{place} is nested more than {_DEEPEST} deep")
    check_names(place, mapping)
    mapping = {key: _by_column(value) for key, value in mapping.items()}
    if all(isinstance(value, Mapping) for value in mapping.values()):
        cells = [cell for one in mapping.values() for cell in one.values()]
        if not any(isinstance(cell, (Mapping, list, tuple, np.ndarray)) for cell in cells):
            frame = pd.DataFrame(dict(mapping))  # as by DataFrame.to_dict and to_json
            return [of_frame(frame, file, name)]
        return [
            raw
            for key, value in mapping.items()
            for raw in of_mapping(value, file, f"{name}/{key}".strip("/"))
        ]
    lists = {str(k): v for k, v in mapping.items() if isinstance(v, (list, tuple, np.ndarray))}
    if not lists:
        inner = [value for value in mapping.values() if isinstance(value, Mapping)]
        if len(inner) != 1:
            raise DataError(f"{place} holds no lists: found {listed(mapping)}")
        return of_mapping(inner[0], file, name)
    arrays = {key: _array(value, f"{place}: {key}") for key, value in lists.items()}
    if max(array.ndim for array in arrays.values()) > 1:
        return [_of_runs(arrays, file, name)]
    sizes = {key: array.size for key, array in arrays.items()}
    if len({*sizes.values()}) > 1:
        lengths = listed(f"{key} {size}" for key, size in sizes.items())
        raise DataError(f"{place}: lists differ in length: {lengths}")
    # Single values, such as the data set, are repeated in all rows.
    once = {str(k): v for k, v in mapping.items() if not isinstance(v, Mapping) and k not in lists}
    return [of_frame(pd.DataFrame(arrays).assign(**once), file, name)]


def _by_column(value: Any) -> Any:
    """Return a frame or records as lists by column, and anything else as it is."""
    if isinstance(value, list) and value and all(isinstance(row, Mapping) for row in value):
        value = pd.DataFrame(value)
    if isinstance(value, pd.DataFrame):
        value = of_frame(value).frame.to_dict("list")
    return value


def of_frame(frame: pd.DataFrame, file: str = "", name: str = "") -> Raw:
    """Convert a frame; named levels of its index become columns."""
    if frame.index.nlevels > 1 or word_of(_index_name(frame)) is not None:
        frame = frame.reset_index()
    elif not frame.index.equals(pd.RangeIndex(len(frame))) and not _has_counts(frame):
        first = as_numbers(pd.Series(frame.index))
        if first.is_monotonic_increasing and first.is_unique and first.notna().all():
            frame = frame.reset_index(names=_index_name(frame))
    return Raw(frame, file, name)


def _index_name(frame: pd.DataFrame) -> str:
    return "" if frame.index.name is None else str(frame.index.name)


def _has_counts(frame: pd.DataFrame) -> bool:
    """Return True if a column counts labels or episodes."""
    return any(word_of(column) in COUNTS for column in frame.columns)


def _array(value: Any, place: str) -> np.ndarray[Any, Any]:
    rows = value if isinstance(value, list) else []
    if rows and all(isinstance(row, list) for row in rows):  # ragged: short runs end in NaN
        longest = max(map(len, rows))
        check_table(place, longest, len(rows))
        try:
            value = np.array([[*row, *[None] * (longest - len(row))] for row in rows], dtype=float)
        except (TypeError, ValueError, OverflowError) as error:
            raise DataError(f"{place} holds no numbers: {error}") from error
    array = np.asarray(value)
    if array.ndim not in {1, 2}:
        shape = f"shape {array.shape}" if array.ndim else repr(value)
        raise DataError(f"{place} has {shape}, allowed is a list, or runs x episodes")
    return array


def _of_runs(arrays: Mapping[str, np.ndarray[Any, Any]], file: str, name: str) -> Raw:
    """Lay arrays of runs x episodes, with what counts their episodes, side by side."""
    place = file or "the dict"
    counts = {key: array for key, array in arrays.items() if word_of(key) in COUNTS}
    runs = {key: np.atleast_2d(array) for key, array in arrays.items() if key not in counts}
    if len(counts) > 1 or len({array.shape[1] for array in runs.values()}) > 1:
        shapes = listed(f"{key} {array.shape}" for key, array in arrays.items())
        raise DataError(f"{place}: shapes do not fit together: {shapes}")
    length = next(iter(runs.values())).shape[1]
    check_table(place, length, sum(map(len, runs.values())))
    for key, array in counts.items():
        if array.shape != (length,):
            raise DataError(f"{place}: {key} has shape {array.shape}, allowed is ({length},)")
    counts = counts or {"episode": np.arange(1, length + 1)}
    series = {
        ("" if word_of(key) == "accuracy" else key, str(i + 1)): run
        for key, array in runs.items()
        for i, run in enumerate(array)
    }
    cells = {(key, ""): array for key, array in counts.items()} | series
    frame = pd.DataFrame(cells)
    frame.columns = pd.MultiIndex.from_tuples(list(cells), names=["strategy", "repetition"])
    shapes = listed(f"{key} {len(a)} runs x {a.shape[1]} episodes" for key, a in runs.items())
    return Raw(frame, file, name, (shapes,))


def _delimited(path: Path) -> list[Raw]:
    """Read the cells of a delimited text as text, with their lines as index."""
    text = text_of(path)
    sep = _separator(text, path)
    try:
        cells = pd.read_csv(
            io.StringIO(text), sep=sep, header=None, dtype=str,
            na_filter=False, skip_blank_lines=False,
        )  # fmt: skip
    except pd.errors.EmptyDataError:
        raise DataError(f"{path} is empty") from None
    cells = cells.map(uncell).rename(lambda row: f"line {row + 1}")
    raw = _of_cells(cells, str(path))  # short lines: NaN
    frame, columns = raw.frame, range(raw.frame.shape[1])
    decimal = [i for i in columns if sep != "," and _has_commas(frame.iloc[:, i])]
    for i in decimal:
        frame.isetitem(i, frame.iloc[:, i].str.replace(",", ".").to_numpy())
    return [replace(raw, notes=("commas are decimal",) if decimal else ())]


def _of_cells(cells: pd.DataFrame, file: str, name: str = "") -> Raw:
    """Take the first row that is not empty as header, and leave out empty rows."""
    cells = cells.fillna("")
    filled = (cells != "").any(axis="columns")
    if filled.sum() < 2:
        raise DataError(f"{file} has no rows below its header")
    decimals = [name for name in cells[filled].iloc[0] if re.fullmatch(r"[+-]?\d*[.,]\d+", name)]
    if decimals:
        raise DataError(f"{file}: the first row has {decimals[0]}, needed are names of columns")
    # In a single column, empty rows count: accuracies may be measured at some labels only.
    rows = cells[filled] if cells.shape[1] > 1 else cells[filled.cummax()]
    return Raw(rows.iloc[1:].set_axis(rows.iloc[0], axis="columns"), file, name)


def _has_commas(cells: "pd.Series[str]") -> bool:
    """Return True for numbers some of which have a decimal comma, and none a point."""
    numbers = cells[cells.str.contains(r"\d")]
    commas = numbers.str.fullmatch(_DECIMAL_COMMA)
    return bool(commas.any() and (commas | numbers.str.fullmatch(r"\s*[+-]?\d+\s*")).all())


def _separator(text: str, path: Path) -> str:
    """Return the mark that occurs most often in the header: comma, semicolon, tab or bar."""
    check_table(path, text.count("\n"), 1)
    lines = text.split("\n")
    header = next((line for line in lines if line.strip()), "")
    header = re.sub(r'"[^"]*"', "", header)
    sep = max(",;\t|", key=header.count)
    first = next(csv.reader(io.StringIO(text), delimiter=sep), [])  # may go over several lines
    columns = max(len(first), *(1 + line.count(sep) for line in lines))
    check_table(path, len(lines), columns)
    return sep


def _parquet(path: Path) -> list[Raw]:
    from pyarrow.parquet import read_metadata

    about = read_metadata(path)  # a column of one value has a few bytes and any number of rows
    check_table(path, about.num_rows, about.num_columns)
    return [of_frame(pd.read_parquet(path, engine="pyarrow"), str(path))]


def _excel(path: Path) -> list[Raw]:
    """Read the cells of all sheets as text, as those of a delimited file."""
    is_zip(path)
    sheets = pd.read_excel(path, sheet_name=None, header=None, dtype=object)
    full = {str(name): cells.map(_cell) for name, cells in sheets.items() if len(cells)}
    return [
        _of_cells(
            cells.rename(lambda row: f"row {row + 1}"), str(path), name if len(full) > 1 else ""
        )
        for name, cells in full.items()
    ]


def _cell(value: Any) -> str:
    if pd.isna(value):
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _json(path: Path) -> list[Raw]:
    """Read records, or a mapping of names to lists."""
    contents = json.loads(text_of(path, MAX_JSON))
    if isinstance(contents, Mapping):
        return of_mapping(contents, str(path))
    return [_records(contents, path)]


def _json_lines(path: Path) -> list[Raw]:
    lines = text_of(path, MAX_JSON).split("\n")
    return [_records([json.loads(line) for line in lines if line.strip()], path)]


def _records(rows: Any, path: Path) -> Raw:
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise DataError(f"{path} holds neither records nor a mapping of names to lists")
    check_table(path, len(rows), len({name for row in rows for name in row}))
    return Raw(pd.DataFrame(rows).rename(lambda i: f"record {i + 1}"), str(path))


def _npy(path: Path) -> list[Raw]:
    values = array_of(path)
    if values.ndim not in {1, 2} or not values.size:
        raise DataError(f"{path} has shape {values.shape}, allowed is runs x episodes, not empty")
    return [_of_runs({"accuracy": values}, str(path), "")]


def _npz(path: Path) -> list[Raw]:
    return of_mapping(arrays_of(path), str(path))


type Reader = Callable[[Path], list[Raw]]
_OF_KIND: tuple[tuple[str, Reader, tuple[str, ...]], ...] = (
    ("CSV", _delimited, (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt")),
    ("Parquet", _parquet, (".parquet", ".pq")),
    ("JSON", _json, (".json", ".json.gz")),
    ("JSON lines", _json_lines, (".jsonl", ".ndjson", ".jsonl.gz")),
    ("a NumPy array", _npy, (".npy",)),
    ("NumPy arrays", _npz, (".npz",)),
    ("Excel", _excel, (".xlsx", ".xls", ".ods")),
)
READERS: dict[str, tuple[str, Reader]] = {
    suffix: (kind, reader) for kind, reader, suffixes in _OF_KIND for suffix in suffixes
}
"""Kind and reader of each suffix."""
