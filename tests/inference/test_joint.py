"""Strategies together: draws brought together are those of the joint model, sampled at once."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
import xarray as xr

from palm_bayes.inference import partial_pooling
from palm_bayes.model import curve
from palm_bayes.model.build import build_model
from palm_bayes.model.expected import moments
from palm_bayes.model.learned import shipped
from palm_bayes.model.misfit import log_odds


def test_each_strategy_keeps_its_own_numbers_together(fit):
    """A draw of the joint posterior is a draw of each strategy by itself, all numbers of it."""
    joint, alone = (fit.trace[group].to_dataset() for group in ("posterior", "sampled"))
    for name in fit.runs.strategies:
        for chain in range(joint.sizes["chain"]):
            here, there = (
                part[["A_max", "beta", "noise", "rho"]].sel(strategy=name).isel(chain=chain)
                for part in (joint, alone)
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


@pytest.mark.slow
def test_it_is_the_model_of_all_strategies_sampled_at_once(fit):
    """The hierarchy as a potential of one PyMC model, NUTS over both strategies."""
    runs, misfit = fit.runs, shipped().misfit
    sampled = fit.trace["sampled"].to_dataset()
    ends = runs.table.groupby("strategy", sort=False)["x"].agg(["min", "max"])

    def gain_of(dataset):
        found = []
        for name in runs.strategies:
            first, last = ends.loc[name]
            x = xr.DataArray([last, partial_pooling.HORIZON * last], dims="x")
            mean, _ = moments(dataset.sel(strategy=name), x, first, last)
            odds = log_odds(mean.transpose("chain", "draw", "x").to_numpy())
            found.append(odds[..., 1] - odds[..., 0])
        return found

    levels = partial_pooling.levels_of([one.ravel() for one in gain_of(sampled)], misfit)
    away = np.log(levels.scale / misfit.apart) / misfit.apart_width
    with build_model(runs) as model:
        A_max, log_u, alpha, beta = (model["curve"][:, i] for i in range(4))
        first, last = (ends[name].to_numpy() for name in ("min", "max"))
        odds = [
            pt.log(accuracy / (1 - accuracy))
            for x in (last, partial_pooling.HORIZON * last)
            for accuracy in [A_max * -pt.expm1(-curve.u(x, log_u, alpha, beta, first, pt))]
        ]
        log_gain = pt.log(odds[1] - odds[0] + 0.02)
        z = (log_gain[:, None] - levels.center) / levels.scale
        each = -2.5 * pt.log1p(z**2 / 4) - np.log(levels.scale)
        pm.Potential("in_common", pt.logsumexp(each.sum(axis=0) - 0.5 * away**2))
        trace = pm.sample(
            draws=1000, tune=1000, chains=4, nuts_sampler="nutpie", random_seed=1,
            progressbar=False, target_accept=0.95,
        )  # fmt: skip
    at_once = gain_of(trace["posterior"].to_dataset())
    together = gain_of(fit.trace["posterior"].to_dataset())
    for one, other, alone in zip(at_once, together, gain_of(sampled), strict=True):
        logs = [np.log(gain + 0.02) for gain in (one, other, alone)]
        assert logs[1].mean() == pytest.approx(logs[0].mean(), abs=0.1 * logs[2].std())
        assert logs[1].std() == pytest.approx(logs[0].std(), rel=0.1)
