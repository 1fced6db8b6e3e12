"""Rules about the rows of a table: episodes, labels, scores and their standard errors."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from palm_bayes.data.cells import as_numbers, as_text, text_of
from palm_bayes.data.limits import UNBOUNDED
from palm_bayes.data.score import Score
from palm_bayes.errors import DataError, listed, of_type, plural, require_flag, several, text

TASK = ("source", "dataset", "model")
CELL = [*TASK, "strategy"]
RUN = ["strategy", "repetition"]
RUN_WORDS = (*TASK, *RUN)
"""Columns that name a task, a strategy of a task, a run of one task, and a run of any."""
UNUSED = "unused: "  # prefix that readers give to unknown columns
STANDARD_ERROR, MEAN_OF = "standard_error", "mean_of"
"""Columns of runs that are means of repetitions: standard errors, and numbers of repetitions."""
_LARGEST_ERROR = 0.5  # of the scale: no mean of fractions has a larger standard error
_EMPTY = ("", "<NA>", "nan", "None")
SLACK = 1e-6  # float32 accuracies may exceed 1 or 100 by rounding
_SMALL = 10  # falling values up to here are more likely errors in the unit of y than percent
_PERCENT = "percent=True (--percent) reads it as percent"
_NEGATIVE = "; of a score that may be negative, such as R2 or a correlation, give max(score, 0)"
_LARGE = "; of a larger score give its share of the largest possible value"
# The error of a constant prediction is the same for all runs: an estimate from each run's own first
# model would add its noise to the whole run.
_ENDLESS = (
    "; of an error without an upper bound, such as an RMSE, give max(1 - error / e0, 0), where e0 "
    "is the error of a constant prediction on the same test data, without lower_is_better"
)
_ALLOWED = {None: "0 to 1, or 0 to 100 in percent", True: "0 to 100 (percent)", False: "0 to 1"}


def reject(table: pd.DataFrame, bad: "pd.Series[bool]", message: str) -> None:
    """Raise an error that names the first bad row; `message` is formatted with its values."""
    if bad.any():
        first = table[bad].iloc[0].items()
        row: dict[str, Any] = {str(k): v if isinstance(v, float) else text_of(v) for k, v in first}
        words = {word: row[word] for word in (*RUN, "episode") if row.get(word, "") not in _EMPTY}
        names = [f"{k} {v:.10g}" if isinstance(v, float) else f"{k} {v}" for k, v in words.items()]
        place = ", ".join(part for part in (row.get("file"), row.get("where"), *names) if part)
        raise DataError(f"{place}: {message.format(**row)}")


def numbers(table: pd.DataFrame, column: str, allowed: str) -> "pd.Series[float]":
    """Return a column as finite numbers."""
    values = as_numbers(table[column])
    cells = table.assign(cell=table[column])
    reject(cells, ~values.abs().lt(np.inf), f"{column} is '{{cell}}', but must be {allowed}")
    return values


def with_counts(table: pd.DataFrame, batch: float | None, notes: list[str]) -> pd.DataFrame:
    """Give every row its episode (1, 2, 3 ...) and labels (NaN where unknown).

    They are ranks of the labels in a table without ``episode``; `batch` is the labels per episode,
    as the user gives it. `DataError` if a count is not allowed, or a row is there twice.
    """
    ranked = "episode" not in table
    table = table.assign(labels=table.get("labels", np.nan))
    reject(table, table["labels"] <= 0, "labels are {labels:,.10g}, but must be above 0")
    share = "labels are {labels:,.10g}, a share of the pool? Allowed are numbers of labels, from 1"
    reject(table, table["labels"] < 1, share)
    if ranked:
        table["episode"] = table.groupby(RUN)["labels"].rank("dense")
    bad = (table["episode"] < 0) | (table["episode"] % 1 != 0)
    reject(table, bad, "the episode must be a whole number from 1 (or from 0)")
    table["episode"] = table["episode"].astype("int64")
    again = table.duplicated([*RUN, "episode"])
    if again.any():
        what = "{labels:,.10g} labels" if ranked else "this episode"
        message = f"a second row for {what}, allowed is one per strategy and repetition"
        hint = _other_file(table, again) or _distinguishing_columns(table)
        reject(_with_given_names(table).assign(hint=hint), again, message + "{hint}")
    if table["labels"].notna().any() or batch is None:  # else labels are episodes times batch
        _count_by_ones(table, notes)
    if table["episode"].min() == 0:
        table["episode"] += 1
        notes.append("Episodes are counted from 0 in the data, and from 1 here.")
    return table


def _count_by_ones(table: pd.DataFrame, notes: list[str]) -> None:
    """Divide the numbers of episodes by their common step, in place.

    Noise is autocorrelated by episodes, so that numbers such as 20, 40, 60 would hide it.
    """
    numbers = np.unique(table["episode"])
    step = int(np.gcd.reduce(np.diff(numbers)))
    if step < 2:
        return
    first = int(numbers[0])
    begins = max(first // step, 1) if first % step == 0 else 1
    table["episode"] = (table["episode"] - first) // step + begins
    shown = ", ".join(map(str, numbers[:3]))
    notes.append(f"Episodes are numbered {shown} ... in the data, by {step}; here by 1.")


def _with_given_names(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out the names of runs that the data do not give: "1", and those of columns."""
    if (table["repetition"] == "1").all():
        table = table.assign(repetition="")
    places = zip(table["where"], table["strategy"], strict=True)
    of_column = [str(where).endswith(f", column {name}") for where, name in places]
    return table.assign(strategy=table["strategy"].mask(np.array(of_column), ""))


def _other_file(table: pd.DataFrame, again: "pd.Series[bool]") -> str:
    """Name the file of the first of two rows and what tells files apart; "" if it is the same."""
    second = table[again].iloc[0]
    same = (table[[*RUN, "episode"]] == second[[*RUN, "episode"]]).all(axis="columns")
    first = table[same].iloc[0]
    if first["file"] == second["file"]:
        return ""
    return (
        f"; the first is in {first['file']}: if names of files tell data sets or runs, give "
        "--pattern, such as '{dataset}' or '{strategy}_{repetition}'; or fit each file by itself"
    )


def _distinguishing_columns(table: pd.DataFrame) -> str:
    """Name unused columns that distinguish rows of one strategy, repetition and episode.

    Values of such a column recur in other episodes of the repetition; measurements rarely do.
    """
    keys = [*RUN, "episode"]
    unused = {str(c): as_text(table[c]) for c in table if str(c).startswith(UNUSED)}
    unused = {c: cells for c, cells in unused.items() if 2 * cells.nunique() <= len(table)}
    table = table.assign(**unused)
    names = [c.removeprefix(UNUSED) for c in unused if not table.duplicated([*keys, c]).any()]
    if names:
        free = len(table["repetition"].unique()) == 1
        name = names[0] if len(names) == 1 else "NAME"
        as_what = {"repetitions": "repetition"} if free else {}
        as_what |= {"strategies": "strategy", "data sets": "dataset"}
        choices = " or ".join(f"as {many} by --column {w}={name}" for many, w in as_what.items())
        return f"; unused columns that distinguish them: {listed(names)}, {choices}"
    labels = table.groupby(RUN)["labels"]
    if (labels.max() == labels.min()).all():
        return "; labels are those so far, not those of one episode"
    return (
        "; no column distinguishes them: rows are there twice, or a column of the repetition, such "
        "as seed, is missing"
    )


def as_notes(notes: Any) -> list[str]:
    """Return notes, or a single one, in a list; `DataError` for what is no text."""
    return [of_type(note, str, "a note", "text") for note in several(notes)]


def to_fractions(
    table: pd.DataFrame,
    percent: bool | None,
    metric: str | None,
    lower_is_better: bool,
    notes: list[str],
) -> Score:
    """Convert the scores in ``accuracy`` to fractions that rise, in place; return what they are.

    A task has one scale. If `percent` is None, a % in cells, which ``accuracy unit`` has, or a
    largest value above 1 means percent. `DataError` for tables that hold both scales, or a few
    values above 1, and for scores that PALM cannot describe, with what can be given instead.
    """
    require_flag(percent, "percent", None)
    require_flag(lower_is_better, "lower_is_better")
    names = table["metric"].unique()
    usual = "error" if lower_is_better else "accuracy"
    name = text(metric, "metric") or (len(names) == 1 and names[0]) or usual
    score = Score(name, bool(percent), bool(lower_is_better))
    table["metric"] = score.metric
    values = table["accuracy"] = numbers(table, "accuracy", _ALLOWED[percent])
    marked = "accuracy unit" in table and bool(table["accuracy unit"].notna().all())
    if percent is None and marked and (table["accuracy unit"] == "% of cells").all():
        percent, score = True, replace(score, percent=True)
    _check_bounds(table, percent, lower_is_better, marked)
    top = values.max()
    if percent is None and top > 1 + SLACK:
        score = replace(score, percent=True)
        _check_percent(table, notes, marked)
    elif percent is None and marked:
        choices = f"{_PERCENT}, percent=False (--fraction) as fractions"
        raise DataError(f"{score.metric} is percent by its name, but at most {top:.4g}: {choices}")
    hint = f"; {_PERCENT}" * (not score.percent and percent is None)
    scale = "percent" if score.percent else "a fraction"
    notes.append(f"{score.title} is read as {scale}: the largest value is {top:.4g}{hint}.")
    if lower_is_better:
        notes.append(f"Lower is better: {score.unit:g} minus the {score.metric} is fitted.")
    table["accuracy"] = score.fractions(values).clip(0, 1)
    return score


def _check_bounds(
    table: pd.DataFrame, percent: bool | None, lower_is_better: bool, marked: bool
) -> None:
    """Refuse scores below 0, above the scale or without bounds; say what can be given instead."""
    values = table["accuracy"]
    message = "{metric} is {accuracy:g}, but must be " + _ALLOWED[percent]
    reject(table, values < 0, message + _NEGATIVE * (not lower_is_better))
    unbounded = UNBOUNDED & {*re.split(r"[^a-z0-9]+", str(table["metric"].iloc[0]).lower())}
    advice = _ENDLESS if lower_is_better or unbounded else _LARGE
    reject(table, values > (1 if percent is False else 100) * (1 + SLACK), message + advice)
    doubtful = unbounded or (lower_is_better and values.max() <= _SMALL)
    if percent is None and doubtful and not marked:
        reject(table, values > 1 + SLACK, f"{message}{_ENDLESS}; {_PERCENT}")


def _check_percent(table: pd.DataFrame, notes: list[str], marked: bool) -> None:
    """Refuse values above 1 that are hardly percent; note runs at 1 % and less."""
    accuracy, by_run = table["accuracy"], table.groupby(RUN, sort=False)["accuracy"]
    above = accuracy > 1 + SLACK
    if (by_run.median() <= 1).all():
        message = "{metric} is {accuracy:g} where most are at most 1, but must be "
        reject(table, above, f"{message}{_ALLOWED[None]}; {_PERCENT}")
    if not marked and accuracy.max() <= _SMALL and (by_run.last() < by_run.first()).mean() > 0.5:
        message = "{metric} goes up to {accuracy:.4g} and falls, an error such as an RMSE?"
        message += f" Allowed is {_ALLOWED[None]}; {_PERCENT}"
        reject(table, accuracy == accuracy.max(), message)
    low = by_run.transform("max") <= 1 + SLACK
    others = accuracy[~low]
    # Times 100, a collapsed run in percent lies above all others; a run in fractions does not.
    among = low & (100 * accuracy).between(others.min(), others.max())
    mixed = low & among.groupby([table[word] for word in RUN]).transform("any")
    words = {"low": _run_names(table[mixed]), "top": accuracy.max()}
    message = "fractions and percent: at most 1 in {low}, up to {top:.4g} elsewhere, "
    reject(table.assign(**words), mixed, f"{message}allowed is one scale; {_PERCENT}")
    if low.any():
        notes.append(
            f"Values read as 1 % or less, since others are in percent: {_run_names(table[low])}."
        )


def errors_to_fractions(table: pd.DataFrame, score: Score, notes: list[str]) -> list[str]:
    """Convert standard errors to fractions, in place; return the columns that tell of means.

    Each run needs two above 0; others may be missing, as where only one repetition went on, or be 0
    by rounding. A note says that they are taken as known noise.
    """
    if STANDARD_ERROR not in table:
        return []
    given, count = table[STANDARD_ERROR], table.get(MEAN_OF)
    table[MEAN_OF] = np.nan if count is None else as_numbers(count)
    errors = table[STANDARD_ERROR] = as_numbers(given) / score.unit
    allowed = f"must be from 0 to {_LARGEST_ERROR * score.unit:g}"
    bad = ~errors.between(0, _LARGEST_ERROR) & errors.notna()
    reject(table.assign(cell=given), bad, f"the standard error is {{cell}}, but {allowed}")
    few = (errors > 0).groupby([table[key] for key in RUN]).transform("sum") < 2
    message = "needed are two standard errors above 0: --spread none fits means as one repetition"
    reject(table, few, message)
    known, counts = errors[errors > 0], table[MEAN_OF].dropna()
    of = plural(counts, "repetition", "repetitions") if len(counts) else "repetitions"
    ends = dict.fromkeys(f"{score.sizes(end):.2g}" for end in (known.min(), known.max()))
    notes.append(
        f"{score.title} values are means of {of} with standard errors of {' to '.join(ends)}: each "
        "strategy is fitted as one curve whose noise is known from them, and forecasts of new or "
        "continuing repetitions are of such means."
    )
    return [STANDARD_ERROR, MEAN_OF]


def _run_names(rows: pd.DataFrame) -> str:
    runs = rows[RUN].drop_duplicates().itertuples(index=False)
    return listed(" repetition ".join(run) for run in runs)
