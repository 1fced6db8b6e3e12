"""Tables of one row for each run, with its accuracies by labels or episodes in columns."""

import itertools
import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from palm_bayes.data import columns
from palm_bayes.data.names import number_at_end
from palm_bayes.data.reading import MIN_EPISODES, Reading
from palm_bayes.data.sheet import Series, Sheet
from palm_bayes.data.validation import RUN
from palm_bayes.errors import DataError

_MANY = {"labels": "budgets", "share": "shares of the pool", "episode": "episodes"}


def is_across(sheet: Sheet, _: Reading) -> bool:
    """Return True if columns are numbered, and nothing else counts labels or episodes.

    There must be one row for each run: with several, columns may be repetitions. Without a name of
    the run, numbers alone may be either, unless the rows are too few to be episodes.
    """
    words = [columns.word_of(name) for name in sheet.names]
    if {*columns.COUNTS} & {*words}:
        return False
    if not {*RUN} & {*words}:
        numbers = _labels_alone(sheet)
        if numbers and len(sheet.raw.frame) >= MIN_EPISODES:
            raise DataError(
                f"{sheet.place}the columns {numbers[0]} ... {numbers[-1]} may be labels, then "
                "choose --layout across, or repetitions, then --layout wide"
            )
        return bool(numbers)
    runs = [i for i, word in enumerate(words) if word in RUN]
    return bool(_numbered(sheet)) and not sheet.raw.frame.iloc[:, runs].duplicated().any()


def across(sheet: Sheet, _: Reading) -> Sheet:
    """Take the numbers in names of columns as labels, shares or episodes."""
    found = _numbered(sheet)
    if not found:
        raise columns.missing(["labels", "episode"], sheet.names, sheet.place)
    others = [name if i not in found else "" for i, name in enumerate(sheet.names)]
    words = columns.positions(others, sheet.words, sheet.place)
    rows, raw = sheet.raw.frame.shape[0], sheet.raw
    if rows > 1 and not {*RUN} & {*words}:
        words["repetition"] = raw.frame.shape[1]
        raw = replace(raw, frame=raw.frame.assign(repetition=np.arange(1, rows + 1)))
    word, mine = _counted(found), [sheet.names[i] for i in found]
    series = [Series(i, {word: number}) for i, (_, number) in found.items()]
    said = f"{len(series)} {_MANY[word]} from the columns {mine[0]} ... {mine[-1]}"
    said += f", and {rows} repetitions from its rows" * (raw is not sheet.raw)
    return replace(sheet, raw=raw, words=words, series=series, notes=[said])


def _labels_alone(sheet: Sheet) -> list[str]:
    """Return the names of the columns if all are numbers, not one by one, that may be labels."""
    found = [float(name) for name in sheet.names if re.fullmatch("[0-9]+", name)]
    alone = len(found) == len(sheet.names) and len(_numbered(sheet)) == len(found)
    return sheet.names if alone and (np.diff(found) != 1).any() else []


def _numbered(sheet: Sheet) -> dict[int, tuple[str, str]]:
    """Return positions of numbered columns, with words and number; empty if these are not all."""
    names, there = sheet.names, replace(sheet, words={}).numeric
    found = {i: end for i in there if (end := number_at_end(names[i]))}
    numbers = [float(number.rstrip("%")) for _, number in found.values()]
    alike = len({words for words, _ in found.values()}) == 1
    rising = all(before < after for before, after in itertools.pairwise(numbers))
    return found if alike and rising and len(found) >= MIN_EPISODES else {}


def _counted(found: Mapping[int, tuple[str, str]]) -> str:
    """Return what the numbers count: episodes, if they are so called or 0, 1, 2 ..."""
    words, first = next(iter(found.values()))
    if first.endswith("%"):
        return "share"
    numbers = np.array([float(number) for _, number in found.values()])
    one_by_one = numbers[0] in {0, 1} and bool((np.diff(numbers) == 1).all())
    return "episode" if one_by_one or columns.word_of(words) == "episode" else "labels"
