"""Tables that hold several tasks, such as a study of many datasets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from palm_bayes.data.readers import TASK, of_task, read_runs, read_table
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


def read_tasks(
    source: Runs | pd.DataFrame | str | Path,
    *,
    strategies: Sequence[str] | None = None,
    dataset: str | None = None,
    model: str | None = None,
    percent: bool | None = None,
) -> list[Task]:
    """Read the runs of every task.

    Parameters
    ----------
    source, strategies, dataset, model, percent
        As in `read_runs`; strategies that a task lacks are skipped.

    Raises
    ------
    DataError
        As in `read_runs`, except for strategies with too few episodes.
    """
    if isinstance(source, Runs) or (
        not isinstance(source, pd.DataFrame) and Path(source).expanduser().is_dir()
    ):
        runs = read_runs(
            source, strategies=strategies, dataset=dataset, model=model, percent=percent
        )
        return [Task("", runs.dataset, runs.model, runs, {})]
    named = [strategies] if isinstance(strategies, str) else strategies
    table = of_task(read_table(source), dataset, model)
    if named is not None:
        table = table[table["strategy"].isin(known(named, table["strategy"].unique(), "strategy"))]
    words = [word for word in TASK if word in table]
    groups = table.groupby(words, sort=False) if words else [((), table)]
    asked = {"dataset": dataset or "", "model": model or ""}
    return [
        _task(frame, percent, asked | {word: str(frame[word].iloc[0]) for word in words})
        for _, frame in groups
    ]


def _task(frame: pd.DataFrame, percent: bool | None, names: Mapping[str, str]) -> Task:
    source, dataset, model = (names.get(word, "") for word in TASK)
    run = [word for word in ("strategy", "repetition") if word in frame]
    longest = frame.groupby(run).size().groupby("strategy").max()
    short = longest[longest < MIN_EPISODES]
    kept = frame[~frame["strategy"].isin(short.index)]
    runs = None
    if len(kept):
        runs = Runs.from_frame(kept, percent=percent, dataset=dataset, model=model)
    return Task(source, dataset, model, runs, {str(name): int(n) for name, n in short.items()})
