"""Options of the workers; their names are those of `palm_bayes.sweep`."""

from typing import Annotated

from palm_bayes.cli.options import option

WORKERS = "Workers"

Workers = Annotated[
    int | None,
    option(
        WORKERS,
        "--workers N",
        "Processes of a local Dask cluster; 0: this process, without Dask.",
        min=0,
    ),
]
Scheduler = Annotated[
    str | None,
    option(WORKERS, "--scheduler ADDRESS", "A Dask scheduler that exists, such as tcp://10.0.0.1:8786.")
]  # fmt: skip
