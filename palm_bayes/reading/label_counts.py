"""What counts the labels or episodes of a table: a column, a step, an index, or its rows."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from palm_bayes.arrays import Floats
from palm_bayes.data.cells import as_numbers, as_text
from palm_bayes.data.validation import RUN_WORDS
from palm_bayes.errors import DataError
from palm_bayes.reading import column_choice, columns
from palm_bayes.reading.sheet import Sheet


def counted(sheet: Sheet) -> Sheet:
    """Find what counts labels or episodes: a step, an index without a name, or the rows."""
    words = dict(sheet.words)
    step = words.pop("step", None)
    if step is not None and step == words.get("episode"):
        return _with_order(replace(sheet, words=words))
    if columns.COUNTS & sheet.told_words:
        return replace(sheet, words=words)
    numbers, called, verb = _numbers_of(sheet, step)
    filled = _filled(sheet) & np.isfinite(numbers.to_numpy())
    measured: Floats = np.unique(numbers.to_numpy(np.float64)[filled])
    word = "labels" if _counts_labels(numbers, measured) else "episode"
    if word == "labels" and _from_zero(measured):
        if step is not None:
            first = ", ".join(f"{number:.10g}" for number in measured[:3])
            raise unclear_step(sheet, step, f"counts {first} ...")
        if numbers.min() == 0 and (numbers.diff().iloc[1:] == 1).all():
            numbers, called = numbers + 1, f"{called}, from 0 and here from 1,"
    frame = pd.concat([sheet.raw.frame, numbers], axis=1)
    frame.columns = [*sheet.names, word]
    notes = [*sheet.notes, f"{called} {verb} {'labels' if word == 'labels' else 'episodes'}"]
    words[word] = frame.shape[1] - 1
    return replace(sheet, raw=replace(sheet.raw, frame=frame), words=words, notes=notes)


def _numbers_of(sheet: Sheet, step: int | None) -> tuple["pd.Series[float]", str, str]:
    """Return the numbers of a step, of an index without a name, or of the rows; name and verb."""
    position = step
    if step is None and (index := [i for i in sheet.free if columns.is_index(sheet.names[i])]):
        position = index[0]
        _refuse_row_numbers(sheet, position)
    if position is not None:
        called = sheet.names[position] or "the column without a name"
        return as_numbers(sheet.column(position)), called, "counts"
    _refuse_rows(sheet)
    rows = sheet.raw.frame.index
    return pd.Series(np.arange(1.0, len(rows) + 1), index=rows), "rows", "count"


def _refuse_rows(sheet: Sheet) -> None:
    """Refuse to count rows of several runs, or those beside a column that may count."""
    several = {"strategy", "repetition"} & {*sheet.words}
    places = (*sheet.free, *(one.position for one in sheet.series))
    likely = [sheet.names[i] for i in places if _may_count(sheet.column(i))]
    if several or likely or not (sheet.raw.fields or sheet.series):
        likely = _growing(sheet) or likely
        raise column_choice.missing(["episode", "labels"], sheet.names, sheet.place, likely)


def _run_codes(sheet: Sheet) -> "pd.Series[int]":
    """Return the number of the run of each row, as far as columns tell the runs."""
    words = {*RUN_WORDS} & {*sheet.words}
    keys = {word: as_text(sheet.column(sheet.words[word])).to_numpy() for word in words}
    frame = pd.DataFrame(keys, index=range(len(sheet.raw.frame)))
    return frame.groupby(list(frame), sort=False).ngroup() if words else frame.assign(run=0)["run"]


def _growing(sheet: Sheet) -> list[str]:
    """Return the names of free columns of whole numbers that grow within every run."""
    runs, found = _run_codes(sheet), []
    for i in sheet.free:
        cells = pd.Series(as_numbers(sheet.column(i)).to_numpy())
        steps = cells.groupby(runs).diff()[runs.duplicated()]
        if (cells % 1 == 0).all() and len(steps) and (steps > 0).all():
            found.append(sheet.names[i])
    return found


def _refuse_row_numbers(sheet: Sheet, index: int) -> None:
    """Refuse a column without a name that may number the rows of the table, of all its runs.

    It does not begin anew in each run, has steps of 1 but begins elsewhere or lacks some, as after
    rows are filtered, or another column may count.
    """
    runs, name = _run_codes(sheet), sheet.names[index]
    cells = pd.Series(as_numbers(sheet.column(index)).to_numpy())
    steps = cells.groupby(runs).diff()[runs.duplicated()]
    alone = runs.max() > 0 and cells.is_unique
    filtered = steps.median() == 1 and not (cells.min() in {0, 1} and (steps == 1).all())
    others = [other for other in _growing(sheet) if other != name]
    if alone or filtered or others:
        pairs = [(word, other) for other in (*others[:2], name) for word in ("labels", "episode")]
        offered = " or ".join(f"--column {word}={other or repr('')}" for word, other in pairs)
        raise DataError(
            f"{sheet.place}the column {name or 'without a name'} may number the rows: choose what "
            f"counts labels or episodes by {offered}"
        )


def unclear_step(sheet: Sheet, position: int, what: str) -> DataError:
    """Return the error of a step that may count labels, or epochs or batches of training."""
    name = sheet.names[position]
    return DataError(
        f"{sheet.place}{name} {what}, so that it may count labels or steps of training: choose by "
        f"--column labels={name} or --column episode={name}, which takes the order within each run"
    )


def _filled(sheet: Sheet) -> NDArray[np.bool_]:
    """Return True for rows with an accuracy."""
    places = [one.position for one in sheet.series] or [sheet.words["accuracy"]]
    return np.any([as_numbers(sheet.column(i)).notna() for i in places], axis=0)


def _with_order(sheet: Sheet) -> Sheet:
    """Take the order of steps that were chosen as episodes, whatever their distance.

    Rows without any accuracy are left out, as where losses were written more often.
    """
    step, rows = sheet.words["episode"], _filled(sheet)
    numbers = as_numbers(sheet.column(step)).where(rows)
    frame = sheet.raw.frame.copy()
    frame.isetitem(step, numbers.groupby(_run_codes(sheet).to_numpy()).rank("dense").to_numpy())
    note = f"episodes are the order of {sheet.names[step]}"
    return replace(sheet, raw=replace(sheet.raw, frame=frame[rows]), notes=[*sheet.notes, note])


def _from_zero(measured: Floats) -> bool:
    """Return True for numbers that begin at 0, or that are even if 1 is added: 9, 19, 29 ..."""
    steps = np.diff(measured)
    if not steps.size or (measured % 1 > 0).any():
        return False
    step = steps.min()
    even = step > 1 and not (steps % step).any() and (measured[0] + 1) % step == 0
    return bool(measured[0] == 0 or even)


def _counts_labels(numbers: "pd.Series[Any]", measured: Floats) -> bool:
    """Return True unless numbers are 0, 1, 2 ... or 1, 2, 3 ..., most of them with accuracies."""
    steps = numbers.drop_duplicates().sort_values()
    if steps.iloc[0] not in {0, 1} or (steps.diff().iloc[1:] != 1).any():
        return True
    return 2 * len(measured) <= len(steps)


def _may_count(column: "pd.Series[Any]") -> bool:
    """Return True for rising whole numbers, and for fractions that rise in even steps."""
    numbers = as_numbers(column).to_numpy()
    if not np.isfinite(numbers).all():
        return False
    steps = np.diff(numbers)
    even = steps.size > 0 and np.ptp(steps) < 1e-9
    return bool((steps > 0).all() and (even or (numbers % 1 == 0).all()))
