"""Tables of one row for each run, with its accuracies by labels or episodes in columns."""

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from palm_bayes.data.cells import as_text
from palm_bayes.data.limits import MIN_EPISODES
from palm_bayes.data.validation import RUN
from palm_bayes.errors import DataError, listed
from palm_bayes.reading import column_choice, columns
from palm_bayes.reading.means import across_means, has_repetitions, leaves_spread, refuse_summaries
from palm_bayes.reading.options import Reading
from palm_bayes.reading.run_names import number_at_end
from palm_bayes.reading.sheet import Series, Sheet

_MANY = {"labels": "budgets", "share": "shares of the pool", "episode": "episodes"}


def is_across(sheet: Sheet, reading: Reading) -> bool:
    """Return True if columns are numbered, and nothing else counts labels or episodes.

    There must be one row for each run: with several, columns may be repetitions. Without a name of
    the run, numbers alone may be either, unless the rows are too few to be episodes.
    """
    names = sheet.names
    words = [columns.word_of(name) for name in names]
    if columns.COUNTS & {*words}:
        return False
    if runs := {i: as_text(sheet.column(i)) for i, word in enumerate(words) if word in RUN}:
        return not pd.DataFrame(runs).duplicated().any() and bool(_numbered(sheet, reading))
    alone = all(re.fullmatch("[0-9]+", name) for name in names)
    if not alone or (np.diff([*map(float, names)]) == 1).all():  # repetitions, one by one
        return False
    if len(_numbered(sheet, reading)) < len(names):
        return False
    if len(sheet.raw.frame) >= MIN_EPISODES:
        raise DataError(
            f"{sheet.place}the columns {names[0]} ... {names[-1]} may be labels, then "
            "choose --layout across, or repetitions, then --layout wide"
        )
    return True


def across(sheet: Sheet, reading: Reading) -> Sheet:
    """Take the numbers in names of columns as labels, shares or episodes."""
    found, names = _numbered(sheet, reading), sheet.names
    if not found:
        raise column_choice.missing(["labels", "episode"], names, sheet.place)
    scores = {i for i, name in enumerate(names) if columns.stands_for(name) == "accuracy"}
    others = ["" if i in {*found, *scores} else name for i, name in enumerate(names)]
    words = column_choice.positions(others, sheet.words, sheet.place)
    rows, raw = sheet.raw.frame.shape[0], sheet.raw
    if rows > 1 and not {*RUN} & {*words}:
        words["repetition"] = raw.frame.shape[1]
        raw = replace(raw, frame=raw.frame.assign(repetition=np.arange(1, rows + 1)))
    mine = [names[i] for i in found]
    word = _counted(found, mine, sheet.place)
    sheet, new = replace(sheet, raw=raw, words=words), raw is not sheet.raw
    beside = across_means(sheet, [*found], reading)
    runs = [{word: number} for _, number in found.values()]
    series = [*map(Series, found, runs, beside or [{}] * len(found))]
    said = f"{len(series)} {_MANY[word]} from the columns {mine[0]} ... {mine[-1]}"
    said += f", and {rows} repetitions from its rows" * new
    sheet = replace(sheet, series=series)
    left = [names[i] for i in sheet.numeric if not columns.is_index(names[i])]
    if not leaves_spread(reading) and not beside and not has_repetitions(sheet):
        refuse_summaries([*mine, *left], sheet.place, offer="spread none")
    score = mine[0].replace(",", "").rpartition(next(iter(found.values()))[1])[0].rstrip("_-@. ")
    known = columns.word_of(score) == "accuracy" or columns.is_error(score)
    metric = columns.metric_of(score) if known else ""
    notes = [said, *([f"{listed(left)} left out"] if left else [])]
    return replace(sheet, notes=notes, metric=metric)


def _numbered(sheet: Sheet, reading: Reading) -> dict[int, tuple[str, str]]:
    """Return positions of numbered columns of accuracies, with words and number, by number.

    It is empty if they are too few or two have the same number. `DataError` if there are several
    measures, of which the user chose none.
    """
    names, there = sheet.names, replace(sheet, words={}).numeric
    errors = {i for i in there if reading.lower_is_better and _is_error(names[i])}
    there = [i for i in there if i in errors or not columns.spread_kind(names[i])]
    ends = {i: end for i in there if (end := number_at_end(names[i], errors=i in errors))}
    ends = {i: end for i, end in ends.items() if i in errors or not errors}
    counts = {i for i in ends if columns.parts(names[i]) & columns.COUNT}
    groups: dict[str, dict[int, tuple[str, str]]] = {}
    for i, (words, number) in ends.items():
        if i not in counts or len(counts) == len(ends):
            groups.setdefault(words, {})[i] = words, number
    groups = {words: one for words, one in groups.items() if len(one) >= MIN_EPISODES}
    asked = (reading.columns or {}).get("accuracy")
    if groups and asked is not None:
        one = column_choice.one_of(columns.clean(asked), [*groups], "measure", sheet.place)
        groups = {"": groups[one]}
    if len(groups) > 1:
        raise column_choice.several("measures", "accuracy", groups, sheet.place)
    found = next(iter(groups.values()), {})
    numbers = {i: float(number.rstrip("%")) for i, (_, number) in found.items()}
    if len({*numbers.values()}) < len(found):
        return {}
    return {i: found[i] for i in sorted(found, key=numbers.__getitem__)}


def _is_error(name: str) -> bool:
    """Return True for names such as error_20 or 20_error."""
    bare = re.sub("[0-9]", "", name)
    return bare != name and columns.is_error(bare)


def _counted(found: Mapping[int, tuple[str, str]], names: list[str], place: str) -> str:
    """Return what the numbers count: episodes, if they are so called or 0, 1, 2 ..."""
    words = next(iter(found.values()))[0]
    percent = {
        number.endswith("%"): name for name, (_, number) in zip(names, found.values(), strict=True)
    }
    if len(percent) > 1:
        raise DataError(f"{place}{percent[True]} is percent of the pool, {percent[False]} is not")
    if True in percent:
        return "share"
    numbers = np.array([float(number) for _, number in found.values()])
    one_by_one = numbers[0] in {0, 1} and bool((np.diff(numbers) == 1).all())
    return "episode" if one_by_one or columns.word_of(words) == "episode" else "labels"
