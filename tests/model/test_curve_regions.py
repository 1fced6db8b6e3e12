"""Regions: shares that add up, and what they hold."""

import numpy as np
import pytensor.tensor as pt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palm_bayes.model.curve import SATURATED
from palm_bayes.model.curve_regions import APART, log_share

logs = st.floats(-5, 60)


@given(logs, st.floats(0, 60))
def test_shares_add_up(first, more):
    shares = [np.exp(log_share(region, first, first + more)) for region in APART]
    assert sum(shares) == pytest.approx(1, abs=1e-12)
    assert log_share("all", first, first + more) == 0


def test_each_region_holds_what_it_is_named_for():
    far = np.log(SATURATED) + 10
    curves = {"rising": (0.0, 1.0), "step": (0.0, far), "flat": (far, far + 1)}
    for region, log_u in curves.items():
        assert np.exp(log_share(region, *log_u)) == pytest.approx(1, abs=1e-9)


@given(logs, st.floats(0, 60))
def test_pytensor_gives_the_same(first, more):
    for region in ("all", *APART):
        expected = log_share(region, np.float64(first), np.float64(first + more))
        found = log_share(region, pt.constant(first), pt.constant(first + more), pt)
        assert found.eval(mode="FAST_COMPILE") == pytest.approx(expected, abs=1e-9)
