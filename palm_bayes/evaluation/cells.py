"""The cells of a backtest, and the numbers of episodes on which each is trained."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
import pandas as pd

from palm_bayes.data.runs import Runs
from palm_bayes.data.tasks import read_tasks
from palm_bayes.errors import DataError

FRACTIONS = (0.25, 0.5)
LEAST_EPISODES = 5  # with fewer a curve of four parameters is not held by its data


@dataclass(frozen=True, eq=False)
class Cell:
    """One strategy of one task.

    Attributes
    ----------
    key : tuple of str
        Source, dataset, model and strategy.
    runs : Runs or None
        All its episodes; None where it is too short to be validated.
    episodes : tuple of int
        Numbers of the episodes that were recorded, which need not be 1, 2, 3 and so on.
    task : Runs or None
        The runs of all strategies of its task.
    """

    key: tuple[str, ...]
    runs: Runs | None
    episodes: tuple[int, ...]
    task: Runs | None = None

    @property
    def strategy(self) -> str:
        """Name of the strategy."""
        return self.key[-1]

    def name(self, train: int) -> str:
        """Name for progress: its task, where known, and its strategy."""
        return f"{' / '.join(part for part in self.key if part)} from {train} episodes"

    def cut(self, size: int) -> int:
        """The last of the first `size` episodes by its number; past the last, counted on."""
        known = self.episodes[:size]
        return known[-1] + size - len(known)


def train_size(longest: int, fraction: float) -> int:
    """Episodes to train on: a share of the longest repetition, rounded, at least 5."""
    return max(LEAST_EPISODES, math.floor(fraction * longest + 0.5))


def training_sizes(
    fractions: Sequence[float] | None, episodes: Sequence[int] | None
) -> Callable[[int], list[int]]:
    """Return the function that gives the training sizes of a cell by its longest repetition."""
    shares = list(fractions if fractions is not None else () if episodes else FRACTIONS)
    counts = list(episodes or ())
    for share in shares:
        if not 0 < share < 1:
            raise DataError(f"a train fraction is {share:g}, allowed is between 0 and 1")
    for count in counts:
        if count < LEAST_EPISODES:
            raise DataError(f"train_episodes is {count}, allowed is at least {LEAST_EPISODES}")
    if not shares and not counts:
        raise DataError("no train fraction and no number of train episodes is given")
    return lambda longest: sorted({*counts, *(train_size(longest, share) for share in shares)})


def cells_of(
    data: Runs | pd.DataFrame | str | Path,
    strategies: Sequence[str] | None,
    dataset: str | None,
    model: str | None,
    percent: bool | None,
) -> list[Cell]:
    """Read the cells, task by task; arguments as in `palm_bayes.backtest`."""
    cells = []
    for task in read_tasks(
        data, strategies=strategies, dataset=dataset, model=model, percent=percent
    ):
        name = (task.source, task.dataset, task.model)
        for strategy in task.runs.strategies if task.runs else ():
            assert task.runs is not None
            runs = task.runs.strategy(strategy)
            episodes = tuple(map(int, np.unique(runs.table["episode"])))
            cells.append(Cell((*name, strategy), runs, episodes, task.runs))
        cells += [
            Cell((*name, strategy), None, tuple(range(1, n + 1)))
            for strategy, n in task.short.items()
        ]
    return cells


def too_short(cell: Cell, train: int) -> str | None:
    """Reason why a cell cannot be judged from its size alone, if there is one."""
    last = cell.episodes[-1]
    if last > train and cell.runs is not None:
        return None
    there = len(cell.episodes)
    size = there + train - last
    return f"{there} episodes, needed are {size + 1}: {size} to train, 1 to judge"


def later_rows(full: Runs, seen: Runs, train: int) -> pd.DataFrame:
    """Rows of later episodes of the repetitions that have begun: no other can be continued."""
    table = full.table[full.table["episode"] > train]
    return table[table["repetition"].isin(seen.table["repetition"])]


def jobs_of(cells: Sequence[Cell], sizes: Callable[[int], list[int]]) -> list[tuple[Cell, int]]:
    """Return what is to be judged: cells, and the number of the last episode to train on.

    Cells of one task and number, which share a fit, come in a row.
    """
    jobs = []
    for _, task in groupby(cells, lambda cell: cell.key[:-1]):
        of_task = [(cell, cell.cut(n)) for cell in task for n in sizes(len(cell.episodes))]
        jobs += sorted(of_task, key=itemgetter(1))
    return jobs
