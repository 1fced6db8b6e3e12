"""The operation of the log-likelihood: `noise.log_density` along a curve, and its slopes."""

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from palm_bayes.model import curve, noise
from palm_bayes.model.likelihood import LogLikelihood, register_in_numba
from palm_bayes.model.likelihood_passes import Parameters
from palm_bayes.model.steps import pooled
from palm_bayes.model.variables import Ends, Observations

register_in_numba()
RUNS = st.lists(
    st.lists(st.integers(1, 9), min_size=1, max_size=5, unique=True).map(sorted),
    min_size=1,
    max_size=4,
)
PARAMETERS = st.builds(
    Parameters,
    A_max=st.floats(0.3, 1),
    log_u=st.floats(-3, 2),
    alpha=st.floats(-0.5, 20),
    beta=st.floats(0.05, 4),
    spread=st.floats(0.001, 0.1),
    ratio=st.floats(0.3, 20),
    rho=st.floats(0, 0.95),
    shared=st.one_of(st.just(0.0), st.floats(0, 0.95)),
    lasting=st.floats(0.001, 0.95),
)
USUAL = Parameters(0.8, 0.1, 0.5, 0.4, 0.02, 3.0, 0.6, 0.3, 0.4)


def compiled(mode):
    vector, rows = pt.dvector("parameters"), pt.dmatrix("rows")
    value, slopes = LogLikelihood()(vector, rows)
    return pytensor.function([vector, rows], [value, slopes, pt.grad(3 * value, vector)], mode=mode)


@pytest.fixture(scope="module")
def python():
    return compiled("FAST_COMPILE")


@pytest.fixture(scope="module")
def numba():
    return compiled("NUMBA")


def observed(episodes, seed):
    """Made-up accuracies of runs at these episodes."""
    x = np.concatenate(episodes).astype(float)
    lag = np.concatenate([np.diff(run, prepend=run[0]) for run in episodes]).astype(float)
    accuracy = np.random.default_rng(seed).uniform(0.3, 0.9, len(x))
    in_runs = len(x), len(x) / len(episodes)
    ends = Ends(x.min(), x.min(), x.max(), accuracy[0], accuracy[-1], *in_runs)
    first = np.maximum.accumulate(np.where(lag == 0, np.arange(len(lag)), 0))
    place = noise.place_begins(x[:, None])
    return Observations(x, accuracy, lag, place, first, np.zeros(len(x), np.int32), ends)


def defined(p, data):
    """The log-likelihood by the definitions of curve and noise."""
    at = data.x, data.x.min(), data.x.max()
    u, *of_ends = (curve.u(x, p.log_u, p.alpha, p.beta, at[1]) for x in at)
    declines = map(noise.decline, (u, *of_ends), at)
    return noise.log_density(
        data.accuracy,
        p.A_max * -np.expm1(-u),
        noise.transient_sd(*declines, p.spread, p.ratio, p.lasting),
        noise.autocorrelation(p.rho, data.lag),
        np.full_like(data.x, p.shared),
        noise.offset_sd(p.spread, p.lasting),
        data.place,
        data.first,
    ).sum()


@settings(deadline=None)
@given(RUNS, PARAMETERS, st.integers(0, 2**31))
def test_value_is_that_of_the_definition(python, numba, runs, parameters, seed):
    data = observed(runs, seed)
    for function in (python, numba):
        value, *_ = function(np.array(parameters), pooled(data))
        assert float(value) == pytest.approx(defined(parameters, data), rel=1e-8, abs=1e-8)


@pytest.mark.parametrize(
    "runs", [[[1, 2, 3]], [[4]], [[1, 2, 3, 4]] * 3, [[1, 2, 5], [1, 2, 3], [2, 6], [4]]]
)
@pytest.mark.parametrize(
    "other",
    [
        {},
        {"shared": 0.05, "rho": 0.1},
        {"log_u": 2.0, "beta": 3.0},  # saturated: the noise's power reaches its limits
        {"log_u": -3.0, "ratio": 0.4, "lasting": 0.9},
    ],
)
def test_slopes_are_those_of_differences(python, numba, runs, other):
    data, at = observed(runs, seed=3), np.array(USUAL._replace(**other))

    def moved(by):
        return defined(Parameters(*(at + by)), data)

    steps = 1e-6 * np.eye(len(at)) * np.minimum(np.abs(at), 1)
    expected = np.array([(moved(step) - moved(-step)) / (2 * step.sum()) for step in steps])
    for function in (python, numba):
        _, ours, by_gradient = function(at, pooled(data))
        np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-3)
        np.testing.assert_allclose(by_gradient, 3 * ours)


def test_a_saturated_curve_has_finite_slopes(python, numba):
    data, at = observed([[1, 2, 3]], seed=1), np.array(USUAL._replace(log_u=99.0, beta=5.0))
    for function in (python, numba):
        _, slopes, _ = function(at, pooled(data))
        assert np.isfinite(slopes).all()
        assert slopes[1:4] == pytest.approx(0, abs=1e-9)


def test_what_cannot_be_is_no_exception(python, numba):
    data = observed([[1, 2, 3], [1, 2]], seed=1)
    for function in (python, numba):
        value, *_ = function(np.array(USUAL._replace(shared=1.0)), pooled(data))
        assert not np.isfinite(value)


def test_second_derivatives_are_refused():
    vector = pt.dvector("parameters")
    slopes = pt.grad(LogLikelihood()(vector, pt.dmatrix("rows"))[0], vector)
    with pytest.raises(NotImplementedError, match="no second derivatives"):
        pt.grad(slopes.sum(), vector)
