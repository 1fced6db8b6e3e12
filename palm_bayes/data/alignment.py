"""Alignment of repetitions whose label counts differ slightly.

Repetitions share a part of their noise at the same x (`palm_bayes.model.noise`). Their label counts
often differ a little: queries fail, duplicates are dropped. Such observations get one common x.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from palm_bayes.data.runs import RUN

WITHIN = 0.1
"""Largest difference in x as a share of the smallest step nearby, as for even batches in `Runs`."""
MOSTLY = 0.5
"""Repetitions are unaligned when a larger share of the strategy's x has only one repetition."""


def aligned_x(table: pd.DataFrame) -> NDArray[np.float64]:
    """Replace nearly equal x of a strategy's repetitions by their median.

    Parameters
    ----------
    table : DataFrame
        `palm_bayes.data.runs.Runs.table`.

    Returns
    -------
    array, dims (observation,)
        Labels in batches. Two observations of one repetition never get the same x.
    """
    of_runs = table.groupby(RUN, sort=False)["x"]
    steps = pd.DataFrame({"before": of_runs.diff(), "after": -of_runs.diff(-1)})
    places = pd.Series(0, index=table.index)
    order = table.assign(reach=WITHIN * steps.min(axis=1).fillna(0.0))
    order = order.sort_values(["strategy", "x"])
    places[order.index] = _places(
        pd.factorize(order["strategy"])[0], order["x"].to_numpy(float), order["reach"].to_numpy()
    )
    return table["x"].groupby(places).transform("median").to_numpy(float)


def unaligned(table: pd.DataFrame) -> list[str]:
    """List strategies with unaligned repetitions, whose shared noise cannot be identified."""
    counts = table.assign(x=aligned_x(table)).groupby(["strategy", "x"], sort=False).size()
    alone = (counts == 1).groupby("strategy", sort=False).mean() > MOSTLY
    several = table[RUN].drop_duplicates().groupby("strategy", sort=False).size() > 1
    return [str(name) for name in several.index if several[name] and alone[name]]


def _places(
    strategy: NDArray[np.int64], x: NDArray[np.float64], reach: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Enumerate the aligned x positions in order of strategy and x.

    A position spans no more than the smallest `reach` of its observations.
    """
    places = np.zeros(len(x), dtype=np.int64)
    start, least = 0, reach[0]
    for i in range(1, len(x)):
        least = min(least, reach[i])
        same = strategy[i] == strategy[start] and x[i] - x[start] <= least
        if not same:
            start, least = i, reach[i]
        places[i] = places[i - 1] + (not same)
    return places
