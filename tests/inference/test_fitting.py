"""Fits of means with known noise: sampled for real, weighed anew, saved and answered from."""

import json
from dataclasses import asdict

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from palm_bayes.data import example_runs_path
from palm_bayes.errors import DataError, PalmWarning
from palm_bayes.inference import nuts
from palm_bayes.inference.power_scaling import log_prior
from palm_bayes.inference.separate_fits import side_by_side
from palm_bayes.inference.settings import Settings
from palm_bayes.model.known_noise import noise_log_normals
from palm_bayes.model.noise import single_prediction_sd
from palm_bayes.model.priors import priors_of_runs
from palm_bayes.palm_fit import PalmFit, fit_runs
from palm_bayes.reading.read import read_runs
from palm_bayes.report.recipe import reading

NAMES = ["random", "entropy"]


def summed_up(episodes):
    """Means, deviations and numbers of the example's repetitions, as a table has them."""
    runs = read_runs(example_runs_path(), max_episodes=episodes, strategies=NAMES)
    of = runs.table.groupby(["strategy", "labels"], sort=False)["accuracy"]
    return of.agg(["mean", "std"]).reset_index()


@pytest.fixture(scope="module")
def later():
    return read_runs(summed_up(13), spread="sd of 5")


@pytest.fixture(scope="module")
def known():
    return fit_runs(summed_up(12), spread="sd of 5", seed=1)


@pytest.fixture(scope="module")
def anew(later):
    return fit_runs(later, seed=2)


def test_the_noise_is_that_of_the_means(known):
    assert known.convergence.passed
    assert any("means of 5 repetitions" in note for note in known.runs.notes)
    prior = noise_log_normals(known.runs.table)["relative_noise"]
    deviations, logs = summed_up(12).groupby("strategy", sort=False), []
    for name in NAMES:
        last = known.runs.strategy(name).table["accuracy"].iloc[-1]
        errors = deviations.get_group(name)["std"].iloc[-3:] / np.sqrt(5)
        logs.append(np.log(errors).mean() - np.log(single_prediction_sd(last)))
        spread = known.trace["posterior"]["noise"].sel(strategy=name).to_numpy()
        off = np.log(spread / (prior.median * single_prediction_sd(last)))
        assert abs(np.median(off)) < 2 * prior.width
        assert off.std() < 1.1 * prior.width
    # Rounded to a tenth, and corrected by a seventh, by which logarithms of five are too low.
    assert np.log(prior.median) == pytest.approx(np.median(logs) + 0.14, abs=0.11)


def test_the_prior_is_the_models(known):
    given = known.full_trace(prior=False, posterior=False)["log_prior"].to_dataset()
    total = sum(given[name] for name in given).transpose("chain", "draw", "strategy")
    for i, name in enumerate(known.runs.strategies):
        np.testing.assert_allclose(log_prior(known.trace, name), total[..., i], atol=1e-6)


def test_weights_replace_the_prior_of_earlier_means(known, later, anew):
    refitted = known.refit(later)
    assert (refitted.convergence.table["attempts"] == 0).any()
    for name in ("A_max", "noise", "noise_ratio"):
        ours, theirs = (np.log(fit.trace["sampled"][name]) for fit in (refitted, anew))
        error = np.hypot(*(az.mcse(part, method="mean") for part in (ours, theirs)))
        z = (ours.mean(("chain", "draw")) - theirs.mean(("chain", "draw"))) / error
        assert np.abs(z).max() < 4.5, name


def test_a_saved_fit_has_the_errors(known, tmp_path):
    loaded = PalmFit.load(known.save(tmp_path / "trace.nc"))
    pd.testing.assert_frame_equal(loaded.runs.table, known.runs.table)
    assert reading(loaded.runs)["spread"] == "sd of 5"
    more = loaded.refit(summed_up(13))
    assert more.runs.table["standard_error"].notna().all()


def test_what_needs_single_repetitions_says_so(known, fit):
    from palm_bayes.decisions.information_value import pilot_value

    with pytest.raises(DataError, match="means of repetitions: a pilot needs single repetitions"):
        pilot_value(known, 400)
    with pytest.raises(DataError, match="the noise is of means in a, of repetitions in b"):
        side_by_side({"a": known, "b": fit})


def test_each_strategy_is_sampled_alone_until_it_converges():
    runs = read_runs(example_runs_path(), max_episodes=12, strategies=NAMES)
    few = {"draws": 150, "seed": 3}  # 600 in all, of which fewer than 400 are effective at first
    told = []
    fit = fit_runs(runs, **few, progress=lambda *news: told.append(news[:2]))
    assert (fit.convergence.table["attempts"] > 1).all()
    assert fit.convergence.passed
    priors = priors_of_runs("default", runs)
    for name in NAMES:
        alone = nuts.sample_strategy(runs.strategy(name), priors, Settings(**few))
        xr.testing.assert_equal(
            fit.trace["sampled"].to_dataset().sel(strategy=[name])["curve"],
            alone.posterior["curve"],
        )
        assert fit.convergence.table["attempts"][name] == alone.verdict["attempts"]
    assert told.index(("sample", NAMES[1])) < told.index(("retry", NAMES[0]))  # all begin first


def test_pymc_samples_where_nutpies_class_has_changed(monkeypatch):
    """A later nutpie may lack a field that `compile_cache` fills in."""

    class Changed:
        def __init__(self, *, dims):
            raise AssertionError

    monkeypatch.setattr("nutpie.compile_pymc.CompiledPyMCModel", Changed)
    nuts._program.cache_clear()
    asked = {}

    def sample(**options):
        asked.update(options)
        raise KeyboardInterrupt

    monkeypatch.setattr("pymc.sample", sample)
    runs = read_runs(example_runs_path(), max_episodes=6, strategies=["random"])
    said = "cannot be compiled .*: PyMC's own NUTS samples instead"
    with pytest.warns(PalmWarning, match=said), pytest.raises(KeyboardInterrupt):
        fit_runs(runs)
    assert asked["nuts_sampler"] == "pymc"
    assert asked["cores"] == 1  # no processes, which a script without __main__ cannot start


def test_numbers_of_numpy_become_those_of_json():
    given = Settings(draws=np.int64(200), seed=np.int32(3), target_accept=np.float32(0.75))
    assert json.loads(json.dumps(asdict(given))) == asdict(
        Settings(200, seed=3, target_accept=0.75)
    )
