"""Draws of one strategy: scalars, and labelled arrays of them."""

import numpy as np
import pytest
import xarray as xr

from palm_bayes.inference.draws import labelled, numbers_of, taken, verdict_numbers, with_parameters
from palm_bayes.model import curve
from palm_bayes.model.variables import FREE, NUMBERS


@pytest.fixture
def numbers():
    rng = np.random.default_rng(1)
    found = {name: rng.uniform(0.1, 0.9, (2, 5)) for name in NUMBERS}
    return found | {"alpha": rng.uniform(0, 3, (2, 5))}


def test_scalars_come_back_from_labelled_arrays(numbers):
    free = labelled(numbers)
    assert set(free) == set(FREE)
    assert all(one.dims[:3] == ("chain", "draw", "strategy") for one in free.values())
    back = numbers_of(
        free.isel(strategy=0).assign({n: (("chain", "draw"), numbers[n]) for n in numbers})
    )
    for name, values in back.items():
        np.testing.assert_array_equal(values[..., 0], numbers[name])


def test_parameters_are_those_of_palm(numbers, example_runs):
    runs = example_runs.strategy("random")
    draws = with_parameters(labelled(numbers), runs).isel(strategy=0)
    first = float(runs.table["x"].min())
    known = curve.delta(numbers["log_u_first"], numbers["alpha"], numbers["beta"], first)
    np.testing.assert_allclose(draws["delta"], known)
    for name in ("A_max", "alpha", "beta", "rho", "lasting"):
        np.testing.assert_array_equal(draws[name], numbers[name])
    assert {"delta", *FREE} == set(verdict_numbers(draws))


def test_draws_are_taken_chain_by_chain():
    part = xr.Dataset({"a": (("chain", "draw"), [[1, 2, 3], [4, 5, 6]])}, {"draw": [0, 1, 2]})
    found = taken(part, np.array([[2, 2, 0], [1, 0, 1]]))
    assert found["a"].values.tolist() == [[3, 3, 1], [5, 4, 5]]
    assert "draw" not in found.coords
