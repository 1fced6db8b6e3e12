"""Which observations of unlike label counts are taken to be at one x, and their mean curve."""

import numpy as np
import pandas as pd
import pytest

from palm_bayes.data.alignment import aligned_x, mean_curve, unaligned
from palm_bayes.data.runs import Runs
from palm_bayes.model import noise
from palm_bayes.model.variables import observations


def runs_of(labels, batch=None, episodes=None):
    """Runs of one strategy, with labels by repetition."""
    rows = [
        ("margin", str(r), episode, count, 0.5 + 0.01 * episode + 0.001 * r)
        for r, counts in enumerate(labels)
        for episode, count in zip((episodes or {}).get(r, range(1, 99)), counts, strict=False)
    ]
    columns = ["strategy", "repetition", "episode", "labels", "accuracy"]
    return Runs.from_frame(pd.DataFrame(rows, columns=columns), batch=batch)


def places(runs):
    """Number of distinct x of each episode, over the repetitions."""
    table = runs.table.assign(x=aligned_x(runs.table))
    return list(table.groupby("episode")["x"].nunique())


EVEN = np.arange(1000, 7000, 1000)


def test_even_labels_stay_as_they_are():
    runs = runs_of([EVEN, EVEN])
    np.testing.assert_array_equal(aligned_x(runs.table), runs.table["x"])


def test_labels_that_differ_by_a_few_are_at_one_x():
    rng = np.random.default_rng(1)
    runs = runs_of([EVEN + rng.integers(0, 5, 6) for _ in range(4)])
    assert places(runs) == [1] * 6
    np.testing.assert_allclose(aligned_x(runs.table), runs.table["x"], atol=0.005)


def test_so_are_those_of_unlike_episodes():
    """One repetition counts its start pool as an episode, the other does not."""
    runs = runs_of([EVEN, EVEN[1:] + 3], episodes={1: range(1, 9)})
    x = aligned_x(runs.table)
    assert len(np.unique(x)) == 6


def test_labels_half_a_batch_apart_are_not():
    assert places(runs_of([EVEN, EVEN + 500])) == [2] * 6


def test_growing_batches_are_measured_by_the_steps_nearby():
    """Where the batch is 4000 labels, 16 and 23 are far apart all the same."""
    grown = np.round(16 * 2 ** (np.arange(20) / 2))
    runs = runs_of([grown, grown * 1.02])
    assert places(runs) == [1] * 20
    assert places(runs_of([grown, grown * 1.2])) == [2] * 20
    assert len(np.unique(aligned_x(runs.table))) == 20


def test_no_two_observations_of_a_repetition_meet():
    """However many repetitions lie between them."""
    runs = runs_of([EVEN + shift for shift in range(0, 1000, 20)])
    table = runs.table.assign(x=aligned_x(runs.table))
    assert not table.duplicated(["repetition", "x"]).any()


def test_noise_in_common_outlasts_labels_that_differ_and_episodes_that_are_missing():
    """What is new at an x is in common also where one repetition came there by another step."""
    whole = observations(runs_of([EVEN, EVEN]))
    moved = observations(runs_of([EVEN, EVEN + np.array([0, 3, 1, 4, 2, 0])]))
    np.testing.assert_array_equal(moved.place, whole.place)
    gap = observations(runs_of([EVEN, np.delete(EVEN, 2)], episodes={1: [1, 2, 4, 5, 6]}))
    same_place = gap.place[:, None] == gap.place
    assert same_place.sum() == 6 + 5 + 2 * 5  # each by itself, and five pairs

    def correlated(data):
        mean, sd = np.full(len(data.x), 0.7), np.full(len(data.x), 0.02)
        given = noise.autocorrelation(0.4, data.lag), 0.8, 0.0, data.place, data.first
        return noise.log_density(mean + 0.03, mean, sd, *given).sum() - (
            noise.log_density(mean + 0.03, mean, sd, given[0], 0.0, *given[2:]).sum()
        )

    assert correlated(moved) == pytest.approx(correlated(whole))


def test_repetitions_that_cannot_be_aligned_are_told():
    assert unaligned(runs_of([EVEN, EVEN + 3]).table) == []
    assert unaligned(runs_of([EVEN, EVEN + 500]).table) == ["margin"]
    assert unaligned(runs_of([EVEN]).table) == []


def test_what_only_the_longest_repetition_has_is_not_unaligned():
    assert unaligned(runs_of([EVEN, EVEN[:2]]).table) == []
    assert unaligned(runs_of([EVEN, EVEN[:1], EVEN[:3] + 2]).table) == []
    assert unaligned(runs_of([EVEN, EVEN[:2] + 500]).table) == ["margin"]


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


def test_the_mean_stays_in_the_scale_where_only_a_low_run_goes_on():
    labels = 20.0 * np.arange(1, 7)
    low, high = np.linspace(0.5, 1, 6), np.linspace(0.8, 0.95, 5)
    _, y, _ = mean_curve(made([(labels, low), (labels[:5], high)]))
    assert y[-1] == 1
    assert (np.diff(y) > 0).all()
