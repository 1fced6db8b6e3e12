"""Raw tables, taken from frames and from dicts of lists, of arrays or of records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from palm_bayes.data.cells import as_numbers, holds, in_native_order
from palm_bayes.data.validation import RUN_WORDS
from palm_bayes.errors import DataError, listed
from palm_bayes.reading.columns import COUNTS, stands_for, word_of
from palm_bayes.reading.opening import check_names, check_table
from palm_bayes.reading.run_arrays import Arrays, array_of_runs, side_by_side
from palm_bayes.reading.run_names import repetition_of, split

_DEEPEST = 8  # names within names
_LISTS = (list, tuple, np.ndarray)
_COUNTED = "positions in lists count episodes"
_NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Raw:
    """A table as it was read."""

    frame: pd.DataFrame  # its index says where rows are: "line 3"
    file: str = ""  # its path; empty in memory
    name: str = ""  # its sheet or key, if it is one of several of a file
    notes: tuple[str, ...] = ()  # what was understood so far
    # Strategy, repetition and so on by the path, for tables without such columns.
    fields: Mapping[str, str] = field(default_factory=dict)
    doubt: str = ""  # why paths and keys do not tell the run, if they do not
    alone: bool = True  # the only table: its name tells a repetition only along with the strategy

    @cached_property
    def _numeric(self) -> dict[int, bool]:
        return {}

    def holds_numbers(self, position: int) -> bool:
        """Return True if a column holds numbers, and at most gaps beside them."""
        if position not in self._numeric:
            self._numeric[position] = holds(self.frame.iloc[:, position], numbers=True)
        return self._numeric[position]


def of_mapping(
    mapping: Mapping[Any, Any], file: str = "", name: str = "", above: Mapping[str, Any] = _NONE
) -> list[Raw]:
    """Read columns by name, arrays of runs by strategy, or such mappings by name.

    ``{"labels": [...], "accuracy": [...]}`` is a table; ``{"labels": [...], "margin": [[...],
    [...]]}`` has runs x episodes; ``{"margin": {...}, "random": {...}}`` a table for each. Lists
    that count labels or episodes, `above` the tables, hold for each of them.
    """
    if not mapping:
        raise DataError(f"{file or 'the dict'} is empty")
    if name.count("/") >= _DEEPEST:
        raise DataError(f"{file or 'the dict'} is nested more than {_DEEPEST} deep")
    check_names(file or "the dict", mapping)
    mapping = {
        "_".join(map(str, key)) if isinstance(key, tuple) else str(key): _by_column(value)
        for key, value in mapping.items()
    }
    if _is_table(mapping):
        return [_of_table(mapping, file, name)]
    lists = {key: value for key, value in mapping.items() if isinstance(value, _LISTS)}
    inner = {key: value for key, value in mapping.items() if _holds_lists(value)}
    if not lists and not inner:
        raise DataError(f"{file or 'the dict'} holds no lists: found {listed(mapping)}")
    once = {key: value for key, value in mapping.items() if key not in {*lists, *inner}}
    once = _settings(once, file)
    if not inner or not {*map(word_of, lists)} <= COUNTS:
        counts = {} if COUNTS & {*map(word_of, lists)} else above
        raw = _of_lists({**counts, **lists}, once, file, name)
        return [_with_constants(raw, once, RUN_WORDS)]
    single = len(inner) == 1 and len(inner) < len(mapping)  # its key names nothing
    names = {key: name if single else f"{name}/{key}".strip("/") for key in inner}
    below = {**above, **lists}
    raws = [raw for key, one in inner.items() for raw in of_mapping(one, file, names[key], below)]
    return [_with_constants(raw, once, _words_left(raws)) for raw in raws]


def _words_left(raws: Sequence[Raw]) -> list[str]:
    """Return the words of a run that the keys of its tables do not tell."""
    parts = {part for raw in raws for part in raw.name.split("/") if part}
    told = set() if all(map(repetition_of, parts)) else {"strategy"}
    told |= {"repetition"} if any(repetition_of(p) or split(p)[1] for p in parts) else set()
    return [word for word in RUN_WORDS if len(raws) == 1 or word not in told]


def _settings(once: Mapping[str, Any], file: str) -> dict[str, Any]:
    """Return single values, and the task and the run that settings in mappings tell."""
    told = {key: value for key, value in once.items() if not isinstance(value, Mapping)}
    nested = {key: value for key, value in once.items() if isinstance(value, Mapping)}
    found: dict[str, dict[str, Any]] = {}
    for key, value in pd.json_normalize(nested, sep="/").to_dict("records")[0].items():
        word = word_of(str(key).rsplit("/", 1)[-1])
        if word in RUN_WORDS and word not in {*map(word_of, told)}:
            found.setdefault(str(word), {})[str(key)] = value
    if several := [names for names in found.values() if len({*map(str, names.values())}) > 1]:
        words = listed(f"{key} {value}" for key, value in several[0].items())
        raise DataError(f"{file or 'the dict'}: settings differ ({words}): keep one of them")
    return told | {word: next(iter(names.values())) for word, names in found.items()}


def _by_column(value: Any) -> Any:
    """Return a frame or records as lists by column, and anything else as it is."""
    if isinstance(value, list) and value and all(isinstance(row, Mapping) for row in value):
        value = flat_records(value)
    if isinstance(value, pd.DataFrame):
        value = of_frame(value).frame.to_dict("list")
    return value


def flat_records(rows: Sequence[Any]) -> pd.DataFrame:
    """Make a frame of records; values in mappings in them are columns such as config/seed."""
    nested = any(isinstance(cell, Mapping) for row in rows for cell in row.values())
    return pd.json_normalize(list(rows), sep="/") if nested else pd.DataFrame(list(rows))


def _is_table(mapping: Any) -> bool:
    """Return True for mappings of mappings of single values, as by pandas' `to_dict`."""
    if not isinstance(mapping, Mapping) or not mapping:
        return False
    inner = [*mapping.values()]
    return all(isinstance(value, Mapping) and value for value in inner) and not any(
        isinstance(cell, (Mapping, *_LISTS)) for value in inner for cell in value.values()
    )


def _holds_lists(value: Any) -> bool:
    """Return True for a mapping with lists or a table at any depth, unlike settings."""
    if not isinstance(value, Mapping):
        return False
    table = _is_table(value) and len(value) > 1
    return table or any(isinstance(one, _LISTS) or _holds_lists(one) for one in value.values())


def _of_table(mapping: Mapping[str, Any], file: str, name: str) -> Raw:
    """Take columns by name, or rows by number, which have names of columns inside."""
    inside = {str(key) for row in mapping.values() for key in row}
    rows = any(map(stands_for, inside)) and not any(map(stands_for, mapping))
    rows = rows or (all(map(str.isdecimal, mapping)) and not any(map(str.isdecimal, inside)))
    frame = pd.DataFrame(dict(mapping))
    return of_frame(frame.T.infer_objects() if rows else frame, file, name)


def _of_lists(lists: Mapping[str, Any], once: Mapping[str, Any], file: str, name: str) -> Raw:
    """Take lists by column, or arrays of runs; what is said once holds for all rows."""
    arrays = {key: array_of_runs(value, file, key) for key, value in lists.items()}
    if max(array.ndim for array in arrays.values()) > 1:
        return of_runs(arrays, file, name)
    sizes = {key: array.size for key, array in arrays.items()}
    if len({*sizes.values()}) > 1:
        told = listed(f"{key} {size}" for key, size in sizes.items())
        raise DataError(f"{file or 'the dict'}: lists differ in length: {told}")
    try:
        frame = pd.DataFrame(arrays).assign(**once)
    except (TypeError, ValueError):  # such as a set, a generator or a lone surrogate
        wanted = "must be lists, or text or numbers that hold for all rows"
        raise DataError(f"{file or 'the dict'}: {listed(once)} {wanted}") from None
    if _counts(frame) or not {"strategy", "repetition"} & {*map(word_of, once)}:
        return of_frame(frame, file, name)
    raw = of_frame(frame.assign(episode=np.arange(1, len(frame) + 1)), file, name)
    return replace(raw, notes=(*raw.notes, _COUNTED))


def _with_constants(raw: Raw, once: Mapping[str, Any], words: Sequence[str]) -> Raw:
    """Add what is said once above a table of `words`, for arrays only the strategy."""
    if raw.frame.columns.nlevels > 1:
        strategy = next((str(once[key]) for key in once if word_of(key) == "strategy"), "")
        return replace(raw, frame=raw.frame.rename(columns={"": strategy}, level=0))
    there = {*map(stands_for, raw.frame.columns)}
    more = {key: value for key, value in once.items() if stands_for(key) in {*words} - there}
    return replace(raw, frame=raw.frame.assign(**more))


def of_frame(frame: pd.DataFrame, file: str = "", name: str = "") -> Raw:
    """Take a frame; levels of its index that have a name, and items of lists, are rows of it."""
    if frame.index.nlevels > 1 or word_of(_named(frame)) is not None:
        frame = frame.reset_index()
    elif not frame.index.equals(pd.RangeIndex(len(frame))) and not _counts(frame):
        first = as_numbers(pd.Series(frame.index))
        if first.is_monotonic_increasing and first.is_unique and first.notna().all():
            frame = frame.reset_index(names=_named(frame))
    return _with_rows_of_lists(Raw(in_native_order(frame), file, name))


def _with_rows_of_lists(raw: Raw) -> Raw:
    """Make a row of each item where cells are lists; positions count episodes without labels."""
    frame, place = raw.frame, raw.file or "the table"
    if frame.columns.nlevels > 1 or not frame.columns.is_unique or frame.empty:
        return raw
    mine = [name for name in frame if all(isinstance(cell, _LISTS) for cell in frame[name])]
    if not mine:
        return raw
    sizes = frame[mine].map(len)
    if (uneven := sizes.min(axis=1) < sizes.max(axis=1)).any():
        told = listed(f"{name} {size}" for name, size in sizes[uneven].iloc[0].items())
        raise DataError(f"{place}: lists of a row differ in length: {told}")
    check_table(place, int(sizes[mine[0]].sum()), frame.shape[1])
    counted = _counts(frame)
    if not counted:
        places: list[Any] = [[*range(1, size + 1)] for size in sizes[mine[0]]]
        frame = frame.assign(episode=places)
        mine.append("episode")
    said = () if counted else (_COUNTED,)
    return replace(raw, frame=frame.explode(mine).infer_objects(), notes=(*raw.notes, *said))


def _named(frame: pd.DataFrame) -> str:
    return "" if frame.index.name is None else str(frame.index.name)


def _counts(frame: pd.DataFrame) -> bool:
    """Return True if a column counts labels or episodes."""
    return bool(COUNTS & {word_of(column) for column in frame.columns})


def of_runs(arrays: Arrays, file: str, name: str) -> Raw:
    """Take arrays of runs x episodes."""
    frame, notes = side_by_side(arrays, file or "the dict")
    return Raw(in_native_order(frame), file, name, notes)
