"""New and continuing repetitions: their law, and that each accuracy is drawn on its own."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from palm_bayes.forecast.repetitions import continued, new, stationary
from palm_bayes.model.noise import offset_sd

SIZE = 40_000  # draws: a mean has a standard error of 0.005, a covariance of at most 0.007


@pytest.mark.parametrize("rho", [0.0, 0.4, 0.97])
def test_transient_noise_is_stationary_with_correlation_rho_to_the_lag(rho):
    at = np.array([0.25, 1, 2.5, 3, 7, 8, 9, 150, 151.5])
    values = stationary(np.full((2, SIZE // 2), rho), seed=1)(at)
    assert values.shape == (2, SIZE // 2, len(at))
    found = np.cov(values.reshape(-1, len(at)).T)
    np.testing.assert_allclose(found, rho ** np.abs(np.subtract.outer(at, at)), atol=0.03)
    np.testing.assert_allclose(values.mean(axis=(0, 1)), 0, atol=0.025)


def test_a_value_does_not_depend_on_the_others():
    rho = np.linspace(0, 0.99, 12).reshape(3, 4)
    many = stationary(rho, seed=2)(np.arange(1.0, 80))
    for episode in (1, 17, 64, 79):
        alone = stationary(rho, seed=2)(np.array([episode]))
        np.testing.assert_array_equal(alone[..., 0], many[..., episode - 1])
    other = stationary(rho, seed=3)(np.array([17]))
    assert np.all(other[..., 0] != many[..., 16])


def dense(episodes, rho, lasts, sd):
    """Covariance of a run's noise."""
    correlation = rho ** np.abs(np.subtract.outer(episodes, episodes)).astype(float)
    return lasts**2 + np.outer(sd, sd) * correlation


def test_runs_go_on_from_their_past_as_the_dense_normal_says():
    episodes, seen = np.array([1, 2, 3, 5, 6, 9]), 4
    rho, lasting, shared, scale = 0.5, 0.4, 0.3, 0.02
    sd = np.linspace(1.2, 0.5, 6) * scale
    y = np.array([[1.0, 0.4, 1.2, 0.8], [-0.3, -0.2, 0.5, -1.0]]) * scale
    rows = [
        {"strategy": "a", "repetition": str(r), "episode": e, "x": float(e), "accuracy": value}
        for r, run in enumerate(y)
        for e, value in zip(episodes[:seen], run, strict=True)
    ]
    scalars = {"noise": scale, "rho": rho, "shared": shared, "lasting": lasting}
    dims = ("chain", "draw", "strategy")
    shape = (1, SIZE, 1)
    posterior = xr.Dataset(
        {name: (dims, np.full(shape, value)) for name, value in scalars.items()},
        {"strategy": ["a"]},
    )
    x = xr.DataArray(episodes.astype(float), {"x": episodes.astype(float)}, "x")
    none = xr.DataArray(np.zeros((*shape, 6)), {"strategy": ["a"], "x": x["x"]}, (*dims, "x"))
    at = x[seen:].assign_coords(episode=("x", episodes[seen:]))
    table = pd.DataFrame(rows)
    curves = xr.Dataset(
        {"without": none, "mean": none, "sd": none + sd, "becomes_shared": none + 0.2}
    )
    draws = continued(posterior, curves, table, at, seed=7)
    found = draws.isel(chain=0, strategy=0).transpose("draw", ...).to_numpy()
    assert found.shape == (SIZE, 2, 2)

    within = dense(episodes, rho, float(offset_sd(scale, lasting)), sd)
    weights = np.linalg.solve(within[:seen, :seen], within[:seen, seen:]).T
    np.testing.assert_allclose(found.mean(axis=0), y @ weights.T, atol=0.025 * scale)
    left = within[seen:, seen:] - weights @ within[:seen, seen:]
    later = shared + (1 - shared) * 0.2
    between = np.array([[1, later], [later, 1]])
    expected = np.kron(between, left)
    both = np.cov(found.reshape(SIZE, 4).T)
    np.testing.assert_allclose(both, expected, atol=0.02 * scale**2)


@pytest.mark.parametrize("scope", ["expected", "new", "continuing"])
def test_draws_do_not_depend_on_what_else_is_requested(fit, scope):
    far = fit.forecast(episodes=[13, 17.5, 20, 300], scope=scope, seed=4).draws
    near = fit.forecast(episodes=[17.5], scope=scope, seed=4).draws
    xr.testing.assert_equal(far.sel(x=near["x"]), near)


@pytest.mark.parametrize("kept", [["b"], ["b", "a"]])
def test_noise_does_not_depend_on_other_strategies_and_repetitions(kept):
    x = xr.DataArray(np.arange(1.0, 7), {"x": np.arange(1.0, 7)}, "x")
    at, dims = x[3:].assign_coords(episode=("x", [4, 5, 6])), ("chain", "draw", "strategy")
    names = {"noise": 0.02, "rho": 0.5, "shared": 0.3, "lasting": 0.4}
    posterior = xr.Dataset(
        {name: (dims, np.full((2, 5, 2), value)) for name, value in names.items()},
        {"strategy": ["a", "b"]},
    )
    table = pd.DataFrame(
        [(s, r, e, float(e), 0.01 * e) for s in "ab" for r in "12" for e in (1, 2, 3)],
        columns=["strategy", "repetition", "episode", "x", "accuracy"],
    )
    none = xr.zeros_like(posterior["noise"]) + 0 * x
    curves = xr.Dataset(
        {"without": none, "mean": none + 0.5, "sd": none + 0.02, "becomes_shared": none}
    )

    def drawn(strategies, repetitions):
        of = curves.sel(strategy=strategies)
        at_first = table[table["repetition"].isin(repetitions)]
        of_both = (at_first[at_first["strategy"] == name] for name in strategies)
        some = posterior.sel(strategy=strategies)
        asked = of.sel(x=at["x"]).assign_coords(episode=at["episode"])
        return new(some, asked, seed=5), continued(some, of, pd.concat(of_both), at, seed=5)

    for all_of_them, fewer in zip(drawn(["a", "b"], ["1", "2"]), drawn(kept, ["2"]), strict=True):
        xr.testing.assert_equal(all_of_them.reindex_like(fewer).transpose(*fewer.dims), fewer)
