"""Notes on unusual runs that can be fitted, with the consequence for the fit."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from palm_bayes.arrays import Floats
from palm_bayes.data.alignment import unaligned
from palm_bayes.data.limits import MIN_EPISODES
from palm_bayes.data.runs import Runs
from palm_bayes.data.validation import RUN
from palm_bayes.errors import listed, span

# Shares of the task's largest accuracy, so that the result does not depend on its scale.
_FLAT = 0.0025  # a mean curve that rises less than this is flat, however small its noise
_FALL = 0.0125  # a fall below this is not worth a note
_GROWTH = 0.02  # of the gain from one half of the labels to the other; below it is not relevant
_JUMP = 0.125  # a drop below this is not worth a note ...
_JUMP_RATIO = 10  # ... nor one that is not this many times the strategy's median step
_P_GROWTH = 0.005  # p-value, over all beginnings, below which gains are found to grow
_SHORTEST = 5  # episodes of the shortest beginning
_BEGINNINGS = 20  # most beginnings tested

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
    if (repetitions == 1).any() and not runs.of_means:
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
    lengths = f"Runs have {span(sizes['size'])} episodes, and all are used. Shorter runs:"
    short, gaps = sizes["size"] < sizes["size"].max(), sizes["size"] < sizes["max"]
    for odd, begins in ((short, lengths), (gaps, "Episodes are missing in runs of:")):
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


def growing_gain(runs: Runs) -> tuple[int, float, float] | None:
    """Find the longest beginning of one strategy's curve over which its gain grows.

    A quadratic function of the labels is fitted to each run up to an episode. The gain grows if the
    mean quadratic coefficient is above zero by a t-test on the residuals, by a relevant amount.
    Beginnings are tested as well, since S-shaped curves past their turn are concave in all.
    Returned are its last episode, and gains in accuracy over its first and second half; None if
    they do not grow in any beginning.
    """
    table = runs.table
    episodes = np.unique(table["episode"])
    shortest = min(_SHORTEST, len(episodes))
    counts = np.unique(np.linspace(shortest, len(episodes), _BEGINNINGS).astype(int))
    by_run = table.groupby("repetition", sort=False)[["episode", "x", "accuracy"]]
    parts = [run.to_numpy(float).T for _, run in by_run]
    for last in episodes[counts - 1][::-1]:
        begun = [(x[at <= last], accuracy[at <= last]) for at, x, accuracy in parts]
        gains = _growing([run for run in begun if len(run[0]) > 3], _P_GROWTH / len(counts))
        if gains is not None:
            return int(last), *gains
    return None


def _growing(runs: Sequence[tuple[Floats, Floats]], level: float) -> tuple[float, float] | None:
    """Return the gains over both halves of the labels if the second is larger, else None.

    Runs are pairs of x and accuracy, dims (episode,); `level` is that of the test.
    """
    if not runs:
        return None
    every = np.concatenate([x for x, _ in runs])
    low, width = every.min(), np.ptp(every)
    fits = [_quadratic(2 * (x - low) / width - 1, accuracy) for x, accuracy in runs]  # -1 to 1
    bend, slope = np.mean([fit[:2] for fit in fits], axis=0)
    highest = max(accuracy.max() for _, accuracy in runs)
    if slope <= 0 or 2 * bend < _GROWTH * highest:
        return None
    variance, freedom = np.sum([fit[2:] for fit in fits], axis=0)
    error = np.sqrt(variance) / len(fits)
    sure = error == 0 or _is_below(freedom, bend / error, level)
    return (float(slope - bend), float(slope + bend)) if sure else None


def _is_below(freedom: float, t: float, level: float) -> bool:
    """Return True if Student's t distribution exceeds `t` with less probability than `level`."""
    if math.erfc(t / math.sqrt(2)) / 2 >= level:  # a normal one, which exceeds it less often
        return False
    from scipy.special import stdtr  # here: few curves need it, and SciPy is slow to import

    return bool(stdtr(freedom, -t) < level)


def _quadratic(at: Floats, accuracy: Floats) -> tuple[float, float, float, int]:
    """Fit a quadratic function to at least four points.

    Return its quadratic and linear coefficient, the variance of the first, degrees of freedom.
    """
    design = np.vander(at, 3)
    inverse = np.linalg.pinv(design)  # of nearly equal x, too
    fitted = inverse @ accuracy
    freedom = len(at) - 3
    spread = np.sum((accuracy - design @ fitted) ** 2) / freedom
    return float(fitted[0]), float(fitted[1]), float(spread * (inverse[0] @ inverse[0])), freedom


def _rises_by_strategy(table: pd.DataFrame) -> dict[str, tuple[float, float]]:
    mean = table.groupby(["strategy", "episode"], sort=False)["accuracy"].agg(["mean", "size"])
    return {str(name): _rise(cell) for name, cell in mean.groupby("strategy", sort=False)}


def _rise(cell: pd.DataFrame) -> tuple[float, float]:
    """Return the rise of a mean curve from first to last quarter, and twice its noise.

    The mean is over all repetitions, unless a short one, such as one that has just begun, leaves
    fewer episodes than a curve needs.
    """
    common = cell[cell["size"] == cell["size"].max()]
    enough = common if len(common) >= MIN_EPISODES else cell.sort_index()
    mean = enough["mean"].to_numpy()
    quarter = max(1, len(mean) // 4)
    steps = np.diff(mean)
    noise = 1.5 * np.median(np.abs(steps - np.median(steps))) / np.sqrt(quarter)
    return float(mean[-quarter:].mean() - mean[:quarter].mean()), 2 * float(noise)
