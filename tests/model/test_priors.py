"""Priors: their densities against SciPy's, their draws, their bounds and what replaces them."""

import numpy as np
import pandas as pd
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from palm_bayes.data.runs import Runs
from palm_bayes.errors import DataError
from palm_bayes.model import curve
from palm_bayes.model.learned import shipped
from palm_bayes.model.priors import Priors, curve_logp, draw_curve, named_priors, priors_of_runs

X_FIRST = np.array([1.0, 0.5, 12.0])
LOWEST = -X_FIRST

A_max_prior = stats.uniform(0, 1)
beta_prior = stats.lognorm(shipped().beta.width, scale=shipped().beta.median)
alpha_start_prior = stats.lognorm(shipped().alpha_start.width, scale=shipped().alpha_start.median)


def compiled(priors):
    value, x_first, alpha_lo = pt.dmatrix("value"), pt.dvector("x_first"), pt.dvector("alpha_lo")
    density = curve_logp(priors, value, x_first, alpha_lo)
    return pytensor.function(
        [value, x_first, alpha_lo], density, mode="FAST_COMPILE", on_unused_input="ignore"
    )


@pytest.fixture(scope="module")
def densities():
    """Compiled log-densities of some prior sets."""
    own = named_priors("bounds").with_parts(A_max=pm.Beta.dist(8, 2), delta=pm.Beta.dist(2, 3))
    sets = {"default": named_priors("default"), "bounds": named_priors("bounds"), "own": own}
    return {name: compiled(priors) for name, priors in sets.items()}


def draws_of(priors, number=4000, x_first=1.0, seed=2):
    """Vectors of independent strategies that start alike, as A_max, log_u, alpha and beta."""
    first = np.full(number, x_first)
    lowest = np.maximum(priors.alpha_lo, -first)
    drawn = draw_curve(priors, pt.as_tensor(first), pt.as_tensor(lowest))
    return pm.draw(drawn, random_seed=seed, mode="FAST_COMPILE").T


def log_share_density(prior, log_k):
    """Density of log k where 1 - exp(-k) has the density of `prior`."""
    k = np.exp(log_k)
    return prior.logpdf(-np.expm1(-k)) + log_k - k


def number(low, high):
    return st.floats(low, high, exclude_min=True, exclude_max=True)


values = {
    "A_max": number(0.01, 0.99),
    "log_u": number(-3, 1),
    "start": number(0.05, 20),
    "beta": number(0.05, 3),
}


def vectors(A_max, log_u, start, beta):
    each = np.ones(len(X_FIRST))
    alpha = LOWEST + start
    return np.stack([A_max * each, log_u * each, alpha, beta * each], axis=-1), alpha


@given(**values)
def test_default_density_is_scipys(densities, A_max, log_u, start, beta):
    vector, _ = vectors(A_max, log_u, start, beta)
    expected = (
        A_max_prior.logpdf(A_max)
        + log_share_density(stats.uniform(0, 1), log_u)
        + alpha_start_prior.logpdf(start)
        + beta_prior.logpdf(beta)
    )
    np.testing.assert_allclose(densities["default"](vector, X_FIRST, LOWEST), expected, rtol=1e-8)


@given(**values)
def test_bounds_density_is_flat_in_palms_parameters(densities, A_max, log_u, start, beta):
    vector, alpha = vectors(A_max, log_u, start, beta)
    log_k = log_u - beta * np.log(X_FIRST + alpha)
    expected = log_share_density(stats.uniform(0, 1), log_k) - np.log(2000) - np.log(100)
    # PyMC takes the log of a whole number of bounds in single precision: a constant.
    np.testing.assert_allclose(densities["bounds"](vector, X_FIRST, LOWEST), expected, rtol=1e-6)


@given(**values)
def test_own_priors_densities_take_their_place(densities, A_max, log_u, start, beta):
    vector, alpha = vectors(A_max, log_u, start, beta)
    log_k = log_u - beta * np.log(X_FIRST + alpha)
    assume(log_k.max() < np.log(20))  # beyond it SciPy is given a share rounded to 1
    expected = (
        stats.beta(8, 2).logpdf(A_max)
        + log_share_density(stats.beta(2, 3), log_k)
        - np.log(2000)
        - np.log(100)
    )
    found = densities["own"](vector, X_FIRST, LOWEST)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("name", ["default", "bounds"])
def test_density_is_nothing_outside_the_bounds(densities, name):
    inside = np.tile([0.8, -0.5, 0.5, 0.7], (3, 1))
    assert np.all(np.isfinite(densities[name](inside, X_FIRST, LOWEST)))
    for column, value in ((0, 1.01), (3, 100.01), (3, -0.1)):
        outside = inside.copy()
        outside[:, column] = value
        assert np.all(densities[name](outside, X_FIRST, LOWEST) == -np.inf), (column, value)


def test_density_integrates_to_one_over_log_u(densities):
    log_u = np.linspace(-25, 5, 4001)
    at = np.stack([np.full_like(log_u, part) for part in (0.5, 0, 0.5, 0.7)], axis=-1)
    at[:, 1] = log_u
    ones = np.ones_like(log_u)
    density = np.exp(densities["default"](at, ones, -ones))
    expected = alpha_start_prior.pdf(1.5) * beta_prior.pdf(0.7)
    assert np.trapezoid(density, log_u) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("name", ["A_max", "reached"])
def test_a_share_is_drawn_below_one_as_it_is_sampled(name):
    """A uniform prior up to 2 is one up to 1: beyond that no curve has a density."""
    A_max, log_u, *_ = draws_of(Priors().with_parts(**{name: pm.Uniform.dist(0, 2)}))
    drawn = {"A_max": A_max, "reached": -np.expm1(-np.exp(log_u))}[name]
    assert stats.kstest(drawn, stats.uniform(0, 1).cdf).pvalue > 1e-3


def test_a_share_that_is_truncated_above_one_is_refused():
    wide = pm.Truncated.dist(pm.Normal.dist(0.9, 0.1), lower=0, upper=2)
    with pytest.raises(DataError, match="prior of A_max is truncated above 1"):
        Priors().with_parts(A_max=wide)
    Priors().with_parts(A_max=pm.Truncated.dist(pm.Normal.dist(0.9, 0.1), lower=0.5, upper=1))


def test_default_draws_follow_their_distributions():
    A_max, log_u, alpha, beta = draws_of(named_priors("default"), x_first=3.0)
    found = {
        "A_max": (A_max, A_max_prior),
        "reached": (-np.expm1(-np.exp(log_u)), stats.uniform(0, 1)),
        "alpha_start": (alpha + 3.0, alpha_start_prior),
        "beta": (beta, beta_prior),
    }
    for name, (drawn, prior) in found.items():
        assert stats.kstest(drawn, prior.cdf).pvalue > 1e-3, name


def test_bounds_draws_are_uniform():
    A_max, log_u, alpha, beta = draws_of(named_priors("bounds"))
    delta = curve.delta(log_u, alpha, beta, 1.0)
    found = {
        "A_max": (A_max, stats.uniform(0, 1)),
        "delta": (delta, stats.uniform(0, 1)),
        "alpha": (alpha, stats.uniform(-1, 1001)),
        "beta": (beta, stats.uniform(0, 100)),
    }
    for name, (drawn, prior) in found.items():
        assert stats.kstest(drawn, prior.cdf).pvalue > 1e-3, name


@pytest.mark.parametrize("name", ["default", "bounds"])
@pytest.mark.parametrize(
    "bounds",
    [
        {"alpha_lo": -1000.0, "alpha_hi": 1.0, "beta_hi": 0.5},
        {"alpha_lo": 0.0, "alpha_hi": 3.0, "beta_hi": 2.0},
    ],
)
def test_draws_keep_palms_bounds(name, bounds):
    A_max, log_u, alpha, beta = draws_of(named_priors(name, **bounds), 1000, x_first=2.0)
    assert np.all((A_max > 0) & (A_max < 1))
    assert np.all(np.isfinite(log_u))
    assert alpha.min() > max(-2.0, bounds["alpha_lo"])
    assert alpha.max() <= bounds["alpha_hi"]
    assert beta.min() > 0
    assert beta.max() <= bounds["beta_hi"]


def test_strategies_are_drawn_apart():
    drawn = draws_of(named_priors("default"), 50)
    for part in drawn:
        assert len(np.unique(part)) == 50


def test_own_parts_replace_and_the_rest_stays():
    usual = named_priors("default", alpha_hi=7.0)
    own = usual.with_parts(A_max=pm.Beta.dist(800, 200), beta_hi=3.0)
    assert own.beta is usual.beta
    assert own.rho is usual.rho
    assert (own.alpha_hi, own.beta_hi, usual.beta_hi) == (7.0, 3.0, 100.0)
    A_max, *_ = draws_of(own, 500)
    assert A_max.mean() == pytest.approx(0.8, abs=0.005)
    assert A_max.std() == pytest.approx(np.sqrt(0.16 / 1001), rel=0.2)


def test_they_are_shown_by_part_with_their_distributions():
    own = Priors(beta_hi=50).with_parts(delta=pm.Beta.dist(2, 3.5), alpha_start=pm.Gamma.dist(2, 4))
    head, columns, *rows = repr(own).splitlines()
    assert head == "Priors: alpha from -1000 to 1000, beta up to 50"
    assert columns.split() == ["part", "prior"]
    shown = dict(row.split(maxsplit=1) for row in rows)
    parts = ["A_max", "delta", "alpha_start", "beta", "relative_noise", "noise_ratio", "rho"]
    assert list(shown) == [*parts, "shared", "lasting"]  # no `reached`, which delta replaces
    assert shown["A_max"] == "Uniform(lower=0, upper=1)"
    assert shown["delta"] == "Beta(alpha=2, beta=3.5)"
    assert shown["alpha_start"] == "Gamma(alpha=2, scale=0.25)"
    truncated = Priors(A_max=pm.Truncated.dist(pm.Beta.dist(8, 2), upper=0.9))
    assert "TruncatedBeta(" in repr(truncated)
    assert "Rising, step and flat curves are sampled separately." in repr(named_priors("bounds"))
    assert "<td>Beta(alpha=2, beta=3.5)</td>" in own._repr_html_()


def test_own_delta_and_alpha_take_over_from_their_usual_stand_ins():
    own = Priors(delta=pm.Beta.dist(30, 70), alpha=pm.Normal.dist(0.0, 2.0))
    _, log_u, alpha, beta = draws_of(own, 2000)
    assert alpha.min() > -1
    delta = curve.delta(log_u, alpha, beta, 1.0)
    assert stats.kstest(delta, stats.beta(30, 70).cdf).pvalue > 1e-3
    assert stats.kstest(alpha, stats.truncnorm(-0.5, 500, 0, 2).cdf).pvalue > 1e-3


def test_own_priors_are_drawn_inside_the_bounds_and_for_each_strategy():
    wide = pm.Normal.dist(0.5, 1.0)  # PyMC truncates a normal by itself, others as it can
    own = named_priors("default", alpha_hi=2.0, beta_hi=1.0).with_parts(alpha_start=wide, beta=wide)
    _, _, alpha, beta = draws_of(own, 500)
    assert len(np.unique(alpha)) == len(np.unique(beta)) == 500
    assert -1 < alpha.min() < alpha.max() < 2
    assert 0 < beta.min() < beta.max() < 1


def test_own_shares_are_drawn_between_0_and_1():
    for part in (pm.Normal.dist(0.95, 0.1), pm.Truncated.dist(pm.Normal.dist(0.9, 0.1), upper=1.0)):
        A_max, log_u, *_ = draws_of(Priors(A_max=part, reached=part), 500)
        assert A_max.max() < 1
        assert np.all(np.isfinite(log_u))


def test_named_priors_are_one_object_for_which_programs_are_kept():
    assert named_priors("default") is named_priors("default")
    assert named_priors("default") is not named_priors("default", alpha_hi=5.0)
    assert named_priors("default").delta is None
    assert named_priors("bounds").delta is not None


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: named_priors("flat"), ["no prior set 'flat'", "default, bounds"]),
        (lambda: named_priors("default").with_parts(A_mx=1), ["'A_mx'", "did you mean 'A_max'"]),
        (lambda: Priors(beta=3), ["the prior of beta is of type int", "pm.Beta.dist(20, 2)"]),
        (lambda: Priors(alpha_lo=2.0, alpha_hi=1.0), ["alpha_lo is 2", "alpha_hi 1", "allowed"]),
        (lambda: Priors(alpha_hi=np.inf), ["alpha_hi inf", "finite"]),
        (lambda: Priors(alpha_lo=np.nan), ["alpha_lo is nan"]),
        (lambda: Priors(beta_hi=0.0), ["beta_hi is 0", "above 0"]),
        (lambda: Priors(beta_hi=np.nan), ["beta_hi is nan"]),
        (lambda: named_priors("bounds", beta_hi=-1.0), ["beta_hi is -1"]),
        (lambda: named_priors(["bounds"]), ["no prior set ['bounds']", "default, bounds"]),
        (lambda: named_priors("default", {}), ["learned is of type dict", "Learned"]),
        (lambda: named_priors("default", beta_hi=[1]), ["beta_hi is [1]", "a number"]),
        (lambda: Priors(alpha_lo="0"), ["alpha_lo is '0'", "a number"]),
        (lambda: Priors(apart="no"), ["apart is 'no'", "True or False"]),
        (
            lambda: Priors(alpha=pm.Truncated.dist(pm.Normal.dist(5, 2), lower=0)),
            ["the prior of alpha is truncated", "alpha_lo, alpha_hi"],
        ),
    ],
)
def test_errors_say_what_was_got_and_what_is_allowed(make, words):
    with pytest.raises(DataError) as caught:
        make()
    for word in words:
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)


def of_means(errors):
    frame = pd.DataFrame({"strategy": "a", "episode": range(1, 7), "accuracy": 0.8})
    return Runs.from_frame(frame.assign(standard_error=errors, mean_of=1000))


def test_known_noise_takes_the_place_of_the_default():
    known, usual = priors_of_runs("default", of_means(0.01)), named_priors("default", None)
    drawn = pm.draw(known.relative_noise, 4000, random_seed=1)
    assert np.log(drawn).mean() == pytest.approx(np.log(0.01 / 0.4), abs=0.12)
    assert np.log(drawn).std() == pytest.approx(0.3, abs=0.02)
    assert np.median(pm.draw(known.noise_ratio, 4000, random_seed=1)) == pytest.approx(1, abs=0.05)
    for name in ("A_max", "alpha_start", "beta", "rho", "shared", "lasting"):
        assert getattr(known, name) is getattr(usual, name)


def test_known_noise_is_known_with_flat_priors_and_bounds_too():
    assert priors_of_runs("bounds", of_means(0.01)).apart
    assert priors_of_runs("default", of_means(0.01), alpha_lo=-5.0).alpha_lo == -5


def test_own_priors_come_before_known_noise():
    own = named_priors("default").with_parts(noise=pm.HalfNormal.dist(0.1))
    assert priors_of_runs(own, of_means(0.01)) is own


def test_equal_known_noise_is_one_object_for_which_programs_are_kept():
    first = priors_of_runs("default", of_means(0.01))
    assert priors_of_runs("default", of_means(0.0101)) is first
    assert priors_of_runs("default", of_means(0.03)) is not first


def test_repetitions_leave_named_priors_as_they_are():
    runs = Runs.from_frame(of_means(0.01).table.drop(columns=["standard_error", "mean_of"]))
    assert priors_of_runs("default", runs) is named_priors("default", None)
