"""Arrays of runs x episodes, with labels beside them or as their first row or column."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from palm_bayes.data.limits import MIN_EPISODES
from palm_bayes.errors import DataError, listed, plural
from palm_bayes.reading.columns import COUNTS, SPLITS, is_other_measure, parts, stands_for, word_of
from palm_bayes.reading.opening import check_table

type Arrays = Mapping[str, np.ndarray[Any, Any]]


def array_of_runs(value: Any, file: str, key: object) -> np.ndarray[Any, Any]:
    """Take a list of values, or of runs, which may differ in length."""
    place = f"{file or 'the dict'}: {key}"
    rows = value if isinstance(value, list | tuple) else []
    lists = {isinstance(row, list | tuple) or np.ndim(row) > 0 for row in rows}
    if len(lists) > 1:
        raise DataError(f"{place} has both numbers and lists")
    if lists == {True}:  # ragged: short runs end in NaN
        longest = max(map(len, rows))
        check_table(place, longest, len(rows))
        value = [[*row, *[None] * (longest - len(row))] for row in rows]
    try:
        array = np.asarray(value, dtype=float if True in lists else None)
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{place} holds no numbers: {error}") from None
    if array.ndim not in {1, 2}:
        shape = f"shape {array.shape}" if array.ndim else repr(value)
        raise DataError(f"{place} has {shape}, allowed is a list, or runs x episodes")
    return array


def side_by_side(arrays: Arrays, place: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Lay arrays of runs x episodes, with what counts their episodes, side by side.

    Labels or episodes are an array of their own, or the first row or column of each array. The
    columns have strategy and repetition, except for a single run; notes say what was understood.
    """
    arrays, notes = _with_axis(*_of_one_measure(arrays, place), place)
    known = {key: array for key, array in arrays.items() if word_of(key) in COUNTS}
    runs = {key: np.atleast_2d(array) for key, array in arrays.items() if key not in known}
    along = [array.shape for array in known.values()]
    if all([array.shape[:1]] == along and array.shape[1:] != along[0] for array in runs.values()):
        runs = {key: array.T for key, array in runs.items()}  # a row for each number of labels
    if not runs or len(known) > 1 or len({array.shape[1] for array in runs.values()}) > 1:
        shapes = listed(f"{key} {array.shape}" for key, array in arrays.items())
        raise DataError(f"{place}: shapes do not fit together: {shapes}")
    length = next(iter(runs.values())).shape[1]
    check_table(place, length, sum(map(len, runs.values())))
    for key, array in known.items():
        if array.shape != (length,):
            raise DataError(f"{place}: {key} has shape {array.shape}, allowed is ({length},)")
    for array in runs.values():
        if not known or len(array) == length:
            _refuse_transposed(array, place)
    shapes = listed(f"{key} {_shape_in_words(array)}" for key, array in runs.items())
    return _laid(known or {"episode": np.arange(1, length + 1)}, runs), (shapes, *notes)


def _laid(counted: Arrays, runs: Arrays) -> pd.DataFrame:
    """Lay arrays of one length side by side, in columns of strategy and repetition."""
    series = {
        ("" if stands_for(key) == "accuracy" else key, str(i + 1)): run
        for key, array in runs.items()
        for i, run in enumerate(array)
    }
    if [*series] == [("", "1")]:  # one run, whose repetition the name of the file may tell
        named = {word_of(key): value for key, value in counted.items()}
        return pd.DataFrame({**named, "accuracy": series["", "1"]})
    cells = {(key, ""): value for key, value in counted.items()} | series
    frame = pd.DataFrame(cells)
    frame.columns = pd.MultiIndex.from_tuples(list(cells), names=["strategy", "repetition"])
    return frame


def _of_one_measure(arrays: Arrays, place: str) -> tuple[Arrays, list[str]]:
    """Keep the one array that is called a score, beside measures such as train_acc."""
    runs = {key: stands_for(key) for key in arrays if word_of(key) not in COUNTS}
    scores = [key for key, word in runs.items() if word == "accuracy"]
    others = [key for key in runs if key not in scores]
    measured = [is_other_measure(key) or bool(parts(key) & SPLITS) for key in others]
    if not others or not (scores or any(parts(key) & SPLITS for key in others)):
        return arrays, []
    if len(scores) != 1 or not all(measured):
        raise DataError(
            f"{place}: arrays {listed(runs)} are measures or strategies: keep one measure, called "
            "accuracy, or an array for each strategy"
        )
    kept = {key: array for key, array in arrays.items() if key not in others}
    return kept, [f"score is {scores[0]}, not {listed(others)}"]


def _with_axis(arrays: Arrays, notes: list[str], place: str) -> tuple[Arrays, list[str]]:
    """Take what counts labels or episodes out of arrays where it is their first row or column."""
    kinds = {array.ndim == 2 and array.size > 0 and array.dtype.kind for array in arrays.values()}
    if not kinds <= {*"iuf"} or COUNTS & {*map(word_of, arrays)}:
        return arrays, notes
    ways = {"column": {key: array.T for key, array in arrays.items()}, "row": arrays}
    lines = {
        where: next(iter(way.values()))[0]
        for where, way in ways.items()
        if _begin_with_counts(way, place)
    }
    if not lines:
        return arrays, notes
    where = max(lines, key=lambda one: len(lines[one]))
    line = lines[where]
    step = "episode" if line[0] <= 1 and (np.diff(line) == 1).all() else "labels"
    said = f"the first {where}, without a name, counts {step}"
    return {step: line, **{key: array[1:] for key, array in ways[where].items()}}, [*notes, said]


def _begin_with_counts(arrays: Arrays, place: str) -> bool:
    """Return True if the first rows are the same growing whole numbers, and others are not whole.

    Where all are whole, they count if they go beyond percent, or one by one; even ones may count.
    """
    line = next(iter(arrays.values()))[0].astype(float)
    rest = np.concatenate([array[1:].ravel() for array in arrays.values()])
    if not rest.size or len(line) < 3 or not np.isfinite(line).all():
        return False
    steps, whole = np.diff(line), (rest[np.isfinite(rest)] % 1 == 0).all()
    same = all(np.array_equal(array[0], line) for array in arrays.values())
    if not same or (line % 1 != 0).any() or (steps <= 0).any():
        return False
    if whole and line[-1] <= 100 and (steps == steps[0]).all() and (line[0] > 1 or steps[0] != 1):
        raise DataError(
            f"{place}: {listed(line, 3)} may be labels or accuracies: name labels and accuracies, "
            "in .npz or in the header of a table"
        )
    return bool(not whole or line[-1] > 100 or (steps == steps[0]).all())


def _refuse_transposed(array: np.ndarray[Any, Any], place: str) -> None:
    """Refuse an array whose rows seem to be the episodes: its columns are curves, not its rows."""
    runs, episodes = array.shape
    if runs >= MIN_EPISODES and (episodes < MIN_EPISODES or _has_curves_down(array)):
        raise DataError(
            f"{place} is read as {_shape_in_words(array)}, but its rows may be the episodes: "
            "transpose it, or name the labels of its columns in .npz"
        )


def _has_curves_down(array: np.ndarray[Any, Any]) -> bool:
    """Return True if columns rise or fall steadily, and by more than rows do."""
    if array.dtype.kind not in "iuf":
        return False
    with np.errstate(invalid="ignore"):  # infinite ones are refused later
        down, right = (np.diff(array.astype(float), axis=axis) for axis in (0, 1))
        change = [abs(np.median(np.nansum(x, axis))) for axis, x in enumerate((down, right))]
    return bool(abs(np.nansum(np.sign(down))) >= down.size / 2 and change[0] > 2 * change[1])


def _shape_in_words(array: np.ndarray[Any, Any]) -> str:
    runs, episodes = array.shape
    return f"{plural([runs], 'run', 'runs')} x {plural([episodes], 'episode', 'episodes')}"
