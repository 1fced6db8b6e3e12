"""How many cells a second does a sweep fit, what does Dask add, does memory grow? See README.md.

python benchmarks/scale.py --curves DIR --cells 60 --workers 1 2
"""

import argparse
import tempfile
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
from cells import cells, curves_argument

import palm_bayes
from palm_bayes.data.reading import Reading
from palm_bayes.data.studies import read_study
from palm_bayes.evaluation.runner import Crew, running

TASK = ["source", "dataset", "model"]
START = 0.25  # share of the cells before the steady state
SECONDS = 1.0  # between measurements of memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    curves_argument(parser)
    parser.add_argument("--cells", type=int, default=60, metavar="N")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], metavar="N")
    parser.add_argument("--jobs", type=int, default=2000, help="empty jobs, for the overhead")
    args = parser.parse_args()
    table = halves(args.curves, args.cells)
    rows = [measured(table, count) for count in args.workers]
    print(pd.DataFrame(rows).to_string(index=False))
    for before, after in pairwise(rows):
        ratio = after["cells/s"] / before["cells/s"]
        print(f"{after['workers']} workers: {ratio:.2f} times {before['workers']}")
    alone = overhead(table, args.jobs, args.workers[-1])
    print(f"Dask: {1000 * alone:.2f} ms for an empty job of a task's data, {args.jobs} jobs")


def halves(folder: Path, count: int) -> pd.DataFrame:
    """Return whole tasks of about `count` cells from all sources, each cell at half its length."""
    every: dict[tuple[str, ...], list[pd.DataFrame]] = {}
    for cell in cells(folder):
        task = cell.id.split("/")[0], cell.full.dataset, cell.full.model
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


def measured(table: pd.DataFrame, workers: int) -> dict[str, Any]:
    """Sweep the table, and return its rate in the steady state and the workers' memory."""
    times, memory, ended = list[tuple[float, int, int]](), list[float](), threading.Event()

    def watch() -> None:
        while not ended.wait(SECONDS):
            memory.append(workers_memory())

    def note(at: Any) -> None:
        times.append((time.monotonic(), at.done, at.total))

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as out:
        found = palm_bayes.sweep(table, out, workers=workers, progress=note)
        size = sum(path.stat().st_size for path in Path(out).glob("*.parquet"))
        converged = found.verdicts["converged"].mean()
    ended.set()
    watcher.join()
    total = times[-1][2]
    begun, done, _ = next(row for row in times if row[1] >= START * total)
    steady = [used for used in memory[len(memory) // 3 :] if used]
    third = max(len(steady) // 3, 1)
    return {
        "workers": workers,
        "cells": total,
        "seconds": round(time.monotonic() - start, 1),
        "cells/s": (total - done) / (times[-1][0] - begun),
        "converged": round(float(converged), 3),
        "MB a worker, early": round(np.mean(steady[:third]) / workers),
        "late": round(np.mean(steady[-third:]) / workers),
        "Parquet KB a cell": round(size / total / 1000, 1),
    }


def workers_memory() -> float:
    """Return the resident megabytes of all processes that this one started."""
    used = 0
    for child in psutil.Process().children(recursive=True):
        try:
            used += child.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return used / 1e6


def overhead(table: pd.DataFrame, count: int, workers: int) -> float:
    """Return the seconds of one job that does nothing, with the data of a task."""
    drafts = read_study(table, Reading()).drafts
    jobs = {f"job {i}": drafts[i % len(drafts)] for i in range(count)}
    with running(Crew(workers)) as runner:
        list(runner.run(nothing, dict(list(jobs.items())[: 10 * workers])))
        start = time.monotonic()
        list(runner.run(nothing, {f"again {name}": job for name, job in jobs.items()}))
        return (time.monotonic() - start) / count


def nothing(draft: object) -> None:
    del draft


if __name__ == "__main__":
    main()
