"""The misfit: a prior past the data, under which curves do not fall."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logit

from palm_bayes.errors import DataError
from palm_bayes.model.learned import learned_start, shipped
from palm_bayes.model.misfit import STEP, Misfit, steps_to, steps_until

NONE = Misfit(
    scale=0,
    by_noise=0.5,
    power=1,
    by_gain=0,
    straight=0,
    tail=0,
    later_shared=0,
    common=0,
    between_gains=np.inf,
    between_gains_width=1,
    between_levels=np.inf,
    between_levels_width=1,
)
MISFIT = replace(NONE, scale=0.05, power=1.5, by_gain=0.3)


def odds_at(t):
    """Log-odds of a curve that rises, ever less."""
    return 1 + 1.5 * (1 - np.exp(-t))


def expected(misfit, t, z=0.0, noise=0.05, pool=None):
    z, t = np.atleast_1d(z)[:, None], np.asarray(t, float)
    steps = steps_until(t) if pool is None else pool[0][0]
    along = np.broadcast_to(odds_at(steps), (len(z), len(steps)))
    odds = np.broadcast_to(odds_at(t), (len(z), len(t)))
    return misfit.expected(odds, along, np.full((len(z), 1), noise), t, z, pool=pool)


def where_the_pool_ends(t, log_odds):
    return steps_to(np.array([t])), np.array([[log_odds]])


def test_a_curve_ends_where_the_pool_does():
    """It approaches the common accuracy there by the square of the share of the labels."""
    end = np.log(3)
    t = np.log([0.5, 1.0, 2.0, 3.0, 5.0])
    for z in (-1.0, 0.0, 1.0):
        alone, found = (
            logit(expected(MISFIT, t, z, pool=pool))[0]
            for pool in (None, where_the_pool_ends(end, 3.0))
        )
        made_up = (3.0 - alone[3]) * np.array([0, 0, 0.25, 1])
        np.testing.assert_allclose(found[:4], alone[:4] + made_up, atol=2e-3)  # of the grid
        assert found[3] == found[4] == pytest.approx(3, abs=1e-12)


def test_a_curve_does_not_fall_to_the_end_of_the_pool():
    t, least = np.linspace(0, 1.5, 40), odds_at(0) + 0.1
    found = logit(expected(MISFIT, t, z=0.5, pool=where_the_pool_ends(1.0, least)))[0]
    assert (np.diff(found) > -1e-12).all()
    assert found[0] == pytest.approx(odds_at(0))
    assert found[-1] == pytest.approx(least, abs=1e-12)
    assert (found < logit(expected(MISFIT, t, z=0.5))[0] + 2e-3).all()


@pytest.mark.parametrize("end", [0.0, -0.1])
def test_a_pool_that_is_labelled_leaves_a_curve_where_it_is(end):
    found = expected(MISFIT, [-0.2, 0.0, 0.5], z=1.0, pool=where_the_pool_ends(end, 9.0))[0]
    np.testing.assert_allclose(logit(found), [odds_at(-0.2), odds_at(0), odds_at(0)])


def test_none_is_palms_curve():
    t = np.array([-1.0, 0.0, STEP, 0.7, 2.0])
    found = logit(expected(NONE, t, z=-2.0))[0]
    np.testing.assert_allclose(found, odds_at(t), atol=STEP**2)


def test_growth_is_of_noise_labels_and_gain():
    t = np.array([STEP * 20])
    gain = odds_at(t) - odds_at(0)
    for noise, times in ((0.05, 1.0), (0.2, 2.0)):  # by_noise is 0.5
        moved = logit(expected(MISFIT, t, z=1.0, noise=noise))[0] - odds_at(t)
        assert moved == pytest.approx(0.05 * times * 1.0**1.5 + 0.3 * gain)


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_expected_gain_lies_between_palms_and_a_straight_line(share):
    t = np.array([0.5, 1.0, 2.0])
    palm, line = odds_at(t) - odds_at(0), t * (odds_at(STEP) - odds_at(0)) / STEP
    misfit = replace(MISFIT, straight=share, scale=0)
    gain = logit(expected(misfit, t))[0] - odds_at(0)
    np.testing.assert_allclose(gain, (1 - share) * palm + share * line)
    wider = logit(expected(misfit, t, z=1.0))[0] - odds_at(0)
    np.testing.assert_allclose(wider, 1.3 * gain)


@pytest.mark.parametrize("z", [-1.0, 0.5, 3.0])
def test_growth_has_the_tails_of_tukeys_h(z):
    found = expected(replace(MISFIT, tail=0.2), [STEP * 20], z)
    stretched = expected(MISFIT, [STEP * 20], z * np.exp(0.1 * z**2))
    np.testing.assert_allclose(found, stretched)


def test_repetitions_have_more_in_common_the_more_labels_came_after_the_data():
    misfit = replace(MISFIT, later_shared=0.4)
    t = np.log([1.0, 2.0, 4.0, 1e9])
    np.testing.assert_allclose(misfit.becomes_shared(t), 0.4 * np.array([0, 1 / 2, 3 / 4, 1]))
    assert not MISFIT.becomes_shared(t).any()


@given(st.floats(-5, 5), st.floats(0.01, 3), st.lists(st.floats(-1, 4), min_size=2))
def test_curves_do_not_fall(z, noise, places):
    t = np.sort(places)
    found = expected(MISFIT, t, z, noise)
    assert np.all(np.diff(found) >= -1e-12)


@given(st.lists(st.floats(-1, 4), min_size=1, max_size=5), st.floats(-4, 4))
def test_an_x_is_the_same_whatever_others_are_asked(others, z):
    alone = expected(MISFIT, [1.234], z)[0, 0]
    with_others = expected(MISFIT, [*others, 1.234], z)[0, -1]
    assert with_others == alone


def test_normals_are_standard_and_have_a_share_in_common():
    found = replace(MISFIT, common=0.4).normals(4, 1000, 3, np.random.default_rng(1))
    assert found.shape == (4, 1000, 3)
    flat = found.reshape(4000, 3)
    np.testing.assert_allclose(flat.mean(axis=0), 0, atol=0.05)
    np.testing.assert_allclose(flat.std(axis=0), 1, atol=0.03)
    between = np.corrcoef(flat.T)[np.triu_indices(3, 1)]
    np.testing.assert_allclose(between, 0.4, atol=0.05)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("scale", -1), ("common", 1.5), ("straight", 1.1), ("power", 0)],
        *[("later_shared", np.nan), ("tail", "0"), ("by_gain", None)],
    ],
)
def test_numbers_that_are_not_allowed(name, value):
    with pytest.raises(DataError, match=f"{name} of the misfit"):
        replace(MISFIT, **{name: value})


@pytest.mark.parametrize(
    ("of", "name", "value"),
    [
        *[("misfit", name, 0.0) for name in ("scale", "by_noise", "by_gain", "tail")],
        *[("misfit", name, 0.0) for name in ("straight", "later_shared")],
        *[("misfit", name, np.inf) for name in ("between_gains", "between_levels")],
        *[("alpha_start", "median", np.nan), ("beta", "width", 0.0)],
    ],
)
def test_learning_starts_from_numbers_that_have_logarithms(of, name, value):
    part = getattr(shipped(), of)
    part = replace(part, **{name: value}) if of == "misfit" else part._replace(**{name: value})
    with pytest.raises(
        DataError, match=f"^the prior to start from has {name} of .*{of} {value:g}, but"
    ):
        learned_start(replace(shipped(), **{of: part}))
    alone = replace(shipped(), misfit=replace(shipped().misfit, common=0.0))
    assert learned_start(alone) is alone
    assert learned_start(None) is shipped()


def test_the_shipped_prior_says_what_it_was_learned_from():
    about = shipped().about
    assert "prior.json" in about["command"]
    assert about["fits"] > 1000
    assert len(about["corpus"]) == 7
    assert sum(row.forecasts for row in shipped().held) > 1000
