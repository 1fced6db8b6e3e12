"""The sampler's form of the model: the density of the model itself, by fewer operations."""

import numpy as np
import pytest

from palm_bayes.data.runs import Runs
from palm_bayes.model.build import build_model
from palm_bayes.model.one_strategy import build_pooled_model
from palm_bayes.model.priors import named_priors
from palm_bayes.model.steps import ends_of, pooled, steps_of
from palm_bayes.model.variables import observations


def uneven(example_runs):
    """Runs that miss episodes, end early and are labelled by unlike numbers."""
    table = example_runs.strategy("margin").table[["strategy", "repetition", "episode", "accuracy"]]
    table = table[(table["episode"] + table.groupby("repetition").ngroup()) % 5 > 0]
    last = table["repetition"] == table["repetition"].max()
    table = table[~last | (table["episode"] <= 7)]
    labels = 20 * table["episode"] + 3 * last[table.index]
    return Runs.from_frame(table.assign(labels=labels))


@pytest.mark.parametrize(
    ("priors", "region", "even"),
    [
        ("default", "all", True),
        ("default", "all", False),
        ("bounds", "rising", True),
        ("bounds", "step", False),
        ("bounds", "flat", False),
    ],
)
def test_density_and_gradient_are_those_of_the_model(example_runs, priors, region, even):
    runs = example_runs.strategy("margin") if even else uneven(example_runs)
    rows = pooled(observations(runs))
    assert len(steps_of(rows).lag) == 12 if even else len(steps_of(rows).lag) > 20
    theirs = build_model(runs, priors, region)
    ours = build_pooled_model(named_priors(priors), rows, region)
    functions = [
        (model.compile_logp(mode=mode), model.compile_dlogp(mode=mode))
        for model, mode in ((theirs, "FAST_COMPILE"), (ours, "FAST_COMPILE"), (ours, "NUMBA"))
    ]
    start = theirs.initial_point()
    for seed in range(3):
        rng = np.random.default_rng(seed)
        point = {name: value + 0.5 * rng.normal(size=value.shape) for name, value in start.items()}
        alone = {name: value[0] for name, value in point.items()}
        (logp, slope), *of_ours = functions
        for our_logp, our_slope in of_ours:
            assert our_logp(alone) == pytest.approx(float(logp(point)), rel=1e-9)
            np.testing.assert_allclose(our_slope(alone), slope(point), rtol=1e-7, atol=1e-6)


def test_steps_are_counted_once(example_runs):
    runs = example_runs.strategy("margin")
    data = observations(runs)
    steps = steps_of(pooled(data))
    np.testing.assert_array_equal(steps.x, np.arange(1, 13))
    np.testing.assert_array_equal(steps.place, np.arange(12))
    np.testing.assert_array_equal(steps.before, [0, *range(11)])
    np.testing.assert_array_equal(steps.lag, [0] + [1] * 11)
    np.testing.assert_array_equal(steps.accuracy, runs.table["accuracy"])
    np.testing.assert_array_equal(steps.step, runs.table["episode"] - 1)
    assert ends_of(pooled(data)) == tuple(float(end[0]) for end in data.ends)


def test_steps_that_differ_are_told_apart(example_runs):
    data = observations(uneven(example_runs))
    steps = steps_of(pooled(data))
    which = steps.step.astype(int)
    assert len(steps.lag) > len(steps.x) == len(np.unique(data.x))
    place, before = steps.place.astype(int), steps.before.astype(int)
    np.testing.assert_array_equal(steps.x[place[which]], data.x)
    going = data.lag > 0
    np.testing.assert_array_equal(before[which][going], which[:-1][going[1:]])
    np.testing.assert_array_equal(steps.takers, np.bincount(which))
    np.testing.assert_array_equal(steps.lag[which], data.lag)


def test_few_observations_are_packed_with_their_number(example_runs):
    runs = example_runs.strategy("margin").first(4)
    table = runs.table
    alone = Runs.from_frame(table[table["repetition"] == table["repetition"].iloc[0]])
    steps = steps_of(pooled(observations(alone)))
    assert [len(steps.x), len(steps.lag), len(steps.accuracy)] == [4, 4, 4]
