"""Mean curve of a strategy's repetitions, including repetitions of unequal length."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from palm_bayes.arrays import Floats
from palm_bayes.data.runs import Runs

# Batches within which repetitions share an x position: start pools differ by some labels.
_NEAR = 0.75


class MeanCurve(NamedTuple):
    """Mean of the repetitions of one strategy."""

    x: Floats  # labels in batches, increasing, dims (place,)
    y: Floats  # mean accuracy, dims (place,)
    offsets: "pd.Series[float]"  # of each repetition from the mean; index repetition, sum 0


def mean_curve(runs: Runs) -> MeanCurve:
    """Average the repetitions of one strategy without jumps where a run begins or ends.

    The mean is the least-squares solution of accuracy = mean(place) + offset(repetition), the
    two-way layout without interaction (Scheffé 1959, *The Analysis of Variance*, chapter 4), with
    offsets that sum to 0, so the end of a run does not shift the mean. For runs of equal length it
    is the plain mean. Groups of repetitions without any position in common, directly or through
    others, cannot be compared: the offsets of each group sum to 0.
    """
    table = runs.table.assign(place=_positions(runs.table))
    places = table.groupby("place")
    x = places["x"].median()
    values = _interpolated_runs(table, x[table["place"]].to_numpy())
    plain = values.groupby(table["place"]).mean()
    there = pd.crosstab(table["place"], table["repetition"])
    shares = there.div(there.sum(axis=1), axis=0)
    # Without the means, the normal equations form a graph Laplacian with one zero eigenvalue per
    # group: the minimum-norm solution sums to 0 over each group.
    laplacian = np.diag(there.sum()) - there.T @ shares
    above = values - plain[table["place"]].to_numpy()
    of_runs = above.groupby(table["repetition"]).sum()
    solved = np.linalg.lstsq(np.asarray(laplacian), np.asarray(of_runs), rcond=1e-10)[0]
    offsets = pd.Series(dict(zip(there.columns, solved.tolist(), strict=True)))
    return MeanCurve(x.to_numpy(), (plain - shares @ offsets).to_numpy(), offsets)


def _interpolated_runs(table: pd.DataFrame, x: Floats) -> "pd.Series[float]":
    """Interpolate the accuracy of each observation's run linearly at a nearby x."""
    runs = table.assign(near=x).groupby("repetition")
    parts = [
        pd.Series(_extrapolated(*run[["near", "x", "accuracy"]].to_numpy().T), run.index)
        for _, run in runs
    ]
    return pd.concat(parts).sort_index()


def _extrapolated(at: Floats, x: Floats, y: Floats) -> Floats:
    """Interpolate linearly; extrapolate along the two nearest points."""
    if len(x) == 1:
        return y
    slopes = np.diff(y) / np.diff(x)
    before, after = np.minimum(at - x[0], 0), np.maximum(at - x[-1], 0)
    return np.asarray(np.interp(at, x, y) + before * slopes[0] + after * slopes[-1])


def _positions(table: pd.DataFrame) -> "pd.Series[int]":
    """Enumerate the x positions; observations of one run never share one."""
    place, begin, present = -1, -np.inf, set[str]()
    place_of: dict[float, int] = {}
    for x in np.unique(table["x"]):
        new = set(table.loc[table["x"] == x, "repetition"])
        if x > begin + _NEAR or present & new:
            place, begin, present = place + 1, x, set()
        present |= new
        place_of[x] = place
    return table["x"].map(place_of)
