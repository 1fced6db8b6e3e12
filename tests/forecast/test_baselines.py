"""Least-squares baselines: exact curves come back, and nothing makes them fail."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from palm_bayes.forecast import baselines
from palm_bayes.model import curve

X = np.arange(1.0, 31)
TRAIN = 12
EXACT = {
    "palm_py": curve.accuracy(X, 0.9, 0.3, 0.5, 0.7),
    "palm_multistart": curve.accuracy(X, 0.9, 0.05, 2.0, 1.2),
    "pow4": 0.9 - 0.6 * (X + 2) ** -0.5,
    "mmf4": (0.3 * 5 + 0.9 * X**1.2) / (5 + X**1.2),
    "wbl4": 0.9 - 0.5 * np.exp(-0.2 * X**0.7),
    "exp4": 0.9 - np.exp(-0.2 * X**0.7 - 0.5),
}


@pytest.mark.parametrize("name", EXACT)
def test_exact_curves_come_back(name):
    y = EXACT[name]
    found = baselines.forecast_all(X[:TRAIN], y[:TRAIN], X[TRAIN:])[name]
    np.testing.assert_allclose(found, y[TRAIN:], atol=5e-4)


def test_a_falling_curve():
    y = 0.5 + 0.3 * X**-0.8
    found = baselines.forecast_all(X[:TRAIN], y[:TRAIN], X[TRAIN:])
    np.testing.assert_allclose(found["pow4"], y[TRAIN:], atol=5e-4)
    assert np.ptp(found["exp4"]) < 1e-3  # which cannot fall


def test_last_value():
    found = baselines.forecast_all(X[:5], np.array([0.2, 0.5, 0.4, 0.6, 0.55]), X[5:8])
    assert found["last_value"].tolist() == [0.55] * 3
    assert tuple(found) == baselines.NAMES


def test_many_starts_fit_no_worse():
    y = np.clip(EXACT["palm_py"] + 0.02 * np.sin(7 * X), 0, 1)
    one, many = (
        np.sum((baselines.forecast_all(X[:TRAIN], y[:TRAIN], X[:TRAIN])[name] - y[:TRAIN]) ** 2)
        for name in ("palm_py", "palm_multistart")
    )
    assert many <= one + 1e-7


@settings(max_examples=8)
@given(arrays(float, 5, elements=st.floats(0, 1)), st.sampled_from([0.02, 1.0, 40.0]))
def test_forecasts_are_accuracies_whatever_the_data(y, start):
    x = start + np.arange(9.0)
    for values in baselines.forecast_all(x[:5], y, x[5:]).values():
        assert values.shape == (4,)
        assert ((values >= 0) & (values <= 1)).all()


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_flat_curves_stay_flat(level):
    for name, values in baselines.forecast_all(X[:6], np.full(6, level), X[6:]).items():
        np.testing.assert_allclose(values, level, atol=0.02, err_msg=name)


def test_a_fit_that_breaks_down_gives_the_last_value(monkeypatch):
    broken = {"pow4": lambda x, y: lambda at: np.full(at.shape, np.nan)}
    monkeypatch.setattr(baselines, "_FITTERS", broken)
    curve = baselines.fitted("pow4", X[:3], X[:3] / 10)
    assert curve(X[3:5]).tolist() == [X[2] / 10] * 2


def test_slopes_are_those_of_the_curve():
    p = np.array([90.0, 0.3, 0.5, 0.7])
    steps = 1e-6 * np.eye(4)
    numeric = [(baselines.palm(X, p + d) - baselines.palm(X, p - d)) / 2e-6 for d in steps]
    np.testing.assert_allclose(baselines._palm_slopes(X, p).T, numeric, rtol=1e-5)


def test_a_fit_is_made_once(monkeypatch):
    made = []

    def fitter(x, y):
        made.append(x)
        return lambda at: at

    monkeypatch.setattr(baselines, "_FITTERS", {"pow4": fitter})
    for y in (X[:5] / 10, X[:5] / 10, X[:5] / 20):
        baselines.fitted("pow4", X[:5], y)
    assert len(made) == 2
