"""What is left of commands that are killed: outputs, temporary files, work that is resumed.

.venv/bin/python benchmarks/faults.py --kills 50

Each command replaces its own earlier output of another seed. Half of the kills are spread over the
whole run, half over its writing phase; a third each are SIGKILL, SIGTERM and SIGINT (Ctrl-C).
Processes are forked from one that has loaded the libraries, so that most of their time is work.
With --full-disk, which needs root, each command writes to a disk that is too small instead.
"""

import argparse
import hashlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

QUICK = "--draws 30 --tune 60 --chains 2 --quiet"
SCRATCH = ".palm_bayes-*"
TRACE = "palm_fit_out/trace.nc"


@dataclass(frozen=True)
class Case:
    """A command that is killed.

    Attributes
    ----------
    name : str
    before, args : str
        Command lines: of the output to be replaced, and of the one that is killed.
    outputs : str
        Glob of its files, which form one set.
    mark : str
        The file by which the set is known; files without it are no set.
    kept : str
        Glob of what an interrupted command has finished.
    """

    name: str
    before: str
    args: str
    outputs: str
    mark: str
    kept: str = ""


CASES = (
    Case("fit", "", f"fit runs.csv {QUICK} --seed 2", "palm_fit_out/**/*", TRACE),
    Case(
        "report",
        "report palm_fit_out -q",
        "report palm_fit_out --target 0.8 -q",
        "*.html",
        "report.html",
    ),
    Case(
        "backtest",
        "",
        f"backtest runs.csv {QUICK} --train-episodes 5 --train-episodes 7",
        "palm_backtest_out/*.*",
        "palm_backtest_out/scores.csv",
        "palm_backtest_out/cells/*.part.json",
    ),
    Case(
        "learn",
        "",
        "learn past.csv -o prior.json -q",
        "prior.json",
        "prior.json",
        "prior.json.cells/*.npz",
    ),
    Case(
        "watch",
        "",
        f"watch runs.csv {QUICK} --min-gain 0.5 --within 20 --force",  # few draws are in doubt
        "*.log",
        "watch.log",
    ),
)


@dataclass
class Tally:
    """Counts of one command and signal."""

    found: Counter[str] = field(default_factory=Counter)
    unclear: int = 0  # another exit status than the signal's, or another text than one line
    left: int = 0  # temporary folders right after the kill
    after: int = 0  # after the next run
    same: int = 0
    resumed: int = 0
    kills: int = 0


def main() -> None:
    """Kill each command, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="of each command (default 50)")
    parser.add_argument("--only", nargs="*", help="commands")
    parser.add_argument("--full-disk", action="store_true", help="instead; as root, for mount")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    _load()
    rng = np.random.default_rng(asked.seed)
    if asked.full_disk:
        sys.exit(_fill_disks(asked.only) > 0)
    print(
        "command   signal   kills  old  new  none  mixed  unclear  left  left after next  same"
        "  resumed"
    )
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder, "base")
        base.mkdir()
        _write_runs(base)
        assert run(base, f"fit runs.csv {QUICK} --seed 1")[0] in {0, 3}
        for case in CASES:
            if not asked.only or case.name in asked.only:
                bad += _judge(case, base, Path(folder), asked.kills, rng)
    print(f"{bad} kills left two sets of files, a temporary folder, another result or text.")
    sys.exit(bad > 0)


# Command, the size of its disk in KiB, and the file that its work may leave there.
FULL = {
    "fit": (f"fit runs.csv {QUICK} --out disk/out", 64, ""),
    "save": ("save palm_fit_out/trace.nc disk/a.nc", 64, ""),
    "report": ("report palm_fit_out -q -o disk/report.html", 64, ""),
    "alda-csv": ("budget palm_fit_out --target 0.8 -q --alda-csv disk/alda", 4, ""),
    "backtest": (f"backtest runs.csv {QUICK} --train-episodes 5 --out disk/out", 16, "out/cells"),
    "sweep": (f"sweep runs.csv {QUICK} --workers 0 --out disk/out", 16, "out/parts"),
    "learn": ("learn past.csv -q -o disk/prior.json", 8, ""),
    "watch": (f"watch runs.csv {QUICK} --min-gain 0.5 --within 20 --force", 4, "watch.log"),
}


def _fill_disks(only: list[str] | None) -> int:
    """Run each command with an output that does not fit; return how many do not say so."""
    print("command   status  lines of errors  files left")
    bad = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_runs(folder)
        assert run(folder, f"fit runs.csv {QUICK}")[0] in {0, 3}
        disk = folder / "disk"
        disk.mkdir()
        for command, (args, size, kept) in FULL.items():
            if only and command not in only:
                continue
            subprocess.run(
                ["/bin/mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", disk], check=True
            )
            if command == "watch":  # it writes to stdout alone
                (folder / "watch.log").symlink_to(disk / "watch.log")
                (disk / "watch.log").touch()
                _fill(disk / "filled")
            status, _, _ = run(folder, args)
            (disk / "filled").unlink(missing_ok=True)
            told = (folder / "err.txt").read_text(encoding="utf-8").splitlines()
            left = sorted(p.relative_to(disk).as_posix() for p in disk.rglob("*") if p.is_file())
            print(f"{command:9} {status:6}  {len(told):15}  {' '.join(left) or 'none'}", *told)
            apart = [one for one in left if not kept or not one.startswith(kept)]
            bad += status not in {1, 2} or len(told) != 1 or len(apart) > 0
            subprocess.run(["/bin/umount", disk], check=True)
    print(f"{bad} of {len(only or FULL)} commands left files or said something else.")
    return bad


def _fill(path: Path) -> None:
    """Write until the disk is full."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1024))
        except OSError:
            return


def _judge(case: Case, base: Path, folder: Path, kills: int, rng: np.random.Generator) -> int:
    """Kill a command again and again, print what was found, and count what should not be."""
    start = _copy(base, folder / "start")
    if case.before:
        assert run(start, case.before)[0] in {0, 3}
    old = _hashes(start, case)
    done = _copy(start, folder / "done")
    run(_copy(start, folder / "again"), case.args)
    status, whole, writing = run(done, case.args)
    assert status in {0, 3}, (folder / "done" / "out.txt").read_text(encoding="utf-8")
    new, twice = _hashes(done, case), _hashes(folder / "again", case)
    assert new == twice, f"{case.name}: two runs differ"
    tallies = {number: Tally() for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)}
    for i, (number, tally) in zip(range(kills), itertools.cycle(tallies.items()), strict=False):
        work = _copy(start, folder / "work")
        in_writing = i % 4 < 2 and case.name != "watch"
        delay = rng.uniform(0, writing if in_writing else whole)
        status, _, _ = run(work, case.args, kill=(number, delay, in_writing))
        tally.unclear += not _is_clear(status, number, work / "err.txt")
        found = _hashes(work, case)
        tally.kills += 1
        tally.found[_state(found, old, new, case.mark)] += 1
        tally.left += len([*work.rglob(SCRATCH)])
        parts = len([*work.glob(case.kept)]) if case.kept else 0
        status, _, _ = run(work, case.args)
        tally.after += len([*work.rglob(SCRATCH)])
        tally.same += status in {0, 3} and _hashes(work, case) == new
        tally.resumed += parts > 0
    for number, tally in tallies.items():
        states = [tally.found[name] for name in ("old", "new", "none", "mixed")]
        numbers = [tally.kills, *states, tally.unclear, tally.left, tally.after, tally.same]
        numbers += [tally.resumed]
        widths = (5, 4, 4, 5, 6, 8, 5, 16, 5, 8)
        cells = " ".join(f"{n:{w}}" for n, w in zip(numbers, widths, strict=True))
        print(f"{case.name:9} {number.name}  {cells}", flush=True)
    return sum(
        tally.found["mixed"] + tally.after + tally.unclear + tally.kills - tally.same
        for tally in tallies.values()
    )


def _is_clear(status: int, number: signal.Signals, errors: Path) -> bool:
    """Return True for the status of the signal, or of work that was done, and one line at most."""
    ended = -number if number == signal.SIGKILL else 128 + number
    told = errors.read_text(encoding="utf-8").splitlines() if errors.exists() else []
    interrupted = [line for line in told if line.startswith("palm-bayes: error: interrupted")]
    lines = status == 128 + number
    return status in {0, 3, ended} and len(interrupted) == lines and "Traceback" not in str(told)


def _state(found: dict[str, str], old: dict[str, str], new: dict[str, str], mark: str) -> str:
    """Tell whose files are there; of a set without its mark none counts, but all are of one set."""
    for name, files in (("old", old), ("new", new)):
        if found == files and files:
            return name
    one = found.items() <= old.items() or found.items() <= new.items()
    return "none" if one and mark not in found else "mixed"


def run(
    folder: Path, args: str, kill: tuple[signal.Signals, float, bool] | None = None
) -> tuple[int, float, float]:
    """Run a command in a fork; return its status, and the seconds of the run and of its writing.

    `kill` has a signal, and the seconds after which to send it, from the start or from the first
    temporary file.
    """
    begun, wrote = time.monotonic(), None
    child = os.fork()
    if not child:
        _become(folder, args)
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        now = time.monotonic()
        if ended:
            code = os.waitstatus_to_exitcode(status)
            return code, now - begun, 0.0 if wrote is None else now - wrote
        if wrote is None and _writes(folder):
            wrote = now
        if kill is not None:
            number, delay, in_writing = kill
            since = wrote if in_writing else begun
            if since is not None and now - since >= delay:
                os.kill(child, number)
                kill = None
        time.sleep(0.001)


def _writes(folder: Path) -> bool:
    """Return True if a temporary folder is there; cells of backtests do not count."""
    places = (folder, folder / "palm_fit_out", folder / "palm_backtest_out")
    return any(next(place.glob(SCRATCH), None) is not None for place in places)


def _become(folder: Path, args: str) -> None:
    """Be the command: its output goes to a file, of `watch` to one that is compared."""
    from palm_bayes.__main__ import run as command

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background is deaf
    os.chdir(folder)
    name = "watch.log" if args.startswith("watch") else "out.txt"
    told = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(told, 1)
    os.dup2(os.open("err.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    sys.argv = ["palm-bayes", *args.split()]
    try:
        _save(*args.split()[1:]) if args.startswith("save") else command()
    except BaseException:  # noqa: BLE001 - shown, and then the fork ends
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(70)


def _save(fit: str, place: str) -> None:
    """Save a fit as a program in Python would, and end as a command does."""
    from palm_bayes.errors import PalmError
    from palm_bayes.palm_fit import PalmFit

    try:
        PalmFit.load(fit).save(place)
    except PalmError as error:
        print(error, file=sys.stderr, flush=True)
        os._exit(2)


def _hashes(folder: Path, case: Case) -> dict[str, str]:
    files = [path for path in sorted(folder.glob(case.outputs)) if path.is_file()]
    inside = {path.relative_to(folder).as_posix(): path for path in files if path.stat().st_size}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in inside.items()
        if SCRATCH[:-1] not in name
    }


def _copy(source: Path, target: Path) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    return Path(shutil.copytree(source, target))


def _write_runs(folder: Path) -> None:
    """Write small runs of two strategies, and of two sources for `learn`."""
    rng = np.random.default_rng(1)
    episode = np.arange(1, 9)
    rows = [
        pd.DataFrame(
            {
                "source": source,
                "strategy": strategy,
                "repetition": repetition,
                "labels": 20 * episode,
                "accuracy": (0.9 - level * 0.75**episode + 0.01 * rng.normal(size=8)).round(4),
            }
        )
        for source in ("a", "b")
        for strategy, level in (("margin", 0.5), ("random", 0.6))
        for repetition in (1, 2)
    ]
    table = pd.concat(rows)
    table.to_csv(folder / "past.csv", index=False)
    table[table["source"] == "a"].to_csv(folder / "runs.csv", index=False)


def _load() -> None:
    """Load what the commands need, so that forks do not."""
    import nutpie  # noqa: F401
    import pymc  # noqa: F401

    import palm_bayes.cli.app
    import palm_bayes.decisions.decide
    import palm_bayes.evaluation.learn
    import palm_bayes.palm_fit
    import palm_bayes.plots.backtest
    import palm_bayes.plots.ranking
    import palm_bayes.report.export
    import palm_bayes.report.page  # noqa: F401


if __name__ == "__main__":
    main()
