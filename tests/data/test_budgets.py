"""Budgets of runs."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from palm_bayes.data.budgets import asked_x, episode_budgets
from palm_bayes.data.runs import Runs
from palm_bayes.errors import DataError


def test_budgets_are_whole_episodes(made_up):
    runs = made_up.task({"a": (0.1, 0.2)})
    assert episode_budgets(runs, 71).tolist() == [10, 20, 30, 40, 50, 60, 70, 80]
    assert episode_budgets(runs, 50).tolist() == [10, 20, 30, 40, 50]


def test_budgets_far_past_the_data_are_refused(made_up):
    runs = made_up.task({"a": (0.1, 0.2)})
    last = runs.table["labels"].max()
    assert episode_budgets(runs, last + 100_000)[-1] == last + 100_000
    with pytest.raises(DataError, match=r"are 100,000,000 episodes past the data, .* 10,000"):
        episode_budgets(runs, last + 1e9)


@pytest.mark.parametrize("word", ["labels", "episodes", "horizon"])
@pytest.mark.parametrize(
    "value",
    [
        -1,
        10**400,
        10**5000,
        np.nan,
        np.inf,
        1e308,
        "x",
        [],
        [10**400],
        pd.NA,
        1j,
        Decimal("sNaN"),
        pd.DataFrame({"x": [-1, 2]}),
        b"x",
        object(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_asked_for_is_one_line(made_up, word, value):
    runs = made_up.task({"a": (0.1, 0.2)})
    with pytest.raises(DataError, match=rf"{word} (are|is) .* but must be ") as caught:
        asked_x(runs, **{word: value})
    assert "\n" not in str(caught.value)


def test_a_horizon_has_a_limit(made_up):
    runs = made_up.task({"a": (0.1, 0.2)})
    seen = runs.table["episode"].nunique()
    assert asked_x(runs, horizon=10_000).size == seen + 10_000
    assert asked_x(runs, horizon=np.int64(0)).size == seen
    with pytest.raises(
        DataError, match=r"horizon is 10001, .* number of episodes, from 0 to 10,000"
    ):
        asked_x(runs, horizon=10_001)


@pytest.mark.filterwarnings("ignore::palm_bayes.errors.PalmWarning")
def test_budgets_of_uneven_batches_are_whole_labels():
    """Batches of 26 and 27 labels have the median 26.5, and two runs have one of 53 and 54."""
    steps = {"1": [27, 53, 80, 106, 133], "2": [27, 54, 80, 107, 133]}
    rows = [
        {"strategy": "a", "repetition": name, "labels": labels, "accuracy": 0.1}
        for name, run in steps.items()
        for labels in run
    ]
    runs = Runs.from_frame(pd.DataFrame(rows))
    assert runs.batch == 26.5
    budgets = episode_budgets(runs, 240)
    np.testing.assert_array_equal(budgets % 1, 0)
    assert budgets.tolist() == [27, 53, 80, 106, 133, 160, 186, 212, 239, 266]
    forecast_at = asked_x(runs, horizon=0)["labels"]
    assert forecast_at.to_numpy().tolist() == episode_budgets(runs, 0).tolist()


@pytest.mark.filterwarnings("ignore::palm_bayes.errors.PalmWarning")
def test_labels_that_are_asked_for_come_back_as_they_are(made_up):
    runs = replace(made_up.task({"a": (0.1, 0.2)}), batch=1124.7)
    asked = list(range(1, 40_000, 7))
    assert asked_x(runs, labels=asked)["labels"].to_numpy().tolist() == asked
