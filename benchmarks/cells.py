"""The real curves that the benchmarks share: cells, a (source, dataset, model, strategy) each."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from palm_bayes.data.readers import read_runs
from palm_bayes.data.runs import Runs

TASK = ["source", "dataset", "model"]
LEAST_REPETITIONS = 3
LEAST_EPISODES = 5


@dataclass(frozen=True, eq=False)
class Cell:
    """One strategy of one task: `half` is its first half, at least five episodes, of `full`."""

    id: str
    half: Runs
    full: Runs


def cells(folder: Path, stride: int = 1) -> Iterator[Cell]:
    """Yield every `stride`-th cell with at least three repetitions, files in alphabetical order."""
    number = 0
    for file in sorted(folder.glob("*.csv.gz")):
        table = pd.read_csv(file, dtype=dict.fromkeys(TASK, str), keep_default_na=False)
        for task, frame in table.groupby(TASK, sort=True):
            runs = read_runs(frame)
            for strategy in sorted(runs.strategies):
                full = runs.strategy(strategy)
                if full.table["repetition"].nunique() < LEAST_REPETITIONS:
                    continue
                if number % stride == 0:
                    half = max(LEAST_EPISODES, int(full.table["episode"].max()) // 2)
                    yield Cell("/".join((*task, strategy)), full.first(half), full)
                number += 1


def curves_argument(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add ``--curves DIR``, checked when it is parsed."""
    parser.add_argument(
        "--curves", type=_folder, required=required, metavar="DIR", help="folder of *.csv.gz curves"
    )


def _folder(name: str) -> Path:
    folder = Path(name).expanduser()
    if not folder.is_dir():
        raise argparse.ArgumentTypeError(f"{folder} is not a folder; it must hold real curves")
    if not list(folder.glob("*.csv.gz")):
        raise argparse.ArgumentTypeError(f"{folder} holds no *.csv.gz file of curves")
    return folder
