"""`palm_bayes.fit`: what it makes of data and options."""

import json

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr

from palm_bayes.errors import DataError, PalmWarning
from palm_bayes.inference import nuts
from palm_bayes.inference.convergence import Convergence
from palm_bayes.inference.draws import labelled
from palm_bayes.inference.posterior import PARAMETERS
from palm_bayes.inference.settings import Settings
from palm_bayes.model.curve import COORDINATES
from palm_bayes.model.learned import shipped
from palm_bayes.model.priors import named_priors
from palm_bayes.model.variables import NOISE
from palm_bayes.palm_fit import fit_runs

TINY = {"draws": 20, "tune": 40, "chains": 2, "target_accept": 0.8}


@pytest.fixture
def stand_in(monkeypatch):
    """A sampler that draws from nothing; holds what it was asked."""
    calls = []

    def sampled(data, priors, region, settings, seed, tell):
        calls.append((priors, settings, seed))
        size = (settings.chains, settings.draws)
        rng = np.random.default_rng(seed)
        curves = np.array([0.9, -0.5, 0.5, 0.7]) + 0.01 * rng.standard_normal((*size, 4))
        numbers = dict(zip(COORDINATES, np.moveaxis(curves, -1, 0), strict=True))
        numbers |= {name: rng.uniform(0, 1, size) for name in NOISE}
        posterior = labelled(numbers).assign_coords(draw=range(size[1]))
        stats = {"n_steps": 7, "energy": rng.standard_normal(size), "step_size": 0.4}
        stats = {name: np.broadcast_to(value, size) for name, value in stats.items()}
        stats["diverging"] = np.zeros(size, dtype=bool)
        each = xr.Dataset({name: (("chain", "draw"), value) for name, value in stats.items()})
        return xr.DataTree.from_dict({"posterior": posterior, "sample_stats": each})

    monkeypatch.setattr(nuts, "_with_nutpie", sampled)
    monkeypatch.setattr("palm_bayes.inference.fitting.compile_programs", calls.append)
    return calls


def test_the_example_is_fitted(fit):
    assert fit.convergence.passed, fit.convergence.sentence
    assert fit.runs.strategies == ("random", "entropy")
    posterior = fit.trace["posterior"]
    assert posterior.sizes["draw"] == 1000
    assert posterior.sizes["chain"] == 4
    # The curve goes through the data: the last two episodes to within their noise.
    expected = fit.forecast(episodes=[11, 12]).draws.mean(("chain", "draw"))
    seen = fit.runs.table.query("episode >= 11").groupby(["strategy", "episode"])["accuracy"].mean()
    for (name, episode), level in seen.items():
        assert float(expected.sel(strategy=name, x=episode)) == pytest.approx(level, abs=0.01)


def test_same_seed_same_draws_whatever_else_is_fitted(fit):
    runs = fit.runs.limited(2, 8)
    options = {**TINY, "seed": 5}
    both = fit_runs(runs, **options).trace["posterior"]
    alone = fit_runs(runs, strategies=["entropy"], **options).trace["posterior"]
    for name in PARAMETERS:
        expected = alone[name].sel(strategy="entropy")
        np.testing.assert_array_equal(both[name].sel(strategy="entropy"), expected)
    other = fit_runs(runs, strategies=["entropy"], **{**options, "seed": 6}).trace["posterior"]
    assert not bool((other["A_max"] == alone["A_max"]).any())


def test_the_order_of_strategies_changes_nothing(fit, example_runs):
    """Of rows or names: each strategy is sampled alone, and all are pooled in order of names."""
    turned = fit_runs(example_runs, strategies=["entropy", "random"], seed=1)
    assert turned.runs.strategies == ("entropy", "random")
    for group in ("sampled", "posterior", "strategy_stats"):
        expected, found = (one.trace[group].to_dataset() for one in (fit, turned))
        xr.testing.assert_equal(found.sel(strategy=expected["strategy"]), expected)
    one, other = (each.compare(500).ranking for each in (fit, turned))
    pd.testing.assert_frame_equal(one, other)


def test_the_number_of_cores_changes_nothing(example_runs):
    runs = example_runs.strategy("random").limited(2, 8)
    one, two = (fit_runs(runs, **TINY, cores=cores).trace["posterior"] for cores in (1, 2))
    xr.testing.assert_equal(one.to_dataset(), two.to_dataset())


def test_progress_is_told_and_reading_options_are_passed_on(stand_in, example_runs):
    told = []
    made = fit_runs(
        example_runs,
        strategies=["margin", "random"],
        max_repetitions=2,
        max_episodes=6,
        priors="default",
        draws=500,
        seed=7,
        progress=lambda *news: told.append(news),
    )
    assert made.runs.describe().startswith("2 strategies x 2 repetitions x 6 episodes")
    assert made.runs.strategies == ("margin", "random")
    expected = [
        ("compile", "", 0.0),
        ("sample", "margin", 1.0),
        ("1 of 2 strategies sampled", "", 0.5),
        ("sample", "random", 1.0),
    ]
    assert told == expected
    compiled, (priors, settings, _), (same, *_) = stand_in
    assert compiled is named_priors("default", shipped())
    assert priors is same is compiled
    assert (settings.draws, settings.seed, settings.tune) == (500, 7, Settings.tune)
    assert json.loads(made.trace.attrs["palm_bayes"])["sampling"]["priors"] == "default"
    assert made.convergence.table.index.tolist() == ["margin", "random"]
    assert isinstance(made.convergence, Convergence)


def test_own_priors_are_used(stand_in, example_runs):
    own = named_priors("default").with_parts(A_max=pm.Beta.dist(8, 2))
    made = fit_runs(example_runs, strategies="random", priors=own, draws=500)
    assert stand_in[0] is own
    assert stand_in[1][0] is own
    assert json.loads(made.trace.attrs["palm_bayes"])["sampling"]["priors"] == "own"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"strategies": ["randm"]}, "did you mean 'random'"),
        ({"priors": "flat"}, "no prior set 'flat'"),
        ({"draws": 0}, "draws is 0"),
        ({"sampler": "emcee"}, "no sampler 'emcee'"),
        ({"max_episodes": 2}, "is 2, but must be at least 4"),
        ({"progress": True}, "progress is True, but must be a function"),
    ],
)
def test_nothing_is_compiled_for_what_cannot_be_fitted(stand_in, example_runs, options, words):
    with pytest.raises(DataError, match=words):
        fit_runs(example_runs, **options)
    assert stand_in == []


def test_odd_data_are_fitted_with_a_warning(stand_in, fit):
    table = fit.runs.table
    one = table[table["repetition"] == table["repetition"].iloc[0]]
    with pytest.warns(PalmWarning, match="One repetition .*: noise between repetitions") as caught:
        fit_runs(one.drop(columns="x"), **TINY)
    assert len(caught) == 1
    assert caught[0].filename == __file__
