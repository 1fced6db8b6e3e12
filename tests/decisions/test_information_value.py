"""The value of piloting: against the closed form of normal curves, and on a real fit."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from palm_bayes.decisions.information_value import _value_of_pilot, pilot_value
from palm_bayes.decisions.projection import Outlook
from palm_bayes.errors import DataError


def draws(noise, n=200_000, lead=0.01, sd=0.02):
    """Two strategies, the second known exactly and ahead; the first seen with noise."""
    rng = np.random.default_rng(3)
    first = rng.normal(0.8, sd, n)
    accuracy = np.stack([first, np.full(n, 0.8 + lead)], axis=1)
    seen = first + rng.normal(0, noise, n)
    return accuracy, seen[:, None], rng.permutation(n) % 2 == 0


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.05])
def test_value_is_that_of_normal_theory(noise):
    accuracy, seen, half = draws(noise)
    # The posterior mean of the first is normal with this sd: Raiffa and Schlaifer, 1961.
    sd = 0.02**2 / np.hypot(0.02, noise)
    exact = sd * (norm.pdf(0.01 / sd) - 0.01 / sd * norm.sf(0.01 / sd))
    value, error = _value_of_pilot(accuracy, 0, seen, half)
    assert value == pytest.approx(exact, abs=4 * error + 1e-6)


def test_seeing_what_tells_nothing_is_worth_nothing():
    accuracy, _, half = draws(0.0)
    noise = np.random.default_rng(4).normal(size=(len(half), 3))
    value, error = _value_of_pilot(accuracy, 0, noise, half)
    assert value == pytest.approx(0, abs=2 * error + 1e-9)


def test_table_of_a_fit(fit):
    found = pilot_value(fit, 300)
    table = found.table
    assert set(zip(table["strategy"], table["pilot"], strict=True)) == {
        (strategy, pilot)
        for strategy in ("random", "entropy")
        for pilot in ("episode", "repetition")
    }
    assert (table["value"] <= found.perfect + 3 * table["error"]).all()
    assert table["value"].is_monotonic_decreasing
    costs = table.set_index("pilot")["labels"]
    assert set(costs["episode"]) == {5 * 20}
    assert set(costs["repetition"]) == {240}
    assert found.sentence.startswith(f"Now {found.choice} would be chosen for 300 labels; ")
    assert pilot_value(fit, 300).table.equals(table)


def test_a_choice_that_nothing_would_improve_is_said_to_be_one(fit):
    found = replace(pilot_value(fit, 300), perfect=0.0004)
    assert found.sentence.endswith(
        "; even with all curves known, the accuracy there would be better by <0.001."
    )


def test_choosing_needs_two(fit):
    with pytest.raises(DataError, match="only random is fitted"):
        pilot_value(replace(fit, runs=fit.runs.strategy("random")), 300)


def test_costs_need_labels(made_up):
    runs = made_up.task({"a": (0.1,), "b": (0.2,)}, labels=False)
    curves = {name: [made_up.line(0.1, 0.1)] for name in "ab"}
    with pytest.raises(DataError, match="labels are unknown, only episodes are"):
        pilot_value(made_up.stand_in(runs, curves), 6)


def test_a_lack_of_labels_is_remedied_in_python_and_in_the_shell(made_up):
    """In the same words by all that need labels."""
    runs = made_up.task({"a": (0.1,), "b": (0.2,)}, labels=False)
    fit = made_up.stand_in(runs, {name: [made_up.line(0.1, 0.1)] for name in "ab"})
    for needs in (
        lambda: pilot_value(fit, 6), lambda: Outlook.of(fit, "a", 9), lambda: runs.x_at([6]),
    ):  # fmt: skip
        with pytest.raises(DataError, match=r"batch= in Python, --budget-size in the shell"):
            needs()


def test_wrong_arguments_are_one_line(fit):
    with pytest.raises(
        DataError, match=r"fit is of type Runs, but must be a fit, as palm_bayes\.fit"
    ):
        pilot_value(fit.runs, 300)
    with pytest.raises(DataError, match="seed is 'a', but must be a whole number"):
        pilot_value(fit, 300, seed="a")


@pytest.mark.parametrize("labels", [10, -1, float("nan"), "a"])
def test_the_choice_is_of_a_run_at_least_as_long_as_the_first_episode(fit, labels):
    with pytest.raises(DataError, match=r"labels (are|is)"):
        pilot_value(fit, labels)
