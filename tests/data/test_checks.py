"""What is odd about runs, though they can be fitted."""

import pandas as pd
import pytest

from palm_bayes.data.checks import oddities
from palm_bayes.data.readers import read_runs


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
    assert "Runs have 4 to 5 episodes and are all used in full; shorter ones in a, b." in said
    assert "Episodes are missing in runs of b." in said


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
