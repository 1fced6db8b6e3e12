"""Do the bands hold, and do the forecasts beat the baselines, on real curves? See README.md.

python benchmarks/forecast.py --curves DIR --out forecast
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from cells import LEAST_REPETITIONS, TASK, curves_parser, show_progress

from palm_bayes import Backtest, backtest
from palm_bayes.data.quantiles import BANDS
from palm_bayes.evaluation.cells import train_size
from palm_bayes.evaluation.scores import THIRDS, inside, third
from palm_bayes.forecast.baselines import NAMES
from palm_bayes.inference.settings import OF_SWEEPS, Settings

FRACTIONS = (0.25, 0.5)
LEAST_EPISODES = 10
CELL = [*TASK, "strategy"]
KEY = [*CELL, "train_episodes"]
OVERALL, IN_THIRDS, IN_SOURCES = (77, 83), (74, 86), (70, 90)  # an 80 % band may hold, in percent
OTHERS = {50: (46, 54), 95: (92, 97)}
RATIOS = {0.25: 0.6, 0.5: 0.65}

type Row = dict[str, object]


def main() -> None:
    parser = curves_parser(__doc__, out="forecast", fresh=True)
    parser.add_argument("--sweep", action="store_true", help="as many draws as palm_bayes.sweep")
    parser.add_argument("--workers", type=int, default=0, help="of a local Dask cluster")
    args = parser.parse_args()
    found = backtest(
        curves(args.curves),
        train_fractions=FRACTIONS,
        draws=OF_SWEEPS.draws if args.sweep else Settings.draws,
        workers=args.workers,
        out=args.out,
        fresh=args.fresh,
        progress=show_progress,
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
    of_scope = found.scores.query("forecaster == 'palm_bayes' and third == 'all' and n > 0")
    print("\nMean CRPS, in points, and log score, cells alike:")
    print((100 * of_scope.groupby(["scope", "source"])["crps"].mean()).unstack().round(4))
    print(of_scope.groupby(["scope", "source"])["log_score"].mean().unstack().round(3))
    print("\n" + found.sentence)


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
        yield _band(rows[rows["third"] == name], 80, f"{name} third", IN_THIRDS)
    for source, part in rows.groupby("source"):
        yield _band(part, 80, str(source), IN_SOURCES)


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
    """Judge CRPS by fraction, against the best baseline's error."""
    for share, part in points.groupby("fraction"):
        error = part[[*NAMES]].mean()
        best, crps = error.min(), part["crps"].mean()
        cells = part.groupby(KEY)[["crps", *NAMES]].mean().mean()
        yield {
            "judged": "CRPS / best error",
            "where": f"fraction {share:g}, {error.idxmin()}",
            "mean": f"{crps / best:.2f}",
            "wanted": f"<= {RATIOS[share]}",
            "holds": _word(crps <= RATIOS[share] * best),
            "cells alike": f"{cells['crps'] / cells[[*NAMES]].min():.2f}",
        }


def _word(holds: bool | np.bool) -> str:
    return "yes" if holds else "NO"


if __name__ == "__main__":
    main()
