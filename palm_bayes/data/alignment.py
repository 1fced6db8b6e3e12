"""Alignment of repetitions whose label counts differ slightly.

Repetitions share a part of their noise at the same x (`palm_bayes.model.noise`). Their label counts
often differ a little: queries fail, duplicates are dropped. Such observations get one common x.
"""

import numpy as np
import pandas as pd

from palm_bayes.arrays import Floats, Integers
from palm_bayes.data.runs import RUN

WITHIN = 0.1
"""Largest difference in x as a share of the smallest step nearby, as for even batches in `Runs`."""
MOSTLY = 0.5
"""Repetitions are unaligned when a larger share of their x has only one repetition."""


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
