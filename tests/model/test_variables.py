"""Runs as the arrays that the model takes."""

import weakref
from dataclasses import replace

import numpy as np

from palm_bayes.model.variables import observations


def test_observations_are_flat_and_in_order(runs):
    data = observations(runs)
    np.testing.assert_array_equal(data.x, [1, 2, 3, 4, 5, 1, 2, 4, 5, 6, 7] * 2)
    np.testing.assert_array_equal(data.lag, [0, 1, 1, 1, 1, 0, 1, 2, 1, 1, 1] * 2)
    # How many observations are of earlier x: 2 at 1, 2 at 2, 1 at 3, 2 at 4 and 5, 1 at 6.
    places = [0, 2, 4, 5, 7, 0, 2, 5, 7, 9, 10]
    np.testing.assert_array_equal(data.place, [*places, *(11 + place for place in places)])
    np.testing.assert_array_equal(data.strategy_index, np.repeat([0, 1], 11))
    first, second, last, at_first, at_last, count, length = data.ends
    np.testing.assert_array_equal(first, [1, 1])
    np.testing.assert_array_equal(second, [2, 2])
    np.testing.assert_array_equal(last, [7, 7])
    accuracy = data.accuracy.reshape(2, 11)
    np.testing.assert_allclose(at_first, accuracy[:, [0, 5]].mean(axis=1))
    np.testing.assert_allclose(at_last, accuracy[:, -1])
    np.testing.assert_array_equal(count, [11, 11])
    np.testing.assert_array_equal(length, [5.5, 5.5])
    np.testing.assert_array_equal(data.accuracy, runs.table["accuracy"])
    assert set(data.as_data()) == {"observations", "ends", "strategy_index"}
    assert set(observations(runs.strategy("s0")).as_data()) == {"observations", "ends"}


def test_second_x_is_half_a_batch_later_at_least(make_runs):
    """Start pools of unlike size do not make two first steps."""
    table = make_runs().table
    pool = table["x"] - 0.3 * (table["repetition"] == "1") * (table["episode"] == 1)
    data = observations(replace(make_runs(), table=table.assign(x=pool)))
    np.testing.assert_allclose(data.ends.x_first, [0.7, 0.7])
    np.testing.assert_allclose(data.ends.x_second, [2, 2])


def test_second_x_is_the_last_where_all_lie_close_together(make_runs):
    """As with a batch that the user sets far above the steps."""
    table = make_runs().table
    close = observations(replace(make_runs(), table=table.assign(x=table["x"] / 50)))
    np.testing.assert_array_equal(close.ends.x_second, close.ends.x_last)


def test_observations_are_made_once_and_kept_as_long_as_their_runs(make_runs):
    runs = make_runs()
    data = observations(runs)
    assert observations(runs) is data
    kept = weakref.ref(runs)
    del runs
    assert kept() is None
    assert data.accuracy.size
