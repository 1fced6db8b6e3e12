"""Where NUTS starts: points near the data, and a normal approximation found from there."""

import numpy as np
import pandas as pd
import pytest
from pymc.blocking import DictToArrayBijection
from scipy import stats

from palm_bayes.data.runs import Runs
from palm_bayes.errors import DataError
from palm_bayes.inference.approximation import approximation, near_data
from palm_bayes.model.build import build_model
from palm_bayes.model.priors import named_priors
from palm_bayes.model.variables import observations

COVARIANCE = np.array([[1.0, 0.9, 0.0], [0.9, 1.5, 0.2], [0.0, 0.2, 0.3]])
MEAN = np.array([1.0, -2.0, 0.5])


def normal(point):
    from_mean = point - MEAN
    slope = -np.linalg.solve(COVARIANCE, from_mean)
    return 0.5 * from_mean @ slope, slope


def test_a_normal_density_is_found_exactly():
    found = approximation(normal, lambda _seed: np.full(3, 4.0))
    np.testing.assert_allclose(found.mean, MEAN, atol=1e-4)
    np.testing.assert_allclose(found.factor @ found.factor.T, COVARIANCE, atol=1e-6)


def test_the_mode_of_another_density_has_its_curvature():
    """The logarithm of a gamma variable of shape 3: its mode is log 3, its curvature 3."""

    def density(point):
        return (3 * point - np.exp(point)).sum(), 3 - np.exp(point)

    found = approximation(density, lambda _seed: np.zeros(2))
    np.testing.assert_allclose(found.mean, np.log(3), atol=1e-4)
    np.testing.assert_allclose(found.factor @ found.factor.T, np.eye(2) / 3, rtol=1e-3)


def test_no_direction_is_wider_than_two():
    """A ridge, or a density that is not concave at its mode, tells no scale."""

    def ridge(point):
        return -0.5 * point[0] ** 2, np.array([-point[0], 0.0])

    found = approximation(ridge, lambda _seed: np.ones(2))
    np.testing.assert_allclose(found.factor @ found.factor.T, np.diag([1.0, 4.0]), atol=1e-6)


def test_the_search_begins_where_there_is_a_density_and_stays_there():
    def gamma(point):
        inside = np.all(point > 0)
        value = stats.gamma.logpdf(point, 3).sum() if inside else -np.inf
        return value, 2 / point - 1 if inside else np.zeros(1)

    found = approximation(gamma, lambda seed: np.array([seed - 2.5]))
    np.testing.assert_allclose(found.mean, 2, atol=1e-4)


def test_a_density_that_is_nowhere_is_refused():
    with pytest.raises(DataError, match="no density where the chains start"):
        approximation(lambda point: (-np.inf, 0 * point), lambda _seed: np.zeros(2))


def a_curve(level=0.9, rise=0.5, rate=0.7):
    """Three repetitions of eight episodes."""
    episode = np.tile(np.arange(1, 9), 3)
    repetition = np.repeat(["0", "1", "2"], 8)
    moved = 0.002 * (-1.0) ** (np.arange(24) // 8 + episode)
    accuracy = np.clip(level - rise * rate**episode + moved, 0, 1)
    known = {"repetition": repetition, "episode": episode, "accuracy": accuracy}
    return Runs.from_frame(pd.DataFrame({"strategy": "margin", **known, "labels": 20.0 * episode}))


@pytest.mark.parametrize(
    "shape",
    [
        {},
        {"level": 0.5, "rise": 0.0},  # flat
        {"level": 1.0, "rise": 0.9, "rate": 0.01},  # done at once, at 1
        {"level": 0.0, "rise": 0.0},  # nothing learnt
        {"level": 0.3, "rise": -0.5},  # falling
    ],
)
@pytest.mark.parametrize("region", ["all", "rising", "step", "flat"])
def test_starting_points_lie_at_the_data(shape, region):
    runs, priors = a_curve(**shape), named_priors("default" if region == "all" else "bounds")
    model = build_model(runs, priors, region)
    usual = DictToArrayBijection.map(model.initial_point())
    start = near_data(observations(runs).ends, priors, region)
    logp = model.compile_logp(mode="FAST_COMPILE")
    inputs = model.value_vars
    parameters = model.replace_rvs_by_values([model["curve"]])
    to_curve = model.compile_fn(
        parameters, inputs=inputs, mode="FAST_COMPILE", on_unused_input="ignore"
    )
    ends = [runs.table.loc[runs.table["x"] == x, "accuracy"].mean() for x in (1, 8)]
    points = [start(seed) for seed in range(5)]
    for point in points:
        values = DictToArrayBijection.rmap(usual.__class__(point, usual.point_map_info))
        assert np.isfinite(logp(values))
        (((A_max, log_u, _, beta),),) = to_curve(values)
        assert 0 < A_max < 1
        assert beta > 0
        at_first = A_max * -np.expm1(-np.exp(log_u))
        expected = ends[1] if region == "flat" else np.clip(ends[0], 0, 0.97 * ends[1])
        assert at_first == pytest.approx(expected, abs=0.06)
    assert len({point[-4] for point in points}) == 5
    np.testing.assert_array_equal(start(3), points[3])
