"""Options of the workers; their names are those of `palm_bayes.sweep`."""

from functools import partial
from typing import Annotated

from palm_bayes.cli.options import option

_workers = partial(option, "Workers")

Workers = Annotated[
    int | None,
    _workers(
        "--workers N", "Processes of a local Dask cluster; 0: this process, without Dask.", min=0
    ),
]
Scheduler = Annotated[
    str | None,
    _workers("--scheduler ADDRESS", "A Dask scheduler that exists, such as tcp://10.0.0.1:8786.")
]  # fmt: skip
