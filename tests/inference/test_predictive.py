"""Groups of a trace for ArviZ, and PyMC's predictive draws beside the forecasts."""

import inspect

import arviz as az
import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
import xarray as xr

from palm_bayes.errors import DataError
from palm_bayes.model.misfit import Misfit, log_odds, noise_of_odds, steps_until
from palm_bayes.model.priors import named_priors
from palm_bayes.palm_fit import PalmFit

# Before all curves begin, seen, where data end (240), between and far ahead.
LABELS = [1, 20, 150, 240, 241, 500, 500 * 1.5, 20_000]


@pytest.fixture(scope="module")
def full(fit):
    return fit.full_trace(draws=200, seed=3)


@pytest.fixture(scope="module")
def model(fit):
    return fit.predictive_model(LABELS)


@pytest.fixture(scope="module")
def predicted(fit, model):
    tree = pm.sample_posterior_predictive(
        fit.trace,
        model=model,
        var_names=["expected", "accuracy"],
        random_seed=1,
        progressbar=False,
    )
    return tree["posterior_predictive"].to_dataset()


def test_groups_are_added_to_a_copy(fit, full):
    added = {"prior", "prior_predictive", "posterior_predictive", "log_prior"}
    assert set(full.children) == set(fit.trace.children) | added
    assert not added & set(fit.trace.children)
    assert full.attrs == fit.trace.attrs
    prior, posterior = full["prior"], full["posterior"]
    assert set(prior.data_vars) == set(posterior.data_vars)
    for name, draws in posterior.data_vars.items():
        assert prior[name].dims == draws.dims
        assert prior[name].shape == (1, 200, *draws.shape[2:])
    for name in ("prior_predictive", "posterior_predictive"):
        of_data = full[name]["accuracy"]
        assert of_data.dims == ("chain", "draw", "observation")
        np.testing.assert_array_equal(of_data["of_strategy"], fit.runs.table["strategy"])
    assert full["posterior_predictive"]["accuracy"].shape[:2] == (4, 1000)


def test_predictions_are_near_the_data(fit, full):
    drawn = full["posterior_predictive"]["accuracy"]
    inside = (full["observed_data"]["accuracy"] > drawn.quantile(0.05, ("chain", "draw"))) & (
        full["observed_data"]["accuracy"] < drawn.quantile(0.95, ("chain", "draw"))
    )
    assert 0.8 < inside.mean() < 0.99


def test_log_prior_is_the_models(fit, full):
    """Of all strategies' free variables, without the Jacobians of the sampler's coordinates."""
    assert full["log_prior"]["curve"].dims == ("chain", "draw", "strategy")
    assert set(full["log_prior"].data_vars) == {
        "noise", "noise_ratio", "shared", "memory", "curve"
    }  # fmt: skip
    noise = fit.trace["posterior"]["noise"].transpose("chain", "draw", "strategy").to_numpy()
    table = fit.runs.table
    last = table[table["x"] == table["x"].max()].groupby("strategy", sort=False)["accuracy"].mean()
    prior = pm.LogNormal.dist(np.log(0.03 * np.sqrt(last * (1 - last))), 1.1)
    expected = pm.logp(prior, noise).eval(mode="FAST_COMPILE")
    np.testing.assert_allclose(full["log_prior"]["noise"], expected, rtol=1e-10)


def test_only_what_is_asked_for(fit):
    trace = fit.full_trace(prior=False, posterior=False)
    assert set(trace.children) - set(fit.trace.children) == {"log_prior"}
    none = fit.full_trace(prior=False, posterior=False, log_prior=False)
    assert set(none.children) == set(fit.trace.children)


def test_named_priors_are_the_fits_own(fit):
    with pytest.raises(DataError, match="'default': give none"):
        fit.full_trace(priors=named_priors("default"))
    with pytest.raises(DataError, match="'default': give none"):
        fit.predictive_model(LABELS, priors=named_priors("default"))


@pytest.mark.parametrize("option", [{"draws": 0}, {"draws": "all"}, {"seed": -1}, {"prior": 2}])
def test_numbers_of_draws_are_checked(fit, option):
    with pytest.raises(DataError, match=f"{next(iter(option))} is .*, but must be"):
        fit.full_trace(**option)


@pytest.mark.parametrize("name", ["full_trace", "predictive_model"])
def test_help_has_all_arguments(name):
    method = getattr(PalmFit, name)
    _, *arguments = inspect.signature(method).parameters.values()
    said = inspect.getdoc(method).partition("Parameters\n---")[2].partition("Returns\n---")[0]
    for argument in arguments:
        assert argument.kind is not argument.VAR_KEYWORD
        assert argument.default is not argument.empty
        assert argument.name in said


def test_arviz_compares_predictions_with_data(full):
    drawn = az.plot_ppc_dist(full, num_samples=5, backend="none")
    assert {"predictive_dist", "observed_dist"} <= set(drawn.viz.children)
    drawn = az.plot_ppc_dist(full, group="prior_predictive", num_samples=5, backend="none")
    assert "predictive_dist" in drawn.viz.children  # of the prior, ArviZ shows no data


@pytest.mark.parametrize(
    "plot", [az.plot_ppc_pit, az.plot_ppc_tstat, az.plot_loo_pit, az.plot_prior_posterior]
)
def test_arviz_draws_it(full, plot):
    assert plot(full, backend="none").viz.children


def test_arviz_draws_with_matplotlib(full):
    import matplotlib.pyplot as plt

    try:
        drawn = az.plot_ppc_dist(full, num_samples=5, backend="matplotlib")
        (axis,) = drawn.viz["figure"].item().axes
        assert len(axis.lines) == 6
    finally:
        plt.close("all")


def test_arviz_says_what_the_prior_moves(full, capsys):
    table = az.psense_summary(full)
    assert np.all(np.isfinite(table[["prior", "likelihood"]].astype(float)))
    assert {"A_max[random]", "noise[entropy]", "misfit[random]"} <= set(table.index)
    # Of the misfit the data say nothing, nor does the prior of the rest.
    of_misfit = table.index.str.startswith("misfit")
    assert table.loc[of_misfit, ["prior", "likelihood"]].astype(float).max(axis=None) < 0.05


@pytest.mark.parametrize("plot", [az.plot_psense_dist, az.plot_psense_quantities])
def test_arviz_plots_it_without_alpha(full, plot):
    """Whose name is that of the powers in ArviZ."""
    posterior = full["posterior"].to_dataset().drop_vars("alpha")
    trace = full.assign(posterior=xr.DataTree(posterior))
    assert plot(trace, var_names=["curve"], backend="none").viz.children


@pytest.mark.filterwarnings("ignore:Estimated shape parameter of Pareto")
def test_arvizs_loo_runs(full):
    """It tells each accuracy given the earlier ones, so that some weigh a lot."""
    found = az.loo(full)
    assert found.n_data_points == full["observed_data"].sizes["observation"]
    assert np.isfinite(found.elpd)


def test_expected_is_the_forecast(fit, predicted):
    """Draw by draw."""
    expected = fit.forecast(labels=LABELS).draws
    assert predicted["expected"].dims == expected.dims
    np.testing.assert_array_equal(predicted["strategy"], expected["strategy"])
    np.testing.assert_array_equal(predicted["x"], expected["x"])
    np.testing.assert_allclose(predicted["expected"], expected, rtol=0, atol=1e-12)


def test_accuracy_is_a_new_repetition(fit, predicted):
    over = ("chain", "draw")
    ours = fit.forecast(labels=LABELS, scope="new").draws
    theirs = predicted["accuracy"]
    assert theirs.dims == ours.dims
    # Beyond what is expected, which both have in common, draw by draw.
    for name, ours_of, theirs_of in (
        ("accuracy", ours, theirs),
        ("noise", ours - predicted["expected"], theirs - predicted["expected"]),
    ):
        error = np.sqrt((ours_of.var(over) + theirs_of.var(over)) / 4000)
        assert (abs(ours_of.mean(over) - theirs_of.mean(over)) < 4 * error).all(), name
        squares = [(of - of.mean(over)) ** 2 for of in (ours_of, theirs_of)]
        error = np.sqrt(sum(square.var(over) for square in squares) / 4000)
        assert (abs(squares[0].mean(over) - squares[1].mean(over)) < 4 * error).all(), name
    # Along a repetition; the strategies do not share its noise.
    one, two = (
        np.corrcoef((draws - predicted["expected"]).to_numpy().reshape(4000, -1).T)
        for draws in (ours, theirs)
    )
    np.testing.assert_allclose(one, two, atol=0.1)


def test_episodes_as_in_a_forecast(fit):
    at = fit.forecast(horizon=3).draws["x"]
    np.testing.assert_array_equal(fit.predictive_model(horizon=3).coords["x"], at)
    np.testing.assert_array_equal(fit.predictive_model(episodes=[13, 15]).coords["x"], [13, 15])


def test_misfit_is_drawn_from_its_prior(model):
    """Standard normals, which strategies have in common in part."""
    from palm_bayes.model.learned import shipped

    drawn = pm.draw(model["misfit"], draws=4000, random_seed=1, mode="FAST_COMPILE")
    assert drawn.shape == (4000, 2)
    common = shipped().misfit.common
    np.testing.assert_allclose(np.cov(drawn.T), [[1, common], [common, 1]], atol=0.1)
    np.testing.assert_allclose(drawn.mean(axis=0), 0, atol=0.07)


@pytest.mark.parametrize("by_gain", [0.0, 0.5])
def test_misfit_in_pytensor_is_that_in_numpy(by_gain):
    misfit = Misfit(0.1, 0.5, 1.2, by_gain, 0.4, 0.2, 0.3, 0.5, 0.5, 0.5, 0.5, 0.5)
    rng = np.random.default_rng(1)
    t = np.array([-1.0, 0.0, 0.01, 0.5, 2.3])
    on_curve = np.sort(rng.uniform(0, 1, (30, len(t))))
    along = np.sort(rng.uniform(0, 1, (30, len(steps_until(t)))))
    noise = rng.uniform(0.001, 0.1, (30, 1))
    z = rng.standard_normal((30, 1))

    def expected(xp, make):
        curve, path, sd = (make(part) for part in (on_curve, along, noise))
        s = noise_of_odds(path[:, :1], sd, xp)
        return misfit.expected(log_odds(curve, xp), log_odds(path, xp), s, t, z, xp)

    found = expected(pt, pt.as_tensor).eval(mode="FAST_COMPILE")
    np.testing.assert_allclose(found, expected(np, np.asarray), rtol=0, atol=1e-12)
