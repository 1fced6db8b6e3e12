"""Means of repetitions: which columns have them, their spread, and of how many they are."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from palm_bayes.data import columns
from palm_bayes.data.cells import as_text
from palm_bayes.data.in_memory import Raw
from palm_bayes.data.names import pattern_of, repetition_of, runs_of, split
from palm_bayes.data.reading import Reading
from palm_bayes.data.sheet import Series, Sheet, described, is_numeric, joined
from palm_bayes.errors import DataError, listed

_ALLOWED = (
    "'sd of N', standard deviations of N repetitions; 'se' or 'se of N', standard errors; or none"
)


@dataclass(frozen=True)
class Spread:
    """What the user says of the spread of means.

    Attributes
    ----------
    kind : {"sd", "se", "none", ""}
        Standard deviations, standard errors, to be left out, or nothing said.
    count : int, optional
        Number of repetitions that the means are of.
    """

    kind: str = ""
    count: int | None = None

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


class _Means(NamedTuple):
    """Positions of a column of means, of their spread, and of the number of repetitions."""

    place: int
    spread: int
    number: int | None


def leaves_spread(reading: Reading) -> bool:
    """Return True if the user says that means are to be fitted without their spread."""
    return Spread.of(reading.spread).kind == "none"


def with_flat_means(raw: Raw) -> Raw:
    """Join the levels of names of columns of which one tells means from their spread."""
    frame = raw.frame
    for level in range(frame.columns.nlevels if frame.columns.nlevels > 1 else 0):
        names = {str(name).lower() for name in frame.columns.get_level_values(level)}
        if names & columns.MEAN and names & (columns.DEVIATION | columns.ERROR_OF_MEAN):
            others = names - columns.SUMMARIES - columns.COUNT
            if not any(repetition_of(name) for name in others):
                return replace(raw, frame=frame.set_axis([*map(joined, frame.columns)], axis=1))
    return raw


def with_mean_as_score(sheet: Sheet, reading: Reading) -> Reading:
    """Choose the one column called a mean as the accuracies, if its spread is beside it."""
    names = sheet.names
    known = {*map(columns.stands_for, names), *(reading.columns or {})}
    single = "strategy" in known or "strategy" in sheet.raw.fields
    if "accuracy" in known or not single:
        return reading
    places = [i for i in range(len(names)) if is_numeric(sheet.column(i))]
    means = [i for i in places if columns.parts(names[i]) & columns.MEAN]
    runs = any(repetition_of(names[i]) for i in places)
    if len(means) != 1 or runs or _spread_of(means[0], places, names, "") is None:
        return reading
    score = {"accuracy": names[means[0]]}
    return replace(reading, columns={**(reading.columns or {}), **score})


def beside_score(sheet: Sheet, reading: Reading) -> dict[str, int]:
    """Return the positions of the spread of the accuracies and of its number, by word.

    They are empty if there is no spread, or if there are repetitions of their own.
    """
    given, score = Spread.of(reading.spread), sheet.words["accuracy"]
    if given.kind == "none" or _has_repetitions(sheet):
        return {}
    places = [i for i in sheet.free if is_numeric(sheet.column(i))]
    spread = _spread_of(score, places, sheet.names, given.kind)
    if spread is None:
        return {}
    counts = _counts(sheet, places, [score])
    return {"spread": spread} | ({"mean of": counts[0]} if counts else {})


def wide_means(sheet: Sheet, places: list[int], reading: Reading) -> Sheet | None:
    """Take columns of means, one a strategy, each with its spread; None if they are not such."""
    means, names = _means_of_strategies(sheet, places, reading), sheet.names
    runs = runs_of([columns.without_mean(names[one.place]) for one in means], None)
    if not means or any("repetition" in run for run in runs):
        return None
    series = [
        Series(one.place, run, one.spread, one.number) for one, run in zip(means, runs, strict=True)
    ]
    sheet = replace(sheet, series=series)
    left = [names[i] for i in sheet.free if i in places]
    notes = [described(series, names), *([f"{listed(left)} left out"] if left else [])]
    return replace(sheet, notes=notes)


def _means_of_strategies(sheet: Sheet, places: Sequence[int], reading: Reading) -> list[_Means]:
    """Return the means of strategies that stand side by side, each with its spread, or none."""
    given, names = Spread.of(reading.spread), sheet.names
    if given.kind == "none" or "strategy" in sheet.words or _has_repetitions(sheet):
        return []
    left = {*spreads([names[i] for i in places])}
    counts = _counts(sheet, places, [i for i in places if names[i] not in left])
    means = [i for i in places if names[i] not in left and i not in counts]
    found = []
    for i in means:
        same = [j for j in places if columns.measured(names[j]) == columns.measured(names[i])]
        spread = _spread_of(i, [j for j in same if j not in counts], names, given.kind)
        if spread is None:
            return []
        count = [j for j in counts if j in same] or _counts(sheet, counts, [])
        found.append(_Means(i, spread, count[0] if count else None))
    return found


def _has_repetitions(sheet: Sheet) -> bool:
    """Return True unless the only repetition is called a mean."""
    if "repetition" in sheet.words:
        cells = as_text(sheet.column(sheet.words["repetition"])).str.lower()
        return not cells.isin(columns.MEAN).all()
    return "repetition" in sheet.raw.fields and not sheet.raw.alone


def _spread_of(mean: int, places: Sequence[int], names: Sequence[str], kind: str) -> int | None:
    """Return the position of the spread of a mean: of the kind asked for, else errors first."""
    of = columns.measured(names[mean])
    marked = {*spreads([names[mean], *(names[i] for i in places)])}
    kinds = {
        i: columns.spread_kind(names[i])
        for i in places
        if i != mean and (names[i] in marked or columns.spread_kind(names[i]) in {"sd", "se"})
        and _same(of, columns.measured(names[i]))
    }  # fmt: skip
    exact = {i: one for i, one in kinds.items() if columns.measured(names[i]) == of}
    asked = [(kind, exact), (kind, kinds)] if kind else []
    asked += [(one, group) for group in (exact, kinds) for one in ("se", "sd", "?")]
    for one, group in asked:
        if found := [i for i, its in group.items() if its == one]:
            return found[0] if len(found) == 1 else None
    return None


def _same(one: str, other: str) -> bool:
    """Return True if both are the same measure, or one is not named."""
    scores = {columns.stands_for(name) for name in (one, other)} == {"accuracy"}
    return one == other or not one or not other or scores


def _counts(sheet: Sheet, places: Sequence[int], means: Sequence[int]) -> list[int]:
    """Return the positions of numbers of repetitions, of all means or of any of these.

    A column n is one only where another counts labels or episodes.
    """
    names = sheet.names
    counted = {*columns.COUNTS} & {*sheet.words} or any(map(columns.is_index, names))
    of = {"", *(columns.measured(names[i]) for i in means)} if counted else set[str]()
    return [
        i
        for i in places
        if columns.counts_runs(names[i])
        or (columns.parts(names[i]) & columns.COUNT and columns.measured(names[i]) in of)
    ]


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


def refuse_summaries(names: Sequence[str], place: str, *, wide: bool = True) -> None:
    """Refuse means whose standard errors are not known, such as those with bounds.

    In a table that is not `wide`, the first name is that of the score.
    """
    spread = [name for name in spreads(names) if wide or name != names[0]]
    spread += [] if wide else [*filter(columns.counts_runs, names[1:])]
    if spread:
        rest = [name for name in names if name not in spread]
        mean = [name for name in rest if columns.parts(name) & columns.MEAN]
        bare = {columns.clean(split(name)[0]) for name in spread} <= columns.SPREAD
        like = pattern_of(spread[0]) if wide and bare and not mean else ""
        or_strategies = f"strategies of these names are read by --pattern '{like}'; " * bool(like)
        mean = mean or (rest if wide else rest[:1]) or ["NAME"]
        several = len(mean) > 1
        how = "--layout wide" if several else f"--column accuracy={mean[0]}"
        raise DataError(
            f"{place}only means and their spread ({listed([*mean, *spread])}), which does not tell "
            "the noise: needed are accuracies of single repetitions, or means with standard "
            f"deviations or errors; {or_strategies}to fit the "
            f"{'means, each' if several else 'mean'} as one repetition all the same: {how}"
        )
