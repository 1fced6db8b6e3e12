"""A pool of known size: where it is labelled, all strategies are equally accurate."""

from dataclasses import replace

import numpy as np
import pymc as pm
import pytest
import xarray as xr

from palm_bayes.data.budgets import considered, twice_seen, x_pool
from palm_bayes.data.runs import Runs
from palm_bayes.errors import DataError
from palm_bayes.inference.joint import with_pool
from palm_bayes.inference.separate_fits import side_by_side
from palm_bayes.model.expected import on_curve, with_misfit
from palm_bayes.model.misfit import log_odds
from palm_bayes.palm_fit import PalmFit
from palm_bayes.reading.read import read_runs

SIZE = 430  # not a multiple of the 20 labels of an episode; 240 are labelled
LABELS = [1, 150, 240, 241, 300, 400, SIZE, 2000]


@pytest.fixture(scope="module")
def pool_fit(fit):
    return fit.refit(replace(fit.runs, read_with={"pool": SIZE}))


@pytest.fixture(scope="module")
def ends(fit):
    return fit.trace["constant_data"].to_dataset()["ends"]


def expected_of(fit, labels=LABELS):
    return fit.forecast(labels=labels).draws.transpose("chain", "draw", "strategy", "x").to_numpy()


def test_strategies_meet_where_the_pool_ends(pool_fit):
    found = expected_of(pool_fit)
    one, other = found[:, :, 0], found[:, :, 1]
    np.testing.assert_array_equal(one[..., -2:], other[..., -2:])
    np.testing.assert_array_equal(found[..., -1], found[..., -2])  # nothing is left to label
    ranking = pool_fit.compare(SIZE).ranking
    assert ranking["p_best"].tolist() == pytest.approx([0.5, 0.5])
    assert ranking["expected_loss"].tolist() == pytest.approx([0, 0])


def test_until_then_little_changes_at_first_and_no_curve_falls(fit, pool_fit):
    without, found = expected_of(fit), expected_of(pool_fit)
    np.testing.assert_array_equal(found[..., :3], without[..., :3])  # within the data
    assert (np.diff(found, axis=-1) > -1e-9).all()
    moved = np.abs(log_odds(found) - log_odds(without)).mean(axis=(0, 1, 2))
    assert (np.diff(moved[3:7]) > 0).all()


def test_the_end_is_the_mixture_of_the_strategies_own_forecasts(fit, pool_fit):
    own = expected_of(fit, [SIZE])[..., 0]
    level = expected_of(fit, [240])[..., 0].max(axis=-1)
    at_pool = pool_fit.trace["posterior"]["at_pool"].transpose("chain", "draw", "strategy")
    found = 1 / (1 + np.exp(-at_pool.to_numpy()[..., 0]))
    np.testing.assert_array_equal(at_pool[..., 0], at_pool[..., 1])
    assert (found >= level - 1e-12).all()
    free = found > level + 1e-12  # of the levels, which cut the mixture below
    shares = np.linspace(0.5, 0.95, 10)
    np.testing.assert_allclose(np.quantile(found, shares), np.quantile(own, shares), atol=2e-3)
    assert free.mean() > 0.5
    assert np.corrcoef(found[free], own.mean(axis=-1)[free])[0, 1] > 0.8


def test_a_strategy_that_did_not_converge_keeps_its_own(fit, ends):
    runs = replace(fit.runs, read_with={"pool": SIZE})
    posterior, misfit = fit.trace["posterior"].to_dataset(), fit.learned.misfit
    both, none = (
        with_pool(posterior, ends, runs, misfit, names)["at_pool"] for names in (None, [])
    )
    one = with_pool(posterior, ends, runs, misfit, ["random"])["at_pool"]
    np.testing.assert_array_equal(one.sel(strategy="entropy"), none.sel(strategy="entropy"))
    np.testing.assert_allclose(one.sel(strategy="random"), none.sel(strategy="random"), atol=1e-3)
    assert (both != none).any()
    at = xr.DataArray([x_pool(runs)], {"x": [x_pool(runs)]}, "x")
    of_ends = ends.to_dataset("end")
    without = on_curve(posterior, at, of_ends["x_first"])
    without = without.transpose("chain", "draw", "strategy", "x")
    own = with_misfit(without, posterior, of_ends, misfit).isel(x=0)
    np.testing.assert_allclose(none, log_odds(own))


def test_a_saved_fit_gives_the_same(pool_fit, tmp_path):
    again = PalmFit.load(pool_fit.save(tmp_path / "trace.nc"))
    np.testing.assert_array_equal(expected_of(again), expected_of(pool_fit))
    lost = again.trace["posterior"].to_dataset().drop_vars("at_pool")
    again.trace["posterior"] = xr.DataTree(lost)
    with pytest.raises(DataError, match="holds no draws of at_pool"):
        PalmFit.load(again.save(tmp_path / "lost.nc"))


def test_pymc_draws_the_same(pool_fit):
    tree = pm.sample_posterior_predictive(
        pool_fit.trace,
        model=pool_fit.predictive_model(LABELS),
        var_names=["expected"],
        random_seed=1,
        progressbar=False,
    )
    found = tree["posterior_predictive"]["expected"]
    np.testing.assert_allclose(found, expected_of(pool_fit), rtol=0, atol=1e-12)


def test_the_prior_meets_too(pool_fit):
    full = pool_fit.full_trace(draws=50, posterior=False, log_prior=False)
    assert set(full["prior"].data_vars) == set(full["posterior"].data_vars)
    at_pool = full["prior"]["at_pool"]
    np.testing.assert_array_equal(at_pool[..., 0], at_pool[..., 1])


def test_pure_palm_knows_no_pool(fit, pool_fit):
    found = [one.forecast(labels=LABELS, misfit=None).draws for one in (fit, pool_fit)]
    xr.testing.assert_equal(*found)


def test_defaults_end_with_the_pool(fit, pool_fit):
    assert twice_seen(fit.runs) == 480
    assert twice_seen(pool_fit.runs) == SIZE
    assert considered(fit.runs)[-1] == 960
    assert considered(pool_fit.runs)[-2:].tolist() == [420, SIZE]
    assert considered(pool_fit.runs, within=500)[-1] == 500


def test_fits_side_by_side_have_one_pool(fit, pool_fit):
    with pytest.raises(DataError, match=r"the end of the pool is unknown in a, 21\.5 in b"):
        side_by_side({"a": fit, "b": pool_fit})
    both = PalmFit.of(side_by_side({"a": pool_fit, "b": pool_fit}))
    assert np.isfinite(expected_of(both)).all()


def test_it_is_read_with_the_runs(example_runs):
    frame = example_runs.table.drop(columns="x")
    runs = read_runs(frame, pool=SIZE, strategies=["random"])
    assert x_pool(runs) == SIZE / 20
    assert any("the pool has 430 samples" in note for note in runs.notes)
    assert x_pool(example_runs) is None
    other = read_runs(frame, pool=SIZE + 1, strategies=["random"])
    assert len({one.sha256() for one in (runs, other, replace(runs, read_with={}))}) == 3
    assert x_pool(replace(runs, table=runs.table.assign(labels=np.nan))) is None
    assert isinstance(runs, Runs)


def test_a_refit_keeps_the_pool(pool_fit):
    again = pool_fit.refit(replace(pool_fit.runs, read_with={}))
    np.testing.assert_array_equal(expected_of(again), expected_of(pool_fit))


def test_a_pool_without_labels_is_said_not_to_be_used(example_runs):
    frame = example_runs.table.drop(columns=["x", "labels"])
    runs = read_runs(frame, pool=np.int64(SIZE))
    assert runs.read_with["pool"] == SIZE
    assert isinstance(runs.read_with["pool"], float)
    assert "Labels are unknown, so the size of the pool is not used." in runs.notes
    assert not any("not used" in note for note in read_runs(frame, pool=SIZE, batch=20).notes)
