"""Coordinates of the noise: bijections, their Jacobians and what their numbers mean."""

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest

from palm_bayes.model.noise_coordinates import (
    MOST,
    MemoryCoordinates,
    NoiseCoordinates,
    ShareCoordinates,
)
from palm_bayes.model.variables import Ends


def memory(length):
    """Coordinates of ρ and λ of three runs of so many episodes."""
    known = {"count": 3 * length, "length": length}
    known = {name: pt.constant(float(value), dtype="float64") for name, value in known.items()}
    return MemoryCoordinates(Ends(**dict.fromkeys(Ends._fields) | known))


def of_shares(transform, dims):
    """Compiled functions of the points of a chart of shares."""
    points = pt.dvector("points")
    values = transform.backward(points)
    outputs = {
        "backward": values,
        "again": transform.forward(values),
        "log_jac_det": transform.log_jac_det(points),
        "jacobian": pytensor.gradient.jacobian(values, points),
    }
    functions = {
        name: pytensor.function([points], output, mode="FAST_COMPILE")
        for name, output in outputs.items()
    }
    rng = np.random.default_rng(1)
    return functions, [*rng.normal(0, 1, (20, dims)), np.full(dims, -8.0), np.full(dims, 3.0)]


@pytest.mark.parametrize(
    ("transform", "dims"),
    [(memory(4), 2), (memory(1000), 2), (ShareCoordinates(), 1)],
    ids=["memory of short runs", "memory of long runs", "share"],
)
def test_charts_of_shares_are_bijections_with_their_jacobian(transform, dims):
    chart, points = of_shares(transform, dims)
    for z in points:
        values = chart["backward"](z)
        assert np.all((values > 0) & (values < 1))
        np.testing.assert_allclose(chart["again"](z), z, atol=1e-6)
        sign, expected = np.linalg.slogdet(chart["jacobian"](z))
        assert abs(sign) == 1
        assert chart["log_jac_det"](z).sum() == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(("length", "weight"), [(2, 0.8), (8, 0.5), (792, 0.01)])
def test_the_persistent_share_counts_less_in_longer_runs(length, weight):
    """Long runs determine the autocorrelation alone, short ones its sum with the share."""
    chart, _ = of_shares(memory(length), 2)
    parts = -np.log1p(-chart["backward"](np.array([3.0, np.log(3)])) / MOST)
    assert parts[0] / (weight * parts[1]) == pytest.approx(3)
    total = parts[0] + weight * parts[1]
    assert np.sqrt(3 * length) * np.log1p(total) == pytest.approx(np.log1p(np.exp(3.0)))


def test_a_share_that_is_uniform_near_zero_is_about_normal_there():
    """So that its tail is not exponential: three units below, hardly anything is left."""
    chart, _ = of_shares(ShareCoordinates(), 1)
    assert chart["backward"](np.array([-6.0]))[0] < 1e-5
    assert chart["backward"](np.array([1.0]))[0] == pytest.approx(1 / (1 + np.exp(-1)), abs=0.01)


@pytest.mark.parametrize(
    "prior",
    [pm.LogNormal.dist(-4, 1), pm.HalfNormal.dist(0.02), pm.Uniform.dist(0, 0.1)],
    ids=["log-normal", "half-normal", "uniform"],
)
def test_noise_is_counted_by_its_transient_part(prior):
    """On the scale of any prior's own transform; in the limit of small noise, a logarithm."""
    chart, z, lasting = NoiseCoordinates(prior), pt.dscalar("z"), pt.dscalar("lasting")
    given = None, lasting, 0.4  # the inputs of PyMC's free variable: size, share, unit of noise
    noise = chart.backward(z, *given)
    outputs = [
        noise,
        chart.forward(noise, *given),
        chart.log_jac_det(z, *given),
        pt.log(pt.abs(pt.grad(noise, z))),
    ]
    of = pytensor.function([z, lasting], outputs, mode="FAST_COMPILE")
    for at in (-9.0, -4.0, 1.0):
        for share in (0.0, 0.4, 0.99):
            found, again, log_slope, expected = of(at, share)
            assert found > 0
            assert again == pytest.approx(at)
            assert log_slope == pytest.approx(expected)
    transient = [of(-20.0, share)[0] ** 2 * (1 - 0.85 * share) for share in (0.0, 0.4, 0.99)]
    np.testing.assert_allclose(transient, transient[0], rtol=1e-6)
