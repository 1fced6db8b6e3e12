"""Notes on unusual runs that can be fitted, with the consequence for the fit."""

import numpy as np
import pandas as pd

from palm_bayes.data.alignment import unaligned
from palm_bayes.data.runs import RUN, Runs
from palm_bayes.errors import listed, span

# Shares of the task's largest accuracy, so that the result does not depend on its scale.
_FLAT = 0.0025  # a mean curve that rises less than this is flat, however small its noise
_FALL = 0.0125  # a fall below this is not worth a note
_JUMP = 0.125  # a drop below this is not worth a note ...
_JUMP_RATIO = 10  # ... nor one that is not this many times the strategy's median step

_MOVES = ("fall", "rise, where lower is better")
_TURN = (
    " The column may hold error rates: lower_is_better=True (--lower-is-better) reads them.",
    " The column may hold a score of which higher is better: read it without lower_is_better.",
)


def oddities(runs: Runs) -> list[str]:
    """Describe what is unusual about `runs` and its consequence for a fit, one sentence each.

    One repetition, unequal numbers of them, runs of unequal length or with gaps; curves that are
    flat from the start, fall, or drop suddenly.
    """
    return [*_size_notes(runs), *_shape_notes(runs)]


def _size_notes(runs: Runs) -> list[str]:
    """Note oddities in the numbers of repetitions and episodes."""
    notes = []
    sizes = runs.table.groupby(RUN, sort=False)["episode"].agg(["max", "size"])
    repetitions = sizes.groupby("strategy", sort=False).size()
    if (repetitions == 1).any():
        single = listed(repetitions.index[repetitions == 1])
        notes.append(
            f"One repetition ({single}): noise between repetitions cannot be separated from "
            "misfit of the curve; bands rest on one run."
        )
    if len(repetitions.unique()) > 1:
        counts = listed(f"{name} {n}" for name, n in repetitions.items())
        notes.append(
            f"Strategies differ in repetitions ({counts}): fewer repetitions give wider bands."
        )
    lengths = f"Runs have {span(sizes['size'])} episodes and are all used in full; shorter ones in"
    short, gaps = sizes["size"] < sizes["size"].max(), sizes["size"] < sizes["max"]
    for odd, begins in ((short, lengths), (gaps, "Episodes are missing in runs of")):
        if odd.any():
            notes.append(f"{begins} {listed(sizes.index[odd].unique(level=0))}.")
    if apart := unaligned(runs.table):
        notes.append(
            f"Repetitions were measured at different label counts ({listed(apart)}): their shared "
            "noise cannot be estimated, and bands may be too narrow."
        )
    return notes


def _shape_notes(runs: Runs) -> list[str]:
    """Note mean curves that are flat or fall, and runs that drop suddenly."""
    notes, table = [], runs.table
    top, rises = table["accuracy"].max(), _rises_by_strategy(table)
    flat = [s for s, (rise, noise) in rises.items() if abs(rise) <= max(_FLAT * top, noise)]
    fall = _falling(rises, top)
    if flat:
        notes.append(
            f"Flat from the start ({listed(flat)}): data do not determine delta, alpha and beta."
        )
    if fall:
        advice = _TURN[runs.score.lower_is_better] * (2 * len(fall) > len(rises))
        ends, moves = f"Ends {runs.score.worse} its start", _MOVES[runs.score.lower_is_better]
        notes.append(f"{ends} ({listed(fall)}): a PALM curve cannot {moves}.{advice}")
    drop = -table.groupby(RUN)["accuracy"].diff()
    usual = drop.abs().groupby(table["strategy"]).transform("median")
    sudden = table.assign(drop=drop)[drop > np.maximum(_JUMP * top, _JUMP_RATIO * usual)]
    worst = sudden.sort_values("drop", ascending=False).drop_duplicates("strategy")
    if len(worst):
        cells = worst[[*RUN, "episode", "drop"]].itertuples(index=False)
        largest = listed(
            f"{s} repetition {r}, episode {e} by {runs.score.sizes(d):.2g}" for s, r, e, d in cells
        )
        drops = "jumps" if runs.score.lower_is_better else "drops"
        notes.append(f"Sudden {drops} (largest: {largest}): unstable training widens the bands.")
    return notes


def falling(runs: Runs) -> list[str]:
    """List strategies whose mean curve ends below its start by more than its noise."""
    return _falling(_rises_by_strategy(runs.table), runs.table["accuracy"].max())


def _falling(rises: dict[str, tuple[float, float]], top: float) -> list[str]:
    return [name for name, (rise, noise) in rises.items() if rise < -max(_FALL * top, noise)]


def _rises_by_strategy(table: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Compute `_rise` for each strategy's mean curve."""
    mean = table.groupby(["strategy", "episode"], sort=False)["accuracy"].agg(["mean", "size"])
    return {str(name): _rise(cell) for name, cell in mean.groupby("strategy", sort=False)}


def _rise(cell: pd.DataFrame) -> tuple[float, float]:
    """Return the rise of a mean curve from first to last quarter, and twice its noise."""
    mean = cell.loc[cell["size"] == cell["size"].max(), "mean"].to_numpy()
    quarter = max(1, len(mean) // 4)
    steps = np.diff(mean)
    noise = 1.5 * np.median(np.abs(steps - np.median(steps))) / np.sqrt(quarter)
    return float(mean[-quarter:].mean() - mean[:quarter].mean()), 2 * float(noise)
