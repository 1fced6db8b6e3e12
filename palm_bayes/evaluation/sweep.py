"""Sweeps: the tasks of a study on the workers of a cluster, and their answers joined.

A task with a finished part is not fitted again, even if a worker or the scheduler was killed.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from palm_bayes.errors import WorkerError
from palm_bayes.evaluation.answers import TRACES, TaskOutcome, Work, cells_of, failures, name_of
from palm_bayes.evaluation.checkpoints import Checkpoints, Columns, alone_in
from palm_bayes.evaluation.runner import Crew, running
from palm_bayes.evaluation.sweep_result import Sweep, write
from palm_bayes.files import make_folder
from palm_bayes.reading.tasks import Draft, Study

PARTS = "parts"
_UNSEEN = (
    "a worker finished it, but its part is not in the output folder as seen from here: do all "
    "workers share this folder? Run the same again"
)


@dataclass(frozen=True)
class Standing:
    """Progress of a sweep, in cells (a cell is one strategy of one task).

    Attributes
    ----------
    total, done, failed : int
        `done` includes cells set aside and cells of earlier calls.
    rate : float
        Cells a second in this call.
    left : float
        Estimated seconds left; infinite before the first task.
    dashboard : str or None
        Address of Dask's dashboard.
    """

    total: int
    done: int
    failed: int
    rate: float
    left: float
    dashboard: str | None


type Progress = Callable[[Standing], None]


def run_sweep(
    study: Study, folder: Path, work: Work, crew: Crew, *, fresh: bool, progress: Progress
) -> Sweep:
    """Fit the tasks that are not done, and join the parts of all; see `palm_bayes.sweep`."""
    with alone_in(folder / PARTS):
        kept = Checkpoints.open(folder / PARTS, work.settings_of(), fresh=fresh)
        if work.traces:
            make_folder(folder / TRACES)
        jobs = {name_of(draft): draft for draft in study.drafts}
        waiting = {name: draft for name, draft in jobs.items() if not kept.has(name)}
        placed = replace(work, kept=kept, settings=crew.suited(work.settings))
        lost = _run(placed, jobs, waiting, crew, progress)
        write(folder, _all_parts(study, kept, jobs, lost))
    return Sweep.load(folder)


def _run(
    work: Work,
    jobs: Mapping[str, Draft],
    waiting: Mapping[str, Draft],
    crew: Crew,
    progress: Progress,
) -> dict[str, str]:
    """Run the waiting jobs; return the reasons of those that failed, by name."""
    total = sum(map(cells_of, jobs.values()))
    before = total - sum(map(cells_of, waiting.values()))
    done, failed, lost = before, 0, dict[str, str]()
    if not waiting:
        return lost
    with running(crew) as runner:
        progress(Standing(total, done, 0, 0.0, np.inf, runner.dashboard))
        start = time.monotonic()
        for name, result in runner.run(work, waiting):
            cells = cells_of(waiting[name])
            outcome = TaskOutcome(cells, str(result)) if isinstance(result, WorkerError) else result
            if outcome.error:
                lost[name] = outcome.error
            done, failed = done + cells, failed + outcome.failed
            rate = (done - before) / max(time.monotonic() - start, 1e-9)
            left = (total - done) / rate
            progress(Standing(total, done, failed, rate, left, runner.dashboard))
    return lost


def _all_parts(
    study: Study, kept: Checkpoints, jobs: Mapping[str, Draft], lost: Mapping[str, str]
) -> Iterator[Columns]:
    """Yield the parts of all tasks, in the order of the study, then places that were not read."""
    for name, draft in jobs.items():
        part = kept.columns(name)
        if part is None:
            lacking = failures(draft, "fit", lost.get(name, _UNSEEN))
            part = {
                table: {str(word): values for word, values in rows.to_dict("list").items()}
                for table, rows in lacking.items()
            }
        yield part
    for place, reason in study.unread.items():
        row = {"source": place, "dataset": "", "model": "", "strategy": ""}
        row |= {"question": "read", "reason": reason}
        yield {"failures": {word: [value] for word, value in row.items()}}
