"""The misfit: a drift of the log-odds past the data."""

import numpy as np
import pytest
from scipy.special import logit
from scipy.stats import t

from palm_bayes.errors import DataError
from palm_bayes.misfit import Misfit


def test_half_of_all_curves_stray_up_and_half_down():
    misfit = Misfit(scale=0.1, degrees=4.0)
    up, on, down = (misfit.strayed(0.8, 1.5, share) for share in (0.9, 0.5, 0.1))
    assert on == pytest.approx(0.8)
    assert logit(up) - logit(0.8) == pytest.approx(0.1 * 1.5 * t(4).ppf(0.9))
    assert logit(0.8) - logit(down) == pytest.approx(logit(up) - logit(0.8))


def test_nothing_strays_within_the_data():
    accuracy = np.array([0.0, 0.3, 0.9, 1.0])
    for s in (-np.inf, -1.0, 0.0):
        np.testing.assert_array_equal(Misfit(1.0, 4.0).strayed(accuracy, s, 0.99), accuracy)


def test_accuracies_stay_accuracies():
    shares = np.array([[1e-12], [0.01], [0.99], [1 - 1e-12]])
    strayed = Misfit(0.5, 2.0).strayed(np.array([0.0, 0.5, 1.0]), 3.0, shares)
    assert np.all((strayed >= 0) & (strayed <= 1))
    assert np.all(np.diff(strayed, axis=0) >= 0)


@pytest.mark.parametrize(("scale", "degrees"), [(0.0, 4.0), (-0.1, 4.0), (0.1, 0.0), (np.nan, 4.0)])
def test_what_is_no_misfit(scale, degrees):
    with pytest.raises(DataError, match="of the misfit is"):
        Misfit(scale, degrees)
