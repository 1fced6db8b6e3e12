"""Decisions: what they rest on, when they are refused, and that their words are their numbers."""

import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from palm_bayes.data.score import Score
from palm_bayes.decisions import decide as module
from palm_bayes.decisions.decide import (
    band_edges,
    decide,
    leader,
    mostly_prior,
    outlook_for,
    prior_dominates,
)
from palm_bayes.decisions.projection import Outlook
from palm_bayes.decisions.stopping_rules import Budget, NetValue, Plateau, Pool, Target, Unreachable
from palm_bayes.errors import DataError
from palm_bayes.forecast.worth import data_share, relative_width
from palm_bayes.inference.convergence import Convergence


@pytest.fixture
def unconverged(fit):
    table = fit.convergence.table.copy()
    table["passed"] = False
    table["advice"] = "take more draws."
    return replace(fit, convergence=Convergence(table))


def test_a_curve_that_palm_does_not_describe_is_refused(falling_fit):
    decision = falling_fit.decide(Target(0.8), strategy="random")
    assert decision.action == "cannot say"
    assert "PALM does not describe the curve, it falls" in decision.sentence
    assert falling_fit.decide(Target(0.8), strategy="random", force=True).forced
    assert falling_fit.decide(Target(0.8), strategy="entropy").action != "cannot say"


@pytest.mark.parametrize(
    ("rule", "last"),
    [
        (Target(0.9), 480),
        (Target(0.9) | Pool(300), 300),
        (NetValue(1, 1), 480),
        (NetValue(1, 1) | Budget(900), 900),
        (Plateau(0.01, 400), 640),
        (Unreachable(0.9, 1000) | Pool(700), 700),
        (Unreachable(0.9, 1000) & Pool(700), 700),
        (Unreachable(0.9, 1000) & Budget(700), 1000),  # labelling may go on past it
        (Unreachable(0.9, 1000) & (Budget(700) | Budget(900)), 1000),
        (Budget(100), 240),
    ],
)
def test_how_far_is_looked(fit, rule, last):
    assert outlook_for(fit, "random", rule).last == last


def test_sentence_and_numbers_agree(fit):
    decision = fit.decide(Target(0.8, 0.9), strategy="random")
    (finding,) = decision.findings
    reached = (fit.forecast(labels=[240]).draws.sel(strategy="random") >= 0.8).mean()
    assert finding.probability == pytest.approx(float(reached))
    assert decision.action == ("stop" if finding.probability >= 0.9 else "continue")
    assert finding.reason in decision.sentence
    document = json.loads(json.dumps(decision.document()))
    assert document["sentence"] == decision.sentence
    assert document["findings"][0]["probability"] == finding.probability
    assert decision.to_frame().loc[0, "stop"] == finding.stop


def test_continue_recommends_a_batch(fit):
    decision = fit.decide(Target(0.99) | Pool(250), strategy="random")
    assert decision.action == "continue"
    assert decision.next_batch == 10
    assert "next 10" in decision.sentence
    assert any("Would change with" in line for line in decision.advice)


def test_best_so_far_is_the_default(fit):
    ends = fit.forecast(episodes=[12]).draws.mean(("chain", "draw")).isel(x=0)
    best = str(ends.idxmax("strategy").item())
    assert leader(fit) == best
    assert fit.decide(Target(0.9)).strategy == best


def test_without_convergence_it_cannot_say(unconverged):
    decision = unconverged.decide(Target(0.8))
    assert decision.action == "cannot say"
    assert decision.sentence.endswith("not converged, take more draws.")
    assert decision.findings[0].stop is None


def test_force_decides_and_says_so(unconverged):
    decision = decide(unconverged, Target(0.5), force=True)
    assert decision.action == "stop"
    assert decision.forced
    assert decision.sentence.endswith("Forced despite doubts: not converged, take more draws.")


def test_what_is_spent_needs_no_convergence(unconverged):
    assert unconverged.decide(Target(0.99) | Budget(240)).action == "stop"
    assert unconverged.decide(Target(0.99) & Budget(500)).action == "continue"
    assert unconverged.decide(Target(0.99) | Budget(500)).action == "cannot say"


def test_target_that_another_strategy_reaches(fit):
    draws = fit.forecast(labels=[260]).draws.isel(x=0)
    worse, better = sorted(("random", "entropy"), key=lambda s: float(draws.sel(strategy=s).mean()))
    target = float(draws.sel(strategy=better).quantile(0.1))
    chances = Unreachable(target, 260)
    low, high = (chances.find(Outlook.of(fit, name, 260)).probability for name in (worse, better))
    rule = Unreachable(target, 260, (low + high) / 2)
    decision = fit.decide(rule, strategy=worse, force=True)
    assert (decision.action, decision.switch_to) == ("switch", better)
    assert f"with {better} it is {high:.0%}".replace("%", " %") in decision.sentence
    assert decision.next_batch == 20
    of_one = fit.trace.map_over_datasets(
        lambda part: part.sel(strategy=[worse]) if "strategy" in part.dims else part
    )
    alone = replace(fit, runs=fit.runs.strategy(worse), trace=of_one)
    assert alone.decide(rule, strategy=worse, force=True).action == "stop"
    also = fit.decide(rule | Budget(240), strategy=worse, force=True)
    assert also.action == "stop"  # the budget is spent, whoever would spend it


@pytest.fixture
def bent(made_up, monkeypatch):
    """Return a maker of fits whose strategies are at known accuracies, by labels, surely."""
    monkeypatch.setattr(module, "DOUBTS", ())

    def make(**curves):
        runs = made_up.task(dict.fromkeys(curves, (0.1, 0.2)))

        def outlook(_, strategy, labels, episodes):
            draws = np.tile(curves[strategy](labels), (4, 1))
            return Outlook(strategy, labels, episodes, draws, Score())

        monkeypatch.setattr(Outlook, "at", outlook)
        return made_up.stand_in(runs, {})

    return make


def test_one_budget_for_numbers_words_and_other_strategies(bent):
    late = lambda labels: 0.5 + labels / 1000  # noqa: E731 - .75 at 250 labels, 1 at 500
    fit = bent(a=lambda labels: 0.5 + 0 * labels, b=late)
    free = decide(fit, Unreachable(0.7, 500), strategy="a")
    assert (free.action, free.switch_to) == ("switch", "b")
    assert "reached within 500 labels" in free.sentence
    rules = free.to_frame()["rule"].tolist()
    assert rules[-1] == f"{rules[0]}, with b"  # of another strategy than the others
    bound = decide(fit, Unreachable(0.7, 500) | Budget(100), strategy="a")
    assert bound.action == "stop"  # b is at .6 then
    assert "0.7 is reached within 100 labels is <1 %" in bound.sentence
    assert "within 100 labels" in bound.findings[0].rule
    own = decide(fit, Unreachable(0.7, 500) | Budget(100), strategy="b")
    assert (own.findings[0].stop, own.findings[0].probability) == (True, 0)


@pytest.mark.parametrize(
    ("rule", "action", "labels"),
    [
        (Target(0.5), "stop", 50),  # is reached: no forecast is needed
        (Target(0.9), "continue", 100),
        (Target(0.5) & Plateau(0.5, 15), "stop", 65),
        (Plateau(0.5, 900) | Budget(100), "stop", 100),
        (Unreachable(0.9, 300), "switch", 300),
        (NetValue(1, 1) | Budget(50), "stop", 50),
    ],
)
def test_labels_up_to_which_it_depends_on_the_forecast(bent, rule, action, labels):
    fit = bent(a=lambda labels: 0.6 + 0 * labels, b=lambda labels: 0.5 + labels / 500)
    found = decide(fit, rule, strategy="a")
    assert (found.action, found.answered, found.document()["answered"]) == (action, labels, labels)


@pytest.mark.parametrize("order", [("b", "c", "d"), ("d", "c", "b"), ("c", "d", "b")])
def test_equally_likely_strategies_are_told_apart_by_accuracy(bent, order):
    levels = {"b": 0.93, "c": 0.958, "d": 0.94}
    others = {name: lambda labels, top=levels[name]: top + 0 * labels for name in order}
    fit = bent(a=lambda labels: 0.5 + 0 * labels, **others)
    assert decide(fit, Unreachable(0.9, 420), strategy="a").switch_to == "c"


def test_no_switch_to_what_another_rule_gives_up(bent):
    fit = bent(a=lambda labels: 0.5 + 0 * labels, b=lambda labels: 0.92 + 0 * labels)
    rule = Unreachable(0.9, 420) | Unreachable(0.95, 500)
    assert decide(fit, rule, strategy="a").action == "stop"


def test_no_switch_where_the_labels_are_spent(bent):
    fit = bent(a=lambda labels: 0.5 + 0 * labels, b=lambda labels: 0.95 + 0 * labels)
    spent = float(fit.runs.table["labels"].max())
    assert decide(fit, Unreachable(0.9, spent), strategy="a").action == "stop"
    assert decide(fit, Unreachable(0.9, spent + 20), strategy="a").switch_to == "b"


def test_bad_questions(fit):
    with pytest.raises(DataError, match="rule is 'stop', but must be a stop rule"):
        decide(fit, "stop")
    with pytest.raises(DataError, match=r"rule is .*Target.*, but must be a stop rule"):
        decide(fit, Target)
    with pytest.raises(DataError, match="no strategy 'rnd'"):
        fit.decide(Target(0.9), strategy="rnd")
    with pytest.raises(DataError, match="no strategy ''"):
        fit.decide(Target(0.9), strategy="")
    with pytest.raises(DataError, match="force is 'no', but must be True or False"):
        fit.decide(Target(0.9), force="no")
    with pytest.raises(DataError, match="the target is 120, but must be above 0 and at most 1"):
        fit.decide(Target(120))


def normal_fit(prior_precision, seed=1, draws=100_000):
    """A posterior of two independent accuracies: the present one, 50 observations; a later one."""
    rng = np.random.default_rng(seed)
    present = rng.normal(0, 1, draws)
    later = rng.normal(0, 1, draws)
    data = 1 - prior_precision  # of a posterior precision of 1
    values = -0.5 * present**2 - 0.5 * data * later**2
    dims = ("chain", "draw", "observation")
    coords = {"of_strategy": ("observation", ["s"])}
    group = xr.Dataset({"accuracy": (dims, values[None, :, None])}, coords)
    outlook = Outlook(
        "s",
        np.array([10.0, 20.0]),
        np.array([0.0, 1.0]),
        0.5 + 0.1 * np.stack([present, later], 1),
        Score(),
    )
    return type("Fit", (), {"trace": xr.DataTree.from_dict({"log_likelihood": group})})(), outlook


@pytest.mark.parametrize("prior_precision", [0.0, 0.3, 0.9])
def test_share_of_the_data_is_that_of_the_precisions(prior_precision):
    fit, outlook = normal_fit(prior_precision)
    present, later = outlook.draws.T
    assert data_share(fit, "s", present, later) == pytest.approx(1 - prior_precision, abs=0.03)
    assert data_share(fit, "s", present, present) == pytest.approx(1)


@pytest.mark.parametrize(("prior_precision", "share"), [(1.5, 0), (-0.5, 1)])
def test_share_of_the_data_is_a_share(prior_precision, share):
    """Few draws, or curves far from normal, give sensitivities that are no shares."""
    fit, outlook = normal_fit(prior_precision)
    assert data_share(fit, "s", *outlook.draws.T) == share


def test_forecast_that_the_data_do_not_inform_is_said_to_be_so():
    fit, outlook = normal_fit(1.5)
    assert "(the data inform it <1 % as much as" in prior_dominates(fit, outlook, 20)


def test_forecast_that_is_mostly_prior_is_doubted():
    fit, outlook = normal_fit(0.9)
    width = 2 * 1.2816 * 0.1 / 0.5
    assert relative_width(*outlook.draws.T) == pytest.approx(width, rel=0.02)
    assert "the forecast at 20 labels is mostly prior" in prior_dominates(fit, outlook, 20)
    assert prior_dominates(fit, outlook, 10) is None
    narrow = replace(outlook, draws=0.5 + 0.1 * (outlook.draws - 0.5))
    assert prior_dominates(fit, narrow, 20) is None


def test_doubt_counts_where_the_verdict_hangs_on_it():
    fit, outlook = normal_fit(0.9)  # the gain is 0 in the mean, its sd 14 points
    low, high = band_edges(outlook)
    band = 1.2816 * 0.1 * np.sqrt(2)
    assert low.draws[0] == pytest.approx([0.5, 0.5 - band], abs=0.005)
    assert high.draws[0] == pytest.approx([0.5, 0.5 + band], abs=0.005)
    pays, hopeless = NetValue(1, 1), NetValue(10, 1)  # 10 labels cost 10, or 100: at most 18 points
    assert "mostly prior" in mostly_prior(fit, outlook, pays)
    assert mostly_prior(fit, outlook, hopeless) is None
    assert mostly_prior(fit, outlook, Target(0.9)) is None


def test_only_the_rules_that_look_there_are_refused(fit, monkeypatch):
    def doubt(_, outlook, rule):
        return "too far" if rule.horizon(outlook.now) > 300 else None

    monkeypatch.setattr(module, "DOUBTS", (doubt,))
    assert fit.decide(Target(0.5)).action == "stop"
    assert fit.decide(Plateau(0.001, 20, 0.99)).action == "continue"
    assert fit.decide(Plateau(0.001, 200)).sentence.endswith("too far.")
    assert fit.decide(Plateau(0.001, 200) | Target(0.5)).action == "stop"
