"""Readers of PALM's result folders, tidy CSV files and DataFrames; all return `Runs`."""

import gzip
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from palm_bayes.data.reading import Reading
from palm_bayes.data.runs import UNUSED, Runs, XMode, as_text, natural
from palm_bayes.errors import DataError, known, listed

Y_FILE, X_FILE = "plot_episode_yvalues.npy", "plot_episode_xvalues.npy"

COLUMNS = {
    "strategy": ("strategy", "method", "query_strategy", "acquisition"),
    "accuracy": ("accuracy", "score", "acc", "test_accuracy"),
    "labels": ("labels", "cumulative_budget", "n_labels", "budget", "num_labels", "labelled"),
    "episode": ("episode", "round", "iteration", "cycle"),
    "repetition": (
        "repetition",
        "rep",
        "repeat",
        "replicate",
        "run",
        "run_id",
        "seed",
        "random_seed",
        "random_state",
        "trial",
        "trial_id",
        "fold",
    ),
    "source": ("source",),
    "dataset": ("dataset",),
    "model": ("model",),
}
"""Accepted column names, in upper or lower case; blanks and hyphens count as underscores."""

TASK = ("source", "dataset", "model")
"""Columns that identify a task."""


def read_runs(
    source: Runs | pd.DataFrame | str | Path,
    *,
    strategies: Sequence[str] | None = None,
    dataset: str | None = None,
    model: str | None = None,
    batch: float | None = None,
    x_mode: XMode = "labels",
    percent: bool | None = None,
    max_repetitions: int | None = None,
    max_episodes: int | None = None,
) -> Runs:
    """Read the runs of one task.

    Parameters
    ----------
    source : Runs, DataFrame or path
        A folder in PALM's layout, ``<METHOD>_<i>/plot_episode_yvalues.npy``; a tidy table in a
        ``.csv`` or ``.csv.gz`` file or a DataFrame, columns named as in `COLUMNS`; or `Runs`.
    strategies : sequence of str, optional
        Strategies to read, in this order; by default all.
    dataset, model : str, optional
        The task to read from a table that holds several; for folders, names to store.
    batch, x_mode, percent, max_repetitions, max_episodes
        As in `Runs.from_frame`.

    Raises
    ------
    DataError
        If `source` cannot be used; the message gives the value, its place and what is allowed.
    """
    return read(
        source,
        Reading(strategies, dataset, model, batch, x_mode, percent, max_repetitions, max_episodes),
    )


def read(source: Runs | pd.DataFrame | str | Path, reading: Reading) -> Runs:
    """Read the runs of one task; see `read_runs`."""
    named, dataset, model = reading.named, reading.dataset, reading.model
    if isinstance(source, Runs):
        return _chosen_of(source, reading)
    notes: list[str] = []
    if not isinstance(source, pd.DataFrame) and (path := Path(source).expanduser()).is_dir():
        frame = _folder(path, named, reading.max_repetitions, notes)
    else:
        frame = _one_task(read_table(source), named, dataset, model)
    runs = Runs.from_frame(
        frame,
        **reading.axis,
        dataset=dataset or next(iter(frame.get("dataset", [])), ""),
        model=model or next(iter(frame.get("model", [])), ""),
        notes=notes,
    )
    return runs if named is None else runs.select(named)


def _chosen_of(source: Runs, reading: Reading) -> Runs:
    """Select from runs that were read before."""
    if reading.batch is not None or reading.x_mode != "labels":
        raise DataError(
            "batch and x_mode are fixed when Runs are made: read the data again with them"
        )
    if reading.percent not in {None, source.percent}:
        raise DataError(
            f"percent is {reading.percent}, but Runs were read with percent={source.percent}"
        )
    runs = source.limited(reading.max_repetitions, reading.max_episodes)
    names = {word: getattr(reading, word) or getattr(runs, word) for word in ("dataset", "model")}
    runs = replace(runs, **names)
    return runs if reading.named is None else runs.select(reading.named)


def read_table(source: pd.DataFrame | str | Path) -> pd.DataFrame:
    """Read the accepted columns of a table in memory or a file."""
    if isinstance(source, pd.DataFrame):
        return _renamed(source)
    path = Path(source).expanduser()
    return _renamed(_csv(path), str(path))


def _csv(path: Path) -> pd.DataFrame:
    """Read the cells of a CSV file as text, with their lines as index."""
    if not path.exists():
        raise DataError(f"{path} does not exist")
    if not path.name.lower().endswith((".csv", ".csv.gz")):
        raise DataError(f"{path} is neither a folder nor a .csv or .csv.gz file")
    try:
        sep = _separator(path)
        cells = pd.read_csv(
            path, sep=sep, header=None, dtype=str, na_filter=False, skip_blank_lines=False
        )
    except pd.errors.EmptyDataError:
        raise DataError(f"{path} is empty") from None
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, pd.errors.ParserError) as error:
        raise DataError(f"{path} cannot be read as CSV: {' '.join(str(error).split())}") from error
    cells = cells.fillna("").rename(lambda row: f"line {row + 1}")  # short lines: NaN
    filled = cells[(cells != "").any(axis="columns")]
    if len(filled) < 2:
        raise DataError(f"{path} has no rows below its header")
    return filled.iloc[1:].set_axis(filled.iloc[0], axis="columns")


def _separator(path: Path) -> str:
    """Return the separator of the header: a comma; without one, a semicolon or a tab."""
    open_text = gzip.open if path.name.lower().endswith(".gz") else open
    with open_text(path, "rt", encoding="utf-8") as lines:
        header = next((line for line in lines if line.strip()), "")
    return next((mark for mark in ",;\t" if mark in header), ",")


def _renamed(frame: pd.DataFrame, file: str = "") -> pd.DataFrame:
    """Rename the accepted columns to the package's names; mark others as unused."""
    place = f"{file}: " if file else ""
    clean = [re.sub(r"[\s-]+", "_", str(column).strip().lower()) for column in frame.columns]
    found = {
        word: [i for i, name in enumerate(clean) if name in names]
        for word, names in COLUMNS.items()
    }
    for word, places in found.items():
        if len(places) > 1:
            raise DataError(
                f"{place}columns {listed(frame.columns[places])} all stand for {word}: keep one"
            )
    for words in (["strategy"], ["accuracy"], ["episode", "labels"]):
        if not any(found[word] for word in words):
            accepted = listed((name for word in words for name in COLUMNS[word]), most=20)
            raise DataError(
                f"{place}no column for {' or '.join(words)}: found {listed(frame.columns)}; "
                f"accepted are {accepted}"
            )
    table = pd.DataFrame({w: frame.iloc[:, at[0]] for w, at in found.items() if at})
    for word in {"strategy", *TASK} & set(table):
        table[word] = as_text(table[word])
    used = {at[0] for at in found.values() if at}
    for i in sorted(set(range(len(clean))) - used):
        table[f"{UNUSED}{frame.columns[i]}"] = frame.iloc[:, i]
    where = [str(label) if file else f"row {label}" for label in frame.index]
    return table.assign(file=file, where=where).reset_index(drop=True)


def _one_task(
    table: pd.DataFrame, named: Sequence[str] | None, dataset: str | None, model: str | None
) -> pd.DataFrame:
    """Keep the rows of one (source, dataset, model), and of the strategies named."""
    table = of_task(table, dataset, model)
    words = [word for word in TASK if word in table]
    tasks = table[words].drop_duplicates()
    if words and len(tasks) > 1:
        names = listed((" / ".join(task) for task in tasks.itertuples(index=False)), most=50)
        several = [word for word in words if len(tasks[word].unique()) > 1]
        options = [f"{word}= (--{word})" for word in several if word != "source"]
        how = " and ".join(options) or "keeping the rows of one source"
        raise DataError(
            f"{table['file'].iloc[0] or 'the table'} holds {len(tasks)} tasks, "
            f"choose one by {how}: {names}"
        )
    if named is not None:
        table = table[table["strategy"].isin(known(named, table["strategy"].unique(), "strategy"))]
    return table


def of_task(table: pd.DataFrame, dataset: str | None, model: str | None) -> pd.DataFrame:
    """Keep the rows of the dataset and the model named."""
    for word, name in (("dataset", dataset), ("model", model)):
        if name is not None and word in table:
            table = table[table[word].isin(known([name], table[word].unique(), word))]
    return table


def _folder(
    base: Path, named: Sequence[str] | None, most: int | None, notes: list[str]
) -> pd.DataFrame:
    """Read the runs of a folder in PALM's layout."""
    folders = sorted((p for p in base.iterdir() if p.is_dir()), key=lambda p: natural(p.name))
    full = [p for p in folders if (p / Y_FILE).is_file()]
    if full:
        chosen = _chosen([p.name for p in full], named, base)
    elif (base / Y_FILE).is_file():
        names = [base.resolve().name] if named is None else named
        if len(names) != 1:
            raise DataError(f"{base} holds one run, found names {listed(names)}, allowed is one")
        chosen = {".": (names[0], "1")}
    else:
        raise DataError(_nothing(base))
    runs = {run: name for name, run in chosen.items()}
    if len(runs) < len(chosen):
        one, run = next(item for item in chosen.items() if runs[item[1]] != item[0])
        twice = f"repetition {run[1]} of strategy {run[0]}"
        raise DataError(f"{base}: {one} and {runs[run]} both are {twice}, allowed is one")
    order = sorted(runs, key=lambda run: natural(run[1]))
    first = {s: [run for run in order if run[0] == s][:most] for s, _ in runs}
    frames = [_run(base / runs[run], *run) for strategy in first.values() for run in strategy]
    ours = [p.name for p in folders if p not in full and _splits(p.name)[0][0] in first]
    if ours:
        notes.append(f"Folders without {Y_FILE} are left out: {listed(ours)}.")
    unlabelled = {bool(f["labels"].isna().all()): f["file"].iloc[0] for f in frames}
    if len(unlabelled) == 2:
        raise DataError(
            f"{unlabelled[True]}: no labels ({X_FILE} lacks or counts episodes), "
            f"but {unlabelled[False]} has them, allowed is one way for all runs"
        )
    return pd.concat(frames, ignore_index=True)


def _nothing(base: Path) -> str:
    """Describe what was expected in a folder without runs, and what it contains."""
    there = listed(sorted(p.name for p in base.iterdir())) or "nothing"
    deeper = [p.parent.parent for depth in (2, 3) for p in base.glob("*/" * depth + Y_FILE)]
    hint = f"; runs are in {listed(sorted(set(deeper)), most=3)}" * bool(deeper)
    return f"{base}: no runs found, looked for <METHOD>_<i>/{Y_FILE}, there is {there}{hint}"


def _splits(name: str) -> list[tuple[str, str]]:
    """List all splits of a folder name into strategy and repetition, last number first."""
    parts = name.split("_")
    numbers = [i for i in range(len(parts) - 1, 0, -1) if re.fullmatch("[0-9]+", parts[i])]
    return [("_".join(parts[:i]), "_".join(parts[i:])) for i in numbers] or [(name, "1")]


def _discovered(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Read folder names as (strategy, repetition).

    A repetition starts at the last part that is a number: random_ff_byol_b50_1 is repetition 1,
    margin_1_seed42 is repetition 1_seed42, margin_10_2 is repetition 2 of margin_10. One part
    earlier where only that makes groups: of margin_1_42 and margin_2_43, which share neither
    their beginning nor their last number, both are repetitions of margin.
    """
    splits = {name: _splits(name) for name in names}
    sizes = Counter(ways[0][0] for ways in splits.values())
    families = defaultdict(list)
    for name, ways in splits.items():
        if len(ways) > 1:
            families[ways[1][0]].append(name)
    read = {name: ways[0] for name, ways in splits.items()}
    for family in families.values():
        single = all(sizes[splits[name][0][0]] == 1 for name in family)
        ends = {splits[name][0][1].split("_")[0] for name in family}
        if len(family) > 1 and single and len(ends) == len(family):
            read |= {name: splits[name][1] for name in family}
    return read


def _chosen(
    names: Sequence[str], named: Sequence[str] | None, base: Path
) -> dict[str, tuple[str, str]]:
    """Choose the folders of the strategies named, all of them by default.

    A name that `_discovered` does not find selects <name>_<int>_<anything>, provided that each
    <int> occurs once: margin does not select margin_10_1 and margin_10_2.
    """
    read = _discovered(names)
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


def _run(folder: Path, strategy: str, repetition: str) -> pd.DataFrame:
    """Read one run; x values 0, 1, 2 ... or 1, 2, 3 ... are episodes, others are labels."""
    accuracy = _array(folder / Y_FILE)
    labels = np.full(accuracy.shape, np.nan)
    if (folder / X_FILE).is_file():
        x = _array(folder / X_FILE)
        if x.shape != accuracy.shape:
            raise DataError(
                f"{folder / X_FILE}: {x.size} values, but {Y_FILE} has {accuracy.size}, "
                "allowed is the same number"
            )
        if x[0] not in (0, 1) or (np.diff(x) != 1).any():
            labels = x
    columns = {"episode": np.arange(1, accuracy.size + 1), "labels": labels, "accuracy": accuracy}
    names = {"strategy": strategy, "repetition": repetition, "file": str(folder / Y_FILE)}
    return pd.DataFrame(columns).assign(**names)


def _array(file: Path) -> NDArray[np.float64]:
    """Load a one-dimensional array of numbers."""
    try:
        with file.open("rb") as opened:
            values = np.lib.format.read_array(opened, allow_pickle=False)
    except (OSError, ValueError, MemoryError) as error:
        raise DataError(f"{file} cannot be read: {' '.join(str(error).split())}") from error
    if values.dtype.kind not in "iuf":
        raise DataError(f"{file} holds {values.dtype}, allowed are real numbers")
    if values.ndim != 1 or not values.size:
        raise DataError(f"{file} has shape {values.shape}, allowed is one dimension, not empty")
    return values.astype(float)
