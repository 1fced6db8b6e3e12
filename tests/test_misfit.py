"""The misfit: a drift of the log-odds past the data."""

import numpy as np
import pytest
from scipy.special import logit
from scipy.stats import t

from palm_bayes.errors import DataError
from palm_bayes.misfit import Misfit, OtherCurves, noise_of_odds


def shift(misfit, s, share, disagreement=0.0, drift=0.0):
    """Shift of the log-odds of an accuracy of 0.8."""
    return logit(misfit.strayed(0.8, s, share, disagreement, drift)) - logit(0.8)


def test_half_of_all_curves_stray_up_and_half_down():
    misfit = Misfit(scale=0.1, degrees=4.0)
    up, on, down = (shift(misfit, 1.5, share) for share in (0.9, 0.5, 0.1))
    assert on == pytest.approx(0)
    assert up == pytest.approx(0.1 * 1.5**2 * t(4).ppf(0.9))
    assert down == pytest.approx(-up)
    assert shift(misfit, 1.5, 0.9, drift=-0.3) == pytest.approx(up - 0.3)


def test_curves_stray_farther_where_families_disagree_but_not_without_end():
    misfit = Misfit(scale=0.1, degrees=4.0, disagreement=0.5, most=0.3)
    for disagreement, width in ((0.01, 0.005), (0.4, 0.3 * np.tanh(2 / 3)), (50.0, 0.3)):
        found = shift(misfit, 1.5, 0.9, disagreement)
        assert found == pytest.approx(np.hypot(0.1 * 1.5**2, width) * t(4).ppf(0.9), rel=1e-4)


def test_forecasts_lean_on_least_squares():
    misfit = Misfit(scale=0.1, degrees=4.0, prior=6.0)
    others = OtherCurves(gain=0.5, disagreement=0.0, known=12.0)
    near, far = (misfit.foreseen(0.2, np.log(grown), others) for grown in (2, 8))
    assert near == pytest.approx(0.2 + 0.3 * 12 / (12 + 6 * 2))
    assert far == pytest.approx(0.2 + 0.3 * 12 / (12 + 6 * 8))
    assert misfit.foreseen(0.2, 1.0, others._replace(known=0.0)) == pytest.approx(0.2)
    assert Misfit(0.1, 4.0).foreseen(0.2, 1.0, others) == pytest.approx(0.2)


def test_who_heeds_other_curves():
    assert not Misfit(scale=0.1, degrees=4.0, common=0.5, level=0.1).heeds_others
    assert Misfit(0.1, 4.0, disagreement=0.1).heeds_others
    assert Misfit(0.1, 4.0, prior=1.0).heeds_others


def test_gains_are_believed_that_stand_out_of_the_noise():
    misfit = Misfit(scale=0.1, degrees=4.0, doubt=0.4)
    assert misfit.believed(0.3, 1.6, 0.1) == pytest.approx(0.48 / (0.48 + 0.4 * 0.01))
    assert misfit.believed(-0.3, -1.6, 0.1) == misfit.believed(0.3, 1.6, 0.1)
    # Each alone, and whatever the scale.
    assert misfit.believed(0.1, 1.6, 0.1) < misfit.believed(0.3, 1.6, 0.1)
    assert misfit.believed(0.3, 0.4, 0.1) < misfit.believed(0.3, 1.6, 0.1)
    assert misfit.believed(0.03, 0.16, 0.01) == pytest.approx(misfit.believed(0.3, 1.6, 0.1))


def test_without_noise_or_doubt_all_is_believed():
    misfit = Misfit(scale=0.1, degrees=4.0, doubt=0.4)
    assert misfit.believed(0.0, 1.0, 0.1) == 0
    assert misfit.believed(0.1, 0.0, 0.1) == 0
    assert misfit.believed(1e-3, 1e-3, 0.0) == 1
    np.testing.assert_array_equal(Misfit(0.1, 4.0).believed(np.array([0.0, 1e-9]), 0.1, 0.1), 1)


def test_nothing_strays_at_random_within_the_data():
    accuracy = np.array([0.0, 0.3, 0.9, 1.0])
    misfit = Misfit(1.0, 4.0, disagreement=0.5, prior=1.0)
    for s in (-np.inf, -1.0, 0.0):
        found = misfit.strayed(accuracy, s, 0.99, 0.4, 0.0)
        np.testing.assert_array_equal(found, accuracy)


def test_accuracies_stay_accuracies():
    shares = np.array([[1e-12], [0.01], [0.99], [1 - 1e-12]])
    misfit = Misfit(0.5, 2.0, disagreement=1.0, prior=1.0)
    strayed = misfit.strayed(np.array([0.0, 0.5, 1.0]), 3.0, shares, 2.0, 3.0)
    assert np.all((strayed >= 0) & (strayed <= 1))
    assert np.all(np.diff(strayed, axis=0) >= 0)


def test_noise_of_log_odds_is_that_of_the_accuracy_where_it_is_small():
    draws = np.random.default_rng(0).normal(0.8, 0.005, 100_000)
    assert noise_of_odds(0.8, 0.005**2) == pytest.approx(logit(draws).var(), rel=0.02)
    assert np.isfinite(noise_of_odds(np.array([0.0, 1.0]), 0.01)).all()


@pytest.mark.parametrize(
    "numbers",
    [
        {"scale": 0.0},
        {"scale": -0.1},
        {"scale": np.nan},
        {"scale": np.inf},
        {"degrees": 0.0},
        {"disagreement": -0.1},
        {"disagreement": np.inf},
        {"prior": 0.0},
        {"most": 0.0},
        {"level": -0.1},
        {"level": np.inf},
        {"common": -0.1},
        {"common": 1.1},
        {"apart": -0.1},
        {"apart": 1.1},
        {"doubt": -0.1},
        {"doubt": np.inf},
    ],
)
def test_what_is_no_misfit(numbers):
    with pytest.raises(DataError, match="of the misfit is"):
        Misfit(**{"scale": 0.1, "degrees": 4.0} | numbers)
