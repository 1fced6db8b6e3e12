"""Means of repetitions: which columns have them, their spread and number, and standard errors."""

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from palm_bayes.data.cells import PAIR, as_numbers, as_text, is_gap
from palm_bayes.data.validation import MEAN_OF, STANDARD_ERROR, reject
from palm_bayes.errors import DataError, listed, plural
from palm_bayes.reading import column_choice, columns
from palm_bayes.reading.options import Reading
from palm_bayes.reading.run_names import number_at_end, pattern_of, repetition_of, runs_of, split
from palm_bayes.reading.sheet import Series, Sheet

MOST = 1000
"""Most repetitions that means are of: a larger number probably counts something else."""
_ALLOWED = (
    "'sd of N', standard deviations of N repetitions; 'se' or 'se of N', standard errors; or none"
)
_CELL = re.compile(
    r"^\W{0,3}(\d[\d.,]*)[\s_{]*(%?)[\s_{]*(?:±|\+/?-|\\pm|\()\s*(\d*\.?\d+)\s*(%?)[\s)}$]*$"
)
_ASKED = ["spread", "spread kind", "spread name", "mean of"]
_WHAT = {"sd": "standard deviations", "var": "variances", "se": "standard errors"}
_NONE = "--spread none fits each mean as one repetition of unknown noise"


@dataclass(frozen=True)
class Spread:
    """What the user says of the spread of means."""

    kind: str = ""  # "sd", deviations; "se", errors; "none", to be left out; "", nothing said
    count: int | None = None  # number of repetitions that the means are of

    @classmethod
    def of(cls, said: str | None) -> "Spread":
        """Read what is said, such as "sd of 5"; `DataError` if it cannot be read."""
        if said is None:
            return cls()
        match = re.fullmatch(r"\s*(?:(none)|(sd|std)|(se|sem))(?: of (\d+))?\s*", str(said))
        if match is None or (match[4] and (match[1] or int(match[4]) < 2)):
            raise DataError(f"spread is {said!r}, but must be {_ALLOWED}; N is at least 2")
        kind = "none" if match[1] else "sd" if match[2] else "se"
        return cls(kind, int(match[4]) if match[4] else None)


def leaves_spread(reading: Reading) -> bool:
    """Return True if the user says that means are to be fitted without their spread."""
    return Spread.of(reading.spread).kind == "none"


def with_mean_as_score(sheet: Sheet, reading: Reading) -> Reading:
    """Choose the one column called a mean as the accuracies, if its spread is beside it."""
    names, asked = sheet.names, reading.columns or {}
    known = {*map(columns.stands_for, names), *asked}
    if "accuracy" in known or "strategy" not in {*known, *sheet.raw.fields}:
        return reading
    places = sheet.numeric
    means = [i for i in places if columns.parts(names[i]) & columns.MEAN]
    runs = any(repetition_of(names[i]) for i in places)
    if len(means) > 1 and not runs and "strategy" in known and known & columns.COUNTS:
        raise column_choice.several("measures", "accuracy", [names[i] for i in means], sheet.place)
    if len(means) != 1 or runs or _spread_of(means[0], places, names, "") is None:
        return reading
    return replace(reading, columns={**asked, "accuracy": names[means[0]]})


def beside_score(sheet: Sheet, reading: Reading) -> dict[str, int]:
    """Return the positions of the spread of the accuracies and of its number, by word."""
    score = sheet.words["accuracy"]
    found = beside_means(sheet, [score], dict.fromkeys([score, *sheet.numeric], ""), reading)
    return found[0] if found else {}


def wide_means(sheet: Sheet, places: list[int], reading: Reading) -> Sheet | None:
    """Take columns of means, one a strategy, each with its spread; None if they are not such."""
    names = sheet.names
    left = {*spreads([names[i] for i in places])}
    means = [i for i in places if names[i] not in left]
    counts = _counts(sheet, places, means)
    means = [i for i in means if i not in counts]
    group = {i: columns.measured(names[i]) for i in places}
    beside = beside_means(sheet, means, group, reading)
    if not beside or "strategy" in sheet.words:
        return None
    runs = runs_of([columns.without_mean(names[i]) for i in means], None)
    if any("repetition" in run for run in runs):
        return None
    sheet = replace(sheet, series=[*map(Series, means, runs, beside)])
    return sheet.described([names[i] for i in sheet.free if i in places])


def across_means(sheet: Sheet, means: Sequence[int], reading: Reading) -> list[dict[str, int]]:
    """Return what `beside_means` does of columns numbered by labels."""
    places = [*sheet.numeric, *means]
    group = {i: end[1] if (end := number_at_end(sheet.names[i])) else "" for i in places}
    names = [re.sub("[0-9][0-9.,]*", "", name) for name in sheet.names]
    raw = replace(sheet.raw, frame=sheet.raw.frame.set_axis(names, axis="columns"))
    sheet = replace(sheet, raw=raw, words={**sheet.words, "labels": means[0]})
    return beside_means(sheet, means, group, reading)


def beside_means(
    sheet: Sheet, means: Sequence[int], group: Mapping[int, str], reading: Reading
) -> list[dict[str, int]]:
    """Return the positions of the spread of each mean and of its number of repetitions, by word.

    Columns of one group belong together; a number without a group, "", is that of all. The list is
    empty if a mean has no spread, or if there are repetitions of their own.
    """
    given, found = Spread.of(reading.spread), list[dict[str, int]]()
    if given.kind == "none" or has_repetitions(sheet):
        return []
    of_all = _counts(sheet, [i for i in group if not group[i]], [])
    for mean in means:
        same = [i for i in group if group[i] == group[mean]]
        counts = _counts(sheet, same, [mean])
        others = [i for i in same if i not in counts]
        spread = _spread_of(mean, others, sheet.names, given.kind)
        if spread is None:
            return []
        counts = counts or of_all
        found.append({"spread": spread} | ({"mean of": counts[0]} if counts else {}))
    return found


def has_repetitions(sheet: Sheet) -> bool:
    """Return True unless the only repetition is called a mean."""
    if "repetition" in sheet.words:
        cells = as_text(sheet.column(sheet.words["repetition"])).str.lower()
        return not cells.isin(columns.MEAN).all()
    return "repetition" in sheet.raw.fields and not sheet.raw.alone


def _spread_of(mean: int, places: Sequence[int], names: Sequence[str], kind: str) -> int | None:
    """Return the position of the spread of a mean: of the kind asked for, else errors first."""
    of = columns.measured(names[mean])
    marked = {*spreads([names[mean], *(names[i] for i in places)])}
    kinds = {i: columns.spread_kind(names[i]) for i in places if i != mean}
    others = {columns.measured(names[i]) for i, its in kinds.items() if not its} - {of, ""}
    kinds = {
        i: its
        for i, its in kinds.items()
        if (names[i] in marked or its in {"sd", "se", "var"})
        and _same(of, columns.measured(names[i]), others)
    }
    exact = {i: its for i, its in kinds.items() if columns.measured(names[i]) == of}
    asked = [(kind, exact), (kind, kinds)] if kind else []
    asked += [(one, group) for group in (exact, kinds) for one in ("se", "sd", "var", "?")]
    for one, group in asked:
        if found := [i for i, its in group.items() if its == one]:
            return found[0] if len(found) == 1 else None
    return None


def _same(one: str, other: str, others: Container[str]) -> bool:
    """Return True if both are the same measure, or one is not named, and it is none of others."""
    if other in others:
        return False
    scores = {columns.stands_for(name) for name in (one, other)} == {"accuracy"}
    return one == other or not one or not other or scores


def _counts(sheet: Sheet, places: Sequence[int], means: Sequence[int]) -> list[int]:
    """Return the positions of numbers of repetitions, of all means or of any of these.

    A column n is one only where another counts labels or episodes.
    """
    names = sheet.names
    counted = columns.COUNTS & {*sheet.words} or any(map(columns.is_index, names))
    of = {"", *(columns.measured(names[i]) for i in means)} if counted else set[str]()
    counts = {
        i
        for i in places
        if columns.parts(names[i]) & columns.COUNT and columns.measured(names[i]) in of
    }
    counts -= {i for i in counts if columns.spread_kind(names[i])}  # std (n=5)
    return [i for i in places if i in counts or columns.counts_runs(names[i])]


def spreads(names: Sequence[str]) -> list[str]:
    """Return the names of standard deviations, errors and bounds of means."""
    mean = [name for name in names if columns.parts(name) & columns.MEAN]
    words = columns.SPREAD | (columns.ERROR if mean else frozenset())
    of = {columns.clean(columns.without_mean(name)) for name in names}
    return [
        name
        for name in names
        if (columns.parts(name) & words and name not in mean) or columns.bound_of(name, of)
    ]


def refuse_summaries(
    names: Sequence[str], place: str, *, wide: bool = True, offer: str = ""
) -> None:
    """Refuse means whose standard errors are not known, such as those with bounds.

    In a table that is not `wide`, the first name is that of the score. The option that fits means
    all the same is `offer`, or that of the layout.
    """
    spread = [name for name in spreads(names) if wide or name != names[0]]
    spread += [] if wide else [*filter(columns.counts_runs, names[1:])]
    if not spread:
        return
    rest = [name for name in names if name not in spread]
    mean = [name for name in rest if columns.parts(name) & columns.MEAN]
    bare = {columns.clean(split(name)[0]) for name in spread} <= columns.SPREAD
    like = pattern_of(spread[0]) if wide and bare and not mean else ""
    or_strategies = f"strategies of these names are read by --pattern '{like}'; " * bool(like)
    mean = mean or (rest if wide else rest[:1]) or ["NAME"]
    one = len(mean) == 1
    offer = offer or (f"column accuracy={mean[0]}" if one else "layout wide")
    raise DataError(
        f"{place}only means and their spread ({listed([*mean, *spread])}), which does not tell "
        "the noise: needed are accuracies of single repetitions, or means with standard "
        f"deviations or errors; {or_strategies}to fit the {'mean' if one else 'means, each'} as "
        f"one repetition all the same: --{offer}"
    )


def with_standard_errors(table: pd.DataFrame, said: str | None, notes: list[str]) -> pd.DataFrame:
    """Give accuracies that are means of repetitions their standard errors.

    Rows, as of `Sheet.rows`, have ``spread`` beside ``accuracy``, or cells that hold both; "spread
    kind" is "sd", "se" or "?", and "mean of" the number of repetitions. Where there is a spread,
    returned are ``standard_error``, in the unit of the accuracies and NaN where unknown, and
    ``mean_of``; the repetition is "mean". `DataError` if the kind of a spread, unless `said` by the
    user, or the number of repetitions is not known, or is not allowed.
    """
    given, place = Spread.of(said), _place(table)
    table = _split_cells(table, given)
    rest = table.drop(columns=_ASKED, errors="ignore")
    if "spread" not in table or given.kind == "none":
        if given.kind not in {"", "none"}:
            raise DataError(f"{place}spread is {said!r}, but no column or cell has a spread")
        return rest
    if "repetition" in table:
        single = ~as_text(table["repetition"]).str.lower().isin({*columns.MEAN, ""})
        reject(table, single, "a single repetition, where others are means: read them apart")
    name = listed(table["spread name"].dropna().unique())
    kind = _kind_of(table, name, given.kind)
    count = _count_of(table, given, kind, name)
    error = _spread_numbers(table)
    error = error**0.5 if kind == "var" else error
    if kind != "se":
        error = (error / np.sqrt(count)).where(count > 1)
    of = f" of {plural(count, 'repetition', 'repetitions')}" if count.notna().any() else ""
    notes.append(f"in {name} are {_WHAT[kind]} of means{of}")
    return rest.assign(repetition="mean", **{STANDARD_ERROR: error, MEAN_OF: count})


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
        of_run = pair & ~as_text(table["repetition"]).str.lower().isin(columns.MEAN)
        reject(cells, of_run, message + f"each repetition; {_NONE}")
    accuracy = (found[0] + found[1]).where(pair, text)
    spread = (found[2] + found[3]).where(pair, "")
    return table.assign(
        accuracy=accuracy, spread=spread, **{"spread name": "cells such as " + text[pair].iloc[0]}
    )


def _kind_of(table: pd.DataFrame, name: str, said: str) -> str:
    """Return "sd", "se" or "var", as the names of columns say, and of the first two the user."""
    kinds = table["spread kind"].dropna().unique()
    if said and "var" not in kinds:
        return said
    if len(kinds) == 1 and kinds[0] != "?":
        return str(kinds[0])
    raise DataError(
        f"{_place(table)}in {name} are means and their spread: say which by --spread 'sd of N', "
        "standard deviations of N repetitions, or --spread se, standard errors (in Python, "
        f"spread='sd of N'); {_NONE}"
    )


def _count_of(table: pd.DataFrame, given: Spread, kind: str, name: str) -> "pd.Series[float]":
    """Return the number of repetitions of each mean; NaN if only standard errors are known."""
    if given.count is None and "mean of" not in table and kind != "se":
        raise DataError(
            f"{_place(table)}in {name} are {_WHAT[kind]} of means: say of how many "
            f"repetitions by --spread 'sd of N' (in Python, spread='sd of N'); {_NONE}"
        )
    if given.count is not None or "mean of" not in table:
        return pd.Series(np.nan if given.count is None else given.count, table.index, dtype=float)
    count = as_numbers(table["mean of"])
    whole = (count % 1 == 0) & count.between(1, MOST)
    unknown = is_gap(table["mean of" if kind == "se" else "accuracy"])
    message = f"the number of repetitions is '{{cell}}', but must be from 1 to {MOST:,}"
    message += f", or be said by --spread '{'se' if kind == 'se' else 'sd'} of N'"
    reject(table.assign(cell=table["mean of"]), ~whole & ~unknown, message)
    return count


def _spread_numbers(table: pd.DataFrame) -> "pd.Series[float]":
    """Return spreads as numbers, NaN where a cell is empty."""
    text = as_text(table["spread"])
    marked, bare = text.str.endswith("%"), text.str.removesuffix("%").str.strip()
    values = as_numbers(bare)
    cells, message = table.assign(cell=text), "the spread is '{cell}', but must be a number from 0"
    reject(cells, ~values.between(0, np.inf, inclusive="left") & ~is_gap(bare), message)
    if as_numbers(as_text(table["accuracy"]).str.removesuffix("%")).max() <= 1:
        reject(cells, marked, message + " in the unit of the means, which are fractions")
    return values
