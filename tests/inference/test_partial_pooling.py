"""What strategies of a task tell each other."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from palm_bayes.inference import partial_pooling as sharing
from palm_bayes.inference.partial_pooling import Curves, joined, levels_of, shared_noise
from palm_bayes.model.learned import shipped

APART = replace(shipped().misfit, apart=0.3, apart_width=0.5)
SILENT = replace(APART, apart=np.inf)


def curves(*gains, seed=0, draws=1000):
    """Log-normal gains around each of `gains`, of four chains; levels correlate with them."""
    rng = np.random.default_rng(seed)
    found = []
    for center, width in gains:
        log = center + width * rng.standard_normal((4, draws))
        found.append(Curves(np.exp(log) - 0.02, log + rng.standard_normal(log.shape)))
    return found


def taken(found, which):
    return [
        np.take_along_axis(one.gain, which[..., i], axis=1).ravel() for i, one in enumerate(found)
    ]


def log(gain):
    return np.log(gain + 0.02)


def test_without_sharing_draws_stay_and_levels_correlate_as_the_noise():
    found = curves((-2, 0.3), (-1, 0.3))
    which = joined(found, SILENT, 0.6, np.random.default_rng(1))
    for chain in range(4):
        for i in range(2):
            assert np.array_equal(np.sort(which[chain, :, i]), np.arange(1000))
    level = [
        np.take_along_axis(one.level, which[..., i], axis=1).ravel() for i, one in enumerate(found)
    ]
    assert stats.spearmanr(*level).statistic == pytest.approx(0.58, abs=0.04)


def test_a_vague_strategy_leans_on_the_others():
    found = curves((-2, 0.05), (-2, 0.05), (-1, 0.8))
    vague = taken(found, joined(found, APART, 0.0, np.random.default_rng(1)))[2]
    before = log(found[2].gain)
    assert log(vague).mean() < before.mean() - 0.3
    assert log(vague).std() < before.std()


def test_strategies_that_are_known_to_differ_stay_apart():
    found = curves((-3, 0.02), (-1, 0.02))
    one, other = taken(found, joined(found, APART, 0.0, np.random.default_rng(1)))
    assert log(one).mean() == pytest.approx(-3, abs=0.02)
    assert log(other).mean() == pytest.approx(-1, abs=0.02)


def test_it_is_the_posterior_of_the_hierarchy():
    """Against importance weights of independent draws, under the whole joint density."""
    found = curves((-2, 0.4), (-1.4, 0.5), (-1.8, 0.3), draws=5000)
    levels = levels_of([one.gain.ravel() for one in found], APART)
    densities = [levels.density(one.gain.ravel()) for one in found]
    # The sum over places of γ and ω, draw by draw, times the density of the places themselves.
    scales = np.unique(levels.scale)
    place = stats.norm.pdf(np.log(levels.scale / APART.apart) / APART.apart_width)
    assert len(scales) == 7
    weights = np.prod(densities, axis=0) @ place
    expected = [np.average(log(one.gain.ravel()), weights=weights) for one in found]
    which = joined(found, APART, 0.0, np.random.default_rng(1))
    got = [log(gain).mean() for gain in taken(found, which)]
    assert got == pytest.approx(expected, abs=0.02)
    pairs = np.average(
        log(found[0].gain.ravel()) * log(found[1].gain.ravel()), weights=weights
    ) - np.prod(expected[:2])
    one, other, _ = (log(gain) for gain in taken(found, which))
    assert np.cov(one, other)[0, 1] == pytest.approx(pairs, abs=0.01)


def test_seeds_reproduce():
    found = curves((-2, 0.4), (-1.4, 0.5))
    one, same, other = (joined(found, APART, 0.3, np.random.default_rng(s)) for s in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_gains_of_nothing_are_alike():
    flat = [Curves(np.zeros((2, 50)), np.zeros((2, 50)))] * 2
    which = joined(flat, APART, 0.0, np.random.default_rng(0))
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
