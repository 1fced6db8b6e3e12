"""What an answer is worth is said beside it."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest

from palm_bayes.data import example_runs_path
from palm_bayes.errors import DataError
from palm_bayes.forecast import worth as module
from palm_bayes.forecast.worth import worth
from palm_bayes.inference.saved import about_fit
from palm_bayes.model.learned import shipped
from palm_bayes.palm_fit import PalmFit, fit_runs
from palm_bayes.reading.read import read_runs


def test_no_further_than_the_data(fit):
    assert fit.worth(240) == "The forecast does not go beyond the data."


def test_how_far_how_often_and_how_much_is_prior(fit):
    said = worth(fit, 600)
    assert said.startswith("The forecast extends to 2.5 times the labels seen.")
    row = shipped().held_at(2.5)
    assert f"({row.forecasts:,} forecasts)" in said
    assert f"held {100 * row.share:.0f} % of later accuracies" in said
    assert re.search(r"The data inform it \S+ \S*.* as much as .* \(least for ", said)


def test_a_forecast_that_is_mostly_prior_says_so():
    """One from five episodes is; one from thirty, further ahead, is not."""
    runs = read_runs(example_runs_path(), strategies="random")
    few, many = (fit_runs(runs.first(episodes), seed=1) for episodes in (5, 30))
    assert " It is mostly prior. The data inform it " in worth(few, 320)
    assert "mostly prior" not in worth(many, 2400)
    assert "mostly prior" not in worth(few, 80)  # not a forecast


@pytest.fixture
def unlike(made_up, monkeypatch):
    """`a` has 50 labels, `b` 20."""
    monkeypatch.setattr(module, "_prior", lambda fit, ends, budget: f"{ends}")
    runs = made_up.task({"a": (0.1,), "b": (0.2,)})
    table = runs.table
    table = table[(table["strategy"] == "a") | (table["episode"] <= 2)].reset_index(drop=True)
    kept = json.dumps({"sampling": {"priors": "default"}})
    trace = SimpleNamespace(attrs={"palm_bayes": kept})
    return SimpleNamespace(runs=replace(runs, table=table), learned=shipped(), trace=trace)


def test_the_distance_is_that_of_the_strategies_asked_about(unlike):
    """And the present of each is the end of its own data."""
    said = worth(unlike, 60)
    assert said.startswith("The forecast extends to 3.0 times the labels seen with b. On ")
    assert "forecasts 1.5 to 3 times as far" in said
    assert said.endswith("{'a': 50.0, 'b': 20.0}")
    assert worth(unlike, 60, ["a"]).startswith("The forecast extends to 1.2 times the labels seen.")
    assert worth(unlike, 40).endswith("{'b': 20.0}")  # no forecast of a
    assert worth(unlike, 40, ["a"]) == "The forecast does not go beyond the data."


def test_a_short_distance_is_not_rounded_to_none(unlike):
    said = worth(unlike, 51, ["a"])
    assert said.startswith("The forecast extends to less than 1.1 times the labels seen. On ")


@pytest.mark.parametrize("budget", ["all", 0, -1, float("nan"), float("inf")])
def test_a_budget_is_a_number_above_0(unlike, budget):
    with pytest.raises(DataError, match="budget is "):
        worth(unlike, budget)


def test_wrong_arguments_are_one_line(unlike):
    with pytest.raises(DataError, match="until is 'all', but must be a number"):
        worth(unlike, 100, until="all")
    with pytest.raises(DataError, match="until is nan, but must be at least 0"):
        worth(unlike, 100, until=float("nan"))
    with pytest.raises(DataError, match="no strategy 3: there are"):
        worth(unlike, 100, 3)


def test_the_class_is_that_of_the_distance_told(unlike):
    """10.04 is told as 10.0, of which "more than 10" does not hold."""
    said = worth(unlike, 200.8, ["b"])
    assert said.startswith("The forecast extends to 10.0 times the labels seen. ")
    assert "forecasts 3 to 10 times as far" in said
    assert "more than 10 times as far" in worth(unlike, 202, ["b"])
    assert "extends to 50,000.0 times" in worth(unlike, 1e6, ["b"])


def test_tables_that_look_further_are_told_after_the_answer(unlike):
    answer = worth(unlike, 55, ["a"])
    said = worth(unlike, 55, ["a"], until=80)
    assert said.startswith(f"{answer} Tables and figures extend to 4.0 times the labels seen. On ")
    assert "forecasts 3 to 10 times as far" in said
    assert worth(unlike, 80, ["b"], until=80) == worth(unlike, 80, ["b"])
    same = worth(unlike, 80, ["b"], until=100)  # 4 and 5 times: of one class
    assert same.endswith("Tables and figures extend to 5.0 times the labels seen.")


def test_a_prior_of_one_source_does_not_tell_how_often_forecasts_held(unlike):
    unlike.learned = replace(shipped(), held=())
    said = worth(unlike, 60)
    assert "How often forecasts that far held is not known for this prior." in said


def test_other_priors_do_not_tell_how_often_forecasts_held(fit):
    kept = about_fit(fit.trace)
    kept["sampling"]["priors"] = "bounds"
    trace = fit.trace.copy()
    trace.attrs = {**trace.attrs, "palm_bayes": json.dumps(kept)}
    other = PalmFit(fit.runs, trace, fit.convergence)
    assert "held" in fit.worth(500)
    assert "is not known for this prior" not in fit.worth(500)
    assert "How often forecasts that far held is not known for this prior." in other.worth(500)
