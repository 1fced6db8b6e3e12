"""Repetitions whose label counts differ slightly: their common x, and their mean curve.

Repetitions share a part of their noise at the same x (`palm_bayes.model.noise`). Their label counts
often differ a little: queries fail, duplicates are dropped. Such observations get one common x.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from palm_bayes.arrays import Floats, Integers
from palm_bayes.data.runs import Runs
from palm_bayes.data.validation import RUN

WITHIN = 0.1
"""Largest difference in x as a share of the smallest step nearby, as for even batches in `Runs`."""
MOSTLY = 0.5
"""Repetitions are unaligned when a larger share of their x has only one repetition."""
_NEAR = 0.75  # batches within which a mean is taken: start pools differ by some labels


def aligned_x(table: pd.DataFrame) -> Floats:
    """Return x of `Runs.table`, nearly equal ones of a strategy's repetitions by their median.

    The dims are (observation,). Two observations of one repetition never get the same x.
    """
    x, strategy = table["x"].to_numpy(float), pd.factorize(table["strategy"])[0]
    run = table.groupby(RUN, sort=False).ngroup().to_numpy()
    steps = np.where(np.diff(run) == 0, np.diff(x), np.inf)
    nearest = np.minimum(np.append(np.inf, steps), np.append(steps, np.inf))
    reach = WITHIN * np.where(np.isfinite(nearest), nearest, 0.0)
    order, places = np.lexsort((x, strategy)), np.empty(len(x), dtype=np.int64)
    places[order] = _positions(strategy[order], x[order], reach[order])
    return pd.Series(x).groupby(places).transform("median").to_numpy()


def unaligned(table: pd.DataFrame) -> list[str]:
    """List strategies with unaligned repetitions, whose shared noise cannot be identified.

    Only x up to the end of the second-longest repetition count: past it there is only one.
    """
    at = table.assign(x=aligned_x(table))
    ends = at.groupby(RUN, sort=False)["x"].max().sort_values(ascending=False)
    second = ends.groupby("strategy").nth(1).droplevel("repetition").to_dict()
    within = at[at["x"] <= at["strategy"].map(second)]  # none of a single repetition
    counts = within.groupby(["strategy", "x"], sort=False).size()
    alone = (counts == 1).groupby("strategy", sort=False).mean() > MOSTLY
    return [str(name) for name in alone.index[alone]]


def _positions(strategy: Integers, x: Floats, reach: Floats) -> Integers:
    """Enumerate the aligned x positions in order of strategy and x.

    A position spans no more than the smallest `reach` of its observations.
    """
    places = np.zeros(len(x), dtype=np.int64)
    start, least = 0, reach[0]
    for i in range(1, len(x)):
        least = min(least, reach[i])
        ends = strategy[i] != strategy[start] or x[i] - x[start] > least
        if ends:
            start, least = i, reach[i]
        places[i] = places[i - 1] + ends
    return places


class MeanCurve(NamedTuple):
    """Mean of the repetitions of one strategy."""

    x: Floats  # labels in batches, increasing, dims (place,)
    y: Floats  # mean accuracy, dims (place,)
    offsets: "pd.Series[float]"  # of each repetition from the mean; index repetition, sum 0


def mean_curve(runs: Runs) -> MeanCurve:
    """Average the repetitions of one strategy without jumps where a run begins or ends.

    The mean is the least-squares solution of accuracy = mean(place) + offset(repetition), the
    two-way layout without interaction (Scheffé 1959, *The Analysis of Variance*, chapter 4), with
    offsets that sum to 0, so the end of a run does not shift the mean. It is clipped to [0, 1]. For
    runs of equal length it is the plain mean. Groups of repetitions without any position in common,
    directly or through others, cannot be compared: the offsets of each group sum to 0.
    """
    table = runs.table.assign(place=_places(runs.table))
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
    y = (plain - shares @ offsets).clip(0, 1)  # a run that is extrapolated may leave the scale
    return MeanCurve(x.to_numpy(), y.to_numpy(), offsets)


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


def _places(table: pd.DataFrame) -> "pd.Series[int]":
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
