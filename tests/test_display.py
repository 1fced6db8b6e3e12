"""What results show of themselves: the right numbers, in one screen, and no markup of a user's."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from palm_bayes import Budget, Target, pilot_value
from palm_bayes.decisions.decide import Decision
from palm_bayes.decisions.rule_logic import Finding
from palm_bayes.display import (
    Display,
    amount,
    difference,
    exact_percent,
    intervals,
    number,
    percent,
    three_digits,
    with_error,
)
from palm_bayes.inference.convergence import Convergence
from palm_bayes.palm_fit import PalmFit

BOLD = "<b>x</b>"


def cells(html):
    """Rows of the table of some HTML as lists of text."""
    rows = re.findall(r"<tr.*?</tr>", html, re.DOTALL)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in rows]


@pytest.fixture(scope="module")
def results(fit):
    return {
        "Runs": fit.runs,
        "PalmFit": fit,
        "Forecast": fit.forecast(labels=[400, 800]),
        "Comparison": fit.compare(500),
        "Decision": fit.decide(Target(0.93) | Budget(600)),
        "LabelsToReach": fit.labels_to_reach(0.95),
        "PilotValue": pilot_value(fit, 600),
        "Convergence": fit.convergence,
        "PredictiveCheck": fit.predictive_check,
    }


NAMES = ["Runs", "PalmFit", "Forecast", "Comparison", "Decision", "LabelsToReach"]
NAMES += ["PilotValue", "Convergence", "PredictiveCheck"]


@pytest.mark.parametrize("name", NAMES)
def test_text_and_html_say_the_same_in_one_screen(results, name):
    text, html = repr(results[name]), results[name]._repr_html_()
    lines = text.splitlines()
    assert text.startswith(f"{name}: ")
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 120
    assert f"<b>{name}</b>: " in html
    assert "color" not in html
    assert "overflow-x: auto" in html  # what is wide scrolls in itself: intervals stay in one line
    assert "white-space: nowrap" in html
    for row in cells(html):
        for cell in filter(None, row):
            assert cell.replace("&gt;", ">") in text


def test_runs_show_first_and_last_accuracies(made_up):
    runs = made_up.task({"a": [0.2, 0.4], "b": [0.1]}, percent=True)
    header, a, b = cells(runs._repr_html_())
    assert header == [
        "strategy", "repetitions", "episodes", "labels", "first accuracy", "last accuracy"
    ]  # fmt: skip
    assert a == ["a", "2", "5", "50", "35", "55"]
    assert b == ["b", "1", "5", "50", "15", "35"]
    without = cells(made_up.task({"a": [0.2]}, labels=False)._repr_html_())
    assert "labels" not in without[0]


def test_fit_shows_the_medians_of_its_summary(fit):
    table = fit.summary().set_index(["strategy", "parameter"])
    header, *rows = cells(fit._repr_html_())
    assert header == ["strategy", "A_max", "delta", "alpha", "beta"]
    for strategy, *shown in rows:
        for parameter, words in zip(header[1:], shown, strict=True):
            row = table.loc[(strategy, parameter)]
            (said,) = intervals([row["median"]], [row["lower"]], [row["upper"]])
            assert words == said
    assert fit.convergence.sentence in fit._repr_html_()


def test_fit_marks_strategies_that_did_not_converge(fit):
    table = fit.convergence.table.copy()
    table.loc["entropy", ["passed", "advice"]] = [False, "take more draws."]
    doubted = replace(fit, convergence=Convergence(table))
    header, *rows = cells(doubted._repr_html_())
    assert header[-1] == "converged"
    assert {row[0]: row[-1] for row in rows} == {"random": "", "entropy": "no"}
    assert "Not converged" in repr(doubted)


@pytest.mark.parametrize("scope", ["expected", "new"])
def test_forecast_shows_its_quantiles(fit, scope):
    found = fit.forecast(horizon=8, scope=scope)
    header, *rows = cells(found._repr_html_())
    assert header == ["strategy", "labels 240", "labels 320", "labels 400"]
    table = found.to_frame().set_index(["strategy", "labels"]).loc[("random", 320.0)]
    (said,) = intervals([table["q50"]], [table["q10"]], [table["q90"]])
    assert rows[0][2] == said


def test_forecast_of_continuing_repetitions_begins_after_the_data(fit):
    header, *rows = cells(fit.forecast(horizon=8, scope="continuing")._repr_html_())
    assert header[:3] == ["strategy", "repetition", "labels 260"]
    assert rows[0][:2] == ["random", "1"]
    assert "0 places" not in repr(fit.forecast(horizon=0, scope="continuing"))


def test_forecasts_of_means_are_said_to_be(fit):
    table = fit.runs.table.assign(standard_error=0.01, mean_of=5.0)
    fit = PalmFit(replace(fit.runs, table=table), fit.trace, fit.convergence)
    shown = {scope: repr(fit.forecast([500], scope=scope)) for scope in ("new", "continuing")}
    assert "a new mean of repetitions of each strategy" in shown["new"]
    assert "the continuation of each mean of repetitions" in shown["continuing"]
    keys = [text.get_text() for text in fit.plot().legends[0].get_texts()]
    assert any("new mean" in key for key in keys)


def test_comparison_and_budgets_show_their_tables(fit, results):
    found, budget = results["Comparison"], results["LabelsToReach"]
    shown = cells(found._repr_html_())
    assert [row[0] for row in shown[1:]] == list(found.ranking["strategy"])
    assert shown[1][4] == number(found.ranking["p_best"][0])
    header, *rows = cells(budget._repr_html_())
    assert header == ["strategy", "budget", "median", "lower", "upper", "p_never", "p_reached"]
    unreached = np.isinf(budget.table["budget"])
    assert [row[1] == "&gt;960" for row in rows] == list(unreached)


def test_decision_shows_what_each_rule_says():
    found = Decision(
        "continue", BOLD, None, 400, 20,
        (Finding("first", None, "?"), Finding("second", False, f"{BOLD} may", "a", "b", 0.25)),
    )  # fmt: skip
    html = found._repr_html_()
    assert cells(html) == [
        ["rule", "probability", "says"], ["first", "", "cannot say"], ["second", "0.25", "continue"]
    ]  # fmt: skip
    assert BOLD not in html
    assert "with &lt;b&gt;x&lt;/b&gt;, next 20" in html


def test_names_of_a_user_are_escaped_everywhere(made_up):
    runs = made_up.task({BOLD: [0.2], "$x_1$": [0.3]})
    html = replace(runs, dataset="<i>d</i>", notes=("a < b",))._repr_html_()
    assert BOLD not in html
    assert "&lt;b&gt;x&lt;/b&gt;" in html
    assert "&lt;i&gt;d&lt;/i&gt;" in html
    assert "a &lt; b" in html
    assert 'class="palm-bayes tex2jax_ignore mathjax_ignore"' in html


def test_names_are_escaped_in_all_that_a_fit_gives(hostile_fit):
    shown = [hostile_fit, hostile_fit.forecast(horizon=2), hostile_fit.compare(500)]
    shown += [hostile_fit.convergence, hostile_fit.predictive_check, pilot_value(hostile_fit, 500)]
    shown += [
        hostile_fit.labels_to_reach(0.95),
        hostile_fit.decide(Target(0.93), strategy=hostile_fit.runs.strategies[0]),
    ]
    for result in shown:
        assert "<script" not in result._repr_html_()
        assert "&lt;script&gt;" in result._repr_html_()


def test_much_is_cut():
    table = pd.DataFrame(
        {"strategy": [f"s{i}" for i in range(100)], "n": range(100), "none": np.nan}
    )
    display = Display("word " * 500, table)
    lines = display.text("Runs").splitlines()
    assert len(lines) <= 24
    assert {"s0", "s99"} <= {line.split()[0] for line in lines}
    assert len(cells(display.html("Runs"))) == 16
    assert "none" not in display.html("Runs")


def test_numbers_in_words():
    assert [number(x) for x in (0.92914, 1e-5, 999.96, 12345.6, -1234.5)] == [
        "0.9291", "1e-05", "1000", "12,346", "-1,234"
    ]  # fmt: skip
    assert intervals([0.9, 1420.0], [0.85, -0.004], [12.0, 240.0]) == [
        "0.900 [0.850, 12.0]", "1,420 [-0.00400, 240]"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("probability", "words"),
    [
        (-0.3, "<1 %"),
        (0, "<1 %"),
        (0.004, "<1 %"),
        (0.005, "1 %"),
        (0.995, ">99 %"),
        (0.006, "1 %"),
        (0.5, "50 %"),
        (0.994, "99 %"),
        (1, ">99 %"),
    ],
)
def test_no_probability_is_said_to_be_0_or_1(probability, words):
    assert percent(probability) == words


@pytest.mark.parametrize(
    ("value", "scale", "words"),
    [
        (0.02345, 1, "0.023"), (0.0012, 1, "0.0012"), (0.12, 1, "0.12"), (-0.031, 1, "-0.031"),
        (0.0009, 1, "<0.001"), (-0.0001, 1, "<0.001"), (0.0, 1, "<0.001"),
        (2.345, 100, "2.3"), (12.6, 100, "13"), (0.123, 100, "0.12"), (0.05, 100, "<0.1"),
    ],
)  # fmt: skip
def test_differences_have_two_significant_digits_and_no_empty_ones(value, scale, words):
    assert difference(value, scale) == words


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (0.0002, 0.0004, ("0.00020", "0.00040")), (-0.00021, 0.0001, ("-0.00021", "0.00010")),
        (0.0231, 0.0042, ("0.0231", "0.0042")), (-0.00001, 0.01, ("0.000", "0.010")),
        (0.02, 0.035, ("0.020", "0.035")), (1.2, 12.0, ("1", "12")), (0.0, 0.0, ("0", "0")),
    ],
)  # fmt: skip
def test_values_can_be_compared_with_their_standard_errors(value, error, words):
    """However small, and with their signs."""
    assert with_error(value, error) == words


def test_amounts_and_given_shares_in_words():
    assert (amount(12345.6), amount(0.12345)) == ("12,346", "0.123")
    assert (amount(999.7), amount(-999.7), amount(999.4)) == ("1,000", "-1,000", "999")
    assert (three_digits(999.7), three_digits(999.4)) == ("1,000", "999")
    assert [exact_percent(p) for p in (0.8, 0.025, 0.999)] == ["80 %", "2.5 %", "99.9 %"]
