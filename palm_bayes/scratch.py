"""Scratch folders, from which finished files are moved to their place.

A scratch folder is locked by its process. A lock ends with its process, however that ends: the next
one that writes to the same place removes the scratch folders of dead processes, and completes an
exchange of files that one of them had begun.
"""

import errno
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

PREFIX = ".palm_bayes-"
_LOCK, _NEW, _OLD, _PLAN = "lock", "new", "old", "plan.json"
_OF_FOLDER = f"{PREFIX}lock"  # held while files are exchanged
_UNLOCKED = 60.0  # seconds after which a scratch folder without lock has no process
_WAIT = 60.0  # seconds; an exchange takes milliseconds
# Windows moves no file that is open, as in a command that watches runs, or a virus scanner.
_TRIES, _PAUSE = (40 if os.name == "nt" else 0), 0.05  # seconds


@contextmanager
def scratch_in(parent: Path) -> Iterator[Path]:
    """Provide a scratch folder in `parent`, and remove it with its contents."""
    tidy(parent)
    # With the permissions of any new folder: on Windows, files made in one of `tempfile.mkdtemp`
    # are for this user alone, also once they are moved.
    folder = parent / f"{PREFIX}{uuid4().hex[:12]}"
    folder.mkdir()
    try:
        with FileLock(folder / _LOCK, timeout=0):
            drafts = folder / _NEW
            drafts.mkdir()
            yield drafts
    finally:
        if not (folder / _PLAN).exists():  # an exchange that is to be completed
            shutil.rmtree(folder, ignore_errors=True)


def tidy(parent: Path) -> None:
    """Remove what dead processes left in `parent`; complete the exchanges that they had begun."""
    with suppress(OSError):
        for folder in parent.glob(f"{PREFIX}*"):
            if folder.is_dir() and not folder.is_symlink():
                _take_over(folder)


def _take_over(folder: Path) -> None:
    lock = folder / _LOCK
    with suppress(OSError):
        if not lock.exists() and time.time() - folder.stat().st_mtime < _UNLOCKED:
            return
        with suppress(Timeout), FileLock(lock, timeout=0):
            if (folder / _PLAN).exists():
                _complete(folder)
            shutil.rmtree(folder, ignore_errors=True)
        folder.rmdir()  # which Windows refuses while the lock in it is held


def _complete(folder: Path) -> None:
    """Do what is left of a dead process's exchange; a damaged plan is none of ours."""
    with suppress(ValueError, TypeError):
        plan = json.loads((folder / _PLAN).read_text(encoding="utf-8"))
        inside = [Path(name) for name in (*plan["new"], *plan["gone"])]
        if not any(path.is_absolute() or ".." in path.parts for path in inside):
            with locked(folder.parent):
                _exchange(folder, plan["new"], plan["gone"])


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let no other process exchange files in `folder`; `TimeoutError` if one does not end."""
    lock = folder / _OF_FOLDER
    with FileLock(lock, timeout=_WAIT):
        try:
            yield
        finally:
            with suppress(OSError):
                lock.unlink()  # who waits for it sees that, and makes a new one


def exchange(drafts: Path, new: Sequence[str], gone: Sequence[str]) -> None:
    """Replace a set of files by finished `drafts`: all of them or, after an error, none.

    First the old files are moved away, then the new ones are moved in: never is a file of one set
    beside one of the other. From here on, a process that is killed has written its set: the next
    one completes it.

    Parameters
    ----------
    drafts : pathlib.Path
        As `scratch_in` provides it; the files go to the folder that it was asked for.
    new : sequence of str
        Paths below `drafts`. The first is the last to be there, and the first to go.
    gone : sequence of str
        Paths of files that the new set does not have.
    """
    folder = drafts.parent
    for name in new:
        (drafts / name).stat()  # raises an error if it is gone
    plan = folder / _PLAN
    draft = plan.with_suffix(".draft")
    draft.write_text(json.dumps({"new": [*new], "gone": [*gone]}), encoding="utf-8")
    move(draft, plan)
    _exchange(folder, new, gone)
    plan.unlink()


def _exchange(folder: Path, new: Sequence[str], gone: Sequence[str]) -> None:
    out, moved = folder.parent, []
    refuse_links(out, (*new, *gone))

    def move_to(source: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        move(source, target)
        moved.append((source, target))

    left = [name for name in new if (folder / _NEW / name).exists()]
    try:
        for name in (*left, *gone):
            if os.path.lexists(out / name):
                move_to(out / name, folder / _OLD / name)
        for name in reversed(left):
            move_to(folder / _NEW / name, out / name)
    except BaseException:
        for source, target in reversed(moved):
            move(target, source)
        (folder / _PLAN).unlink(missing_ok=True)
        _remove_empty(out, new)
        raise
    _remove_empty(out, gone)


def move(source: Path, target: Path) -> None:
    """Move a file, also in place of another; on Windows, wait a moment for who reads either."""
    for _ in range(_TRIES):
        with suppress(PermissionError):
            source.replace(target)
            return
        time.sleep(_PAUSE)
    source.replace(target)


def refuse_links(out: Path, names: Iterable[str]) -> None:
    """Raise `OSError` if a folder between `out` and a file is a symbolic link, to another place."""
    for folder in {out / parent for name in names for parent in Path(name).parents} - {out}:
        if folder.is_symlink():
            raise OSError(errno.ELOOP, f"{folder} is a symbolic link, which is not followed")


def _remove_empty(out: Path, names: Sequence[str]) -> None:
    """Remove the folders of some files below `out` if nothing else is in them."""
    folders = {parent for name in names for parent in Path(name).parents} - {Path()}
    for folder in sorted(folders, reverse=True):  # those within first
        with suppress(OSError):
            (out / folder).rmdir()
