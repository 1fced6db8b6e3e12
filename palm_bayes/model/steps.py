"""One strategy's runs in a matrix, for the sampler: each x and each step of runs once."""

from typing import NamedTuple

import numpy as np

from palm_bayes.arrays import Floats
from palm_bayes.model.curve import Array
from palm_bayes.model.variables import Ends, Observations

ROWS = 8
"""Rows of a `pooled` matrix."""
_COUNTS = 2  # numbers of x and of steps; the first row holds them, then `Ends`
_OBSERVATIONS = _COUNTS + Ends._fields.index("count")


class Steps(NamedTuple):
    """Distinct steps of one strategy's runs, and the observations that they lead to.

    Runs share a step if they have been observed at the same x so far: runs of one design share all.
    """

    x: Array  # observed, in batches, ascending; dims (place,)
    place: Array  # index of the x where the step ends; dims (step,), as the next three
    before: Array  # the step before it, which has a lower index
    lag: Array  # episodes since then, 0 at a run's first
    takers: Array  # number of runs that take the step
    accuracy: Array  # run after run, in order of episode; dims (observation,)
    step: Array  # index of the step that ends at each accuracy


def pooled(data: Observations) -> Floats:
    """Pack the ends and the `Steps` of one strategy's runs in a matrix, dims (row, column)."""
    x, place = np.unique(data.x, return_inverse=True)
    steps: dict[tuple[int, int, float], int] = {}
    step: list[int] = []
    for at, lag in zip(place.tolist(), data.lag.tolist(), strict=True):
        before = step[-1] if lag > 0 else 0
        step.append(steps.setdefault((at, before, lag), len(steps)))
    head = [len(x), len(steps), *np.ravel(data.ends)]
    rows = np.zeros((ROWS, max(len(head), len(step))))
    filled = head, x, *np.transpose(list(steps)), np.bincount(step), data.accuracy, step
    for row, values in zip(rows, map(np.asarray, filled), strict=True):
        row[: len(values)] = values
    return rows


def ends_of(rows: Array) -> Ends:
    """Return the ends from a `pooled` matrix, of arrays or of tensors."""
    return Ends(*(rows[0, _COUNTS + i] for i in range(len(Ends._fields))))


def steps_of(rows: Floats) -> Steps:
    """Return the steps from a `pooled` matrix."""
    n_x, n_steps, n = int(rows[0, 0]), int(rows[0, 1]), int(rows[0, _OBSERVATIONS])
    return Steps(
        rows[1, :n_x],
        rows[2, :n_steps],
        rows[3, :n_steps],
        rows[4, :n_steps],
        rows[5, :n_steps],
        rows[6, :n],
        rows[7, :n],
    )
