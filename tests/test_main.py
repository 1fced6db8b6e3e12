"""The command line as a process of its own."""

import subprocess
import sys

import pytest

import palm_bayes


@pytest.mark.parametrize(
    ("args", "status", "out", "err"),
    [
        (["--version"], 0, f"palm-bayes {palm_bayes.__version__}\n", ""),
        (["fit", "nowhere"], 2, "", "palm-bayes: error: nowhere does not exist\n"),
    ],
)
def test_status_and_output_come_through(args, status, out, err):
    command = [sys.executable, "-m", "palm_bayes", *args]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == status
    assert done.stdout == out
    assert done.stderr.endswith(err)


def test_a_closed_pipe_is_no_error():
    command = f"{sys.executable} -m palm_bayes --help | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert "Traceback" not in done.stderr
