"""Layouts of tables: long, wide, two header rows, and exports of experiment trackers."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from palm_bayes.errors import DataError, known, listed, one_line
from palm_bayes.reading import column_choice, columns, mlflow, one_row_per_run, trackers
from palm_bayes.reading.ambiguous_columns import refuse_ambiguous, scores
from palm_bayes.reading.in_memory import Raw
from palm_bayes.reading.label_counts import counted
from palm_bayes.reading.means import (
    beside_score,
    leaves_spread,
    refuse_summaries,
    spreads,
    wide_means,
    with_mean_as_score,
)
from palm_bayes.reading.opening import check_names
from palm_bayes.reading.options import Reading
from palm_bayes.reading.run_names import UNNAMED, NoMatchError, fitting, repetition_of, runs_of
from palm_bayes.reading.sheet import (
    Series,
    Sheet,
    described,
    in_one_line,
    with_header_levels,
    with_pairs,
)
from palm_bayes.reading.summaries import with_flat_means, with_means_beside


def to_rows(raw: Raw, reading: Reading) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows of a table in columns named by words, and what was understood."""
    raw = with_means_beside(with_flat_means(in_one_line(with_header_levels(raw))))
    sheet = Sheet(raw, {})
    check_names(raw.file or "the table", sheet.names)
    if not len(raw.frame):
        raise DataError(f"{raw.file or 'the table'} has no rows")
    asked = {word: one_line(str(name)) for word, name in (reading.columns or {}).items()}
    reading = replace(reading, columns=asked)
    columns.refuse_error(
        asked.get("accuracy"), sheet.place, lower_is_better=reading.lower_is_better
    )
    if reading.lower_is_better and "accuracy" not in asked:
        error = columns.error_among(sheet.names, sheet.place)
        reading = replace(reading, columns={**asked, **error})
    if reading.layout in (None, "long"):
        reading = with_mean_as_score(sheet, reading)
    if reading.layout is not None:
        (layout,) = known([reading.layout], LAYOUTS, "layout")
    else:
        layout = next(name for name, one in LAYOUTS.items() if one.fits(sheet, reading))
    asked = _columns_asked(sheet, layout, reading)
    mine = column_choice.chosen_positions(asked, sheet.names, sheet.place)
    sheet = LAYOUTS[layout].read(with_pairs(replace(sheet, words=mine)), reading)
    if reading.pattern is not None and raw.alone and not sheet.series:
        sheet = _by_cells(sheet, reading.pattern)
    sheet = counted(sheet.checked())
    notes = [*raw.notes, *_column_notes(sheet), *sheet.notes, *_name_notes(sheet, reading)]
    return sheet.rows(), notes


def _columns_asked(sheet: Sheet, layout: str, reading: Reading) -> dict[str, str]:
    """Return the user's choices without those of metrics that are no columns."""
    asked, names = dict(reading.columns or {}), {*sheet.names}
    of_metrics = {"tracker", "values", "headers", "across"}
    if layout in of_metrics and asked.get("accuracy") not in names:
        asked.pop("accuracy", None)
    metrics = {*trackers.metrics_of(sheet)} - names if layout == "tracker" else set()
    counts = [word for word in columns.COUNTS if asked.get(word) in metrics]
    return {word: name for word, name in asked.items() if word not in counts}


def _column_notes(sheet: Sheet) -> list[str]:
    """Describe which columns hold strategy, labels and so on, if they have other names."""
    names = sheet.names
    found = {word: names[sheet.words[word]] for word in columns.COLUMNS if word in sheet.words}
    return [
        f"{word} {'are' if word == 'labels' else 'is'} {name or 'the column without a name'}"
        for word, name in found.items()
        if columns.clean(name) != word and word not in {"accuracy", "share"}
    ]


def _name_notes(sheet: Sheet, reading: Reading) -> list[str]:
    """Describe what is read from the names of files or keys."""
    if not sheet.named:
        return []
    words = listed(sheet.named)
    if reading.pattern is not None and not sheet.raw.alone:
        return [f"{words} by the pattern {reading.pattern}"]
    if sheet.named.get("strategy") == UNNAMED:
        return [f"one strategy without a name, called {UNNAMED}"]
    if sheet.raw.alone:
        return [f"{listed(map(' '.join, sheet.named.items()))} by its name"]
    return [f"{words} by the names of {'its parts' if sheet.raw.name else 'files'}"]


def _long(sheet: Sheet, reading: Reading) -> Sheet:
    """Take the column of accuracies, and that of their spread if they are means."""
    names, asked = sheet.names, "accuracy" in sheet.words or leaves_spread(reading)
    words = column_choice.positions(names, sheet.words, sheet.place)
    if "accuracy" not in words:
        raise column_choice.missing(["accuracy"], names, sheet.place)
    score = names[words["accuracy"]]
    means = beside_score(replace(sheet, words=words), reading)
    words |= means
    if "repetition" not in words and not asked and not means:
        others = [names[i] for i in replace(sheet, words=words).numeric]
        refuse_summaries([score, *others], sheet.place, wide=False)
    others = [name for i, name in enumerate(names) if i not in words.values()]
    left = [name for name in others if columns.word_of(name) == "accuracy"]
    note = f"score is {score.rstrip('.')}" + (f", not {listed(left)}" if left else "")
    plain = columns.clean(score) == "accuracy" and not left
    metric = columns.metric_of(score.rstrip("."))
    return replace(sheet, words=words, notes=[] if plain else [note], metric=metric)


def _by_cells(sheet: Sheet, pattern: str) -> Sheet:
    """Read the names of runs in the column of strategies by a pattern."""
    what = f"{sheet.place}pattern {pattern!r} fits neither file, columns nor strategies"
    if "strategy" not in sheet.words:
        raise DataError(what)
    try:
        return sheet.with_names_read(sheet.words["strategy"], pattern)
    except NoMatchError as error:
        raise DataError(f"{what}: {error}") from None


def _wide(sheet: Sheet, reading: Reading) -> Sheet:
    """Take columns of accuracies, one a repetition or strategy."""
    words = column_choice.positions(sheet.names, sheet.words, sheet.place)
    words.pop("accuracy", None)
    sheet, names = replace(sheet, words=words), sheet.names
    places = [i for i in sheet.numeric if not columns.is_index(names[i])]
    summed = _summaries([names[i] for i in places])
    if reading.pattern is None:
        summed += _remaining(sheet, [names[i] for i in places if names[i] not in summed])
    places = [i for i in places if names[i] not in summed]
    pattern = reading.pattern if sheet.raw.alone else None
    if pattern is None and (of_means := wide_means(sheet, places, reading)):
        return of_means
    asked = reading.layout is not None or pattern is not None
    if not asked and not leaves_spread(reading):
        refuse_summaries([names[i] for i in places], sheet.place)
    left = _left_out([names[i] for i in places], pattern)
    places = [i for i in places if names[i] not in left]
    mine = [names[i] for i in places]
    bare = [columns.without_mean(name) for name in mine] if left and pattern is None else mine
    if not asked:
        _refuse_other_columns(sheet, mine, bare, reading)
        refuse_ambiguous(sheet, mine)
    elif not mine:
        raise column_choice.missing(["accuracy"], names, sheet.place)
    runs = runs_of(bare, pattern)
    if "strategy" in words:
        runs = [{"repetition": run.get("repetition", run.get("strategy", "1"))} for run in runs]
    if len(mine) == 1 and "repetition" in sheet.raw.fields:  # the one column of a run
        return replace(sheet, words=words | {"accuracy": places[0]}, notes=[f"score is {mine[0]}"])
    return replace(sheet, series=[*map(Series, places, runs)]).described([*summed, *left])


def _left_out(names: Sequence[str], pattern: str | None) -> list[str]:
    """Return the names that a pattern does not fit, if it fits any; without one, of spreads."""
    if pattern is None:
        return spreads(names)
    chosen = fitting(names, pattern)
    return [name for name in names if name not in chosen] if chosen else []


def _summaries(names: Sequence[str]) -> list[str]:
    """Return the names of means and the like, if all others are of the repetitions themselves."""
    others = [name for name in names if not repetition_of(name)]
    summed = all(columns.parts(name) & columns.SUMMARIES for name in others)
    return others if summed and len(others) < len(names) else []


def _remaining(sheet: Sheet, names: Sequence[str]) -> list[str]:
    """Return the names of counts of the samples left in the pool, which only show the labels."""
    left = [*filter(columns.is_remaining, names)]
    counted = any(columns.is_index(sheet.names[i]) for i in sheet.free)
    if left and not counted and not columns.COUNTS & {*sheet.words}:
        raise DataError(
            f"{sheet.place}{left[0]} seems to count what is left in the pool: add a column of the "
            "labels so far, such as labels, or choose it by --column labels=NAME"
        )
    return left


def _refuse_other_columns(
    sheet: Sheet, names: Sequence[str], bare: Sequence[str], reading: Reading
) -> None:
    """Refuse columns of other measures, and a single one that is no repetition by its name."""
    numbered = all(map(repetition_of, names))
    others = [name for name in names if not columns.is_other_measure(name)]
    errors = reading.lower_is_better and numbered
    strange = any(map(columns.is_other_measure, bare)) and not errors
    strange = strange or ("strategy" in sheet.words and not numbered)
    alone = len(names) == 1 and not (numbered and sheet.raw.fields)
    if not names or strange or alone:
        raise column_choice.missing(["accuracy"], sheet.names, sheet.place, others)


def _headers(sheet: Sheet, reading: Reading) -> Sheet:
    """Take columns below two header rows, such as strategy and repetition."""
    frame = sheet.raw.frame
    levels = range(frame.columns.nlevels)
    values_of = [frame.columns.get_level_values(level).astype(str) for level in levels]
    tuples = list(zip(*values_of, strict=True))
    words = {
        word: i for i, column in enumerate(tuples) for word in map(columns.word_of, column)
        if word in columns.COUNTS
    }  # fmt: skip
    places = [i for i in range(len(tuples)) if i not in words.values()]
    score = (reading.columns or {}).get("accuracy")
    if score is not None:
        there = [value for i in places for value in tuples[i]]
        column_choice.one_of(score, list(dict.fromkeys(there)), "column", sheet.place)
        places = [i for i in places if score in tuples[i]]
    if not places:
        raise column_choice.missing(["accuracy"], sheet.names, sheet.place)
    kinds = _words_of_levels(sheet, tuples, places, score)
    runs = [{word: tuples[i][level] for level, word in kinds.items()} for i in places]
    for run in runs:
        if number := repetition_of(run.get("repetition", "")):
            run["repetition"] = number
    series = [*map(Series, places, runs)]
    notes = [] if sheet.raw.notes else [described(series, sheet.names)]  # arrays have said it
    named = score is not None and not columns.is_other_measure(score)
    metric = columns.metric_of(str(score)) if named else ""
    return replace(sheet, words=words, series=series, notes=notes, metric=metric)


def _words_of_levels(
    sheet: Sheet, heads: Sequence[tuple[str, ...]], places: Sequence[int], score: str | None
) -> dict[int, str]:
    """Return the levels of names of columns that have strategies and repetitions, by number."""
    kinds = {}
    for level, name in enumerate(sheet.raw.frame.columns.names):
        values = sorted({heads[i][level] for i in places})
        if values != [score] and (word := _word_of_level(values, name, heads, sheet.place)):
            kinds[level] = word
    if len({*kinds.values()}) < len(kinds):
        said = listed(" / ".join(head) for head in heads)
        raise DataError(f"{sheet.place}the headers do not tell strategy from repetition: {said}")
    return kinds


def _word_of_level(
    values: Sequence[str], name: Hashable, heads: Sequence[tuple[str, ...]], place: str
) -> str | None:
    """Return whether a level of names of columns has strategies or repetitions, or None."""
    numbered = [value for value in values if value.lower() not in columns.SUMMARIES]
    word = columns.word_of("" if name is None else name)
    strategies = word == "strategy" or _of_runs(values, heads)
    if not strategies and not (numbered and all(map(repetition_of, numbered))):
        refuse_summaries(values, place)
    if values != [""] and {*map(columns.word_of, values)} != {"accuracy"}:
        guess = "repetition" if all(map(repetition_of, numbered or values)) else "strategy"
        return word if word in {"strategy", "repetition"} else guess
    if len(values) > 1:
        raise column_choice.several("measures", "accuracy", values, place)
    return None


def _of_runs(values: Sequence[str], heads: Sequence[tuple[str, ...]]) -> bool:
    """Return True for values that all have the same repetitions, and are no measure and its spread.

    So a strategy may be called variance.
    """
    measured = any(columns.stands_for(value) == "accuracy" for value in values)
    if measured or not {*map(columns.clean, spreads(values))} <= columns.SPREAD:
        return False
    found = {
        value: {part for head in heads if value in head for part in head if repetition_of(part)}
        for value in values
    }
    first, *others = found.values()
    alike = len(first) > 1 and all(runs == first for runs in others)
    return alike and not columns.MEAN & {value.lower() for value in values}


def _is_long(sheet: Sheet, reading: Reading) -> bool:
    return bool(scores(sheet.names)) or "accuracy" in (reading.columns or {})


@dataclass(frozen=True)
class _Layout:
    says: str
    fits: Callable[[Sheet, Reading], bool]
    read: Callable[[Sheet, Reading], Sheet]


LAYOUTS = {
    "headers": _Layout(
        "two header rows, such as strategy above repetition, or a frame with such columns",
        lambda sheet, _: sheet.raw.frame.columns.nlevels > 1,
        _headers,
    ),
    "tracker": _Layout(
        "exports of Weights & Biases (`Step, NAME - METRIC, NAME - METRIC__MIN ...`) and of "
        "TensorBoard (`Wall time, Step, Value`)",
        trackers.is_tracker,
        trackers.tracker,
    ),
    "values": _Layout(
        "one row for each value of several metrics, with their names (`key, value, step`)",
        trackers.is_values,
        trackers.values,
    ),
    "mlflow": _Layout(
        "MLflow's runs, of its folders or its database: one row for each step of a run "
        "(`run_id, run_name, step, metrics.NAME, params.NAME, tags.NAME`)",
        mlflow.is_mlflow,
        mlflow.mlflow,
    ),
    "across": _Layout(
        "one row for each run, with its accuracies by labels (`100`, `acc@200`, `error_9`) or "
        "episodes (`round_1`) or shares (`0.02`) in columns, in any order",
        one_row_per_run.is_across,
        one_row_per_run.across,
    ),
    "long": _Layout("one row for each accuracy", _is_long, _long),
    "wide": _Layout(
        "one column of accuracies for each repetition (`seed_1`, `acc_2`), each strategy "
        "(`margin`), or both (`margin_1`)",
        lambda *_: True,
        _wide,
    ),
}
"""Layouts, in the order in which they are tried; `--layout` names one."""
