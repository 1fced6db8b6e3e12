"""MLflow's runs: of folders ``<experiment>/<run>/metrics/NAME``, or of a database, ``mlflow.db``.

They are a table with a row for each step of a run, and that table is a layout.
"""

import os
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import nan
from pathlib import Path

import pandas as pd

from palm_bayes.data.cells import as_text
from palm_bayes.errors import DataError, listed, plural
from palm_bayes.reading import column_choice, columns
from palm_bayes.reading.in_memory import Raw
from palm_bayes.reading.opening import check_regular, check_table, text_of
from palm_bayes.reading.options import Reading
from palm_bayes.reading.sheet import Sheet
from palm_bayes.reading.sqlite import is_database, tables_of

_META = "meta.yaml"
_RUN_ID, _RUN_NAME, _EXPERIMENT, _STEP = "run_id", "run_name", "experiment", "step"
_METRICS, _SAID = "metrics.", ("params.", "tags.")
"""Columns of the table, and beginnings of their names."""
_TABLES = {
    "experiments": ("experiment_id", "name", "lifecycle_stage"),
    "runs": ("run_uuid", "name", "experiment_id", "lifecycle_stage"),
    "params": ("run_uuid", "key", "value"),
    "tags": ("run_uuid", "key", "value"),
    "metrics": ("run_uuid", "key", "step", "value", "is_nan"),
}
"""Columns of a database."""

type _Row = dict[str, str | float]
type _Values = list[tuple[str, int, float]]


@dataclass(frozen=True)
class _Run:
    """A run, what is said of it, and the names, steps and values of its metrics in their order."""

    id: str
    name: str = ""
    experiment: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    values: _Values = field(default_factory=list)
    deleted: bool = False

    @property
    def rows(self) -> list[_Row]:
        """A row for each step, with what is said of the run and is not MLflow's own."""
        own = {key: text for key, text in self.tags.items() if not key.startswith("mlflow.")}
        own = {key: text for key, text in own.items() if self.params.get(key) != text}
        name = self.tags.get("mlflow.runName") or self.name
        said: _Row = {_RUN_ID: self.id, _RUN_NAME: name, _EXPERIMENT: self.experiment}
        for prefix, texts in zip(_SAID, (self.params, own), strict=True):
            said |= {f"{prefix}{key}": text for key, text in texts.items()}
        return [{**said, **step} for step in _steps(self.values)]


def mlflow_runs(paths: Sequence[Path]) -> list[Path]:
    """Return the folders of MLflow's runs, and the databases, that paths name."""
    found = [
        runs_in(path) if path.is_dir() else [path] if is_database(path) else [] for path in paths
    ]
    if any(found) and not all(found):
        other = paths[found.index([])]
        raise DataError(f"{other} holds no runs of MLflow, as others do: name one kind")
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


def table_of(places: Sequence[Path]) -> Raw:
    """Read runs, from their folders or from databases, to a table with a row for each step."""
    runs = [
        run
        for path in places
        for run in (_of_database(path) if path.is_file() else [_of_folder(path)])
    ]
    rows = [(f"run {run.id}", row) for run in runs if not run.deleted for row in run.rows]
    place = os.path.commonpath([path if path.is_file() else path.parent for path in places])
    if not rows:
        raise DataError(f"{place}: no run of MLflow holds metrics")
    frame = pd.DataFrame([row for _, row in rows], index=[label for label, _ in rows])
    check_table(place, *frame.shape)
    notes = [plural([frame[_RUN_ID].nunique()], "run of MLflow", "runs of MLflow")]
    if deleted := sum(run.deleted for run in runs):
        notes.append(f"{deleted} deleted left out")
    return Raw(frame, place, notes=tuple(notes), alone=False)


def _of_database(path: Path) -> list[_Run]:
    found = tables_of(path, _TABLES, "a database of MLflow")
    experiments = {one: (name, stage) for one, name, stage in found["experiments"]}
    said: dict[str, dict[str, dict[str, str]]] = {}
    for table in ("params", "tags"):
        said[table] = defaultdict(dict)
        for run, key, value in found[table]:
            said[table][run][str(key)] = _told(value)
    values = defaultdict[str, _Values](list)
    for run, key, step, value, is_nan in found["metrics"]:
        if not isinstance(step, int) or not isinstance(value, (int, float)):
            what = f"{path}: metric {key} of run {run} is {value!r} at step {step!r}"
            raise DataError(f"{what}, expected are numbers")
        values[run].append((str(key), step, nan if is_nan else float(value)))
    runs = []
    for run, name, one, stage in found["runs"]:
        experiment, its_stage = experiments.get(one, (one, ""))
        texts = said["params"][run], said["tags"][run]
        deleted = "deleted" in {stage, its_stage}
        runs.append(_Run(str(run), _told(name), _told(experiment), *texts, values[run], deleted))
    return runs


def _told(value: object) -> str:
    """Return a cell of a database as text, empty for NULL."""
    return "" if value is None else str(value).strip()


def _of_folder(run: Path) -> _Run:
    """Read the run of a folder, unless it is deleted."""
    about = _fields(run / _META)
    if about.get("lifecycle_stage") == "deleted":
        return _Run(run.name, deleted=True)
    experiment = _fields(run.parent / _META).get("name") or run.parent.name
    texts = _texts(run / "params"), _texts(run / "tags")
    values = [
        (name, *_value(line, f"{file}: line {number}"))
        for name, file in _files(run / "metrics")
        for number, line in enumerate(text_of(file).splitlines(), 1)
    ]
    return _Run(run.name, about.get("run_name", ""), experiment, *texts, values)


def _texts(folder: Path) -> dict[str, str]:
    return {name: text_of(file).strip() for name, file in _files(folder)}


def _files(folder: Path) -> list[tuple[str, Path]]:
    """Return names and files of metrics, params or tags; a / in a name makes folders."""
    files = sorted(file for file in folder.rglob("*") if not file.name.startswith("."))
    found = [(file.relative_to(folder).as_posix(), file) for file in files if not file.is_dir()]
    for _, file in found:
        check_regular(file)
    return found


def _steps(values: _Values) -> list[_Row]:
    """Return a row for each step, with the values of all metrics.

    A metric may have several values at one step, which are told apart by their order. Where all of
    a run's are at one step, as without ``step=``, the order counts.
    """
    rows: dict[tuple[int, int], _Row] = {}
    seen = Counter[tuple[str, int]]()
    for name, step, value in values:
        rows.setdefault((step, seen[name, step]), {})[f"{_METRICS}{name}"] = value
        seen[name, step] += 1
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
        raise DataError(f"{sheet.place}layout mlflow is for runs of MLflow only")
    if reading.pattern is not None:
        place = sheet.words.get("strategy", sheet.names.index(_RUN_NAME))
        sheet = sheet.with_names_read(place, reading.pattern)
    hidden = _hidden(sheet)
    names = ["" if i in hidden else name for i, name in enumerate(sheet.names)]
    words = column_choice.positions(names, sheet.words, sheet.place)
    if "accuracy" not in words:
        measured = [name for name in names if name.startswith(_METRICS)]
        raise column_choice.missing(["accuracy"], measured, sheet.place)
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
        raise DataError(
            f"{sheet.place}runs of {len(names)} experiments ({listed(names)}): say what they are "
            f"by --column dataset={_EXPERIMENT} --dataset NAME, which reads one, or by "
            f"--column strategy={_EXPERIMENT}"
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
