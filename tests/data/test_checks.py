"""What is odd about runs, though they can be fitted."""

import numpy as np
import pandas as pd
import pytest

from palm_bayes.data.checks import growing_gain, oddities
from palm_bayes.reading.read import read_runs


def run_of(strategy="margin", repetition="1", n=5):
    """A plain rising run."""
    episodes = range(1, n + 1)
    columns = {"episode": episodes, "accuracy": [0.7 - 0.4 * 0.6**e for e in episodes]}
    frame = pd.DataFrame(columns).assign(strategy=strategy, repetition=repetition)
    return frame.assign(labels=20 * frame["episode"])


def shaped(curve, repetition="1", strategy="margin"):
    return run_of(strategy, repetition, n=len(curve)).assign(accuracy=curve)


@pytest.mark.parametrize(
    ("curve", "part"),
    [
        ([0.8, 0.801, 0.799, 0.8, 0.801, 0.8], "Flat from the start (margin)"),
        ([0.8, 0.78, 0.77, 0.75, 0.74, 0.72], "Ends below its start (margin)"),
        (
            [0.5, 0.6, 0.62, 0.63, 0.31, 0.64, 0.65, 0.66],
            "Sudden drops (largest: margin repetition 1, episode 5 by 0.32)",
        ),
    ],
)
def test_odd_shapes_are_told(curve, part):
    said = oddities(read_runs(shaped(curve)))
    assert sum(part in line for line in said) == 1
    assert len(said) == 2  # one repetition, this


def test_ordinary_runs_are_not_odd():
    frame = pd.concat([run_of(s, r) for s in "ab" for r in ("1", "2")])
    assert oddities(read_runs(frame)) == []


def test_uneven_sizes_are_told_by_strategy():
    frame = pd.concat(
        [run_of("a", "1"), run_of("a", "2", n=4), run_of("b", "1"), run_of("b", "3")[1:]]
    )
    said = " ".join(oddities(read_runs(pd.concat([frame, run_of("c")]))))
    assert "One repetition (c)" in said
    assert "Strategies differ in repetitions (a 2, b 2, c 1)" in said
    assert "Runs have 4 to 5 episodes, and all are used. Shorter runs: a, b." in said
    assert "Episodes are missing in runs of: b." in said


@pytest.mark.parametrize("seen", [1, 3, 5])
def test_a_repetition_that_has_just_begun_does_not_change_what_is_said(seen):
    frame = pd.concat([run_of("a", "1", n=12), run_of("a", "2", n=seen)])
    (line,) = oddities(read_runs(frame))
    assert line.startswith(f"Runs have {seen} to 12 episodes")


def test_a_flat_curve_is_told_beside_a_repetition_that_has_just_begun():
    curve = [0.8, 0.801, 0.799, 0.8, 0.801, 0.8]
    said = " ".join(oddities(read_runs(pd.concat([shaped(curve), shaped(curve[:1], "2")]))))
    assert "Flat from the start (margin)" in said


@pytest.mark.parametrize("factor", [0.1, 1.0])
@pytest.mark.parametrize(
    "curve",
    [
        [0.8, 0.801, 0.799, 0.8, 0.801, 0.8],
        [0.8, 0.78, 0.77, 0.75, 0.74, 0.72],
        [0.5, 0.6, 0.62, 0.63, 0.31, 0.64, 0.65, 0.66],
        [0.23, 0.28, 0.325, 0.37],
    ],
)
def test_the_scale_of_the_scores_changes_nothing_that_is_said(curve, factor):
    def said(by):
        lines = oddities(read_runs(shaped([by * accuracy for accuracy in curve])))
        return [line.split(", episode")[0] for line in lines]  # without the size of a drop

    assert said(factor) == said(0.5)


def test_scores_that_fall_may_be_error_rates():
    curves = pd.concat([shaped([0.5, 0.42, 0.36, 0.31, 0.27, 0.25], s, "1") for s in "12"])
    (line,) = [line for line in oddities(read_runs(curves)) if "Ends below" in line]
    assert line.endswith("lower_is_better=True (--lower-is-better) reads them.")
    turned = oddities(read_runs(curves, lower_is_better=True))
    assert not any("Ends" in line for line in turned)


EPISODES = np.arange(1.0, 11)
S_SHAPES = {
    "logistic": 0.3 + 0.6 / (1 + np.exp(-(EPISODES - 9) / 3)),
    "steep": 0.1 + 0.8 / (1 + np.exp(-(EPISODES - 10) / 1.5)),
    "quadratic": 0.2 + 0.0017 * EPISODES**2,
}
OTHERS = {
    "palm": 0.9 * (1 - 0.8 * np.exp(-0.25 * EPISODES)),
    "linear": 0.3 + 0.03 * EPISODES,
    "flat": np.full(10, 0.8),
    "falling": 0.8 - 0.03 * EPISODES,
}


def simulated(curve, repetitions, seed, scale=1.0):
    noise = np.random.default_rng(seed).normal(0, 0.008, (repetitions, len(curve)))
    return read_runs(
        pd.concat([shaped(scale * (curve + row), str(i)) for i, row in enumerate(noise)])
    )


@pytest.mark.parametrize("scale", [0.1, 1.0])
@pytest.mark.parametrize("name", S_SHAPES)
def test_a_gain_that_grows_is_found_at_any_scale(name, scale):
    curve = S_SHAPES[name]
    for seed in range(10):
        found = growing_gain(simulated(curve, 3, seed, scale))
        assert found is not None
        last, early, late = found
        gain = curve[last - 1] - curve[0]
        assert early + late == pytest.approx(scale * gain, abs=0.1 * scale)
        assert late > early


@pytest.mark.parametrize(("turn", "width"), [(5, 1), (6, 1), (6, 1.5), (7, 1)])
def test_a_gain_that_grew_at_first_is_found_when_the_curve_has_turned(turn, width):
    curve = 0.1 + 0.8 / (1 + np.exp(-(np.arange(1, 13) - turn) / width))
    for seed in range(10):
        last, early, late = growing_gain(simulated(curve, 3, seed))
        assert turn < last <= turn + 4
        assert late > early > 0


@pytest.mark.parametrize("repetitions", [1, 3])
@pytest.mark.parametrize("name", OTHERS)
def test_other_curves_are_hardly_ever_said_to_grow_faster(name, repetitions):
    found = [growing_gain(simulated(OTHERS[name], repetitions, seed)) for seed in range(60)]
    assert sum(gains is not None for gains in found) <= 3  # 1 of 200 expected


def test_gains_are_those_of_the_quadratic_function():
    runs = read_runs(shaped(0.2 + 0.01 * np.arange(5.0) ** 2))
    assert growing_gain(runs) == pytest.approx((5, 0.04, 0.12))


def test_gains_of_three_episodes_or_one_place_are_unknown():
    far = shaped([0.2, 0.2, 0.2, 0.9]).assign(labels=[1, 2, 3, 10**12])
    assert growing_gain(read_runs(far)) is None
    short = shaped([0.2, 0.3, 0.5, 0.9])
    assert growing_gain(read_runs(short).first(3)) is None
