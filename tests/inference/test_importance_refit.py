"""Fits of runs that have gone on: earlier draws weighed, NUTS where that does not do."""

import warnings
from dataclasses import replace
from itertools import product
from types import SimpleNamespace

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

from palm_bayes.data import example_runs_path
from palm_bayes.data.runs import Runs
from palm_bayes.errors import DataError, PalmWarning
from palm_bayes.inference import importance_refit as module
from palm_bayes.inference.convergence import Convergence
from palm_bayes.inference.draws import labelled, numbers_of, with_parameters
from palm_bayes.model import curve, noise
from palm_bayes.model.priors import moving_logp, named_priors
from palm_bayes.model.variables import NOISE, observations
from palm_bayes.palm_fit import PalmFit, fit_runs
from palm_bayes.reading.read import read_runs

NAMES = ["random", "entropy"]


@pytest.fixture(scope="module")
def later_runs():
    return read_runs(example_runs_path(), max_episodes=13, strategies=NAMES)


@pytest.fixture(scope="module")
def refitted(fit, later_runs):
    return fit.refit(later_runs)


@pytest.fixture
def sampled(monkeypatch, fit):
    """Stand-in for NUTS: gives the draws of the fit, keeps the names of what it was asked for."""
    asked = []

    def sample_strategy(runs, priors, settings, progress):
        asked.extend(runs.strategies)
        of = fit.runs.strategies[0]
        posterior, stats = (
            fit.trace[group].to_dataset().sel(strategy=[of])
            for group in ("sampled", "strategy_stats")
        )
        posterior = posterior.assign_coords(strategy=list(runs.strategies))
        verdict = fit.convergence.table.loc[of].to_dict()
        told = module.log_likelihood(posterior.isel(strategy=0), runs)
        return module.Sample(posterior, stats.isel(strategy=0, drop=True), told, verdict)

    monkeypatch.setattr(module, "sample_strategy", sample_strategy)
    return asked


@pytest.fixture(scope="module")
def anew(later_runs):
    """NUTS, in place of weights."""
    return fit_runs(later_runs, seed=2)


def test_draws_are_those_of_nuts(refitted, anew):
    """Of each strategy by itself, and of both together.

    Pooling resamples draws at random, which adds an error that MCSE does not see. Repeated 25
    times, it was at most as large as the MCSE of the separate draws.
    """
    assert (refitted.convergence.table["attempts"] == 0).any()
    names = ("A_max", "alpha", "beta", "noise", "noise_ratio", "rho", "shared", "lasting")
    for (group, more), name in product((("sampled", 1.0), ("posterior", np.sqrt(2))), names):
        for summary in (lambda draws: draws, np.square):
            ours, theirs = (summary(fit.trace[group][name]) for fit in (refitted, anew))
            error = more * np.hypot(*(az.mcse(part, method="mean") for part in (ours, theirs)))
            z = (ours.mean(("chain", "draw")) - theirs.mean(("chain", "draw"))) / error
            assert np.abs(z).max() < 4.5, (group, name)


def test_later_episodes_are_foreseen_as_by_nuts(refitted, anew):
    """Log scores of leave-future-out: by weights of the draws, and by brute force."""
    later = read_runs(example_runs_path(), max_episodes=20, strategies=NAMES).table
    seen = later[later["episode"] > 13].set_index(["strategy", "repetition", "episode"])["accuracy"]

    def log_scores(fit):
        draws = fit.forecast(episodes=range(14, 21), scope="continuing", seed=1).draws
        moments = (draws.mean(("chain", "draw")), draws.std(("chain", "draw")))
        at = [one.set_index(x="episode").rename(x="episode").to_series() for one in moments]
        mean, sd = (one.reindex(seen.index) for one in at)
        return stats.norm.logpdf(seen, mean, sd)

    ours, theirs = log_scores(refitted), log_scores(anew)
    assert ours.mean() == pytest.approx(theirs.mean(), abs=0.03)
    np.testing.assert_allclose(ours, theirs, atol=0.3)


def moved(fit, **numbers):
    """Draws of the fit's first strategy and others in their place, moved on to x = 15."""
    seen = observations(fit.runs.strategy(NAMES[0]))
    old = fit.trace["posterior"].to_dataset().sel(strategy=NAMES[:1])
    old = old.assign({name: old[name].copy(data=values) for name, values in numbers.items()})
    new, log_stretch = module._for_last_x(old, seen, np.array([15.0]))
    return old, new, log_stretch, seen


def test_draws_are_moved_with_the_noise_that_they_say(fit):
    old, new, _, seen = moved(fit)

    def spreads(draws, x_last):
        of = numbers_of(draws.isel(strategy=0))
        of_curve = of["log_u_first"], of["alpha"], of["beta"], seen.ends.x_first
        at = np.array([1, 15]), 1.0, x_last
        declines = (noise.decline(curve.u(x, *of_curve), x) for x in at)
        spread = of["noise"], of["noise_ratio"], of["lasting"]
        return noise.transient_sd(*declines, *spread), noise.offset_sd(spread[0], spread[2])

    for ours, theirs in zip(spreads(new, 15.0), spreads(old, seen.ends.x_last), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    np.testing.assert_array_equal(new["memory"][..., 0], old["rho"])
    np.testing.assert_array_equal(new["memory"][..., 1], new["lasting"])


def test_draws_are_stretched_by_what_finite_differences_say(fit):
    names = ("noise", "noise_ratio", "lasting")

    def at(points):  # log noise, log ratio, logit of the share that lasts
        values = np.exp(points[0]), np.exp(points[1]), 1 / (1 + np.exp(-points[2]))
        _, new, log_stretch, _ = moved(fit, **dict(zip(names, values, strict=True)))
        return unbounded(new), log_stretch

    def unbounded(draws):
        spread, ratio, lasting = (draws[name].to_numpy() for name in names)
        return np.stack([np.log(spread), np.log(ratio), np.log(lasting / (1 - lasting))])

    points = unbounded(moved(fit)[0])
    steps = 1e-5 * np.eye(3)[:, :, None, None, None]
    slopes = [(at(points + step)[0] - at(points - step)[0]) / 2e-5 for step in steps]
    _, expected = np.linalg.slogdet(np.stack(slopes).transpose(2, 3, 4, 0, 1))
    np.testing.assert_allclose(at(points)[1], expected[..., 0], atol=1e-6)


def scores(runs, draw):
    """Dense log density of runs of equal length, and log prior of the noise, of one draw."""
    A_max, log_u, alpha, beta, sd, ratio, rho, shared, lasting = draw
    y = runs.table.pivot(index="repetition", columns="x", values="accuracy")
    x = y.columns.to_numpy(float)
    u = np.exp(log_u) * ((x + alpha) / (x[0] + alpha)) ** beta
    gap = (np.exp(-u) + np.exp(-8)) / np.sqrt(x)
    fall = np.log((1 + gap / gap[-1]) / 2)
    power = np.minimum(fall / np.hypot(fall[0], 0.2), 1)
    passes = np.sqrt(sd**2 * ((1 - lasting) * ratio ** (2 * power) + 0.15 * lasting) + 1e-8)
    lag = np.abs(np.subtract.outer(x, x))
    within = 0.85 * lasting * sd**2 + np.outer(passes, passes) * rho**lag
    between = shared + (1 - shared) * np.eye(len(y))
    mean = np.tile(A_max * (1 - np.exp(-u)), len(y))
    likely = stats.multivariate_normal(mean, np.kron(between, within)).logpdf(y.to_numpy().ravel())
    last = y.iloc[:, -1].mean()
    prior = stats.lognorm(1.1, scale=0.03 * np.sqrt(last * (1 - last))).logpdf(sd)
    prior += stats.lognorm(1, scale=5).logpdf(ratio)
    return likely + prior + stats.beta(1, 2).logpdf(lasting)


def noise_at(draw, x, until):
    """Noise, ratio and lasting share counted at the last of `x` instead of `until`."""
    _, log_u, alpha, beta, sd, ratio, _, _, lasting = draw
    at = np.array([x[0], until, x[-1]])
    u = np.exp(log_u) * ((at + alpha) / (x[0] + alpha)) ** beta
    gap = (np.exp(-u) + np.exp(-8)) / np.sqrt(at)

    def power(at, last):
        above = [np.log((1 + gap[i] / gap[last]) / 2) for i in (at, 0)]
        return np.clip(above[0] / np.hypot(above[1], 0.2), -1, 1)

    first, here = (np.sqrt(1 - lasting) * sd * ratio ** power(i, 1) for i in (0, 2))
    total = here**2 + lasting * sd**2
    return np.sqrt(total), (first / here) ** (1 / power(0, 2)), lasting * sd**2 / total


def made_up_fit(runs):
    """A fit of one strategy with draws from nowhere, and these draws, dims (draw, number)."""
    rng, names = np.random.default_rng(1), (*curve.COORDINATES, *NOISE)
    low = [0.7, -1.0, 0.2, 0.4, 0.01, 1.5, 0.1, 0.05, 0.1]
    high = [0.9, -0.5, 1.0, 0.7, 0.03, 4.0, 0.6, 0.3, 0.5]
    draws = rng.uniform(low, high, (1, 6, 9))
    posterior = labelled(dict(zip(names, np.moveaxis(draws, -1, 0), strict=True)))
    posterior = with_parameters(posterior, runs).assign_coords(strategy=["a"])
    known = module.log_likelihood(posterior.isel(strategy=0), runs).sum(axis=-1)
    dims, coords = ("chain", "draw", "strategy"), {"chain": [0], "draw": range(6)}
    stats = xr.Dataset(dict.fromkeys(("total_log_likelihood", "energy"), (dims, known[..., None])))
    groups = {"sampled": posterior, "strategy_stats": stats.assign_coords(strategy=["a"])}
    trace = xr.DataTree.from_dict({name: of.assign_coords(coords) for name, of in groups.items()})
    verdict = pd.DataFrame({"passed": [True], "divergences": 0, "e_bfmi": 1.0}, ["a"])
    return SimpleNamespace(runs=runs, trace=trace, convergence=Convergence(verdict)), draws[0]


def test_weights_are_those_of_plain_numpy(monkeypatch, made_up):
    """Of both posteriors by dense normals, and of the change of variables by differences."""
    later = made_up.task({"a": (0.31, 0.33, 0.30)})
    before = later.first(4)
    fit, draws = made_up_fit(before)
    asked, weights = [], []
    monkeypatch.setattr(module, "smoothed", lambda ratios: (asked.append(ratios), (ratios, 0))[1])
    monkeypatch.setattr(
        module, "resampled", lambda w: (weights.append(w), np.zeros((1, 6), int))[1]
    )
    priors = named_priors("default")
    module._reweighted(fit, later, priors, priors)

    expected, x = [], np.arange(1.0, 6)
    for draw in draws:
        of_noise, moved, slopes = [4, 5, 8], draw.copy(), []
        moved[of_noise] = noise_at(draw, x, 4.0)
        for place in of_noise:
            step = 1e-6 * (np.arange(9) == place)
            ends = [np.array(noise_at(draw + way * step, x, 4.0)) for way in (1, -1)]
            slopes.append((ends[0] - ends[1]) / 2e-6)
        volume = np.linalg.slogdet(slopes)[1]
        expected.append(scores(later, moved) + volume - scores(before, draw))
    found = asked[0][0]
    np.testing.assert_allclose(found - found.mean(), expected - np.mean(expected), atol=1e-5)
    np.testing.assert_allclose(np.log(weights[0]), asked[0])


@pytest.mark.parametrize(("pareto_k", "used"), [(0.6, True), (0.9, False), (np.nan, False)])
def test_weights_that_are_unreliable_are_not_used(monkeypatch, made_up, pareto_k, used):
    later = made_up.task({"a": (0.31, 0.33, 0.30)})
    monkeypatch.setattr(module, "smoothed", lambda ratios: (ratios, pareto_k))
    monkeypatch.setattr(module, "diagnose", lambda *_: {"passed": True})
    fit, _ = made_up_fit(later.first(4))
    priors = named_priors("default")
    assert (module._reweighted(fit, later, priors, priors) is not None) is used


def test_a_refit_is_a_whole_fit(refitted, later_runs):
    assert refitted.runs.sha256() == later_runs.sha256()
    assert refitted.convergence.passed
    assert "reweighted from the previous fit" in refitted.convergence.sentence
    posterior = refitted.trace["posterior"]
    of_vectors = {"parameter": 4, "memory_parameter": 2}
    assert dict(posterior.sizes) == {"chain": 4, "draw": 1000, "strategy": 2} | of_vectors
    np.testing.assert_array_equal(
        posterior["memory"].transpose("memory_parameter", ...),
        [posterior["rho"], posterior["lasting"]],
    )
    assert posterior["draw"].to_numpy().tolist() == list(range(1000))
    assert refitted.trace["observed_data"].sizes["observation"] == len(later_runs.table)
    assert refitted.forecast(horizon=5).draws["episode"].max() == 18


def test_same_runs_leave_the_draws(fit, sampled):
    again = fit.refit(fit.runs)
    assert sampled == []
    for name, draws in fit.trace["posterior"].data_vars.items():
        np.testing.assert_allclose(again.trace["posterior"][name], draws, rtol=1e-12)
    np.testing.assert_allclose(
        again.trace["log_likelihood"]["accuracy"], fit.trace["log_likelihood"]["accuracy"]
    )


def test_unlike_data_are_sampled(fit, later_runs, sampled):
    table = later_runs.table.copy()
    fallen = (table["strategy"] == "entropy") & (table["episode"] == 13)
    table.loc[fallen, "accuracy"] = 0.3
    with pytest.warns(PalmWarning, match="drops"):
        found = fit.refit(replace(later_runs, table=table))
    assert sampled == ["entropy"]
    assert found.convergence.table["attempts"].to_dict() == {"random": 0, "entropy": 1}


def test_another_first_episode_is_sampled(fit, later_runs, sampled):
    table = later_runs.table
    with pytest.warns(PalmWarning, match="Episodes are missing"):
        fit.refit(replace(later_runs, table=table[table["episode"] > 1]))
    assert sampled == NAMES


def test_new_and_unconverged_strategies_are_sampled(fit, sampled, monkeypatch):
    passing = fit.convergence.table.loc["entropy"].to_dict()
    monkeypatch.setattr(module, "diagnose", lambda *_: passing)  # asked is who is weighed at all
    more = read_runs(example_runs_path(), max_episodes=13, strategies=[*NAMES, "margin"])
    verdicts = fit.convergence.table.assign(passed=[False, True])
    replace(fit, convergence=Convergence(verdicts)).refit(more)
    assert sampled == ["random", "margin"]


def test_data_are_read_as_those_of_the_fit(fit, later_runs, sampled, tmp_path):
    """From a file of two tasks, whose labels are unknown, with columns of other names."""
    table = later_runs.table[["strategy", "repetition", "episode", "accuracy"]]
    table = table.rename(columns={"strategy": "how", "accuracy": "best"})
    tasks = pd.concat([table.assign(dataset="d", model=model) for model in ("m", "n")])
    options = {"columns": {"strategy": "how", "accuracy": "best"}, "dataset": "d", "model": "m"}
    options |= {"batch": 20, "percent": False, "metric": "F1"}
    path = tmp_path / "runs.csv"
    tasks[tasks["episode"] <= 12].to_csv(path, index=False)
    first = read_runs(path, **options)
    assert first.sha256() == fit.runs.select(first.strategies).sha256()
    saved = PalmFit(first, fit.trace, fit.convergence)
    tasks.to_csv(path, index=False)
    found = saved.refit(path).runs
    expected = read_runs(path, **options)
    assert found.table["episode"].max() == 13
    assert found.sha256() == expected.sha256()
    for name in ("batch", "score", "dataset", "model", "read_with"):
        assert getattr(found, name) == getattr(expected, name)
    more = table.assign(how=table["how"].replace("random", "margin"))
    again = saved.refit(pd.concat([table, more[more["how"] == "margin"]]).assign(dataset="d"))
    assert set(again.runs.strategies) == {*NAMES, "margin"}


def test_a_saved_fit_goes_on(fit, later_runs, sampled, tmp_path):
    loaded = PalmFit.load(fit.save(tmp_path / "trace.nc"))
    assert loaded.refit(later_runs).convergence.passed


def test_own_priors_are_asked_for(fit, later_runs, sampled):
    about = fit.trace.attrs["palm_bayes"].replace('"priors": "default"', '"priors": "own"')
    trace = fit.trace.copy()
    trace.attrs["palm_bayes"] = about
    own = replace(fit, trace=trace)
    with pytest.raises(DataError, match="custom priors"):
        own.refit(later_runs)
    assert own.refit(later_runs, priors=named_priors("default")).convergence.passed
    with pytest.raises(DataError, match="the fit has the named priors 'default'"):
        fit.refit(later_runs, priors=named_priors("bounds"))


def test_what_was_odd_before_is_not_told_again(fit, sampled):
    frame = pd.DataFrame({"strategy": "random", "episode": range(1, 7)})
    alone = Runs.from_frame(frame.assign(accuracy=0.6 + 0.05 * np.sqrt(frame["episode"])))
    with pytest.warns(PalmWarning, match="One repetition"):
        fit.refit(alone)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        replace(fit, runs=alone).refit(alone)


def test_draws_are_picked_by_weight():
    weights = np.array([[1.0, 1.0, 1.0, 1.0], [0.0, 2.0, 0.0, 2.0], [1.0, 0.0, 0.0, 3.0]])
    picked = module.resampled(weights).tolist()
    assert picked == [[0, 1, 2, 3], [1, 1, 3, 3], [0, 3, 3, 3]]


def test_what_weighing_needs_is_compiled_before_nuts_may_compile(fit, sampled, monkeypatch):
    """PyTensor compiles in one thread at a time; NUTS is in one of its own."""
    compiled = []
    weighed = module._reweighted

    def seen(*args):
        compiled.append(moving_logp.cache_info().currsize)
        return weighed(*args)

    moving_logp.cache_clear()
    monkeypatch.setattr(module, "_reweighted", seen)
    fit.refit(fit.runs)
    assert compiled == [1, 1]
