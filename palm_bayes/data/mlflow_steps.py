"""Tables of MLflow's runs, with a row for each step of a run."""

import re
from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from palm_bayes.data import columns
from palm_bayes.data.cells import as_text
from palm_bayes.data.mlflow_folder import EXPERIMENT, METRICS, PARAMS, RUN_ID, RUN_NAME, STEP, TAGS
from palm_bayes.data.names import by_pattern
from palm_bayes.data.reading import Reading
from palm_bayes.data.sheet import Sheet
from palm_bayes.errors import DataError, listed


def is_mlflow(sheet: Sheet, _: Reading) -> bool:
    """Return True for the table of MLflow's runs."""
    measured = any(name.startswith(METRICS) for name in sheet.names)
    return measured and {RUN_ID, RUN_NAME, EXPERIMENT, STEP} <= {*sheet.names}


def mlflow(sheet: Sheet, reading: Reading) -> Sheet:
    """Take the metric that is an accuracy; params and tags tell the run, or its name by a pattern.

    Labels are those of a metric, or of a param if each run has one value; else the step counts.
    """
    if not is_mlflow(sheet, reading):
        raise DataError(f"{sheet.place}layout mlflow is for folders of MLflow only")
    if reading.pattern is not None:
        sheet = _named_by_pattern(sheet, reading.pattern)
    hidden = _hidden(sheet)
    names = ["" if i in hidden else name for i, name in enumerate(sheet.names)]
    words = columns.positions(names, sheet.words, sheet.place)
    if "accuracy" not in words:
        measured = [name for name in names if name.startswith(METRICS)]
        raise columns.missing(["accuracy"], measured, sheet.place)
    _refuse_several_experiments(sheet, words)
    score = sheet.names[words["accuracy"]]
    rows = sheet.raw.frame[as_text(sheet.column(words["accuracy"])).ne("").to_numpy()]
    sheet = replace(sheet, raw=replace(sheet.raw, frame=rows), words=words)
    metric = columns.metric_of(re.split(r"[./]", score)[-1])
    notes = [f"score is {score}", *sheet.notes]
    return replace(_with_steps(sheet, reading), notes=notes, metric=metric)


def _named_by_pattern(sheet: Sheet, pattern: str) -> Sheet:
    """Read the names of runs, or of the column chosen for strategies, by a pattern."""
    place = sheet.words.get("strategy", sheet.names.index(RUN_NAME))
    cells = as_text(sheet.column(place))
    read = dict(zip(cells.unique(), by_pattern([*cells.unique()], pattern), strict=True))
    told = pd.DataFrame([read[cell] for cell in cells], sheet.raw.frame.index)
    frame = pd.concat([sheet.raw.frame, told], axis="columns")
    mine = {str(word): len(sheet.names) + i for i, word in enumerate(told)}
    notes = [f"{listed(told)} by the pattern {pattern}"]
    words = {**sheet.words, **mine}
    return replace(sheet, raw=replace(sheet.raw, frame=frame), words=words, notes=notes)


def _hidden(sheet: Sheet) -> set[int]:
    """Return the positions of params and tags that yield to metrics: scores, and counts."""
    stands = list(map(columns.stands_for, sheet.names))
    of_metrics = {
        word for word, name in zip(stands, sheet.names, strict=True) if name.startswith(METRICS)
    }
    yielding = {"accuracy"} | ({*columns.COUNTS} if of_metrics & {*columns.COUNTS} else set())
    said = (i for i, name in enumerate(sheet.names) if name.startswith((PARAMS, TAGS)))
    return {i for i in said if stands[i] in yielding} - {*sheet.words.values()}


def _refuse_several_experiments(sheet: Sheet, words: Mapping[str, int]) -> None:
    place = sheet.names.index(EXPERIMENT)
    names = as_text(sheet.column(place)).unique()
    if len(names) > 1 and place not in words.values():
        choices = " or ".join(f"--column {word}={EXPERIMENT}" for word in ("dataset", "strategy"))
        raise DataError(
            f"{sheet.place}runs of {len(names)} experiments ({listed(names)}): name the folder of "
            f"one, or say what they are by {choices}"
        )


def _with_steps(sheet: Sheet, reading: Reading) -> Sheet:
    """Let steps count unless a metric, or a param with a value for each run, does.

    A param that is the same at all steps of a run, such as its budget, is not what it has so far.
    """
    words = dict(sheet.words)
    several = as_text(sheet.raw.frame[RUN_ID]).duplicated().any()
    for word in {*columns.COUNTS} & {*words} - {*(reading.columns or {})}:
        if several and sheet.names[words[word]].startswith((PARAMS, TAGS)):
            del words[word]
    if not {*columns.COUNTS} & {*words}:
        words[STEP] = sheet.names.index(STEP)
    return replace(sheet, words=words)
