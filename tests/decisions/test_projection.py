"""What a rule judges: labels of later episodes, and accuracies there."""

import numpy as np
import pytest

from palm_bayes.data.score import Score
from palm_bayes.decisions.projection import Outlook, schedule


def test_schedule_goes_batch_by_batch_to_the_end():
    labels, episodes = schedule(100, 20, 150)
    assert labels.tolist() == [100, 120, 140, 150]
    assert episodes.tolist() == [0, 1, 2, 3]
    assert schedule(100, 20, 80)[0].tolist() == [100]
    assert schedule(100, 0.1, 100.3)[1].tolist() == [0, 1, 2, 3]  # 0.3 / 0.1 is above 3


def test_schedule_of_very_many_episodes_is_thinned():
    labels, episodes = schedule(10, 1, 10_000)
    assert len(labels) < 250
    assert episodes[:4].tolist() == [0, 1, 2, 3]
    assert labels[-1] == 10_000


def test_schedule_of_too_many_episodes_to_hold():
    labels, episodes = schedule(10, 1, 1e300)
    assert len(labels) < 250
    assert (episodes[0], episodes[1], labels[-1]) == (0, 1, 1e300)


def test_accuracy_between_and_beyond_episodes():
    labels, episodes = np.array([100.0, 110, 120]), np.arange(3.0)
    draws = np.array([[0.80, 0.84, 0.92], [0.80, 0.80, 0.80], [0.8, 0.9, 0.7]])
    outlook = Outlook("s", labels, episodes, draws, Score())
    assert outlook.accuracy_at(105) == pytest.approx([0.82, 0.80, 0.85])
    assert outlook.accuracy_at(500) == pytest.approx([0.92, 0.80, 0.7])
    assert outlook.best_until(130)[2] == pytest.approx(0.9)
    assert outlook.best_until(105)[2] == pytest.approx(0.85)


def test_outlook_is_the_forecast(fit):
    outlook = Outlook.of(fit, "entropy", 300)
    assert outlook.labels.tolist() == [240, 260, 280, 300]
    expected = fit.forecast(labels=[240, 260, 280, 300]).draws.sel(strategy="entropy")
    flat = expected.stack(sample=("chain", "draw")).transpose("sample", "x")
    assert np.array_equal(outlook.draws, flat.to_numpy())
