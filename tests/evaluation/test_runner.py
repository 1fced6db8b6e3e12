"""Jobs in this process and on Dask's workers."""

import json
import logging
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from palm_bayes.errors import DataError, PalmWarning, WorkerError
from palm_bayes.evaluation import runner as running_jobs
from palm_bayes.evaluation.runner import _LOCAL, HERE, Crew, Runner, running
from palm_bayes.inference.settings import Settings


def double(number):
    return 2 * number


def test_here_jobs_run_in_their_order():
    with running(Crew(HERE)) as runner:
        assert runner.dashboard is None
        assert list(runner.run(double, {"b": 1, "a": 2})) == [("b", 2), ("a", 4)]


def test_a_worker_has_one_thread():
    pytest.importorskip("distributed")
    settings = Settings(cores=8)
    assert Crew(HERE).suited(settings) == settings
    assert Crew(1).suited(settings).cores == 1


def test_dask_is_asked_for_by_the_name_of_the_extra(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DataError, match=r"pip install 'palm-bayes\[dask\]'"):
        Crew()
    with pytest.raises(DataError, match="Dask is not installed"):
        Crew(HERE, scheduler="tcp://127.0.0.1:1")
    Crew(HERE)
    with pytest.raises(DataError, match="workers is -1, but must be at least 0"):
        Crew(-1)
    with pytest.raises(DataError, match="workers is 'two', but must be a whole number"):
        Crew("two")
    with pytest.raises(DataError, match="the scheduler has its own workers"):
        Crew(2, scheduler="tcp://127.0.0.1:1")


def test_all_jobs_are_done_once_with_few_at_a_time(dask_here, monkeypatch):
    monkeypatch.setattr(running_jobs, "_SPARE", 1)
    jobs = {f"task {i}": i for i in range(30)}
    with running(Crew(scheduler=dask_here)) as runner:
        assert runner._width() == 3
        assert dict(runner.run(double, jobs)) == {name: 2 * i for name, i in jobs.items()}


def test_a_scheduler_without_workers_is_said():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0") as cluster:
        crew = Crew(scheduler=cluster.scheduler_address)
        with pytest.warns(PalmWarning, match="has no workers yet: jobs wait"), running(crew):
            pass


def test_a_scheduler_that_does_not_answer_is_not_waited_for_long(monkeypatch):
    pytest.importorskip("distributed")
    assert running_jobs._CONNECT <= 10
    monkeypatch.setattr(running_jobs, "_CONNECT", 0.2)
    with socket.socket() as one:  # bound, but not listening
        one.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{one.getsockname()[1]}"
        said = f"no Dask scheduler answers at {address}: Timed out .* after 0.2 s"
        with pytest.raises(WorkerError, match=said), running(Crew(scheduler=address)):
            pass


def test_a_service_that_accepts_and_is_silent_is_not_waited_for_long(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(running_jobs, "_CONNECT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # the system accepts, and nobody reads
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        said = f"no Dask scheduler answers at {address}: Timed out .* after 0.5 s"
        begun = time.monotonic()
        with pytest.raises(WorkerError, match=said), running(Crew(scheduler=address)):
            pass
        assert time.monotonic() - begun < 10


@pytest.mark.parametrize("banner", ["SSH-2.0-OpenSSH_9.2p1\r\n", "HTTP/1.1 400 Bad Request\r\n"])
def test_another_service_is_no_scheduler(banner):
    """Dask takes the first bytes for the size of a message, which no memory holds."""
    pytest.importorskip("distributed")
    with socket.create_server(("127.0.0.1", 0)) as service, ThreadPoolExecutor(1) as apart:
        address = f"tcp://127.0.0.1:{service.getsockname()[1]}"

        def answer():
            with service.accept()[0] as connection:
                connection.sendall(banner.encode())
                return connection.recv(10_000)

        answered = apart.submit(answer)
        said = f"no Dask scheduler answers at {address}: what answers is something else"
        with pytest.raises(WorkerError, match=said), running(Crew(scheduler=address)):
            pass
        assert answered.result()


def test_dask_logs_nothing_meanwhile(dask_here, monkeypatch):
    """A scheduler that is lost is an error in one line, without the traceback that Dask logs."""
    handler = logging.StreamHandler()
    monkeypatch.setattr(logging.getLogger("distributed"), "handlers", [handler])
    with running(Crew(scheduler=dask_here)):
        assert handler.level == logging.CRITICAL
    assert handler.level == logging.NOTSET


def test_an_error_of_the_work_is_raised(dask_here):
    with running(Crew(scheduler=dask_here)) as runner, pytest.raises(ZeroDivisionError):
        list(runner.run(lambda number: 1 / number, {"a": 0}))


def test_jobs_whose_workers_died_run_again_alone_at_the_end(monkeypatch):
    """The poisoned one is given up; its neighbour, which was on its worker, is not."""
    died, calls = WorkerError("died"), []

    def streamed(self, work, jobs, width):
        alone = width() == 1
        calls.append((list(jobs), alone))
        for name, job in jobs.items():
            suspect = name == "poison" or (name == "neighbour" and not alone)
            yield name, died if suspect else work(job)

    monkeypatch.setattr(Runner, "_streamed", streamed)
    jobs = {"poison": 0, "neighbour": 1, "other": 2}
    client = SimpleNamespace(nthreads=lambda: {"one": 1})
    found = list(Runner(client).run(double, jobs))
    assert found == [("other", 4), ("poison", died), ("neighbour", 2)]
    assert calls == [(["poison", "neighbour", "other"], False), (["poison", "neighbour"], True)]


POISONED = """
import json, os, time
import dask
from palm_bayes.evaluation.runner import Crew, running

def work(number):
    if number == 3:
        os._exit(9)
    time.sleep(0.05)
    return number

if __name__ == "__main__":
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}), running(Crew(2)) as runner:
        found = runner.run(work, {f"job {i}": i for i in range(8)})
        print(json.dumps({name: str(result) for name, result in found}))
"""


def test_local_workers_keep_no_profiles():
    """Dask's profiler keeps samples for an hour, hundreds of megabytes."""
    config = pytest.importorskip("dask").config
    assert config.get("distributed.worker.profile.enabled", default=True)
    with config.set(_LOCAL):
        assert not config.get("distributed.worker.profile.enabled")


@pytest.mark.slow
def test_a_job_that_kills_its_worker_is_set_aside(tmp_path):
    """In a process of its own: warnings that are errors would end Dask's workers for good."""
    pytest.importorskip("distributed")
    script = tmp_path / "poisoned.py"
    script.write_text(POISONED, encoding="utf-8")
    command = [sys.executable, str(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=900)
    found = json.loads(done.stdout)
    assert found.pop("job 3").startswith("1 worker died while running it")
    assert found == {f"job {i}": str(i) for i in range(8) if i != 3}
