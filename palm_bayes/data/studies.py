"""Studies: all tasks of several tables, or of a tree of folders."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from palm_bayes.data.mlflow_folder import runs_in
from palm_bayes.data.names import Y_FILE
from palm_bayes.data.places import Place, matching, suffix
from palm_bayes.data.reading import Reading
from palm_bayes.data.tasks import Draft, read_drafts
from palm_bayes.errors import DataError


@dataclass(frozen=True, eq=False)
class Study:
    """Tasks of a study.

    Attributes
    ----------
    drafts : tuple of Draft
        One for each task, each with another key.
    unread : dict of str to str
        Why a place was not read, by its path.
    """

    drafts: tuple[Draft, ...]
    unread: dict[str, str]


def read_study(source: Place, reading: Reading) -> Study:
    """Read the rows of every task of a study.

    Each path named is a place of its own, read as by `palm_bayes.fit`. So is, in a folder, each
    folder that holds tables or PALM's runs, or is an experiment of MLflow. A task that its table
    does not name has the name of its place. Rows of the same task from several places are put
    together.

    Parameters
    ----------
    source : DataFrame, dict, path or paths
    reading : Reading

    Raises
    ------
    DataError
        If a path does not exist, or if no place can be read.
    """
    if not isinstance(source, (str, Path, list, tuple)):
        return Study(_merged_tasks(read_drafts(source, reading)), {})
    drafts, unread = list[Draft](), dict[str, str]()
    for place, name in _named_places(
        matching([source] if isinstance(source, (str, Path)) else source)
    ):
        try:
            drafts += [_named_by_path(draft, name) for draft in read_drafts(place, reading)]
        except DataError as error:
            unread[str(place)] = str(error)
    if not drafts:
        raise DataError(next(iter(unread.values()), "no path is named: there is nothing to read"))
    return Study(_merged_tasks(drafts), unread)


def _named_places(paths: Sequence[Path]) -> list[tuple[Path, tuple[str, ...]]]:
    """Return all places of these paths, each with the parts of its name."""
    if missing := [path for path in paths if not path.exists()]:
        raise DataError(f"{missing[0]} does not exist")
    files = [path for path in paths if not path.is_dir()]
    full = [Path(os.path.abspath(file)) for file in files]  # noqa: PTH100 -- without ..
    top = Path(os.path.commonpath([file.parent for file in full])) if files else Path()
    named = [(file, whole.relative_to(top).parts) for file, whole in zip(files, full, strict=True)]
    for folder in (path for path in paths if path.is_dir()):
        named += [
            (place, place.relative_to(folder).parts or (folder.resolve().name,))
            for place in _places(folder)
        ]
    for i, (place, (*above, last)) in enumerate(named):
        if not place.is_dir():
            named[i] = place, (*above, last.removesuffix(suffix(place)))
    if 1 < len(files) == len(named) and len({parts[-1] for _, parts in named}) == 1:
        named = [(place, parts[:-1] or parts) for place, parts in named]  # cifar10/runs.csv
    return named


def _places(folder: Path) -> list[Path]:
    """Return the folders that hold tables, or runs of PALM or MLflow; itself if none does."""

    def below(base: Path) -> list[Path]:
        inside = sorted(path for path in base.iterdir() if not path.name.startswith("."))
        if runs_in(base, depth=1):
            return [base]
        runs = {path for path in inside if (path / Y_FILE).is_file()}
        here = runs or any(path.is_file() and suffix(path) for path in inside)
        folders = [path for path in inside if path.is_dir() and path not in runs]
        return [base] * bool(here) + [place for one in folders for place in below(one)]

    if (folder / Y_FILE).is_file():
        return [folder]
    return below(folder) or [folder]


def _named_by_path(draft: Draft, parts: tuple[str, ...]) -> Draft:
    """Name a task by the parts of its path if its table does not name it."""
    if any(draft.key):
        return draft
    *above, last = parts
    if not above:
        return replace(draft, dataset=last)
    return replace(draft, source="/".join(above[:-1]), dataset=above[-1], model=last)


def _merged_tasks(drafts: Sequence[Draft]) -> tuple[Draft, ...]:
    """Put together the rows of each task."""
    tasks: dict[tuple[str, ...], list[Draft]] = {}
    for draft in drafts:
        tasks.setdefault(draft.key, []).append(draft)
    return tuple(
        replace(
            same[0],
            rows=pd.concat([draft.rows for draft in same], ignore_index=True),
            notes=tuple(dict.fromkeys(note for draft in same for note in draft.notes)),
        )
        if len(same) > 1
        else same[0]
        for same in tasks.values()
    )
