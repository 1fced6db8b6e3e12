"""Draws as if the prior weighed more or less."""

import numpy as np
import pytest
from scipy import stats

from palm_bayes.inference.power_scaling import log_prior, prior_stored, scaled
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
        for part, density in {
            "beta": stats.lognorm(learned.beta.width, scale=learned.beta.median),
            "noise": stats.lognorm(1, scale=0.012),
            "noise_ratio": stats.lognorm(1, scale=5),
            "rho": stats.beta(1.5, 2.5),
            "shared": stats.beta(1, 8),
            "lasting": stats.beta(1, 2),
        }.items():
            expected += density.logpdf(draws[part].to_numpy())
        start = stats.lognorm(learned.alpha_start.width, scale=learned.alpha_start.median)
        expected += start.logpdf(draws["alpha"].to_numpy() + 1)
        np.testing.assert_allclose(log_prior(fit, name), expected, atol=1e-6)


def test_it_is_what_arviz_is_given(fit):
    given = fit.full_trace(prior=False, posterior=False)["log_prior"].to_dataset()
    total = sum(given[name] for name in given).transpose("chain", "draw", "strategy")
    for i, name in enumerate(fit.runs.strategies):
        np.testing.assert_allclose(log_prior(fit, name), total[..., i], atol=1e-6)
    assert prior_stored(fit)
