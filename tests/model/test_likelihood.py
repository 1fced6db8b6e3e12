"""The operation of the noise's log-likelihood: `noise.log_density` and its slopes."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palm_bayes.model import noise
from palm_bayes.model.likelihood import LogLikelihood, know_in_numba

know_in_numba()
RUNS = st.lists(
    st.lists(st.integers(1, 9), min_size=1, max_size=5, unique=True).map(sorted),
    min_size=1,
    max_size=4,
)
SHARE = st.one_of(st.just(0.0), st.floats(0, 0.95))


def compiled(mode):
    curve = *pt.dvectors("mean", "sd", "carried", "weight"), pt.dscalar("shared")
    data = pt.dvectors("lag", "place", "accuracy", "step")
    value, *slopes = LogLikelihood()(*curve, *data)
    by_gradient = pt.grad(3 * value, curve)
    return pytensor.function([*curve, *data], [value, *slopes, *by_gradient], mode=mode)


@pytest.fixture(scope="module")
def python():
    return compiled("FAST_COMPILE")


@pytest.fixture(scope="module")
def numba():
    return compiled("NUMBA")


def case(episodes, rho, lasts, seed):
    """Made-up inputs but the share, what else `noise.log_density` takes, and its terms."""
    lag = np.concatenate([np.diff(run, prepend=run[0]) for run in episodes]).astype(float)
    steps = noise.step_ends(np.concatenate(episodes), lag)
    begins = noise.place_begins(steps[:, :1])
    _, at, step = np.unique(steps, axis=0, return_index=True, return_inverse=True)
    place = np.unique(steps[at, 0], return_inverse=True)[1].astype(float)
    first = np.maximum.accumulate(np.where(lag == 0, np.arange(len(lag)), 0))
    rng = np.random.default_rng(seed)
    mean, sd = rng.uniform(0.2, 0.9, len(at)), rng.uniform(0.005, 0.1, 10)
    now, before = (sd[steps[at, i].astype(int)] for i in (0, 1))  # the same at an x in all runs
    accuracy = mean[step] + 1.5 * now[step] * rng.standard_normal(len(lag))
    carried = noise.carry(rho, lag[at])
    weight = noise.telling(lasts, now, before, carried)

    def log_density(shared):
        of = (part[step] for part in (mean, now, carried))
        return noise.log_density(accuracy, *of, shared, lasts, begins, first).sum()

    data = lag[at], place, accuracy, step.astype(float)
    return (mean, now, carried, weight), data, log_density


@settings(deadline=None)
@given(RUNS, st.floats(0, 0.95), SHARE, st.floats(0, 0.1), st.integers(0, 2**31))
def test_value_is_that_of_the_definition(python, numba, runs, rho, shared, lasts, seed):
    curve, data, log_density = case(runs, rho, lasts, seed)
    for function in (python, numba):
        value, *_ = function(*curve, shared, *data)
        assert float(value) == pytest.approx(log_density(shared), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    "runs", [[[1, 2, 3]], [[4]], [[1, 2, 3, 4]] * 3, [[1, 2, 5], [1, 2, 3], [2, 6], [4]]]
)
@pytest.mark.parametrize("shared", [0.05, 0.6])
def test_slopes_are_those_of_differences(python, numba, runs, shared):
    curve, data, _ = case(runs, 0.6, 0.05, seed=3)
    given = [*curve, shared]

    def at(which, of, by):
        moved = [np.array(part, dtype=float) for part in given]
        moved[which][of] += by
        return float(python(*moved, *data)[0])

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


def test_what_cannot_be_is_no_exception(python, numba):
    curve, data, _ = case([[1, 2, 3], [1, 2]], 0.5, 0.05, seed=1)
    for function in (python, numba):
        assert not np.isfinite(function(*curve, 1.0, *data)[0])


def test_second_derivatives_are_refused():
    mean = pt.dvector("mean")
    value = LogLikelihood()(mean, mean + 1, mean * 0, mean, pt.dscalar(), *[mean] * 4)[0]
    slope = pt.grad(value, mean)
    with pytest.raises(NotImplementedError, match="no second derivatives"):
        pt.grad(slope.sum(), mean)
