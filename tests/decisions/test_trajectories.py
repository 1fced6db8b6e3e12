"""Draws of whole curves, and where they reach a target."""

import numpy as np
import pytest
import xarray as xr

from palm_bayes.decisions.trajectories import first_reached, lower_medians


def test_first_passage_of_a_path_that_falls_again():
    paths = xr.DataArray(
        [[0.1, 0.6, 0.4, 0.7], [0.1, 0.2, 0.3, 0.4]],
        {"budget": [10.0, 20, 30, 40]},
        ("sample", "budget"),
    )
    assert first_reached(paths, 0.5).to_numpy().tolist() == [20, np.inf]
    assert first_reached(paths, 0.35, between=True).to_numpy() == pytest.approx([15, 35])
    assert first_reached(paths, 0.05, between=True).to_numpy().tolist() == [10, 10]


def test_lower_medians_are_among_the_values():
    draws = np.array([[240.0, 1, np.nan], [260.0, 2, np.nan], [np.nan, 3, np.nan]])
    found = lower_medians(xr.DataArray(draws, dims=("sample", "strategy")))
    np.testing.assert_array_equal(found, [240, 2, np.nan])
