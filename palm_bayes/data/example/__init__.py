"""Example runs: six query strategies on scikit-learn's digits (see README.md beside this file)."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from palm_bayes.errors import DataError
from palm_bayes.files import writing
from palm_bayes.scratch import scratch_in

__all__ = ["example_runs_path", "write_example"]

ENTRIES = ("digits", "runs.csv")


def example_runs_path() -> Path:
    """Return the path of the example runs as one tidy table.

    Returns
    -------
    pathlib.Path
        A CSV file with columns dataset, model, strategy, repetition, episode, labels (cumulative)
        and accuracy (in [0, 1]): 6 strategies, 5 repetitions, 30 episodes.
    """
    return Path(str(files(__name__) / "runs.csv"))


def write_example(directory: Path) -> list[Path]:
    """Write the example runs in both formats that palm_bayes reads.

    Parameters
    ----------
    directory : pathlib.Path
        Target folder, created if needed. Its other contents are left alone.

    Returns
    -------
    list of pathlib.Path
        ``directory/digits``, a PALM folder for each strategy and repetition, and
        ``directory/runs.csv``, the same numbers as one table.

    Raises
    ------
    DataError
        If either exists already, or `directory` is not a folder. Nothing is written then.
    """
    directory = Path(directory)
    targets = [directory / entry for entry in ENTRIES]
    _refuse_to_overwrite(directory, targets)
    # Renaming is only safe within one file system: stage inside the folder if it exists (it may
    # be a mount, or its parent may be read-only), and else beside it.
    parent = directory if directory.exists() else directory.parent
    with writing(parent, f"the example to {directory}"), scratch_in(parent) as scratch:
        staged = scratch / "example"
        staged.mkdir()
        for entry in ENTRIES:
            _copy(files(__name__) / entry, staged / entry)
        if directory.exists():
            _move_all([staged / entry for entry in ENTRIES], targets)
        else:
            staged.rename(directory)
    return targets


def _refuse_to_overwrite(directory: Path, targets: list[Path]) -> None:
    """Raise DataError if writing the targets would replace anything."""
    for path in (directory, *directory.parents):
        if path.exists(follow_symlinks=False) and not path.is_dir():
            msg = f"cannot write the example to {directory}: {path} is not a folder; name another"
            raise DataError(msg)
    for path in targets:
        if path.exists(follow_symlinks=False):
            msg = f"{path} exists and is not overwritten: move it, or name another folder"
            raise DataError(msg)


def _copy(source: Traversable, target: Path) -> None:
    """Copy a file or a folder recursively, with the permissions of new files."""
    if source.is_file():
        target.write_bytes(source.read_bytes())
        return
    target.mkdir()
    for child in source.iterdir():
        _copy(child, target / child.name)


def _move_all(sources: list[Path], targets: list[Path]) -> None:
    """Move all sources or none: if a move fails, earlier moves are undone."""
    moved: list[tuple[Path, Path]] = []
    try:
        for source, target in zip(sources, targets, strict=True):
            source.rename(target)
            moved.append((source, target))
    except BaseException:
        for source, target in moved:
            target.rename(source)
        raise
