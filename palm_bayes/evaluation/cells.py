"""Cells of a backtest, and the numbers of episodes on which each is trained."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

import numpy as np
import pandas as pd

from palm_bayes.data.runs import Runs
from palm_bayes.errors import DataError, require_inside, several, whole
from palm_bayes.reading.options import Reading
from palm_bayes.reading.sources import Source
from palm_bayes.reading.tasks import Task, read_study, read_tasks

FRACTIONS = (0.25, 0.5)
LEAST_EPISODES = 5  # with fewer, data do not determine four parameters


type Job = tuple[Cell, int]
"""A cell to fit, and the number of its last training episode."""


@dataclass(frozen=True, eq=False)
class Cell:
    """One strategy of one task.

    Attributes
    ----------
    key : tuple of str
        Source, dataset, model and strategy.
    episodes : tuple of int
        Numbers of the recorded episodes, not necessarily 1, 2, 3 and so on.
    task : Runs or None
        The runs of all strategies of its task; None if it is too short to be validated.
    """

    key: tuple[str, ...]
    episodes: tuple[int, ...]
    task: Runs | None = None

    @property
    def runs(self) -> Runs | None:
        """All its episodes, which `task` holds; None if it is too short to be validated."""
        return self.task and self.task.strategy(self.strategy)

    @property
    def strategy(self) -> str:
        """Name of the strategy."""
        return self.key[-1]

    def cut(self, size: int) -> int:
        """Return the number of the `size`-th episode, extrapolated past the last."""
        known = self.episodes[:size]
        return known[-1] + size - len(known)


def train_size(longest: int, fraction: float) -> int:
    """Return the training episodes: a share of the longest repetition, rounded, at least 5."""
    return max(LEAST_EPISODES, math.floor(fraction * longest + 0.5))


def training_sizes(
    fractions: Sequence[float] | float | None, episodes: Sequence[int] | int | None
) -> Callable[[int], list[int]]:
    """Return a function from the length of the longest repetition to the training sizes."""
    counts = [] if episodes is None else several(episodes)
    shares = several(fractions) if fractions is not None else [] if counts else [*FRACTIONS]
    for share in shares:
        require_inside(share, "a training fraction")
    for count in counts:
        whole(count, "train_episodes", LEAST_EPISODES)
    if not shares and not counts:
        raise DataError("neither a training fraction nor a number of training episodes is given")
    return lambda longest: sorted({*counts, *(train_size(longest, share) for share in shares)})


def read_cells(data: Runs | Source, reading: Reading) -> list[Cell]:
    """Read the cells, task by task."""
    return [cell for task in read_tasks(data, reading) for cell in _cells(task)]


def read_study_cells(data: Source, reading: Reading) -> list[Cell]:
    """Read the cells of a study to learn from, task by task.

    `DataError` if a place cannot be read, or has means, whose noise is not that of a repetition.
    """
    study = read_study(data, reading)
    if study.unread:
        raise DataError(next(iter(study.unread.values())))
    cells = [cell for draft in study.drafts for cell in _cells(draft.task(reading))]
    if of_means := [cell for cell in cells if cell.runs and cell.runs.of_means]:
        name = " / ".join(filter(None, of_means[0].key))
        raise DataError(f"{name} has means of repetitions: learning needs single repetitions")
    return cells


def _cells(task: Task) -> list[Cell]:
    """Return the cells of a task; those too short to be validated last."""
    cells = []
    if task.runs is not None:
        for strategy, rows in task.runs.table.groupby("strategy", sort=False):
            episodes = tuple(map(int, np.unique(rows["episode"])))
            cells.append(Cell((*task.key, str(strategy)), episodes, task.runs))
    short = task.short.items()
    return cells + [Cell((*task.key, name), tuple(range(1, n + 1))) for name, n in short]


def too_short(cell: Cell, train: int) -> str | None:
    """Return the reason if a cell is too short to be scored."""
    last = cell.episodes[-1]
    if last > train and cell.runs is not None:
        return None
    there = len(cell.episodes)
    size = there + train - last
    return f"{there} episodes, needed are {size + 1}: {size} to train, 1 to score"


def later_rows(full: Runs, seen: Runs, train: int) -> pd.DataFrame:
    """Return rows of later episodes of repetitions with training data."""
    table = full.table[full.table["episode"] > train]
    return table[table["repetition"].isin(seen.table["repetition"])]


def means_by_episode(rows: pd.DataFrame) -> pd.DataFrame:
    """Average the accuracies of each episode over repetitions, at their median x and labels."""
    return rows.groupby("episode", as_index=False).agg(
        x=("x", "median"), labels=("labels", "median"), accuracy=("accuracy", "mean")
    )


def jobs_of(cells: Sequence[Cell], sizes: Callable[[int], list[int]]) -> list[Job]:
    """Return the cells to score, each with the number of the last training episode.

    Cells of one task and number, which share a fit, are consecutive.
    """
    jobs = []
    for _, task in groupby(cells, lambda cell: cell.key[:-1]):
        of_task = [(cell, cell.cut(n)) for cell in task for n in sizes(len(cell.episodes))]
        jobs += sorted(of_task, key=itemgetter(1))
    return jobs


def fits_of(jobs: Sequence[Job]) -> dict[str, list[Job]]:
    """Group the jobs that share a fit, by a name for the fit."""
    fits = [list(fit) for _, fit in groupby(jobs, lambda job: (job[0].key[:-1], job[1]))]
    named = {}
    for i, fit in enumerate(fits, 1):
        cell, train = fit[0]
        task = " / ".join(filter(None, cell.key[:-1])) or "fit"
        named[f"{task} from {train} episodes, {i} of {len(fits)}"] = fit
    return named
