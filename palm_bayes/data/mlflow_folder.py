"""MLflow's folders of runs: ``<experiment>/<run>/metrics/NAME``, with params and tags beside it."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from palm_bayes.data.in_memory import Raw
from palm_bayes.data.opening import check_regular, check_table, text_of
from palm_bayes.errors import DataError, plural

META = "meta.yaml"
RUN_ID, RUN_NAME, EXPERIMENT, STEP = "run_id", "run_name", "experiment", "step"
METRICS, PARAMS, TAGS = "metrics.", "params.", "tags."
"""Columns of the table, and beginnings of their names."""

type Row = dict[str, str | float]


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
        metas = base.glob("*/" * down + META)
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
    rows, labels, deleted = list[Row](), list[str](), 0
    for run in runs:
        if _fields(run / META).get("lifecycle_stage") == "deleted":
            deleted += 1
            continue
        said, steps = _said(run), _steps(run / "metrics")
        rows += [{**said, **step} for step in steps]
        labels += [f"run {run.name}"] * len(steps)
    place = os.path.commonpath([run.parent for run in runs])
    if not rows:
        raise DataError(f"{place}: no run of MLflow holds metrics")
    frame = pd.DataFrame(rows, index=labels)
    check_table(place, *frame.shape)
    notes = [plural([frame[RUN_ID].nunique()], "run of MLflow", "runs of MLflow")]
    notes += [f"{deleted} deleted left out"] if deleted else []
    return Raw(frame, place, notes=tuple(notes), alone=False)


def _said(run: Path) -> Row:
    """Return what is said of a run: its names, params, and tags that are not MLflow's own."""
    tags = _texts(run / "tags")
    name = tags.get("mlflow.runName") or _fields(run / META).get("run_name", "")
    experiment = _fields(run.parent / META).get("name") or run.parent.name
    found: Row = {RUN_ID: run.name, RUN_NAME: name, EXPERIMENT: experiment}
    params = _texts(run / "params")
    found |= {f"{PARAMS}{key}": text for key, text in params.items()}
    own = {key: text for key, text in tags.items() if not key.startswith("mlflow.")}
    return found | {f"{TAGS}{key}": text for key, text in own.items() if params.get(key) != text}


def _texts(folder: Path) -> dict[str, str]:
    return {name: text_of(file).strip() for name, file in _files(folder)}


def _files(folder: Path) -> list[tuple[str, Path]]:
    """Return names and files of metrics, params or tags; a / in a name makes folders."""
    files = sorted(file for file in folder.rglob("*") if not file.name.startswith("."))
    found = [(file.relative_to(folder).as_posix(), file) for file in files if not file.is_dir()]
    for _, file in found:
        check_regular(file)
    return found


def _steps(folder: Path) -> list[Row]:
    """Return a row for each step, with the values of all metrics.

    A metric may have several values at one step, which are told apart by their order. Where all of
    a run's are at one step, as without ``step=``, the order counts.
    """
    rows: dict[tuple[int, int], Row] = {}
    for name, file in _files(folder):
        seen = Counter[int]()
        for number, line in enumerate(text_of(file).splitlines(), 1):
            step, value = _value(line, f"{file}: line {number}")
            rows.setdefault((step, seen[step]), {})[f"{METRICS}{name}"] = value
            seen[step] += 1
    unsaid = len({step for step, _ in rows}) == 1
    counted = {(step, order): order if unsaid and len(rows) > 1 else step for step, order in rows}
    return [{STEP: counted[key], **rows[key]} for key in sorted(rows)]


def _value(line: str, place: str) -> tuple[int, float]:
    """Return step and value of a line ``time value step``."""
    parts = line.split()
    try:
        return int(parts[2]) if len(parts) > 2 else 0, float(parts[1])
    except (IndexError, ValueError):
        raise DataError(f"{place} is '{line}', expected are its time, value and step") from None
