"""Whoever is asked gives the same answer: all look at the same draws."""

import numpy as np
import pytest

from palm_bayes.decisions.information_value import pilot_value
from palm_bayes.decisions.projection import Outlook
from palm_bayes.decisions.stopping_rules import Pool, Unreachable
from palm_bayes.palm_fit import PalmFit
from palm_bayes.report.contents import Questions, report_of

TARGET = 0.93


@pytest.fixture(scope="module", params=["even", "ragged"])
def fit(request, fit, ragged_fit):
    """Two strategies of equal runs, and six of unequal ones."""
    return fit if request.param == "even" else ragged_fit


@pytest.fixture(scope="module")
def budget(fit):
    """A budget of whole batches after the data, about 500 labels."""
    budgets = fit.labels_to_reach(TARGET).curves["budget"].to_numpy()
    return float(budgets[np.abs(budgets - 500).argmin()])


@pytest.fixture(scope="module")
def draws(fit, budget):
    """Expected accuracies at the budget, dims (sample, strategy)."""
    found = fit.forecast(labels=[budget]).draws.squeeze("x")
    return found.stack(sample=("chain", "draw")).transpose("sample", "strategy").to_numpy()


def at_budget(paths, budget):
    return paths.sel(budget=budget).transpose("sample", "strategy").to_numpy()


def test_curves_are_the_same_draws(fit, draws, budget):
    np.testing.assert_array_equal(at_budget(fit.compare(budget).paths, budget), draws)
    needed = fit.labels_to_reach(TARGET)
    np.testing.assert_array_equal(at_budget(needed.curves, budget), draws)
    for i, name in enumerate(fit.runs.strategies):
        np.testing.assert_array_equal(
            Outlook.of(fit, name, budget).accuracy_at(budget), draws[:, i]
        )
    page = report_of(fit, Questions(at=budget, target=TARGET, pool=960))
    np.testing.assert_array_equal(at_budget(page.comparison.paths, budget), draws)
    np.testing.assert_array_equal(at_budget(page.needed.curves, budget), draws)


def test_quantiles_are_the_same(fit, draws, budget):
    table = fit.forecast(labels=[budget]).to_frame().set_index("strategy")
    ranking = fit.compare(budget, probability=0.8).ranking.set_index("strategy")
    for i, name in enumerate(fit.runs.strategies):
        low, middle, high = np.quantile(draws[:, i], [0.1, 0.5, 0.9])
        assert table.loc[name, ["q10", "q50", "q90"]].tolist() == pytest.approx([low, middle, high])
        told = ranking.loc[name, ["lower", "median", "upper"]].tolist()
        assert told == pytest.approx([low, middle, high], abs=1e-4)  # of other interpolation


def test_the_chance_of_a_target_is_the_same(fit, draws, budget):
    """At a budget, and by it: an expected curve that does not fall is there once it got there."""
    chances = fit.labels_to_reach(TARGET, until=960).chances.loc[budget]
    within = fit.labels_to_reach(TARGET, within=budget).table.set_index("strategy")["p_within"]
    for i, name in enumerate(fit.runs.strategies):
        expected = (draws[:, i] >= TARGET).mean()
        assert chances[name] == pytest.approx(expected)
        assert within[name] == pytest.approx(expected)
        found = fit.decide(Unreachable(TARGET, budget, 0.01), strategy=name, force=True).findings[0]
        assert found.probability == pytest.approx(expected, abs=1e-9)


def test_a_budget_within_an_episode_has_one_chance(fit, budget):
    """Its last batch is smaller, whoever is asked, and whatever the forecast extends to."""
    labels = budget - 7
    draws = fit.forecast(labels=[labels]).draws.squeeze("x")
    target = float(draws.quantile(0.6))
    tables = [fit.labels_to_reach(target, within=labels, until=end).table for end in (None, labels)]
    for name in fit.runs.strategies:
        expected = float((draws.sel(strategy=name) >= target).mean())
        for table in tables:
            assert table.set_index("strategy")["p_within"][name] == pytest.approx(expected)
        for rule in (
            Unreachable(target, labels, 0.01),
            Unreachable(target, labels, 0.01) | Pool(960),
        ):
            found = fit.decide(rule, strategy=name, force=True).findings[0]
            assert found.probability == pytest.approx(expected, abs=1e-9)


def test_who_is_above_is_the_same(fit, draws, budget):
    pairs = fit.compare(budget).pairs.set_index(["strategy", "other"])
    one, other, *_ = fit.runs.strategies
    assert pairs.loc[(one, other), "p_above"] == pytest.approx((draws[:, 0] > draws[:, 1]).mean())
    pilots, first = pilot_value(fit, budget), fit.compare(budget).ranking.iloc[0]
    assert (pilots.choice, pilots.perfect) == (first["strategy"], first["expected_loss"])
    perfect = draws.max(axis=1).mean() - draws.mean(axis=0).max()
    assert pilots.perfect == pytest.approx(perfect)


def test_a_saved_fit_gives_the_same(fit, draws, tmp_path, budget):
    again = PalmFit.load(fit.save(tmp_path / "trace.nc"))
    found = again.forecast(labels=[budget]).draws.squeeze("x")
    same = found.stack(sample=("chain", "draw")).transpose("sample", "strategy").to_numpy()
    np.testing.assert_array_equal(same, draws)


def test_all_of_arviz_sees_the_same(fit):
    """The misfit is in the posterior, with all that a forecast is made of."""
    posterior = fit.trace["posterior"]
    assert posterior["misfit"].dims == ("chain", "draw", "strategy")
    assert set(fit.trace["sampled"].data_vars) == set(posterior.data_vars) - {"misfit"}
