"""Raw tables, read from files by their suffix."""

import csv
import io
import itertools
import json
import re
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from palm_bayes.arrays import Floats
from palm_bayes.errors import DataError, listed
from palm_bayes.files import uncell
from palm_bayes.reading.columns import COUNTS, clean, is_index, stands_for
from palm_bayes.reading.decimal_commas import with_points
from palm_bayes.reading.in_memory import Raw, flat_records, of_frame, of_mapping, of_runs
from palm_bayes.reading.opening import (
    MAX_JSON,
    array_of,
    arrays_of,
    check_regular,
    check_table,
    is_zip,
    pickled,
    text_of,
    unreadable,
)
from palm_bayes.reading.run_arrays import array_of_runs

PICKLES = {".pkl", ".pickle", ".joblib", ".pt", ".pth"}
"""Suffixes of files that are never read, since reading them can run code."""
_SPACES = r"\s+"
_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
_GAP = "(?i:nan|na)?"
_COUNTED = COUNTS | {"strategy", "repetition"}
_DECIMAL = r"[+-]?\d*[.,]\d+([eE][+-]?\d+)?"


def read_file(path: Path) -> list[Raw]:
    """Read the tables of a file; `DataError` names it."""
    if not path.exists():
        nowhere = "is a link that leads nowhere" if path.is_symlink() else "does not exist"
        raise DataError(f"{path} {nowhere}")
    suffixes = [suffix for suffix in READERS if path.name.lower().endswith(suffix)]
    if path.suffix.lower() in PICKLES:
        raise pickled(path)
    if not suffixes:
        raise DataError(f"{path} is neither a folder nor a file of {listed(READERS, 20)}")
    kind, reader = READERS[max(suffixes, key=len)]
    check_regular(path)
    try:
        found = reader(path)
    except DataError:
        raise
    except ImportError as error:
        raise DataError(f"{path} needs another package: {error}") from error
    except Exception as error:  # parsers of damaged files raise anything
        raise unreadable(path, error, kind) from error
    if not found:  # a workbook of empty sheets
        raise DataError(f"{path} holds no table")
    return found


def _delimited(path: Path) -> list[Raw]:
    """Read the cells of a delimited text as text, with their lines as index."""
    lines = _plain_lines(re.sub("\r\n?", "\n", text_of(path)).split("\n"))
    sep = _separator(lines, path)
    below = _without_comments(lines, sep)
    if "".join(below).strip() and not below[0].strip():  # pandas counts columns in the first line
        of_one = sep != _SPACES and not any(sep in line for line in below)
        below = ['""', *below[1:]] if of_one else "\n".join(below).lstrip("\n ").split("\n")
    text, above = "\n".join(below), len(lines) - len(below)
    try:
        cells = pd.read_csv(
            io.StringIO(text), sep=sep, header=None, dtype=str,
            na_filter=False, skip_blank_lines=False, skipinitialspace=True,
        )  # fmt: skip
    except pd.errors.EmptyDataError:
        raise DataError(f"{path} is empty") from None
    cells = cells.map(uncell).rename(lambda row: f"line {row + 1 + above}")
    if (numbers := _numbers_alone(cells)) is not None:
        return [_of_numbers(numbers, str(path))]
    why = _cut_row(text, sep)
    cut = [f"{cells.index[-1]} of {path} is cut off ({why}), left out"] if why else []
    cells = cells.iloc[: len(cells) - len(cut)]
    if '"' not in text and cells.shape[1] > 1:  # else every line is a row, or lines may not be
        cells = cells[[bool(line.strip()) for line in below[: len(cells)]]]
    raw = _of_cells(cells, str(path))
    frame, marked = raw.frame, sep != "," or '"' in text  # else no cell has a comma
    notes = with_points(frame, str(path)) if marked else []
    lists = [i for i, name in enumerate(frame) if stands_for(name) in {*COUNTS, "accuracy"}]
    lists = [i for i in lists if re.match(r"\[\s*[-+.\dnN]", str(frame.iloc[0, i]))]  # [0.5, 0.6]
    for i in lists:
        texts = frame.iloc[:, i].str.replace("nan", "NaN").str.replace("None", "null")
        frame.isetitem(i, texts.map(json.loads).to_numpy())
    raw = of_frame(frame, str(path)) if lists else raw
    return [replace(raw, notes=(*cut, *notes, *raw.notes))]


def _cut_row(text: str, sep: str) -> str:
    """Describe a last row that is being written, or was cut: it has no end, and lacks cells.

    Its last number may lack digits, so the cells that are there cannot be used.
    """
    if sep == _SPACES or not text.rpartition("\n")[2].strip():
        return ""
    counts = deque([0], maxlen=2)  # not all of a million rows
    try:
        counts.extend(map(len, csv.reader(io.StringIO(text), delimiter=sep)))
    except csv.Error:  # of a cell above its limit; pandas has none
        return ""
    wanted, there = counts
    return f"{there} of {wanted} cells, no line end" if there < wanted else ""


def _of_cells(cells: pd.DataFrame, file: str, name: str = "") -> Raw:
    """Take the first row that is not empty as header, and leave out empty rows."""
    cells = cells.fillna("")
    filled = (cells != "").any(axis="columns")
    if filled.sum() < 2:
        raise DataError(f"{file} has no rows below its header")
    head = cells[filled].iloc[0].str.strip()
    named = {"strategy", "repetition"} & {*map(stands_for, head)}  # numbers are shares of the pool
    if decimals := [
        name for name in head if re.fullmatch(_DECIMAL, name) and ("," in name or not named)
    ]:
        raise DataError(
            f"{file}: the first row has {decimals[0]}, needed are names of columns, such as labels "
            "and accuracy"
        )
    # Where nothing else counts, empty rows do: accuracies may be measured at some labels only.
    counted = any(
        is_index(one) or stands_for(one) in _COUNTED or clean(one) == "step" for one in head
    )
    rows = cells[filled] if counted else cells[filled.cummax() & filled[::-1].cummax()[::-1]]
    return Raw(rows.iloc[1:].set_axis(head, axis="columns"), file, name)


def _numbers_alone(cells: pd.DataFrame) -> Floats | None:
    """Return the numbers of a table without a header, NaN for gaps.

    Whole numbers may be names of columns, but not an index beside a gap, as pandas writes it.
    """
    lines: list[list[str]] = cells.fillna("").to_numpy().tolist()
    first = next((line for line in lines if any(re.fullmatch(_NUMBER, cell) for cell in line)), [])
    index = len(first) == 2 and first[0] in {"0", "1"} and re.fullmatch(_GAP, first[1])
    if not index and not any(re.fullmatch(_DECIMAL, cell) for cell in first):
        return None
    if not all(re.fullmatch(f"{_NUMBER}|{_GAP}", cell) for line in lines for cell in line):
        return None
    return np.array([[cell or "nan" for cell in line] for line in lines], dtype=float)


def _of_numbers(numbers: Floats, file: str) -> Raw:
    """Take numbers without a header as runs x episodes, or as one run with gaps and its index."""
    runs = numbers.T if numbers.shape[1] == 1 else numbers  # a column is a run
    column = runs.T if len(runs) == 1 else runs
    index = column.shape[1] == 2 and column[0, 0] in {0, 1} and (np.diff(column[:, 0]) == 1).all()
    if np.isnan(runs).any() and (index or column.shape[1] == 1):
        frame = pd.DataFrame(column, columns=["", "accuracy"][-column.shape[1] :])
        return Raw(frame.rename(lambda row: f"line {row + 1}"), file)
    return of_runs({"accuracy": runs[~np.isnan(runs).all(axis=1)]}, file, "")


def _separator(lines: list[str], path: Path) -> str:
    """Return the mark that occurs most often in the header: comma, semicolon, tab, bar or blanks.

    Blanks are it only if there is no other, and every line has as many words.
    """
    check_table(path, len(lines), 1)
    filled = [line for line in lines if line.strip() and not line.startswith("#")]
    quotes = itertools.accumulate(line.count('"') for line in filled)
    end = next((i for i, count in enumerate(quotes) if count % 2 == 0), 0)  # breaks in cells
    header = re.sub(r'"[^"]*"', "", "\n".join(filled[: end + 1]))
    sep = max(",;\t|", key=header.count)
    words = {len(line.split()) for line in filled}
    if not header.count(sep) and len(words) == 1 and words != {1}:
        check_table(path, len(lines), max(words))
        return _SPACES
    text = "\n".join(lines)
    first = next(csv.reader(io.StringIO(text), delimiter=sep), [])  # may go over several lines
    columns = max(len(first), *(1 + line.count(sep) for line in lines))
    check_table(path, len(lines), columns)
    return sep


def _plain_lines(lines: list[str]) -> list[str]:
    """Leave out Excel's `sep=;`, and the rules and outer bars of tables drawn with bars."""
    if re.fullmatch("sep=.", lines[0].strip(), re.IGNORECASE):
        return ["#", *lines[1:]]
    filled = [line.lstrip() for line in lines if line.strip()]
    if not filled or not all(line.startswith(("|", "+-")) for line in filled):
        return lines
    inside = (line.strip().removeprefix("|").removesuffix("|") for line in lines)
    rows = ["" if re.fullmatch(r"[\s|+:=-]+", line) else line for line in inside]
    return [rows[0] or "#", *rows[1:]]


def _without_comments(lines: list[str], sep: str) -> list[str]:
    """Leave out lines that begin with # above the header, which may begin with it itself.

    It does if it has as many cells as the next line, and numbers are there.
    """
    first = next((i for i, line in enumerate(lines) if not line.lstrip().startswith("#")), 0)
    if not first:
        return lines
    above, mark = lines[first - 1].lstrip("# "), None if sep == _SPACES else sep
    row = lines[first].split(mark)
    numbers = any(re.fullmatch(_NUMBER, cell.strip()) for cell in row)
    header = [above] if numbers and len(above.split(mark)) == len(row) else []
    return header + lines[first:]


def _parquet(path: Path) -> list[Raw]:
    from pyarrow.parquet import read_metadata, read_table

    about = read_metadata(path)  # a column of one value has a few bytes and any number of rows
    check_table(path, about.num_rows, about.num_columns)
    table = read_table(path)
    table.validate(full=True)  # or a text that is not in UTF-8 would raise an error when it is read
    return [of_frame(table.to_pandas(), str(path))]


def _excel(path: Path) -> list[Raw]:
    """Read the cells of all sheets as text, as those of a delimited file."""
    is_zip(path)
    sheets = pd.read_excel(path, sheet_name=None, header=None, dtype=object)
    full = {str(name): cells.map(_cell) for name, cells in sheets.items() if len(cells)}
    left = [name for name, cells in full.items() if not _has_numbers(cells)]
    left = left if len(left) < len(full) else []
    notes = (f"sheet {listed(left)}, without numbers, left out",) if left else ()
    full = {name: cells for name, cells in full.items() if name not in left}
    raws = [
        _of_cells(cells.rename(lambda row: f"row {row + 1}"), str(path), name * (len(full) > 1))
        for name, cells in full.items()
    ]
    return [replace(raw, notes=(*raw.notes, *notes)) for raw in raws]


def _has_numbers(cells: pd.DataFrame) -> bool:
    return any(re.search(r"\d", cell) for cell in cells.iloc[1:].to_numpy().ravel())


def _cell(value: Any) -> str:
    if pd.isna(value):
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _json(path: Path, *, lines: bool = False) -> list[Raw]:
    """Read records, also one in each line, or a mapping of names to lists."""
    text = text_of(path, MAX_JSON)
    try:
        found = json.loads(text, object_pairs_hook=partial(_unique, path, ""))
    except json.JSONDecodeError as error:
        if error.msg != "Extra data":
            raise
        numbered = enumerate(text.split("\n"), 1)
        found = [_of_line(i, line, path) for i, line in numbered if line.strip()]
    if isinstance(found, Mapping) and not lines:
        if {*found} == {"columns", "index", "data"}:  # as pandas writes it, orient="split"
            levels = [tuple(one) if isinstance(one, list) else one for one in found["columns"]]
            frame = pd.DataFrame(found["data"], found["index"], levels)
            return [of_frame(frame, str(path))]
        if {*found} != {"schema", "data"}:
            return of_mapping(found, str(path))
        found = found["data"]  # orient="table"
    if isinstance(found, list) and found and not any(isinstance(one, dict) for one in found):
        runs = {"accuracy": array_of_runs(found, str(path), "the list")}  # as in .npy
        return [of_runs(runs, str(path), "")]
    rows = [found] if isinstance(found, Mapping) else found
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise DataError(f"{path} holds neither records nor a mapping of names to lists")
    check_table(path, len(rows), len({name for row in rows for name in row}))
    return [of_frame(flat_records(rows).rename(lambda i: f"record {i + 1}"), str(path))]


def _of_line(number: int, line: str, path: Path) -> Any:
    try:
        return json.loads(line, object_pairs_hook=partial(_unique, path, f"line {number}: "))
    except DataError:
        raise
    except ValueError as error:
        told = getattr(error, "msg", error)
        raise DataError(f"{path} cannot be read as JSON: line {number}: {told}") from error


def _unique(path: Path, where: str, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a mapping, of which Python would keep only the last of several values of a name."""
    found = dict(pairs)
    if len(found) < len(pairs):
        name = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise DataError(
            f"{path} cannot be read as JSON: {where}a mapping has the name {name} twice: rename "
            "one, or make it a list"
        )
    return found


def _npy(path: Path) -> list[Raw]:
    values = array_of(path)
    if values.ndim not in {1, 2} or not values.size:
        raise DataError(f"{path} has shape {values.shape}, allowed is runs x episodes, not empty")
    return [of_runs({"accuracy": values}, str(path), "")]


type Reader = Callable[[Path], list[Raw]]
_OF_KIND: tuple[tuple[str, Reader, tuple[str, ...]], ...] = (
    ("CSV", _delimited, (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt")),
    ("Parquet", _parquet, (".parquet", ".pq")),
    ("JSON", _json, (".json", ".json.gz")),
    ("JSON lines", partial(_json, lines=True), (".jsonl", ".ndjson", ".jsonl.gz")),
    ("a NumPy array", _npy, (".npy",)),
    ("NumPy arrays", lambda path: of_mapping(arrays_of(path), str(path)), (".npz",)),
    ("Excel", _excel, (".xlsx", ".xls", ".ods")),
)
READERS: dict[str, tuple[str, Reader]] = {
    suffix: (kind, reader) for kind, reader, suffixes in _OF_KIND for suffix in suffixes
}
"""Kind and reader of each suffix."""
