"""Forecasts: the curve they follow, their three scopes, their grid and their tables."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import expit, logit
from scipy.stats import kstest, norm

from palm_bayes.data.example import example_runs_path
from palm_bayes.data.quantiles import QUANTILES
from palm_bayes.data.runs import Runs
from palm_bayes.data.score import Score
from palm_bayes.errors import DataError
from palm_bayes.forecast.forecast import Forecast, forecast
from palm_bayes.model import curve, noise
from palm_bayes.model.expected import moments
from palm_bayes.model.misfit import Misfit, log_odds
from palm_bayes.reading.read import read_runs

CURVE = {"A_max": 0.9, "delta": 0.3, "alpha": 0.5, "beta": 0.8}
NONE = Misfit(
    scale=0,
    by_noise=0,
    power=1,
    by_gain=0,
    straight=0,
    tail=0,
    later_shared=0,
    common=0,
    between_gains=np.inf,
    between_gains_width=1,
    between_levels=np.inf,
    between_levels_width=1,
)
NAMES = ["A_max", "log_u_first", "alpha", "beta"]
OF_TRACE = ("rho", "shared", "lasting", "jitter", "draws")


def make_runs(lengths=None, labels=True, percent=False, pool=0.0, offset=0.0, **options):
    """Runs on the curve; `lengths` says of each strategy how long its repetitions are."""
    lengths = lengths or {"a": (8, 8), "b": (8, 8)}
    rows = [
        (name, str(r), e, pool + 20.0 * e, accuracy(e + pool / 20) + offset)
        for name, each in lengths.items()
        for r, length in enumerate(each, 1)
        for e in range(1, length + 1)
    ]
    frame = pd.DataFrame(rows, columns=["strategy", "repetition", "episode", "labels", "accuracy"])
    frame["accuracy"] *= 100 if percent else 1
    return Runs.from_frame(frame if labels else frame.drop(columns="labels"), **options)


def accuracy(x):
    return curve.accuracy(x, **CURVE)


def make_trace(runs, draws=2000, jitter=0.0, **scalars):
    """A posterior at one point, or around it."""
    usual = {"noise": 0.01, "noise_ratio": 5.0, "rho": 0.5, "shared": 0.3, "lasting": 0.0}
    scalars = usual | scalars
    rng = np.random.default_rng(9)
    ends = runs.table.groupby("strategy", sort=False)["x"].agg(["min", "max"])
    shape = (2, draws, len(ends))
    log_u = curve.log_u_first(CURVE["delta"], CURVE["alpha"], CURVE["beta"], ends["min"].to_numpy())
    vector = np.stack(
        np.broadcast_arrays(CURVE["A_max"], log_u, CURVE["alpha"], CURVE["beta"]), axis=-1
    )
    vectors = vector + jitter * rng.standard_normal((*shape, 4))
    dims = ("chain", "draw", "strategy")
    posterior = xr.Dataset(
        {
            "curve": ((*dims, "parameter"), vectors),
            "misfit": (dims, rng.standard_normal(shape)),
            **{name: (dims, np.full(shape, value)) for name, value in scalars.items()},
        },
        {"strategy": list(runs.strategies), "parameter": NAMES},
    )
    constant = xr.Dataset(
        {"ends": (("end", "strategy"), [ends["min"], ends["max"]])},
        {"end": ["x_first", "x_last"], "strategy": list(runs.strategies)},
    )
    return xr.DataTree.from_dict({"posterior": posterior, "constant_data": constant})


def spread_at(x, last=8.0, sd=0.01, ratio=5.0):
    return noise.transient_sd(*map(decline, (x, 1.0, last)), sd, ratio, 0.0)


def decline(x):
    return noise.decline(-np.log(1 - accuracy(x) / CURVE["A_max"]), x)


def a_fit(runs, **how):
    return SimpleNamespace(runs=runs, trace=make_trace(runs, **how))


def made(scope="expected", runs=None, **options):
    runs = runs or make_runs()
    how = {name: options.pop(name) for name in tuple(options) if name in OF_TRACE}
    return forecast(a_fit(runs, **how), scope=scope, **{"misfit": None} | options)


def test_expected_without_misfit_is_palms_curve(fit):
    draws = fit.forecast(horizon=20, misfit=None).draws
    posterior = fit.trace["posterior"].to_dataset()
    expected = curve.accuracy(
        draws["x"], *(posterior[name] for name in ("A_max", "delta", "alpha", "beta"))
    )
    usable = (posterior["delta"] > 1e-9) & (posterior["delta"] < 1 - 1e-9)
    assert float(usable.mean()) > 0.9
    error = abs(draws - expected).where(usable)
    assert float(error.max()) < 1e-6


def test_expected_has_no_noise():
    found = made(episodes=[1, 4, 8, 30])
    assert found.draws.dims == ("chain", "draw", "strategy", "x")
    np.testing.assert_allclose(found.draws[0, 0, 0], accuracy(np.array([1, 4, 8, 30])))
    assert float(found.draws.std()) > 0.1
    np.testing.assert_allclose(found.draws.std(("chain", "draw")), 0, atol=1e-12)
    assert found.scope == "expected"
    assert found.score.unit == 1


def test_scopes_are_as_wide_as_the_noise():
    """With the curve known, new repetitions have the stationary spread, continuing ones less."""
    found = {scope: made(scope, rho=0.8, horizon=12) for scope in ("expected", "new", "continuing")}
    width = {
        scope: f.draws.std(("chain", "draw")).sel(x=[9.0, 10.0, 20.0]) for scope, f in found.items()
    }
    for at in range(3):
        x, lag = (9.0, 10.0, 20.0)[at], (1, 2, 12)[at]
        new = width["new"].isel(strategy=0, x=at)
        continuing = width["continuing"].isel(strategy=0, repetition=0, x=at)
        assert float(width["expected"].isel(strategy=0, x=at)) == pytest.approx(0, abs=1e-12)
        assert float(new) == pytest.approx(spread_at(x), rel=0.06)
        left = np.sqrt(1 - 0.8 ** (2 * lag))
        assert float(continuing) == pytest.approx(spread_at(x) * left, rel=0.06)


def test_scopes_are_ordered_on_a_real_fit(fit):
    found = {scope: fit.forecast(scope=scope) for scope in ("expected", "continuing", "new")}
    width = {}
    for scope, each in found.items():
        bounds = each.quantiles([0.1, 0.9]).sel(x=13.0)
        width[scope] = bounds[1] - bounds[0]
    assert bool((width["expected"] < width["continuing"].mean("repetition")).all())
    assert bool((width["continuing"].mean("repetition") < width["new"] * 1.05).all())


def test_new_repetitions_are_autocorrelated():
    draws = made("new", rho=0.6, episodes=[1, 2, 3, 5]).draws.sel(strategy="a")
    residuals = draws.to_numpy().reshape(-1, 4)
    found = np.corrcoef(residuals.T)[0]
    np.testing.assert_allclose(found, 0.6 ** np.array([0, 1, 2, 4]), atol=0.05)
    standard = (residuals[:, 3] - accuracy(5)) / spread_at(5)
    assert kstest(standard, norm.cdf).pvalue > 1e-3


def test_continuing_starts_where_the_repetition_stands():
    runs = make_runs(offset=0.05)
    draws = made("continuing", runs, rho=0.99, horizon=60).draws
    shift = (draws.mean(("chain", "draw")) - accuracy(draws["x"])) / spread_at(draws["x"])
    start = 0.05 / spread_at(8.0)
    for x, lag in ((9.0, 1), (28.0, 20), (68.0, 60)):
        expected = start * 0.99**lag
        np.testing.assert_allclose(shift.sel(x=x), expected, atol=0.1)
    forgetful = made("continuing", runs, rho=0.0, horizon=2).draws.mean(("chain", "draw"))
    np.testing.assert_allclose(forgetful.sel(x=9.0), accuracy(9.0), atol=0.002)


def test_continuing_lies_ahead_of_each_repetition():
    runs = make_runs({"a": (6, 8), "b": (4, 5, 10)})
    found = made("continuing", runs, horizon=3)
    assert found.draws.dims == ("chain", "draw", "strategy", "repetition", "x")
    assert list(found.draws["repetition"].to_numpy()) == ["1", "2", "3"]
    first = {("a", "1"): 7, ("a", "2"): 9, ("b", "1"): 5, ("b", "2"): 6, ("b", "3"): 11}
    for (strategy, repetition), episode in first.items():
        draws = found.draws.sel(strategy=strategy, repetition=repetition)
        missing = np.isnan(draws).all(("chain", "draw"))
        assert bool((missing == np.isnan(draws).any(("chain", "draw"))).all())
        np.testing.assert_array_equal(missing, draws["episode"] < episode)
    assert bool(np.isnan(found.draws.sel(strategy="a", repetition="3")).all())
    table = found.to_frame()
    seen = table.groupby(["strategy", "repetition"])["episode"].min().to_dict()
    assert seen == first


def test_horizon_counts_from_the_last_episode_of_all():
    runs = make_runs({"a": (6, 8), "b": (4, 5, 10)})
    np.testing.assert_array_equal(made(runs=runs).draws["episode"], np.arange(1, 21))
    np.testing.assert_array_equal(made(runs=runs, horizon=0).draws["episode"], np.arange(1, 11))
    np.testing.assert_array_equal(made(runs=runs, horizon=2).draws["episode"], np.arange(1, 13))


def test_future_is_past_a_strategys_own_data():
    runs = make_runs({"a": (6, 8), "b": (4, 5, 10)})
    future = made(runs=runs, horizon=2).draws["future"]
    for name, last in (("a", 8), ("b", 10)):
        np.testing.assert_array_equal(future.sel(strategy=name), np.arange(1, 13) > last)


def test_grid_where_the_pool_is_not_a_batch():
    runs = make_runs(pool=30.0)
    draws = made(runs=runs, horizon=2).draws
    np.testing.assert_array_equal(draws["episode"], np.arange(1, 11))
    np.testing.assert_allclose(draws["x"], np.arange(1, 11) + 1.5)
    np.testing.assert_allclose(draws["labels"], 30 + 20 * np.arange(1, 11))
    by_labels = made(runs=runs, labels=[210, 60]).draws
    np.testing.assert_allclose(by_labels["x"], [3, 10.5])
    np.testing.assert_allclose(by_labels["episode"], [1.5, 9])
    np.testing.assert_allclose(by_labels[0, 0, 0], accuracy(np.array([3, 10.5])))


def test_labels_and_episodes_are_sorted_once_each():
    by_labels = made(labels=(400, 100, 100, 30)).draws
    np.testing.assert_allclose(by_labels["labels"], [30, 100, 400])
    by_episodes = made(episodes=(20, 5, 5, 1.5)).draws
    np.testing.assert_allclose(by_episodes["episode"], [1.5, 5, 20])
    xr.testing.assert_allclose(by_episodes, by_labels)
    assert made(labels=250).draws.sizes["x"] == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"labels": [40], "episodes": [2]}, "exclude each other"),
        ({"labels": [40], "horizon": 2}, "exclude each other"),
        ({"episodes": [40], "horizon": 0}, "exclude each other"),
        ({"labels": []}, "the requested labels"),
        ({"labels": [0]}, "the requested labels.*above 0"),
        ({"episodes": [3, -1]}, "the requested episodes.*above 0"),
        ({"episodes": [np.nan]}, "the requested episodes"),
        ({"labels": [np.inf]}, "the requested labels"),
        ({"labels": "many"}, "the requested labels are 'many', but must be numbers"),
        ({"horizon": -1}, "horizon is -1"),
        ({"scope": "newer"}, "no scope 'newer'.*did you mean 'new'"),
        ({"seed": "a"}, "seed is 'a', but must be a whole number"),
        ({"seed": -1, "scope": "new"}, "seed is -1, but must be at least 0"),
        ({"horizon": True}, "horizon is True"),
        ({"labels": "400"}, "the requested labels are '400', but must be numbers"),
        ({"misfit": np.ones(2)}, "misfit is of type ndarray, but must be"),
        ({"misfit": "none"}, "misfit is of type str, but must be 'learned', a Misfit or None"),
    ],
)
def test_what_cannot_be_forecast(options, words):
    with pytest.raises(DataError, match=words):
        made(**options)


def test_unknown_labels():
    runs = make_runs(labels=False)
    with pytest.raises(DataError, match="labels are unknown"):
        made(runs=runs, labels=[40])
    found = made(runs=runs, horizon=1)
    assert not found.labels_known
    assert bool(np.isnan(found.draws["labels"]).all())
    table = found.to_frame()
    assert table["labels"].isna().all()
    assert len(table) == 2 * 9


def test_quantiles_rise(fit):
    for scope in ("expected", "continuing", "new"):
        bands = fit.forecast(horizon=3, scope=scope).quantiles([0.01, 0.2, 0.5, 0.8, 0.99])
        steps = bands.diff("quantile")
        assert bool(((steps >= 0) | np.isnan(steps)).all())
        assert float(bands.max()) <= 1
        assert float(bands.min()) >= 0
        assert bands.dims[0] == "quantile"


def test_one_quantile_may_be_asked_for(fit):
    found = fit.forecast(labels=[400])
    np.testing.assert_array_equal(found.quantiles(0.5), found.quantiles([0.5]))


@pytest.mark.parametrize("probability", [1.2, "half", "0.5", [0.1, 0.9], np.nan])
def test_a_quantile_needs_a_probability(fit, probability):
    with pytest.raises(DataError, match=r"a probability of quantiles is .*, but must be"):
        fit.forecast(labels=[400]).quantiles([0.5, probability])


def test_table(fit):
    found = fit.forecast(labels=[100, 300])
    table = found.to_frame()
    bands = ["q2.5", "q10", "q25", "q50", "q75", "q90", "q97.5"]
    assert list(table) == ["strategy", "episode", "labels", "future", "mean", *bands]
    assert table["strategy"].tolist() == ["random"] * 2 + ["entropy"] * 2
    assert table["episode"].tolist() == [5, 15] * 2
    assert table["episode"].dtype.kind == "i"
    assert table["future"].tolist() == [False, True] * 2
    of = found.draws.sel(strategy="entropy", x=15.0)
    row = table.iloc[3]
    assert row["mean"] == pytest.approx(float(of.mean()))
    for name, probability in zip(bands, QUANTILES, strict=True):
        assert row[name] == pytest.approx(np.quantile(of, probability))
    assert fit.forecast(labels=[110]).to_frame()["episode"].tolist() == [5.5] * 2


def test_percent_in_percent_out():
    for scope in ("expected", "continuing"):
        as_fraction = made(scope, make_runs(), draws=20)
        as_percent = made(scope, make_runs(percent=True), draws=20)
        assert as_percent.score.unit == 100
        xr.testing.assert_allclose(as_percent.draws, as_fraction.draws)  # fractions in both
        both = as_percent.to_frame(), as_fraction.to_frame()
        for column in ("mean", "q2.5", "q97.5"):
            np.testing.assert_allclose(both[0][column], 100 * both[1][column])
        pd.testing.assert_series_equal(both[0]["labels"], both[1]["labels"])


@pytest.mark.parametrize("scope", ["continuing", "new"])
def test_seeds_reproduce(fit, scope):
    one, same, other = (fit.forecast(episodes=[20], scope=scope, seed=seed) for seed in (1, 1, 2))
    xr.testing.assert_identical(one.draws, same.draws)
    assert float((one.draws == other.draws).mean()) < 0.01  # both cut to 1


def test_pure_palm_needs_no_seed(fit):
    one, other = (fit.forecast(seed=seed, misfit=None).draws for seed in (1, 2))
    xr.testing.assert_identical(one, other)


def test_all_scopes_are_of_the_same_curves(fit):
    found = [fit.forecast(horizon=6, scope=s).sources for s in ("expected", "new", "continuing")]
    for source in ("curve", "misfit"):
        xr.testing.assert_identical(found[0][source], found[1][source])
        xr.testing.assert_identical(found[0][source], found[2][source])


def test_without_noise_is_the_expected_curve(fit):
    expected, new = (fit.forecast(horizon=6, scope=scope) for scope in ("expected", "new"))
    assert new.without_noise.scope == "expected"
    for part in ("draws", "sources"):
        xr.testing.assert_identical(getattr(new.without_noise, part), getattr(expected, part))


def test_misfit_grows_past_the_data(fit):
    found = fit.forecast(horizon=12)
    misfit, on_curve = found.sources["misfit"], found.sources["curve"]
    with_misfit = on_curve.copy(data=log_odds(on_curve + misfit) - log_odds(on_curve))
    spread = with_misfit.std(("chain", "draw"))
    assert bool((spread.sel(x=slice(13, None)).diff("x") > 0).all())
    assert bool((spread.sel(x=slice(None, 12.0)) < 0.5 * spread.sel(x=24.0)).all())
    pure = fit.forecast(horizon=12, misfit=None)
    xr.testing.assert_identical(found.sources["curve"], pure.sources["curve"])


def test_expected_is_palms_curve_and_misfit():
    """By hand: in log-odds, a tenth of a standard normal for e-fold labels."""
    runs, x = make_runs(), np.array([4.0, 8.0, 16.0, 40.0])
    fit = a_fit(runs)
    draws = forecast(fit, episodes=x, misfit=replace(NONE, scale=0.1)).draws.sel(strategy="a")
    normal = fit.trace["posterior"]["misfit"].sel(strategy="a")
    up = normal.to_numpy() > 0  # others could fall, and rest at the highest accuracy so far
    t = np.maximum(np.log(x / 8), 0)
    expected = expit(logit(accuracy(x)) + 0.1 * normal.to_numpy()[up][:, None] * t)
    np.testing.assert_allclose(draws.to_numpy()[up], expected, atol=1e-4)


def test_expected_accuracies_do_not_fall(fit):
    draws = fit.forecast(labels=np.arange(20, 5000, 130)).draws
    assert float(draws.diff("x").min()) >= -1e-12


def test_an_answer_does_not_depend_on_what_else_is_asked(fit):
    alone = fit.forecast(labels=[500]).draws.squeeze("x")
    beside = fit.forecast(labels=[100, 480, 500, 3000]).draws.sel(labels=500, drop=True)
    np.testing.assert_array_equal(alone, beside.isel(x=0) if "x" in beside.dims else beside)


@pytest.mark.parametrize("scope", ["expected", "continuing", "new"])
def test_some_strategies_are_forecast_as_all_are(fit, scope):
    both, one = (
        forecast(fit, labels=[100, 500], scope=scope, strategies=names).draws
        for names in (None, ["random"])
    )
    xr.testing.assert_identical(one, both.sel(strategy=["random"]))


def test_uncertainty_is_told_by_source():
    runs = make_runs()
    found = made("new", runs, misfit=replace(NONE, scale=0.1), jitter=0.01, horizon=8)
    spread = found.uncertainty()
    assert spread.dims == ("source", "strategy", "x")
    assert list(spread["source"].to_numpy()) == ["parameters", "misfit", "noise"]
    total = found.draws.std(("chain", "draw"))
    np.testing.assert_allclose(np.sqrt((spread**2).sum("source")), total, rtol=0.1)
    np.testing.assert_allclose(spread.sel(source="misfit", x=slice(None, 8.0)), 0, atol=1e-12)
    sure = made("expected", runs, horizon=8).uncertainty()
    np.testing.assert_allclose(sure.sel(source=["misfit", "noise"]), 0, atol=1e-12)


def test_continuing_keeps_what_lasts_as_the_dense_normal_says():
    runs, rho, lasting = make_runs(offset=0.02), 0.5, 0.4
    draws = made("continuing", runs, rho=rho, lasting=lasting, horizon=4).draws
    found = draws.isel(strategy=0, repetition=0).sel(x=[9.0, 12.0])
    x = np.array([*range(1, 9), 9.0, 12.0])
    sd = noise.transient_sd(*map(decline, (x, 1.0, 8.0)), 0.01, 5.0, lasting)
    lasts = noise.offset_sd(0.01, lasting)
    dense = lasts**2 + np.outer(sd, sd) * rho ** np.abs(np.subtract.outer(x, x))
    weights = np.linalg.solve(dense[:8, :8], dense[:8, 8:]).T
    left = np.sqrt(np.diag(dense[8:, 8:] - weights @ dense[:8, 8:]))
    expected = accuracy(x[8:]) + weights @ np.full(8, 0.02)
    np.testing.assert_allclose(found.mean(("chain", "draw")), expected, atol=6e-4)
    np.testing.assert_allclose(found.std(("chain", "draw")), left, rtol=0.06)


def test_continuing_repetitions_share_their_noise():
    later = replace(NONE, later_shared=0.5)
    for misfit, x, share in ((None, 9.0, 0.6), (None, 16.0, 0.6), (later, 16.0, 0.7)):
        made_up = made("continuing", shared=0.6, rho=0.0, horizon=8, misfit=misfit)
        draws = made_up.draws.sel(strategy="a", x=x)
        one, two = (draws.sel(repetition=r).to_numpy().ravel() for r in ("1", "2"))
        assert np.corrcoef(one, two)[0, 1] == pytest.approx(share, abs=0.04)


def test_accuracies_stay_between_zero_and_one():
    runs = make_runs()
    fit = a_fit(runs, noise=0.5)
    for scope in ("new", "continuing"):
        draws = forecast(fit, scope=scope, episodes=[9, 10], misfit=None).draws
        assert float(draws.min()) == 0
        assert float(draws.max()) == 1


def test_nothing_is_learnt_below_minus_alpha():
    posterior = make_trace(make_runs(), draws=4)["posterior"].to_dataset()
    posterior["curve"].loc[{"parameter": "alpha"}] = -0.9
    at = xr.DataArray([0.1, 0.9, 1.0, 4.0], dims="x")
    mean, sd = moments(posterior, at, 1.0, 8.0)
    assert bool((mean.isel(x=[0, 1]) == 0).all())
    assert bool((mean.isel(x=[2, 3]) > 0).all())
    assert bool(np.isfinite(sd).all())


def test_a_curve_that_is_done_at_once_is_forecast_without_warnings():
    posterior = make_trace(make_runs(), draws=4)["posterior"].to_dataset()
    posterior["curve"].loc[{"parameter": "alpha"}] = -0.999
    posterior["curve"].loc[{"parameter": "beta"}] = 100.0
    mean, sd = moments(posterior, xr.DataArray([1.0, 2.0, 50.0], dims="x"), 1.0, 8.0)
    np.testing.assert_allclose(mean.isel(x=2), CURVE["A_max"])
    assert bool(np.isfinite(sd).all())


class Frames(Forecast):
    """A forecast whose frame is given: all that coverage needs."""

    def __init__(self, frame, score=None):
        object.__setattr__(self, "frame", frame.assign(labels=np.nan))
        object.__setattr__(self, "score", score or Score())
        object.__setattr__(self, "scope", "continuing")

    def to_frame(self):
        return self.frame


@pytest.mark.parametrize("scale", [1, 100])
def test_coverage(scale):
    rows = [
        (strategy, repetition, episode)
        for strategy in ("b", "a")
        for repetition in (1, 2)
        for episode in range(1, 9)
    ]
    table = pd.DataFrame(rows, columns=["strategy", "repetition", "episode"])
    later = table["episode"] > 4
    # Of the later points b's first repetition lies in all bands, its second in the 95 % band
    # only; a's first below the 50 % band, its second in none.
    a, second = table["strategy"] == "a", table["repetition"] == 2
    off = np.select([a & second, a, second], [0.3, -0.07, 0.15], default=0.01)
    truth = Runs.from_frame(table.assign(accuracy=scale * np.where(later, 0.5 + off, 0.4)))
    bands = {"25": 0.05, "75": 0.05, "10": 0.1, "90": 0.1, "2.5": 0.2, "97.5": 0.2}
    frame = table.assign(future=later, repetition=table["repetition"].astype(str))
    for q, width in bands.items():
        frame[f"q{q}"] = scale * (0.5 + (width if float(q) > 50 else -width))
    found = Frames(frame, truth.score).coverage(truth)
    assert list(found.index) == ["b", "a", "all"]
    assert list(found.columns) == ["points", "50 %", "80 %", "95 %"]
    assert found.loc["b"].tolist() == [8, 0.5, 0.5, 1.0]
    assert found.loc["a"].tolist() == [8, 0.0, 0.5, 0.5]
    assert found.loc["all"].tolist() == [16, 0.25, 0.5, 0.75]


def test_coverage_leaves_out_what_was_not_observed():
    table = pd.DataFrame({"strategy": "a", "repetition": "1", "episode": range(1, 6)})
    truth = Runs.from_frame(table.assign(accuracy=0.5))
    frame = pd.DataFrame({"strategy": "a", "repetition": "1", "episode": range(4, 9)})
    frame["future"] = frame["episode"] > 4
    for q in ("25", "75", "10", "90", "2.5", "97.5"):
        frame[f"q{q}"] = 0.5
    assert Frames(frame).coverage(truth)["points"].tolist() == [1, 1]


@pytest.mark.parametrize("scope", ["expected", "new"])
def test_coverage_of_another_scope_is_refused(fit, scope):
    one = fit.forecast(horizon=1, scope=scope)
    with pytest.raises(DataError, match=f"has the scope '{scope}', coverage needs scope='cont"):
        one.coverage(fit.runs)


def test_coverage_needs_runs_that_go_on(fit):
    ahead = fit.forecast(horizon=2, scope="continuing")
    with pytest.raises(DataError, match="truth is of type str, but must be Runs, as palm_bayes"):
        ahead.coverage("runs.csv")
    with pytest.raises(DataError, match="truth has no episode of the forecast past the data"):
        ahead.coverage(fit.runs)


def test_coverage_needs_the_episodes_of_the_fit(fit):
    """A table of the later rows alone, without their numbers, begins at episode 1 again."""
    ahead = fit.forecast(horizon=4, scope="continuing")
    table = read_runs(example_runs_path()).select(fit.runs.strategies).table
    later = table[table["episode"] > 4].drop(columns=["x", "episode"])
    with pytest.raises(DataError, match=r"episode 1\d of truth has 3\d0 labels, that of the fore"):
        ahead.coverage(read_runs(later))


def test_coverage_does_not_depend_on_the_unit_of_the_truth(fit):
    ahead = fit.forecast(horizon=4, scope="continuing")
    later = read_runs(example_runs_path()).select(fit.runs.strategies)
    errors = replace(later, score=Score("error", percent=True, lower_is_better=True))
    pd.testing.assert_frame_equal(ahead.coverage(errors), ahead.coverage(later))
