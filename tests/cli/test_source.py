"""Where the decision commands get their fit from, with stand-ins for fits."""

import json
from types import SimpleNamespace

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from palm_bayes.cli.options import UsageError
from palm_bayes.cli.source import Source, read, takes_fit
from palm_bayes.cli.terminal import NOT_CONVERGED, OK, report_decision
from palm_bayes.data import example_runs_path
from palm_bayes.data.score import Score
from palm_bayes.errors import DataError
from palm_bayes.reading.options import Reading


def quiet(*_):
    pass


@pytest.fixture
def asked():
    """Return a function that runs a command line and returns what the command was given."""
    app, got = typer.Typer(), []

    @app.command()
    @takes_fit
    def decide(source: Source, at: float = 1.0) -> int:
        """Decide."""
        got.append((source, at))
        return 0

    def run(*args):
        result = CliRunner().invoke(app, [str(arg) for arg in args])
        return result, got[-1] if got else None

    return run


def test_command_keeps_its_own_options(asked):
    result, (source, at) = asked(example_runs_path(), "--at", 3, "--strategy", "margin")
    assert result.exit_code == 0
    assert at == 3
    assert source.reading.strategies == ["margin"]


def test_how_to_read_is_asked_for(asked, tmp_path):
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    first.touch()
    second.touch()
    options = ["--column", "accuracy=test_acc", "--column", "labels=n", "--layout", "wide"]
    options += ["--metric", "mIoU", "--lower-is-better"]
    _, (source, _) = asked(first, second, *options, "--pattern", "{strategy}", "--pool", 500)
    assert source.paths == [first, second]
    assert not source.saved
    assert source.reading.given == {
        "columns": {"accuracy": "test_acc", "labels": "n"},
        "layout": "wide",
        "pattern": "{strategy}",
        "pool": 500,
        "metric": "mIoU",
        "lower_is_better": True,
    }
    _, (source, _) = asked(f"{tmp_path}/*.csv")
    assert source.paths == [tmp_path / "*.csv"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["missing.csv"], "missing.csv does not exist"),
        ([".", "--column", "acc"], "accuracy=test_acc"),
    ],
)
def test_mistakes_of_reading(asked, args, said):
    result, _ = asked(*args)
    assert result.exit_code == 2
    assert said in result.output


def test_an_option_of_both_reaches_both():
    app, got = typer.Typer(), []

    @app.command()
    @takes_fit
    def decide(source: Source, pool: float | None = None) -> int:
        """Decide."""
        got.append((source.reading.pool, pool))
        return 0

    CliRunner().invoke(app, [str(example_runs_path()), "--pool", "900"])
    assert got == [(900, 900)]


def test_help_shows_own_options_before_those_of_fitting(asked):
    text = asked("--help")[0].output
    assert text.index("--at") < text.index("--strategy") < text.index("--draws")


def test_first_episodes_are_read_as_all_are(tmp_path):
    """In unit and batch, although the first four alone would be fractions in steps of 10."""
    table = pd.DataFrame(
        {
            "strategy": "random",
            "labels": [10, 20, 30, 40, 60, 80, 100, 120, 140],
            "accuracy": [0.4, 0.6, 0.8, 0.9, 1.5, 2.5, 4, 6, 9],
        }
    )
    path = tmp_path / "runs.csv"
    table.to_csv(path, index=False)
    runs, truth = read(path, Reading(max_episodes=4))
    assert runs.score == truth.score
    assert runs.table["accuracy"].to_numpy() == pytest.approx(table["accuracy"][:4] / 100)
    assert truth.table["accuracy"].max() == pytest.approx(0.09)
    assert (runs.batch, truth.batch) == (20, 20)
    again = read(path, Reading(max_episodes=4, percent=True, batch=20))[0]
    assert runs.sha256() == again.sha256()
    assert read(path, Reading())[1] is None


def test_runs_are_read_and_fitted(asked, monkeypatch):
    called = {}
    monkeypatch.setattr(
        "palm_bayes.palm_fit.fit_runs",
        lambda runs, **options: called.update(options, runs=runs),
    )
    _, (source, _) = asked(example_runs_path(), "--episodes", 12, "--draws", 7, "--seed", 5)
    notes = []
    source.fit(quiet, notes.append)
    assert called["runs"].table["episode"].max() == 12
    assert (called["draws"], called["seed"]) == (7, 5)
    assert called["progress"] is quiet
    assert any("Accuracy is read as" in note for note in notes)


def test_runs_that_have_gone_on_are_refitted(asked):
    told = {}

    def refit(runs, **options):
        told.update(options, runs=runs)

    _, (source, _) = asked(example_runs_path(), "--episodes", 13)
    before = SimpleNamespace(refit=refit, runs=SimpleNamespace(score=Score()))
    source.fit(quiet, quiet, before)
    assert told["runs"].table["episode"].max() == 13
    assert told["progress"] is quiet


@pytest.mark.parametrize("name", ["trace.nc", "."])
def test_saved_fit_is_loaded(asked, monkeypatch, tmp_path, name):
    (tmp_path / "trace.nc").touch()
    monkeypatch.setattr("palm_bayes.palm_fit.PalmFit.load", lambda path: path)
    _, (source, _) = asked(tmp_path / name, "--seed", 3)
    assert source.fit(quiet, quiet) == tmp_path / "trace.nc"
    assert source.seed == 3


def test_saved_fit_takes_no_option_of_fitting(asked, tmp_path):
    (tmp_path / "trace.nc").touch()
    _, (source, _) = asked(tmp_path / "trace.nc", "--draws", 1000, "-b", 20)
    with pytest.raises(
        UsageError, match=r"saved fit: leave out --budget-size, --draws, or give the runs"
    ):
        source.fit(quiet, quiet)


@pytest.mark.parametrize(("passed", "status"), [(True, OK), (False, NOT_CONVERGED)])
def test_decision_tells_convergence(capsys, passed, status):
    fit = SimpleNamespace(convergence=SimpleNamespace(passed=passed, sentence="The verdict."))
    table = pd.DataFrame({"strategy": ["margin"], "P(best)": ["80 %"]})
    document = {"sentence": "Take margin."}
    result = SimpleNamespace(sentence="Take margin.", document=lambda: document)
    tables = {"At 100 labels:": table}
    assert report_decision(fit, result, tables, table, how="text") == status
    text = capsys.readouterr().out
    assert "At 100 labels:" in text
    assert "80 %" in text
    assert text.rstrip().endswith("Take margin." if passed else "The verdict.")
    report_decision(fit, result, {}, table, how="json")
    told = json.loads(capsys.readouterr().out)
    assert told == document | {"converged": passed, "verdict": "The verdict."}


def test_the_environment_gives_defaults_but_no_options_of_a_saved_fit(asked, tmp_path, monkeypatch):
    monkeypatch.setenv("PALM_BAYES_DRAWS", "17")
    monkeypatch.setenv("PALM_BAYES_SEED", "3")
    _, (source, _) = asked(example_runs_path())
    assert (source.sampling["draws"], source.seed) == (17, 3)
    _, (source, _) = asked(example_runs_path(), "--draws", 19)
    assert source.sampling["draws"] == 19
    (tmp_path / "trace.nc").touch()
    monkeypatch.setattr("palm_bayes.palm_fit.PalmFit.load", lambda path: path)
    _, (source, _) = asked(tmp_path)
    assert source.fit(quiet, quiet) == tmp_path / "trace.nc"
    monkeypatch.setenv("PALM_BAYES_DRAWS", "two")
    result, _ = asked(example_runs_path())
    assert result.exit_code == 2
    assert "PALM_BAYES_DRAWS" in result.output


@pytest.mark.parametrize("inside", ["", "trace.nc"])
def test_a_saved_fit_is_not_read_as_runs(tmp_path, inside):
    (tmp_path / "trace.nc").write_bytes(b"")
    (tmp_path / "forecast.csv").write_text("strategy,mean\na,0.9\n")
    with pytest.raises(DataError, match=r"trace\.nc is a saved fit, not runs: palm-bayes show "):
        read([tmp_path / inside], Reading())
