"""Do the bands hold, and do the forecasts beat the baselines, on real curves? See README.md.

python benchmarks/forecast.py --curves DIR --out forecast
python benchmarks/forecast.py --curves DIR --seconds 10
"""

import argparse
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from cells import LEAST_REPETITIONS, TASK, curves_argument

from palm_bayes import Backtest, PalmWarning, backtest, fit, read_runs
from palm_bayes.backtest_cells import train_size
from palm_bayes.families import NAMES
from palm_bayes.scoring import BANDS, THIRDS, inside, third

FRACTIONS = (0.25, 0.5)
LEAST_EPISODES = 10
CELL = [*TASK, "strategy"]
KEY = [*CELL, "train_episodes"]
OVERALL, IN_PARTS = (77, 83), (72, 88)  # what an 80 % band may hold, in percent
OTHERS = {50: (45, 55), 95: (90, 100)}
RATIO = 0.7

type Row = dict[str, object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    curves_argument(parser)
    parser.add_argument("--out", type=Path, default=Path("forecast"), help="resumed if it is there")
    parser.add_argument("--fresh", action="store_true", help="start anew: the model has changed")
    parser.add_argument(
        "--seconds", type=int, metavar="N", help="only what the misfit costs, on every N-th task"
    )
    args = parser.parse_args()
    table = curves(args.curves)
    if args.seconds is not None:
        report_seconds(table, args.seconds)
        return
    found = backtest(
        table,
        train_fractions=FRACTIONS,
        out=args.out,
        fresh=args.fresh,
        progress=lambda cell, _, done: print(f"{done:6.1%}  {cell}", flush=True),
    )
    report(found)


def curves(folder: Path) -> pd.DataFrame:
    """Return all cells with at least 3 repetitions and 10 episodes, whatever their shape."""
    text = dict.fromkeys([*CELL, "repetition"], str)
    files = sorted(folder.glob("*.csv.gz"))
    table = pd.concat([pd.read_csv(file, dtype=text, keep_default_na=False) for file in files])
    of_cell = table.groupby(CELL)
    enough = (of_cell["repetition"].transform("nunique") >= LEAST_REPETITIONS) & (
        of_cell["episode"].transform("max") >= LEAST_EPISODES
    )
    return table[enough].reset_index(drop=True)


def report(found: Backtest) -> None:
    """Print what is judged, then what is behind it. Every row of forecasts.csv weighs the same."""
    rows, points = bands(found), errors(found)
    table = pd.DataFrame([*judged_bands(rows), *judged_errors(points)])
    fits, failed = found.fits, found.failed
    held = table["holds"].value_counts()
    print(table.fillna("").to_string(index=False))
    print(f"\n{held.get('yes', 0)} of {held.sum()} hold.")
    print(f"{len(fits)} fits of {len(fits[CELL].drop_duplicates())} cells: ", end="")
    print(f"{fits['passed'].mean():.1%} converged; {len(failed)} failed.")
    for row in failed.itertuples(index=False):
        print("  " + " / ".join(map(str, row)))
    doubted = rows.merge(fits[~fits["described"].astype(bool)][KEY], on=KEY)
    print(
        f"PALM is found not to describe {doubted.groupby(KEY).ngroups} of them: of their ", end=""
    )
    print(f"forecasts the 80 % band holds {100 * doubted['in_80'].mean():.1f} %.")
    print("\nHeld by the 80 % band, %, by training episodes (5, 6-10, more):")
    size = pd.cut(rows["train_episodes"], [0, 5, 10, 1000], labels=["5", "6-10", "more"])
    print((100 * rows.groupby(["scope", size], observed=True)["in_80"].mean()).unstack().round(1))
    print("\nMeans over all forecasts of the mean over repetitions, accuracy in points:")
    print(100 * points.groupby("fraction")[["crps", "palm_bayes", *NAMES]].mean().T.round(6))
    print("\nMedians of absolute errors, accuracy in points:")
    print(100 * points.groupby("source")[["palm_bayes", *NAMES]].median().T.round(6))
    print(
        "\nOf cells drawn anew, share in which our median is no worse than the best baseline's, %:"
    )
    print((100 * points.groupby("source")[[*CELL, "palm_bayes", *NAMES]].apply(redrawn)).round(1))
    print("\n" + found.sentence)


def redrawn(points: pd.DataFrame, times: int = 1000) -> float:
    """Share of redraws of a source's cells in which our median error is at most the best one's."""
    cells = [part[["palm_bayes", *NAMES]].to_numpy() for _, part in points.groupby(CELL)]
    rng = np.random.default_rng(0)
    draws = rng.integers(len(cells), size=(times, len(cells)))
    medians = [np.median(np.concatenate([cells[i] for i in draw]), axis=0) for draw in draws]
    return float(np.mean([ours <= min(others) for ours, *others in medians]))


def report_seconds(table: pd.DataFrame, stride: int) -> None:
    """Print the processor time of fit and forecast with and without the misfit."""
    seconds = {"fit": 0.0, "pure PALM": 0.0, "misfit": 0.0}

    @contextmanager
    def counted(what: str) -> Iterator[None]:
        start = time.process_time()
        yield
        seconds[what] += time.process_time() - start

    warnings.simplefilter("ignore", PalmWarning)
    tasks = [read_runs(frame) for _, frame in list(table.groupby(TASK))[::stride]]
    fit(tasks[0].first(5))  # compiles
    for runs in tasks:
        longest = int(runs.table["episode"].max())
        for share in FRACTIONS:
            seen = train_size(longest, share)
            with counted("fit"):
                fitted = fit(runs.first(seen))
            for what, options in (("pure PALM", {"misfit": None}), ("misfit", {})):
                with counted(what):
                    fitted.forecast(horizon=longest - seen, scope="new", **options)
    pure, ours = (seconds["fit"] + seconds[what] for what in ("pure PALM", "misfit"))
    print(f"{len(tasks)} tasks, processor seconds: {seconds}")
    print(f"Fit and forecast, with misfit over pure PALM: {ours / pure:.2f}")


def bands(found: Backtest) -> pd.DataFrame:
    """Whether each forecast's bands held, with its third of the horizon."""
    rows = found.forecasts
    last = rows.groupby(KEY)["episode"].transform("max")
    names = third(rows["episode"], rows["train_episodes"], last)
    return rows.assign(third=names, **{f"in_{band}": inside(rows, band) for band in BANDS})


def errors(found: Backtest) -> pd.DataFrame:
    """Absolute errors of the forecasts of means, ours (of the median) and the baselines'.

    A row a forecast and fraction: where both fractions of a short curve are 5 episodes, twice. Our
    CRPS is that of the forecast's cell, since forecasts.csv has none: means of it are exact.
    """
    ours = found.forecasts[found.forecasts["scope"] == "mean"]
    scores = found.scores.query("forecaster == 'palm_bayes' and scope == 'mean' and third == 'all'")
    table = found.baselines.merge(ours[[*KEY, "episode", "q50"]], on=[*KEY, "episode"])
    table = table.rename(columns={"q50": "palm_bayes"}).merge(scores[[*KEY, "crps"]], on=KEY)
    names = ["palm_bayes", *NAMES]
    table[names] = table[names].sub(table["observed"], axis=0).abs()
    longest = found.observed.groupby(CELL)["episode"].max().rename("longest").reset_index()
    table = table.merge(longest, on=CELL)
    of_fraction = []
    for share in FRACTIONS:
        size = table["longest"].map(partial(train_size, fraction=share))
        of_fraction.append(table[table["train_episodes"] == size].assign(fraction=share))
    return pd.concat(of_fraction, ignore_index=True)


def judged_bands(rows: pd.DataFrame) -> Iterator[Row]:
    """Judge shares of what came inside the bands, all forecasts alike."""
    yield _band(rows, 80, "overall", OVERALL)
    for band, allowed in OTHERS.items():
        yield _band(rows, band, "overall", allowed)
    for name in THIRDS:
        yield _band(rows[rows["third"] == name], 80, f"{name} third", IN_PARTS)
    for source, part in rows.groupby("source"):
        yield _band(part, 80, str(source), IN_PARTS)


def _band(rows: pd.DataFrame, band: int, where: str, allowed: tuple[int, int]) -> Row:
    low, high = allowed
    held = 100 * rows.groupby("scope")[f"in_{band}"].mean()
    cells = 100 * rows.groupby(["scope", *KEY])[f"in_{band}"].mean().groupby("scope").mean()
    return {
        "judged": f"{band} % band held, %",
        "where": where,
        "mean": f"{held['mean']:.1f}",
        "repetition": f"{held['repetition']:.1f}",
        "wanted": f"{low}-{high}",
        "holds": _word(held.between(low, high).all()),
        "cells alike": f"{cells['mean']:.1f}, {cells['repetition']:.1f}",
    }


def judged_errors(points: pd.DataFrame) -> Iterator[Row]:
    """Judge CRPS by fraction, and median errors by source, against the best baseline's."""
    for share, part in points.groupby("fraction"):
        error = part[[*NAMES]].mean()
        best, crps = error.min(), part["crps"].mean()
        cells = part.groupby(KEY)[["crps", *NAMES]].mean().mean()
        yield {
            "judged": "CRPS / best error",
            "where": f"fraction {share:g}, {error.idxmin()}",
            "mean": f"{crps / best:.2f}",
            "wanted": f"<= {RATIO}",
            "holds": _word(crps <= RATIO * best),
            "cells alike": f"{cells['crps'] / cells[[*NAMES]].min():.2f}",
        }
    for source, part in points.groupby("source"):
        error = part[["palm_bayes", *NAMES]].median()
        best = error[[*NAMES]].min()
        yield {
            "judged": "median error / best",
            "where": f"{source}, {error[[*NAMES]].idxmin()}",
            "mean": f"{error['palm_bayes'] / best:.2f}",
            "wanted": "<= 1",
            "holds": _word(error["palm_bayes"] <= best),
            "cells alike": "",
        }


def _word(holds: bool | np.bool) -> str:
    return "yes" if holds else "NO"


if __name__ == "__main__":
    main()
