"""The predictive check: silent where PALM describes a curve, and in words where it does not."""

import re

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from palm_bayes.data.runs import Runs
from palm_bayes.inference.predictive_check import _highest_mean, _seen_and_drawn, check
from palm_bayes.model import curve, noise

CURVE = {"A_max": 0.9, "delta": 0.3, "alpha": 0.5, "beta": 0.6}
NOISE = {"noise": 0.006, "noise_ratio": 2.5, "rho": 0.4, "shared": 0.1, "lasting": 0.3}
EPISODES, REPETITIONS = 20, 5


def noisy(seed=0, strategies=("a",), repetitions=REPETITIONS, shared=NOISE["shared"]):
    """Runs on the curve, with the noise that the posterior says."""
    rng = np.random.default_rng(seed)
    x = np.arange(1.0, EPISODES + 1)
    shape = list(CURVE.values())[1:]
    declines = (
        noise.decline(-np.log(1 - curve.accuracy(at, 1.0, *shape)), at) for at in (x, x[0], x[-1])
    )
    sd = noise.transient_sd(*declines, NOISE["noise"], NOISE["noise_ratio"], NOISE["lasting"])
    lasts = noise.offset_sd(NOISE["noise"], NOISE["lasting"])
    carried = noise.autocorrelation(NOISE["rho"], np.diff(x, prepend=1.0))
    mean = curve.accuracy(x, **CURVE)
    rows = []
    for strategy in strategies:
        common = rng.standard_normal(EPISODES)
        for repetition in range(repetitions):
            fresh = noise.mixed(common, rng.standard_normal(EPISODES), shared)
            run = noise.simulate(mean, sd, carried, lasts, fresh, np.zeros(EPISODES))
            rows += [(strategy, str(repetition), e + 1, y) for e, y in enumerate(run)]
    return pd.DataFrame(rows, columns=["strategy", "repetition", "episode", "accuracy"])


def trace_of(runs, draws=300, **other):
    """A posterior close around the truth, but for `other` parameters of the noise."""
    rng = np.random.default_rng(9)
    shape = (2, draws, len(runs.strategies))
    log_u = curve.log_u_first(CURVE["delta"], CURVE["alpha"], CURVE["beta"], 1.0)
    vector = np.array([CURVE["A_max"], log_u, CURVE["alpha"], CURVE["beta"]])
    dims = ("chain", "draw", "strategy")
    posterior = xr.Dataset(
        {
            "curve": ((*dims, "parameter"), vector + 0.001 * rng.standard_normal((*shape, 4))),
            **{name: (dims, np.full(shape, value)) for name, value in (NOISE | other).items()},
        },
        {"strategy": list(runs.strategies), "parameter": list(curve.COORDINATES)},
    )
    return xr.DataTree.from_dict({"posterior": posterior})


def found(frame):
    runs = Runs.from_frame(frame)
    return check(trace_of(runs), runs)


def test_runs_of_the_model_pass():
    passed = [found(noisy(seed)).passed for seed in range(30)]
    assert sum(passed) >= 28


def test_noise_that_hides_the_rise_is_told():
    """As where accuracies stop changing: the posterior is far from the early means."""
    runs = Runs.from_frame(noisy())
    (finding,) = check(trace_of(runs, noise_ratio=300), runs).table["finding"]
    assert finding.startswith("its noise would have a standard deviation of 1")
    assert "more than any score can have, and the curve lies up to " in finding
    assert check(trace_of(runs, noise_ratio=40), runs).passed


def test_one_run_unlike_nine_is_named():
    frame = noisy(3, repetitions=10)
    off = frame["repetition"] == "9"
    frame.loc[off, "accuracy"] += 0.12
    finding = check_wide(frame)
    assert "repetition 9 differs by more than" in finding
    assert "from all others throughout" in finding


def check_wide(frame):
    """Check with a noise that has taken the run in, as that of a fit does."""
    runs = Runs.from_frame(frame)
    trace = trace_of(runs)
    posterior = trace["posterior"].to_dataset()
    posterior["noise"] = posterior["noise"] * 6
    posterior["lasting"] = posterior["lasting"] * 0 + 0.9
    trace["posterior"] = xr.DataTree(posterior)
    return check(trace, runs).table["finding"].iloc[0]


@pytest.mark.parametrize("repetitions", [1, 2])
def test_few_repetitions_of_the_model_pass(repetitions):
    passed = [found(noisy(seed, repetitions=repetitions)).passed for seed in range(15)]
    assert sum(passed) >= 14


@pytest.mark.parametrize(("repetitions", "ragged"), [(2, False), (5, True), (10, False)])
@pytest.mark.parametrize("shared", [0.0, 0.3, 0.6])
def test_noise_in_common_is_no_misfit(shared, repetitions, ragged):
    """Of data from the model itself one in fifty is flagged; without common noise 3 to 64 %."""
    flagged = 0
    for seed in range(25):
        frame = noisy(seed, repetitions=repetitions, shared=shared)
        if ragged:
            frame = frame[frame["episode"] <= EPISODES - 4 * (frame["repetition"].astype(int) % 2)]
        runs = Runs.from_frame(frame)
        flagged += not check(trace_of(runs, shared=shared), runs).passed
    assert flagged <= 3


def falls(episode):
    return -0.012 * np.maximum(episode - 10, 0)


def jumps(episode):
    return np.where(episode > 8, 0.0, -0.08)


def stays_off(episode):
    return np.where((episode > 9) & (episode < 15), 0.02, 0.0)


def with_labels(frame, apart):
    """Batches of 100 labels; each repetition has `apart` labels more than the one before."""
    return frame.assign(labels=100 * frame["episode"] + apart * frame["repetition"].astype(int))


@pytest.mark.parametrize(
    ("change", "p", "words"),
    [
        (falls, "p_fall", "below its earlier maximum"),
        (jumps, "p_rise", "more than expected between episodes 8 and 9"),
        (stays_off, "p_bend", "from PALM's curve from episode 1"),
    ],
)
def test_what_palm_does_not_do(change, p, words):
    frame = noisy()
    verdict = found(frame.assign(accuracy=frame["accuracy"] + change(frame["episode"])))
    assert not verdict.passed
    row = verdict.table.loc["a"]
    assert row[p] < 0.005
    assert words in row["finding"]
    (sentence,) = verdict.sentences
    assert sentence.endswith("; do not trust its forecast.")
    assert sentence.startswith("a: PALM does not describe this curve")
    assert row["finding"] in sentence


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (falls, "at episode 20 it is"),
        (jumps, "between episodes 8 and 9"),
        (stays_off, "from PALM's curve from episode 1"),
    ],
)
def test_places_are_those_of_the_model_where_labels_differ_slightly(change, words):
    """As where duplicates are dropped from the batches."""
    frame = noisy()
    frame = frame.assign(accuracy=frame["accuracy"] + change(frame["episode"]))
    apart, same = (found(with_labels(frame, n)).table.loc["a", "finding"] for n in (1, 0))
    assert words in apart
    episodes = re.compile(r"episodes? \d+(?: (?:to|and) \d+)?")
    assert episodes.findall(apart) == episodes.findall(same)


def test_the_highest_mean_is_over_repetitions_where_labels_differ_slightly():
    frame = noisy()
    runs = Runs.from_frame(with_labels(frame, apart=1))
    seen, _ = _seen_and_drawn(trace_of(runs)["posterior"].to_dataset().isel(strategy=0), runs)
    highest = _highest_mean(seen)
    assert highest == pytest.approx(frame.groupby("episode")["accuracy"].mean().max())
    assert highest < frame["accuracy"].max() - 0.002


def test_a_fall_that_noise_in_common_would_explain_is_no_palm_curve():
    """All repetitions fall alike, and the posterior says that they share most of the noise."""
    frame = noisy(shared=0.9)
    fallen = frame.assign(accuracy=0.9 - 0.012 * frame["episode"] + 0.1 * (frame["accuracy"] - 0.8))
    runs = Runs.from_frame(fallen)
    wide = trace_of(runs, shared=0.9)
    wide["posterior"]["noise"] = wide["posterior"]["noise"] + 0.2
    verdict = check(wide, runs)
    assert not verdict.passed
    assert "it ends below its start" in verdict.table.loc["a", "finding"]


def test_one_unstable_repetition():
    frame = noisy()
    bad = (frame["repetition"] == "3") & (frame["episode"] == 14)
    verdict = found(frame.assign(accuracy=frame["accuracy"] - 0.2 * bad))
    assert "repetition 3 deviates by" in verdict.table.loc["a", "finding"]
    assert "at episode 14" in verdict.table.loc["a", "finding"]


def test_what_is_too_small_to_matter_passes():
    """However sure it is: ten repetitions with hardly any noise, a fall of half a point."""
    frame = noisy()
    quiet = frame.groupby("episode")["accuracy"].transform("mean") * 0.2
    quiet += 0.8 * curve.accuracy(frame["episode"].to_numpy(float), **CURVE)
    small = found(frame.assign(accuracy=quiet - 0.0005 * np.maximum(frame["episode"] - 10, 0)))
    assert small.passed


def test_strategies_are_judged_one_by_one():
    frame = noisy(strategies=("a", "b"))
    fallen = falls(frame["episode"]) * (frame["strategy"] == "b")
    verdict = found(frame.assign(accuracy=frame["accuracy"] + fallen))
    assert verdict.table["passed"].to_dict() == {"a": True, "b": False}
    assert verdict.table.loc["a", "finding"] == "as PALM describes"
    assert len(verdict.sentences) == 1


def test_a_real_fit_passes(fit):
    assert fit.predictive_check.passed
    assert fit.predictive_check is fit.predictive_check
    assert list(fit.predictive_check.table.index) == list(fit.runs.strategies)


def test_a_gain_that_grows_is_no_palm_curve_even_if_noise_covers_it():
    frame = noisy()
    x = frame["episode"]
    curved = frame.assign(accuracy=0.2 + 0.0015 * x**2 + 0.1 * (frame["accuracy"] - 0.8))
    runs = Runs.from_frame(curved)
    wide = trace_of(runs)
    wide["posterior"]["noise"] = wide["posterior"]["noise"] + 0.5
    (sentence,) = check(wide, runs).sentences
    assert "up to episode 20 its gain grows, 1" in sentence
    assert "points over the first half of the labels, " in sentence
