"""Checkpoints of long computations: each part is stored in a file once it is done."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pandas as pd
from filelock import FileLock, Timeout

from palm_bayes.errors import DataError, listed
from palm_bayes.files import check_folder, make_folder, put_text

type Part = dict[str, pd.DataFrame]
type Columns = dict[str, dict[str, list[Any]]]  # values by table and column

SETTINGS = "settings.json"
_DATA = "data"  # the setting that is a hash of the data, which says nothing to a reader
_LOCK = ".lock"
_DRAFTS = "drafts"  # a folder without parts, since it is listed at each write


@contextmanager
def alone_in(folder: Path | None) -> Iterator[None]:
    """Lock a folder against other processes.

    The lock ends with the process, however it ends.

    Raises
    ------
    DataError
        If another process holds the lock, or the folder is not writable.
    """
    if folder is None:
        yield
        return
    make_folder(folder)
    try:
        with FileLock(folder / _LOCK, timeout=0):
            yield
    except Timeout as error:
        raise DataError(
            f"another process is using {folder}: wait, or name another folder"
        ) from error


def require_own(folder: Path, names: Iterable[Path], parts: str, *, of: str, fresh: bool) -> None:
    """Raise `DataError` for files of these names without the parts that they were made from.

    `parts` is the folder of these; `fresh` allows to replace the files.
    """
    there = [name for name in names if (folder / name).exists()]
    if there and not (fresh or (folder / parts / SETTINGS).exists()):
        raise DataError(
            f"{folder} holds {listed(there)}, but no {parts} of a {of}: "
            "name another folder (--out), or start again with fresh (--fresh)"
        )


@dataclass(frozen=True)
class Checkpoints:
    """Folder of parts that were all computed with the same settings.

    Attributes
    ----------
    folder : pathlib.Path or None
        If None, nothing is stored.
    settings : str
        A hash of theirs, which names the files too: on a cluster, a job of a killed command may
        still write a part when other settings are in use.
    """

    folder: Path | None
    settings: str = ""

    @classmethod
    def open(cls, folder: Path | None, settings: Mapping[str, Any], *, fresh: bool = False) -> Self:
        """Open the folder of parts, or create it.

        Parameters
        ----------
        folder : pathlib.Path or None
        settings : mapping
            All settings that the parts depend on: numbers, text and None.
        fresh : bool
            Discard existing parts.

        Raises
        ------
        DataError
            If the folder is not writable, or its parts were computed with other settings.
        """
        if folder is None:
            return cls(None)
        check_folder(folder)
        kept = folder / SETTINGS
        if fresh:
            for file in (kept, *folder.glob("*.part.json")):
                file.unlink(missing_ok=True)
        text = json.dumps(settings, indent=2) + "\n"
        if kept.exists() and any(folder.glob("*.part.json")):
            _require_same(kept, settings)
        else:
            put_text(kept, text)
        return cls(folder, _hash(text))

    def has(self, name: str) -> bool:
        """Return True if the part of this name is done."""
        return self.folder is not None and self._path(name).exists()

    def get(self, name: str) -> Part | None:
        """Return the part of this name, or None if it is not done."""
        kept = self.columns(name)
        if kept is None:
            return None
        return {table: pd.DataFrame(columns) for table, columns in kept.items()}

    def columns(self, name: str) -> Columns | None:
        """Return the part as lists of values, twenty times as fast as `get`."""
        if self.folder is None:
            return None
        path = self._path(name)
        try:
            kept = json.loads(path.read_text(encoding="utf-8"))
            return {table: _checked(columns) for table, columns in kept["tables"].items()}
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(f"{path} cannot be read ({error}): remove it") from error

    def keep(self, name: str, part: Part) -> None:
        """Write a part, completely or not at all."""
        if self.folder is not None:
            # Python's JSON restores floats exactly.
            tables = {table: frame.to_dict("list") for table, frame in part.items()}
            text = json.dumps({"name": name, "tables": tables})
            put_text(self._path(name), text, self.folder / _DRAFTS)

    def _path(self, name: str) -> Path:
        assert self.folder is not None
        return self.folder / f"{_hash(name + self.settings)[:16]}.part.json"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _checked(columns: dict[str, Any]) -> dict[str, list[Any]]:
    """Return the columns of a table; `ValueError` if they are not lists of the same length."""
    sizes = {len(values) if isinstance(values, list) else None for values in columns.values()}
    if None in sizes or len(sizes) > 1:
        raise ValueError("columns of a table are not lists of the same length")
    return columns


def _require_same(kept: Path, settings: Mapping[str, Any]) -> None:
    try:
        before = json.loads(kept.read_text(encoding="utf-8"))
        changes = [*_changes(before, settings)]
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{kept} cannot be read ({error}): start again with fresh") from error
    if changes:
        raise DataError(
            f"{kept.parent} holds parts made with other settings ({listed(changes)}): "
            "start again with fresh (--fresh), or name another folder"
        )


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Describe settings that differ, of those within others the innermost."""
    for name in {**before, **after}:
        was, now = before.get(name), after.get(name)
        if isinstance(was, dict) and isinstance(now, dict):
            yield from _changes(was, now)
        elif was != now and name == _DATA:
            yield "the data are others: rows or strategies have changed, or how they are read"
        elif was != now:
            yield f"{name} was {was}, is {now}"
