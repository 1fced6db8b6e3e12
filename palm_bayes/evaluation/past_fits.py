"""Fits of past tasks to their first episodes, with what came later: `learn` starts from them."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from palm_bayes.data.runs import Runs
from palm_bayes.evaluation.cells import Cell, Job, later_rows
from palm_bayes.evaluation.held_out import FittedTask, Later, later_of
from palm_bayes.files import put
from palm_bayes.inference.fitting import fit_validated
from palm_bayes.inference.partial_pooling import shared_noise
from palm_bayes.inference.settings import Settings
from palm_bayes.model.learned import Learned
from palm_bayes.model.variables import VERSION


@dataclass(frozen=True, eq=False)
class PastFits:
    """Fits of past tasks, made by workers, and kept in a folder if there is one."""

    begun: Learned
    settings: Settings
    folder: Path | None

    def __call__(self, group: Sequence[Job]) -> FittedTask | None:
        """Fit the cells of one task and size, or read the result that is kept."""
        kept = self.kept_at(group)
        if kept is not None and kept.is_file():
            return read_task(kept)
        (first, train), cells = group[0], [cell for cell, _ in group]
        assert first.task is not None
        seen = first.task.first(train)
        laters = _laters(cells, seen, train, self.begun, self.settings)
        task = FittedTask(first.key[0], tuple(laters), shared_noise(seen))
        if kept is not None:
            put(kept, partial(_write, task=task))
        return task if laters else None

    def kept_at(self, group: Sequence[Job]) -> Path | None:
        """Return the file of a result, None if there is no folder."""
        if self.folder is None:
            return None
        (first, train), names = group[0], [cell.strategy for cell, _ in group]
        assert first.task is not None
        given = asdict(self.settings) | {"cores": None}  # affects speed only
        numbers = json.dumps([self.begun.document()["priors"], given, VERSION])
        about = "\n".join(["2", first.task.sha256(), *first.key[:-1], str(train), *names, numbers])
        return self.folder / f"{hashlib.sha256(about.encode()).hexdigest()[:16]}.npz"


def _laters(
    cells: Sequence[Cell], seen: Runs, train: int, begun: Learned, settings: Settings
) -> list[Later]:
    """Fit what is seen of a task, and extract the later accuracies of its cells."""
    fit = fit_validated(seen, priors="default", learned=begun, settings=settings)
    sampled, found = fit.trace["sampled"].to_dataset(), []
    for cell in cells:
        assert cell.runs is not None
        alone = seen.strategy(cell.strategy)
        rows = later_rows(cell.runs, alone, train)
        if len(rows):
            exact = later_of(sampled.sel(strategy=cell.strategy), alone, rows)
            # As in the files, so that a result that was resumed is the same.
            found.append(Later(*(part.astype(np.float32).astype(float) for part in exact)))
    return found


def _write(draft: Path, task: FittedTask) -> None:
    arrays = {
        f"{i}.{name}": part.astype(np.float32)
        for i, later in enumerate(task.laters)
        for name, part in later._asdict().items()
    }
    with draft.open("wb") as file:
        np.savez_compressed(file, source=task.source, correlation=task.correlation, **arrays)


def read_task(kept: Path) -> FittedTask | None:
    """Read the result of a fit; None if nothing comes later."""
    with np.load(kept) as arrays:
        laters = tuple(
            Later(**{name: arrays[f"{i}.{name}"].astype(float) for name in Later._fields})
            for i in range(sum(name.endswith(f".{Later._fields[0]}") for name in arrays.files))
        )
        source, correlation = str(arrays["source"]), float(arrays["correlation"])
    return FittedTask(source, laters, correlation) if laters else None
