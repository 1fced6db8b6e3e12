"""Tasks of tables, and of studies: several tables, or a tree of folders."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from palm_bayes.data.limits import MIN_EPISODES
from palm_bayes.data.runs import Runs
from palm_bayes.data.validation import TASK
from palm_bayes.errors import DataError
from palm_bayes.reading.mlflow import runs_in
from palm_bayes.reading.options import Reading
from palm_bayes.reading.read import chosen_rows, read, read_rows
from palm_bayes.reading.run_names import Y_FILE
from palm_bayes.reading.sources import Source, matching, suffix


@dataclass(frozen=True, eq=False)
class TaskNames:
    """Names of a task; empty where the table does not give them."""

    source: str
    dataset: str
    model: str

    @property
    def key(self) -> tuple[str, str, str]:
        """Source, dataset and model."""
        return self.source, self.dataset, self.model

    @property
    def names(self) -> dict[str, str]:
        """Source, dataset and model by word."""
        return dict(zip(TASK, self.key, strict=True))


@dataclass(frozen=True, eq=False)
class Task(TaskNames):
    """One task of a table that may hold several."""

    runs: Runs | None  # None where every strategy is too short
    short: Mapping[str, int]  # strategies left out as such, with the episodes of the longest run


@dataclass(frozen=True, eq=False)
class Draft(TaskNames):
    """Rows of one task, as from `palm_bayes.reading.read.read_rows`, and how they were read."""

    rows: pd.DataFrame
    notes: tuple[str, ...] = ()

    def sha256(self) -> str:
        """Hash the rows, but not the files they came from."""
        rows = self.rows.drop(columns=["file", "where"], errors="ignore")
        return hashlib.sha256(rows.to_csv(index=False, lineterminator="\n").encode()).hexdigest()

    def task(self, reading: Reading) -> Task:
        """Validate the rows; `DataError` as in `read_runs`, except for too few episodes."""
        run = [word for word in ("strategy", "repetition") if word in self.rows]
        longest = self.rows.groupby(run).size().groupby("strategy").max()
        short = longest[longest < MIN_EPISODES]
        kept, runs = self.rows[~self.rows["strategy"].isin(short.index)], None
        if len(kept):
            runs = Runs.from_frame(
                kept, **reading.of_runs, dataset=self.dataset, model=self.model, notes=self.notes
            )
            runs = replace(runs, read_with=reading.of_source)
        return Task(*self.key, runs, {str(name): int(n) for name, n in short.items()})


def read_tasks(source: Runs | Source, reading: Reading) -> list[Task]:
    """Read the runs of every task; strategies that a task lacks are skipped.

    `DataError` as in `read_runs`, except for strategies with too few episodes.
    """
    if isinstance(source, Runs):
        runs = read(source, reading)
        return [Task("", runs.dataset, runs.model, runs, {})]
    return [draft.task(reading) for draft in _read_drafts(source, reading)]


def _read_drafts(source: Source, reading: Reading) -> list[Draft]:
    """Read the rows of every task of one place; `DataError` if it cannot be read."""
    notes: list[str] = []
    table = chosen_rows(read_rows(source, reading, notes), reading)
    words = [word for word in TASK if word in table]
    asked = {"source": "", "dataset": reading.dataset or "", "model": reading.model or ""}
    return [
        Draft(
            **(asked | {word: str(frame[word].iloc[0]) for word in words}),
            rows=frame,
            notes=tuple(notes),
        )
        for _, frame in (table.groupby(words, sort=False) if words else [((), table)])
    ]


@dataclass(frozen=True, eq=False)
class Study:
    """Tasks of a study, each with another key, and why places were not read, by their paths."""

    drafts: tuple[Draft, ...]
    unread: dict[str, str]


def read_study(source: Source, reading: Reading) -> Study:
    """Read the rows of every task of a study.

    Each path named is a place of its own, read as by `palm_bayes.fit`. So is, in a folder, each
    folder that holds tables or PALM's runs, or is an experiment of MLflow. A task that its table
    does not name has the name of its place. Rows of the same task from several places are put
    together. `DataError` if a path does not exist, if no place can be read, or if files are parts
    of one task.
    """
    if not isinstance(source, (str, Path, list, tuple)):
        return Study(_merged_tasks(_read_drafts(source, reading)), {})
    drafts, unread = list[Draft](), dict[str, str]()
    paths, apart = matching([source] if isinstance(source, (str, Path)) else source), list[Path]()
    for place, name in _named_places(paths):
        try:
            found = _read_drafts(place, reading)
        except DataError as error:
            unread[str(place)] = str(error)
            continue
        drafts += [_named_by_path(draft, name) for draft in found]
        apart += [place] * (place.is_file() and _is_part(found, name[-1]))
    if len({file.parent for file in apart}) < len(apart) == len(paths):
        raise DataError(
            f"{apart[0]} and {len(apart) - 1} more hold one strategy each, and are named by it: to "
            f"read them as one task, name their folder, {apart[0].parent}"
        )
    if not drafts:
        raise DataError(next(iter(unread.values()), "no path is named: there is nothing to read"))
    return Study(_merged_tasks(drafts), unread)


def _is_part(drafts: Sequence[Draft], name: str) -> bool:
    """Return True for a file of one strategy, which names it, and not the task."""
    strategies = {str(one) for draft in drafts for one in draft.rows["strategy"].unique()}
    return len(strategies) == 1 and strategies.pop() in name and not any(drafts[0].key)


def _named_places(paths: Sequence[Path]) -> list[tuple[Path, tuple[str, ...]]]:
    """Return all places of these paths, each with the parts of its name."""
    if missing := [path for path in paths if not path.exists()]:
        raise DataError(f"{missing[0]} does not exist")
    files = [path for path in paths if not path.is_dir()]
    full = [Path(os.path.abspath(file)) for file in files]  # noqa: PTH100 -- without ..
    top = Path(os.path.commonpath([file.parent for file in full])) if files else Path()
    named = [
        (file, (*whole.relative_to(top).parts[:-1], whole.name.removesuffix(suffix(whole))))
        for file, whole in zip(files, full, strict=True)
    ]
    if len(files) == len(paths) > 1 and len({parts[-1] for _, parts in named}) == 1:
        return [(place, parts[:-1] or parts) for place, parts in named]  # cifar10/runs.csv
    return named + [
        (place, place.relative_to(folder).parts or (folder.resolve().name,))
        for folder in paths
        if folder.is_dir()
        for place in _places(folder)
    ]


def _places(folder: Path) -> list[Path]:
    """Return the folders that hold tables, or runs of PALM or MLflow; itself if none does."""

    def below(base: Path) -> list[Path]:
        inside = sorted(path for path in base.iterdir() if not path.name.startswith("."))
        if runs_in(base, depth=1):
            return [base]
        runs = {path for path in inside if (path / Y_FILE).is_file()}
        here = runs or any(path.is_file() and suffix(path) for path in inside)
        folders = [path for path in inside if path.is_dir() and path not in runs]
        return [base] * bool(here) + [place for one in folders for place in below(one)]

    return below(folder) or [folder]


def _named_by_path(draft: Draft, parts: tuple[str, ...]) -> Draft:
    """Name a task by the parts of its path if its table does not name it."""
    if any(draft.key):
        return draft
    *above, last = parts
    if not above:
        return replace(draft, dataset=last)
    return replace(draft, source="/".join(above[:-1]), dataset=above[-1], model=last)


def _merged_tasks(drafts: Sequence[Draft]) -> tuple[Draft, ...]:
    tasks: dict[tuple[str, ...], list[Draft]] = {}
    for draft in drafts:
        tasks.setdefault(draft.key, []).append(draft)
    return tuple(
        replace(
            same[0],
            rows=pd.concat([draft.rows for draft in same], ignore_index=True),
            notes=tuple(dict.fromkeys(note for draft in same for note in draft.notes)),
        )
        for same in tasks.values()
    )
