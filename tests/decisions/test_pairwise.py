"""Speed-ups of single draws."""

import numpy as np
import pytest
import xarray as xr

from palm_bayes.decisions.pairwise import log_speed_up


def paths(**curves):
    budgets = np.array([10.0, 20.0, 30.0, 40.0])
    values = np.array([list(curves.values())])
    coords = {"strategy": list(curves), "budget": budgets}
    return xr.DataArray(values, coords, ("sample", "strategy", "budget"))


def test_speed_up_of_lines():
    found = log_speed_up(
        paths(random=[0.1, 0.2, 0.3, 0.4], fast=[0.2, 0.4, 0.6, 0.8], slow=[0.05, 0.1, 0.15, 0.2]),
        "random",
        40,
    )
    np.testing.assert_allclose(found[0], [0, np.log(2), -np.log(2)], atol=1e-12)


def test_exchange_changes_the_sign():
    drawn = paths(a=[0.1, 0.35, 0.3, 0.5], b=[0.2, 0.25, 0.45, 0.46])
    forth = log_speed_up(drawn, "a", 40).sel(strategy="b").item()
    back = log_speed_up(drawn, "b", 40).sel(strategy="a").item()
    assert forth == pytest.approx(-back)
    assert forth != 0


def test_it_is_finite_and_of_the_budget_asked():
    never = paths(random=[0.5, 0.6, 0.7, 0.9], poor=[0.1, 0.1, 0.1, 0.1])
    at_end = log_speed_up(never, "random", 40).sel(strategy="poor").item()
    assert at_end == np.log(10 / 40)  # the reference was better at its first budget
    assert log_speed_up(never, "random", 20).sel(strategy="poor").item() == np.log(10 / 20)
