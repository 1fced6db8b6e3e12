"""The noise: its spread, its log-density against a dense normal, and its simulation."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import block_diag
from scipy.stats import multivariate_normal, norm

from palm_bayes.model import noise


def number(low, high):
    return st.floats(low, high, allow_nan=False, exclude_min=True, exclude_max=True)


def lags_of(episodes):
    """Lags of runs, given by their episodes, laid end to end."""
    return np.concatenate([np.diff(run, prepend=run[0]) for run in episodes])


def place_of(episodes):
    return noise.place_begins(np.concatenate(episodes)[:, None])


def first_of(episodes):
    """Where the run of each observation begins."""
    lengths = [len(run) for run in episodes]
    return np.repeat(np.cumsum([0, *lengths[:-1]]), lengths)


def within(run, rho, lasts, sd):
    passing = rho ** np.abs(np.subtract.outer(run, run)).astype(float)
    return lasts**2 + np.outer(sd, sd) * passing


def covariance(episodes, rho, shared, lasts, sd):
    """Dense: what is new in a run correlates with what is new in others at the same x."""
    place = place_of(episodes)
    together = np.where(place[:, None] == place, shared, 0.0)
    np.fill_diagonal(together, 1.0)
    ends = np.cumsum([len(run) for run in episodes])[:-1]
    runs = zip(episodes, np.split(sd, ends), strict=True)
    back = block_diag(*(np.linalg.cholesky(within(run, rho, lasts, its)) for run, its in runs))
    return back @ together @ back.T


EPISODES = [np.array([1, 2, 3, 4, 5]), np.array([2, 3, 7, 8]), np.array([4]), np.array([1, 9])]


@given(x=number(1, 30), sd=number(1e-4, 1), ratio=number(0.1, 100), lasting=number(0, 1))
def test_noise_is_what_lasts_and_what_passes(x, sd, ratio, lasting):
    at = np.array([x, 1.0, 10.0])
    u = 0.4 * at**0.6
    declines = noise.decline(u, at)
    passes = noise.transient_sd(declines, declines[1], declines[2], sd, ratio, lasting)
    kept = noise.offset_sd(sd, lasting)
    assert np.hypot(kept, passes[2]) == pytest.approx(np.hypot(sd, 1e-4))  # at x_last
    gap = (np.exp(-u) + np.exp(-8)) / np.sqrt(at)  # less is not seen, and labels count too
    fall = np.log((gap[1] + gap[2]) / (2 * gap[2]))
    power = np.log((gap + gap[2]) / (2 * gap[2])) / np.hypot(fall, 0.2)
    shrinks = (1 - lasting) * ratio ** (2 * np.clip(power, -1, 1))
    expected = np.sqrt(sd**2 * (shrinks + 0.15 * lasting) + 1e-8)  # the last is rounding
    np.testing.assert_allclose(passes, expected, rtol=1e-9)


def test_passing_noise_at_its_limits():
    declines = np.linspace(0, 20, 41)
    alike = noise.transient_sd(declines, 0.5, 4.0, 0.02, 1.0, 0.0)
    np.testing.assert_allclose(alike, np.hypot(0.02, 1e-4))
    falls = noise.transient_sd(declines, 0.5, 8.0, 0.02, 10.0, 0.0)
    assert np.all(np.diff(falls) <= 0)
    assert falls[-1] == pytest.approx(0.02 * 10 ** (-np.log(2) / (7.5 - np.log(2))), rel=0.01)
    assert falls[1] == pytest.approx(0.2, rel=0.01)
    assert falls[0] < 0.2001  # before the data it is as at their start
    straight = noise.transient_sd(declines, 0.5, 0.6, 0.02, 10.0, 0.0)
    at_most = np.hypot(0.002, 1e-4)  # past the data it shrinks at most once more
    assert straight[-1] == pytest.approx(at_most)


def test_noise_falls_with_labels_where_no_gap_is_seen():
    """The form of a curve that is saturated from the start is not told by its noise."""
    x = np.array([1.0, 4.0, 16.0])
    for u in (np.full(3, 12.0), np.array([12.0, 1e3, 1e43])):
        np.testing.assert_allclose(np.diff(noise.decline(u, x)), np.log(2), atol=0.02)
    rising = noise.decline(np.array([0.5, 1.0, 1.5]), x)
    np.testing.assert_allclose(np.diff(rising), 0.5 + np.log(2), atol=0.01)


def test_autocorrelation():
    np.testing.assert_allclose(
        noise.autocorrelation(0.5, np.array([0, 1, 2, 4])), [0, 0.5, 0.25, 0.0625]
    )
    np.testing.assert_array_equal(noise.autocorrelation(0.0, np.array([0.0, 1.0])), [0, 0])
    np.testing.assert_array_equal(noise.autocorrelation(1.0, np.array([0.0, 3.0])), [0, 1])
    assert noise.autocorrelation(np.full((3, 1), 0.4), np.array([0, 1])).shape == (3, 2)


@given(
    st.lists(
        st.lists(st.integers(1, 12), min_size=1, max_size=6, unique=True).map(sorted),
        min_size=1,
        max_size=4,
    ),
    number(0, 0.95),
    number(0, 0.9),
    number(0, 0.1),
    st.integers(0, 2**31),
)
def test_log_density_is_that_of_a_dense_normal(episodes, rho, shared, lasts, seed):
    episodes = [np.array(run) for run in episodes]
    lags = lags_of(episodes)
    rng = np.random.default_rng(seed)
    mean, sd = rng.uniform(0.2, 0.9, len(lags)), rng.uniform(0.005, 0.1, len(lags))
    y = mean + sd * rng.standard_normal(len(lags)) * 1.5
    places = place_of(episodes), first_of(episodes)
    terms = noise.log_density(y, mean, sd, noise.autocorrelation(rho, lags), shared, lasts, *places)
    dense = multivariate_normal(mean, covariance(episodes, rho, shared, lasts, sd)).logpdf(y)
    assert terms.shape == y.shape
    assert terms.sum() == pytest.approx(dense, rel=1e-8, abs=1e-6)


def test_runs_that_go_the_same_way_have_the_shared_correlation():
    both = covariance([np.array([1, 2, 4])] * 2, 0.5, 0.3, 0.2, np.ones(6))
    np.testing.assert_allclose(both[:3, 3:], 0.3 * both[:3, :3])


def test_terms_without_autocorrelation_are_normal():
    y, mean, sd = np.array([0.1, 0.4, 0.3]), np.array([0.2, 0.3, 0.3]), np.array([0.1, 0.2, 0.05])
    alone = np.arange(3)
    terms = noise.log_density(y, mean, sd, np.zeros(3), 0.4, 0.0, alone, alone)
    np.testing.assert_allclose(terms, norm(mean, sd).logpdf(y))


def test_a_terms_condition_is_the_observation_before_it():
    lags = lags_of(EPISODES)
    mean, sd = np.full(len(lags), 0.5), np.full(len(lags), 0.1)
    y = mean.copy()
    given = noise.autocorrelation(0.6, lags), 0.0, 0.0, place_of(EPISODES), first_of(EPISODES)
    usual = noise.log_density(y, mean, sd, *given)
    y[1] += 0.1  # moves its own term and the next one's, which comes one episode later
    changed = noise.log_density(y, mean, sd, *given) != usual
    np.testing.assert_array_equal(np.flatnonzero(changed), [1, 2])
    y = mean.copy()
    y[4] += 0.1  # the last one of its run
    changed = noise.log_density(y, mean, sd, *given) != usual
    np.testing.assert_array_equal(np.flatnonzero(changed), [4])
    y = mean.copy()
    y[1] += 0.1  # of which a part lasts: all later terms of the run
    given = noise.autocorrelation(0.6, lags), 0.0, 0.07, place_of(EPISODES), first_of(EPISODES)
    changed = noise.log_density(y, mean, sd, *given) != noise.log_density(mean, mean, sd, *given)
    np.testing.assert_array_equal(np.flatnonzero(changed), [1, 2, 3, 4])


def test_log_density_takes_draws_as_leading_dims():
    lags = lags_of(EPISODES)
    rng = np.random.default_rng(3)
    rho = rng.uniform(0, 0.9, (2, 3, 1))
    mean, sd = rng.uniform(0.2, 0.8, (2, 3, len(lags))), rng.uniform(0.01, 0.1, (2, 3, len(lags)))
    y = rng.uniform(0.2, 0.8, len(lags))
    shares = rng.uniform(0, 0.9, (2, 2, 3, 1))
    places = place_of(EPISODES), first_of(EPISODES)
    together = noise.log_density(y, mean, sd, noise.autocorrelation(rho, lags), *shares, *places)
    assert together.shape == (2, 3, len(lags))
    one = (part[1, 2] for part in (mean, sd, noise.autocorrelation(rho, lags), *shares))
    alone = noise.log_density(y, *one, *places)
    np.testing.assert_allclose(together[1, 2], alone)


def test_pytensor_gives_the_numbers_of_numpy():
    lags = lags_of(EPISODES)
    rng = np.random.default_rng(4)
    values = [rng.uniform(0.1, 0.9, len(lags)) for _ in range(3)] + [
        noise.autocorrelation(0.7, lags)
    ]
    values += [np.full(len(lags), 0.3), np.full(len(lags), 0.4)]
    places = place_of(EPISODES), first_of(EPISODES)
    inputs = [pt.dvector(name) for name in ("y", "mean", "sd", "carried", "shared", "lasts")]
    outputs = [noise.log_density(*inputs, *places, xp=pt), noise.transient_sd(*inputs, xp=pt)]
    density, spread = pytensor.function(inputs, outputs, mode="FAST_COMPILE")(*values)
    np.testing.assert_allclose(density, noise.log_density(*values, *places), rtol=1e-12)
    np.testing.assert_allclose(spread, noise.transient_sd(*values), rtol=1e-12)


@pytest.mark.parametrize(("rho", "lasts"), [(0.0, 0.0), (0.4, 0.05), (0.95, 0.02)])
def test_simulated_runs_have_the_moments_of_the_density(rho, lasts):
    lags = lags_of(EPISODES)
    mean, sd = np.linspace(0.3, 0.9, len(lags)), np.linspace(0.08, 0.01, len(lags))
    shape, rng = (40_000, len(lags)), np.random.default_rng(5)
    common = rng.standard_normal(shape)[:, place_of(EPISODES)]
    fresh = noise.mixed(common, rng.standard_normal(shape), 0.6)
    given = mean, sd, noise.autocorrelation(rho, lags)
    draws = noise.simulate(*given, lasts, fresh, first=first_of(EPISODES))
    expected = covariance(EPISODES, rho, 0.6, lasts, sd)
    total = np.sqrt(np.diag(expected))
    residuals = (draws - mean) / total
    # A mean of 40,000 has a standard error of 0.005, a correlation of at most that: five of them.
    np.testing.assert_allclose(residuals.mean(axis=0), 0, atol=0.025)
    np.testing.assert_allclose(np.cov(residuals.T), expected / np.outer(total, total), atol=0.04)
