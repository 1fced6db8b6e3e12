"""Names of the model's variables and its data as arrays; without PyMC, which is slow to import."""

from dataclasses import dataclass
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from palm_bayes.arrays import Floats, Integers
from palm_bayes.data.alignment import aligned_x
from palm_bayes.data.runs import Runs
from palm_bayes.data.validation import RUN
from palm_bayes.model import curve, noise

VERSION = 12
"""Version of the model, stored in traces: others hold other variables or hyperparameters."""

NOISE = ("noise", "noise_ratio", "rho", "shared", "lasting")
"""Names of the noise parameters."""
VECTORS = {"memory": ("rho", "lasting"), "curve": curve.COORDINATES}
"""Vector-valued free variables, with the names of their elements."""
FREE = ("memory", "noise", "noise_ratio", "shared", "curve")
"""Names of the model's free variables."""
NUMBERS = tuple(number for name in FREE for number in VECTORS.get(name, (name,)))
"""Names of all their elements."""
VECTOR_DIMS = {"memory": "memory_parameter", "curve": "parameter"}
"""Dims of the free variables apart from ``strategy``."""
VECTOR_COORDS = {VECTOR_DIMS[name]: list(numbers) for name, numbers in VECTORS.items()}

LOG_NORMALS = {"relative_noise": (0.03, 1.1), "noise_ratio": (5.0, 1.0)}
"""Median, and standard deviation of the logarithm, of default priors of the noise.

`relative_noise` is ``noise`` over `palm_bayes.model.noise.single_prediction_sd` at the last x.
"""
BETAS = {"rho": (1.5, 2.5), "shared": (1, 8), "lasting": (1, 2)}
"""Parameters of the Beta distributions that are default priors of the noise."""


class Ends(NamedTuple):
    """First and last observations of strategies: arrays or tensors, dims (strategy,) or none."""

    x_first: Any
    x_second: Any  # at least `LEAST_STEP` after the first, or the last
    x_last: Any
    accuracy_first: Any  # mean at the first x, a fraction
    accuracy_last: Any
    count: Any  # number of observations
    length: Any  # mean number of episodes of a run


DATA_DIMS = {
    "observations": ("column", "observation"),
    "ends": ("end", "strategy"),
    "strategy_index": ("observation",),
}
"""Names of the model's data variables."""

DATA_COORDS = {
    "column": ["x", "accuracy", "lag", "place", "first"],
    "end": list(Ends._fields),
}
# Least batches from x_first to x_second: start pools of unequal size give several first x.
LEAST_STEP = 0.5


@dataclass(frozen=True, eq=False)
class Observations:
    """Runs as flat arrays for the model, dims (observation,)."""

    x: Floats  # labels in batches, `palm_bayes.data.alignment.aligned_x`
    accuracy: Floats  # a fraction
    lag: Floats  # episodes since the run's previous observation, 0 at its first
    place: Integers  # `noise.place_begins`: equal for runs of a strategy at the same x
    first: Integers  # index of the first observation of each observation's run
    strategy_index: NDArray[np.int32]
    ends: Ends  # dims (strategy,)

    def as_data(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by the names of the model's data variables.

        They are packed into few arrays, since each costs compilation time. With one strategy the
        model does not index by strategy, which would slow down every evaluation.
        """
        packed = {
            "observations": np.stack([self.x, self.accuracy, self.lag, self.place, self.first]),
            "ends": np.stack(self.ends),
        }
        several = len(self.ends.x_first) > 1
        return {**packed, "strategy_index": self.strategy_index} if several else packed


# Kept as long as their runs are there.
_FLATTENED: WeakKeyDictionary[Runs, Observations] = WeakKeyDictionary()


def observations(runs: Runs) -> Observations:
    """Flatten `runs`, whose table is sorted by strategy, repetition and episode.

    A fit asks for those of each strategy five times, so they are made once.
    """
    if runs not in _FLATTENED:
        _FLATTENED[runs] = _flattened(runs)
    return _FLATTENED[runs]


def _flattened(runs: Runs) -> Observations:
    table = runs.table
    lag = table.groupby(RUN, sort=False)["episode"].diff().fillna(0).to_numpy(float)
    strategy_index = pd.factorize(table["strategy"])[0].astype(np.int32)
    x, accuracy = aligned_x(table), table["accuracy"].to_numpy(float)
    each = [strategy_index == i for i in range(len(runs.strategies))]
    ends = [_ends(x[its], accuracy[its], int((lag[its] == 0).sum())) for its in each]
    return Observations(
        x=x,
        accuracy=accuracy,
        lag=lag,
        place=noise.place_begins(np.column_stack([strategy_index, x])),
        first=np.maximum.accumulate(np.where(lag == 0, np.arange(len(lag)), 0)),
        strategy_index=strategy_index,
        ends=Ends(*np.transpose(ends).astype(float)),
    )


def _ends(x: Floats, accuracy: Floats, runs: int) -> Ends:
    """Return the ends of one strategy as numbers; arrays have dims (observation,)."""
    first, last = x.min(), x.max()
    second = x[x >= first + LEAST_STEP].min(initial=last)
    at_first, at_last = (accuracy[x == end].mean() for end in (first, last))
    return Ends(first, second, last, at_first, at_last, len(x), len(x) / runs)
