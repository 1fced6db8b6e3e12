"""What commands say that cannot write their results: one line, and what they have kept."""

import sys
from contextlib import contextmanager

import pandas as pd
import pytest

from palm_bayes.cli import app as cli
from palm_bayes.data import example_runs_path

FAST = "--draws 40 --tune 1 --chains 2"
COMMANDS = {
    "sweep": (f"sweep past.csv {FAST} --workers 0 -q -o out", "out/parts", "tasks"),
    "backtest": (f"backtest past.csv {FAST} --train-episodes 5 -q -o out", "out/cells", "cells"),
    "learn": ("learn past.csv -q -o prior.json", "prior.json.cells", "fits"),
}


@contextmanager
def small_files(size):
    """Let the system refuse files of more bytes, as it does on a full disk."""
    resource = pytest.importorskip("resource")
    _, most = before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("command", COMMANDS)
def test_results_that_cannot_be_written_end_the_work(
    command, quick_sampler, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    # Python keeps compiled modules that it could not write as a whole.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    frame = pd.read_csv(example_runs_path()).query("repetition <= 2 and episode <= 8")
    frame = frame[frame["strategy"].isin(["random", "margin"])]
    tasks = [frame.assign(source=name) for name in ("one", "two")]
    pd.concat(tasks).to_csv("past.csv", index=False)
    words, kept, parts = COMMANDS[command]
    with small_files(5000):
        assert cli.main(words.split()) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"palm-bayes: error: cannot write {tmp_path / kept}")
    assert line.endswith(
        f": File too large; finished {parts} are kept in {kept}: the same command resumes"
    )
    assert len(quick_sampler) == 2  # the strategies of the first task
    if command != "learn":  # whose search takes minutes
        assert cli.main(words.split()) == 0
