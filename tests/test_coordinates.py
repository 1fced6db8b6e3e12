"""Curve coordinates: a bijection, its Jacobian, its bounds and what its numbers mean."""

from functools import cache

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palm_bayes import curve
from palm_bayes.coordinates import CurveCoordinates, FlatCoordinates, StepCoordinates
from palm_bayes.curve import COORDINATES
from palm_bayes.regions import SATURATED

ENDS = {
    "x_first": (1.0, 1.0, 0.7, 5.0),
    "x_second": (2.0, 2.0, 1.9, 6.0),
    "x_last": (12.0, 4.0, 60.0, 30.0),
}
BETA_HI = 100.0
CHARTS = (CurveCoordinates, StepCoordinates, FlatCoordinates)
BOUNDS = {"alpha_lo": (-1.0, -1.0, 0.0, -5.0), "alpha_hi": (1000.0, 20.0, 1000.0, 1000.0)}
GIVEN = tuple(np.array(values) for values in (ENDS | BOUNDS).values())
STRATEGIES = len(GIVEN[0])


@cache
def compiled(kind):
    """Compiled functions of points and the known vectors."""
    points = pt.dmatrix("points")
    known = [pt.dvector(name) for name in (ENDS | BOUNDS)]
    transform = kind(*known, BETA_HI)
    parameters = transform.backward(points)
    # Strategies do not mix: the gradient of a sum over them holds each one's own.
    jacobian = pt.stack([pt.grad(parameters[:, i].sum(), points) for i in range(4)], axis=1)
    outputs = {
        "backward": parameters,
        "log_jac_det": transform.log_jac_det(points),
        "forward": transform.forward(points),
        "jacobian": jacobian,
    }
    options = {"mode": "FAST_COMPILE", "on_unused_input": "ignore"}
    functions = {
        name: pytensor.function([points, *known], output, **options)
        for name, output in outputs.items()
    }
    return lambda name, values: functions[name](np.asarray(values), *GIVEN)


@pytest.fixture(scope="module")
def chart():
    return compiled(CurveCoordinates)


@pytest.fixture(scope="module", params=CHARTS, ids=lambda kind: kind.__name__)
def any_chart(request):
    return compiled(request.param)


def points(z1=5.0, log_v=(-5.0, 2.3), z3=5.0, z4=5.0):
    """One point for each strategy; v = exp(z2) of ten is a curve flat from the start."""
    number = [st.floats(*ends) for ends in ((-z1, z1), log_v, (-z3, z3), (-z4, z4))]
    return st.lists(st.tuples(*number), min_size=STRATEGIES, max_size=STRATEGIES)


@given(points())
def test_forward_undoes_backward(any_chart, z):
    np.testing.assert_allclose(any_chart("forward", any_chart("backward", z)), z, atol=1e-8)


@given(points())
def test_backward_undoes_forward(chart, z):
    parameters = chart("backward", z)
    again = chart("backward", chart("forward", parameters))
    np.testing.assert_allclose(again, parameters, rtol=1e-8, atol=1e-10)


@given(points())
def test_log_jacobian_is_that_of_the_gradients(any_chart, z):
    sign, expected = np.linalg.slogdet(any_chart("jacobian", z))
    assert np.all(np.abs(sign) == 1)
    np.testing.assert_allclose(any_chart("log_jac_det", z), expected, atol=1e-8)


def test_log_jacobian_is_that_of_finite_differences(any_chart):
    z = np.random.default_rng(1).normal(0, 1, (STRATEGIES, 4))
    step = 1e-5
    columns = [
        (any_chart("backward", z + step * unit) - any_chart("backward", z - step * unit))
        / (2 * step)
        for unit in np.eye(4)
    ]
    _, expected = np.linalg.slogdet(np.stack(columns, axis=-1))
    np.testing.assert_allclose(any_chart("log_jac_det", z), expected, atol=1e-6)


@given(points(12, (-12, 4), 12, 12))
def test_parameters_stay_in_their_bounds(chart, z):
    A_max, log_u, alpha, beta = chart("backward", z).T
    *_, lower, upper = GIVEN
    assert np.all((A_max > 0) & (A_max < 1))
    assert np.all(np.isfinite(log_u))
    assert np.all((alpha > lower) & (alpha < upper))
    assert np.all((beta > 0) & (beta < BETA_HI))
    assert np.all(np.isfinite(chart("log_jac_det", z)))


@given(points())
def test_curve_passes_through_the_accuracies_at_both_ends(chart, z):
    A_max, log_u, alpha, beta = chart("backward", z).T
    x_first, _, x_last, *_ = GIVEN
    z1, z2, *_ = np.array(z).T
    f_hi = 1 / (1 + np.exp(-z1))
    at_last = -A_max * np.expm1(-curve.u(x_last, log_u, alpha, beta, x_first))
    np.testing.assert_allclose(at_last, f_hi, rtol=1e-8)
    at_first = -A_max * np.expm1(-curve.u(x_first, log_u, alpha, beta, x_first))
    np.testing.assert_allclose(at_first, f_hi * -np.expm1(-np.exp(z2)), rtol=1e-8)


def test_third_coordinate_moves_the_limit_of_a_rising_curve_alone(chart):
    z = np.tile([0.5, -0.7, 0.0, -3.0], (STRATEGIES, 1))
    low, high = (chart("backward", z + np.array([0, 0, by, 0])) for by in (-2, 2))
    limit = COORDINATES.index("A_max")
    assert np.all(low[:, limit] > high[:, limit])
    x_first, _, x_last, *_ = GIVEN
    for x in (x_first, x_last):
        one, two = (
            -A_max * np.expm1(-curve.u(x, log_u, alpha, beta, x_first))
            for A_max, log_u, alpha, beta in (low.T, high.T)
        )
        np.testing.assert_allclose(one, two, rtol=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_strategies_do_not_mix(any_chart, seed):
    rng = np.random.default_rng(seed)
    z = rng.normal(0, 1, (STRATEGIES, 4))
    changed = z.copy()
    changed[1] += 1
    others = [0, 2, 3]
    for name in ("backward", "log_jac_det", "forward"):
        at = z if name != "forward" else any_chart("backward", z)
        moved = changed if name != "forward" else any_chart("backward", changed)
        before, after = any_chart(name, at), any_chart(name, moved)
        np.testing.assert_array_equal(before[others], after[others])
        assert np.any(before[1] != after[1])


@given(points(z1=8, log_v=(-3, 2), z3=6, z4=6))
def test_charts_of_saturated_curves_end_where_their_regions_begin(z):
    x_first, x_second, _, lower, upper = GIVEN
    for kind, saturated_at in ((StepCoordinates, x_second), (FlatCoordinates, x_first)):
        A_max, log_u, alpha, beta = compiled(kind)("backward", z).T
        assert np.all((A_max > 0) & (A_max < 1))
        assert np.all((beta > 0) & (beta < BETA_HI))
        assert np.all(alpha <= upper)
        if kind is FlatCoordinates:  # a step's α may lie below a user's bound, not below -x_first
            assert np.all(alpha >= lower)
        log_u_there = log_u + beta * np.log((saturated_at + alpha) / (x_first + alpha))
        assert np.all(log_u_there > np.log(SATURATED) - 1e-9)
