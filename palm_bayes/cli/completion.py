"""Completion of strategies by the shell, from the fit or the runs that a command line names.

It must be quick, so neither pandas nor PyMC is imported: names are read of saved fits, of PALM's
folders and of delimited text; of other files there is no completion.
"""

import csv
from collections.abc import Iterable
from pathlib import Path

import typer

from palm_bayes.files import TRACE
from palm_bayes.reading.columns import word_of
from palm_bayes.reading.run_names import Y_FILE, palm_discovered

_LARGEST = 2_000_000  # bytes of a text, about 40,000 rows


def strategies(ctx: typer.Context, incomplete: str) -> list[str]:
    """List the strategies that begin with `incomplete`; none if they cannot be read."""
    given = [value for name in ("fit", "path", "paths") for value in ctx.params.get(name) or ()]
    found: dict[str, None] = {}
    for path in map(Path, given or ctx.args):
        try:
            found |= dict.fromkeys(_named(path))
        except Exception:  # noqa: BLE001, S112 - a shell that completes cannot show errors
            continue
    # The shell would split names at blanks.
    return [name for name in found if name.startswith(incomplete) and len(name.split()) == 1]


def _named(path: Path) -> Iterable[str]:
    saved = path / TRACE if path.is_dir() else path
    if saved.suffix == ".nc" and saved.is_file():
        return _of_fit(saved)
    return _of_folder(path) if path.is_dir() else _of_text(path)


def _of_fit(saved: Path) -> list[str]:
    import h5py

    with h5py.File(saved) as file:
        return [name.decode() for name in file["posterior"]["strategy"][:]]


def _of_folder(path: Path) -> list[str]:
    names = sorted(file.parent.name for file in path.glob(f"*/{Y_FILE}"))
    return [strategy for strategy, _ in palm_discovered(names).values()]


def _of_text(path: Path) -> list[str]:
    if path.suffix not in {".csv", ".tsv", ".txt"} or path.stat().st_size > _LARGEST:
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = file.readline()
        file.seek(0)
        names, *rows = csv.reader(file, delimiter=max(",;\t", key=header.count))
        (place,) = (i for i, name in enumerate(names) if word_of(name) == "strategy")
        return [row[place] for row in rows if len(row) > place]
