"""Known standard errors in the table of runs."""

import numpy as np
import pandas as pd
import pytest

from palm_bayes.data.checks import oddities
from palm_bayes.data.runs import Runs
from palm_bayes.errors import DataError

FRAME = pd.DataFrame(
    {"strategy": "margin", "episode": range(1, 7), "accuracy": np.linspace(50, 70, 6)}
)


def test_they_are_fractions():
    runs = Runs.from_frame(FRAME.assign(standard_error=np.linspace(2, 1, 6), mean_of=5))
    assert runs.of_means
    assert runs.table["standard_error"].tolist() == pytest.approx(np.linspace(0.02, 0.01, 6))
    assert runs.notes[-1].startswith(
        "Accuracy values are means of 5 repetitions with standard errors of 1 to 2: each strategy "
        "is fitted as one curve whose noise is known from them, and forecasts of new or continuing "
        "repetitions are of such means"
    ) or any("means of 5 repetitions with standard errors of 1 to 2" in n for n in runs.notes)


def test_their_number_may_be_unknown_or_differ():
    alone = Runs.from_frame(FRAME.assign(standard_error=1.0))
    assert alone.table["mean_of"].isna().all()
    assert any("means of repetitions with standard errors of 1:" in note for note in alone.notes)
    several = Runs.from_frame(FRAME.assign(standard_error=1.0, mean_of=[3, 3, 3, 2, 2, 2]))
    assert any("means of 2-3 repetitions" in note for note in several.notes)


def test_some_may_be_zero_or_missing():
    runs = Runs.from_frame(FRAME.assign(standard_error=[0, 1, 1, 1, np.nan, 0], mean_of=5))
    assert runs.table["standard_error"].isna().sum() == 1


@pytest.mark.parametrize("errors", [-1.0, 51.0, 0.0, np.nan])
def test_others_are_refused(errors):
    with pytest.raises(DataError, match=r"standard error is|two standard errors above 0"):
        Runs.from_frame(FRAME.assign(standard_error=errors, mean_of=5))


def test_one_repetition_is_not_odd_where_its_noise_is_known():
    assert any("One repetition" in note for note in oddities(Runs.from_frame(FRAME)))
    known = Runs.from_frame(FRAME.assign(standard_error=1.0, mean_of=5))
    assert not any("One repetition" in note for note in oddities(known))


def test_other_runs_have_none():
    runs = Runs.from_frame(FRAME)
    assert not runs.of_means
    assert "standard_error" not in runs.table
