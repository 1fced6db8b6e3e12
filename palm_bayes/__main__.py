"""Entry point of the command line; both optimisations are taken from mypy."""

import gc
import io
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

_ON_DASK = {"sweep", "backtest", "learn"}  # commands


def run() -> NoReturn:
    """Run the command line of the process, and end the process with its exit status."""
    _streams()
    received = _ended_by_signals()
    try:
        status = _status(received)
    except KeyboardInterrupt:  # while libraries are loaded, before the command can say it
        os.write(2, b"palm-bayes: error: interrupted\n")
        status = 128 + (received or [signal.SIGINT])[0]
    os._exit(status)  # freeing a compiled program takes more than a second


def _status(received: list[int]) -> int:
    """Run the command line, and return its exit status."""
    from palm_bayes.cli.app import main
    from palm_bayes.cli.terminal import FAILED, INTERRUPTED, failed

    _without_dask()
    gc.set_threshold(1_000_000, 30, 30)  # libraries create millions of objects, little garbage
    status = main()
    if received and status == INTERRUPTED:
        status = 128 + received[0]
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        pass
    except OSError as error:  # a full disk
        status = failed(f"cannot write the output: {error.strerror}", FAILED)
    return status


def _streams() -> None:
    """Make output robust: no character and no closed stream raises an error."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None:  # closed; else the next file that is opened would take its number
            descriptor = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(descriptor, "w" if number else "r", encoding="utf-8"))
        elif number and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _without_dask() -> None:
    """Keep xarray from importing Dask, which takes 0.4 s, for a command that does not run on it."""
    if not _ON_DASK & set(sys.argv) and "xarray" not in sys.modules:
        sys.modules["dask"] = None  # type: ignore[assignment]  # as if it was not installed


def _ended_by_signals() -> list[int]:
    """Handle signals that end the process as Ctrl-C; return the list of those received."""
    received: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:  # nohup ignores it
            signal.signal(number, end)
    return received


if __name__ == "__main__":
    run()
