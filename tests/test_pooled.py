"""The sampler's form of the model: the density of the model itself, by fewer operations."""

import numpy as np
import pytest

from palm_bayes.model import build_model, observations
from palm_bayes.pooled import build_pooled_model, pooled, unpooled
from palm_bayes.priors import named_priors
from palm_bayes.runs import Runs


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
    steps = pooled(observations(runs))
    assert steps.shape[1] == 12 if even else steps.shape[1] > 20
    theirs = build_model(runs, priors, region)
    ours = build_pooled_model(named_priors(priors), steps, region)
    functions = [
        (model.compile_logp(mode="FAST_COMPILE"), model.compile_dlogp(mode="FAST_COMPILE"))
        for model in (theirs, ours)
    ]
    start = theirs.initial_point()
    for seed in range(3):
        rng = np.random.default_rng(seed)
        point = {name: value + 0.5 * rng.normal(size=value.shape) for name, value in start.items()}
        alone = {name: value[0] for name, value in point.items()}
        (logp, slope), (our_logp, our_slope) = functions
        assert our_logp(alone) == pytest.approx(float(logp(point)), rel=1e-9)
        np.testing.assert_allclose(our_slope(alone), slope(point), rtol=1e-7, atol=1e-6)


def test_steps_are_counted_once(example_runs):
    runs = example_runs.strategy("margin")
    steps = unpooled(pooled(observations(runs)))
    np.testing.assert_array_equal(steps.x, np.arange(1, 13))
    np.testing.assert_array_equal(steps.x_before, [1, *range(1, 12)])
    np.testing.assert_array_equal(steps.lag, [0] + [1] * 11)
    wide = runs.table.pivot(index="repetition", columns="episode", values="accuracy").to_numpy()
    np.testing.assert_array_equal(steps.count, np.full((1, 12), len(wide)))
    np.testing.assert_allclose(steps.mean, [wide.mean(axis=0)])
    np.testing.assert_allclose(steps.mean_before, [[0, *wide.mean(axis=0)[:-1]]])
    np.testing.assert_allclose(steps.off, wide - wide.mean(axis=0))
    np.testing.assert_allclose(steps.square, wide.var(axis=0) * len(wide))


def test_groups_are_the_runs_that_take_the_same_steps(example_runs):
    runs = uneven(example_runs)
    steps = unpooled(pooled(observations(runs)))
    assert steps.taken.sum() == steps.count.sum() == len(runs.table)
    paths = {tuple(run) for run in steps.taken}
    assert len(steps.count) == len(paths) > 1
    assert {tuple(group > 0) for group in steps.count} == paths
    assert (steps.off[steps.taken == 0] == 0).all()
