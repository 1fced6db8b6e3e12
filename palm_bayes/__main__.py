"""Start the command line as a process of its own; both habits are those of mypy."""

import contextlib
import gc
import os
import sys
from typing import NoReturn

from palm_bayes.cli.app import main


def run() -> NoReturn:
    """Run the process's command line, and end the process with its exit status."""
    gc.set_threshold(200_000, 30, 30)  # compiling makes millions of objects, few of them garbage
    status = main()
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)  # taking a compiled program apart takes longer than a second


if __name__ == "__main__":
    run()
