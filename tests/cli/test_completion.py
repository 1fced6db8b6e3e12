"""Completion of strategies by the shell, from the fit or the runs on the command line."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from palm_bayes.cli import app as cli
from palm_bayes.data.example import write_example

QUICK = """
import sys
from palm_bayes.cli.app import app
try:
    app(prog_name="palm-bayes")
finally:
    heavy = {"pandas", "pymc", "xarray", "matplotlib"}
    assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""


def variables(words):
    count = len(words.split()) - 1 + words.endswith(" ")
    return {"COMP_WORDS": words, "COMP_CWORD": str(count), "_PALM_BAYES_COMPLETE": "complete_bash"}


def completed(words):
    result = CliRunner().invoke(cli.app, prog_name="palm-bayes", env=variables(words))
    return set(result.output.split())


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("compare fits/trace.nc --reference ", {"random", "entropy"}),
        ("compare fits --at 500 --reference r", {"random"}),
        ("stop fits --target 0.9 --with e", {"entropy"}),
        ("fit runs.csv --strategy m", {"margin"}),
        ("fit --strategy random --strategy ", set()),  # nothing to read it from yet
        ("fit digits --strategy least", {"least_confidence"}),
        ("fit none.csv --strategy m", set()),
        ("fit damaged.nc --strategy m", set()),
        ("compare odd.csv --reference ", {"b"}),
    ],
)
def test_strategies_are_completed(fit, tmp_path, monkeypatch, words, found):
    (tmp_path / "fits").mkdir()
    fit.save(tmp_path / "fits" / "trace.nc")
    write_example(tmp_path)
    (tmp_path / "damaged.nc").write_bytes(b"x")
    text = 'labels;Query Strategy\n10;"a name"\n20;b\n\n'
    (tmp_path / "odd.csv").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert completed(f"palm-bayes {words}") == found


@pytest.mark.parametrize("words", ["compare {} --reference ", "fit digits --strategy m"])
def test_it_is_quick_to_import(fit, tmp_path, words):
    saved = str(fit.save(tmp_path / "trace.nc"))
    write_example(tmp_path)
    env = variables(f"palm-bayes {words.format(saved)}")
    path = {"PATH": "", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", QUICK], capture_output=True, text=True, check=False,
        env=env | path, cwd=tmp_path,
    )  # fmt: skip
    assert "margin" in done.stdout or "random" in done.stdout, done.stderr
    assert "AssertionError" not in done.stderr
