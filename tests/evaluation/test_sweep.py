"""Sweeps: parts, tables, resuming and failures, with a stand-in for the sampler.

The slow tests kill workers, schedulers and commands for real.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import palm_bayes
from palm_bayes.data import example_runs_path
from palm_bayes.data.validation import CELL
from palm_bayes.errors import DataError, WorkerError, WriteError
from palm_bayes.evaluation import answers as answering
from palm_bayes.evaluation.answers import seed_of
from palm_bayes.evaluation.checkpoints import Checkpoints
from palm_bayes.evaluation.sweep_result import COLUMNS, Sweep
from palm_bayes.inference.posterior import Posterior
from palm_bayes.inference.saved import about_fit
from palm_bayes.model.learned import shipped
from palm_bayes.report import recipe

BAD, GOOD = "margin", "random"  # the strategies of the task with a bad row
FAST = {"draws": 40, "tune": 1, "chains": 2, "seed": 3}


def same(one, two, but=()):
    for name in COLUMNS:
        pd.testing.assert_frame_equal(
            getattr(one, name).drop(columns=[*but], errors="ignore"),
            getattr(two, name).drop(columns=[*but], errors="ignore"),
            check_exact=True,
        )


def test_tables(quick_sampler, three_tasks, tmp_path):
    told = []
    found = palm_bayes.sweep(
        three_tasks, tmp_path / "out", target="90%", workers=0, progress=told.append, **FAST
    )
    assert len(quick_sampler) == 5
    failed = found.failures
    assert failed[["dataset", "strategy", "question"]].to_numpy().tolist() == [
        ["bad", BAD, "read"]
    ], failed["reason"].tolist()
    for name, columns in COLUMNS.items():
        assert list(getattr(found, name)) == list(columns)
    assert found.verdicts[CELL].to_numpy().tolist() == [
        *[["", "digits", "logistic", strategy] for strategy in ("random", "margin")],
        *[["", "percent", "logistic", strategy] for strategy in ("random", "margin")],
        ["", "bad", "logistic", GOOD],
    ]
    assert found.verdicts["percent"].tolist() == [False, False, True, True, False]
    assert (found.verdicts[["repetitions", "episodes", "labels"]] == [3, 8, 160]).all(axis=None)
    assert found.labels_to_target.groupby("dataset")["target"].first().to_dict() == {
        "digits": 0.9, "percent": 90, "bad": 0.9,
    }  # fmt: skip
    assert found.forecast.groupby([*CELL, "scope"]).size().unique().tolist() == [16]
    assert found.comparison.groupby("dataset")["p_best"].sum().to_numpy() == pytest.approx([1, 1])
    assert failed["reason"].str.contains("-3").all()
    assert found.sentence.startswith("5 cells of 3 tasks fitted, 100.0 % converged")
    assert found.sentence.endswith("1 set aside.")
    assert not found.complete
    assert [(at.done, at.failed) for at in told] == [(0, 0), (2, 0), (4, 0), (6, 1)]
    assert told[-1].total == 6
    assert told[-1].left == 0
    assert (tmp_path / "out" / "overview.html").is_file()


def test_each_task_has_the_answers_of_its_own_fit(quick_sampler, three_tasks, tmp_path):
    found = palm_bayes.sweep(three_tasks, tmp_path, traces=True, workers=0, **FAST)
    rows = found.verdicts.query("dataset == 'digits'")
    seed = seed_of(("", "digits", "logistic"), 3)
    assert set(rows["seed"]) == {seed}
    fit = palm_bayes.fit(three_tasks, dataset="digits", **(FAST | {"seed": seed}))
    ranking = fit.compare().ranking
    ours = found.comparison.query("dataset == 'digits'")
    pd.testing.assert_frame_equal(
        ours[list(ranking)].reset_index(drop=True), ranking, check_dtype=False
    )
    kept = Posterior.load(tmp_path / rows["trace"].iloc[0])
    assert about_fit(kept.trace)["sampling"]["prior"] == ""
    np.testing.assert_array_equal(kept.trace["posterior"]["A_max"], fit.trace["posterior"]["A_max"])
    # By default each target is where the reference is.
    middle = ranking.set_index("strategy").loc["random", "median"]
    assert found.labels_to_target.query("dataset == 'digits'")["target"].tolist() == [middle] * 2


def test_a_saved_fit_tells_how_it_was_made(quick_sampler, three_tasks, tmp_path):
    prior, one = shipped().write(tmp_path / "prior.json"), three_tasks.query("dataset == 'digits'")
    found = palm_bayes.sweep(
        one.rename(columns={"accuracy": "mine"}), tmp_path / "out", columns={"accuracy": "mine"},
        prior=prior, traces=True, workers=0, **FAST,
    )  # fmt: skip
    kept = Posterior.load(tmp_path / "out" / found.verdicts["trace"].iloc[0])
    assert about_fit(kept.trace)["sampling"]["prior"] == str(prior)
    assert recipe.reading(kept.runs)["columns"] == {"accuracy": "mine"}


def test_workers_and_order_change_nothing(quick_sampler, three_tasks, tmp_path, dask_here):
    here = palm_bayes.sweep(three_tasks, tmp_path / "here", workers=0, traces=True, **FAST)
    backwards = pd.concat([task for _, task in list(three_tasks.groupby("dataset"))[::-1]])
    there = palm_bayes.sweep(
        backwards, tmp_path / "there", scheduler=dask_here, traces=True, **FAST
    )
    for trace in here.verdicts["trace"].unique():
        one, two = (Posterior.load(found.folder / trace).trace for found in (here, there))
        xr.testing.assert_equal(one["posterior"], two["posterior"])
    for name in COLUMNS:
        one, two = (
            getattr(found, name).sort_values(CELL, kind="stable", ignore_index=True)
            for found in (here, there)
        )
        pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_only_what_is_missing_is_done_again(quick_sampler, three_tasks, tmp_path):
    first = palm_bayes.sweep(three_tasks, tmp_path, workers=0, **FAST)
    quick_sampler.clear()
    same(palm_bayes.sweep(three_tasks, tmp_path, workers=0, **FAST), first)
    assert quick_sampler == []
    more = pd.concat([three_tasks, three_tasks.query("dataset == 'digits'").assign(dataset="new")])
    found = palm_bayes.sweep(more, tmp_path, workers=0, **FAST)
    assert len(quick_sampler) == 2
    assert len(found.verdicts) == 7
    quick_sampler.clear()
    mended = three_tasks.assign(
        accuracy=three_tasks["accuracy"]
        .abs()
        .where(three_tasks["dataset"] == "bad", three_tasks["accuracy"])
    )
    mended.loc[mended["accuracy"] == 3, "accuracy"] = 0.5
    found = palm_bayes.sweep(mended, tmp_path, workers=0, **FAST)
    assert len(quick_sampler) == 2  # the corrected task only
    assert found.failures.empty
    with pytest.raises(DataError, match="seed was 3, is 4"):
        palm_bayes.sweep(three_tasks, tmp_path, workers=0, **(FAST | {"seed": 4}))


def test_files_of_others_are_not_replaced(quick_sampler, three_tasks, tmp_path):
    (tmp_path / "overview.html").write_text("mine", encoding="utf-8")
    with pytest.raises(DataError, match=r"holds overview\.html, but no parts of a sweep"):
        palm_bayes.sweep(three_tasks, tmp_path, workers=0, **FAST)
    assert not quick_sampler
    assert [path.name for path in tmp_path.iterdir()] == ["overview.html"]
    palm_bayes.sweep(three_tasks, tmp_path, workers=0, fresh=True, **FAST)
    assert (tmp_path / "overview.html").read_text(encoding="utf-8") != "mine"


def test_interrupted_it_goes_on(quick_sampler, three_tasks, tmp_path):
    def cut_off(at):
        if at.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        palm_bayes.sweep(three_tasks, tmp_path / "out", workers=0, progress=cut_off, **FAST)
    assert not list((tmp_path / "out").glob("*.parquet"))
    quick_sampler.clear()
    resumed = palm_bayes.sweep(three_tasks, tmp_path / "out", workers=0, **FAST)
    assert len(quick_sampler) == 3
    same(resumed, palm_bayes.sweep(three_tasks, tmp_path / "whole", workers=0, **FAST))


@pytest.fixture
def disk(tmp_path):
    """Mount a disk of its own, which a test can fill."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if (
        not shutil.which("mount")
        or subprocess.run(mount, capture_output=True, check=False).returncode
    ):
        pytest.skip("only root can mount a disk, on Linux")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def filled(disk):
    with (disk / "filled").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    return disk / "filled"


@pytest.mark.parametrize("traces", [False, True])
def test_a_full_disk_ends_it(quick_sampler, three_tasks, tmp_path, disk, traces):
    def fill(at):
        if at.done == 2:
            filled(disk)

    options = FAST | {"workers": 0, "traces": traces}
    with pytest.raises(WriteError, match=r"^cannot write .* No space left on device$") as caught:
        palm_bayes.sweep(three_tasks, disk / "out", progress=fill, **options)
    assert ("traces" if traces else "parts") in str(caught.value)
    assert len(quick_sampler) == 4  # of the first two tasks, not of the third
    assert not list((disk / "out/parts/drafts").iterdir())
    (disk / "filled").unlink()
    quick_sampler.clear()
    resumed = palm_bayes.sweep(three_tasks, disk / "out", **options)
    assert len(quick_sampler) == 3
    same(resumed, palm_bayes.sweep(three_tasks, tmp_path / "whole", **options))


def test_a_disk_that_is_full_for_a_worker_ends_it(quick_sampler, three_tasks, disk, dask_here):
    with pytest.raises(WriteError, match=r"part\.json: No space left on device$"):
        palm_bayes.sweep(
            three_tasks, disk / "out", scheduler=dask_here, progress=lambda _: filled(disk), **FAST
        )


def test_names_of_traces_are_no_longer_than_files_may_have(quick_sampler, three_tasks, tmp_path):
    frame = three_tasks.query("dataset == 'digits'").assign(
        dataset="\N{MATHEMATICAL DOUBLE-STRUCK CAPITAL A}" * 90
    )
    found = palm_bayes.sweep(frame, tmp_path, traces=True, workers=0, **FAST)
    assert found.failures.empty
    assert (tmp_path / found.verdicts["trace"].iloc[0]).is_file()


def test_tasks_whose_workers_died_are_set_aside(quick_sampler, three_tasks, tmp_path, monkeypatch):
    real = answering.Work.__call__

    def run(self, work, jobs):
        for i, (name, job) in enumerate(jobs.items()):
            yield name, real(work, job) if i else WorkerError("4 workers died while running it")

    monkeypatch.setattr("palm_bayes.evaluation.runner.Runner.run", run)
    found = palm_bayes.sweep(three_tasks, tmp_path, workers=0, **FAST)
    assert found.verdicts["dataset"].unique().tolist() == ["percent", "bad"]
    died = found.failures.query("question == 'fit'")
    assert died["dataset"].tolist() == ["digits", "digits"]
    assert (died["reason"] == "4 workers died while running it").all()


def test_parts_in_a_folder_that_is_not_shared(quick_sampler, three_tasks, tmp_path, monkeypatch):
    monkeypatch.setattr(Checkpoints, "keep", lambda *_: None)  # as on a worker's own disk
    found = palm_bayes.sweep(three_tasks, tmp_path, workers=0, **FAST)
    assert found.verdicts.empty
    assert found.failures["reason"].str.contains("do all workers share this folder").all()


# Real processes: a scheduler and workers on loopback, and commands that are killed.

COMMAND = "import sys; from palm_bayes.cli.app import main; sys.exit(main(sys.argv[1:]))"
OPTIONS = ["--draws", "100", "--tune", "100", "--chains", "2", "--quiet"]
MINUTES = 60


def started(*words, **options):
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen([sys.executable, *words], **(quiet | options))


def until(what, limit=10 * MINUTES):
    end = time.monotonic() + limit
    while not (found := what()):
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)
    return found


@pytest.fixture
def cluster(tmp_path):
    """Start a scheduler and two workers, each a process of its own; end them."""
    pytest.importorskip("distributed")
    processes = []

    def start():
        file = tmp_path / f"scheduler-{len(processes)}.json"
        words = ["--scheduler-file", str(file), "--dashboard-address", "127.0.0.1:0"]
        here = ["--host", "127.0.0.1"]
        scheduler = started("-m", "dask", "scheduler", "--port", "0", *here, *words)
        processes.append(scheduler)
        until(file.is_file)
        address = until(lambda: json.loads(file.read_text() or "{}").get("address"))
        local = ["--local-directory", str(tmp_path / "scratch"), "--death-timeout", "60"]
        workers = [
            started("-m", "dask", "worker", address, "--nthreads", "1", "--no-dashboard", *local)
            for _ in range(2)
        ]
        processes.extend(workers)
        return address, scheduler, workers

    yield start
    for process in processes:
        process.kill()
        process.wait()


def children_of(pid):
    psutil = pytest.importorskip("psutil")
    found = psutil.Process(pid).children(recursive=True)
    return [child.pid for child in found if "spawn_main" in " ".join(child.cmdline())]


@pytest.mark.slow
def test_nothing_is_lost_or_doubled_by_kill_9(tmp_path, cluster):
    frame = pd.read_csv(example_runs_path()).query("repetition <= 2 and episode <= 6")
    frame = frame[frame["strategy"].isin(["random", "margin"])]
    table, out = tmp_path / "study.csv", tmp_path / "out"
    tasks = [frame.assign(dataset=f"d{i}", accuracy=frame["accuracy"] - i / 500) for i in range(12)]
    pd.concat(tasks).to_csv(table, index=False)
    address, scheduler, workers = cluster()
    words = ["-c", COMMAND, "sweep", str(table), "--out", str(out), *OPTIONS]

    def parts():
        return {p.name: p.stat().st_mtime_ns for p in (out / "parts").glob("*.part.json")}

    client = started(*words, "--scheduler", address)
    until(lambda: len(parts()) >= 2)
    os.kill(until(lambda: children_of(workers[0].pid))[0], signal.SIGKILL)  # a worker
    until(lambda: len(parts()) >= 4)
    client.kill()  # the command
    client.wait()
    assert not (out / "verdicts.parquet").exists()
    before = parts()
    client = started(*words, "--scheduler", address, stderr=subprocess.PIPE, text=True)
    until(lambda: len(parts()) >= max(7, len(before) + 1))
    scheduler.kill()  # the scheduler
    said = client.communicate(timeout=10 * MINUTES)[1]
    assert client.returncode == 1, said
    assert "the connection to the Dask scheduler is lost" in said
    assert before.items() <= parts().items()  # none was done again
    before = parts()
    address, *_ = cluster()
    assert started(*words, "--scheduler", address).wait(15 * MINUTES) in {0, 3}
    assert before.items() <= parts().items()
    assert len(parts()) == 12
    found = Sweep.load(out)
    assert found.failures.empty
    assert not found.verdicts.duplicated(CELL).any()
    whole = palm_bayes.sweep(
        Path(table), tmp_path / "whole", workers=0, draws=100, tune=100, chains=2
    )
    for name in COLUMNS:
        pd.testing.assert_frame_equal(getattr(found, name), getattr(whole, name), rtol=1e-6)
