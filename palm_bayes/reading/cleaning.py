"""Rows of a long table that hold no accuracy or no labels, and labels as shares of the pool."""

from typing import Any

import numpy as np
import pandas as pd

from palm_bayes.data.cells import as_given, as_numbers, as_text, is_gap
from palm_bayes.data.validation import RUN, TASK, numbers, reject
from palm_bayes.errors import DataError, listed, plural, real, visible
from palm_bayes.reading.columns import SPREAD, SUMMARIES
from palm_bayes.reading.means import with_standard_errors


def cleaned(
    table: pd.DataFrame, pool: float | None, spread: str | None, notes: list[str]
) -> pd.DataFrame:
    """Leave out what was not measured; turn shares into labels, spreads into standard errors.

    Columns are as in `Runs.from_frame`, or ``share``, of `pool` labels, for ``labels``; `spread` is
    what the user says of that of means. What was done is added to the notes.
    """
    table = with_standard_errors(table, spread, notes).copy()
    for word in RUN:
        table[word] = _visible_names(table[word], notes) if word in table else "1"
    table = _without_constant_labels(_without_summaries(table, notes), notes)
    _note_alike_strategies(table["strategy"], notes)
    table = _without_empty_runs(_shares_to_labels(table, pool, notes), notes)
    _note_missing_rows(table, notes)
    return _without_zero_labels(_without_gaps(table, notes), notes)


def _without_summaries(table: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Leave out means and deviations beside the repetitions that they are of."""
    names = table["repetition"].str.lower()
    summary = names.isin(SUMMARIES)
    if not summary.any():
        return table
    others = (~summary).groupby([table[key] for key in _run_keys(table)[:-1]]).transform("any")
    spread = names.isin(SPREAD) & ~others
    message = "a mean or its spread instead of the accuracies of each repetition, which are needed"
    reject(table, spread, message)
    if (left := summary & others).any():
        which = listed(table.loc[left, "repetition"].unique())
        notes.append(f"rows of repetition {which}, beside those that they sum up, left out")
    return table[~left]


def _without_constant_labels(table: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Leave out numbers, such as the size of the pool, that stay the same while episodes pass."""
    if not {"labels", "episode"} <= {*table}:
        return table
    runs = [table[key] for key in _run_keys(table)]
    counts = as_numbers(table["labels"]).groupby(runs).nunique()
    if counts.max() != 1 or as_text(table["episode"]).groupby(runs).nunique().max() < 2:
        return table
    first = table["labels"].iloc[0]
    notes.append(f"labels, {first} in all episodes of a run, are not those so far, left out")
    return table.drop(columns="labels")


def _run_keys(table: pd.DataFrame) -> list[str]:
    return [*(word for word in TASK if word in table), *RUN]


def _visible_names(names: "pd.Series[Any]", notes: list[str]) -> "pd.Series[str]":
    """Return names as text, control characters replaced by codes; a note lists such names."""
    plain = as_given(names)
    if codes := [name for name in plain.unique() if visible(name) != name]:
        notes.append(f"control characters in names are codes: {listed(map(visible, codes))}")
    return plain.map(visible)


def _note_alike_strategies(strategies: "pd.Series[str]", notes: list[str]) -> None:
    """Say which names differ by case or blanks alone: they may be one strategy, typed twice."""
    names = pd.Series(strategies.unique(), dtype=str)
    folded = names.str.replace(r"\s+", "", regex=True).str.casefold()
    alike = names[folded.duplicated(keep=False)]
    if len(alike):
        which = listed(f"'{name}'" for name in alike)
        notes.append(f"strategies that differ by case or blanks alone are kept apart: {which}")


def _shares_to_labels(table: pd.DataFrame, pool: float | None, notes: list[str]) -> pd.DataFrame:
    word = next((word for word in ("labels", "share") if word in table), None)
    if word is None:
        return table
    pool = None if pool is None else real(pool, "pool (--pool)")
    table[word], marked = _without_marks(table, word)
    values = as_numbers(table[word])
    if word == "labels" and not marked and not (values.max() <= 1 and (values % 1 > 0).any()):
        if pool is not None:
            what = f"labels are {{labels:,.10g}}, more than the pool of {pool:,.10g} (--pool)"
            reject(table.assign(labels=values), values > pool, what)
            notes.append(f"the pool has {pool:,.10g} samples")
        return table
    percent = marked or values.max() > 1
    unit, top = "percent" if percent else "shares", values.max()
    place = table["file"].iloc[0] or "the table"
    if not percent and "share unit" in table:
        raise DataError(
            f"{place}: labels are percent by the name of their column, but at most {top:g}: write "
            f"percent as cells such as {top:g}%, or call the column of shares fraction labeled"
        )
    if pool is None:
        raise DataError(
            f"{place}: labels are {unit} of the pool, up to {top:g}: give its size by --pool N (in "
            "Python, pool=N)"
        )
    if not 1 < pool < np.inf or top > 100:
        raise DataError(f"the pool has {pool:,.10g} labels, of which {top:,.10g} is no share")
    shares = numbers(table, word, "a share of the pool") / (100 if percent else 1)
    notes.append(f"labels are {unit} of a pool of {pool:,.10g}")
    return table.drop(columns=word).assign(labels=(shares * pool).round())


def _without_marks(table: pd.DataFrame, word: str) -> tuple["pd.Series[Any]", bool]:
    """Return cells without their marks of percent, and True if all of them have one."""
    cells = table[word]
    others = cells[as_numbers(cells).isna()]
    if not any(isinstance(cell, str) and "%" in cell for cell in others):
        return cells, False
    text = as_text(cells)
    plain = ~text.str.endswith("%") & ~is_gap(text)
    reject(table.assign(cell=text), plain, f"{word} is '{{cell}}', where other cells have a %")
    return text.str.removesuffix("%").str.strip(), True


def _without_zero_labels(table: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Leave out rows at 0 labels, where the curve has no value."""
    if "labels" not in table:
        return table
    none = as_numbers(table["labels"]) == 0
    if not none.any() or none.all():
        return table
    first, table = table[none], _without(table, none, "at 0 labels left out", notes)
    if "episode" in table and (as_numbers(first["episode"]) == 1).all():
        table = table.assign(episode=as_numbers(table["episode"]) - 1)
    return table


def _without_empty_runs(table: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Leave out runs without any accuracy, unless all have none."""
    empty = is_gap(table["accuracy"])
    none = empty.groupby([table[key] for key in _run_keys(table)]).transform("all")
    none &= not none.all()
    what = f"left out, runs without any accuracy: {_runs(table[none])}"
    return _without(table, none, what, notes)


def _note_missing_rows(table: pd.DataFrame, notes: list[str]) -> None:
    """Say which runs lack rows between others, at counts that most repetitions have."""
    filled = table[~is_gap(table["accuracy"])]
    keys, at = _run_keys(table), as_numbers(table["episode" if "episode" in table else "labels"])
    runs = filled[keys].drop_duplicates().groupby(keys[:-1]).size().rename("runs")
    shared = filled.assign(_at=at).groupby([*keys[:-1], "_at"]).size().rename("of").reset_index()
    shared = shared.join(runs, on=keys[:-1])
    shared = shared[2 * shared["of"] > shared["runs"]]
    shared["rank"] = shared.groupby(keys[:-1])["_at"].rank()
    rows = table[keys].assign(_at=at).merge(shared, on=[*keys[:-1], "_at"])
    ranks = rows.groupby(keys, sort=False)["rank"]
    missing = ranks.max() - ranks.min() + 1 - ranks.nunique()
    if (missing > 0).any():
        few = missing[missing > 0].reset_index()
        what = f"{plural([missing.sum()], 'row is', 'rows are')} missing within runs"
        notes.append(f"{what}, unlike in most repetitions: {_runs(few)}")


def _runs(rows: pd.DataFrame) -> str:
    names = rows[RUN].drop_duplicates().itertuples(index=False)
    return listed(f"{strategy} {repetition}" for strategy, repetition in names)


def _without_gaps(table: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Leave out rows without accuracy: between measurements, after a crash, or missing."""
    empty = is_gap(table["accuracy"])
    table["accuracy"], marked = _without_marks(table, "accuracy")
    if marked:
        table["accuracy unit"] = "% of cells"
    if not empty.any() or empty.all():
        return table
    word, keys = "episode" if "episode" in table else "labels", _run_keys(table)
    table = table.assign(_at=as_numbers(table[word]))
    everywhere = (~empty).groupby([table[key] for key in (*keys[:-1], "_at")])
    never = empty & ~everywhere.transform("any").fillna(value=False).astype(bool)
    if 2 * never.sum() >= len(table):  # measured at every second label, or less often
        table = _without(table, never, f"at {word} where no run was measured left out", notes)
    empty = is_gap(table["accuracy"])
    twins = empty & (~empty).groupby([table[key] for key in (*keys, "_at")]).transform("any")
    table = _without(table, twins, "without accuracy, beside rows with it, left out", notes)
    empty = is_gap(table["accuracy"])
    empty &= table["_at"].ne(0) | (word != "labels")  # rows at 0 labels are left out next
    run = [table[key] for key in keys]
    if "episode" not in table:  # a row that is missing is an episode all the same
        table = table.assign(episode=table["_at"].groupby(run).rank("dense"))
    last = table["_at"].where(~empty).groupby(run).transform("max")
    ended = empty & ~(table["_at"] < last)
    for rows, what in ((ended, "ended early"), (empty & ~ended, "have gaps")):
        mine = rows[table.index]
        which = f"without accuracy left out, runs that {what}: {_runs(table[mine])}"
        table = _without(table, mine, which, notes)
    return table.drop(columns="_at")


def _without(
    table: pd.DataFrame, rows: "pd.Series[bool]", what: str, notes: list[str]
) -> pd.DataFrame:
    """Leave out rows; a note says how many, and what they are."""
    if rows.any():
        notes.append(f"{plural([rows.sum()], 'row', 'rows')} {what}")
    return table[~rows]
