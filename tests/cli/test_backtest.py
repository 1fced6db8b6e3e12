"""The command `palm-bayes backtest`, with a stand-in for the backtest itself."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import palm_bayes
from palm_bayes.cli import app as cli
from palm_bayes.data import write_example
from palm_bayes.data.quantiles import QUANTILE_NAMES
from palm_bayes.evaluation.backtest_result import KEY, Backtest
from palm_bayes.files import Look
from palm_bayes.reading.read import read_runs

HEAD = dict(zip(KEY, ("", "digits", "logistic", "margin", 8), strict=True))


def result(*, passed=True, failed=False):
    """One cell with one forecast, and one that failed."""
    quantiles = {name: 0.8 + 0.001 * float(name[1:]) for name in QUANTILE_NAMES}
    row = {"scope": "mean", "repetition": "", "episode": 9, "labels": 180.0, "mean": 0.85}
    one = HEAD | row | {"observed": 0.86} | quantiles
    forecasts = pd.DataFrame([one, one | {"scope": "repetition", "repetition": "1"}])
    points = pd.DataFrame([HEAD | {"episode": 9, "labels": 180.0, "observed": 0.86}])
    score = {"scope": "mean", "third": "all", "n": 1, "crps": 0.0123, "mae": 0.02}
    bands = dict.fromkeys(["coverage_50", "coverage_80", "coverage_95"], 1.0)
    scores = [
        HEAD | score | bands | {"forecaster": "palm_bayes", "passed": passed, "described": True},
        HEAD | score | {"forecaster": "pow4"},
    ]
    part = {"forecasts": forecasts, "baselines": points, "scores": pd.DataFrame(scores)}
    bad = pd.DataFrame([HEAD | {"strategy": "random", "n": 0, "reason": "RuntimeError: no"}])
    parts = [part, {"scores": bad}] if failed else [part]
    runs = read_runs(palm_bayes.data.example_runs_path()).strategy("margin")
    return Backtest.joined(parts, [(("", "digits", "logistic", "margin"), runs)])


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """Stand in for `palm_bayes.backtest`; note what it was asked."""
    monkeypatch.chdir(tmp_path)
    write_example(tmp_path / "runs")
    asked = {"result": result()}

    def backtest(data, *, progress, **options):
        asked.update(options, data=data)
        progress("digits / margin from 8 episodes", "", 0.5)
        if "error" in asked:
            raise asked["error"]
        return asked["result"]

    monkeypatch.setitem(vars(palm_bayes), "backtest", backtest)
    return asked


def test_what_is_said(asked, capsys):
    assert cli.main(["backtest", "runs/runs.csv"]) == 0
    out, err = capsys.readouterr()
    assert "1 episode ahead (20 labels), the 80 % bands held 100 % of the means" in out
    assert "palm_bayes" in out
    assert "0.0123" in out
    assert "1 fit, 1 converged." in out
    assert "Written to palm_backtest_out: forecasts.csv" in out
    assert "Not scored" not in out
    assert err.splitlines() == ["loading PyMC", "digits / margin from 8 episodes"]
    assert asked["data"] == [Path("runs/runs.csv")]
    assert (asked["train_fractions"], asked["train_episodes"]) == (None, None)
    assert (asked["out"], asked["fresh"]) == (Path("palm_backtest_out"), False)


def test_what_was_understood_is_noted(asked, capsys):
    asked["result"] = replace(result(), notes=("Read: score is acc.",))
    assert cli.main(["backtest", "runs/runs.csv"]) == 0
    assert "note: Read: score is acc." in capsys.readouterr().err


def test_options(asked):
    command = (
        "backtest runs/digits --train-fraction 0.25 --train_fraction 0.5 --train-episodes 12 "
        "--strategy margin --dataset digits --model m --priors bounds --draws 50 --tune 60 "
        "--chains 2 --target-accept 0.9 --sampler pymc --seed 7 --out other --fresh --quiet "
        "--workers 3 --scheduler tcp://here:1 --figures svg --size 6x4"
    )
    assert cli.main(command.split()) == 0
    del asked["result"]
    assert asked == {
        "data": [Path("runs/digits")],
        "train_fractions": [0.25, 0.5],
        "train_episodes": [12],
        "strategies": ["margin"],
        "dataset": "digits",
        "model": "m",
        "priors": "bounds",
        "prior": None,
        "draws": 50,
        "tune": 60,
        "chains": 2,
        "target_accept": 0.9,
        "sampler": "pymc",
        "seed": 7,
        "out": Path("other"),
        "look": Look(size=(6, 4), kind="svg"),
        "fresh": True,
        "workers": 3,
        "scheduler": "tcp://here:1",
    }


def test_json(asked, capsys, unexplained):
    asked["result"] = result(failed=True)
    assert cli.main(["backtest", "runs/runs.csv", "--json", "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    found = json.loads(out)
    assert found["reach"] == 1
    assert found["sentence"].startswith("To the end of these curves")
    assert found["failed"][0]["reason"] == "RuntimeError: no"
    assert (found["fits"], found["not_converged"]) == (1, 0)
    assert unexplained(found) == set()


def test_failures_and_fits_that_did_not_converge(asked, capsys):
    asked["result"] = result(passed=False, failed=True)
    assert cli.main(["backtest", "runs/runs.csv"]) == 3
    out = capsys.readouterr().out
    assert "1 fit, 0 converged." in out
    assert "Not scored: random (RuntimeError: no)" in out


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ("backtest", "Missing argument PATH"),
        ("backtest runs/runs.csv --train-fraction half", "--train-fraction"),
        ("backtest runs/runs.csv --priors flat", "--priors"),
        ("backtest runs/runs.csv --nonsense", "--nonsense"),
    ],
)
def test_mistake_is_one_line(args, said, asked, capsys):
    assert cli.main(args.split()) == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("palm-bayes: error: ")
    assert said in last
    assert not Path("palm_backtest_out").exists()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ("missing.csv", "missing.csv does not exist"),
        ("runs/runs.csv --train-fraction 25", "a training fraction is 25"),
        ("runs/runs.csv --train-episodes 3", "must be at least 5"),
        ("runs/runs.csv --train-episodes 30", "no cell can be scored"),
        ("runs/runs.csv --strategy margn", "did you mean 'margin'"),
        ("runs/runs.csv --out runs/runs.csv", "is not a folder"),
    ],
)
def test_mistakes_that_the_library_finds(args, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_example(tmp_path / "runs")
    assert cli.main(["backtest", *args.split(), "--quiet"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("palm-bayes: error: ")
    assert said in line
    assert not Path("palm_backtest_out").exists()


def test_cut_off(asked, capsys):
    asked["error"] = KeyboardInterrupt()
    assert cli.main(["backtest", "runs/runs.csv", "--quiet"]) == 130
    assert capsys.readouterr().err == (
        "palm-bayes: error: interrupted: finished cells are kept in palm_backtest_out/cells: "
        "the same command resumes\n"
    )


def test_help_names_the_files(capsys):
    assert cli.main(["backtest", "--help"]) == 0
    out = capsys.readouterr().out
    for word in ("forecasts.csv", "scores.csv", "baselines.csv", "backtest.png", "--fresh"):
        assert word in out
