"""Expected accuracies of draws, against PALM's own formula and the limits of the misfit."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from palm_bayes.model import curve, expected, noise
from palm_bayes.model.learned import shipped

FIRST, LAST = 1.0, 8.0
X = xr.DataArray([1.0, 4.0, 8.0, 20.0, 80.0], dims="x").assign_coords(x=[1.0, 4.0, 8.0, 20.0, 80.0])


@pytest.fixture
def posterior():
    """Draws of two strategies; the misfit is that of the test."""
    rng, size = np.random.default_rng(1), (2, 50, 2)
    dims = ("chain", "draw", "strategy")
    own = np.stack([rng.uniform(*ends, size) for ends in PARAMETERS], axis=-1)
    numbers = {name: (dims, rng.uniform(*ends, size)) for name, ends in NOISE.items()}
    misfit = (dims, np.zeros(size))
    coords = {"parameter": list(curve.COORDINATES)}
    curves = ((*dims, "parameter"), own)
    coords["strategy"] = ["margin", "random"]
    return xr.Dataset({"curve": curves, "misfit": misfit, **numbers}, coords)


PARAMETERS = ((0.5, 0.95), (-1.5, 0.2), (-0.5, 3.0), (0.2, 0.9))
NOISE = {"noise": (0.01, 0.03), "noise_ratio": (1.0, 8.0), "lasting": (0.0, 1.0)}


def ends(value):
    return xr.DataArray([value] * 2, dims="strategy", coords={"strategy": ["margin", "random"]})


def with_misfit(posterior, misfit, z=0.0):
    posterior = posterior.assign(misfit=posterior["misfit"] + z)
    without = expected.on_curve(posterior, X, ends(FIRST))
    of_data = xr.Dataset({"x_first": ends(FIRST), "x_last": ends(LAST)})
    without = without.transpose("chain", "draw", "strategy", "x")
    return without, expected.with_misfit(without, posterior, of_data, misfit)


def test_the_curve_is_palms(posterior):
    A_max, log_u, alpha, beta = (posterior["curve"].sel(parameter=n) for n in curve.COORDINATES)
    delta = curve.delta(log_u, alpha, beta, FIRST)
    known = xr.apply_ufunc(curve.accuracy, X, A_max, delta, alpha, beta)
    found = expected.on_curve(posterior, X, FIRST)
    xr.testing.assert_allclose(found, known.transpose(*found.dims))


def test_there_is_no_accuracy_before_the_curve_begins(posterior):
    posterior["curve"].loc[{"parameter": "alpha"}] = -0.5
    assert float(abs(expected.on_curve(posterior, 0.4, FIRST)).max()) == 0


def test_noise_has_the_sizes_that_the_parameters_say(posterior):
    mean, sd = expected.moments(posterior, X, FIRST, LAST)
    xr.testing.assert_allclose(mean, expected.on_curve(posterior, X, FIRST))
    lasting, size = posterior["lasting"], posterior["noise"]
    floor = noise.TRANSIENT * lasting * size**2 + noise.RESOLUTION**2
    at_last = size**2 * (1 - lasting) + floor
    np.testing.assert_allclose(sd.isel(x=2) ** 2, at_last)
    falls = sd.isel(x=0) >= sd.isel(x=2)
    assert bool(falls.all())
    assert float((sd.isel(x=0) ** 2 - floor).min()) >= 0


def test_without_growth_and_line_curves_are_palms(posterior):
    without, found = with_misfit(posterior, replace(shipped().misfit, straight=0.0))
    np.testing.assert_allclose(found, without, atol=2e-4)  # linear between steps, past the data


@pytest.mark.parametrize("z", [-4.0, 3.0])
def test_growth_begins_at_the_data_and_curves_do_not_fall(posterior, z):
    without, found = with_misfit(posterior, shipped().misfit, z)
    np.testing.assert_allclose(found.isel(x=slice(3)), without.isel(x=slice(3)), rtol=1e-9)
    steps = found.diff("x").to_numpy()
    assert (steps >= -1e-12).all()
    change = (found - without).isel(x=-1)
    assert bool((np.sign(change) == np.sign(z)).all())
