"""What a reader does with files that are damaged at random, guided by the code that they reach.

Atheris, which is not among the dependencies, does the guiding:

    uv pip install atheris
    .venv/bin/python benchmarks/fuzz.py --inputs 100000

Each reader has a process of its own. A crash is an exception that is no `PalmError`, an input that
takes more than 5 seconds or 1 GB, or one that runs code: these end it, and the input is kept.
"""

import argparse
import gzip
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
import warnings
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

MEMORY_MB, SECONDS = 1000, 5
PART = 10_000
"""Inputs of one process: what Atheris keeps grows by some 40 kB with each."""
OF = {
    "CSV": ".csv",
    "gzip": ".csv.gz",
    "JSON": ".json",
    "JSON lines": ".jsonl",
    "npy": ".npy",
    "npz": ".npz",
    "Parquet": ".parquet",
    "PALM folder": "plot_episode_yvalues.npy",
    "MLflow run": "test_acc",
    "MLflow database": ".db",
    "saved fit": ".nc",
    "prior": "prior.json",
    "cells": "",
}
"""What files of each reader end in; cells are those of a frame in memory."""
FORBIDDEN = ("pickle.find_class", "os.system", "subprocess.Popen", "os.exec", "socket.connect")
"""Events of Python's audit that only code in a file could cause while it is read."""
CELLS: tuple[Any, ...] = (
    *(0.5, 0, 1, 3, -1, 100, 1e300, float("nan"), float("inf"), None, pd.NA, True),
    *("", "0.5", "margin", "10 %", "1e400", "nan", "±", "=1+1", "\x1b[2J", "../..", "1" * 5000),
    *(10**400, 10**5000, 1j, b"x", "١", np.array([1, 2]), [0.5], {"a": 1}, np.float32(0.3)),
    *(Decimal("sNaN"), Decimal("1e999999"), "a" * 600, pd.Timestamp(0), pd.Timedelta(1)),
)
NAMES = (
    "strategy",
    "repetition",
    "labels",
    "episode",
    "accuracy",
    "seed_1",
    "dataset",
    "x",
    "share",
)


def seeds(reader: str, saved_fit: Path | None) -> list[bytes]:
    """Return files that are read, of the shapes of formats.py."""
    from formats import SHAPES

    from palm_bayes.data import example_runs_path

    ending, found = OF[reader], list[bytes]()
    if reader == "prior":
        from palm_bayes.model.learned import learned_from

        return [json.dumps(learned_from(None).document()).encode()]
    if reader == "saved fit":
        assert saved_fit is not None
        return [saved_fit.read_bytes()]
    if reader == "cells":
        return [bytes(range(60))]
    for one in SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            one.write(Path(folder))
            files = sorted(file for file in Path(folder).rglob("*") if file.is_file())
            found += [file.read_bytes() for file in files if file.name.endswith(ending)][:2]
            if ending == ".csv.gz" and (file := Path(folder) / "runs.csv").exists():
                found.append(gzip.compress(file.read_bytes()))
    if reader in {"npy", "PALM folder"}:
        files = sorted(example_runs_path().rglob("*.npy"))[:3]
        found += [file.read_bytes() for file in files]
        with tempfile.TemporaryDirectory() as folder:
            for i, array in enumerate((np.linspace(0.3, 0.9, 6), np.arange(12).reshape(2, 6))):
                np.save(Path(folder) / f"{i}.npy", array)
                found.append((Path(folder) / f"{i}.npy").read_bytes())
    return found


def reads(reader: str, folder: Path) -> Any:
    """Return the function of an input that reads it; errors meant for users are no crash."""
    from formats import mlruns

    from palm_bayes import read_runs
    from palm_bayes.errors import PalmError

    if reader == "PALM folder":
        file, source = folder / "margin_1" / OF[reader], folder
        file.parent.mkdir()
    elif reader == "MLflow run":  # of several runs, one metric is damaged
        source = mlruns(folder)
        file = min(source.rglob(OF[reader]))
    else:
        file = source = folder / f"input{OF[reader]}"
    read: Any = read_runs
    if reader == "saved fit":
        from palm_bayes import PalmFit

        read = PalmFit.load
    elif reader == "prior":
        from palm_bayes.model.learned import learned_from

        read = learned_from

    def one(data: bytes) -> None:
        given: Any = source
        if reader == "cells":
            given = frame_of(data)
        else:
            file.write_bytes(data)
        try:
            read(given)
        except PalmError as error:
            said = str(error)
            assert "\n" not in said, f"several lines: {said!r}"
            assert len(said) < 5000, "a long message"
            _own_fault(error)

    return one


def _own_fault(error: BaseException) -> None:
    """Raise what stands behind an error if our own code raised it, and no library."""
    cause = error.__cause__
    if cause is None or type(cause).__module__.startswith("palm_bayes"):
        return
    last = cause.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    name = last.tb_frame.f_code.co_filename if last is not None else ""
    ours = "palm_bayes/data" in name or "palm_bayes/reading" in name
    if ours and not isinstance(cause, (OSError, UnicodeError, sqlite3.Error)):
        raise cause


def small_fit(folder: Path) -> Path:
    """Save a fit of few draws, in a process of its own."""
    code = f"""
from formats import tidy
import palm_bayes
fit = palm_bayes.fit(palm_bayes.read(tidy()), draws=20, tune=50, chains=2)
fit.save({str(folder / "trace.nc")!r})
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent)
    return folder / "trace.nc"


def frame_of(data: bytes) -> pd.DataFrame:
    """Make a frame of names and cells that the bytes choose."""
    numbers = list(data) or [0]
    width = 1 + numbers[0] % 5
    names = [NAMES[n % len(NAMES)] for n in numbers[1 : width + 1]] or ["accuracy"]
    cells = [CELLS[n % len(CELLS)] if n < 128 else n / 255 for n in numbers[width + 1 :]]
    rows = [cells[i : i + len(names)] for i in range(0, len(cells), len(names))]
    full = [row for row in rows if len(row) == len(names)]
    return pd.DataFrame(full, columns=names, dtype=object if numbers[0] % 2 else None)


def forbid(event: str, _: tuple[Any, ...]) -> None:
    """Stop at whatever only executed data would do."""
    if event.startswith(FORBIDDEN):
        os.write(2, f"executed: {event}\n".encode())
        os._exit(77)


def child(reader: str, inputs: int, seed: int, saved_fit: Path | None, kept: Path) -> None:
    """Fuzz one reader in this process, with libFuzzer, which ends it."""
    import atheris

    with atheris.instrument_imports(include=["palm_bayes"]):
        import palm_bayes.reading.read

        if reader == "prior":
            import palm_bayes.model.learned
        if reader == "saved fit":
            import palm_bayes.palm_fit  # noqa: F401

    warnings.simplefilter("ignore")
    corpus = kept / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for i, file in enumerate(seeds(reader, saved_fit)):
        (corpus / f"seed-{i}").write_bytes(file)
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    one = reads(reader, folder)
    # Libraries are loaded before events are forbidden.
    for first in sorted(corpus.glob("seed-*"))[:3]:
        one(first.read_bytes())
    sys.addaudithook(forbid)
    limits = [f"-rss_limit_mb={MEMORY_MB}", f"-timeout={SECONDS}", "-max_len=100000"]
    options = [
        f"-runs={inputs}",
        f"-seed={seed}",
        f"-artifact_prefix={kept}/",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *limits, *options, str(corpus)], one)
    atheris.Fuzz()


def fuzzed(reader: str, inputs: int, seconds: int, saved_fit: Path | None) -> dict[str, Any]:
    """Fuzz a reader in a process of its own, and count what it did."""
    kept = Path(tempfile.gettempdir()) / "palm-fuzz" / reader.replace(" ", "-")
    kept.mkdir(parents=True, exist_ok=True)
    before, done, crashes, paths, peak = time.monotonic(), 0, 0, 0, 0
    while done < inputs and time.monotonic() - before < seconds and crashes < 5:
        command = [
            sys.executable, __file__, "--child", reader, "--inputs", str(min(inputs - done, PART)),
            "--kept", str(kept), "--seed", str(done + 1),
            *(["--fit", str(saved_fit)] if saved_fit else []),
        ]  # fmt: skip
        log = kept / "log"
        with log.open("w") as out:
            left = seconds - (time.monotonic() - before)
            running = subprocess.Popen(command, stderr=out, stdout=out)
            try:
                status = running.wait(left)
            except subprocess.TimeoutExpired:
                running.terminate()
                running.wait()
                status = 0
        said = log.read_text(errors="replace")
        counts = [int(n) for n in re.findall(r"(?:^#|executed_units: )(\d+)", said, re.MULTILINE)]
        paths = max([paths, *(int(n) for n in re.findall(r" corp: (\d+)/", said))])
        peak = max([peak, *(int(n) for n in re.findall(r" rss: (\d+)Mb", said))])
        done += max(counts, default=0)
        crashes += status != 0
        if status != 0:
            print(f"{reader}: {said[-3000:]}", file=sys.stderr)
    used = time.monotonic() - before
    counted = {"inputs": done, "seconds": round(used), "paths": paths, "peak MB": peak}
    return {"reader": reader, **counted, "crashes": crashes}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000, help="inputs of each reader")
    parser.add_argument("--seconds", type=int, default=3600, help="most seconds of each reader")
    parser.add_argument("--reader", choices=OF, action="append", help="default: all")
    parser.add_argument("--fit", type=Path, help="trace.nc of a fit; default: one that is made")
    parser.add_argument("--child", choices=OF, help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--kept", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(args.child, args.inputs, args.seed, args.fit, args.kept)
        return
    with tempfile.TemporaryDirectory() as folder:
        readers = args.reader or list(OF)
        small = args.fit or (small_fit(Path(folder)) if "saved fit" in readers else None)
        rows = [fuzzed(one, args.inputs, args.seconds, small) for one in readers]
    table = pd.DataFrame(rows)
    print(table.to_string(index=False))
    crashes, short = int(table["crashes"].sum()), int((table["inputs"] < args.inputs).sum())
    words = f"{short} readers had fewer than {args.inputs:,}, " if short else ""
    print(f"{len(table)} readers, {table['inputs'].sum():,} inputs, {words}{crashes} crashes.")
    sys.exit(crashes > 0)


if __name__ == "__main__":
    main()
