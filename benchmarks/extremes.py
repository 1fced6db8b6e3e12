"""Whether extreme data are fitted, or refused in one line, and what that takes.

    .venv/bin/python benchmarks/extremes.py

Each case has a process of its own, so that its memory is its own.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd


def runs(
    curve: Callable[[np.ndarray], np.ndarray],
    episodes: int = 12,
    repetitions: int = 3,
    strategies: int = 1,
    batch: float = 20,
    noise: float = 0.01,
) -> pd.DataFrame:
    """Return rows of a curve of episodes, with noise around it."""
    rng, x = np.random.default_rng(1), np.arange(1, episodes + 1)
    parts = [
        pd.DataFrame(
            {
                "strategy": f"s{s}",
                "repetition": r,
                "labels": batch * x,
                "accuracy": np.clip(curve(x) + noise * rng.normal(size=episodes), 0, 1),
            }
        )
        for s in range(strategies)
        for r in range(1, repetitions + 1)
    ]
    return pd.concat(parts, ignore_index=True)


def usual(x: np.ndarray) -> np.ndarray:
    return 0.85 - 0.5 * np.exp(-x / 5)


def double(x: np.ndarray) -> np.ndarray:
    return usual(x) - 0.25 * np.exp(-((x - 6) ** 2) / 2)


CASES: dict[str, Callable[[], pd.DataFrame]] = {
    "usual": lambda: runs(usual),
    "all exactly 0": lambda: runs(np.zeros_like, noise=0),
    "all exactly 1": lambda: runs(np.ones_like, noise=0),
    "from exactly 0 to exactly 1": lambda: runs(lambda x: (x > 6) * 1.0, noise=0),
    "all alike": lambda: runs(lambda x: 0.7 + 0 * x, noise=0),
    "at chance": lambda: runs(lambda x: 0.1 + 0 * x, noise=0.005),
    "falling": lambda: runs(lambda x: 0.9 - 0.03 * x),
    "double descent": lambda: runs(double),
    "A_max 0.05": lambda: runs(lambda x: 0.05 * (1 - np.exp(-x / 4)), noise=0.002),
    "4 episodes once": lambda: runs(usual, episodes=4, repetitions=1),
    "batch 1": lambda: runs(usual, batch=1),
    "batch 10": lambda: runs(usual, batch=10),
    "batch 1,000": lambda: runs(usual, batch=1000),
    "labels up to 1e9": lambda: runs(usual, batch=1e9 / 12),
    "start pool 1e9, batch 1": lambda: runs(usual, batch=1).assign(
        labels=lambda t: t["labels"] + 1e9
    ),
    "3 x 400 episodes": lambda: runs(usual, episodes=400),
    "200 repetitions": lambda: runs(usual, repetitions=200),
    "50 strategies": lambda: runs(usual, strategies=50),
}


def child(case: str) -> None:
    """Fit a case, and print what came of it as JSON."""
    from palm_bayes import fit
    from palm_bayes.errors import PalmError

    table = CASES[case]()
    before = time.monotonic()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = fit(table, seed=1)
            ahead = found.forecast(horizon=12).draws
        bounded = bool(((ahead >= 0) & (ahead <= 1)).all())
        said = "fitted" if found.convergence.passed else "not converged, said so"
        said = said if bounded else f"{said}; forecast out of bounds"
    except PalmError as error:
        said = f"refused: {error}"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps([said, time.monotonic() - before, time.process_time(), peak]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", choices=CASES, action="append", help="default: all")
    parser.add_argument("--child", choices=CASES, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(args.child)
        return
    crashes = 0
    print(f"{'case':30} {'s':>6} {'CPU s':>6} {'MB':>6}  result")
    for case in args.case or CASES:
        command = [sys.executable, __file__, "--child", case]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            crashes += 1
            last = (done.stderr or done.stdout or "no output").strip().splitlines()[-1]
            print(f"{case:30} exit status {done.returncode}: {last}", flush=True)
            continue
        said, seconds, used, peak = json.loads(done.stdout.splitlines()[-1])
        crashes += "out of bounds" in said
        print(f"{case:30} {seconds:6.0f} {used:6.0f} {peak:6.0f}  {said}", flush=True)
    print(f"{len(args.case or CASES)} cases, {crashes} crashes or forecasts out of bounds.")
    sys.exit(crashes > 0)


if __name__ == "__main__":
    main()
