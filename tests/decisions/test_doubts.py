"""What stop rules refuse, all other answers are marked by: sentences, tables, JSON and report."""

import json
import warnings
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

from palm_bayes.cli import app as cli
from palm_bayes.cli.source import Source
from palm_bayes.decisions.doubts import doubts_of, with_warning
from palm_bayes.decisions.information_value import pilot_value
from palm_bayes.decisions.stopping_rules import Target
from palm_bayes.errors import PalmWarning
from palm_bayes.inference.convergence import Convergence
from palm_bayes.report.contents import Questions, report_of
from palm_bayes.report.tables import budgeted, compared, piloted

WHY = "PALM does not describe the curve, it falls"
WARNING = f"Do not rely on this (random: {WHY}). "

ASKED = [
    (lambda fit: fit.compare(300), compared),
    (lambda fit: fit.labels_to_reach(0.9), budgeted),
    (lambda fit: pilot_value(fit, 300), piloted),
]


@pytest.mark.parametrize(("ask", "show"), ASKED, ids=["compare", "budget", "pilot"])
def test_what_stop_refuses_is_marked(fit, falling_fit, ask, show):
    assert falling_fit.decide(Target(0.8), strategy="random").action == "cannot say"
    found, sure = ask(falling_fit), ask(fit)
    assert found.sentence == WARNING + sure.sentence
    assert found.document()["doubts"] == {"random": (WHY,)}
    assert sure.document()["doubts"] == {}
    for table in show(found).values():
        assert set(table.loc[table["doubted"] == "yes", "strategy"]) == {"random"}
    assert all("doubted" not in table for table in show(sure).values())


def test_a_fit_that_has_not_converged_is_doubted(made_up):
    fit = made_up.stand_in(made_up.task({"a": (0.1, 0.2)}), {"a": [made_up.line(0.1, 0.05)]})
    assert doubts_of(fit) == {}
    table = pd.DataFrame({"passed": [False], "advice": "take more draws."}, ["a"])
    fit.convergence = SimpleNamespace(table=table)
    assert doubts_of(fit) == {"a": ("not converged, take more draws",)}


def test_both_kinds_of_doubt_are_told(falling_fit):
    table = falling_fit.convergence.table.copy()
    table.loc["entropy", ["passed", "advice"]] = [False, "take more draws."]
    doubted = replace(falling_fit, convergence=Convergence(table))
    vars(doubted)["predictive_check"] = falling_fit.predictive_check
    found = doubts_of(doubted)
    assert found == {"random": (WHY,), "entropy": ("not converged, take more draws",)}
    assert with_warning(found, "So.") == (
        f"Do not rely on this (random: {WHY}, entropy: not converged, take more draws). So."
    )
    assert with_warning({}, "So.") == "So."


def test_the_report_marks_its_verdict(falling_fit):
    report = report_of(falling_fit, Questions(target=0.9))
    for question in ("Which strategy?", "How many labels?"):
        assert report.verdict[question].startswith(WARNING)
    assert report.document()["comparison"]["doubts"] == {"random": (WHY,)}


@pytest.mark.parametrize(
    "args", [("compare", "--at", "300"), ("budget", "--target", "0.9"), ("pilot", "--at", "300")]
)
def test_the_commands_say_so(falling_fit, monkeypatch, capsys, tmp_path, args):
    monkeypatch.setattr(Source, "fit", lambda source, step, note: falling_fit)
    command, *options = args
    assert cli.main([command, str(tmp_path), *options]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert WARNING.strip() in text
    assert "doubted" in text
    assert cli.main([command, str(tmp_path), *options, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["doubts"] == {"random": [WHY]}
    assert told["sentence"].startswith(WARNING)


def test_error_rates_are_not_ranked_without_a_warning(example_runs):
    """Error rates fall: fitted for real, every answer begins with the warning."""
    from palm_bayes.palm_fit import fit_runs

    runs = example_runs.select(["random", "entropy"])
    errors = replace(runs, table=runs.table.assign(accuracy=1 - runs.table["accuracy"]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PalmWarning)
        falling = fit_runs(errors, seed=1)
    found = falling.compare(300)
    assert set(found.doubts) == {"random", "entropy"}
    for why in found.doubts.values():
        assert any("PALM does not describe the curve, " in text for text in why)
    assert found.sentence.startswith("Do not rely on this (random: ")
    assert falling.labels_to_reach(0.3).sentence.startswith("Do not rely on this (random: ")
