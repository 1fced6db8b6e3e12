"""Scores against values computed by hand or by definition, and what must hold of them always."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from palm_bayes.evaluation import scores

FRACTIONS = st.floats(0, 1)
DRAWS = arrays(float, st.integers(1, 30), elements=FRACTIONS)
QUANTILES = ["q2.5", "q10", "q25", "q50", "q75", "q90", "q97.5"]


def test_crps_by_hand():
    # Draws 0 and 1, 0 came: mean distance 1/2, half the mean distance of two draws 1/4.
    assert scores.crps([0.0, 1.0], 0.0) == pytest.approx(0.25)
    assert scores.crps([0.0, 1.0], 0.5) == pytest.approx(0.25)
    assert scores.crps([0.2, 0.4, 0.9], 0.3) == pytest.approx(
        (0.1 + 0.1 + 0.6) / 3 - 2 * (0.2 + 0.5 + 0.7) / 18
    )


@given(DRAWS, FRACTIONS)
def test_crps_is_its_definition(draws, observed):
    pairs = np.abs(draws[:, None] - draws).mean() / 2
    expected = np.abs(draws - observed).mean() - pairs
    assert scores.crps(draws, observed) == pytest.approx(expected, abs=1e-12)
    assert scores.crps(draws, observed) >= -1e-12


@given(FRACTIONS, FRACTIONS, st.integers(1, 5))
def test_crps_of_a_point_is_its_absolute_error(point, observed, times):
    assert scores.crps([point] * times, observed) == pytest.approx(abs(point - observed))


@given(DRAWS, FRACTIONS, st.floats(-1, 1))
def test_crps_moves_along(draws, observed, shift):
    moved = scores.crps(draws + shift, observed + shift)
    assert moved == pytest.approx(scores.crps(draws, observed), abs=1e-12)


def test_crps_of_a_normal():
    draws = np.random.default_rng(0).normal(0.7, 0.02, (20_000, 1))
    z = (0.72 - 0.7) / 0.02
    exact = 0.02 * (z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi))
    assert scores.crps(draws, [0.72])[0] == pytest.approx(exact, rel=0.02)


def test_arrays_of_forecasts():
    draws = np.random.default_rng(0).uniform(size=(50, 3, 2))
    observed = np.full((3, 2), 0.4)
    for function in (scores.crps, scores.log_score):
        values = function(draws, observed)
        assert values.shape == (3, 2)
        assert values[2, 1] == pytest.approx(float(function(draws[:, 2, 1], 0.4)))


def test_log_score_is_a_normal_density():
    draws = np.array([0.6, 0.7, 0.8])
    expected = stats.norm.logpdf(0.65, 0.7, draws.std())
    assert scores.log_score(draws, 0.65) == pytest.approx(expected)
    assert np.isfinite(scores.log_score([1.0, 1.0], 1.0))


def test_thirds():
    assert scores.third([6, 7, 8, 9, 10, 11], 5, 11).tolist() == [
        *["first", "first", "second", "second", "last", "last"]
    ]
    assert scores.third([6], 5, 6).tolist() == ["last"]
    assert scores.third([6, 7], 5, 7).tolist() == ["second", "last"]


@given(st.integers(5, 20), st.integers(1, 40))
def test_thirds_are_in_order_and_of_one_size(train, ahead):
    names = list(scores.third(np.arange(train + 1, train + ahead + 1), train, train + ahead))
    assert names == sorted(names, key=scores.THIRDS.index)
    sizes = [names.count(name) for name in scores.THIRDS]
    assert max(sizes) - min(sizes) <= 1


def rows(observed, spread=0.05):
    quantiles = {name: 0.5 + spread * z for name, z in zip(QUANTILES, range(-3, 4), strict=True)}
    frame = pd.DataFrame({"observed": observed}).assign(**quantiles, third="first")
    return frame.assign(crps=0.01, log_score=2.0)


def test_score():
    found = scores.score(rows([0.5, 0.55, 0.58, 0.63, 0.7]))
    assert found["n"] == 5
    assert found["mae"] == pytest.approx((0 + 0.05 + 0.08 + 0.13 + 0.2) / 5)
    assert [found[f"coverage_{b}"] for b in (50, 80, 95)] == [0.4, 0.6, 0.8]
    assert found["width_80"] == pytest.approx(0.2)
    assert (found["crps"], found["log_score"]) == (pytest.approx(0.01), 2.0)


@given(st.lists(FRACTIONS, min_size=1, max_size=20), st.floats(0, 0.3))
def test_wider_bands_hold_no_less(observed, spread):
    found = scores.score(rows(observed, spread))
    assert 0 <= found["coverage_50"] <= found["coverage_80"] <= found["coverage_95"] <= 1
    wider = scores.score(rows(observed, 2 * spread))
    assert wider["coverage_80"] >= found["coverage_80"]


def test_points_have_errors_alone():
    found = scores.score_points(pd.Series([0.5, 0.7]), pd.Series([0.6, 0.7]))
    assert found["crps"] == found["mae"] == pytest.approx(0.05)
    assert np.isnan([found["log_score"], found["coverage_80"], found["width_80"]]).all()


def test_by_third():
    table = rows([0.5, 0.6, 0.7]).assign(third=["first", "first", "last"])
    assert [(name, len(part)) for name, part in scores.by_third(table)] == [
        *[("all", 3), ("first", 2), ("last", 1)]
    ]
