"""The trace of a fit: its groups, and what ArviZ makes of it."""

import json
from importlib.metadata import version

import arviz as az
import numpy as np
import pytest

import palm_bayes
from palm_bayes.inference.posterior import PARAMETERS


def test_groups_of_the_trace(fit):
    trace = fit.trace
    groups = "posterior sampled sample_stats strategy_stats log_likelihood observed_data runs"
    assert set(trace.children) == {*groups.split(), "constant_data"}
    for name in PARAMETERS:
        assert trace["posterior"][name].dims == ("chain", "draw", "strategy")
    assert trace["log_likelihood"]["accuracy"].dims == ("chain", "draw", "observation")
    table = fit.runs.table
    observed = trace["observed_data"]
    np.testing.assert_array_equal(observed["accuracy"], table["accuracy"])
    for name in ("repetition", "episode"):
        np.testing.assert_array_equal(observed[name], table[name])
    np.testing.assert_array_equal(observed["of_strategy"], table["strategy"])
    given = trace["constant_data"]
    np.testing.assert_array_equal(given["observations"].sel(column="x"), table["x"])
    np.testing.assert_array_equal(given["ends"].sel(end="x_last"), [12, 12])
    each, joint = trace["strategy_stats"], trace["sample_stats"]
    assert each["energy"].dims == ("chain", "draw", "strategy")
    np.testing.assert_allclose(joint["energy"], each["energy"].sum("strategy"))
    np.testing.assert_array_equal(joint["diverging"], each["diverging"].any("strategy"))
    np.testing.assert_array_equal(joint["step_size"], each["step_size"].min("strategy"))
    kept = json.loads(trace.attrs["palm_bayes"])
    assert kept["data_sha256"] == fit.runs.sha256()
    assert kept["sampling"]["priors"] == "default"
    assert kept["sampling"]["seed"] == 1
    assert kept["versions"]["pymc"] == version("pymc")
    assert kept["versions"]["palm-bayes"] == palm_bayes.__version__


@pytest.mark.filterwarnings(
    "ignore:Estimated shape parameter of Pareto"
)  # by chance, in a few draws
def test_arviz_takes_the_trace(fit):
    summary = az.summary(fit.trace, var_names=["A_max", "rho"])
    assert len(summary) == 4
    loo = fit.leave_one_out()
    assert loo.n_data_points == len(fit.runs.table)
    assert np.isfinite(loo.elpd)
    assert float(loo.pareto_k.max()) < 1
    assert float(az.bfmi(fit.trace)["energy"].min()) > 0.3
    assert float(az.rhat(fit.trace)["A_max"].max()) < 1.01
    assert set(az.extract(fit.trace, num_samples=5, random_seed=1)["A_max"].dims) >= {"sample"}
    plot = az.plot_trace(fit.trace, var_names=["A_max"], backend="none")
    assert plot is not None
