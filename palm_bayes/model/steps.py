"""One strategy's runs in a matrix, for the sampler: each x and each step between two x once."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from palm_bayes.model import noise
from palm_bayes.model.curve import Array
from palm_bayes.model.variables import Ends, Observations

ROWS = 7
"""Rows of a `pooled` matrix."""
_COUNTS = 2  # numbers of x and of steps; the first row holds them, then `Ends`


class Steps(NamedTuple):
    """Distinct steps between consecutive observations of one strategy's runs, and their use.

    Attributes
    ----------
    x : array, dims (place,)
        Observed x, in batches, ascending.
    place, place_before, lag : array, dims (step,)
        Index of the x at the step's end and at its start; episodes between, 0 at a run's first.
    accuracy : array, dims (observation,)
        Run after run, in order of episode.
    step : array, dims (observation,)
        Index of the step that ends there.
    """

    x: Array
    place: Array
    place_before: Array
    lag: Array
    accuracy: Array
    step: Array


def pooled(data: Observations) -> NDArray[np.float64]:
    """Pack the ends and the `Steps` of one strategy's runs in a matrix, dims (row, column)."""
    x, place = np.unique(data.x, return_inverse=True)
    ends = noise.step_ends(place, data.lag)
    steps, step = np.unique(ends, axis=0, return_inverse=True)
    head = [len(x), len(steps), *np.ravel(data.ends)]
    rows = np.zeros((ROWS, max(len(head), len(step))))
    for row, values in zip(rows, (head, x, *steps.T, data.accuracy, step), strict=True):
        row[: len(values)] = values
    return rows


def ends_of(rows: Array) -> Ends:
    """Return the ends from a `pooled` matrix, of arrays or of tensors."""
    return Ends(*(rows[0, _COUNTS + i] for i in range(len(Ends._fields))))


def steps_of(rows: NDArray[np.float64]) -> Steps:
    """Return the steps from a `pooled` matrix."""
    n_x, n_steps, n = int(rows[0, 0]), int(rows[0, 1]), int(rows[0, 7])
    return Steps(
        rows[1, :n_x],
        rows[2, :n_steps],
        rows[3, :n_steps],
        rows[4, :n_steps],
        rows[5, :n],
        rows[6, :n],
    )
