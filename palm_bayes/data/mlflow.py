"""MLflow's folders of runs: ``<experiment>/<run>/metrics/NAME``, with params and tags beside it.

The runs of a folder are a table with a row for each step of a run, and that table is a layout.
"""

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from palm_bayes.data import choices, columns
from palm_bayes.data.cells import as_text
from palm_bayes.data.in_memory import Raw
from palm_bayes.data.opening import check_regular, check_table, text_of
from palm_bayes.data.reading import Reading
from palm_bayes.data.sheet import Sheet
from palm_bayes.errors import DataError, listed, plural

_META = "meta.yaml"
_RUN_ID, _RUN_NAME, _EXPERIMENT, _STEP = "run_id", "run_name", "experiment", "step"
_METRICS, _SAID = "metrics.", ("params.", "tags.")
"""Columns of the table, and beginnings of their names."""

type _Row = dict[str, str | float]


def mlflow_runs(paths: Sequence[Path]) -> list[Path]:
    """Return the folders of MLflow's runs that paths name; empty if they name none."""
    found = [runs_in(path) if path.is_dir() else [] for path in paths]
    if any(found) and not all(found):
        other = paths[found.index([])]
        raise DataError(f"{other} is no folder of MLflow, as others are: name one kind")
    return [run for runs in found for run in runs]


def runs_in(base: Path, depth: int = 2) -> list[Path]:
    """Return the runs of a folder: itself (depth 0), of an experiment (1), or of several (2)."""
    for down in range(depth + 1):
        metas = base.glob("*/" * down + _META)
        shown = (meta for meta in metas if not meta.relative_to(base).as_posix().startswith("."))
        if runs := sorted(meta.parent for meta in shown if _is_run(meta)):
            return runs
    return []


def _is_run(meta: Path) -> bool:
    return (meta.parent / "metrics").is_dir() and bool({"run_id", "run_uuid"} & {*_fields(meta)})


def _fields(meta: Path) -> dict[str, str]:
    """Return the lines ``name: value`` of a meta.yaml; empty if there is none."""
    if not meta.is_file():
        return {}
    pairs = re.findall(r"^(\w+): *(.*?) *$", text_of(meta), re.MULTILINE)
    return {name: value.strip("'\"") for name, value in pairs}


def table_of(runs: Sequence[Path]) -> Raw:
    """Read runs to one table, with a row for each step of a run."""
    kept = [run for run in runs if _fields(run / _META).get("lifecycle_stage") != "deleted"]
    rows = {
        run: [{**said, **step} for step in _steps(run / "metrics")]
        for run, said in ((run, _said(run)) for run in kept)
    }
    place = os.path.commonpath([run.parent for run in runs])
    if not any(rows.values()):
        raise DataError(f"{place}: no run of MLflow holds metrics")
    labels = [f"run {run.name}" for run, steps in rows.items() for _ in steps]
    frame = pd.DataFrame([row for steps in rows.values() for row in steps], index=labels)
    check_table(place, *frame.shape)
    notes = [plural([frame[_RUN_ID].nunique()], "run of MLflow", "runs of MLflow")]
    if deleted := len(runs) - len(kept):
        notes.append(f"{deleted} deleted left out")
    return Raw(frame, place, notes=tuple(notes), alone=False)


def _said(run: Path) -> _Row:
    """Return what is said of a run: its names, params, and tags that are not MLflow's own."""
    params, tags = _texts(run / "params"), _texts(run / "tags")
    name = tags.get("mlflow.runName") or _fields(run / _META).get("run_name", "")
    experiment = _fields(run.parent / _META).get("name") or run.parent.name
    own = {key: text for key, text in tags.items() if not key.startswith("mlflow.")}
    own = {key: text for key, text in own.items() if params.get(key) != text}
    found: _Row = {_RUN_ID: run.name, _RUN_NAME: name, _EXPERIMENT: experiment}
    for prefix, texts in zip(_SAID, (params, own), strict=True):
        found |= {f"{prefix}{key}": text for key, text in texts.items()}
    return found


def _texts(folder: Path) -> dict[str, str]:
    return {name: text_of(file).strip() for name, file in _files(folder)}


def _files(folder: Path) -> list[tuple[str, Path]]:
    """Return names and files of metrics, params or tags; a / in a name makes folders."""
    files = sorted(file for file in folder.rglob("*") if not file.name.startswith("."))
    found = [(file.relative_to(folder).as_posix(), file) for file in files if not file.is_dir()]
    for _, file in found:
        check_regular(file)
    return found


def _steps(folder: Path) -> list[_Row]:
    """Return a row for each step, with the values of all metrics.

    A metric may have several values at one step, which are told apart by their order. Where all of
    a run's are at one step, as without ``step=``, the order counts.
    """
    rows: dict[tuple[int, int], _Row] = {}
    for name, file in _files(folder):
        seen = Counter[int]()
        for number, line in enumerate(text_of(file).splitlines(), 1):
            step, value = _value(line, f"{file}: line {number}")
            rows.setdefault((step, seen[step]), {})[f"{_METRICS}{name}"] = value
            seen[step] += 1
    unsaid = len({step for step, _ in rows}) == 1 < len(rows)
    return [{_STEP: order if unsaid else step, **rows[step, order]} for step, order in sorted(rows)]


def _value(line: str, place: str) -> tuple[int, float]:
    """Return step and value of a line ``time value step``."""
    parts = line.split()
    try:
        return int(parts[2]) if len(parts) > 2 else 0, float(parts[1])
    except (IndexError, ValueError):
        raise DataError(f"{place} is '{line}', expected are its time, value and step") from None


def is_mlflow(sheet: Sheet, _: Reading) -> bool:
    """Return True for the table of MLflow's runs."""
    measured = any(name.startswith(_METRICS) for name in sheet.names)
    return measured and {_RUN_ID, _RUN_NAME, _EXPERIMENT, _STEP} <= {*sheet.names}


def mlflow(sheet: Sheet, reading: Reading) -> Sheet:
    """Take the metric that is an accuracy; params and tags tell the run, or its name by a pattern.

    Labels are those of a metric, or of a param if each run has one value; else the step counts.
    """
    if not is_mlflow(sheet, reading):
        raise DataError(f"{sheet.place}layout mlflow is for folders of MLflow only")
    if reading.pattern is not None:
        place = sheet.words.get("strategy", sheet.names.index(_RUN_NAME))
        sheet = sheet.with_names_read(place, reading.pattern)
    hidden = _hidden(sheet)
    names = ["" if i in hidden else name for i, name in enumerate(sheet.names)]
    words = choices.positions(names, sheet.words, sheet.place)
    if "accuracy" not in words:
        measured = [name for name in names if name.startswith(_METRICS)]
        raise choices.missing(["accuracy"], measured, sheet.place)
    _refuse_several_experiments(sheet, words)
    score = sheet.names[words["accuracy"]]
    rows = sheet.raw.frame[as_text(sheet.column(words["accuracy"])).ne("").to_numpy()]
    words = _with_steps(sheet.names, words, reading, several=not rows[_RUN_ID].is_unique)
    return replace(
        sheet,
        raw=replace(sheet.raw, frame=rows),
        words=words,
        notes=[f"score is {score}", *sheet.notes],
        metric=columns.metric_of(re.split(r"[./]", score)[-1]),
    )


def _hidden(sheet: Sheet) -> set[int]:
    """Return the positions of params and tags that yield to metrics: scores, and counts."""
    stands = [*map(columns.stands_for, sheet.names)]
    counted = any(
        word in columns.COUNTS and name.startswith(_METRICS)
        for word, name in zip(stands, sheet.names, strict=True)
    )
    yielding = {"accuracy", *(columns.COUNTS if counted else ())}
    said = (i for i, name in enumerate(sheet.names) if name.startswith(_SAID))
    return {i for i in said if stands[i] in yielding} - {*sheet.words.values()}


def _refuse_several_experiments(sheet: Sheet, words: Mapping[str, int]) -> None:
    place = sheet.names.index(_EXPERIMENT)
    names = as_text(sheet.column(place)).unique()
    if len(names) > 1 and place not in words.values():
        choices = " or ".join(f"--column {word}={_EXPERIMENT}" for word in ("dataset", "strategy"))
        raise DataError(
            f"{sheet.place}runs of {len(names)} experiments ({listed(names)}): name the folder of "
            f"one, or say what they are by {choices}"
        )


def _with_steps(
    names: Sequence[str], words: Mapping[str, int], reading: Reading, *, several: bool
) -> dict[str, int]:
    """Let steps count unless a metric, or a param with a value for each run, does.

    A param that is the same at all steps of a run, such as its budget, is not what it has so far.
    """
    asked = reading.columns or {}
    constant = {
        word
        for word, i in words.items()
        if word in columns.COUNTS and several and word not in asked and names[i].startswith(_SAID)
    }
    kept = {word: i for word, i in words.items() if word not in constant}
    return kept | {_STEP: names.index(_STEP)}
