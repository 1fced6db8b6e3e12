"""What strategies of a task tell each other."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from palm_bayes.inference import partial_pooling as sharing
from palm_bayes.inference.partial_pooling import (
    Curves,
    hierarchy_and_weights,
    hierarchy_of,
    joined,
    shared_noise,
)
from palm_bayes.model.learned import shipped

POOLED = replace(
    shipped().misfit,
    between_gains=0.3,
    between_gains_width=0.5,
    between_levels=0.2,
    between_levels_width=0.5,
)
GAINS = replace(POOLED, between_levels=np.inf)
ALONE = replace(GAINS, between_gains=np.inf)


def curves(*gains, levels=None, seed=0, draws=1000):
    """Log-normal gains around each of `gains` (mean, sd), of four chains; normal `levels`."""
    rng = np.random.default_rng(seed)
    found = []
    for i, (center, width) in enumerate(gains):
        z, other = rng.standard_normal((2, 4, draws))
        level, spread = levels[i] if levels else (0, 1)
        # A curve that is higher now has less to gain.
        level = level + spread * (0.8 * other - 0.6 * z)
        found.append(Curves(np.exp(center + width * z) - 0.02, level))
    return found


def taken(found, which):
    """Log gains and levels of the chosen draws, by strategy."""
    return [
        tuple(
            np.take_along_axis(part, which[..., i], axis=1).ravel()
            for part in (log(one.gain), one.level)
        )
        for i, one in enumerate(found)
    ]


def log(gain):
    return np.log(gain + 0.02)


def test_without_pooling_all_draws_are_kept_and_levels_correlate_as_the_noise():
    found = curves((-2, 0.3), (-1, 0.3))
    which = joined(found, ALONE, 0.6, np.random.default_rng(1))
    for chain in range(4):
        for i in range(2):
            assert np.array_equal(np.sort(which[chain, :, i]), np.arange(1000))
    levels = [level for _, level in taken(found, which)]
    assert stats.spearmanr(*levels).statistic == pytest.approx(0.58, abs=0.04)


def test_a_vague_strategy_leans_on_the_others():
    found = curves((-2, 0.05), (-2, 0.05), (-1, 0.8), levels=((1, 0.02), (1, 0.02), (2, 0.8)))
    vague = taken(found, joined(found, POOLED, 0.0, np.random.default_rng(1)))[2]
    for after, before in zip(vague, (log(found[2].gain), found[2].level), strict=True):
        assert abs(after.mean() - before.mean()) > 0.3
        assert after.std() < before.std()


def test_strategies_that_are_known_to_differ_stay_as_they_are():
    found = curves((-3, 0.02), (-1, 0.02), levels=((1, 0.01), (3, 0.01)))
    one, other = taken(found, joined(found, POOLED, 0.0, np.random.default_rng(1)))
    assert [part.mean() for part in one] == pytest.approx([-3, 1], abs=0.02)
    assert [part.mean() for part in other] == pytest.approx([-1, 3], abs=0.02)


@pytest.mark.parametrize(("misfit", "correlation"), [(GAINS, 0), (POOLED, 0), (POOLED, 0.7)])
def test_it_is_the_posterior_of_the_hierarchy(misfit, correlation):
    """Against importance weights of independent draws, under the whole joint density."""
    found = curves(
        *((-2, 0.4), (-1.4, 0.5), (-1.8, 0.3)),
        levels=((1, 0.2), (1.3, 0.3), (1.1, 0.1)),
        draws=5000,
    )
    flat = [Curves(one.gain.ravel(), one.level.ravel()) for one in found]
    hierarchy = hierarchy_of(flat, misfit, 0)
    likely = np.ones(20000)
    for between, part in ((hierarchy.gains, "gain"), (hierarchy.levels, "level")):
        values = [getattr(one, part) for one in flat]
        each = [between.density(log(x) if part == "gain" else x) for x in values]
        likely *= np.prod(each, axis=0) @ np.exp(between.log_prior)
    if correlation:
        normal = np.stack(
            [stats.norm.ppf((one.level.argsort().argsort() + 0.5) / 20000) for one in flat]
        )
        matrix = np.full((3, 3), correlation) + (1 - correlation) * np.eye(3)
        joint = stats.multivariate_normal(np.zeros(3), matrix).logpdf(normal.T)
        likely *= np.exp(joint - stats.norm.logpdf(normal).sum(axis=0))
    expected = np.stack([x for one in flat for x in (log(one.gain), one.level)])
    which = joined(found, misfit, correlation, np.random.default_rng(1))
    got = np.stack([x for pair in taken(found, which) for x in pair])
    wanted = np.average(expected, axis=1, weights=likely)
    np.testing.assert_allclose(got.mean(axis=1), wanted, atol=0.02)
    np.testing.assert_allclose(np.cov(got), np.cov(expected, aweights=likely), atol=0.01)


def test_weights_are_those_of_the_draws_that_are_picked():
    found = curves((-2, 0.4), (-1.4, 0.5), levels=((1, 0.2), (1.3, 0.3)), draws=4000)
    flat = [Curves(one.gain.ravel(), one.level.ravel()) for one in found]
    _, of_each = hierarchy_and_weights(flat, POOLED, 0.5, [np.full(16000, 1 / 16000)] * 2)
    picked = taken(found, joined(found, POOLED, 0.5, np.random.default_rng(1)))
    for one, weights, (gain, level) in zip(flat, of_each, picked, strict=True):
        assert weights.sum() == pytest.approx(1)
        assert np.average(log(one.gain), weights=weights) == pytest.approx(gain.mean(), abs=0.02)
        assert np.average(one.level, weights=weights) == pytest.approx(level.mean(), abs=0.02)


def test_distant_strategies_leave_the_grid_fine_among_the_others():
    """Five strategies close together, one far below: the five are shrunk as if alone."""
    near = [(1 + 0.02 * i, 0.05) for i in range(5)]
    found = curves(*[(-2, 0.3)] * 6, levels=(*near, (-3, 0.05)))
    spread = [
        np.std([level.mean() for _, level in taken(some, which)[:5]])
        for some in (found, found[:5])
        for which in [joined(some, POOLED, 0.0, np.random.default_rng(1))]
    ]
    assert spread[0] == pytest.approx(spread[1], rel=0.35)
    assert spread[0] < np.std([center for center, _ in near])


def test_seeds_reproduce():
    found = curves((-2, 0.4), (-1.4, 0.5))
    one, same, other = (joined(found, POOLED, 0.3, np.random.default_rng(s)) for s in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_gains_of_nothing_are_alike():
    flat = [Curves(np.zeros((2, 50)), np.zeros((2, 50)))] * 2
    which = joined(flat, POOLED, 0.0, np.random.default_rng(0))
    assert which.min() >= 0
    assert which.max() < 50
    assert sharing.HORIZON == 2


def test_noise_is_shared_where_repetitions_rise_together(made_up):
    together = (0.10, 0.12, 0.16, 0.11, 0.14)
    shared = {"a": together, "b": tuple(x + 0.1 for x in together)}
    assert shared_noise(made_up.task(shared)) == 1
    assert shared_noise(made_up.task({"a": together, "b": tuple(0.3 - x for x in together)})) == 0
    assert shared_noise(made_up.task({"a": together[:2], "b": together[:2]})) == 0  # too few to say
    assert shared_noise(made_up.task({"a": together})) == 0
    assert shared_noise(made_up.task({"a": together, "b": (0.1,) * 5})) == 0  # b does not vary
