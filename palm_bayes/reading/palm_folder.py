"""PALM's result folders: ``<METHOD>_<i>/plot_episode_yvalues.npy``, with x values beside it."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from palm_bayes.arrays import Floats
from palm_bayes.data.cells import natural, well_formed
from palm_bayes.errors import DataError, known, listed
from palm_bayes.reading.opening import array_of
from palm_bayes.reading.run_names import X_FILE, Y_FILE, palm_discovered, palm_splits


def is_palm(base: Path) -> bool:
    """Return True for a folder that holds PALM's runs, or folders that hold them."""
    return any(next(base.glob("*/" * depth + Y_FILE), None) is not None for depth in range(4))


def palm_runs(paths: Sequence[Path]) -> tuple[Path, list[str] | None] | None:
    """Return the folder of PALM's runs, and the runs of it if `paths` name them one by one.

    A run is named by its folder or by a file in it, whose x values alone are no accuracies. None
    if `paths` name no runs of PALM.
    """
    if len(paths) == 1 and paths[0].is_dir():
        return (paths[0], None) if is_palm(paths[0]) else None
    runs = dict.fromkeys(p.parent if p.name in {X_FILE, Y_FILE} else p for p in paths)
    ours = [run if run.name else run.resolve() for run in runs if run.is_dir() and is_palm(run)]
    if not ours:
        return None
    single, bases = [run for run in ours if (run / Y_FILE).is_file()], {run.parent for run in ours}
    if len(single) < len(runs) or len(bases) > 1:
        raise DataError(
            f"PALM's runs in {ours[0]} are read along with those of the same folder only, found "
            f"{listed(map(str, runs))}: name that folder or some of its runs"
        )
    return bases.pop(), [run.name for run in ours]


def read_folder(
    base: Path,
    only: Sequence[str] | None,
    named: Sequence[str] | None,
    most: int | None,
    notes: list[str],
) -> pd.DataFrame:
    """Read the first `most` repetitions of the strategies named, of all folders or `only` some."""
    folders = sorted((p for p in base.iterdir() if p.is_dir()), key=lambda p: natural(p.name))
    folders = [p for p in folders if only is None or p.name in only]
    full = [p.name for p in folders if (p / Y_FILE).is_file()]
    runs = _folder_of_each(base, full, named)
    order = sorted(runs, key=lambda run: natural(run[1]))
    first = {s: [run for run in order if run[0] == s][:most] for s, _ in runs}
    read = [(run, *_read_run(base / runs[run])) for strategy in first.values() for run in strategy]
    without = sorted({p.name for p in folders} - {*full}, key=natural)
    if ours := [name for name in without if palm_splits(name)[0][0] in first]:
        notes.append(f"Folders without {Y_FILE} are left out: {listed(ours)}.")
    unlabelled = {labels is None: base / runs[run] / Y_FILE for run, _, labels in read}
    if len(unlabelled) == 2:
        raise DataError(
            f"{unlabelled[True]}: no labels ({X_FILE} lacks or counts episodes), "
            f"but {unlabelled[False]} has them, allowed is one way for all runs"
        )
    return _rows(read, {run: str(base / name / Y_FILE) for run, name in runs.items()})


def _folder_of_each(
    base: Path, full: Sequence[str], named: Sequence[str] | None
) -> dict[tuple[str, str], str]:
    """Return the folder of each run, by strategy and repetition; `full` hold accuracies."""
    if full:
        chosen = _chosen_folders(full, named, base)
    elif (base / Y_FILE).is_file():
        names = [base.resolve().name] if named is None else named
        if len(names) != 1:
            raise DataError(f"{base} holds one run, found names {listed(names)}, allowed is one")
        chosen = {".": (names[0], "1")}
    else:  # `is_palm` found them further below
        there = listed(sorted(p.name for p in base.iterdir()))
        deeper = {p.parent.parent for depth in (2, 3) for p in base.glob("*/" * depth + Y_FILE)}
        raise DataError(
            f"{base}: no runs found, looked for <METHOD>_<i>/{Y_FILE}, there is {there}; runs are "
            f"in {listed(sorted(deeper), most=3)}"
        )
    runs = {run: name for name, run in chosen.items()}
    if len(runs) < len(chosen):
        one, run = next(item for item in chosen.items() if runs[item[1]] != item[0])
        twice = f"repetition {run[1]} of strategy {run[0]}"
        raise DataError(f"{base}: {one} and {runs[run]} both are {twice}, allowed is one")
    return runs


def _rows(
    read: Sequence[tuple[tuple[str, str], Floats, Floats | None]],
    files: Mapping[tuple[str, str], str],
) -> pd.DataFrame:
    """Lay runs below each other; a frame for each of thousands would take seconds."""
    runs = [
        (
            *map(well_formed, (*run, files[run])),
            *(np.arange(1, y.size + 1), np.full(y.size, np.nan) if x is None else x, y),
        )
        for run, y, x in read
    ]
    names = ["strategy", "repetition", "file", "episode", "labels", "accuracy"]
    table = pd.DataFrame(runs, columns=names).explode(names[3:], ignore_index=True)
    return table.astype({"episode": int, "labels": float, "accuracy": float})


def _chosen_folders(
    names: Sequence[str], named: Sequence[str] | None, base: Path
) -> dict[str, tuple[str, str]]:
    """Choose the folders of the strategies named, all of them by default.

    A name that `palm_discovered` does not find selects <name>_<int>_<anything>, provided that each
    <int> occurs once: margin does not select margin_10_1 and margin_10_2.
    """
    read = palm_discovered(names)
    if named is None:
        return read
    chosen: dict[str, tuple[str, str]] = {}
    for strategy in named:
        mine = {name: run for name, run in read.items() if run[0] == strategy}
        if not mine:
            pattern = re.compile(re.escape(strategy) + r"_(([0-9]+)_.+)")
            found = {name: m for name in names if (m := pattern.fullmatch(name))}
            if len({m[2] for m in found.values()}) == len(found):
                mine = {name: (strategy, m[1]) for name, m in found.items()}
        if not mine:
            there = dict.fromkeys(name for name, _ in read.values())
            known([strategy], there, f"{strategy}_<i>/{Y_FILE} in {base}, so no strategy")
        chosen |= mine
    return chosen


def _read_run(folder: Path) -> tuple[Floats, Floats | None]:
    """Read accuracies and labels, None if x values 0, 1, 2 ... or 1, 2, 3 ... count episodes."""
    accuracy = read_array(folder / Y_FILE)
    if not (folder / X_FILE).is_file():
        return accuracy, None
    x = read_array(folder / X_FILE)
    if x.shape != accuracy.shape:
        raise DataError(
            f"{folder / X_FILE}: {x.size} values, but {Y_FILE} has {accuracy.size}, "
            "allowed is the same number"
        )
    return accuracy, x if x[0] not in (0, 1) or (np.diff(x) != 1).any() else None


def read_array(file: Path) -> Floats:
    """Load a one-dimensional array of numbers."""
    values = array_of(file)
    if values.ndim != 1 or not values.size:
        raise DataError(f"{file} has shape {values.shape}, allowed is one dimension, not empty")
    return values.astype(float)
