"""Later accuracies: draws weighed by other priors, and scores that are those of forecasts."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from palm_bayes.data import example_runs_path
from palm_bayes.evaluation import held_out
from palm_bayes.evaluation.cells import later_rows
from palm_bayes.evaluation.held_out import DRAWS, FittedTask, _normals, later_of
from palm_bayes.inference.partial_pooling import shared_noise
from palm_bayes.model.learned import LogNormal, shipped
from palm_bayes.reading.read import read_runs


def test_orders_of_equal_means_do_not_count(past):
    (task,) = past.tasks(past.true, count=1, strategies=2)
    one, other = task.laters
    alike = replace(task, laters=(one, other._replace(observed=one.observed)))
    assert np.isfinite(task.orders(shipped(), shipped(), [0.5])).all()
    assert np.isnan(alike.orders(shipped(), shipped(), [0.5])).all()


def test_the_true_numbers_are_calibrated(past):
    learned = replace(
        shipped(), misfit=replace(past.true, between_gains=np.inf, between_levels=np.inf)
    )
    below = pd.concat(
        [task.pit_values(learned, learned) for task in past.tasks(past.true, count=300)]
    )
    inside = ((below["p"] - 0.5).abs() <= 0.4).mean()
    assert inside == pytest.approx(0.8, abs=0.06)
    assert list(below["third"].unique()) == [0, 1, 2]
    assert below["times"].max() == pytest.approx(np.exp(past.t[-1]))


def test_the_same_priors_weigh_draws_alike(past):
    (weights,) = past.tasks(past.true, count=1)[0].weights(shipped(), shipped())
    np.testing.assert_allclose(weights, 1 / DRAWS)


@pytest.mark.parametrize("later_shared", [shipped().misfit.later_shared, 1.0])
def test_what_is_scored_is_the_forecast(fit, monkeypatch, later_shared):
    """Later accuracies have the same probability to lie below in learning and in a forecast."""
    misfit = replace(shipped().misfit, later_shared=later_shared)
    monkeypatch.setattr(held_out, "DRAWS", 1600)  # 400 differ by chance by as much as the bound
    monkeypatch.setattr(held_out, "_normals", _normals.__wrapped__)  # not those that are cached
    full, sampled = read_runs(example_runs_path()), fit.trace["sampled"].to_dataset()
    laters = []
    for name in fit.runs.strategies:
        seen = fit.runs.strategy(name)
        rows = later_rows(full.strategy(name), seen, train=12)
        laters.append(later_of(sampled.sel(strategy=name), seen, rows))
    task = FittedTask("digits", tuple(laters), shared_noise(fit.runs))
    learned = (
        task.pit_values(replace(shipped(), misfit=misfit), shipped())["p"]
        .to_numpy()
        .reshape(len(laters), 4, -1)
    )

    labels = np.round(240 * np.exp(laters[0].t))
    draws = fit.forecast(labels=labels, scope="continuing", misfit=misfit).draws
    of_means = []
    for of_learning, name in zip(learned, fit.runs.strategies, strict=True):
        drawn = draws.sel(strategy=name).stack(sample=("chain", "draw"))
        table = full.strategy(name).table
        seen = table.pivot(index="repetition", columns="labels", values="accuracy")[labels]
        seen = xr.DataArray(seen, {"repetition": seen.index, "x": drawn["x"]})
        of_runs = (drawn < seen).mean("sample").sortby("repetition").isel(repetition=[0, 2, 4])
        of_mean = (drawn.mean("repetition") < seen.mean("repetition")).mean("sample")
        forecast = np.vstack([of_mean, of_runs.transpose("repetition", "x")])
        np.testing.assert_allclose(of_learning, forecast, atol=0.04)
        assert np.abs(of_learning - forecast).mean() < 0.015
        of_means.append(np.abs(of_learning[0] - forecast[0]).mean())
    assert np.mean(of_means) < 0.006


def test_weighted_draws_are_those_of_the_other_prior(past):
    """Draws of the prior itself, as of curves that tell nothing."""
    old, new = LogNormal(0.3, 0.5), LogNormal(0.4, 0.4)
    sampled, learned = (replace(shipped(), beta=of, alpha_start=of) for of in (old, new))
    (task,) = past.tasks(past.true, count=1)
    one, other = (np.log(old.median) + old.width * _normals(seed) for seed in (0, 1))
    unseen = task.laters[0]._replace(log_start=one, log_beta=other)
    (weights,) = replace(task, laters=(unseen,)).weights(learned, sampled)
    for draws in (one, other):
        center = weights @ draws
        assert center == pytest.approx(np.log(new.median), abs=0.03)
        assert np.sqrt(weights @ (draws - center) ** 2) == pytest.approx(new.width, abs=0.03)
