"""The drift: where curves stand at the end of the data, and what they gain past it."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import expit, logit

from palm_bayes import drift
from palm_bayes.misfit import DECIDED, FAR, MISFIT, Misfit, OtherCurves
from palm_bayes.runs import Runs

EXACT = {"scale": 1e-9, "degrees": 4.0}  # nothing strays at random
DRAWS = 50
X = np.arange(1.0, 13.0)


def odds(x, gain):
    """Log-odds of a curve that gains so much whenever x doubles."""
    return 0.5 + gain * np.log2(x)


def made_runs(lengths, residual=0.0, repetitions=4):
    """Runs whose last accuracy is off the curve by `residual`, of log-odds; curves gain 0.2."""
    rows = [
        (name, str(r), e, 10.0 * e, expit(odds(e, 0.2) + residual * (e == length)))
        for name, length in lengths.items()
        for r in range(repetitions)
        for e in range(1, length + 1)
    ]
    columns = ["strategy", "repetition", "episode", "labels", "accuracy"]
    return Runs.from_frame(pd.DataFrame(rows, columns=columns), batch=10)


def made_draws(gains, x=X):
    """Curves that gain so much, one a strategy; all draws are alike."""
    curves = expit(np.stack([odds(x, gain) for gain in gains.values()]))
    dims = ("chain", "draw", "strategy", "x")
    shape = (2, DRAWS, *curves.shape)
    return xr.DataArray(np.broadcast_to(curves, shape), {"strategy": [*gains], "x": x}, dims)


def made_posterior(names, noise=0.01, shared=0.2):
    """α is 0, so that s is the logarithm of x / x_last."""
    dims, shape = ("chain", "draw", "strategy"), (2, DRAWS, len(names))
    numbers = {"noise": np.full(shape, noise), "shared": np.full(shape, shared)}
    curve = np.zeros((*shape, 1))
    return xr.Dataset(
        {name: (dims, values) for name, values in numbers.items()}
        | {"curve": ((*dims, "parameter"), curve)},
        {"strategy": [*names], "parameter": ["alpha"]},
    )


def drifted(lengths, gains, misfit, *, residual=0.0, repetitions=4, **numbers):
    """Drift of the log-odds, dims (strategy, x, sample)."""
    runs = made_runs(lengths, residual, repetitions)
    draws = made_draws(gains, marked(runs))
    posterior = made_posterior(lengths, **numbers)
    return moved(draws, posterior, runs, misfit).stack(sample=("chain", "draw"))


def marked(runs, x=X):
    return np.union1d(x, drift.landmarks(runs))


def moved(draws, posterior, runs, misfit):
    """Drift of the log-odds up to the last of X."""
    found = drift.strayed(draws, posterior, runs, misfit, np.random.default_rng(0))
    assert found.dims == draws.dims
    return (logit(found) - logit(draws)).sel(x=slice(None, X[-1]))


def test_a_curve_stands_between_palms_and_the_last_mean():
    """As a normal prior of standard deviation `level` and the mean's noise have it."""
    misfit = Misfit(**EXACT, level=0.1)
    for repetitions, noise in ((4, 0.01), (1, 0.01), (4, 0.03)):
        found = drifted(
            {"a": 8}, {"a": 0.2}, misfit,
            residual=0.3, repetitions=repetitions, noise=noise,
        )  # fmt: skip
        accuracy = expit(odds(8, 0.2))
        sd = noise * np.sqrt(0.2 + 0.8 / repetitions) / (accuracy * (1 - accuracy))
        kept = 0.1**2 / (0.1**2 + sd**2)
        later = found.sel(strategy="a", x=slice(8, None))
        np.testing.assert_allclose(later.mean("sample"), 0.3 * kept, atol=1e-3)
        np.testing.assert_allclose(later.std("sample"), 0.1 * np.sqrt(1 - kept), rtol=0.03)
        np.testing.assert_allclose(later, later.isel(x=[0] * later.sizes["x"]), atol=1e-6)


def test_repetitions_from_unlike_pools_are_each_compared_where_they_end():
    """All lie on the curve, at another number of labels each."""
    misfit, x = Misfit(**EXACT, level=0.1), np.array([1.0, 7.5, 8.0, 8.5, 12.0])
    pools = {"1": -5.0, "2": 0.0, "3": 5.0}
    rows = [
        ("a", r, e, pool + 10.0 * e, expit(odds(pool / 10 + e, 0.2)))
        for r, pool in pools.items()
        for e in range(1, 9)
    ]
    columns = ["strategy", "repetition", "episode", "labels", "accuracy"]
    runs = Runs.from_frame(pd.DataFrame(rows, columns=columns), batch=10)
    draws = made_draws({"a": 0.2}, marked(runs, x))
    off = moved(draws, made_posterior("a"), runs, misfit).mean(("chain", "draw"))
    np.testing.assert_allclose(off, 0, atol=2e-3)


def test_where_it_stands_fades_into_the_past():
    found = drifted({"a": 8}, {"a": 0.2}, Misfit(**EXACT, level=0.1), residual=0.3)
    found = found.isel(strategy=0).mean("sample")
    there = found.sel(x=8.0)
    near = np.exp(-0.5 * (np.log(7 / 8) / 0.2) ** 2)
    assert float(found.sel(x=7.0) / there) == pytest.approx(near)
    assert np.all(np.diff(found.sel(x=slice(None, 8))) > 0)
    assert abs(float(found.sel(x=3.0))) < 0.01 * float(there)


def test_without_noise_and_level_nothing_is_divided_by_nothing():
    found = drifted({"a": 8}, {"a": 0.2}, Misfit(**EXACT), residual=0.3, noise=0.0)
    np.testing.assert_allclose(found, 0, atol=1e-6)


def test_gains_are_partly_the_tasks():
    """Towards the median of the others': one that runs away carries nobody along."""
    gains = {"a": 0.1, "b": 0.2, "c": 0.3, "wild": 1.0}
    found = drifted(dict.fromkeys(gains, 8), gains, Misfit(**EXACT, common=0.3)).isel(sample=0)
    grown = np.log2(X[8:] / 8)
    for name, others in (("a", 0.3), ("b", 0.3), ("c", 0.2)):
        expected = 0.3 * (others - gains[name]) * grown
        np.testing.assert_allclose(found.sel(strategy=name)[8:], expected, atol=1e-6)
    np.testing.assert_allclose(found[:, :8], 0, atol=1e-9)


def test_draws_come_closer_to_their_median_where_others_are():
    gain = 0.2 + 0.05 * np.random.default_rng(1).standard_normal((2, DRAWS, 1, 1))

    def found(names):
        runs, misfit = made_runs(dict.fromkeys(names, 8)), Misfit(**EXACT, apart=0.7)
        draws = made_draws(dict.fromkeys(names, 0.2), marked(runs))
        of_draws = expit(odds(draws["x"].to_numpy(), gain))
        draws = draws.copy(data=np.broadcast_to(of_draws, draws.shape))
        return moved(draws, made_posterior(names), runs, misfit).sel(strategy="a").to_numpy()

    expected = -0.3 * (gain[:, :, 0] - np.median(gain)) * np.log2(X / 8)
    np.testing.assert_allclose(found(["a", "b"])[..., 8:], expected[..., 8:], atol=1e-6)
    np.testing.assert_allclose(found(["a", "b"])[..., :8], 0, atol=1e-6)
    np.testing.assert_allclose(found(["a"]), 0, atol=1e-6)


def test_of_gains_that_drown_in_noise_little_is_believed():
    """The same share at all x, by what is gained within the data and far past them."""
    misfit = Misfit(**EXACT, doubt=0.4)
    accuracy = expit(odds(8, 0.2))
    for noise in (0.01, 0.1):
        found = drifted({"a": 8}, {"a": 0.2}, misfit, noise=noise).isel(strategy=0, sample=0)
        sd = noise / (accuracy * (1 - accuracy))
        share = misfit.believed(0.2 * np.log2(FAR), 0.2 * np.log2(8), sd)
        np.testing.assert_allclose(found[8:], (share - 1) * 0.2 * np.log2(X[8:] / 8), atol=1e-6)
        np.testing.assert_allclose(found[:8], 0, atol=1e-9)


def test_doubt_is_of_what_is_foreseen_together():
    gains, misfit = {"a": 0.1, "b": 0.3}, Misfit(**EXACT, common=0.5, doubt=0.4)
    found = drifted(dict.fromkeys(gains, 8), gains, misfit, noise=0.05).isel(sample=0)
    accuracy = expit(odds(8, 0.1))
    sd = 0.05 / (accuracy * (1 - accuracy))
    share = misfit.believed(0.2 * np.log2(FAR), 0.1 * np.log2(8), sd)
    expected = (share * 0.2 - 0.1) * np.log2(X[8:] / 8)
    np.testing.assert_allclose(found.sel(strategy="a")[8:], expected, atol=1e-6)


def test_a_strategy_that_is_further_shows_what_may_be_gained():
    """Since the end of the shorter one, of both; the longer one's own end comes later."""
    gains = {"short": 0.1, "long": 0.3}
    found = drifted({"short": 5, "long": 8}, gains, Misfit(**EXACT, common=0.5)).isel(sample=0)
    short, long = (found.sel(strategy=name).to_numpy() for name in gains)
    np.testing.assert_allclose(short[5:], 0.5 * 0.2 * np.log2(X[5:] / 5), atol=1e-6)
    np.testing.assert_allclose(long[8:], -0.5 * 0.2 * np.log2(X[8:] / 8), atol=1e-6)
    np.testing.assert_allclose(long[:8], 0, atol=1e-9)


def test_a_strategy_that_begins_later_tells_nothing():
    runs = made_runs({"early": 5, "late": 9})
    late = runs.table["strategy"] == "late"
    runs = Runs.from_frame(
        runs.table[~late | (runs.table["episode"] > 5)].drop(columns="x"), batch=10
    )
    gains = {"early": 0.1, "late": 0.3}
    draws, misfit = made_draws(gains, marked(runs)), Misfit(**EXACT, common=0.5)
    found = moved(draws, made_posterior(gains), runs, misfit).isel(chain=0, draw=0)
    np.testing.assert_allclose(found.sel(strategy="early"), 0, atol=1e-6)
    assert np.all(found.sel(strategy="late", x=slice(9.5, None)) < -1e-3)


def test_one_strategy_has_no_others():
    found = drifted({"a": 8}, {"a": 0.2}, Misfit(**EXACT, common=0.5)).isel(sample=0)
    np.testing.assert_allclose(found, 0, atol=1e-6)


def test_what_is_foreseen_is_shared_not_the_median_of_the_posterior(monkeypatch):
    """Each leans on its own least squares first."""
    gains = {"a": 0.1, "b": 0.2}

    def others(runs, x):
        gain = np.stack([0.3 * np.log2(x / 8)] * 2)
        return OtherCurves(gain, np.zeros_like(gain), np.full_like(gain, 1e9))

    monkeypatch.setattr(drift, "other_curves", others)
    found = drifted(dict.fromkeys(gains, 8), gains, Misfit(**EXACT, prior=1.0, common=0.5)).isel(
        sample=0
    )
    for name, gain in gains.items():
        expected = (0.3 - gain) * np.log2(X[8:] / 8)
        np.testing.assert_allclose(found.sel(strategy=name)[8:], expected, atol=1e-6)


def ragged(lengths, offsets, step=(10.0, 10.0)):
    """Two runs of one strategy on one curve, off it by `offsets`, of unequal length."""
    tables = []
    for r, (length, offset) in enumerate(zip(lengths, offsets, strict=True)):
        labels = step[r] * np.arange(1, length + 1)
        accuracy = 0.9 - 0.5 * (labels / 10) ** -0.6 + offset
        tables.append(
            pd.DataFrame(
                {"strategy": "a", "repetition": str(r), "labels": labels, "accuracy": accuracy}
            )
        )
    return Runs.from_frame(pd.concat(tables), batch=10)


def test_what_least_squares_say_does_not_depend_on_which_run_goes_on():
    at = np.array([24.0])
    high, low = (
        drift.other_curves(ragged(lengths, (-0.03, 0.03)), at) for lengths in ((6, 12), (12, 6))
    )
    np.testing.assert_allclose(high.gain, low.gain, atol=1e-6)
    assert high.known == low.known == (12 - 4) + (6 - 4)


def test_where_the_data_end_is_told_by_labels():
    """10 x 10 labels and 5 x 50: the data end at 250, where the second run alone is, 0.05 high."""
    table = ragged((10, 5), (0.02, -0.02), step=(10.0, 50.0)).table.drop(columns="x")
    table["accuracy"] += 0.05 * (table["labels"] == 250)
    runs = Runs.from_frame(table, batch=10)
    x = marked(runs, np.array([1.0, 10.0, 25.0, 30.0]))
    curve = 0.9 - 0.5 * x**-0.6
    draws = xr.DataArray(
        np.broadcast_to(curve, (2, DRAWS, 1, len(x))),
        {"strategy": ["a"], "x": x},
        ("chain", "draw", "strategy", "x"),
    )
    noise, level = 0.01, 0.1
    found = drift.strayed(
        draws,
        made_posterior("a", noise=noise),
        runs,
        Misfit(**EXACT, level=level),
        np.random.default_rng(0),
    )
    off = (logit(found) - logit(draws)).mean(("chain", "draw")).squeeze()
    end = 0.9 - 0.5 * 25**-0.6
    kept = level**2 / (level**2 + (noise / (end * (1 - end))) ** 2)
    expected = kept * (logit(end + 0.05) - logit(end))
    np.testing.assert_allclose(off.sel(x=[25.0, 30.0]), expected, atol=2e-3)


def test_flat_runs_of_unequal_length_bend_no_forecast():
    """0.80 for 5 episodes of 20 labels and 0.90 for 10: PALM says 0.857, 0.865 and 0.871."""
    tables = [
        pd.DataFrame(
            {"strategy": "a", "repetition": r, "labels": 20.0 * np.arange(1, n + 1), "accuracy": y}
        )
        for r, n, y in (("1", 5, 0.8), ("2", 10, 0.9))
    ]
    runs = Runs.from_frame(pd.concat(tables))
    asked = np.array([10.0, 20.0, 40.0])
    x = marked(runs, asked)
    palm = np.interp(np.log(x), np.log([5, *asked, 160]), [0.852, 0.857, 0.865, 0.871, 0.876])
    draws = xr.DataArray(
        np.broadcast_to(palm, (2, DRAWS, 1, len(x))),
        {"strategy": ["a"], "x": x},
        ("chain", "draw", "strategy", "x"),
    )
    # Forecasts believe little of a gain that does not stand out of the noise: at 800 they stay low.
    for misfit, known in ((DECIDED, 3), (MISFIT, 2)):
        rng = np.random.default_rng(0)
        found = drift.strayed(draws, made_posterior("a", noise=0.05), runs, misfit, rng)
        medians = found.sel(x=asked[:known]).median(("chain", "draw")).squeeze()
        np.testing.assert_allclose(medians, [0.857, 0.865, 0.871][:known], atol=0.01)
        assert np.all(found.sel(x=asked).median(("chain", "draw")) < 0.871)
