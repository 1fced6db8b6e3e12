"""Tables that hold several tasks, such as a study of many datasets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from palm_bayes.data.columns import TASK
from palm_bayes.data.places import Place
from palm_bayes.data.readers import of_task, read, read_rows
from palm_bayes.data.reading import Reading
from palm_bayes.data.runs import MIN_EPISODES, Runs
from palm_bayes.errors import known

CELL = [*TASK, "strategy"]
"""Columns that name a strategy of a task."""


@dataclass(frozen=True, eq=False)
class Task:
    """One task of a table that may hold several.

    Attributes
    ----------
    source, dataset, model : str
        Empty where the table does not give them.
    runs : Runs or None
        None where every strategy is too short.
    short : mapping of str to int
        Strategies left out as too short, with the number of episodes of their longest run.
    """

    source: str
    dataset: str
    model: str
    runs: Runs | None
    short: Mapping[str, int]


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
    named, notes = reading.named, list[str]()
    table = of_task(read_rows(source, reading, notes), reading.dataset, reading.model)
    if named is not None:
        table = table[table["strategy"].isin(known(named, table["strategy"].unique(), "strategy"))]
    words = [word for word in TASK if word in table]
    groups = table.groupby(words, sort=False) if words else [((), table)]
    asked = {"dataset": reading.dataset or "", "model": reading.model or ""}
    return [
        _task(frame, reading, asked | {word: str(frame[word].iloc[0]) for word in words}, notes)
        for _, frame in groups
    ]


def _task(
    frame: pd.DataFrame, reading: Reading, names: Mapping[str, str], notes: Sequence[str]
) -> Task:
    source, dataset, model = (names.get(word, "") for word in TASK)
    run = [word for word in ("strategy", "repetition") if word in frame]
    longest = frame.groupby(run).size().groupby("strategy").max()
    short = longest[longest < MIN_EPISODES]
    kept = frame[~frame["strategy"].isin(short.index)]
    runs = None
    if len(kept):
        runs = Runs.from_frame(kept, **reading.axis, dataset=dataset, model=model, notes=notes)
    return Task(source, dataset, model, runs, {str(name): int(n) for name, n in short.items()})
