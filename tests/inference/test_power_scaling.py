"""Draws as if the prior weighed more or less."""

from itertools import product

import numpy as np
import pytest
import xarray as xr
from scipy import stats

from palm_bayes.inference import power_scaling as module
from palm_bayes.inference.power_scaling import POWERS, log_prior, prior_scaled, scaled
from palm_bayes.model.learned import shipped


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_it_is_the_posterior_under_the_prior_to_that_power(power):
    """Of a normal mean with a normal prior, whose posteriors are known."""
    measured, error = 2.0, 0.8

    def posterior(power):  # the prior is standard normal: its precision is the power
        precision = power + 1 / error**2
        return measured / error**2 / precision, precision**-0.5

    mean, sd = posterior(1.0)
    draws = np.random.default_rng(1).normal(mean, sd, (4, 5000))
    found = draws.ravel()[scaled(stats.norm.logpdf(draws), power)]
    assert found.size == draws.size
    assert [found.mean(), found.std()] == pytest.approx(posterior(power), abs=0.03)


def test_too_few_draws_to_tell():
    spread = np.random.default_rng(1).normal(0, 6, (4, 1000))
    assert scaled(spread, 2.0) is None


def test_the_prior_is_scipys(fit):
    """Of all nine parameters, as densities of the model's variables, one of which is log u."""
    learned = shipped()
    for name in fit.runs.strategies:
        draws = fit.trace["posterior"].to_dataset().sel(strategy=name)
        log_u = draws["curve"].sel(parameter="log_u_first").to_numpy()
        expected = log_u - np.exp(log_u)
        table = fit.runs.strategy(name).table
        last = table["accuracy"][table["x"] == table["x"].max()].mean()
        for part, density in {
            "beta": stats.lognorm(learned.beta.width, scale=learned.beta.median),
            "noise": stats.lognorm(1.1, scale=0.03 * np.sqrt(last * (1 - last))),
            "noise_ratio": stats.lognorm(1, scale=5),
            "rho": stats.beta(1.5, 2.5),
            "shared": stats.beta(1, 8),
            "lasting": stats.beta(1, 2),
        }.items():
            expected += density.logpdf(draws[part].to_numpy())
        start = stats.lognorm(learned.alpha_start.width, scale=learned.alpha_start.median)
        expected += start.logpdf(draws["alpha"].to_numpy() + 1)
        np.testing.assert_allclose(log_prior(fit.trace, name), expected, atol=1e-6)


def test_it_is_what_arviz_is_given(fit):
    given = fit.full_trace(prior=False, posterior=False)["log_prior"].to_dataset()
    total = sum(given[name] for name in given).transpose("chain", "draw", "strategy")
    for i, name in enumerate(fit.runs.strategies):
        np.testing.assert_allclose(log_prior(fit.trace, name), total[..., i], atol=1e-6)


def test_a_saved_fit_has_the_draws_in_its_file(fit, tmp_path, monkeypatch):
    found = prior_scaled(fit.trace)
    for name, power in product(fit.runs.strategies, POWERS):
        of_one, picks = (
            found.sel(strategy=name, weight=power),
            scaled(log_prior(fit.trace, name), POWERS[power]),
        )
        assert bool(of_one["reliable"]) is (picks is not None)
        np.testing.assert_array_equal(of_one["position"], 0 if picks is None else picks)
    assert found["reliable"].any("weight").all()
    shape = {"strategy": len(fit.runs.strategies), "weight": len(POWERS), "sample": 4000}
    assert found.sizes == shape
    path = fit.save(tmp_path / "trace.nc")
    monkeypatch.setattr(module, "log_prior", lambda *_: pytest.fail("computed anew"))
    xr.testing.assert_equal(type(fit).load(path).prior_scaled, found)


def test_unreliable_draws_are_marked(fit, monkeypatch):
    monkeypatch.setattr(module, "scaled", lambda _, power: None if power > 1 else np.arange(4000))
    found = prior_scaled(fit.trace)
    assert found["reliable"].to_dict()["data"] == [[True, False]] * len(fit.runs.strategies)
    assert (found["position"].sel(weight="half") == np.arange(4000)).all()
