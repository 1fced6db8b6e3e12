"""Run what proves each promise of SECURITY.md, and print one table: promise, result, minutes.

.venv/bin/python scripts/proof.py --curves DIR     # all, many hours
.venv/bin/python scripts/proof.py --quick          # a part of each, minutes

The result is the last line that a script prints; it holds if its exit status is 0. `--only` takes
words of promises. Scripts that resume keep their parts in `--out`.
"""

import argparse
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
DESIGNS = ("default", "bounds", "ragged", "uneven", "single", "strategies", "paired")
LARGE = ("default", "bounds")  # 1,000 simulations of these, 300 of others


class Promise(NamedTuple):
    """What is promised, and the script of `benchmarks/` or the tests that would find it broken."""

    words: str
    whole: str  # none: it needs the curves
    quick: str = ""  # none: too long


def promises(curves: str, out: Path) -> list[Promise]:
    """Return all promises with their commands; `curves` is empty where there is no corpus."""
    calibrated = [
        Promise(
            f"posteriors are calibrated: {design}",
            f"calibration.py --design {design} --simulations {1000 if design in LARGE else 300} "
            f"--out {out / design}",
            f"calibration.py --design {design} --simulations 20 --out {out / design}"
            if design in ("default", "strategies")
            else "",
        )
        for design in DESIGNS
    ]
    of_corpus = [
        Promise(words, f"{script} --curves {curves}" if curves else "")
        for words, script in (
            ("NUTS agrees with importance sampling", "correctness.py"),
            ("NUTS agrees with the model in plain PyMC", "primitives.py"),
        )
    ]
    return [
        *calibrated,
        *of_corpus,
        Promise("faults of the code are found", "mutations.py", "mutations.py Jacobian pool"),
        Promise(
            "files are whole or absent when a command is killed",
            "faults.py --kills 50",
            "faults.py --kills 4 --only fit report",
        ),
        Promise("a full disk gives one line, as root", "faults.py --full-disk"),
        Promise(
            "a hostile file gives one line",
            "fuzz.py --inputs 100000 --seconds 14400",
            "fuzz.py --inputs 300 --seconds 60",
        ),
        Promise(
            "extreme data are fitted, or refused in one line",
            "extremes.py",
            "extremes.py --case 'all exactly 1' --case 'all alike'",
        ),
        Promise("slow statistics hold", "-m pytest -q -m slow"),
    ]


def main() -> int:
    """Run them, one after the other; return 1 if one does not hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--curves", default="", help="folder of real curves")
    parser.add_argument("--quick", action="store_true", help="a part of each, in minutes")
    parser.add_argument("--only", nargs="*", default=[], help="words of promises")
    parser.add_argument("--out", type=Path, help="folder of parts; default: a temporary one")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        asked = [
            one
            for one in promises(args.curves, args.out or Path(scratch))
            if (one.quick or not args.quick)
            and (not args.only or any(word in one.words for word in args.only))
        ]
        if not asked:
            parser.error(f"no promise has one of the words {' '.join(args.only)}")
        table = Table("promise", "result", "holds", "minutes", title="palm_bayes: proof")
        broken = 0
        for one in asked:
            if not one.whole:
                table.add_row(one.words, "not run: give the curves", "", "")
                continue
            held, result, minutes = run(one.quick if args.quick else one.whole)
            broken += not held
            table.add_row(one.words, result, "yes" if held else "NO", f"{minutes:.1f}")
            print(f"{one.words}: {result}", file=sys.stderr, flush=True)
    Console(width=None if sys.stdout.isatty() else 140, markup=False).print(table)
    return broken > 0


def run(command: str) -> tuple[bool, str, float]:
    """Run a script or a module; return whether it held, its result, and its minutes."""
    words = shlex.split(command)
    if words[0] != "-m":
        words[0] = str(ROOT / "benchmarks" / words[0])
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    lines = lines or done.stderr.splitlines() or ["no output"]
    return done.returncode == 0, lines[-1].strip(), (time.monotonic() - begun) / 60


if __name__ == "__main__":
    sys.exit(main())
