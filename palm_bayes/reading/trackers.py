"""Exports of experiment trackers: TensorBoard, Weights & Biases, MLflow and tables of metrics."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from palm_bayes.data.cells import as_numbers, as_text, is_gap
from palm_bayes.errors import DataError, listed
from palm_bayes.reading import column_choice, columns
from palm_bayes.reading.label_counts import unclear_step
from palm_bayes.reading.means import beside_score, has_repetitions, leaves_spread, refuse_summaries
from palm_bayes.reading.options import Reading
from palm_bayes.reading.run_names import runs_of
from palm_bayes.reading.sheet import Series, Sheet, described
from palm_bayes.reading.summaries import with_means_beside

_TRACKED = re.compile(r"(?:[\w.]+: )?(?P<name>.+) - (?P<metric>.+)")
_BOUND = re.compile(r".+__(MIN|MAX)")
_OF_GROUPS = (
    "each is a mean over the runs of a group, read as one repetition of unknown noise (their least "
    "and greatest, __MIN and __MAX, are no standard deviations: export the runs without groups)"
)
_KEYS = {"key", "metric", "metrickey", "metricname", "measure", "tag"}


def is_tracker(sheet: Sheet, _: Reading) -> bool:
    """Return True for exports of TensorBoard and Weights & Biases."""
    names = sheet.names
    tracked = [name for name in names if _TRACKED.fullmatch(name)]
    board = {"walltime", "step", "value"}
    return {*map(columns.clean, names)} == board or len(tracked) == len(names) - 1 > 0


def metrics_of(sheet: Sheet) -> list[str]:
    """Return the names of the metrics of Weights & Biases."""
    return list(dict.fromkeys(match["metric"] for match in _tracked(sheet).values()))


def _tracked(sheet: Sheet) -> dict[int, re.Match[str]]:
    """Return the columns of runs and metrics by position, without bounds."""
    return {
        i: match
        for i, name in enumerate(sheet.names)
        if not _BOUND.fullmatch(name) and (match := _TRACKED.fullmatch(name))
    }


def tracker(sheet: Sheet, reading: Reading) -> Sheet:
    """Take an export of TensorBoard, or of Weights & Biases without its bounds."""
    names, words = sheet.names, dict(sheet.words)
    of_word = {columns.clean(name): i for i, name in enumerate(names)}
    for i, name in enumerate(names):
        if (word := columns.word_of(name)) in columns.COUNTS:
            words.setdefault(str(word), i)
    words |= {"step": of_word["step"]} if "step" in of_word else {}
    if "value" in of_word:
        return _board(replace(sheet, words=words), of_word["value"], reading)
    tracked, counts = _tracked(sheet), _count_metrics(sheet, words, reading)
    metrics = [metric for metric in metrics_of(sheet) if metric not in counts.values()]
    score = _chosen_metric(metrics, sheet, reading)
    mine = {i: match["name"] for i, match in tracked.items() if match["metric"] == score}
    runs = runs_of(list(mine.values()), reading.pattern if sheet.raw.alone else None)
    at = {match.groups(): i for i, match in tracked.items()}
    beside = [_beside(sheet, at, name, counts) for name in mine.values()]
    series = [*map(Series, mine, runs, beside)]
    notes = [f"{described(series, names)}; score is {score}"]
    if any(_is_mean(sheet, i) for i in mine):
        notes += [_OF_GROUPS]
    notes += [f"{word} of each run: {metric}" for word, metric in counts.items()]
    metric = columns.metric_of(_last(score))
    return _apart(replace(sheet, words=words, series=series, notes=notes, metric=metric))


def _board(sheet: Sheet, value: int, reading: Reading) -> Sheet:
    """Take an export of TensorBoard, whose file names the metric."""
    tag = re.search(r"run-[^/]+?-tag-(.+?)(?:\.\w+)+$", sheet.raw.file)
    asked = "accuracy" in sheet.words  # the column, whatever the file says
    score = _chosen_metric([tag[1]], sheet, reading) if tag and not asked else sheet.names[value]
    notes = [f"a TensorBoard export: score is {score}"]
    metric = columns.metric_of(tag[1]) if tag else ""
    return replace(sheet, words={"accuracy": value, **sheet.words}, notes=notes, metric=metric)


def _count_metrics(sheet: Sheet, words: Mapping[str, int], reading: Reading) -> dict[str, str]:
    """Return the metrics that count labels of each run, by word; those chosen come first."""
    metrics = metrics_of(sheet)
    found = {}
    for word in (one for one in columns.COLUMNS if one in columns.COUNTS.difference(words)):
        asked = (reading.columns or {}).get(word)
        named = [one for one in metrics if columns.word_of(_last(one)) == word != "episode"]
        if len(named) > 1 and asked is None:
            raise column_choice.several(f"metrics count {word}", word, named, sheet.place)
        if asked or named:
            found[word] = asked or named[0]
    return found


def _beside(
    sheet: Sheet, at: Mapping[tuple[str | Any, ...], int], run: str, counts: Mapping[str, str]
) -> dict[str, int]:
    """Return the columns of what counts the labels of a run, by word; `at` are those of runs."""
    for word, metric in counts.items():
        if (run, metric) not in at:
            first = next(name for name in sheet.names if not _TRACKED.fullmatch(name))
            raise DataError(
                f"{sheet.place}no column {run} - {metric}, as other runs have: add it, or choose "
                f"what counts by --column {word}={first}"
            )
    return {word: at[run, metric] for word, metric in counts.items()}


def _apart(sheet: Sheet) -> Sheet:
    """Move runs that share no step, as with one counter of all of them, into the same rows.

    Their labels are read beside them, or episodes were chosen; else the step is asked about.
    """
    filled = np.array([~is_gap(sheet.column(one.position)) for one in sheet.series])
    single = (filled.sum(axis=1) > 1).sum() < 2 or filled.sum(axis=0).max() > 1
    if single or {"labels", "share"} & {*sheet.words}:
        return sheet
    if not columns.COUNTS & sheet.told_words:
        step = next(i for i, name in enumerate(sheet.names) if not _TRACKED.fullmatch(name))
        raise unclear_step(sheet, step, "is another one in every run")
    return _in_same_rows(sheet, filled)


def _in_same_rows(sheet: Sheet, filled: NDArray[np.bool_]) -> Sheet:
    """Move the filled rows of each run, and what counts them, to the top, in their order."""
    cells: list[pd.Series[Any]] = []
    series = []
    for one, rows in zip(sheet.series, filled, strict=True):
        first, *others = range(len(cells), len(cells) + 1 + len(one.beside))
        series.append(Series(first, one.run, dict(zip(one.beside, others, strict=True))))
        mine = [sheet.column(i) for i in (one.position, *one.beside.values())]
        cells += [column[rows].reset_index(drop=True) for column in mine]
    frame = pd.concat(cells, axis=1)
    frame.index += 1
    words = {}
    if not any(one.beside for one in series):
        words["episode"] = len(cells)
        frame["episode"] = frame.index
    note = "episodes are the order within each run, of which no two share a step"
    raw = replace(sheet.raw, frame=frame)
    return replace(sheet, raw=raw, words=words, series=series, notes=[*sheet.notes, note])


def _is_mean(sheet: Sheet, position: int) -> bool:
    """Return True if the least or greatest of the runs that are grouped is not their mean."""
    bounds = (f"{sheet.names[position]}__{end}" for end in ("MIN", "MAX"))
    there = [sheet.names.index(bound) for bound in bounds if bound in sheet.names]
    value = as_numbers(sheet.column(position))
    return any(((as_numbers(sheet.column(i)) - value).abs() > 1e-9).any() for i in there)


def _chosen_metric(metrics: Sequence[str], sheet: Sheet, reading: Reading) -> str:
    """Choose the metric that is an accuracy or, where lower is better, an error."""
    names = list(dict.fromkeys(metrics))
    asked = (reading.columns or {}).get("accuracy")
    if asked is not None or not names:
        return column_choice.one_of(asked or "NAME - METRIC", names, "metric", sheet.place)
    fits = columns.seems_error if reading.lower_is_better else _is_accuracy
    found = [name for name in names if fits(name)] if len(names) > 1 else names
    found = [name for name in found if columns.clean(_last(name)) == "accuracy"] or found
    if len(found) != 1:
        raise column_choice.several("metrics", "accuracy", found or names, sheet.place)
    columns.refuse_error(found[0], sheet.place, lower_is_better=reading.lower_is_better)
    return found[0]


def _is_accuracy(metric: str) -> bool:
    return "accuracy" in map(columns.word_of, (metric, _last(metric)))


def _last(metric: str) -> str:
    return metric.rsplit("/", 1)[-1]


def is_values(sheet: Sheet, _: Reading) -> bool:
    """Return True for columns of names and of values of metrics, as MLflow writes them."""
    names = [*map(columns.clean, sheet.names)]
    return names.count("value") == 1 and sum(name in _KEYS for name in names) == 1


def values(sheet: Sheet, reading: Reading) -> Sheet:
    """Keep the rows of the metric that is an accuracy, and lay those of its spread beside them."""
    names = [*map(columns.clean, sheet.names)]
    key = next((i for i, name in enumerate(names) if name in _KEYS), None)
    if key is None or "value" not in names:
        raise column_choice.missing(["accuracy"], sheet.names, sheet.place)
    metrics, frame = as_text(sheet.column(key)), sheet.raw.frame
    score = _chosen_metric([*metrics], sheet, reading)
    beside = _summing(score, [*metrics.unique()])
    raw = replace(sheet.raw, frame=frame[metrics.isin([score, *beside]).to_numpy()])
    laid = with_means_beside(raw) if beside else raw
    if laid is raw:
        rows = frame[(metrics == score).to_numpy()]
        laid = replace(raw, frame=rows.drop(columns=rows.columns[key]))
    value = sheet.names[names.index("value")]
    there = [str(name).removeprefix(f"{value}_") for name in laid.frame.columns]
    laid = replace(laid, frame=laid.frame.set_axis(there, axis="columns"))
    words = {word: there.index(sheet.names[i]) for word, i in sheet.words.items()}
    words = column_choice.positions(there, words, sheet.place)
    words["accuracy"] = there.index(value if value in there else score)
    if "step" in names:
        words["step"] = [*map(columns.clean, there)].index("step")
    sheet = replace(sheet, raw=laid, words=words, metric=columns.metric_of(_last(score)))
    means = beside_score(sheet, reading) if beside else {}
    asked = "accuracy" in (reading.columns or {}) or leaves_spread(reading)
    if not means and not asked and not has_repetitions(sheet):
        bounds = [name for name in metrics.unique() if name != score and name.startswith(score)]
        refuse_summaries([score, *bounds], sheet.place, wide=False)
    left = [f"{listed(beside)} left out"] if beside and not means else []
    return replace(sheet, words=words | means, notes=[f"score is {score}", *left])


def _summing(score: str, metrics: Sequence[str]) -> list[str]:
    """Return the metrics that have the spread of the score; if any has, also its number of runs."""
    of = columns.measured(score)
    others = [name for name in metrics if name != score and columns.measured(name) in {of, ""}]
    if not any(columns.spread_kind(name) for name in others):
        return []
    counts = [name for name in metrics if columns.counts_runs(name)]
    kinds = columns.MEAN | columns.SPREAD | columns.ERROR | columns.COUNT
    return [name for name in others if columns.parts(name) & kinds] + counts
