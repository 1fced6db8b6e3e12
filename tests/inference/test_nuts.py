"""Sampling: seeds, further tries, thinning; mostly with a stand-in for nutpie."""

from types import SimpleNamespace

import numpy as np
import nutpie
import pandas as pd
import pymc as pm
import pytest
import xarray as xr

from palm_bayes.data.runs import Runs
from palm_bayes.errors import DataError, SamplingError
from palm_bayes.inference import nuts as sampling
from palm_bayes.inference import settings as settings_module
from palm_bayes.inference.draws import labelled
from palm_bayes.inference.evidence import Joined
from palm_bayes.inference.nuts import sample_strategy
from palm_bayes.inference.settings import Settings
from palm_bayes.model.curve import COORDINATES
from palm_bayes.model.priors import named_priors
from palm_bayes.model.variables import NOISE

PRIORS = named_priors("default")


def make_runs(name="margin", episodes=8, level=0.9, rise=0.5, rate=0.7):
    rows = [
        (name, str(r), e, 20.0 * e, np.clip(level - rise * rate**e + 0.002 * (-1) ** (r + e), 0, 1))
        for r in range(3)
        for e in range(1, episodes + 1)
    ]
    columns = ["strategy", "repetition", "episode", "labels", "accuracy"]
    return Runs.from_frame(pd.DataFrame(rows, columns=columns))


def tree(settings, seed, good=True):
    """Draws as a sampler gives them; bad ones disagree between chains and diverge twice.

    If `good` is "few", each draw of the curve comes nine times; if "stuck", one chain is elsewhere.
    """
    rng = np.random.default_rng(seed)
    size = (settings.chains, settings.draws)
    curves = np.array([0.9, -0.5, 0.5, 0.7]) + 0.01 * rng.standard_normal((*size, 4))
    if not good:
        curves[0] += 0.1
    if good == "stuck":
        curves[0] += 0.1
    if good == "few":
        curves = curves[:, 9 * (np.arange(size[1]) // 9)]
    numbers = dict(zip(COORDINATES, np.moveaxis(curves, -1, 0), strict=True))
    numbers |= {name: rng.uniform(0.01, 0.5, size) for name in NOISE}
    diverging = np.zeros(size, dtype=bool)
    diverging[0, 1:3] = not good
    stats = {
        "diverging": diverging,
        "n_steps": np.full(size, 7),
        "energy": rng.standard_normal(size),
        "step_size": np.full(size, 0.4),
        "depth": np.full(size, 3),  # of one sampler only
        "logp": rng.standard_normal(size),
    }
    coords = {"chain": range(size[0]), "draw": range(size[1]), "strategy": ["any"]}
    posterior = labelled(numbers).assign_coords(coords)
    each = xr.Dataset({name: (("chain", "draw"), values) for name, values in stats.items()})
    groups = {"posterior": posterior, "sample_stats": each, "unconstrained_posterior": posterior}
    return xr.DataTree.from_dict(groups)


class Batch(dict):
    """A chain's columns, as in a raw trace of nutpie."""

    column_names = property(list)

    def column(self, name):
        return SimpleNamespace(to_numpy=lambda: self[name])


def raw(settings, lengths=None):
    """Draws as nutpie gives them back, those of the warm-up first; of `lengths` if cut off."""
    made = tree(settings, 1)
    numbers = made["posterior"].to_dataset()
    for name, dim in (("curve", "parameter"), ("memory", "memory_parameter")):
        numbers = numbers.drop_vars(name).merge(numbers[name].to_dataset(dim))
    lengths = lengths or [settings.draws] * settings.chains
    warmup = np.arange(settings.tune + max(lengths)) < settings.tune

    def chain(values, i):
        return np.concatenate([np.full(settings.tune, 9), values[i, : lengths[i]]])

    draws = [
        Batch(
            {
                called: chain(numbers[name].to_numpy()[..., 0], i)
                for name in sampling.NUMBERS
                for called in (name, f"{name}_unconstrained")
            }
        )
        for i in range(settings.chains)
    ]
    stats = [
        Batch(
            {
                name: chain(made["sample_stats"][name].to_numpy(), i)
                for name in (*sampling.STATS, "logp")
            }
        )
        for i in range(settings.chains)
    ]
    for batch, length in zip(stats, lengths, strict=True):
        batch["tuning"] = warmup[: settings.tune + length]
    return SimpleNamespace(get_arrow_trace=lambda: (draws, stats))


@pytest.fixture
def sampler(monkeypatch):
    """Replace nutpie; `outcomes` says which tries are good, `calls` holds what was asked."""

    class Sampler:
        def __init__(self):
            self.outcomes, self.calls, self.trees, self.regions = [True], [], [], []

        def __call__(self, data, priors, region, settings, seed, tell):
            good = self.outcomes[min(len(self.calls), len(self.outcomes) - 1)]
            self.calls.append((settings, seed))
            self.regions.append(region)
            tell(0.5)
            self.trees.append(tree(settings, seed, good))
            return self.trees[-1]

    stand_in = Sampler()
    monkeypatch.setattr(sampling, "_with_nutpie", stand_in)
    return stand_in


def test_a_good_first_try_is_kept(sampler):
    told = []
    sample = sample_strategy(make_runs(), PRIORS, Settings(), lambda *news: told.append(news))
    assert len(sampler.calls) == 1
    assert sample.verdict["passed"]
    assert sample.verdict["attempts"] == 1
    assert told == [("sample", "margin", 0.5), ("sample", "margin", 1.0)]
    assert list(sample.posterior["strategy"].to_numpy()) == ["margin"]
    assert list(sample.stats) == ["diverging", "n_steps", "energy", "step_size"]
    asked = sampler.trees[0]["posterior"]
    np.testing.assert_array_equal(sample.posterior["noise"], asked["noise"])


def test_priors_that_ask_for_it_are_sampled_region_by_region(sampler, monkeypatch):
    joined = []

    def join(parts, rng):
        joined.extend(parts)
        return Joined(parts[2].posterior, parts[2].stats, 0, 1.0, 0.0)

    monkeypatch.setattr(sampling, "join", join)
    told = []
    bounds = named_priors("bounds")
    sample = sample_strategy(make_runs(), bounds, Settings(), lambda *news: told.append(news[2]))
    assert sampler.regions == ["rising", "step", "flat"]
    assert [part.free is None for part in joined] == [False] * 3
    np.testing.assert_allclose(told, [1 / 6, 3 / 6, 5 / 6, 1])
    np.testing.assert_array_equal(sample.posterior["noise"], sampler.trees[2]["posterior"]["noise"])


def test_parameters_are_told_by_name(sampler):
    runs = make_runs()
    posterior = sample_strategy(runs, PRIORS, Settings()).posterior
    for name in ("A_max", "alpha", "beta"):
        np.testing.assert_array_equal(posterior[name], posterior["curve"].sel(parameter=name))
    log_u = posterior["curve"].sel(parameter="log_u_first")
    u = -np.log1p(-posterior["delta"]) * (1 + posterior["alpha"]) ** posterior["beta"]
    np.testing.assert_allclose(u, np.exp(log_u))
    assert posterior["delta"].dims == ("chain", "draw", "strategy")


def test_batches_are_added_until_they_suffice(sampler):
    sampler.outcomes = ["few", "few"]
    told = []
    settings = Settings(seed=4)
    sample = sample_strategy(make_runs(), PRIORS, settings, lambda *news: told.append(news))
    assert [asked for asked, _ in sampler.calls] == [settings] * 2
    assert sampler.calls[0][1] != sampler.calls[1][1]
    assert sample.verdict["passed"]
    assert sample.verdict["attempts"] == 2
    assert [stage for stage, *_ in told] == ["sample"] * 2 + ["retry"] * 2
    both = [made["posterior"]["noise"].isel(draw=slice(None, None, 2)) for made in sampler.trees]
    kept = sample.posterior["noise"]
    np.testing.assert_array_equal(kept.isel(draw=slice(500)), both[0])
    np.testing.assert_array_equal(kept.isel(draw=slice(500, None)), both[1])
    np.testing.assert_array_equal(sample.posterior["draw"], np.arange(1000))
    assert sample.stats.sizes == {"chain": 4, "draw": 1000}
    assert int(sample.stats["n_steps"].sum()) == 7 * 8000  # those between the draws kept, too
    assert sample.log_likelihood.shape[:2] == (4, 1000)


def test_after_a_divergence_steps_are_smaller(sampler):
    sampler.outcomes = ["few", False, False, True]
    sample = sample_strategy(make_runs(), PRIORS, Settings())
    asked, seeds = zip(*sampler.calls, strict=True)
    assert [one.target_accept for one in asked] == pytest.approx([0.9, 0.9, 0.99, 0.998])
    assert len(set(seeds)) == 4
    assert sample.verdict["passed"]
    assert sample.verdict["attempts"] == 4
    assert sample.verdict["divergences"] == 0
    kept = sampler.trees[3]["posterior"]["noise"]  # the earlier draws are dropped
    np.testing.assert_array_equal(sample.posterior["noise"], kept)


def test_after_several_batches_steps_are_smaller(sampler):
    sampler.outcomes = ["stuck"]
    sample = sample_strategy(make_runs(), PRIORS, Settings())
    accepted = [asked.target_accept for asked, _ in sampler.calls]
    assert accepted == pytest.approx([0.9] * 4 + [0.99] * 4)
    assert not sample.verdict["passed"]
    assert sample.verdict["attempts"] == 8


@pytest.mark.parametrize(("r_hat", "kept"), [(1.0, range(5)), (1.02, [4])])
def test_draws_before_smaller_steps_are_kept_if_chains_agree(sampler, monkeypatch, r_hat, kept):
    """Four batches do not pass; the fifth one does."""
    monkeypatch.setattr(
        sampling,
        "diagnose",
        lambda *_: {"r_hat": r_hat, "divergences": 0, "passed": len(sampler.calls) == 5},
    )
    sample = sample_strategy(make_runs(), PRIORS, Settings())
    accepted = [asked.target_accept for asked, _ in sampler.calls]
    assert accepted == pytest.approx([0.9] * 4 + [0.99])
    drawn = np.concatenate([sampler.trees[i]["posterior"]["noise"] for i in kept], axis=1)
    np.testing.assert_array_equal(sample.posterior["noise"], drawn[:, :: len(kept)])


def test_no_batch_follows_where_none_can_suffice(sampler):
    for outcome, settings in (("few", Settings(draws=99)), (False, Settings(batches=1))):
        sampler.outcomes = [outcome]
        sampler.calls.clear()
        assert not sample_strategy(make_runs(), PRIORS, settings).verdict["passed"]
        assert len(sampler.calls) == 1


def test_the_last_failure_is_given_back(sampler):
    sampler.outcomes = [False]
    sample = sample_strategy(make_runs(), PRIORS, Settings(batches=3))
    assert len(sampler.calls) == 3
    assert not sample.verdict["passed"]
    assert sample.verdict["attempts"] == 3
    assert sample.verdict["divergences"] == 2
    assert sample.verdict["advice"].startswith("2 divergent")


def test_an_interrupted_run_is_no_result(fit, monkeypatch):
    """Nutpie gives back what it has when it is interrupted."""
    settings = Settings(draws=100)
    short = raw(settings, lengths=[100, 99, 100, 98])
    monkeypatch.setattr(nutpie, "sample", lambda program, **options: short)
    with pytest.raises(KeyboardInterrupt):
        sample_strategy(make_runs(), PRIORS, settings)


def test_nutpie_is_told_the_settings(fit, monkeypatch):
    asked = {}

    def sample(program, **options):
        asked.update(options)
        options["progress_callback"]([SimpleNamespace(finished_draws=300)] * 2)
        return raw(settings)

    monkeypatch.setattr(nutpie, "sample", sample)
    settings = Settings(draws=200, tune=100, chains=2, cores=1, target_accept=0.9)
    told = []
    batches = sampling.Batches(make_runs(), PRIORS, settings, lambda *news: told.append(news[-1]))
    found = batches.draw().judged()
    assert told == [600 / (2 * (100 + 200)), 1.0]
    expected = {"draws": 200, "tune": 100, "chains": 2, "cores": 1, "target_accept": 0.9}
    expected["maxdepth"] = 8  # no draw takes more than 255 steps, so that every fit ends
    assert expected.items() <= asked.items()
    given = tree(settings, 1)["posterior"]  # not the warm-up
    for name in ("curve", "memory"):
        np.testing.assert_array_equal(found.posterior[name], given[name])


def test_careful_settings_have_smaller_steps_and_longer_warm_up():
    accepted = [Settings(target_accept=p).careful().target_accept for p in (0.8, 0.9, 0.95, 0.99)]
    assert accepted == pytest.approx([0.99, 0.99, 0.99, 0.998])
    assert [Settings(tune=tune).careful().tune for tune in (100, 500)] == [300, 500]


def test_seeds_depend_on_the_seed_and_the_strategy_alone(sampler):
    def seed(name, number):
        sample_strategy(make_runs(name), PRIORS, Settings(seed=number))
        return sampler.calls[-1][1]

    first = {name: seed(name, 0) for name in ("margin", "random", "entropy")}
    again = {name: seed(name, 0) for name in ("entropy", "margin")}
    assert again.items() <= first.items()
    assert len({*first.values(), seed("margin", 1)}) == 4


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"draws": 3}, "draws is 3, but must be at least 4"),
        ({"tune": 0}, "tune is 0, but must be at least 1"),
        ({"chains": 1}, "chains is 1, but must be at least 2"),
        ({"batches": 0}, "batches is 0"),
        ({"seed": -1}, "seed is -1, but must be at least 0"),
        ({"cores": 0}, "cores is 0, but must be at least 1"),
        ({"draws": "many"}, "draws is 'many', but must be a whole number"),
        ({"chains": 2.5}, "chains is 2.5, but must be a whole number"),
        ({"target_accept": 1.0}, "target_accept is 1, but must be above 0 and below 1"),
        ({"target_accept": 0.0}, "target_accept is 0"),
        ({"target_accept": float("nan")}, "target_accept is nan"),
        ({"sampler": "nutpy"}, "no sampler 'nutpy'.*did you mean 'nutpie'"),
    ],
)
def test_settings_that_cannot_be(option, words):
    with pytest.raises(DataError, match=words):
        Settings(**option)


def test_one_compiled_program_serves_any_data(fit):
    priors = named_priors("default", fit.learned)
    program, before = sampling._program(priors, "all"), sampling._program.cache_info()
    runs = fit.runs.strategy("random").limited(3, 9)
    settings = Settings(draws=200, tune=300, chains=2, seed=3, target_accept=0.8)
    sample = sample_strategy(runs, priors, settings)
    assert sampling._program.cache_info().misses == before.misses
    assert program.n_dim == 9
    # It was told of the new data: the curve passes through them.
    last = runs.table.loc[runs.table["episode"] == 9, "accuracy"].mean()
    u = (
        -np.log1p(-sample.posterior["delta"])
        * (9 + sample.posterior["alpha"]) ** sample.posterior["beta"]
    )
    found = (sample.posterior["A_max"] * -np.expm1(-u)).mean()
    assert float(found) == pytest.approx(last, abs=0.03)
    of_vectors = {"parameter": 4, "memory_parameter": 2}
    assert sample.posterior.sizes == {"chain": 2, "draw": 200, "strategy": 1} | of_vectors


@pytest.mark.parametrize(
    ("accuracies", "divergences"),
    [([[0.5] * 7] * 3, 2), ([[0.903] * 7] * 4, 2), ([[0.9104] * 7], 20), ([[1.0] * 6] * 2, 20)],
)
def test_fits_of_scores_that_never_change_end(fit, accuracies, divergences):
    """A classifier that predicts the largest class: without rounding the noise nears 0 for ever.

    Few such scores leave so much open that NUTS may diverge now and then, and says so.
    """
    frame = pd.DataFrame(
        [
            ("constant", str(r), episode, 20 * episode, accuracy)
            for r, of_run in enumerate(accuracies)
            for episode, accuracy in enumerate(of_run, start=1)
        ],
        columns=["strategy", "repetition", "episode", "labels", "accuracy"],
    )
    sample = sample_strategy(Runs.from_frame(frame), PRIORS, Settings())
    assert sample.verdict["divergences"] <= divergences
    assert sample.verdict["r_hat"] < 1.02
    assert float(sample.stats["n_steps"].mean()) / 2 ** (sample.verdict["attempts"] - 1) < 128
    reached = sample.posterior["A_max"].quantile([0.1, 0.9]).to_numpy()
    assert reached[0] > accuracies[0][0] - 0.002
    assert float(sample.posterior["noise"].median()) < 0.002


def test_repetitions_that_are_all_the_same_are_fitted(fit):
    """As where seeds do not differ: all noise is in common."""
    rise = 0.9 - 0.4 / np.sqrt(1 + np.arange(1, 9)) + 0.004 * np.sin(np.arange(8) * 2.3)
    frame = pd.DataFrame(
        [("same", str(r), e + 1, 20 * e + 20, a) for r in range(4) for e, a in enumerate(rise)],
        columns=["strategy", "repetition", "episode", "labels", "accuracy"],
    )
    sample = sample_strategy(Runs.from_frame(frame), PRIORS, Settings())
    assert sample.verdict["passed"], sample.verdict["advice"]
    assert float(sample.posterior["shared"].median()) > 0.9


def test_pymcs_own_sampler_gives_the_same_posterior(fit):
    runs = fit.runs.strategy("random")
    settings = Settings(draws=150, tune=300, chains=2, sampler="pymc", target_accept=0.8, cores=1)
    sample = sample_strategy(runs, named_priors("default"), settings)
    of_vectors = {"parameter": 4, "memory_parameter": 2}
    assert sample.posterior.sizes == {"chain": 2, "draw": 150, "strategy": 1} | of_vectors
    assert list(sample.stats) == ["diverging", "n_steps", "energy", "step_size"]
    ours = fit.trace["posterior"].to_dataset().sel(strategy="random")
    theirs = sample.posterior.sel(strategy="random")
    for name in ("A_max", "rho"):
        difference = float(ours[name].mean() - theirs[name].mean())
        assert abs(difference) < 0.6 * float(ours[name].std())


@pytest.mark.parametrize("sampler", ["nutpie", "pymc"])
def test_what_samplers_break_down_with_is_ours(monkeypatch, sampler):
    """So that a backtest counts it as a cell that failed, and faults of the program not."""

    def failing(*_, **__):
        raise pm.exceptions.SamplingError("Bad initial energy")

    monkeypatch.setattr(nutpie, "sample", failing)
    monkeypatch.setattr(pm, "sample", failing)
    with pytest.raises(SamplingError, match=f"{sampler}: Bad initial energy"):
        sample_strategy(make_runs(), PRIORS, Settings(sampler=sampler))


@pytest.mark.parametrize(("name", "sign"), [("pymc", 1), ("numpyro", -1)])
def test_log_density_of_the_other_samplers(monkeypatch, name, sign):
    """NumPyro's lp is the potential energy."""
    monkeypatch.setattr(settings_module, "find_spec", lambda _: True)
    settings = Settings(draws=20, sampler=name)
    made = tree(settings, 1)
    energies = made["sample_stats"]["logp"].rename("lp")
    made["sample_stats"] = made["sample_stats"].to_dataset().assign(lp=energies)
    monkeypatch.setattr(sampling, "_with_pymc", lambda *_: made)
    part = sampling._sampled(make_runs(), PRIORS, "flat", settings, 1, lambda _: None)
    np.testing.assert_array_equal(part.log_density, sign * energies)


def test_a_prior_far_from_the_data_is_one_clear_error(monkeypatch):
    """Before nutpie starts, whose threads may crash at exit after it has failed."""

    def fails(*_, **__):
        raise AssertionError("nutpie must not start")

    monkeypatch.setattr(nutpie, "sample", fails)
    table = make_runs().table.assign(labels=lambda t: 1e9 + t["episode"]).drop(columns="x")
    far = Runs.from_frame(table)  # alpha of at least -1000 is far from -x
    with pytest.raises(DataError, match="no density where the chains start"):
        sample_strategy(far, PRIORS, Settings(draws=4, tune=1))


def test_a_missing_numpyro_is_one_clear_error(monkeypatch):
    monkeypatch.setattr(settings_module, "find_spec", lambda _: None)
    with pytest.raises(DataError, match=r"pip install 'palm-bayes\[numpyro\]'"):
        Settings(sampler="numpyro")
