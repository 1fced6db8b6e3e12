"""The operation of the noise's log-likelihood: `noise.log_density` and its slopes."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palm_bayes import noise
from palm_bayes.likelihood import LogLikelihood, know_in_numba

know_in_numba()
RUNS = st.lists(
    st.lists(st.integers(1, 9), min_size=1, max_size=5, unique=True).map(sorted),
    min_size=1,
    max_size=4,
)
SHARE = st.one_of(st.just(0.0), st.floats(0, 0.95))


def compiled(mode):
    vectors, scalars = pt.dvectors("mean", "sd", "carried"), pt.dscalars("shared", "lasting")
    data = pt.dvectors("lag", "accuracy", "step")
    value, *slopes = LogLikelihood()(*vectors, *scalars, *data)
    by_gradient = pt.grad(3 * value, [*vectors, *scalars])
    return pytensor.function([*vectors, *scalars, *data], [value, *slopes, *by_gradient], mode=mode)


@pytest.fixture(scope="module")
def python():
    return compiled("FAST_COMPILE")


@pytest.fixture(scope="module")
def numba():
    return compiled("NUMBA")


def case(episodes, rho, seed):
    """Made-up inputs but the two shares, and what `noise.log_density` takes in addition."""
    lag = np.concatenate([np.diff(run, prepend=run[0]) for run in episodes]).astype(float)
    begins = noise.step_begins(noise.step_ends(np.concatenate(episodes), lag))
    _, at, step = np.unique(begins, return_index=True, return_inverse=True)
    first = np.maximum.accumulate(np.where(lag == 0, np.arange(len(lag)), 0))
    rng = np.random.default_rng(seed)
    mean, sd = rng.uniform(0.2, 0.9, len(at)), rng.uniform(0.005, 0.1, len(at))
    accuracy = mean[step] + 1.5 * sd[step] * rng.standard_normal(len(lag))
    curve = mean, sd, noise.carry(rho, lag[at])
    return curve, (lag[at], accuracy, step.astype(float)), (step, begins, first)


def log_density(curve, shared, lasting, data, places):
    step, begins, first = places
    mean, sd, carried = (part[step] for part in curve)
    terms = noise.log_density(data[1], mean, sd, carried, shared, lasting, begins, first)
    return float(terms.sum())


@settings(deadline=None)
@given(RUNS, st.floats(0, 0.95), SHARE, SHARE, st.integers(0, 2**31))
def test_value_is_that_of_the_definition(python, numba, runs, rho, shared, lasting, seed):
    curve, data, places = case(runs, rho, seed)
    expected = log_density(curve, shared, lasting, data, places)
    for function in (python, numba):
        value, *_ = function(*curve, shared, lasting, *data)
        assert float(value) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    "runs", [[[1, 2, 3]], [[4]], [[1, 2, 3, 4]] * 3, [[1, 2, 5], [1, 2, 3], [2, 6], [4]]]
)
@pytest.mark.parametrize("shared", [0.05, 0.6])
def test_slopes_are_those_of_differences(python, numba, runs, shared):
    curve, data, places = case(runs, 0.6, seed=3)
    given = [*curve, shared, 0.3]

    def at(which, of, by):
        moved = [np.array(part, dtype=float) for part in given]
        moved[which][of] += by
        *moved_curve, moved_shared, moved_lasting = moved
        return log_density(moved_curve, moved_shared[()], moved_lasting[()], data, places)

    expected = [np.zeros(np.shape(part)) for part in given]
    for which, slopes in enumerate(expected):
        for of in np.ndindex(slopes.shape):
            if which == 2 and data[0][of] == 0:
                continue  # to a run's first observation nothing is carried
            slopes[of] = (at(which, of, 1e-6) - at(which, of, -1e-6)) / 2e-6
    for function in (python, numba):
        _, *found = function(*given, *data)
        found[2][data[0] == 0] = found[7][data[0] == 0] = 0
        for ours, by_gradient, theirs in zip(found[:5], found[5:], expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-4)
            np.testing.assert_allclose(by_gradient, 3 * ours)


@pytest.mark.parametrize("shares", [(1.0, 0.3), (0.3, 1.0)])
def test_what_cannot_be_is_no_exception(python, numba, shares):
    curve, data, _ = case([[1, 2, 3], [1, 2]], 0.5, seed=1)
    for function in (python, numba):
        assert not np.isfinite(function(*curve, *shares, *data)[0])


def test_second_derivatives_are_refused():
    mean = pt.dvector("mean")
    value = LogLikelihood()(mean, mean + 1, mean * 0, pt.dscalar(), pt.dscalar(), *[mean] * 3)[0]
    slope = pt.grad(value, mean)
    with pytest.raises(NotImplementedError, match="no second derivatives"):
        pt.grad(slope.sum(), mean)
