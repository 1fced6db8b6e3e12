"""What would a sweep of a million cells on 100 workers take? An estimate from measured parts.

python benchmarks/million.py --rate 1.5     # cells a second of one worker, by scale.py

Fitting is not measured here: one task is fitted, and its part is kept and joined many times, under
other names, through the code that sweeps use. Times are CPU times, in which other work on the
machine hardly counts. See README.md.
"""

import argparse
import pickle
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
from cells import kept_in
from scale import DESIGN, overhead, simulated

import palm_bayes
from palm_bayes.evaluation.answers import Asked, TaskOutcome, Work, cells_of, name_of
from palm_bayes.evaluation.checkpoints import Checkpoints, Columns, Part
from palm_bayes.evaluation.meta_analysis import pooled
from palm_bayes.evaluation.sweep_result import write
from palm_bayes.inference.settings import Settings
from palm_bayes.model.learned import shipped
from palm_bayes.reading.options import Reading
from palm_bayes.reading.tasks import read_study

CELLS, WORKERS = 1_000_000, 100
TASKS = CELLS // DESIGN.strategies
ROWS = 1_000_000  # at most in one table that is read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=float, required=True, help="cells a second of one worker")
    parser.add_argument("--parts", type=int, nargs="+", default=[1000, 3000, 10_000], metavar="N")
    parser.add_argument("--jobs", type=int, default=2000, help="empty jobs, for the overhead")
    args = parser.parse_args()
    one = simulated(1)
    part, size = fitted(one)
    rows = [joined(part, count) for count in args.parts]
    print("\nCPU ms for one task in a folder of so many parts:")
    print(pd.DataFrame(rows).round(3).to_string(index=False))
    found = rows[-1] | read(one, args.parts[-1]) | moved(one)
    found |= {"part": size, "job": 1000 * overhead(one, args.jobs, 2)[1], **pooling()}
    estimate(found, args.rate)


def fitted(table: pd.DataFrame) -> tuple[Part, int]:
    """Sweep the one task; return its part, and the bytes of its file."""
    with tempfile.TemporaryDirectory() as folder:
        palm_bayes.sweep(table, folder, workers=0)
        (draft,) = read_study(table, Reading()).drafts
        parts = Path(folder) / "parts"
        part = kept_in(parts).get(name_of(draft))
        (file,) = parts.glob("*.part.json")
        assert part is not None
        return part, file.stat().st_size


def joined(part: Part, count: int) -> dict[str, float]:
    """Keep and join so many parts: milliseconds and bytes of Parquet for one of them."""
    names = [f"task {i}" for i in range(count)]
    last = count // 10
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        kept = Checkpoints.open(out / "parts", {})
        early = seconds(lambda: [kept.keep(name, part) for name in names[:last]]) / last
        for name in names[last:-last]:
            kept.keep(name, part)
        late = seconds(lambda: [kept.keep(name, part) for name in names[-last:]]) / last
        look = seconds(lambda: [kept.has(name) for name in names]) / count
        join = seconds(lambda: write(out, filter(None, map(kept.columns, names)))) / count
        write(out, (unlike(kept.columns(name) or {}, i) for i, name in enumerate(names)))
        size = sum(file.stat().st_size for file in out.glob("*.parquet")) / count
    times = {"keep, first tenth": early, "keep, last tenth": late, "look for": look, "join": join}
    return {"parts": count, **{k: 1000 * v for k, v in times.items()}, "Parquet bytes": size}


def unlike(part: Columns, seed: int) -> Columns:
    """Change all fractions: equal ones would be stored once."""
    rng = np.random.default_rng(seed)
    return {
        table: {
            name: [v * rng.random() if isinstance(v, float) else v for v in values]
            for name, values in columns.items()
        }
        for table, columns in part.items()
    }


def read(one: pd.DataFrame, count: int) -> dict[str, float]:
    """Read a table of so many tasks: milliseconds, and bytes of memory, for one of them."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "study.parquet"
        pd.concat([one.assign(dataset=f"task {i}") for i in range(count)]).to_parquet(file)
        before, start = psutil.Process().memory_info().rss, time.process_time()
        drafts = read_study(file, Reading()).drafts
        took = time.process_time() - start
        used = psutil.Process().memory_info().rss - before
    named = seconds(lambda: [(name_of(draft), cells_of(draft)) for draft in drafts])
    return {"read": 1000 * took / count, "memory": used / count, "name": 1000 * named / count}


def moved(one: pd.DataFrame) -> dict[str, int]:
    """Bytes that are sent for a task: its draft and the work to the worker, the outcome back."""
    (draft,) = read_study(one, Reading()).drafts
    work = Work(
        Reading(), "default", shipped(), "", Settings(), Asked(), False, Checkpoints(Path("parts"))
    )
    things = {
        "draft": draft,
        "work": replace(work, settings=Settings(cores=1)),
        "outcome": TaskOutcome(failed=0),
    }
    return {name: len(pickle.dumps(thing)) for name, thing in things.items()}


def pooling() -> dict[str, float]:
    """Pool the speed-ups of all tasks: seconds."""
    effects = np.random.default_rng(0).standard_normal(TASKS)
    return {"pool": seconds(lambda: pooled(effects, np.full(TASKS, 0.1)))}


def seconds(work: Callable[[], Any]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def estimate(found: dict[str, float], rate: float) -> None:
    """Print what a million cells would take, each step by itself."""
    print(f"\n{CELLS:,} cells, {TASKS:,} tasks, {WORKERS} workers at {rate:g} cells/s each:")
    for words, value in steps(found, rate):
        print(f"  {words:<58} {value}")


def steps(found: dict[str, float], rate: float) -> Iterator[tuple[str, str]]:
    """Yield what each step takes, in words."""
    wall = CELLS / rate / WORKERS
    jobs = TASKS / wall
    sent = found["draft"] + found["work"]
    yield "fitting", f"{hours(wall)}, {CELLS / rate / 3600:,.0f} CPU hours"
    yield "tables to read, of at most a million rows", f"{TASKS * rows_of() / ROWS:.0f}"
    yield f"client: read, {found['read']:.2f} ms a task", hours(TASKS * found["read"] / 1000)
    yield f"client: names, {found['name']:.2f} ms", hours(TASKS * found["name"] / 1000)
    yield (
        f"client: look for parts, {found['look for']:.3f} ms",
        hours(TASKS * found["look for"] / 1000),
    )
    yield (
        f"client: memory, {found['memory'] / 1000:.1f} KB a task",
        (f"{TASKS * found['memory'] / 1e9:.1f} GB"),
    )
    load = jobs * found["job"] / 1000
    yield (
        f"client and scheduler, {found['job']:.1f} ms a job",
        (f"{load:.0%} of the time, at {jobs:.0f} jobs/s"),
    )
    yield f"jobs with the scheduler, {sent / 1000:.1f} KB each", f"{2 * WORKERS + 8} at a time"
    yield (
        f"moved: {sent:,.0f} bytes there, {found['outcome']:.0f} back, a task",
        (f"{TASKS * (sent + found['outcome']) / 1e9:.1f} GB, {jobs * sent / 1e3:.0f} KB/s"),
    )
    yield (
        f"parts, {found['part'] / 1000:.1f} KB each",
        (f"{TASKS:,} files, {TASKS * found['part'] / 1e9:.1f} GB, {jobs:.0f} a second"),
    )
    yield f"client: join, {found['join']:.2f} ms a task", hours(TASKS * found["join"] / 1000)
    yield (
        f"Parquet, 5 files, {found['Parquet bytes']:.0f} bytes a task",
        (f"{TASKS * found['Parquet bytes'] / 1e9:.1f} GB"),
    )
    yield "client: pool one strategy's speed-ups", hours(found["pool"])


def rows_of() -> int:
    return DESIGN.strategies * len(DESIGN.lengths) * len(DESIGN.x)


def hours(seconds: float) -> str:
    return f"{seconds / 3600:.2f} h" if seconds >= 360 else f"{seconds:.0f} s"


if __name__ == "__main__":
    main()
