"""Curve coordinates: a bijection, its Jacobian, its bounds and what its numbers mean."""

from functools import cache

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palm_bayes.model import curve
from palm_bayes.model.coordinates import CurveCoordinates, FlatCoordinates, StepCoordinates
from palm_bayes.model.curve import COORDINATES, SATURATED
from palm_bayes.model.variables import Ends

ENDS = {
    "x_first": (1.0, 1.0, 0.7, 5.0),
    "x_second": (2.0, 2.0, 1.9, 6.0),
    "x_last": (12.0, 4.0, 60.0, 30.0),
    "accuracy_first": (0.3, 0.6, 0.2, 0.7),
    "accuracy_last": (0.8, 0.7, 0.9, 0.8),
    "count": (12.0, 4.0, 300.0, 3.0),
    "length": (12.0, 4.0, 30.0, 3.0),
}
BETA_HI = 100.0
CHARTS = (CurveCoordinates, StepCoordinates, FlatCoordinates)
BOUNDS = {"alpha_lo": (-1.0, -1.0, 0.0, -5.0), "alpha_hi": (1000.0, 20.0, 1000.0, 1000.0)}
NOISE = {
    "noise": (0.01, 0.003, 0.02, 0.05),
    "noise_ratio": (5.0, 2.0, 9.0, 1.0),
    "lasting": (0.3, 0.8, 0.1, 0.0),
}
VECTORS = ENDS | BOUNDS | NOISE
GIVEN = tuple(np.array(values) for values in VECTORS.values())
X_FIRST, X_SECOND, X_LAST = (np.array(ENDS[name]) for name in ("x_first", "x_second", "x_last"))
LOWER, UPPER = (np.array(bound) for bound in BOUNDS.values())
STRATEGIES = len(GIVEN[0])


@cache
def compiled(kind):
    """Compiled functions of points and the known vectors."""
    points = pt.dmatrix("points")
    known = {name: pt.dvector(name) for name in VECTORS}
    bounds = (known[name] for name in BOUNDS)
    transform = kind(Ends(*(known[name] for name in ENDS)), *bounds, BETA_HI)
    # As PyMC hands them on: a size, the first x, the lower bound of α, and the noise's numbers.
    inputs = (None, known["x_first"], known["alpha_lo"], *(known[name] for name in NOISE))
    parameters = transform.backward(points, *inputs)
    # Strategies do not mix: the gradient of a sum over them holds each one's own.
    jacobian = pt.stack([pt.grad(parameters[:, i].sum(), points) for i in range(4)], axis=1)
    outputs = {
        "backward": parameters,
        "log_jac_det": transform.log_jac_det(points, *inputs),
        "forward": transform.forward(points, *inputs),
        "jacobian": jacobian,
    }
    options = {"mode": "FAST_COMPILE", "on_unused_input": "ignore"}
    functions = {
        name: pytensor.function([points, *known.values()], output, **options)
        for name, output in outputs.items()
    }
    return lambda name, values: functions[name](np.asarray(values), *GIVEN)


@pytest.fixture(scope="module")
def chart():
    return compiled(CurveCoordinates)


@pytest.fixture(scope="module", params=CHARTS, ids=lambda kind: kind.__name__)
def any_chart(request):
    return compiled(request.param)


def points(z1=5.0, z2=(-5.0, 1.5), z3=(-2.0, 5.0), z4=5.0):
    """One point for each strategy; where v is about ten, the curve is flat from the start.

    Far below, where z3 is steep, A_max is rounded too near to 1 to tell z3 by.
    """
    number = [st.floats(*ends) for ends in ((-z1, z1), z2, z3, (-z4, z4))]
    return st.lists(st.tuples(*number), min_size=STRATEGIES, max_size=STRATEGIES)


@given(points())
def test_forward_undoes_backward(any_chart, z):
    np.testing.assert_allclose(any_chart("forward", any_chart("backward", z)), z, atol=1e-8)


@pytest.mark.parametrize("kind", [StepCoordinates, FlatCoordinates])
@given(z=points(z2=(-5.0, 2.3), z3=(-5.0, 5.0)))
def test_forward_undoes_backward_of_saturated_curves(kind, z):
    chart = compiled(kind)
    np.testing.assert_allclose(chart("forward", chart("backward", z)), z, atol=1e-8)


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


@given(points(12, (-12, 4), (-3, 12), 12))  # below it A_max is rounded to 1
def test_parameters_stay_in_their_bounds(chart, z):
    A_max, log_u, alpha, beta = chart("backward", z).T
    assert np.all((A_max > 0) & (A_max < 1))
    assert np.all(np.isfinite(log_u))
    assert np.all((alpha > LOWER) & (alpha < UPPER))
    assert np.all((beta > 0) & (beta < BETA_HI))
    assert np.all(np.isfinite(chart("log_jac_det", z)))


@given(points())
def test_curve_passes_through_the_accuracies_at_both_ends(chart, z):
    """Those of the data, moved by z1 and z2 in units of what the noise lets them tell."""
    first, last, count = (
        np.array(ENDS[name]) for name in ("accuracy_first", "accuracy_last", "count")
    )
    noise, ratio, lasting = (np.array(values) for values in NOISE.values())
    v = -np.log(1 - first / last)
    used = np.minimum(4 / count, 1)
    averaged = 1 - (1 - used) * (1 - 0.85 * lasting)  # all but the offset, over n / 4 observations
    errors = (
        np.hypot(noise * np.sqrt(averaged), 1e-4) / (last * (1 - last)),
        np.hypot(noise * np.sqrt((1 - lasting) * ratio**2 + lasting), 1e-4) / ((last - first) * v),
    )
    powers = np.maximum(used, 1 / 3), used
    units = [
        (error / np.hypot(1, error)) ** power for error, power in zip(errors, powers, strict=True)
    ]
    z1, z2, *_ = np.array(z).T
    f_hi = 1 / (1 + (1 / last - 1) * np.exp(-units[0] * z1))
    share = -np.expm1(-v * np.exp(units[1] * z2))
    A_max, log_u, alpha, beta = chart("backward", z).T
    at_last = -A_max * np.expm1(-curve.u(X_LAST, log_u, alpha, beta, X_FIRST))
    np.testing.assert_allclose(at_last, f_hi, rtol=1e-8)
    at_first = -A_max * np.expm1(-curve.u(X_FIRST, log_u, alpha, beta, X_FIRST))
    np.testing.assert_allclose(at_first, f_hi * share, rtol=1e-8)


def test_first_two_coordinates_are_counted_from_the_data(chart):
    def ends(z):
        A_max, log_u, alpha, beta = chart("backward", np.tile(z, (STRATEGIES, 1))).T
        return (
            -A_max * np.expm1(-curve.u(x, log_u, alpha, beta, X_FIRST)) for x in (X_FIRST, X_LAST)
        )

    first, last = ends([0.0, 0.0, 0.0, 0.0])
    np.testing.assert_allclose(last, ENDS["accuracy_last"], rtol=1e-8)
    np.testing.assert_allclose(first, ENDS["accuracy_first"], rtol=1e-8)
    # Of the second strategy there are only four observations: one unit is its noise.
    noise, ratio, lasting = (NOISE[name][1] for name in NOISE)
    further, _ = ends([0.0, 0.01, 0.0, 0.0])
    _, higher = ends([0.01, 0.0, 0.0, 0.0])
    assert higher[1] - last[1] == pytest.approx(0.01 * noise, rel=0.01)
    at_first = np.hypot(noise * np.sqrt((1 - lasting) * ratio**2 + lasting), 1e-4)
    assert further[1] - first[1] == pytest.approx(0.01 * at_first, rel=0.01)


def test_third_coordinate_moves_the_limit_of_a_rising_curve_alone(chart):
    z = np.tile([0.5, -0.7, 0.0, -3.0], (STRATEGIES, 1))
    low, high = (chart("backward", z + np.array([0, 0, by, 0])) for by in (-2, 2))
    limit = COORDINATES.index("A_max")
    assert np.all(low[:, limit] > high[:, limit])
    for x in (X_FIRST, X_LAST):
        one, two = (
            -A_max * np.expm1(-curve.u(x, log_u, alpha, beta, X_FIRST))
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


@given(points(z1=8, z2=(-3, 2), z3=(-6, 6), z4=6))
def test_charts_of_saturated_curves_end_where_their_regions_begin(z):
    for kind, saturated_at in ((StepCoordinates, X_SECOND), (FlatCoordinates, X_FIRST)):
        A_max, log_u, alpha, beta = compiled(kind)("backward", z).T
        assert np.all((A_max > 0) & (A_max < 1))
        assert np.all((beta > 0) & (beta < BETA_HI))
        assert np.all(alpha <= UPPER)
        if kind is FlatCoordinates:  # a step's α may lie below a user's bound, not below -x_first
            assert np.all(alpha >= LOWER)
        log_u_there = log_u + beta * np.log((saturated_at + alpha) / (X_FIRST + alpha))
        assert np.all(log_u_there > np.log(SATURATED) - 1e-9)
