"""The meta-analysis: against closed forms, another integration, and simulated truth."""

import numpy as np
import pytest
from scipy import stats

from palm_bayes.errors import DataError
from palm_bayes.evaluation.meta_analysis import LEAST_SD, PRIOR_TAU_SCALE, pooled


def test_equal_tasks_known_exactly_leave_no_spread():
    found = pooled(np.full(200, 0.3), np.full(200, 0.01))
    assert found.mean == pytest.approx(0.3, abs=0.002)
    assert found.tau < 0.005
    assert found.p_new > 0.999


def test_against_numerical_integration():
    """Mean, spread and P(new task > 0) from the joint density of μ and τ on a dense grid."""
    y, s = np.array([0.5, -0.1, 0.3, 0.2]), np.array([0.1, 0.2, 0.15, 0.3])
    found = pooled(y, s)
    mu, tau = np.linspace(-3, 3, 1200)[:, None], (np.arange(1500) + 0.5) / 500
    density = stats.norm.pdf(mu) * stats.halfnorm.pdf(tau, scale=PRIOR_TAU_SCALE)
    for effect, sd in zip(y, s, strict=True):
        density = density * stats.norm.pdf(effect, mu, np.hypot(sd, tau))
    density /= density.sum()
    helps = stats.norm.cdf(mu / tau)
    assert found.p_mean == pytest.approx(density[mu[:, 0] > 0].sum(), abs=1e-3)
    assert found.p_new == pytest.approx((density * helps).sum(), abs=1e-3)
    assert density[:, tau < found.tau].sum() == pytest.approx(0.5, abs=5e-3)
    cumulative = density.sum(axis=1).cumsum()
    assert found.lower == pytest.approx(np.interp(0.05, cumulative, mu[:, 0]), abs=5e-3)


def test_intervals_contain_the_simulated_truth():
    """Truths from the prior: 80 % intervals contain 80 % of them, of the mean and a new task."""
    rng = np.random.default_rng(0)
    inside, new_inside, helped, count = 0, 0, [], 400
    for _ in range(count):
        mu, tau = rng.standard_normal(), PRIOR_TAU_SCALE * abs(rng.standard_normal())
        s = rng.uniform(0.05, 0.4, rng.integers(2, 12))
        y = mu + np.hypot(tau, s) * rng.standard_normal(len(s))
        found = pooled(y, s, probability=0.8)
        new = mu + tau * rng.standard_normal()
        inside += found.lower < mu < found.upper
        new_inside += found.new_lower < new < found.new_upper
        helped.append((found.p_new, new > 0))
    error = np.sqrt(0.8 * 0.2 / count)
    assert abs(inside / count - 0.8) < 3 * error
    assert abs(new_inside / count - 0.8) < 3 * error
    p, happened = np.array(helped, float).T
    assert abs(np.sum(happened - p)) < 3 * np.sqrt(np.sum(p * (1 - p)))


def test_one_task_says_little_of_another():
    found = pooled([0.4], [0.01])
    assert found.new_upper - found.new_lower > 10 * (0.4 * 0.01)
    assert 0.5 < found.p_new < 0.99
    assert found.lower < 0.4 < found.upper


def test_an_effect_without_spread_is_not_taken_as_exact():
    assert pooled([0.1, 0.1], [0, 0]) == pooled([0.1, 0.1], [LEAST_SD, LEAST_SD])


@pytest.mark.parametrize("bad", [([], []), ([np.nan], [0.1]), ([0.1], [np.inf])])
def test_what_cannot_be_pooled(bad):
    with pytest.raises(DataError, match="there must be at least one, all finite"):
        pooled(*bad)
