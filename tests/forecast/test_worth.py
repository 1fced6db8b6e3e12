"""What an answer is worth is said beside it."""

import re

from palm_bayes.data import example_runs_path
from palm_bayes.data.readers import read_runs
from palm_bayes.forecast.worth import worth
from palm_bayes.model.learned import shipped
from palm_bayes.palm_fit import fit_runs


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
    """One from four episodes is; one from thirty, as far ahead, is not."""
    runs = read_runs(example_runs_path(), strategies="random")
    few, many = (fit_runs(runs.first(episodes), seed=1) for episodes in (4, 30))
    assert " It is mostly prior. The data inform it " in worth(few, 320)
    assert "mostly prior" not in worth(many, 2400)
    assert "mostly prior" not in worth(few, 80)  # not a forecast
