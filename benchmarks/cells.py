"""What the benchmarks share: real curves by cell, (source, dataset, model, strategy), and rows."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from palm_bayes.data.runs import Runs
from palm_bayes.evaluation.checkpoints import SETTINGS, Checkpoints
from palm_bayes.reading.read import read_runs

TASK = ["source", "dataset", "model"]
LEAST_REPETITIONS = 3
LEAST_EPISODES = 5


@dataclass(frozen=True, eq=False)
class Cell:
    """One strategy of one task: `half` is its first half, at least five episodes, of `full`."""

    id: str
    half: Runs
    full: Runs

    @property
    def source(self) -> str:
        return self.id.partition("/")[0]


def tasks(folder: Path) -> Iterator[tuple[tuple[str, ...], Runs]]:
    """Yield name and runs of every task, files in alphabetical order."""
    for file in sorted(folder.glob("*.csv.gz")):
        table = pd.read_csv(file, dtype=dict.fromkeys(TASK, str), keep_default_na=False)
        for task, frame in table.groupby(TASK, sort=True):
            yield task, read_runs(frame)


def cells(folder: Path, stride: int = 1) -> Iterator[Cell]:
    """Yield every `stride`-th cell with at least three repetitions."""
    number = 0
    for task, runs in tasks(folder):
        for strategy in sorted(runs.strategies):
            full = runs.strategy(strategy)
            if full.table["repetition"].nunique() < LEAST_REPETITIONS:
                continue
            if number % stride == 0:
                half = max(LEAST_EPISODES, int(full.table["episode"].max()) // 2)
                yield Cell("/".join((*task, strategy)), full.first(half), full)
            number += 1


def curves_parser(
    doc: str | None,
    *,
    required: bool = True,
    stride: int | None = None,
    out: str = "",
    fresh: bool = False,
) -> argparse.ArgumentParser:
    """Return the parser of a script, with ``--curves DIR``, which is checked when it is parsed.

    Given their defaults, it has ``--stride`` and ``--out`` too, and with `fresh` ``--fresh``.
    """
    parser = argparse.ArgumentParser(description=(doc or "").partition("\n")[0])
    parser.add_argument(
        "--curves", type=_folder, required=required, metavar="DIR", help="folder of *.csv.gz curves"
    )
    if stride is not None:
        every = f"take every N-th cell, run or task (default {stride})"
        parser.add_argument("--stride", type=int, default=stride, metavar="N", help=every)
    if out:
        parser.add_argument("--out", type=Path, default=Path(out), help="resumed if it is there")
    if fresh:
        again = "start anew: the model has changed"
        parser.add_argument("--fresh", action="store_true", help=again)
    return parser


def _folder(name: str) -> Path:
    folder = Path(name).expanduser()
    if not folder.is_dir():
        raise argparse.ArgumentTypeError(f"{folder} is not a folder; it must hold real curves")
    if not list(folder.glob("*.csv.gz")):
        raise argparse.ArgumentTypeError(f"{folder} holds no *.csv.gz file of curves")
    return folder


def show_progress(what: str, _: str, done: float) -> None:
    """Print how far a backtest or `learn` is: their ``progress``."""
    print(f"{done:6.1%}  {what}", flush=True)


def append(out: Path, row: dict[str, Any]) -> None:
    """Add a row to a CSV file, from which a script that was cut off goes on."""
    pd.DataFrame([row]).to_csv(out, mode="a", header=not out.exists(), index=False)


def kept_in(folder: Path) -> Checkpoints:
    """Open the parts that are in a folder, whatever their settings."""
    return Checkpoints.open(folder, json.loads((folder / SETTINGS).read_text()))


def done(out: Path, key: list[str]) -> set[tuple[Any, ...]]:
    """Return the keys of the rows that are there."""
    return set(pd.read_csv(out).set_index(key).index) if out.exists() else set()
