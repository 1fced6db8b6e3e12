"""What do episodes, repetitions and strategies cost? See README.md.

python benchmarks/costs.py --out costs.csv --figure costs.png

Each size has a process of its own, so that its memory is its own. A run that was cut off goes on.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from cells import append, done
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter

SIZES = {
    "episodes": (10, 30, 100, 300, 1000),
    "repetitions": (1, 3, 10, 30, 100, 200),
    "strategies": (1, 3, 10, 30, 50),
}
USUAL = {"episodes": 10, "repetitions": 3, "strategies": 1}
KEY = ["axis", "size", "seed"]
COSTS = {"CPU s": "CPU seconds", "MB": "peak memory, MB"}
BATCH, NOISE = 20.0, 0.01


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("costs.csv"), help="row by row")
    parser.add_argument("--figure", type=Path, help="draw the costs")
    parser.add_argument("--most", type=int, default=1000, help="leave out larger sizes")
    parser.add_argument("--seeds", type=int, default=1, help="data sets of each size")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(cost(**json.loads(args.child))))
        return
    there = done(args.out, KEY)
    for seed in range(args.seeds):
        for axis, sizes in SIZES.items():
            for size in sizes:
                if size <= args.most and (axis, size, seed) not in there:
                    append(args.out, measured(dict(zip(KEY, (axis, size, seed), strict=True))))
    rows = pd.read_csv(args.out)
    report(rows)
    if args.figure:
        draw(rows, args.figure)


def measured(key: dict[str, Any]) -> dict[str, Any]:
    """Measure one size in a process of its own; return the row."""
    asked = USUAL | {key["axis"]: key["size"], "seed": key["seed"]}
    command = [sys.executable, __file__, "--child", json.dumps(asked)]
    child = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return key | json.loads(child.stdout.splitlines()[-1])


def cost(episodes: int, repetitions: int, strategies: int, seed: int) -> dict[str, Any]:
    """Cost of a fit, a forecast and, of several strategies, a comparison; nothing is compiled."""
    warnings.simplefilter("ignore")  # each size converges or not, which is in the row
    several = strategies > 1
    answered(runs(10, 3, 1 + several, seed))
    warm, before, start = peak(), time.process_time(), time.perf_counter()
    converged = answered(runs(episodes, repetitions, strategies, seed))
    return {
        "CPU s": round(time.process_time() - before, 2),
        "seconds": round(time.perf_counter() - start, 2),
        "MB": round(peak()),
        "MB of a small fit": round(warm),
        "converged": converged,
    }


def answered(table: pd.DataFrame) -> float:
    """Ask all questions; return the share of strategies that converged."""
    import palm_bayes

    fit = palm_bayes.fit(table, seed=1)
    fit.forecast(horizon=10).to_frame()
    if len(fit.runs.strategies) > 1:
        assert len(fit.compare().ranking)
    return float(fit.convergence.table["passed"].mean())


def runs(episodes: int, repetitions: int, strategies: int, seed: int) -> pd.DataFrame:
    """Runs of one curve with independent noise: at each size the same share of it is seen."""
    sizes = strategies, repetitions, episodes
    curve = 0.85 - 0.5 * np.exp(-np.linspace(0, 3, episodes))
    noise = NOISE * np.random.default_rng(seed).standard_normal(sizes)
    labels = BATCH * np.arange(1, episodes + 1)
    index = pd.MultiIndex.from_product(
        [[f"s{i}" for i in range(strategies)], range(repetitions), labels],
        names=["strategy", "repetition", "labels"],
    )
    return pd.Series((curve + noise).ravel(), index, name="accuracy").reset_index()


def peak() -> float:
    """Most resident megabytes of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def exponents(rows: pd.DataFrame, column: str) -> tuple[float, float]:
    """Slopes of log cost on log size: over all sizes, and over the upper half of them."""
    sizes = np.sort(rows["size"].unique())
    upper = rows[rows["size"] >= sizes[len(sizes) // 2]]
    slopes = [
        np.polyfit(np.log(part["size"]), np.log(part[column]), 1)[0]
        if len(set(part["size"])) > 1
        else np.nan
        for part in (rows, upper)
    ]
    return float(slopes[0]), float(slopes[1])


def report(rows: pd.DataFrame) -> None:
    print(rows.groupby(["axis", "size"], sort=False).median().drop(columns="seed").to_string())
    found = {
        (axis, cost): exponents(part, cost)
        for axis, part in rows.groupby("axis", sort=False)
        for cost in COSTS
    }
    table = pd.DataFrame(found, index=["all sizes", "upper half"]).T
    print("\nExponents:")
    print(table.rename_axis(["of", "in"]).round(2).to_string())


def draw(rows: pd.DataFrame, path: Path) -> None:
    """Draw the costs on logarithmic scales, with the exponent of the upper half of the sizes."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    for ax, (column, words) in zip(axes, COSTS.items(), strict=True):
        for i, (axis, part) in enumerate(rows.groupby("axis", sort=False)):
            slope = exponents(part, column)[1]
            known = "" if np.isnan(slope) else f", exponent {slope:.2f}"
            curve(ax, part, column, f"{axis}{known}", i)
        ax.set(xscale="log", yscale="log", title=words)
        ax.title.set_fontsize("medium")
        for scale in (ax.xaxis, ax.yaxis):
            scale.set_major_locator(LogLocator(subs=(1, 2, 5)))
            scale.set_major_formatter("{x:,.10g}")
            scale.set_minor_formatter(NullFormatter())
        ax.grid(which="major", color="0.9", lw=0.8)
        ax.spines[["top", "right"]].set_visible(False)
    low, high = axes[0].get_xlim()
    bottom, top = axes[0].get_ylim()
    x = np.array([low, high])
    axes[0].plot(x, bottom * x / low, color="0.6", lw=0.8, ls="--", label="proportional", zorder=0)
    axes[0].set(xlim=(low, high), ylim=(bottom, top))
    for ax in axes:
        ax.legend(frameon=False, fontsize="small", loc="upper left")
    usual = f"{USUAL['repetitions']} repetitions × {USUAL['episodes']} episodes of one strategy"
    figure.supxlabel(f"number; what is not varied: {usual}", fontsize="medium")
    figure.savefig(path, dpi=150)
    plt.close(figure)


def curve(ax: Axes, rows: pd.DataFrame, column: str, label: str, i: int) -> None:
    """Draw every row as a point, and the median of each size as a line."""
    median = rows.groupby("size")[column].median()
    ax.plot(rows["size"], rows[column], "o^s"[i], color=f"C{i}", ms=4.5)
    ax.plot(median.index, median, color=f"C{i}", marker="o^s"[i], ms=4.5, label=label)


if __name__ == "__main__":
    main()
