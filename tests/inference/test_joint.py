"""Strategies together: draws brought together are those of the joint model, sampled at once."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
import xarray as xr
from scipy.special import logit
from scipy.stats import spearmanr

from palm_bayes.inference import joint, partial_pooling
from palm_bayes.inference.draws import labelled, with_parameters
from palm_bayes.inference.nuts import Sample
from palm_bayes.model import curve
from palm_bayes.model.build import NOISE, build_model
from palm_bayes.model.expected import moments
from palm_bayes.model.learned import shipped
from palm_bayes.model.misfit import log_odds
from palm_bayes.palm_fit import fit_runs


def test_each_strategy_keeps_its_own_numbers_together(fit):
    """A draw of the joint posterior is a draw of each strategy by itself, all numbers of it."""
    together, alone = (fit.trace[group].to_dataset() for group in ("posterior", "sampled"))
    for name in fit.runs.strategies:
        for chain in range(together.sizes["chain"]):
            here, there = (
                part[["A_max", "beta", "noise", "rho"]].sel(strategy=name).isel(chain=chain)
                for part in (together, alone)
            )
            known = {tuple(row) for row in there.to_dataframe().to_numpy()[:, -4:]}
            assert {tuple(row) for row in here.to_dataframe().to_numpy()[:, -4:]} <= known


def test_the_likelihood_goes_with_its_draw(fit):
    total = fit.trace["log_likelihood"]["accuracy"]
    posterior, sampled = fit.trace["posterior"], fit.trace["sampled"]
    alone = fit.trace["strategy_stats"]["total_log_likelihood"]
    for name in fit.runs.strategies:
        of_it = (total["of_strategy"] == name).to_numpy()
        told = total.isel(observation=of_it).sum("observation").isel(chain=0).to_numpy()
        noise, before, likely = (
            part.sel(strategy=name).isel(chain=0).to_numpy()
            for part in (posterior["noise"], sampled["noise"], alone)
        )
        value = dict(zip(before, likely, strict=True))
        np.testing.assert_allclose(told, [value[one] for one in noise])


def test_what_is_picked_stays_together():
    """The numbers of a draw and its likelihood, chain by chain."""
    draws = np.arange(8.0).reshape(2, 4)
    posterior = xr.Dataset({"noise": (("chain", "draw"), draws)}, {"draw": range(4)})
    told = draws[..., None] + np.array([0.0, 100.0])
    which = np.array([[3, 3, 0, 1], [2, 0, 0, 1]])
    found = joint._picked(Sample(posterior, posterior, told, {}), which)
    np.testing.assert_array_equal(found.posterior["noise"], [[3, 3, 0, 1], [6, 4, 4, 5]])
    np.testing.assert_array_equal(found.log_likelihood[..., 1], found.posterior["noise"] + 100)


def test_what_is_pooled_is_gain_and_level_of_the_curve(made_up):
    """By PALM's own formula: the gain to twice the labels, and the level at the last common x."""
    runs = made_up.task({"a": (0.1, 0.2, 0.3)})  # five batches
    A_max, delta, alpha, beta = np.array([[0.9, 0.8], [0.2, 0.1], [1.0, 3.0], [0.7, 1.2]])
    log_u = np.log(-np.log(1 - delta) * (1 + alpha) ** beta)
    numbers = dict.fromkeys(NOISE, np.full(2, 0.5)) | {"noise": np.full(2, 0.01)}
    numbers |= dict(zip(curve.COORDINATES, (A_max, log_u, alpha, beta), strict=True))
    draws = labelled({name: value[None] for name, value in numbers.items()})
    draws = with_parameters(draws, runs).assign_coords(strategy=["a"])
    found = joint._curves(Sample(draws, draws, np.zeros((1, 2, 15)), {}), runs, 4.0)

    def odds(x):
        return logit(A_max * (1 - (1 - delta) ** ((x + alpha) ** beta)))

    np.testing.assert_allclose(found.gain[0], odds(10) - odds(5))
    np.testing.assert_allclose(found.level[0], odds(4))


@pytest.mark.slow
def test_it_is_the_model_of_all_strategies_sampled_at_once(fit):
    """The hierarchy as a potential of one PyMC model, NUTS over both strategies."""
    runs = fit.runs
    fit = fit_runs(runs, draws=4000)  # with 1,000 the bounds are 2.5 Monte-Carlo errors
    sampled = fit.trace["sampled"].to_dataset()
    ends = runs.table.groupby("strategy", sort=False)["x"].agg(["min", "max"])
    until = ends["max"].min()

    def curves_of(dataset):
        found = []
        for name in runs.strategies:
            first, last = ends.loc[name]
            x = xr.DataArray([until, last, partial_pooling.HORIZON * last], dims="x")
            mean, _ = moments(dataset.sel(strategy=name), x, first, last)
            level, end, later = log_odds(mean.transpose("x", "chain", "draw").to_numpy())
            found.append(partial_pooling.Curves((later - end).ravel(), level.ravel()))
        return found

    alone = curves_of(sampled)
    correlation = partial_pooling.shared_noise(runs)
    hierarchy = partial_pooling.hierarchy_of(alone, shipped().misfit, correlation)
    center, spread = (
        np.array([of(one.level) for one in alone])[:, None] for of in (np.mean, np.std)
    )
    error = np.linspace(-3, 3, 61) if correlation else np.zeros(1)
    with build_model(runs) as model:
        A_max, log_u, alpha, beta = (model["curve"][:, i] for i in range(4))
        first, last = (ends[name].to_numpy() for name in ("min", "max"))
        level, end, later = (
            pt.log(accuracy / (1 - accuracy))
            for x in (until, last, partial_pooling.HORIZON * last)
            for accuracy in [A_max * -pt.expm1(-curve.u(x, log_u, alpha, beta, first, pt))]
        )
        log_gain = pt.log(later - end + 0.02)[:, None]
        level = level[:, None]

        def between(grid, value):
            return -2.5 * pt.log1p(((value - grid.center) / grid.scale) ** 2 / 4) - np.log(
                grid.scale
            )

        gains, levels = hierarchy.gains, hierarchy.levels
        of_gain = between(gains, log_gain).sum(axis=0) + gains.log_prior
        of_level = between(levels, level).sum(axis=0) + levels.log_prior
        z = (level - center) / spread
        own = (z - np.sqrt(correlation) * error) ** 2 / (1 - correlation) - z**2
        of_error = -0.5 * own.sum(axis=0) - 0.5 * error**2
        terms = [pt.logsumexp(part) for part in (of_gain, of_level, of_error)]
        pm.Potential("hierarchy", pt.sum(terms))
        trace = pm.sample(
            draws=2000, tune=1000, chains=4, nuts_sampler="nutpie", random_seed=1,
            progressbar=False, target_accept=0.95,
        )  # fmt: skip
    at_once = curves_of(trace["posterior"].to_dataset())
    together = curves_of(fit.trace["posterior"].to_dataset())
    for parts in zip(at_once, together, alone, strict=True):
        logs = [np.log(one.gain + 0.02) for one in parts]
        for one, other, before in (logs, [one.level for one in parts]):
            assert other.mean() == pytest.approx(one.mean(), abs=0.1 * before.std())
            assert other.std() == pytest.approx(one.std(), rel=0.1)
    for part in ("gain", "level"):
        draws = ([getattr(c, part) for c in of] for of in (at_once, together))
        wanted, got = (spearmanr(one, axis=1).statistic for one in draws)  # gains have long tails
        assert got == pytest.approx(wanted, abs=0.1)
