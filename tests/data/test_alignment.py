"""Which observations of unlike label counts are taken to be at one x."""

import numpy as np
import pandas as pd
import pytest

from palm_bayes.data.alignment import aligned_x, unaligned
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
