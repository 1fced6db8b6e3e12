"""The command line and fits in surroundings that are not usual: each in a process of its own."""

import json
import os
import subprocess
import sys

import pytest

from palm_bayes.data import example_runs_path

FIT = """
import json, sys, warnings
from palm_bayes import PalmWarning, fit
from palm_bayes.data import example_runs_path
warnings.simplefilter("ignore", PalmWarning)
def mean(_=None):
    options = {"strategies": ["random"], "max_episodes": 6, "draws": 100, "tune": 100, "seed": 1}
    return float(fit(example_runs_path(), **options).trace["posterior"]["A_max"].mean())
"""


def ran(*arguments, env=None, status=0, cwd=None):
    found = subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | (env or {}),
        capture_output=True,
        check=False,
        cwd=cwd,
    )
    assert found.returncode == status, found.stderr.decode(errors="replace")
    return found


def mean_of(code, **env):
    return json.loads(ran("-c", f"{FIT}\n{code}", env=env).stdout)


@pytest.mark.parametrize(
    "env",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "latin-1"},
        {"COLUMNS": "40"},
        {"NO_COLOR": "1"},
        {"TERM": "dumb"},
    ],
    ids=lambda env: next(iter(env)),
)
def test_help_and_errors_are_told_on_any_terminal(tmp_path, env):
    shown = ran("-m", "palm_bayes", "fit", "--help", env=env)
    assert b"--strategy" in shown.stdout
    path = tmp_path / "rüns 😀.csv"
    path.write_text("strategy,labels,accuracy\nσ,10,x\nσ,20,0.5\n", encoding="utf-8")
    refused = ran("-m", "palm_bayes", "fit", str(path), env=env, status=2, cwd=tmp_path)
    said = refused.stderr.splitlines()
    assert said[-1].startswith(b"palm-bayes: error: ")
    assert b"Traceback" not in refused.stderr
    if "NO_COLOR" in env:
        assert b"\x1b[" not in refused.stderr + shown.stdout


def test_reading_makes_no_warning_of_libraries():
    code = f"from palm_bayes import read_runs; print(read_runs({str(example_runs_path())!r}).batch)"
    ran("-W", "error", "-c", code)


@pytest.mark.slow
@pytest.mark.parametrize(
    "env",
    [
        {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"},
        {"OMP_NUM_THREADS": "7", "OPENBLAS_NUM_THREADS": "7"},
        {"PATH": "/nowhere", "CC": "", "CXX": ""},  # no C compiler
        {"PYTHONWARNINGS": "error"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"HOME": "/dev/null/x"},
    ],
    ids=lambda env: next(iter(env)),
)
def test_a_fit_is_the_same_in_any_surroundings(env):
    assert mean_of("print(mean())", **env) == mean_of("print(mean())")


@pytest.mark.slow
@pytest.mark.parametrize(
    "code",
    [
        """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(2) as pool:
    print(json.dumps(list(pool.map(mean, range(2)))))""",
        """
import multiprocessing
with multiprocessing.get_context('fork').Pool(2) as pool:
    print(json.dumps(pool.map(mean, range(2))))""",
    ],
    ids=["threads", "fork"],
)
def test_fits_beside_each_other_are_the_same(code):
    assert mean_of(code) == [mean_of("print(mean())")] * 2


@pytest.mark.slow
def test_fits_in_spawned_processes_are_the_same(tmp_path):
    script = tmp_path / "spawned.py"
    script.write_text(
        f"{FIT}\nimport multiprocessing\nif __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(2) as pool:\n"
        "        print(json.dumps(pool.map(mean, range(2))))\n"
    )
    assert json.loads(ran(str(script)).stdout) == [mean_of("print(mean())")] * 2
