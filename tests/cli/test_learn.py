"""`palm-bayes learn`: its file, tables and recorded command; learning itself is made up."""

import shlex
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest

from palm_bayes.cli import app as cli
from palm_bayes.evaluation import learn as learning
from palm_bayes.evaluation.learn_result import Lesson
from palm_bayes.model.learned import Learned, shipped


def write_curves(path):
    table = pd.DataFrame({"strategy": "random", "episode": range(1, 13), "accuracy": 0.5})
    table.to_csv(path, index=False)


def test_the_command_writes_the_file_and_says_what_it_is_worth(tmp_path, monkeypatch, capsys):
    held = {"score": 2.5, "before": 2.25, "coverage_50": 0.5, "coverage_80": 0.75, "coverage_95": 1}
    table = pd.DataFrame(held, pd.Index(["lab"], name="source"))
    lesson = Lesson(shipped(), (), {"lab": shipped()}, table, ())
    monkeypatch.setattr(learning, "learn", lambda tables, **options: lesson)
    write_curves(tmp_path / "past.csv")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["learn", "past.csv", "-o", "prior.json"]) == 0
    said = capsys.readouterr().out
    assert Learned.read("prior.json") == shipped()
    lines = [" ".join(line.split()) for line in said.splitlines()]
    start = shipped().alpha_start
    assert f"alpha_start {start.median:.4g} {start.width:.4g}" in lines
    assert f"by_gain {shipped().misfit.by_gain:.4g}" in lines
    assert "lab 2.500 2.250 50 % 75 % >99 %" in lines
    assert "beyond" in said
    assert cli.main(["learn", "none.csv", "-o", "prior.json"]) == 2
    capsys.readouterr()
    asked = ["learn", "past.csv", "-o", "prior.json", "--overwrite", "--format"]
    assert cli.main([*asked, "csv"]) == 0
    numbers = pd.read_csv(StringIO(capsys.readouterr().out)).set_index("number")
    assert numbers.loc["alpha_start", "width"] == pytest.approx(start.width)
    assert numbers.loc["by_gain", "value"] == pytest.approx(shipped().misfit.by_gain)
    assert cli.main([*asked, "latex"]) == 0
    said = capsys.readouterr().out
    assert said.count(r"\begin{tabular}") == 3
    assert r"alpha\_start & " in said
    assert r"lab & 2.500 & 2.250 & 50 \% & 75 \% & " in said


def test_the_command_replaces_only_what_it_learned_itself(tmp_path, monkeypatch, capsys):
    asked = []

    def learned(tables, *, command, **options):
        asked.append(command)
        mine = replace(shipped(), about=shipped().about | {"command": command})
        return Lesson(mine, (), {}, pd.DataFrame(), ())

    monkeypatch.setattr(learning, "learn", learned)
    monkeypatch.chdir(tmp_path)
    for name in ("past.csv", "other.csv"):
        write_curves(name)
    for args, status in [
        (["past.csv", "-o", "prior.json"], 0),
        (["past.csv", "-o", "prior.json"], 0),
        (["other.csv", "-o", "prior.json"], 2),
        (["past.csv", "-o", "past.csv"], 2),
        (["other.csv", "-o", "prior.json", "--overwrite"], 0),
    ]:
        before = Path(args[2]).read_bytes() if Path(args[2]).exists() else b""
        assert cli.main(["learn", *args]) == status
        assert status == 0 or Path(args[2]).read_bytes() == before
    err = capsys.readouterr().err
    assert "was learned by another command (palm-bayes learn past.csv -o prior.json)" in err
    assert "past.csv does not hold a learned prior" in err
    assert len(asked) == 3


def test_the_recorded_command_has_all_that_changes_the_result(tmp_path, monkeypatch, capsys):
    def learned(tables, *, command, **options):
        asked.append((command, options))
        mine = replace(shipped(), about=shipped().about | {"command": command})
        return Lesson(mine, (), {}, pd.DataFrame(), ())

    asked = []
    monkeypatch.setattr(learning, "learn", learned)
    monkeypatch.chdir(tmp_path)
    shipped().write(tmp_path / "old prior.json")
    write_curves("past runs.csv")
    plain = ["learn", "past runs.csv", "-o", "prior.json"]
    assert cli.main([*plain, "--seed", "0", "--quiet"]) == 0
    assert asked.pop()[0] == "palm-bayes learn 'past runs.csv' -o prior.json"
    reading = ["--strategy", "random", "--strategy", "a b", "--dataset", "d", "--model", "m"]
    reading += ["--fraction", "--metric", "F1", "--lower-is-better", "--column", "accuracy=f 1"]
    reading += ["--layout", "long", "--pattern", "{strategy}", "--pool", "500"]
    every = [*plain, "--prior", "old prior.json", "--seed", "5", *reading]
    assert cli.main(every) == 2
    assert "was learned by another command (palm-bayes learn 'past runs.csv'" in (
        capsys.readouterr().err
    )
    assert cli.main([*every, "--overwrite", "--workers", "0"]) == 0
    command, options = asked.pop()
    words = shlex.split(command)[1:]
    assert sorted(words) == sorted(every)
    assert cli.main(words) == 0  # it is that command
    again, same = asked.pop()
    assert again == command
    for name in options.keys() - {"progress"}:
        assert same[name] == options[name]
    for option in (["--seed", "5"], ["--percent"], ["--strategy", "random"], ["--pool", "9"]):
        assert cli.main([*plain, *option]) == 2
