"""Names of a fit's files in a folder, and whether those of an earlier fit may be replaced."""

import os
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from palm_bayes.data.runs import Runs
from palm_bayes.data.validation import RUN
from palm_bayes.errors import DataError, listed
from palm_bayes.files import KINDS, TRACE, check_files, file_names
from palm_bayes.scratch import tidy

CURVES, COMPARISON, PALM_FIT = "curves", "comparison", "palm_fit"
"""Names of figures, without their formats."""
_OURS = (TRACE, "summary.csv", "forecast.csv")
_PALMS = ("palm_params.json", "palm_params.csv", "y_avg.npy", "y_fit.npy")
# Exceptions of HDF5 and its readers for a file that is no trace.
_UNREADABLE = (OSError, RuntimeError, LookupError, TypeError, ValueError, AttributeError)


def _figures(names: Iterable[str], kinds: Iterable[str]) -> list[str]:
    return [".".join(parts) for parts in product(names, kinds)]


_EVERY = (*_OURS, *_PALMS, *_figures((CURVES, COMPARISON, PALM_FIT), KINDS))


def folders(strategies: Sequence[str]) -> dict[str, str]:
    """Assign a folder name similar to its own to every strategy; "" for a single one."""
    if len(strategies) == 1:
        return {strategies[0]: ""}
    return file_names(strategies, taken=_EVERY)


def names_of(
    strategies: Sequence[str], *, palm: bool = True, kinds: Sequence[str] = KINDS
) -> list[Path]:
    """Return the paths, below the folder, of all files of a fit of these strategies."""
    figures = [CURVES] if len(strategies) == 1 else [CURVES, COMPARISON]
    palms = product(folders(strategies).values(), [*_PALMS, *_figures([PALM_FIT], kinds)])
    ours = map(Path, [*_OURS, *_figures(figures, kinds)])
    return [*ours, *(Path(*parts) for parts in palms if palm)]


def check_fit_folder(
    out: Path, runs: Runs, *, palm: bool = True, overwrite: bool = False, kind: str = "png"
) -> None:
    """Raise `DataError` if the files of a fit of `runs` cannot or must not be written to `out`."""
    tidy(out)
    names = names_of(runs.strategies, palm=palm, kinds=[kind])
    check_files(out, names)
    files_to_replace(out, runs, names, overwrite)


def files_to_replace(out: Path, runs: Runs, names: Iterable[Path], overwrite: bool) -> list[Path]:
    """Return the paths, below `out`, of the files of the fit that is there.

    It is replaced by one of the same runs: those that have an accuracy in common, the same of the
    same strategy, repetition and episode. `DataError`, unless `overwrite`, if it is a fit of other
    runs, or a file of one of the `names` is there without a fit.
    """
    there = [name for name in names if os.path.lexists(out / name)]
    before = _saved_runs(out / TRACE) if there else None
    if there and not overwrite:
        what = f"{out} holds {listed(there, 3)}, but no fit that can be read"
        if before is not None:
            of = listed(before["strategy"].unique(), 3)
            what = f"{out} holds a fit of other runs ({of})"
        if before is None or not _share_accuracies(before, runs.table):
            raise DataError(f"{what}: name another folder (--out), or add --overwrite")
    if before is None:
        return []
    strategies = [*before["strategy"].unique()]
    kinds = [kind for kind in KINDS if kind == KINDS[0] or _has_figures(out, strategies, kind)]
    return names_of(strategies, kinds=kinds)


def _has_figures(out: Path, strategies: Sequence[str], kind: str) -> bool:
    """Return True if all figures of a format are there: a single one may be the user's own."""
    figures = [one for one in names_of(strategies, kinds=[kind]) if one.suffix == f".{kind}"]
    return all((out / one).is_file() for one in figures)


def refuse_foreign(path: Path, mark: bytes, instead: str) -> None:
    """Raise `DataError` if a file is there that does not begin with a mark of ours."""
    if not path.is_file():
        return
    with path.open("rb") as opened:
        start = opened.read(2_000)
    if mark not in start:
        raise DataError(
            f"{path} was not written by palm-bayes, so it is kept: {instead}, or add --overwrite"
        )


def left_over(out: Path, written: Iterable[Path]) -> list[Path]:
    """List files in `out` with palm_bayes' names that none of its fits is known to have written."""
    paths = [*(out / name for name in _EVERY), *out.glob("*/palm_params.json")]
    return sorted({path for path in paths if path.is_file()} - set(written))


def _saved_runs(trace: Path) -> pd.DataFrame | None:
    """Read the runs of a saved fit; None if it is no such file."""
    try:
        with xr.open_dataset(trace, group="runs", engine="h5netcdf") as rows:
            table = rows.to_dataframe()
        table = table[[*RUN, "episode", "accuracy"]]
        return table.astype({"strategy": str, "repetition": str, "episode": int, "accuracy": float})
    except _UNREADABLE:
        return None


def _share_accuracies(before: pd.DataFrame, now: pd.DataFrame) -> bool:
    both = before.merge(now, on=[*RUN, "episode"], suffixes=("", "_now"))
    return bool(np.isclose(both["accuracy"], both["accuracy_now"], rtol=1e-9, atol=0).any())
