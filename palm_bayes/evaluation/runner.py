"""Running of jobs: in this process, or by the workers of a Dask cluster."""

import asyncio
import contextlib
import hashlib
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from palm_bayes.errors import DataError, PalmWarning, WorkerError, plural, text, whole
from palm_bayes.inference.settings import Settings

if TYPE_CHECKING:
    from distributed import Client

HERE = 0
"""Number of workers that means this process."""
_LOCAL = {
    # A worker that died is started anew, which on a busy machine takes longer than Dask waits.
    "distributed.deploy.lost-worker-timeout": "10 minutes",
    # Workers keep the samples of their profiler for an hour, which takes 0.3 MB a second.
    "distributed.worker.profile.enabled": False,
    # With Dask's limit of 64 KB, the memory of each array is returned, and requested again at once.
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 2**27,
    "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": 2**25,
}
_CONNECT = 10  # seconds until a scheduler must have answered; Dask tries for 30 to connect
_SPARE = 8  # further jobs on the scheduler: workers are never idle, and adaptive clusters grow


@dataclass(frozen=True)
class Crew:
    """Workers that run jobs.

    Attributes
    ----------
    workers : int, optional
        Processes of a local Dask cluster, by default one for each core; 0: this process, without
        Dask.
    scheduler : str, optional
        Address of a running Dask scheduler, such as "tcp://10.0.0.1:8786", to use in place of a
        local cluster.
    """

    workers: int | None = None
    scheduler: str | None = None

    def __post_init__(self) -> None:
        if self.workers is not None:
            whole(self.workers, "workers", HERE)
        text(self.scheduler, "scheduler")
        if self.workers and self.scheduler is not None:
            raise DataError("the scheduler has its own workers: leave out their number")
        if self.is_dask:
            _require_dask()

    @property
    def is_dask(self) -> bool:
        """True if jobs run on Dask."""
        return self.scheduler is not None or self.workers != HERE

    def suited(self, settings: Settings) -> Settings:
        """Return the sampler's settings for a job: a worker has one thread."""
        return replace(settings, cores=1) if self.is_dask else settings


@contextmanager
def running(crew: Crew) -> Iterator["Runner"]:
    """Connect to the workers; a local cluster ends with the context.

    Raises
    ------
    WorkerError
        If no scheduler answers at the address.
    """
    if not crew.is_dask:
        yield Runner(None)
        return
    import dask
    from distributed import Client, LocalCluster
    from distributed.utils import silence_logging_cmgr

    with contextlib.ExitStack() as stack:
        # What is lost is told by the results, or as an error: its traceback tells a user nothing.
        stack.enter_context(silence_logging_cmgr(logging.CRITICAL))
        if crew.scheduler is None:
            stack.enter_context(dask.config.set(_LOCAL))
            cluster = LocalCluster(
                n_workers=crew.workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL,  # of workers, too
            )
            connected = Client(stack.enter_context(cluster), set_as_default=False)
        else:
            connected = _connected(crew.scheduler)
        client = stack.enter_context(connected)
        if not client.nthreads():
            told = f"the Dask scheduler at {crew.scheduler} has no workers yet: jobs wait for them"
            warnings.warn(told, PalmWarning, stacklevel=3)
        yield Runner(client)


def _connected(address: str) -> "Client":
    """Connect to a scheduler; `WorkerError` for whatever else is at the address, such as silence.

    Dask's own limit (``distributed.comm.timeouts.connect``) ends once a connection is accepted:
    the first answer is waited for as long as the connection lasts.
    """
    from distributed import Client

    class Limited(Client):  # type: ignore[misc]  # Dask is not typed
        async def _ensure_connected(self, timeout: float | None = None) -> None:
            try:
                async with asyncio.timeout(timeout):
                    await super()._ensure_connected(timeout)
            except TimeoutError:
                told = f"Timed out trying to connect to {address} after {timeout} s"
                raise OSError(told) from None
            except MemoryError:  # text, as of HTTP or SSH, is read as the size of a message
                raise OSError("what answers is something else") from None

    try:
        return Limited(address, set_as_default=False, timeout=_CONNECT)
    except (OSError, ValueError, TypeError, ImportError) as error:
        raise WorkerError(f"no Dask scheduler answers at {address}: {error}") from error


@dataclass(frozen=True, eq=False)
class Runner:
    """Runs jobs on the workers of a client, or in this process if there is none."""

    client: "Client | None"

    @property
    def dashboard(self) -> str | None:
        """Address of Dask's dashboard."""
        return None if self.client is None else self.client.dashboard_link

    def run[J, R](
        self, work: Callable[[J], R], jobs: Mapping[str, J]
    ) -> Iterator[tuple[str, R | WorkerError]]:
        """Yield the name and the result of each job when it is done.

        If the workers of a job died, it is run once more when all others are done, since another
        job may have killed them; if they die again, its result is the error. Few jobs are with the
        scheduler at a time, so that memory does not grow with their number. Other errors of `work`
        are raised.

        Parameters
        ----------
        work : callable
            A function that can be pickled.
        jobs : mapping of str to object
            Its arguments, by the names that the dashboard shows.
        """
        if self.client is None:
            for name, job in jobs.items():
                yield name, work(job)
            return
        suspects = {}
        for name, result in self._streamed(work, jobs, self._width):
            if isinstance(result, WorkerError):
                suspects[name] = jobs[name]
            else:
                yield name, result
        yield from self._streamed(work, suspects, lambda: 1)

    def _width(self) -> int:
        assert self.client is not None
        return int(2 * sum(self.client.nthreads().values()) + _SPARE)

    def _streamed[J, R](
        self,
        work: Callable[[J], R],
        jobs: Mapping[str, J],
        width: Callable[[], int],
    ) -> Iterator[tuple[str, R | WorkerError]]:
        from distributed import as_completed

        client = self.client
        assert client is not None
        waiting, names = iter(jobs.items()), dict[Any, str]()
        run = uuid4().hex  # so that jobs of a killed command are not taken for these
        done = as_completed(loop=client.loop)

        def fill() -> None:
            for name, job in islice(waiting, max(width() - len(names), 0)):
                future = client.submit(work, job, key=_key(name, run))
                names[future.key] = name
                done.add(future)

        fill()
        for future in done:
            name = names.pop(future.key)
            yield name, _result(future)
            del future  # the scheduler forgets it
            fill()


def _result(future: Any) -> Any:
    """Return the result of a job that is done, or the error if its workers died."""
    from distributed import CancelledError, KilledWorker

    try:
        return future.result()
    except KilledWorker as error:
        workers = plural([error.allowed_failures + 1], "worker", "workers")
        return WorkerError(f"{workers} died while running it, such as for lack of memory")
    except CancelledError as error:
        raise WorkerError(
            "the connection to the Dask scheduler is lost; what is finished is kept: run it again"
        ) from error


def _key(name: str, run: str) -> str:
    """Return a key for Dask: the dashboard groups by the words before its hash."""
    digest = hashlib.sha256(f"{name}\n{run}".encode()).hexdigest()[:16]
    return f"{' '.join(name.split())}-{digest}"


def _require_dask() -> None:
    from importlib.util import find_spec

    if find_spec("distributed") is None:
        raise DataError(
            "Dask is not installed: pip install 'palm-bayes[dask]', or run it with 0 workers "
            "(workers=0, --workers 0), in this process"
        )
