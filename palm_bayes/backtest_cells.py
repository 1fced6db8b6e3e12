"""The cells of a backtest, and the numbers of episodes on which each is trained."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import pandas as pd

from palm_bayes.errors import DataError
from palm_bayes.runs import Runs
from palm_bayes.tasks import read_tasks

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
    longest : int
        The last episode of its longest repetition.
    task : Runs or None
        The runs of all strategies of its task.
    """

    key: tuple[str, ...]
    runs: Runs | None
    longest: int
    task: Runs | None = None

    @property
    def strategy(self) -> str:
        """Name of the strategy."""
        return self.key[-1]

    def name(self, train: int) -> str:
        """Name for progress: its task, where known, and its strategy."""
        return f"{' / '.join(part for part in self.key if part)} from {train} episodes"


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
) -> list[Cell]:
    """Read the cells, task by task; arguments as in `palm_bayes.backtest`."""
    cells = []
    for task in read_tasks(data, strategies=strategies, dataset=dataset, model=model):
        name = (task.source, task.dataset, task.model)
        for strategy in task.runs.strategies if task.runs else ():
            assert task.runs is not None
            runs = task.runs.strategy(strategy)
            longest = int(runs.table["episode"].max())
            cells.append(Cell((*name, strategy), runs, longest, task.runs))
        cells += [Cell((*name, strategy), None, n) for strategy, n in task.short.items()]
    return cells


def too_short(cell: Cell, train: int) -> str | None:
    """Reason why a cell cannot be judged from its size alone, if there is one."""
    if cell.longest > train and cell.runs is not None:
        return None
    return f"{cell.longest} episodes, needed are {train + 1}: {train} to train, 1 to judge"


def jobs_of(cells: Sequence[Cell], sizes: Callable[[int], list[int]]) -> list[tuple[Cell, int]]:
    """Return what is to be judged; cells of one task and size, which share a fit, in a row."""
    jobs = []
    for _, task in groupby(cells, lambda cell: cell.key[:-1]):
        of_task = [(cell, n) for cell in task for n in sizes(cell.longest)]
        jobs += sorted(of_task, key=itemgetter(1))
    return jobs
