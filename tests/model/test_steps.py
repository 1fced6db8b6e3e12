"""Runs in a matrix: what they share is there once."""

import numpy as np
import pandas as pd

from palm_bayes.data.runs import Runs
from palm_bayes.model.steps import ends_of, pooled, steps_of
from palm_bayes.model.variables import observations


def packed(*runs):
    """Pack runs, each a list of x; accuracies tell run and episode apart."""
    parts = [
        {"strategy": "margin", "repetition": r, "labels": x, "accuracy": 0.3 + 0.01 * i + 0.1 * r}
        for r, places in enumerate(runs)
        for i, x in enumerate(places)
    ]
    data = observations(Runs.from_frame(pd.DataFrame(parts), batch=1))
    return data, pooled(data)


def test_runs_of_one_design_share_every_step():
    data, rows = packed([1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3])
    steps = steps_of(rows)
    assert steps.x.tolist() == [1, 2, 3, 4]
    assert steps.place.tolist() == [0, 1, 2, 3]
    assert steps.before.tolist() == [0, 0, 1, 2]
    assert steps.lag.tolist() == [0, 1, 1, 1]
    assert steps.takers.tolist() == [3, 3, 3, 2]
    assert steps.step.tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2]
    np.testing.assert_array_equal(steps.accuracy, data.accuracy)
    for mine, theirs in zip(ends_of(rows), data.ends, strict=True):
        np.testing.assert_array_equal(mine, np.squeeze(theirs))


def test_runs_part_where_their_places_do():
    _, rows = packed([1, 2, 4, 6], [1, 2, 3, 6])
    steps = steps_of(rows)
    assert steps.x.tolist() == [1, 2, 3, 4, 6]
    assert steps.takers.tolist() == [2, 2, 1, 1, 1, 1]  # 6 is reached from 4, and from 3
    paths = [steps.x[steps.place[steps.step[i : i + 4].astype(int)].astype(int)] for i in (0, 4)]
    assert [path.tolist() for path in paths] == [[1, 2, 4, 6], [1, 2, 3, 6]]
