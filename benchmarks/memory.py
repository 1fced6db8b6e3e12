"""How long is noise remembered, what of it shrinks, and how large is it? See README.md.

python benchmarks/memory.py --curves DIR
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from cells import cells, curves_parser
from numpy.typing import NDArray

from palm_bayes.evaluation.cells import FRACTIONS, train_size
from palm_bayes.model.noise import RESOLUTION, single_prediction_sd

LAGS = (1, 2, 3, 5, 8, 12, 20, 30)
PLACES = 8  # along a run, from its first episode to its last
LEAST_EPISODES = 10
WHOLE = 0.9  # share of the repetitions that an episode must have
LAST = 3  # episodes at the end of a fit's data, over which noise is averaged
UNITS: dict[str, Callable[[float], float]] = {
    "accuracy 1": lambda _: 1.0,
    "A": lambda accuracy: accuracy,
    "sqrt(A(1-A))": lambda accuracy: float(single_prediction_sd(accuracy)),
    "A(1-A)": lambda accuracy: float(single_prediction_sd(accuracy)) ** 2,
}

type Floats = NDArray[np.float64]


def main() -> None:
    args = curves_parser(__doc__).parse_args()
    found = [(cell.source, deviations(cell.full.table)) for cell in cells(args.curves)]
    table = pd.DataFrame({"source": source, **remembered(off)} for source, off in found)
    print("Autocorrelation of repetitions around their mean, by lag in episodes, mean of cells:")
    print(table.groupby("source").mean().round(2).to_string(na_rep=""))
    long = [(source, off) for source, off in found if off.shape[1] >= LEAST_EPISODES]
    for what, of in (("Standard deviation", shrunk), ("Covariance with the last episode", kept)):
        table = pd.DataFrame({"source": source, **of(off)} for source, off in long)
        print(f"\n{what}, 1 at the last episode, by share of the run, median of cells:")
        print(table.groupby("source").median().round(2).to_string())
    print("\nNoise at the last episodes of a quarter and of half of the runs, by its unit:")
    print(sizes(args.curves).round(4).to_string())


def sizes(folder: Path) -> pd.DataFrame:
    """Mean and standard deviation of the logarithm of the noise in some units, all fits alike."""
    logs: dict[str, list[float]] = {unit: [] for unit in UNITS}
    for cell in cells(folder):
        for train in map(partial(train_size, int(cell.full.table["episode"].max())), FRACTIONS):
            seen = cell.full.first(train).table
            last = seen[seen["episode"] > seen["episode"].max() - LAST]
            wide = last.pivot(index="repetition", columns="episode", values="accuracy").dropna()
            if len(wide) > 1:
                size = np.sqrt(wide.var().mean() + RESOLUTION**2)
                for unit, of in UNITS.items():
                    logs[unit].append(np.log(size / of(wide.to_numpy().mean())))
    found = pd.DataFrame(logs)
    by_unit = {"geometric mean": np.exp(found.mean()), "sd of the logarithm": found.std()}
    return pd.DataFrame(by_unit).assign(fits=len(found))


def deviations(table: pd.DataFrame) -> Floats:
    """A strategy's repetitions off their mean, dims (repetition, episode), of unbiased variance."""
    wide = table.pivot(index="repetition", columns="episode", values="accuracy")
    wide = wide.dropna(axis=1, thresh=int(np.ceil(WHOLE * len(wide)))).dropna()
    repetitions = len(wide)
    return (wide - wide.mean()).to_numpy() * np.sqrt(repetitions / max(repetitions - 1, 1))


def remembered(off: Floats) -> dict[int, float]:
    """Autocorrelation of a strategy's repetitions, by lag."""
    spread = np.sqrt((off**2).mean(axis=0))
    standard = off / np.where(spread > 0, spread, np.nan)
    return {
        lag: float(np.nanmean(standard[:, lag:] * standard[:, :-lag]))
        for lag in LAGS
        if lag < off.shape[1]
    }


def shrunk(off: Floats) -> dict[float, float]:
    """Standard deviation at some places, over that at the last."""
    products = along(off)
    return {place: float(np.sqrt(of[i])) for i, (place, of) in enumerate(products.items())}


def kept(off: Floats) -> dict[float, float]:
    """Covariance of some places with the last, over the variance there."""
    return {place: float(of[-1]) for place, of in along(off).items()}


def along(off: Floats) -> dict[float, Floats]:
    """Covariances of places along the runs with each other, over the variance at the last."""
    places = np.linspace(0, 1, PLACES)
    at = off[:, np.round(places * (off.shape[1] - 1)).astype(int)]
    products = at.T @ at
    last = products[-1, -1]
    of_last = products / last if last > 0 else np.full_like(products, np.nan)
    return dict(zip(places.round(2).tolist(), of_last, strict=True))


if __name__ == "__main__":
    main()
