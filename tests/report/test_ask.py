"""What "Ask the page" has to compute from; its answers are in test_ask_in_browser.py."""

import base64
import zlib
from dataclasses import replace

import numpy as np
import pytest

from palm_bayes.data.score import Score
from palm_bayes.decisions.projection import Outlook
from palm_bayes.decisions.stopping_rules import Budget, NetValue
from palm_bayes.inference.convergence import Convergence
from palm_bayes.palm_fit import PalmFit
from palm_bayes.report import ask as module
from palm_bayes.report.ask import Ask
from palm_bayes.report.contents import Questions, report_of


@pytest.fixture(scope="module")
def report(fit):
    return report_of(fit, Questions(target=0.93, within=600))


@pytest.fixture
def ask(report):
    return Ask(report)


def unpacked(told):
    """Read the draws as the page does, dims (strategy, budget, draw)."""
    steps = np.frombuffer(zlib.decompress(base64.b64decode(told["draws"])), "<u2")
    shape = (len(told["strategies"]), len(told["budgets"]), told["kept"])
    return steps.reshape(shape).cumsum(axis=-1)


@pytest.mark.parametrize("target", [0.9, 0.9317, 0.95, 1.0])
def test_draws_have_the_chances_of_the_command_to_the_last_draw(fit, ask, target):
    told = ask.payload()
    shares = (unpacked(told) >= round(target * told["grid"])).mean(axis=-1)
    chances = fit.labels_to_reach(target).chances[told["strategies"]]
    assert told["budgets"] == list(chances.index)
    np.testing.assert_array_equal(shares.T, chances)


def test_a_page_of_many_draws_keeps_some_of_them(fit, ask, monkeypatch):
    monkeypatch.setattr(module, "MOST", 2 * 48 * 500)
    told = ask.payload()
    shares = (unpacked(told) >= 9300).mean(axis=-1)
    chances = fit.labels_to_reach(0.93).chances[told["strategies"]]
    assert told["kept"] == 500
    assert np.abs(shares.T - chances.to_numpy()).max() <= 1 / 500
    assert "500 of 4,000 draws" in ask.words[-1]
    assert "within 0.2 %" in ask.words[-1]


def test_pairs_are_those_of_the_comparison(fit, ask):
    told = ask.payload()
    (counts,) = told["above"]
    for at in (240, 500, 960):
        pairs = fit.compare(at).pairs.set_index(["strategy", "other"])
        share = counts[told["budgets"].index(at)] / (2 * told["samples"])
        assert share == pytest.approx(pairs.loc[tuple(told["strategies"]), "p_above"], abs=1e-12)


def test_without_a_target_the_line_starts_at_a_likely_one(fit):
    ask = Ask(report_of(fit, Questions()))
    line = ask.target_line
    assert 0 < line.low < line.start < line.high <= 1
    median = ask.paths.sel(budget=480).median("sample").max()
    assert line.start == pytest.approx(float(median), abs=line.step)
    assert ask.budget.start == 480  # the end of the curves on the page
    assert (ask.budget.low, ask.budget.high, ask.budget.step) == (240, 960, 20)


def test_percent_stays_percent(fit):
    percent = PalmFit(replace(fit.runs, score=Score(percent=True)), fit.trace, fit.convergence)
    ask = Ask(report_of(percent, Questions(target=93)))
    assert ask.target_line.start == 93
    assert ask.target_line.step == 0.1
    assert (ask.target.low, ask.target.high) == (0.01, 100)


def test_a_pool_ends_the_line(fit):
    ask = Ask(report_of(fit, Questions(target=0.93, pool=610)))
    assert ask.budget.high == 610
    assert ask.payload()["gains"][0]["labels"][-2:] == [600, 610]


def test_the_report_starts_the_questions(fit):
    rule = NetValue(0.5, 80, 2) | Budget(600)
    asked = Questions(rule=rule, within=600, strategy="random")
    ask = Ask(report_of(fit, asked))
    assert ask.costs == {"label-cost": 0.5, "point-value": 80, "episode-cost": 2}
    assert [ask.strategies[place] for place in ask.chosen] == ["random", "entropy"]
    assert ask.budget.start == 600


def test_gains_start_at_each_strategys_own_end(ragged_fit):
    told = Ask(report_of(ragged_fit, Questions())).payload()
    apart = set()
    for name, gains in zip(told["strategies"], told["gains"], strict=True):
        outlook = Outlook.of(ragged_fit, name, told["budgets"][-1])
        assert gains["labels"] == outlook.labels.tolist()
        means = 100 * outlook.draws.mean(axis=0)
        np.testing.assert_allclose(gains["gain"], means - means[0], atol=1e-9)
        apart |= set(gains["labels"]) - set(told["budgets"])
    assert apart


def test_episodes_have_no_costs(fit):
    table = fit.runs.table.assign(labels=float("nan"))
    unlabelled = PalmFit(replace(fit.runs, table=table, batch=1.0), fit.trace, fit.convergence)
    ask = Ask(report_of(unlabelled, Questions(target=0.93)))
    assert ask.payload()["unit"] == "episodes"
    assert ask.payload()["gains"] is None
    assert "net" not in ask.rows
    assert (ask.budget.low, ask.budget.high, ask.budget.step) == (12, 48, 1)


def test_doubts_are_told(fit, ask):
    assert ask.warning == ""
    table = fit.convergence.table.copy()
    table.loc["random", ["passed", "advice"]] = [False, "take more draws."]
    doubted = PalmFit(fit.runs, fit.trace, Convergence(table))
    warning = Ask(report_of(doubted, Questions())).warning
    assert warning == "Do not rely on this (random: not converged, take more draws)."
