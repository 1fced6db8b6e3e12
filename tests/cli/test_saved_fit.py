"""Questions to saved fits: without libraries that only other commands need, and to several."""

import subprocess
import sys

import pytest

from palm_bayes.cli import app as cli
from palm_bayes.decisions.compare import Comparison
from palm_bayes.decisions.label_budget import LabelsToReach

ASKED = """
import os, sys
from palm_bayes.__main__ import run
os._exit = sys.exit
try:
    run()
except SystemExit as end:
    assert end.code == 0
scipy = {"scipy.special", "scipy.stats", "scipy.optimize"}
heavy = {"pymc", "pytensor", "nutpie", "numba", "arviz", "arviz_stats", "dask.array"} | scipy
if "--json" in sys.argv:  # it has the diagnostics of every parameter
    heavy -= {"arviz_stats"} | scipy
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""


@pytest.fixture
def saved(fit, tmp_path):
    return str(fit.save(tmp_path / "a.nc"))


QUESTIONS = [
    ["show", "{fit}"],
    ["compare", "{fit}", "--at", "500"],
    ["budget", "{fit}", "--target", "0.9"],
    ["stop", "{fit}", "--target", "0.9"],
    ["pilot", "{fit}", "--at", "500"],
    ["report", "{fit}", "--target", "0.9", "--out", "{fit}.html"],
]


@pytest.mark.parametrize(
    "command",
    [*QUESTIONS, ["show", "{fit}", "--json"]],
    ids=lambda words: " ".join(words[:1] + words[2:3]),
)
def test_a_saved_fit_is_asked_without_pymc_and_dask(saved, command):
    words = [word.format(fit=saved) for word in command]
    done = subprocess.run(
        [sys.executable, "-c", ASKED, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", QUESTIONS, ids=lambda words: words[0])
def test_progress_is_lines_on_stderr_unless_quiet(saved, command, capsys):
    words = [word.format(fit=saved) for word in command]
    assert cli.main(words) == 0
    plain = capsys.readouterr()
    assert "loading " in plain.err
    assert cli.main([*words, "--quiet"]) == 0
    assert capsys.readouterr() == (plain.out, "")


@pytest.mark.parametrize(
    ("command", "result"),
    [(["compare"], Comparison), (["budget", "--target", "0.9"], LabelsToReach)],
    ids=["compare", "budget"],
)
def test_text_waits_for_no_tables_of_the_document(saved, command, result, monkeypatch):
    monkeypatch.setattr(result, "document", lambda _: pytest.fail("not shown"))
    assert cli.main([command[0], saved, *command[1:]]) == 0


def test_several_are_compared_with_a_note(fit, saved, tmp_path, capsys):
    other = str(fit.save(tmp_path / "b.nc"))
    assert cli.main(["compare", saved, other, "--at", "500"]) == 0
    told = capsys.readouterr()
    assert "entropy (a)" in told.out
    assert "entropy (b)" in told.out
    assert "their draws are independent" in told.err


def test_fits_and_runs_are_not_mixed(saved, tmp_path, capsys):
    runs = tmp_path / "runs.csv"
    runs.touch()
    assert cli.main(["compare", saved, str(runs)]) == 2
    assert "runs.csv is not: give only fits" in capsys.readouterr().err
