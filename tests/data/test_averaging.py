"""The mean curve: the plain mean of equal runs, and no jumps where others begin or end."""

import numpy as np
import pandas as pd
import pytest

from palm_bayes.data.averaging import mean_curve
from palm_bayes.data.runs import Runs


def made(runs, batch=None):
    """Runs of one strategy; each is its labels and accuracies."""
    tables = [
        pd.DataFrame({"strategy": "a", "repetition": str(r), "labels": labels, "accuracy": y})
        for r, (labels, y) in enumerate(runs)
    ]
    return Runs.from_frame(pd.concat(tables), batch=batch)


def rising(labels, offset=0.0):
    return labels, 0.9 - 0.5 * (labels / 20) ** -0.6 + offset


def test_of_equal_runs_it_is_the_plain_mean(example_runs):
    for name in example_runs.strategies:
        runs = example_runs.strategy(name)
        plain = runs.table.groupby("episode").agg(x=("x", "median"), y=("accuracy", "mean"))
        x, y, offsets = mean_curve(runs)
        np.testing.assert_array_equal(x, plain["x"])
        np.testing.assert_allclose(y, plain["y"], rtol=1e-14)
        assert offsets.sum() == pytest.approx(0, abs=1e-14)


def test_flat_runs_of_unequal_length_have_a_flat_mean():
    short, long = 20.0 * np.arange(1, 6), 20.0 * np.arange(1, 11)
    runs = made([(short, 0.8), (long, 0.9)])
    x, y, offsets = mean_curve(runs)
    np.testing.assert_array_equal(x, np.arange(1.0, 11))
    np.testing.assert_allclose(y, 0.85, atol=1e-12)
    np.testing.assert_allclose(offsets[["0", "1"]], [-0.05, 0.05], atol=1e-12)


@pytest.mark.parametrize("kept", [slice(3, None), [0, 1, 4, 5, 7], slice(None, 4)])
def test_runs_that_begin_late_end_early_or_have_gaps(kept):
    labels = 20.0 * np.arange(1, 11)
    runs = made([rising(labels[kept], -0.03), rising(labels, 0.01), rising(labels, 0.05)])
    _, y, _ = mean_curve(runs)
    np.testing.assert_allclose(y, rising(labels, 0.01)[1], atol=1e-12)


def test_runs_meet_by_labels_not_by_episodes():
    """10 x 20 labels and 5 x 100: they meet at 100 and 200."""
    few, many = 20.0 * np.arange(1, 11), 100.0 * np.arange(1, 6)
    x, y, _ = mean_curve(made([rising(few, 0.04), rising(many, -0.04)]))
    np.testing.assert_allclose(x, [*range(1, 11), 15, 20, 25])
    np.testing.assert_allclose(y, rising(20 * x)[1], atol=1e-12)


def test_labels_that_differ_a_little_are_one_place():
    labels = 1000.0 * np.arange(1, 9)
    runs = made([rising(labels + more) for more in (0, 2, 4)], batch=1000)
    x, y, _ = mean_curve(runs)
    np.testing.assert_allclose(x, labels / 1000 + 0.002)
    np.testing.assert_allclose(y, rising(1000 * x)[1], atol=1e-2)


def test_runs_that_never_meet_keep_their_levels():
    early, late = 20.0 * np.arange(1, 6), 20.0 * np.arange(6, 11)
    _, y, offsets = mean_curve(made([(early, 0.8), (late, 0.9)]))
    np.testing.assert_allclose(y, [0.8] * 5 + [0.9] * 5, atol=1e-12)
    np.testing.assert_allclose(offsets, 0, atol=1e-12)
