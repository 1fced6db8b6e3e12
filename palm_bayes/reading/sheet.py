"""`Sheet`: a table whose columns are understood, and its rows in long form."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import pandas as pd

from palm_bayes.data.cells import as_text, holds, text_of
from palm_bayes.data.validation import RUN_WORDS, UNUSED
from palm_bayes.errors import DataError, listed, one_line
from palm_bayes.reading import column_choice, columns
from palm_bayes.reading.in_memory import Raw
from palm_bayes.reading.run_names import by_pattern, repetition_of, split


@dataclass(frozen=True)
class Series:
    """A column of accuracies, and the run that its name tells."""

    position: int
    run: Mapping[str, str]
    # Positions of what counts its labels, or of the "spread" of its means and of their number of
    # repetitions, "mean of".
    beside: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Sheet:
    """A table whose columns are understood."""

    raw: Raw
    # Position of the column of each word; "step" counts labels or episodes, "spread" and "mean of"
    # are those of means, as in `Series`.
    words: Mapping[str, int]
    series: Sequence[Series] = ()  # columns of accuracies, where "accuracy" is no word
    notes: Sequence[str] = ()  # what was understood
    metric: str = ""  # name of the score, if it is not an accuracy

    @property
    def place(self) -> str:
        """Beginning of messages: the file, and its sheet or key."""
        return "".join(f"{part}: " for part in (self.raw.file, self.raw.name) if part)

    @cached_property
    def names(self) -> list[str]:
        """Names of the columns; the levels of a name are joined."""
        return [joined(name) for name in self.raw.frame.columns]

    @cached_property
    def free(self) -> list[int]:
        """Positions of the columns that are not understood."""
        used = {*self.words.values()}
        used = used.union(*((one.position, *one.beside.values()) for one in self.series))
        return [i for i in range(self.raw.frame.shape[1]) if i not in used]

    @cached_property
    def numeric(self) -> list[int]:
        """Positions of the columns that are not understood and hold numbers."""
        return [i for i in self.free if self.raw.holds_numbers(i)]

    @property
    def named(self) -> dict[str, str]:
        """What names of files and keys tell, and columns do not."""
        if self.raw.alone and "strategy" in self.told_words:
            return {}
        return {word: name for word, name in self.raw.fields.items() if word not in self.told_words}

    @property
    def told_words(self) -> set[str]:
        """Words that columns and their names tell."""
        return {*self.words, *(word for one in self.series for word in (*one.run, *one.beside))}

    def column(self, position: int) -> "pd.Series[Any]":
        """Return a column by position."""
        return self.raw.frame.iloc[:, position]

    def with_names_read(self, position: int, pattern: str) -> "Sheet":
        """Read strategies, and what else a pattern tells, from the names of runs in a column."""
        cells, frame = as_text(self.column(position)), self.raw.frame.copy()
        names = [*cells.unique()]
        runs = dict(zip(names, by_pattern(names, pattern), strict=True))
        told = pd.DataFrame([runs[cell] for cell in cells], frame.index)
        if "strategy" in told and position == self.words.get("strategy"):
            frame.isetitem(position, told["strategy"].to_numpy())
        more = [str(word) for word in told if word not in self.words]
        words = {**self.words, **{word: frame.shape[1] + i for i, word in enumerate(more)}}
        raw = replace(self.raw, frame=pd.concat([frame, told[more]], axis="columns"))
        notes = [*self.notes, f"{listed(told)} by the pattern {pattern}"]
        return replace(self, raw=raw, words=words, notes=notes)

    def checked(self) -> "Sheet":
        """Refuse a sheet without strategies if they may be in a column of another name."""
        if "strategy" in self.told_words:
            return self
        if self.raw.doubt:
            raise DataError(self.raw.doubt)
        if self.raw.fields and "strategy" not in self.raw.fields:
            raise DataError(f"{self.place}the name tells no strategy: add a column for it")
        text = [i for i in self.free if holds(self.column(i), numbers=False)]
        if self.raw.alone and not text and "repetition" in self.words:  # names of runs, perhaps
            cells = as_text(self.column(self.words["repetition"])).unique()
            text = [] if any(map(repetition_of, cells)) else [self.words["repetition"]]
        if text or not self.raw.fields:
            raise self._without_strategy([self.names[i] for i in text])
        return self

    def _without_strategy(self, likely: Sequence[str]) -> DataError:
        """Return the error of a table without strategies, which columns of text may hold."""
        error = column_choice.missing(["strategy"], self.names, self.place, likely)
        cells = (self.raw.frame[name] for name in likely if self.names.count(name) == 1)
        if any(split(text_of(cell))[1] for column in cells for cell in column.head(1)):
            error.args = (f"{error}, with --pattern '{{strategy}}_{{repetition}}' or the like",)
        return error

    def rows(self) -> pd.DataFrame:
        """Return one row for each accuracy, with the file and the place in it."""
        raw = self.raw
        cells = {word: self.column(i) for word, i in self.words.items()}
        table = pd.DataFrame(cells, index=raw.frame.index)
        if "accuracy" in self.words:
            table = table.assign(**self._units(self.words["accuracy"], self.words))
        if "share" in self.words and columns.in_percent(self.names[self.words["share"]]):
            table["share unit"] = "%"
        table["where"] = [
            label if raw.file and isinstance(label, str) else f"row {label}"
            for label in raw.frame.index
        ]
        for i in self.free:
            table[f"{UNUSED}{self.names[i]}"] = self.column(i)
        parts = [
            table.assign(
                **{word: self.column(place) for word, place in one.beside.items()},
                accuracy=self.column(one.position),
                where=table["where"] + f", column {self.names[one.position]}",
                **one.run,
                **self._units(one.position, one.beside),
            )
            for one in self.series
        ]
        table = pd.concat(parts or [table], ignore_index=True)
        return table.assign(**self.named, file=raw.file, metric=self.metric)

    def _units(self, position: int, beside: Mapping[str, int]) -> dict[str, str]:
        """Return what names tell of accuracies and of their spread, as columns to add."""
        name = self.names[beside.get("spread", position)]
        percent = columns.in_percent(self.names[position])
        unit = {"accuracy unit": "%"} if percent else {}
        return unit | {"spread kind": columns.spread_kind(name) or "?", "spread name": name}

    def described(self, left: Sequence[str]) -> "Sheet":
        """Add notes of the columns of accuracies, and of columns that are left out."""
        notes = [described(self.series, self.names)]
        return replace(self, notes=[*notes, *([f"{listed(left)} left out"] if left else [])])


def in_one_line(raw: Raw) -> Raw:
    """Return a table without line breaks in names of columns, as quoted cells of a header have."""
    frame = raw.frame.rename(columns=lambda name: one_line(name) if isinstance(name, str) else name)
    return replace(raw, frame=frame)


def with_header_levels(raw: Raw) -> Raw:
    """Make two header rows of a text file the levels of columns."""
    frame = raw.frame
    head = [str(name).strip() for name in frame.columns]
    if frame.columns.nlevels > 1 or len(frame) < 2 or len({*head}) == len(head):
        return raw
    second = [text_of(cell).strip() for cell in frame.iloc[0]]
    third = [text_of(cell).strip() for cell in frame.iloc[1]]
    filled = len([*itertools.takewhile(bool, third)])
    named = any(map(columns.word_of, third[:filled])) and not any(third[filled:])
    if second[0] and columns.word_of(second[0]) is None and not named:
        return raw
    first = list(head)
    for i in range(2, len(head)):  # a merged cell is filled once
        first[i] = head[i] or first[i - 1]
    above = [first[0], second[0]] if named else ["", ""]
    if named:  # as pandas writes the names of levels, those of the index in a row of their own
        first[:filled], second[:filled] = third[:filled], [""] * filled
    levels = pd.MultiIndex.from_tuples(zip(first, second, strict=True), names=above)
    return replace(raw, frame=frame.iloc[1 + named :].set_axis(levels, axis="columns"))


def joined(name: Any) -> str:
    """Return the name of a column as text, its levels joined."""
    parts = name if isinstance(name, tuple) else (name,)
    return " / ".join(str(part) for part in parts if str(part))


def with_pairs(sheet: Sheet) -> Sheet:
    """Join columns such as seed and fold where only together they tell the repetitions."""
    chosen = {*sheet.words.values()}
    found = [i for i in sheet.free if columns.word_of(sheet.names[i]) == "repetition"]
    if len(found) < 2 or "repetition" in sheet.words or sheet.raw.frame.columns.nlevels > 1:
        return sheet
    keyed = (*RUN_WORDS, *columns.COUNTS)
    others = {i for i, name in enumerate(sheet.names) if columns.stands_for(name) in keyed}
    keys = sorted((others | chosen) - {*found})
    cells = pd.DataFrame({i: as_text(sheet.column(i)).to_numpy() for i in (*keys, *found)})
    if cells.duplicated().any() or not all(cells[[*keys, i]].duplicated().any() for i in found):
        return sheet
    name = " / ".join(sheet.names[i] for i in found)
    pairs = pd.Series(cells[found].agg(" / ".join, axis=1).to_numpy(), sheet.raw.frame.index)
    kept = [i for i in range(len(sheet.names)) if i not in found]
    frame = pd.concat([sheet.raw.frame.iloc[:, kept], pairs.rename(name)], axis=1)
    mine = {word: kept.index(i) for word, i in sheet.words.items()} | {"repetition": len(kept)}
    return replace(sheet, raw=replace(sheet.raw, frame=frame), words=mine)


def described(series: Sequence[Series], names: Sequence[str]) -> str:
    """Describe columns of accuracies: "3 repetitions from the columns seed_1 ..."."""
    parts = []
    for word, many in (("strategy", "strategies"), ("repetition", "repetitions")):
        if found := {one.run[word] for one in series if word in one.run}:
            parts.append(f"{len(found)} {word if len(found) == 1 else many}")
    mine = [names[one.position] for one in series]
    shown = f"{mine[0]} ... {mine[-1]}" if len(mine) > 3 else listed(mine)
    return f"{' and '.join(parts)} from the {'column' if len(mine) == 1 else 'columns'} {shown}"
