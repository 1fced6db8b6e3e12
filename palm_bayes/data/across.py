"""Tables of one row for each run, with its accuracies by labels or episodes in columns."""

import itertools
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from palm_bayes.data import columns
from palm_bayes.data.limits import MIN_EPISODES
from palm_bayes.data.names import number_at_end
from palm_bayes.data.reading import Reading
from palm_bayes.data.scales import RUN
from palm_bayes.data.sheet import Series, Sheet, is_numeric

_MANY = {"labels": "budgets", "share": "shares of the pool", "episode": "episodes"}


def is_across(sheet: Sheet, _: Reading) -> bool:
    """Return True if columns are numbered, and nothing else counts labels or episodes.

    There must be one row for each run: with several, columns may be repetitions.
    """
    words = [columns.word_of(name) for name in sheet.names]
    if {*columns.COUNTS} & {*words} or not {*RUN} & {*words}:
        return False
    runs = [i for i, word in enumerate(words) if word in RUN]
    return bool(_numbered(sheet)) and not sheet.raw.frame.iloc[:, runs].duplicated().any()


def across(sheet: Sheet, _: Reading) -> Sheet:
    """Take the numbers in names of columns as labels, shares or episodes."""
    found = _numbered(sheet)
    if not found:
        raise columns.missing(["labels", "episode"], sheet.names, sheet.place)
    others = [name if i not in found else "" for i, name in enumerate(sheet.names)]
    words = columns.positions(others, sheet.words, sheet.place)
    word, mine = _counted(found), [sheet.names[i] for i in found]
    series = [Series(i, {word: end[1]}) for i, end in found.items()]
    said = f"{len(series)} {_MANY[word]} from the columns {mine[0]} ... {mine[-1]}"
    return replace(sheet, words=words, series=series, notes=[said])


def _numbered(sheet: Sheet) -> dict[int, tuple[str, str]]:
    """Return positions of numbered columns, with words and number; empty if these are not all."""
    found = {
        i: end
        for i, name in enumerate(sheet.names)
        if (end := number_at_end(name)) and is_numeric(sheet.column(i))
    }
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
