"""Example runs: six query strategies on scikit-learn's digits (see README.md beside this file)."""

import shutil
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path

from palm_bayes.errors import DataError
from palm_bayes.files import check_folder, put_all

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
    check_folder(directory)
    for path in targets:
        if path.exists(follow_symlinks=False):
            msg = f"{path} exists and is not overwritten: move it, or name another folder"
            raise DataError(msg)
    with as_file(files(__name__)) as shipped:
        tops = [shipped / entry for entry in ENTRIES]
        paths = [path for top in tops for path in (top.rglob("*") if top.is_dir() else [top])]
        copied = [path for path in paths if not path.is_dir()]
        put_all(directory, {p.relative_to(shipped): partial(shutil.copyfile, p) for p in copied})
    return targets
