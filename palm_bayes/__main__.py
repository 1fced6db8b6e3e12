"""Entry point of the command line; both optimisations are taken from mypy."""

import contextlib
import gc
import os
import sys
from typing import NoReturn

from palm_bayes.cli.app import main


def run() -> NoReturn:
    """Run the command line of the process, and end the process with its exit status."""
    gc.set_threshold(200_000, 30, 30)  # compilation creates millions of objects, little garbage
    status = main()
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)  # freeing a compiled program takes more than a second


if __name__ == "__main__":
    run()
