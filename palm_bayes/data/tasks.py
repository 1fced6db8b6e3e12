"""Tables that hold several tasks, such as a study of many datasets."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from palm_bayes.data.columns import TASK
from palm_bayes.data.places import Place
from palm_bayes.data.readers import chosen_rows, chosen_task, read, read_rows
from palm_bayes.data.reading import Reading
from palm_bayes.data.runs import MIN_EPISODES, Runs

CELL = [*TASK, "strategy"]
"""Columns that name a strategy of a task."""


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
    """One task of a table that may hold several.

    Attributes
    ----------
    runs : Runs or None
        None where every strategy is too short.
    short : mapping of str to int
        Strategies left out as too short, with the number of episodes of their longest run.
    """

    runs: Runs | None
    short: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class Draft(TaskNames):
    """Rows of one task, not yet validated.

    Attributes
    ----------
    rows : DataFrame
        As from `palm_bayes.data.readers.read_rows`.
    notes : tuple of str
        How the data were read.
    """

    rows: pd.DataFrame
    notes: tuple[str, ...] = ()

    def sha256(self) -> str:
        """Hash the rows, but not the files they came from."""
        rows = self.rows.drop(columns=["file", "where"], errors="ignore")
        text = rows.to_csv(index=False, lineterminator="\n")
        return hashlib.sha256(text.encode()).hexdigest()

    def task(self, reading: Reading) -> Task:
        """Validate the rows; `DataError` as in `read_runs`, except for too few episodes."""
        run = [word for word in ("strategy", "repetition") if word in self.rows]
        longest = self.rows.groupby(run).size().groupby("strategy").max()
        short = longest[longest < MIN_EPISODES]
        kept = self.rows[~self.rows["strategy"].isin(short.index)]
        runs = None
        if len(kept):
            runs = Runs.from_frame(
                kept, **reading.of_runs, dataset=self.dataset, model=self.model, notes=self.notes
            )
            runs = replace(runs, read_with=reading.of_source)
        return Task(*self.key, runs, {str(name): int(n) for name, n in short.items()})


def read_tasks(source: Runs | Place, reading: Reading) -> list[Task]:
    """Read the runs of every task; strategies that a task lacks are skipped.

    Raises
    ------
    DataError
        As in `read_runs`, except for strategies with too few episodes.
    """
    if isinstance(source, Runs):
        runs = read(source, reading)
        return [Task("", runs.dataset, runs.model, runs, {})]
    return [draft.task(reading) for draft in read_drafts(source, reading)]


def read_drafts(source: Place, reading: Reading) -> list[Draft]:
    """Read the rows of every task of one place; `DataError` if it cannot be read."""
    notes: list[str] = []
    table = chosen_rows(chosen_task(read_rows(source, reading, notes), reading), reading)
    words = [word for word in TASK if word in table]
    groups = table.groupby(words, sort=False) if words else [((), table)]
    asked = {"source": "", "dataset": reading.dataset or "", "model": reading.model or ""}
    return [
        Draft(
            **(asked | {word: str(frame[word].iloc[0]) for word in words}),
            rows=frame,
            notes=tuple(notes),
        )
        for _, frame in groups
    ]
