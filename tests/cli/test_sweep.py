"""The command `palm-bayes sweep`, with a stand-in for the sweep itself."""

import json
import shutil
from inspect import signature
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import palm_bayes
from palm_bayes.cli import app as cli
from palm_bayes.cli.sweep import sweeping
from palm_bayes.errors import WorkerError
from palm_bayes.evaluation.sweep import Standing
from palm_bayes.evaluation.sweep_result import Sweep, write
from palm_bayes.sweeping import sweep

HEAD = {"source": "", "dataset": "digits", "model": "m"}


def parts(*, converged=True):
    verdict = {"repetitions": 3, "episodes": 9, "labels": 90.0, "percent": False, "seed": 1}
    verdict |= {"converged": converged, "described": True, "divergences": 0, "attempts": 1}
    names = {"random": 0.0, "margin": 0.5}
    comparison = [
        HEAD
        | {"strategy": name, "reference": "random", "p_best": effect}
        | {"log_speed_up": effect, "log_speed_up_sd": 0.1}
        for name, effect in names.items()
    ]
    verdicts = [HEAD | {"strategy": name} | verdict for name in names]
    tables = {"verdicts": verdicts, "comparison": comparison}
    return [{name: pd.DataFrame(rows).to_dict("list") for name, rows in tables.items()}]


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """Stand in for `palm_bayes.sweep`; note what it was asked."""
    monkeypatch.chdir(tmp_path)
    asked = {"parts": parts()}

    def sweep(data, out, *, progress, **options):
        asked.update(options, data=data)
        for done in range(0, 101, 5):
            rate, left = (2.5, (100 - done) / 2.5) if done else (0.0, np.inf)
            progress(Standing(100, done, done // 50, rate, left, "http://127.0.0.1:8787"))
        if "error" in asked:
            raise asked["error"]
        out.mkdir()
        write(out, asked["parts"])
        return Sweep.load(out)

    monkeypatch.setitem(vars(palm_bayes), "sweep", sweep)
    return asked


def test_defaults_are_those_of_python(asked):
    assert cli.main(["sweep", "a.csv", "--out", "out"]) == 0
    python = {name: each.default for name, each in signature(sweep).parameters.items()}
    options = asked.keys() & python.keys() - {"data"}
    assert {"draws", "tune", "target_accept", "assurance", "seed"} <= options
    assert {name: asked[name] for name in options} == {name: python[name] for name in options}


def test_what_is_said(asked, capsys):
    assert cli.main(["sweep", "a.csv", "b.csv", "--out", "out", "--workers", "3"]) == 0
    out, err = capsys.readouterr()
    assert asked["data"] == ["a.csv", "b.csv"]
    assert (asked["workers"], asked["scheduler"], asked["traces"]) == (3, None, False)
    assert "margin" in out
    mean = Sweep.load(Path("out")).speed_ups().loc["margin", "mean"]
    assert f" {np.exp(mean):.2f} [" in out
    assert "2 cells of 1 task fitted, 100.0 % converged" in out
    lines = err.splitlines()
    assert lines[0] == "note: dashboard at http://127.0.0.1:8787"
    assert lines[1] == "0 of 100 cells"
    assert lines[2] == "10 of 100 cells, 2.5 a second, 0:00:36 left"
    assert lines[-1] == "100 of 100 cells, 2 set aside, 2.5 a second, 0:00:00 left"
    assert len(lines) == 12


def test_slow_cells_are_told_in_seconds(capsys):
    with sweeping(quiet=False) as show:
        show(Standing(4, 2, 0, 1 / 1.24, 2 * 1.24, None))
    assert capsys.readouterr().err == "2 of 4 cells, 1.2 seconds each, 0:00:02 left\n"


def test_quiet_and_json(asked, capsys, unexplained):
    words = ["sweep", "a.csv", "-o", "out", "--quiet", "--json", "--target", "90%"]
    assert cli.main([*words, "--scheduler", "tcp://127.0.0.1:8786"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    document = json.loads(out)
    assert document["reference"] == "random"
    assert document["speed_ups"][0]["strategy"] == "margin"
    assert (asked["target"], asked["scheduler"]) == ("90%", "tcp://127.0.0.1:8786")
    rows = document["speed_ups"][0], document["winners"][0]
    assert unexplained(document, *rows) == set()


def test_formats(asked, capsys):
    asked["parts"] = parts()
    words = ["sweep", "a.csv", "-o", "out", "--quiet", "--format"]
    assert cli.main([*words, "csv"]) == 0
    told = capsys.readouterr()
    rows = pd.read_csv(StringIO(told.out)).set_index("strategy")
    expected = Sweep.load(Path("out")).speed_ups()
    assert rows.loc["margin", "mean"] == pytest.approx(expected.loc["margin", "mean"])
    assert "2 cells of 1 task fitted" in told.err
    shutil.rmtree("out")
    assert cli.main([*words, "markdown"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert out.startswith("Speed-ups over random, pooled over tasks: | strategy | tasks | speed-up")
    assert f"| margin | 1 | {np.exp(expected.loc['margin', 'mean']):.2f} \\[" in out


def test_the_most_frequent_remedy_is_told(asked, capsys):
    """Also where it has other numbers in each cell; the rest is in verdicts.parquet."""
    few = "only {} effective draws of 400 required; take more draws."
    table = asked["parts"][0]["verdicts"]
    rows = pd.DataFrame(table).merge(pd.DataFrame({"advice": ["", "", ""]}), how="cross")
    rows["strategy"] = [f"s{i}" for i in range(len(rows))]
    rows["advice"] = ["2 divergent transitions.", few.format("1,312"), few.format(99.5), "", "", ""]
    rows["converged"] = rows["advice"] == ""
    asked["parts"][0]["verdicts"] = rows.to_dict("list")
    assert cli.main(["sweep", "a.csv", "--out", "out"]) == 3
    told = " ".join(capsys.readouterr().out.split())
    assert f"Not converged: 2 of 3 cells as this one: {few.format('1,312')}" in told
    assert Sweep.load(Path("out")).advice in told


def test_status(asked, capsys):
    asked["parts"] = parts(converged=False)
    assert cli.main(["sweep", "a.csv", "--out", "out"]) == 3
    asked["error"] = WorkerError("the connection to the Dask scheduler is lost")
    assert cli.main(["sweep", "a.csv", "--out", "other"]) == 1
    assert "error: the connection to the Dask scheduler is lost" in capsys.readouterr().err
    assert cli.main(["sweep", "--out", "out"]) == 2
    asked["error"] = KeyboardInterrupt()
    assert cli.main(["sweep", "a.csv", "--out", "other"]) == 130
    kept = f"interrupted: finished tasks are kept in {Path('other/parts')}: the same command"
    assert kept in capsys.readouterr().err
