"""How budgets and stop decisions depend on the prior."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from palm_bayes.data import example_runs_path
from palm_bayes.data.score import Score
from palm_bayes.decisions import prior_weight as module
from palm_bayes.decisions.decide import decision
from palm_bayes.decisions.label_budget import labels_to_reach
from palm_bayes.decisions.prior_weight import of_budget, of_decision
from palm_bayes.decisions.projection import Outlook
from palm_bayes.decisions.stopping_rules import Budget, Target
from palm_bayes.palm_fit import fit_runs
from palm_bayes.reading.read import read_runs


def weighed(half, twice):
    """Return what a fit says of its draws if those of strategy a by weight are these."""
    positions = [[0, 0] if one is None else one for one in (half, twice)]
    return xr.Dataset(
        {
            "position": (("strategy", "weight", "sample"), [positions]),
            "reliable": (("strategy", "weight"), [[one is not None for one in (half, twice)]]),
        },
        {"strategy": ["a"], "weight": ["half", "twice"]},
    )


@pytest.fixture
def needed(made_up):
    """Draws that need 60, 80, 100 labels, and one that needs more than 100."""
    runs = made_up.task({"a": (0.1, 0.2, 0.3)})
    curves = [lambda x, n=n: 0.1 + 0.4 * x / n for n in (6, 8, 10, 100)]
    return labels_to_reach(made_up.stand_in(runs, {"a": curves}), 0.5, assurance=0.5, until=100)


@pytest.mark.parametrize(
    ("half", "twice", "budgets"),
    [
        ([0, 1, 2, 3], [0, 1, 2, 3], None),
        ([0, 1, 2, 3], [2, 2, 2, 2], ("80", "100")),
        ([3, 3, 3, 3], [0, 0, 0, 0], ("more than 100", "60")),
    ],
)
def test_budgets_under_another_prior(needed, half, twice, budgets):
    needed.fit.prior_scaled = weighed(half, twice)
    said = "With half the weight of the prior, a would need {} labels; with twice the weight, {}."
    assert of_budget(needed) == (said.format(*budgets) if budgets else "")


NOT_SHOWN = (
    "These draws do not show whether half or twice the weight of the prior would change the {}; "
    "a fit with four times as many (draws=, --draws) may."
)


def test_draws_that_cannot_tell(needed):
    needed.fit.prior_scaled = weighed(None, [0, 0])
    assert of_budget(needed) == NOT_SHOWN.format("budget")


@pytest.mark.parametrize(
    ("half", "twice", "words"),
    [
        ([0, 1], [0, 0], ""),
        ([1, 1], [0, 0], "With half the weight of the prior, the decision would be to continue."),
        (
            [1, 1],
            [1, 1],
            "With half or twice the weight of the prior, the decision would be to continue.",
        ),
        ([0, 0], None, NOT_SHOWN.format("decision")),
    ],
)
def test_decisions_under_another_prior(monkeypatch, half, twice, words):
    outlook = Outlook(
        "a",
        np.array([50.0, 60.0]),
        np.array([0.0, 1.0]),
        np.array([[0.9, 0.9], [0.7, 0.7]]),
        Score(),
    )
    monkeypatch.setattr(module, "outlook_for", lambda *_: outlook)
    fit = SimpleNamespace(prior_scaled=weighed(half, twice))
    rule = Target(0.8, 0.5) | Budget(500)
    found = decision(rule, outlook, dict.fromkeys(rule.leaves(), ()))
    assert found.action == "stop"
    assert of_decision(fit, rule, found) == words
    spent = decision(Budget(50), outlook, {Budget(50): ()})
    assert of_decision(fit, Budget(50), spent) == ""  # needs no forecast


@pytest.fixture(scope="module")
def fits():
    """Fits of the first eight and the first twenty episodes of a strategy."""
    runs = read_runs(example_runs_path(), strategies="random")
    return [fit_runs(runs.first(episodes), seed=1) for episodes in (8, 20)]


def test_few_episodes_depend_on_it_and_many_do_not(fits):
    few, many = (fit.labels_to_reach(0.9) for fit in fits)
    assert of_budget(few).startswith("With half the weight of the prior, random would need ")
    assert of_budget(many) == ""
    rule = Target(0.9)
    assert of_decision(fits[1], rule, fits[1].decide(rule)) == ""


def test_custom_priors_are_not_known(fits):
    trace = fits[0].trace.copy()
    trace.attrs["palm_bayes"] = trace.attrs["palm_bayes"].replace('"default"', '"own"')
    own = type(fits[0])(fits[0].runs, trace, fits[0].convergence)
    assert of_budget(own.labels_to_reach(0.9)) == ""
    assert of_decision(own, Target(0.9), own.decide(Target(0.9))) == ""
