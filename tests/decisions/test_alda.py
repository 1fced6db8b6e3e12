"""ALDA's rule and its point estimate."""

import numpy as np
import pandas as pd
import pytest

from palm_bayes.data import example_runs_path
from palm_bayes.data.runs import Runs
from palm_bayes.decisions.alda import FITS, choose, point_advice
from palm_bayes.model import curve
from palm_bayes.reading.read import read_runs


def test_choice_is_the_smallest_window_among_the_cheap():
    competitive, chosen, _ = choose(np.array([[100, 104, 120]]), np.array([[50, 8, 1]]), eta=0.05)
    assert competitive.tolist() == [[True, True, False]]
    assert chosen.tolist() == [[False, True, False]]


def test_of_equal_windows_the_cheapest_and_only_one():
    _, chosen, _ = choose(np.array([[104, 100, 100]]), np.array([[8, 8, 8]]), eta=0.05)
    assert chosen.tolist() == [[False, True, False]]


def test_none_is_chosen_where_none_is_feasible():
    needed, window = [[np.inf, 90], [np.inf, np.inf]], [[np.nan, 5], [np.nan, np.nan]]
    _, chosen, _ = choose(np.array(needed), np.array(window), 0)
    assert chosen.tolist() == [[False, True], [False, False]]


@pytest.fixture(scope="module")
def exact():
    """PALM curves without noise: `slow` reaches 0.8 late, `low` never."""
    points = {
        "fast": (0.92, 0.3, 0.2, 0.7),
        "slow": (0.92, 0.15, 0.2, 0.7),
        "low": (0.7, 0.3, 0.2, 0.7),
    }
    x = np.arange(1, 13.0)
    tables = [
        pd.DataFrame({"strategy": name, "labels": 10 * x, "accuracy": curve.accuracy(x, *point)})
        for name, point in points.items()
    ]
    return Runs.from_frame(pd.concat(tables)), points


def test_point_estimate_inverts_exact_curves(exact):
    runs, points = exact
    table = point_advice(runs, 0.8).set_index("method")
    assert [*FITS] == [*table.reset_index()[[*FITS]]]
    assert table["feasible"].tolist() == [True, True, False]
    assert table["selected"].tolist() == [True, False, False]
    for name in ("fast", "slow"):
        episodes = table.loc[name, "B_abs"] / 10
        assert episodes % 1 == 0  # labels are bought by whole episodes
        before, after = curve.accuracy(episodes - np.array([1, 0]), *points[name])
        assert before < 0.801
        assert after > 0.799
    assert table.loc["fast", "W"] > 0
    assert np.isnan(table.loc["low", "B_abs"])


def test_episodes_are_the_smallest_step_of_each_curve():
    """As ALDA's budget size is, where batches are uneven: 101 labels here, not 200."""
    labels = np.cumsum([101.0, 200, 101, 200, 200, 200, 200, 200])
    accuracy = 0.9 * (1 - np.exp(-labels / 400))
    frame = pd.DataFrame({"strategy": "a", "labels": labels, "accuracy": accuracy})
    (row,) = point_advice(Runs.from_frame(frame), 0.8).to_dict("records")
    assert row["budget_size"] == 101
    assert row["B_abs"] == 101 * np.ceil(400 * np.log(9) / 101)
    assert row["W"] % 101 == 0


def test_highest_ceiling_where_none_is_feasible(exact):
    table = point_advice(exact[0].select(["low"]), 0.99).set_index("method")
    assert not table["feasible"].any()
    assert table["selected"].tolist() == [True]


def test_risky_are_those_with_a_wider_window_than_the_choice():
    """In C_eta or not; a cheap one may be risky, a costly one need not be."""
    needed, window = np.array([[100, 104, 120, 130]]), np.array([[50, 8, 1, 9]])
    _, chosen, risky = choose(needed, window, eta=0.05)
    assert chosen.tolist() == [[False, True, False, False]]
    assert risky.tolist() == [[True, False, False, True]]


def test_point_estimate_of_the_example_is_that_of_the_current_release():
    """Checked against ALDA of August 2026: digits, the first 15 episodes."""
    runs = read_runs(example_runs_path(), max_episodes=15)
    table = point_advice(runs, 0.94).set_index("method")
    assert table.loc["margin", ["B_abs", "W"]].tolist() == [200, 180]
    assert table.index[table["selected"]].tolist() == ["margin"]
    random = table.loc["random"]
    assert not random["feasible"]
    assert random["A_max"] == pytest.approx(91.56)  # its lower bound, the highest score seen
