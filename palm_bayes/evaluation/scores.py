"""Scores of forecasts against observations, as array functions and as rows of scores.

CRPS and absolute error are accuracies (fractions), smaller is better; the log score is in nats,
larger is better.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from palm_bayes.arrays import Floats
from palm_bayes.data.quantiles import BANDS

SCORES = ["crps", "log_score", "mae", "coverage_50", "coverage_80", "coverage_95", "width_80"]
THIRDS = ("first", "second", "last")
_LEAST_SD = 1e-4  # below the resolution of usual test sets


def crps(draws: ArrayLike, observed: ArrayLike) -> Floats:
    """Compute the continuous ranked probability score of the draws' empirical distribution.

    E|X − y| − E|X − X'| / 2, the second term from sorted draws: O(n log n). Of a single draw it is
    the absolute error. Source: Gneiting and Raftery, JASA 2007, equation 21; Jordan, Krüger and
    Lerch, J. Stat. Softw. 2019, section 3.2. Draws have dims (draw, ...), observations (...).
    """
    x = np.sort(np.asarray(draws, dtype=float), axis=0)
    n = len(x)
    weight = (2 * np.arange(1, n + 1) - n - 1) / n**2
    return np.asarray(np.abs(x - observed).mean(axis=0) - np.tensordot(weight, x, axes=1))


def log_score(draws: ArrayLike, observed: ArrayLike) -> Floats:
    """Compute the log density of observations under normals with the draws' mean and variance.

    Up to a constant it is the score of Dawid and Sebastiani (Ann. Stat. 1999), which is proper. A
    kernel estimate from draws is not: past the outermost draw it falls tens of nats below the
    density that it estimates. Equal draws get the standard deviation `_LEAST_SD`. Dims are those of
    `crps`.
    """
    x = np.asarray(draws, dtype=float)
    sd = np.maximum(x.std(axis=0), _LEAST_SD)
    z = (np.asarray(observed, dtype=float) - x.mean(axis=0)) / sd
    return np.asarray(-0.5 * (z**2 + np.log(2 * np.pi)) - np.log(sd))


def third(episode: ArrayLike, train: int, last: int) -> NDArray[np.str_]:
    """Name the third of the horizon that each episode lies in.

    By (episode − train) / (last − train), in (0, 1]: "first" up to a third, and so on.
    """
    ahead = 3 * (np.asarray(episode) - train)
    place = (ahead > last - train).astype(int) + (ahead > 2 * (last - train))
    names: NDArray[np.str_] = np.asarray(THIRDS)[place]
    return names


def inside(rows: pd.DataFrame, band: int) -> "pd.Series[bool]":
    """Return True where the observation lies in the central `band` (50, 80 or 95 %)."""
    low, high = BANDS[band]
    return rows["observed"].between(rows[low], rows[high])


def score(rows: pd.DataFrame) -> dict[str, float]:
    """Average scores over forecasts with quantiles: `n` and the `SCORES`.

    Columns of `rows`: ``observed``, ``q2.5`` to ``q97.5``, ``crps`` and ``log_score``.
    """
    return {
        "n": len(rows),
        "crps": rows["crps"].mean(),
        "log_score": rows["log_score"].mean(),
        "mae": (rows["observed"] - rows["q50"]).abs().mean(),
        **{f"coverage_{band}": inside(rows, band).mean() for band in BANDS},
        "width_80": (rows["q90"] - rows["q10"]).mean(),
    }


def score_points(observed: "pd.Series[float]", forecast: "pd.Series[float]") -> dict[str, float]:
    """Average scores of point forecasts: their CRPS is their absolute error, bands are missing."""
    error = (observed - forecast).abs().mean()
    return {"n": len(observed), **dict.fromkeys(SCORES, np.nan), "crps": error, "mae": error}


def by_third(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield all rows as "all", then those of each non-empty third (column ``third``)."""
    yield "all", rows
    for name in THIRDS:
        if len(part := rows[rows["third"] == name]):
            yield name, part
