"""How many cells a second does a sweep fit, what does Dask add, does memory grow? See README.md.

python benchmarks/scale.py --curves DIR --cells 60 --workers 1 2 --plain 20
python benchmarks/scale.py --simulated 10000 --workers 2 --out simulated
"""

import logging
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
from cells import TASK, cells, curves_parser
from designs import Design, drawn

import palm_bayes
from palm_bayes.data.runs import Runs
from palm_bayes.evaluation.runner import Crew, running
from palm_bayes.inference.settings import OF_SWEEPS
from palm_bayes.reading.options import Reading
from palm_bayes.reading.tasks import read_study

START = 0.25  # share of the cells before the steady state
SECONDS = 1.0  # between measurements of memory
DESIGN = Design(strategies=2)  # of simulated tasks: 3 repetitions of 8 episodes
TENTHS = 10


def main() -> None:
    parser = curves_parser(__doc__, required=False)
    parser.add_argument("--cells", type=int, default=60, metavar="N")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], metavar="N")
    parser.add_argument("--draws", type=int, default=OF_SWEEPS.draws, metavar="N", help="per chain")
    parser.add_argument("--jobs", type=int, default=2000, help="empty jobs, for the overhead")
    parser.add_argument("--plain", type=int, default=0, metavar="N", help="cells by pm.sample")
    parser.add_argument("--simulated", type=int, default=0, metavar="N", help="cells, no curves")
    parser.add_argument("--out", type=Path, help="of simulated cells: a sweep that can go on")
    args = parser.parse_args()
    if bool(args.simulated) == bool(args.curves):
        parser.error("give either --curves DIR or --simulated N")
    if args.simulated:
        with folder_of(args.out) as out:
            end_to_end(args.simulated, args.workers[-1], out)
        return
    table = halves(args.curves, args.cells)
    rows = [measured(table, count, args.draws) for count in args.workers]
    print(pd.DataFrame(rows).to_string(index=False))
    for before, after in pairwise(rows):
        ratio = after["cells/s"] / before["cells/s"]
        print(f"{after['workers']} workers: {ratio:.2f} times {before['workers']}")
    if args.jobs:
        wall, own = overhead(table, args.jobs, args.workers[-1])
        print(f"Dask: {1000 * wall:.2f} ms for an empty job of a task's data, {args.jobs} jobs;")
        print(f"{1000 * own:.2f} CPU ms of them by client and scheduler")
    if args.plain:
        plain(table, args.plain, rows)


def halves(folder: Path, count: int) -> pd.DataFrame:
    """Return whole tasks of about `count` cells from all sources, each cell at half its length."""
    every: dict[tuple[str, ...], list[pd.DataFrame]] = {}
    for cell in cells(folder):
        task = cell.source, cell.full.dataset, cell.full.model
        rows = cell.half.table.drop(columns="x")
        every.setdefault(task, []).append(rows.assign(**dict(zip(TASK, task, strict=True))))
    tasks = list(every.values())
    order = np.random.default_rng(0).permutation(len(tasks))
    chosen, there = list[pd.DataFrame](), 0
    for i in order:
        if there < count:
            chosen += tasks[i]
            there += len(tasks[i])
    return pd.concat(chosen, ignore_index=True)


@contextmanager
def folder_of(out: Path | None) -> Iterator[Path]:
    """Provide the folder that was asked for, or a temporary one."""
    if out is not None:
        yield out
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@dataclass
class Watched:
    """A sweep as it went: cells done and in all, and resident megabytes, by time in seconds."""

    done: list[tuple[float, int, int]] = field(default_factory=list)
    memory: list[tuple[float, float, float]] = field(default_factory=list)  # workers, client

    def note(self, at: Any) -> None:
        """Note how far the sweep is: its `progress`."""
        self.done.append((time.monotonic(), at.done, at.total))

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Measure memory in the background."""
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(SECONDS):
                self.memory.append((time.monotonic(), *used_memory()))

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()


def used_memory() -> tuple[float, float]:
    """Return the resident megabytes of all processes that this one started, and its own."""
    used = 0
    for child in psutil.Process().children(recursive=True):
        try:
            used += child.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return used / 1e6, psutil.Process().memory_info().rss / 1e6


def measured(table: pd.DataFrame, workers: int, draws: int) -> dict[str, Any]:
    """Sweep the table, and return its rate in the steady state and the workers' memory."""
    watched, start = Watched(), time.monotonic()
    with tempfile.TemporaryDirectory() as out:
        with watched.watching():
            found = palm_bayes.sweep(
                table, out, workers=workers, draws=draws, progress=watched.note
            )
        size = sum(path.stat().st_size for path in Path(out).glob("*.parquet"))
        verdicts = found.verdicts
    total = watched.done[-1][2]
    begun, done, _ = next(row for row in watched.done if row[1] >= START * total)
    late = watched.memory[len(watched.memory) // 3 :]
    steady = [used for _, used, _ in late if used]
    third = max(len(steady) // 3, 1)
    return {
        "workers": workers,
        "cells": total,
        "seconds": round(time.monotonic() - start, 1),
        "cells/s": (total - done) / (watched.done[-1][0] - begun),
        "converged": round(float(verdicts["converged"].mean()), 3),
        "first try": round(float((verdicts["attempts"] == 1).mean()), 3),
        "MB a worker, early": round(np.mean(steady[:third]) / workers),
        "late": round(np.mean(steady[-third:]) / workers),
        "Parquet KB a cell": round(size / total / 1000, 1),
    }


def overhead(table: pd.DataFrame, count: int, workers: int) -> tuple[float, float]:
    """Return the seconds of one job that does nothing, with the data of a task.

    And the CPU seconds of this process, which is the client and the scheduler.
    """
    drafts = read_study(table, Reading()).drafts
    jobs = {f"job {i}": drafts[i % len(drafts)] for i in range(count)}
    with running(Crew(workers)) as runner:
        list(runner.run(nothing, dict(list(jobs.items())[: 10 * workers])))
        start, before = time.monotonic(), time.process_time()
        list(runner.run(nothing, {f"again {name}": job for name, job in jobs.items()}))
        return (time.monotonic() - start) / count, (time.process_time() - before) / count


def nothing(draft: object) -> None:
    del draft


def plain(table: pd.DataFrame, count: int, rows: list[dict[str, Any]]) -> None:
    """Fit so many of the cells in a loop of plain `pm.sample`, and compare its rate."""
    logging.getLogger("pymc").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    every = [cell for _, cell in table.groupby([*TASK, "strategy"], sort=False)]
    chosen = [every[i] for i in np.linspace(0, len(every) - 1, count).round().astype(int)]
    sampled(chosen[0])  # what is compiled for every user is not counted
    start = time.monotonic()
    passed = [sampled(cell) for cell in chosen]
    rate = count / (time.monotonic() - start)
    print(f"Plain pm.sample: {rate:.4f} cells/s, {count} cells, {np.mean(passed):.0%} converged")
    for row in rows:
        ratio = row["cells/s"] / rate
        print(f"{row['workers']} workers: {ratio:.1f} times the loop of plain pm.sample")


def sampled(cell: pd.DataFrame) -> bool:
    """Build and sample the plain model of a cell by PyMC's defaults; return its verdict."""
    import pymc as pm  # here: workers import this file, and their memory is measured
    from plain import NAIVE, judged, naive, naive_data

    runs = Runs.from_frame(cell[["strategy", "repetition", "labels", "accuracy"]])
    with pm.Model():
        naive(**naive_data(runs))
        tree = pm.sample(progressbar=False, random_seed=1)
    return bool(judged(tree, NAIVE)[1]["passed"])


def end_to_end(count: int, workers: int, out: Path) -> None:
    """Sweep simulated cells from their file on, and print tenths of the run."""
    out.mkdir(parents=True, exist_ok=True)
    file = out / f"simulated-{count}.parquet"
    if not file.exists():
        simulated(count // DESIGN.strategies).to_parquet(file)
    watched, start = Watched(), time.monotonic()
    with watched.watching():
        found = palm_bayes.sweep(file, out, workers=workers, progress=watched.note)
    seconds = time.monotonic() - start
    if len(watched.done) > 1:
        print(tenths(watched, workers).to_string(index=False))
        cells = watched.done[-1][1] - watched.done[0][1]
        begun, ended = watched.done[0][0] - start, start + seconds - watched.done[-1][0]
        print(f"{cells} cells from reading to overview: {seconds:.0f} s, {cells / seconds:.3f}/s,")
        print(f"of which {begun:.1f} s before the first job and {ended:.1f} s after the last")
    print(found.sentence)


def simulated(tasks: int) -> pd.DataFrame:
    """Draw tasks from the priors of curves and noise, by plain NumPy."""
    parts = []
    for i in range(tasks):
        rows = drawn(DESIGN, np.random.default_rng([i])).runs.table
        kept = rows[["strategy", "repetition", "labels", "accuracy"]]
        parts.append(kept.assign(dataset=f"task {i}", model="simulated"))
        print(f"drawn: {(i + 1) / tasks:6.1%}", end="\r", flush=True)
    return pd.concat(parts, ignore_index=True)


def tenths(watched: Watched, workers: int) -> pd.DataFrame:
    """Tabulate rate and memory of each tenth of the cells done."""
    times, done, _ = np.array(watched.done).T
    ends = done[0] + (done[-1] - done[0]) * np.arange(TENTHS + 1) / TENTHS
    at = times[np.searchsorted(done, ends)]
    cells = np.diff(done[np.searchsorted(done, ends)])
    memory = pd.DataFrame(watched.memory, columns=["time", "workers", "client"])
    tenth = np.searchsorted(at, memory["time"], side="right") - 1
    mean = memory.groupby(tenth)[["workers", "client"]].mean()
    table = pd.DataFrame({"tenth": np.arange(1, TENTHS + 1), "cells": cells.astype(int)})
    table["seconds"] = np.diff(at)
    table["cells/s"] = table["cells"] / table["seconds"]
    table["MB a worker"] = mean["workers"].reindex(table.index) / workers
    table["MB of the client"] = mean["client"].reindex(table.index)
    table = table[table["cells"] > 0]  # a task is larger than the tenth of a short run
    return table.round({"seconds": 1, "cells/s": 3, "MB a worker": 0, "MB of the client": 0})


if __name__ == "__main__":
    main()
