"""The command line as a process of its own."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

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


def shell(command, gone=None, **environment):
    """Run the command line, or run it in a folder that is gone."""
    there = f"cd {gone} && rmdir {gone} && " if gone else ""
    return subprocess.run(
        f"{there}{sys.executable} -m palm_bayes {command}",
        shell=True, capture_output=True, text=True, check=False, env=os.environ | environment,
    )  # fmt: skip


def test_closed_streams_are_no_error(tmp_path):
    done = shell("--version >&-")
    assert (done.returncode, done.stderr) == (0, "")
    done = shell("fit nowhere 2>&- <&-")
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_under_the_output_is_one_line():
    done = shell("--version > /dev/full")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("palm-bayes: error: ")
    assert line.endswith("No space left on device")


def test_a_terminal_that_lacks_a_character():
    done = shell("fit '\N{GRINNING FACE}'", PYTHONIOENCODING="latin-1")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "palm-bayes: error: \\U0001f600 does not exist"


WAITING = """
import time
from palm_bayes import __main__
from palm_bayes.cli import app

def wait(**_):
    print("ready", flush=True)
    time.sleep(60)

app.app = wait
__main__.run()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_signals_end_it_with_one_line(name):
    number = getattr(signal, name)
    command = [sys.executable, "-c", WAITING]
    heard = partial(signal.signal, number, signal.SIG_DFL)  # a job in the background is deaf
    with subprocess.Popen(
        command,
        stdout=-1,
        stderr=-1,
        text=True,
        preexec_fn=heard,  # noqa: PLW1509 - no threads
    ) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (128 + number, "palm-bayes: error: interrupted\n")


LOADING = """
import sys
from palm_bayes import __main__

class Interrupting:
    def find_spec(self, name, *_):
        if name == "palm_bayes.cli.app":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupting())
__main__.run()
"""


def test_an_interrupt_while_libraries_are_loaded_is_one_line():
    command = [sys.executable, "-c", LOADING]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (130, "palm-bayes: error: interrupted\n")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps a folder that is in use")
@pytest.mark.parametrize("command", ["fit {runs}", "fit {runs} -o {runs}.out", "show {runs}"])
def test_a_working_directory_that_is_gone(tmp_path, command):
    runs, gone = tmp_path / "runs.csv", tmp_path / "gone"
    runs.touch()
    gone.mkdir()
    done = shell(command.format(runs=runs), gone)
    assert done.returncode == 2
    assert done.stderr == (
        "palm-bayes: error: the working directory was removed: change to another one\n"
    )
