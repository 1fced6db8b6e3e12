"""The command line as a whole: its start, its help, and errors of no single command."""

import subprocess
import sys

import pytest

import palm_bayes
from palm_bayes.cli import app as cli


def test_help_is_quick_to_load():
    code = (
        "import sys; from palm_bayes.cli.app import main; main(['fit', '--help']);"
        "print(*{m.partition('.')[0] for m in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(done.stderr.split())
    assert "typer" in loaded
    assert not loaded & {"arviz", "matplotlib", "numpy", "pandas", "pymc", "pytensor", "xarray"}


@pytest.mark.parametrize("args", [[], ["--help"], ["fit", "-h"], ["demo", "--help"]])
def test_help(args, capsys):
    assert cli.main(args) == 0
    assert "Usage: palm-bayes" in capsys.readouterr().out


def test_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"palm-bayes {palm_bayes.__version__}\n"


def test_an_error_names_a_variable_of_the_environment_only_if_it_is_set(monkeypatch, capsys):
    monkeypatch.delenv("PALM_BAYES_PROBABILITY", raising=False)
    assert cli.main(["fit", "runs.csv", "--probability", "7"]) == 2
    said = capsys.readouterr().err
    assert "'--probability': Input should be" in said
    monkeypatch.setenv("PALM_BAYES_PROBABILITY", "7")
    assert cli.main(["fit", "runs.csv"]) == 2
    assert "'--probability' (env var: 'PALM_BAYES_PROBABILITY'): " in capsys.readouterr().err


def test_too_little_memory_is_told_in_one_line(monkeypatch, capsys, tmp_path):
    def fill(_):
        raise MemoryError("Unable to allocate 8.73 TiB")

    monkeypatch.setattr("palm_bayes.data.example.write_example", fill)
    assert cli.main(["example", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("palm-bayes: error: not enough memory: use fewer")
