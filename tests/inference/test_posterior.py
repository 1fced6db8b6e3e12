"""Posteriors: their tables, their trace and their file."""

from dataclasses import replace

import arviz as az
import numpy as np
import pytest
import xarray as xr

from palm_bayes.data.score import Score
from palm_bayes.errors import DataError
from palm_bayes.inference.posterior import PARAMETERS
from palm_bayes.palm_fit import PalmFit


@pytest.fixture(scope="module")
def percent(fit):
    """The same fit of a user who counts in percent."""
    runs = replace(fit.runs, score=Score(percent=True))
    return PalmFit(runs, fit.trace, fit.convergence)


def test_summary(fit):
    table = fit.summary(probability=0.8)
    columns = "strategy parameter median mean sd lower upper r_hat ess_bulk ess_tail"
    assert list(table) == columns.split()
    assert table["strategy"].tolist() == ["random"] * 9 + ["entropy"] * 9
    assert table["parameter"].tolist() == [*PARAMETERS] * 2
    for row in table.to_dict("records"):
        draws = fit.trace["posterior"][row["parameter"]].sel(strategy=row["strategy"])
        values = draws.to_numpy()
        assert row["median"] == pytest.approx(np.median(values))
        assert row["mean"] == pytest.approx(values.mean())
        assert row["sd"] == pytest.approx(values.std(ddof=1))
        assert row["lower"] == pytest.approx(np.quantile(values, 0.1))
        assert row["upper"] == pytest.approx(np.quantile(values, 0.9))
        sampled = fit.trace["sampled"][row["parameter"]].sel(strategy=row["strategy"])
        assert row["r_hat"] == pytest.approx(float(az.rhat(sampled)))
        assert row["ess_tail"] == pytest.approx(float(az.ess(sampled, method="tail")))
    wider = fit.summary()
    assert (wider["lower"] < table["lower"]).all()
    assert (wider["upper"] > table["upper"]).all()


def test_summary_is_in_the_users_scale(fit, percent):
    fractions, percents = (each.summary().set_index("parameter") for each in (fit, percent))
    columns = ["median", "mean", "sd", "lower", "upper"]
    for name in PARAMETERS:
        scale = 100 if name in ("A_max", "noise") else 1
        np.testing.assert_allclose(
            percents.loc[name, columns].to_numpy(float),
            scale * fractions.loc[name, columns].to_numpy(float),
        )
    for column in ("r_hat", "ess_bulk"):
        np.testing.assert_array_equal(percents[column], fractions[column])


@pytest.mark.parametrize("probability", [0, 1, -0.5, 90, float("nan")])
def test_summary_of_no_interval(fit, probability):
    with pytest.raises(DataError, match="must be above 0 and below 1"):
        fit.summary(probability)
    with pytest.raises(DataError, match="diagnostics is 'no', but must be True or False"):
        fit.summary(diagnostics="no")


def test_representative_is_a_draw_near_the_median_curve(fit):
    points = fit.representative()
    assert list(points.columns) == ["A_max", "delta", "alpha", "beta"]
    assert points.index.name == "strategy"
    assert points.index.tolist() == ["random", "entropy"]
    posterior = fit.trace["posterior"].to_dataset()
    curves = fit.forecast(misfit=None).draws
    median = curves.median(("chain", "draw"))
    distance = ((curves - median) ** 2).mean("x")
    for name, point in points.iterrows():
        same = posterior.sel(strategy=name)["A_max"] == point["A_max"]
        assert same.any()  # a draw may be there several times
        at = dict(
            zip(("chain", "draw"), (int(i[0]) for i in np.nonzero(same.to_numpy())), strict=True)
        )
        for parameter, value in point.items():
            assert float(posterior[parameter].sel(strategy=name).isel(at)) == value
        assert 0 < point["delta"] < 1
        share = float((distance.sel(strategy=name) < distance.sel(strategy=name).isel(at)).mean())
        assert share < 0.01


def test_representative_has_a_delta_that_can_be_used(fit):
    posterior = fit.trace["posterior"].to_dataset()
    best = fit.representative().loc["random", "A_max"]
    rounded = posterior["delta"].where(posterior["A_max"] != best, 1.0)
    trace = fit.trace.copy()
    trace["posterior"] = posterior.assign(delta=rounded)
    other = PalmFit(fit.runs, trace, fit.convergence).representative()
    assert other.loc["random", "A_max"] != best
    assert other.loc["random", "delta"] < 1
    trace["posterior"] = posterior.assign(delta=xr.ones_like(rounded))
    none = PalmFit(fit.runs, trace, fit.convergence).representative()
    assert none.loc["random", "A_max"] == best
