"""The curve: PALM's formula, its two parametrisations, its extremes, both array libraries."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from palm_bayes.model import curve


def number(low, high):
    return st.floats(low, high, allow_nan=False, exclude_min=True, exclude_max=True)


moderate = {
    "delta": number(0.01, 0.99),
    "alpha": number(-0.9, 20),
    "beta": number(0.05, 4),
    "x_first": number(1, 10),
}


def palm(x, A_max, delta, alpha, beta):
    """PALM's equation, as its paper writes it."""
    return A_max * (1 - (1 - delta) ** ((x + alpha) ** beta))


@given(**moderate, A_max=number(0, 1), more=number(0, 50))
def test_accuracy_is_palms_formula(A_max, delta, alpha, beta, x_first, more):
    x = x_first + more
    expected = palm(x, A_max, delta, alpha, beta)
    assert curve.accuracy(x, A_max, delta, alpha, beta) == pytest.approx(expected, abs=1e-12)


@given(**moderate, more=number(0, 50))
def test_exp_of_minus_u_is_what_palms_curve_still_misses(delta, alpha, beta, x_first, more):
    log_u = curve.log_u_first(delta, alpha, beta, x_first)
    missing = np.exp(-curve.u(x_first + more, log_u, alpha, beta, x_first))
    assert 1 - missing == pytest.approx(palm(x_first + more, 1, delta, alpha, beta), abs=1e-12)


def test_known_values():
    # 1 - 0.5^(x + 1): half is missing at x = 0, a quarter at 1, an eighth at 2.
    np.testing.assert_allclose(curve.accuracy(np.arange(3), 0.8, 0.5, 1, 1), [0.4, 0.6, 0.7])
    assert curve.log_u_first(1 - np.exp(-3), 1, 2, 4) == pytest.approx(np.log(3 * 25))
    assert curve.delta(np.log(3 * 25), 1, 2, 4) == pytest.approx(1 - np.exp(-3))
    assert curve.u(9, np.log(0.5), 1, 2, 4) == pytest.approx(0.5 * 4)


def test_accuracy_keeps_the_scale_of_its_limit():
    x = np.linspace(1, 30, 7)
    percent = curve.accuracy(x, 93.0, 0.3, 0.5, 0.8)
    np.testing.assert_allclose(percent, 100 * curve.accuracy(x, 0.93, 0.3, 0.5, 0.8))


@given(**moderate)
def test_delta_and_log_u_are_inverse(delta, alpha, beta, x_first):
    log_u = curve.log_u_first(delta, alpha, beta, x_first)
    assert np.isfinite(log_u)
    assert curve.delta(log_u, alpha, beta, x_first) == pytest.approx(delta, rel=1e-9)


@given(
    x=st.lists(number(1, 2000), min_size=2, max_size=20, unique=True).map(sorted),
    log_u=number(-30, 4),
    alpha=number(-0.999, 1000),
    beta=number(1e-6, 60),
)
def test_u_grows_from_at_least_zero(x, log_u, alpha, beta):
    u = curve.u(np.array(x), log_u, alpha, beta, x_first=x[0])
    assert np.all(u >= 0)
    assert np.all(np.diff(u) >= 0)


@pytest.mark.parametrize("delta", [1e-300, 1e-12, 0.5, 1 - 1e-12, np.nextafter(1, 0)])
@pytest.mark.parametrize("alpha", [-0.999999, 0, 1000])
@pytest.mark.parametrize("beta", [1e-9, 1, 100])
def test_palms_bounds_give_finite_curves(delta, alpha, beta):
    x = np.array([1.0, 2, 100, 1000])
    log_u = curve.log_u_first(delta, alpha, beta, 1.0)
    missing = np.exp(-curve.u(x, log_u, alpha, beta, 1.0))
    levels = curve.accuracy(x, 0.9, delta, alpha, beta)
    assert np.isfinite(log_u)
    assert np.all((missing >= 0) & (missing <= 1))
    assert np.all((levels >= 0) & (levels <= 0.9))
    np.testing.assert_allclose(levels, 0.9 * (1 - missing), rtol=1e-9, atol=1e-10)


def test_log_u_keeps_curves_whose_delta_is_rounded():
    # A Gompertz-like curve: rising where there are data, with a delta far below 1e-300.
    log_u, alpha, beta, x = np.log(0.3), 1000.0, 110.0, np.array([1.0, 10, 30])
    assert curve.delta(log_u, alpha, beta, 1.0) == 0
    missing = np.exp(-curve.u(x, log_u, alpha, beta, 1.0))
    assert missing[0] == pytest.approx(np.exp(-0.3))
    assert missing[0] > missing[1] > missing[2] > 0


def test_a_delta_rounded_to_zero_or_one_is_a_flat_curve():
    x = np.array([1.0, 2, 30])
    np.testing.assert_array_equal(curve.accuracy(x, 0.9, 0.0, 0.5, 0.8), 0)
    np.testing.assert_array_equal(curve.accuracy(x, 0.9, 1.0, 0.5, 0.8), 0.9)
    assert curve.delta(5.0, -0.999999, 100.0, 1.0) == 1


def test_arrays_may_be_labelled():
    x = xr.DataArray([1.0, 2, 3], dims="x")
    delta = xr.DataArray([0.2, 0.4], dims="strategy")
    assert curve.accuracy(x, 0.9, delta, 0.5, 0.8).sizes == {"strategy": 2, "x": 3}
    assert curve.u(x, delta, 0.5, 0.8, 1.0).sizes == {"strategy": 2, "x": 3}


def test_shapes_are_broadcast():
    x, row = np.ones((5, 1)), np.full(3, 0.5)
    assert curve.u(x, row, row, row, 1.0).shape == (5, 3)
    assert curve.accuracy(x, row, row, row, row).shape == (5, 3)
    assert curve.log_u_first(row, row, row, 1.0).shape == (3,)


@pytest.mark.parametrize("name", ["log_u_first", "delta", "u"])
def test_pytensor_gives_the_numbers_of_numpy(name):
    rng = np.random.default_rng(2)
    size = {"x": (1, 30), "log_u": (-5, 2), "delta": (0.01, 0.99), "alpha": (-0.5, 50)}
    size |= {"beta": (0.05, 5), "x_first": (0.6, 1)}
    wanted = {
        "log_u_first": ["delta", "alpha", "beta", "x_first"],
        "delta": ["log_u", "alpha", "beta", "x_first"],
        "u": ["x", "log_u", "alpha", "beta", "x_first"],
    }[name]
    values = [rng.uniform(*size[part], 50) for part in wanted]
    inputs = [pt.dvector(part) for part in wanted]
    formula = getattr(curve, name)
    compiled = pytensor.function(inputs, formula(*inputs, xp=pt), mode="FAST_COMPILE")
    np.testing.assert_allclose(compiled(*values), formula(*values), rtol=1e-12)
