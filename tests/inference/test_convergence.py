"""The verdict: what passes, what falls short, and what it says."""

import arviz as az
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from palm_bayes.errors import ConvergenceError, PalmError
from palm_bayes.inference.convergence import Convergence, _advice, diagnose, e_bfmi, written


def posterior(chains=4, draws=1000, seed=1):
    """Independent draws, in the shape of one strategy's posterior."""
    rng = np.random.default_rng(seed)
    shape = (chains, draws, 1)
    return xr.Dataset(
        {
            "curve": (("chain", "draw", "strategy", "parameter"), rng.normal(size=(*shape, 4))),
            "noise": (("chain", "draw", "strategy"), rng.lognormal(size=shape)),
        },
        {
            "chain": np.arange(chains),
            "draw": np.arange(draws),
            "strategy": ["s"],
            "parameter": ["A_max", "log_u_first", "alpha", "beta"],
        },
    )


def energy(chains=4, draws=1000, seed=2):
    values = np.random.default_rng(seed).normal(size=(chains, draws))
    return xr.DataArray(values, dims=("chain", "draw"))


def slow(draws=1000, chains=4):
    """An energy that hardly moves from draw to draw."""
    steps = np.random.default_rng(3).normal(size=(chains, draws))
    return xr.DataArray(steps.cumsum(axis=1), dims=("chain", "draw"))


def table(**verdicts):
    row = {
        "r_hat": 1.001,
        "ess_bulk": 900.0,
        "ess_tail": 800.0,
        "divergences": 0,
        "e_bfmi": 1.0,
        "attempts": 1,
        "passed": True,
        "advice": "",
    }
    rows = {name: {**row, **verdict} for name, verdict in verdicts.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("strategy")


def test_good_chains_pass():
    found = diagnose(posterior(), 0, e_bfmi(energy()))
    assert found["passed"] is True
    assert found["advice"] == ""
    assert 0.99 < found["r_hat"] < 1.01
    assert 400 < found["ess_tail"] < 5000
    assert 400 < found["ess_bulk"] < 5000
    assert found["divergences"] == 0
    assert found["e_bfmi"] == pytest.approx(2, abs=0.3)  # of independent draws
    columns = "r_hat ess_bulk ess_tail divergences e_bfmi passed advice"
    assert list(found) == columns.split()


def test_one_chain_elsewhere_in_one_parameter_is_seen():
    draws = posterior()
    draws["curve"][0, :, 0, 2] += 1
    found = diagnose(draws, 0, e_bfmi(energy()))
    assert found["passed"] is False
    assert found["r_hat"] > 1.05
    assert "the chains disagree" in found["advice"]
    assert "take more draws" in found["advice"]


def test_drift_within_chains_is_seen():
    draws = posterior()
    draws["noise"] = draws["noise"] + 3 * draws["draw"] / 1000
    assert "the chains disagree" in diagnose(draws, 0, e_bfmi(energy()))["advice"]


def test_divergences_are_seen_first():
    draws = posterior()
    draws["curve"][0] += 1
    found = diagnose(draws, 3, e_bfmi(energy()))
    assert found["passed"] is False
    assert found["divergences"] == 3
    assert found["advice"].startswith("3 divergent transitions")
    assert "raise target_accept" in found["advice"]


def test_few_draws_are_not_enough():
    found = diagnose(posterior(draws=80), 0, e_bfmi(energy(draws=80)))
    assert found["passed"] is False
    least = min(found["ess_bulk"], found["ess_tail"])
    assert least < 400
    advice = f"only {least:.0f} effective draws of 400 required; take more draws."
    assert found["advice"] == advice or "the chains disagree" in found["advice"]


def test_correlated_draws_count_for_fewer():
    draws = posterior(draws=6000).rolling(draw=100).mean().isel(draw=slice(100, None))
    found = diagnose(draws, 0, e_bfmi(energy(draws=5900)))
    assert found["passed"] is False
    assert found["ess_bulk"] < 400


def test_chains_that_stand_still_do_not_pass():
    found = diagnose(xr.zeros_like(posterior()) + 0.5, 0, e_bfmi(xr.zeros_like(energy())))
    assert found["passed"] is False
    assert "did not move" in found["advice"]


def test_a_delta_rounded_to_one_in_all_draws_does_no_harm():
    draws = posterior()
    draws["delta"] = xr.ones_like(draws["noise"])
    assert diagnose(draws, 0, e_bfmi(energy()))["passed"] is True


def test_slow_tails_are_seen():
    found = diagnose(posterior(), 0, e_bfmi(slow()))
    assert found["e_bfmi"] < 0.1
    assert found["passed"] is False
    assert found["advice"].startswith("E-BFMI 0.0")
    assert "tune longer" in found["advice"]


def test_uncertain_weights_count_as_fewer_draws():
    sure, unsure = (diagnose(posterior(), 0, 1.0, error) for error in (0.0, 1 / 300))
    for name in ("ess_bulk", "ess_tail"):
        assert 1 / unsure[name] == pytest.approx(1 / sure[name] + 1 / 300)
    assert sure["passed"]
    assert "effective draws" in unsure["advice"]


def test_e_bfmi_is_the_worst_chains_and_takes_any_order_of_dims():
    mixed = energy()
    mixed[1] = slow()[1]
    found = diagnose(posterior(), 0, e_bfmi(mixed))["e_bfmi"]
    values = mixed[1].to_numpy()
    assert found == pytest.approx((np.diff(values) ** 2).mean() / values.var(ddof=1))
    assert diagnose(posterior(), 0, e_bfmi(mixed.transpose("draw", "chain")))["e_bfmi"] == found


def test_all_pass():
    verdict = Convergence(table(a={}, b={"ess_tail": 512.7, "r_hat": 1.0042}))
    assert verdict.passed is True
    expected = "Converged: R-hat at most 1.004, at least 512 effective draws."
    assert verdict.sentence == expected
    verdict.require()


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("r_hat", 1.0042, "1.004"), ("r_hat", 1.0103, "1.0103"), ("r_hat", 1.00998, "1.00998"),
        ("r_hat", 1.01, "1.010"), ("r_hat", 1.2, "1.200"), ("r_hat", float("nan"), "nan"),
        ("ess_bulk", 399.7, "399.7"), ("ess_tail", 1234.5, "1,234"), ("e_bfmi", 0.298, "0.298"),
        ("divergences", 3, "3"), ("divergences", 0, "0"),
    ],
)  # fmt: skip
def test_a_number_is_told_from_its_limit(column, value, words):
    """No verdict is told by a number that is rounded to the other side."""
    assert written(column, value) == words


def test_a_failed_criterion_is_seen_to_fail():
    found = _advice({**table(a={}).loc["a"].to_dict(), "r_hat": 1.0104})
    assert found.startswith("R-hat 1.0104, the chains disagree")
    passed = Convergence(table(a={"r_hat": 1.0098})).sentence
    assert "R-hat at most 1.0098," in passed


def test_further_tries_are_told():
    sentence = Convergence(table(a={}, b={"attempts": 2}, c={"attempts": 3})).sentence
    assert "(b, c needed further sampling)" in sentence


def test_one_that_falls_short_is_named_and_refused():
    verdict = Convergence(
        table(a={}, b={"passed": False, "advice": "2 divergent transitions, raise it."}, c={})
    )
    assert verdict.passed is False
    assert verdict.sentence == "Not converged. b: 2 divergent transitions, raise it."
    with pytest.raises(ConvergenceError, match="b: 2 divergent transitions") as caught:
        verdict.require()
    assert isinstance(caught.value, PalmError)
    assert str(caught.value) == verdict.sentence


def test_all_that_fall_short_are_told():
    short = {"passed": False, "advice": "only 3 effective draws."}
    assert Convergence(table(a=short, b={}, c=short)).sentence == (
        "Not converged. a: only 3 effective draws. c: only 3 effective draws."
    )


def test_the_verdict_does_not_depend_on_the_users_settings():
    draws, spread = posterior(), e_bfmi(energy())
    usual = diagnose(draws, 0, spread)
    with az.rc_context({"stats.ci_prob": 0.5}):
        assert diagnose(draws, 0, spread) == usual
