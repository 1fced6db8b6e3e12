"""The PyMC model: its names and dims, its density, and PyMC's own functions on it."""

from dataclasses import replace

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from scipy import stats

from palm_bayes.errors import DataError
from palm_bayes.model import curve, noise
from palm_bayes.model.build import build_model
from palm_bayes.model.priors import named_priors
from palm_bayes.model.variables import observations

FREE = ["memory", "noise", "noise_ratio", "shared", "curve"]


@pytest.fixture(scope="module")
def model(runs):
    return build_model(runs)


def unconstrained(model, seed, spread=0.5):
    """A random point of the sampler's space, near the model's own start."""
    rng = np.random.default_rng(seed)
    return {
        name: value + spread * rng.standard_normal(np.shape(value))
        for name, value in model.initial_point().items()
    }


def test_order_of_strategies_is_that_of_the_runs(runs):
    swapped = observations(runs.select(["s1", "s0"]))
    np.testing.assert_array_equal(swapped.strategy_index, np.repeat([0, 1], 11))
    expected = runs.select(["s1", "s0"]).table["accuracy"]
    np.testing.assert_array_equal(swapped.accuracy, expected)
    assert build_model(runs.select(["s1", "s0"])).coords["strategy"] == ("s1", "s0")


def test_names_and_dims(model):
    assert [variable.name for variable in model.free_RVs] == FREE
    assert [variable.name for variable in model.observed_RVs] == ["accuracy"]
    deterministics = [variable.name for variable in model.deterministics]
    assert deterministics == ["rho", "lasting", "A_max", "delta", "alpha", "beta"]
    assert model.coords["strategy"] == ("s0", "s1")
    assert model.coords["parameter"] == ("A_max", "log_u_first", "alpha", "beta")
    assert len(model.coords["observation"]) == 22
    dims = model.named_vars_to_dims
    assert model.coords["memory_parameter"] == ("rho", "lasting")
    assert dims["curve"] == ("strategy", "parameter")
    assert dims["memory"] == ("strategy", "memory_parameter")
    assert {dims[name] for name in [*FREE[1:4], *deterministics]} == {("strategy",)}
    assert dims["accuracy"] == dims["strategy_index"] == ("observation",)
    assert dims["observations"] == ("column", "observation")
    assert dims["ends"] == ("end", "strategy")


def test_every_strategy_has_nine_free_numbers(model):
    point = model.initial_point()
    assert sum(np.size(value) for value in point.values()) == 9 * 2
    assert list(point)[-1] == "curve_coordinates__"  # what the sampler's start relies on


@pytest.mark.parametrize("region", ["all", "rising", "step", "flat"])
@pytest.mark.parametrize("priors", ["default", "bounds"])
def test_start_is_finite_with_its_gradient(runs, priors, region):
    model = build_model(runs, priors, region)
    point = model.initial_point()
    assert np.isfinite(model.compile_logp(mode="FAST_COMPILE")(point))
    gradient = model.compile_dlogp(mode="FAST_COMPILE")(point)
    assert np.all(np.isfinite(gradient))


def density_at(model, vector):
    """Density of the model at a vector of curve parameters, 0 where its chart does not reach."""
    variable, start = model["curve"], model.initial_point()
    z = model.rvs_to_transforms[variable].forward(pt.as_tensor([vector]), *variable.owner.inputs)
    (at,) = model.compile_fn(
        model.replace_rvs_by_values([z]),
        inputs=model.value_vars,
        mode="FAST_COMPILE",
        on_unused_input="ignore",
    )(start)
    if not np.all(np.isfinite(at)):
        return 0.0
    logp = model.compile_logp(jacobian=False, mode="FAST_COMPILE")
    return np.exp(logp(start | {"curve_coordinates__": at}))


@pytest.mark.filterwarnings("ignore:(invalid value|divide by zero):RuntimeWarning")
@pytest.mark.parametrize(
    ("vector", "holding"),
    [
        ([0.8, -0.5, 0.5, 0.7], {"rising"}),
        ([0.8, 1.5, 0.3, 9.0], {"rising", "step"}),
        ([0.8, np.log(9.5), 3.0, 2.0], {"rising", "step", "flat"}),
        ([0.8, 3.0, 0.3, 1.0], {"rising", "step", "flat"}),
    ],
)
def test_regions_add_up_to_the_whole(vector, holding, make_runs):
    """At the same parameters, whatever the chart."""
    flat = make_runs(strategies=1)
    flat = replace(flat, table=flat.table.assign(accuracy=0.8))
    parts = {
        region: density_at(build_model(flat, "bounds", region), vector)
        for region in ("rising", "step", "flat")
    }
    assert {region for region, density in parts.items() if density > 0} == holding
    whole = density_at(build_model(flat, "bounds"), vector)
    assert sum(parts.values()) == pytest.approx(whole, rel=1e-6)
    assert whole > 0


def test_named_priors_and_their_names_are_the_same_model(runs):
    by_name, by_value = build_model(runs, "bounds"), build_model(runs, named_priors("bounds"))
    point = unconstrained(by_name, 1)
    one, two = (m.compile_logp(mode="FAST_COMPILE")(point) for m in (by_name, by_value))
    assert one == two


def test_joint_density_is_the_sum_of_the_strategies(runs, model):
    joint = model.compile_logp(mode="FAST_COMPILE")
    alone = [
        build_model(runs.strategy(name)).compile_logp(mode="FAST_COMPILE")
        for name in runs.strategies
    ]
    for seed in range(3):
        point = unconstrained(model, seed)
        parts = [
            logp({name: value[[i]] for name, value in point.items()})
            for i, logp in enumerate(alone)
        ]
        assert np.isfinite(joint(point))
        assert joint(point) == pytest.approx(sum(parts), rel=1e-10)
        assert parts[0] != parts[1]


def test_likelihood_is_the_noise_around_the_curve(runs, model):
    point = unconstrained(model, 5)
    names = [*FREE, "rho", "lasting", "delta"]
    rvs = [model[name] for name in names]
    values = dict(
        zip(
            names,
            model.compile_fn(
                model.replace_rvs_by_values(rvs), mode="FAST_COMPILE", on_unused_input="ignore"
            )(point),
            strict=True,
        )
    )
    logp = model.compile_logp(vars=[model["accuracy"]], sum=False, mode="FAST_COMPILE")
    (terms,) = logp(point)
    data = observations(runs)
    of = data.strategy_index
    A_max, _, alpha, beta = values["curve"][of].T
    mean = curve.accuracy(data.x, A_max, values["delta"][of], alpha, beta)
    declines = (
        noise.decline(-np.log(1 - curve.accuracy(x, 1.0, values["delta"][of], alpha, beta)), x)
        for x in (data.x, data.ends.x_first[of], data.ends.x_last[of])
    )
    spread, ratio, shared, lasting = (
        values[name][of] for name in ("noise", "noise_ratio", "shared", "lasting")
    )
    sd, lasts = (
        noise.transient_sd(*declines, spread, ratio, lasting),
        noise.offset_sd(spread, lasting),
    )
    carried = noise.autocorrelation(values["rho"][of], data.lag)
    given = mean, sd, carried, shared, lasts, data.place, data.first
    expected = noise.log_density(data.accuracy, *given)
    np.testing.assert_allclose(terms, expected, rtol=1e-7)


def test_data_can_be_replaced_by_more(runs, model, make_runs):
    logp = model.compile_logp(mode="FAST_COMPILE")
    other = make_runs(episodes=(9, 6), first=2)
    data = observations(other).as_data()
    expected = build_model(other).compile_logp(mode="FAST_COMPILE")
    point = unconstrained(model, 2)
    before = logp(point)
    kept = {name: model[name].get_value() for name in data}
    try:
        pm.set_data(data, model=model, coords={"observation": np.arange(len(other.table))})
        assert logp(point) == pytest.approx(expected(point), rel=1e-10)
    finally:
        pm.set_data(kept, model=model, coords={"observation": np.arange(len(runs.table))})
    assert logp(point) == before


@pytest.mark.parametrize("scale", [1.0, 0.1, 0.01])
def test_the_noise_has_the_scale_of_the_accuracies(runs, scale):
    """Its prior is relative to sqrt(A (1 - A)), with A the mean accuracy at the last x."""
    small = replace(runs, table=runs.table.assign(accuracy=scale * runs.table["accuracy"]))
    last = small.table[small.table["x"] == 7].groupby("strategy")["accuracy"].mean()
    unit = np.sqrt(last * (1 - last)).to_numpy()
    model = build_model(small)
    drawn = pm.draw(model["noise"], draws=4000, random_seed=1, mode="FAST_COMPILE")
    np.testing.assert_allclose(np.median(drawn, axis=0) / unit, 0.03, rtol=0.1)
    at = np.array([0.01, 0.02])
    found = pm.logp(model["noise"], at).eval(mode="FAST_COMPILE")
    np.testing.assert_allclose(found, stats.lognorm(1.1, scale=0.03 * unit).logpdf(at))


def test_the_noise_of_accuracies_of_0_and_1_has_a_scale():
    assert noise.single_prediction_sd(0.0) == noise.single_prediction_sd(1.0) == np.sqrt(1e-3)
    assert noise.single_prediction_sd(0.5) == 0.5


def test_own_noise_priors_are_used(runs):
    priors = named_priors("default").with_parts(
        noise=pm.HalfNormal.dist(0.1), rho=pm.Beta.dist(9, 1)
    )
    model = build_model(runs, priors)
    rho, noise = pm.draw(
        [model["rho"], model["noise"]], draws=200, random_seed=1, mode="FAST_COMPILE"
    )
    assert rho.shape == noise.shape == (200, 2)
    assert rho.mean() == pytest.approx(0.9, abs=0.02)
    assert (noise**2).mean() == pytest.approx(0.01, rel=0.2)


def test_prior_predictive_draws_whole_repetitions(model):
    tree = pm.sample_prior_predictive(60, model=model, random_seed=1)
    drawn = tree["prior_predictive"]["accuracy"]
    assert drawn.dims == ("chain", "draw", "observation")
    assert drawn.shape == (1, 60, 22)
    assert np.all(np.isfinite(drawn))
    prior = tree["prior"].to_dataset()
    assert set(FREE) | {"A_max", "delta", "alpha", "beta"} <= set(prior)
    assert prior["curve"].dims == ("chain", "draw", "strategy", "parameter")
    np.testing.assert_array_equal(prior["A_max"], prior["curve"].sel(parameter="A_max"))
    assert prior["delta"].min() >= 0
    assert prior["delta"].max() <= 1
    # The runs that are drawn are those of the curves that are drawn.
    mean = curve.accuracy(7.0, *(prior[name] for name in ("A_max", "delta", "alpha", "beta")))
    last = drawn.isel(observation=[10, 21]).to_numpy()[0]
    assert np.corrcoef(mean.to_numpy().ravel(), last.ravel())[0, 1] > 0.9


def test_posterior_predictive_is_a_new_repetition(fit):
    draws = fit.trace.isel(draw=slice(None, None, 4))
    model = build_model(fit.runs)
    tree = pm.sample_posterior_predictive(draws, model=model, random_seed=1, progressbar=False)
    drawn = tree["posterior_predictive"]["accuracy"]
    assert drawn.dims == ("chain", "draw", "observation")
    assert drawn.shape == (4, 250, len(fit.runs.table))
    new = fit.forecast(horizon=0, scope="new", misfit=None).draws
    of = fit.runs.table["strategy"].to_numpy()
    for name in fit.runs.strategies:
        again = drawn[..., of == name].to_numpy().reshape(-1, 12)
        ours = new.sel(strategy=name).to_numpy().reshape(-1, 12)
        sd = ours.std(axis=0)
        # A thousand draws, some of them at accuracies that a forecast clips to 0.
        assert np.all(np.abs(again.mean(axis=0) - ours.mean(axis=0)) < 0.1 * sd)
        np.testing.assert_allclose(again.std(axis=0), sd, rtol=0.15)
        one, two = (np.corrcoef(part.T) for part in (again, ours))
        np.testing.assert_allclose(one, two, atol=0.12)


def test_posterior_predictive_at_other_data(fit):
    draws = fit.trace.isel(draw=slice(None, None, 50))
    model = build_model(fit.runs)
    later = {
        # x, accuracy, lag, place, first
        "observations": np.array([[13.0, 14.0], [0, 0], [0, 1], [0, 1], [0, 1]]),
        "strategy_index": np.array([0, 1], dtype=np.int32),
    }
    pm.set_data(later, model=model, coords={"observation": np.arange(2)})
    tree = pm.sample_posterior_predictive(draws, model=model, random_seed=1, progressbar=False)
    drawn = tree["posterior_predictive"]["accuracy"]
    assert drawn.shape == (4, 20, 2)
    expected = fit.forecast(episodes=[13, 14], misfit=None).draws.mean(("chain", "draw"))
    found = drawn.mean(("chain", "draw")).to_numpy()
    np.testing.assert_allclose(found, [expected[0, 0], expected[1, 1]], atol=0.01)


def test_pymcs_log_likelihood_is_the_fits(fit):
    draws = fit.trace.isel(draw=slice(None, None, 20))
    found = pm.compute_log_likelihood(
        draws, model=build_model(fit.runs), extend_inferencedata=False, progressbar=False
    )
    ours = draws["log_likelihood"]["accuracy"]
    np.testing.assert_allclose(found["accuracy"], ours.to_numpy(), rtol=1e-8, atol=1e-8)


def test_graph_shows_the_model(model):
    pytest.importorskip("graphviz")
    source = pm.model_to_graphviz(model).source
    for name in [*FREE, "A_max", "delta", "alpha", "beta", "accuracy", "observations", "ends"]:
        assert f"\t{name} [label=" in source
    for box in ("strategy (2)", "strategy (2) x parameter (4)", "observation (22)"):
        assert f'label="{box}"' in source
    assert "curve -> accuracy" in source


def test_a_model_is_of_runs_and_priors(make_runs):
    table = make_runs().table
    with pytest.raises(DataError, match="runs is of type DataFrame, but must be Runs"):
        build_model(table)
    with pytest.raises(DataError, match="priors is of type int, but must be 'default', 'bounds'"):
        build_model(make_runs(), 3)
    with pytest.raises(DataError, match=r"no region \['flat'\]: there are all, rising, step, flat"):
        build_model(make_runs(), region=["flat"])
