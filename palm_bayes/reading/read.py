"""Reading of runs: sources, layouts and columns of all kinds to `Runs`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace

import pandas as pd

from palm_bayes.data.cells import as_text
from palm_bayes.data.limits import XMode, check_options
from palm_bayes.data.runs import Runs
from palm_bayes.data.validation import TASK
from palm_bayes.errors import DataError, known, listed, visible
from palm_bayes.reading.cleaning import cleaned
from palm_bayes.reading.layouts import to_rows
from palm_bayes.reading.options import OF_SOURCE, Reading
from palm_bayes.reading.palm_folder import palm_runs, read_folder
from palm_bayes.reading.sources import Source, paths_of, raw_tables

_READ = "Read: "  # beginning of the note about how the source was read


def read_runs(
    source: Runs | Source,
    *,
    strategies: Sequence[str] | None = None,
    dataset: str | None = None,
    model: str | None = None,
    batch: float | None = None,
    x_mode: XMode = "labels",
    percent: bool | None = None,
    metric: str | None = None,
    lower_is_better: bool = False,
    max_repetitions: int | None = None,
    max_episodes: int | None = None,
    columns: Mapping[str, str] | None = None,
    layout: str | None = None,
    pattern: str | None = None,
    pool: float | None = None,
    spread: str | None = None,
) -> Runs:
    """Read the runs of one task.

    ``Runs.notes`` says how the source was read; what could mean two things is an error.
    docs/formats.md lists what is read.

    Parameters
    ----------
    source : Runs, DataFrame, dict, path or paths
        A file, a glob or a folder; a frame; a dict of lists, of arrays (runs, episodes), or of
        such dicts by strategy; or `Runs`.
    strategies : sequence of str, optional
        Strategies to read, in this order; by default all.
    dataset, model : str, optional
        The task to read from a table that holds several; for folders, names to store.
    batch, x_mode, percent, metric, lower_is_better, max_repetitions, max_episodes
        As in `Runs.from_frame`.
    columns : mapping of str to str, optional
        Columns by what they stand for, such as ``{"accuracy": "test_acc"}``; others by
        `palm_bayes.reading.columns.COLUMNS`.
    layout : {"long", "wide", "across", "headers", "tracker", "values", "mlflow"}, optional
        By default as the columns tell.
    pattern : str, optional
        How names of files, or of columns in a single table, tell the run, such as
        ``"{strategy}_{repetition}"``.
    pool : float, optional
        Samples in the pool, those with labels included. Where all are labelled, strategies are
        equally accurate, and labels may be given as shares of it.
    spread : str, optional
        Where accuracies are means of repetitions, what is beside them: "sd of 5", standard
        deviations of five repetitions; "se" or "se of 5", standard errors; "none", to leave it
        out and fit the means as one repetition of unknown noise. By default as columns tell.

    Raises
    ------
    DataError
        If `source` cannot be used; the message gives the value, its place and what is allowed.
    """
    reading = Reading(
        strategies, dataset, model, batch, x_mode, percent, metric, lower_is_better,
        max_repetitions, max_episodes, columns, layout, pattern, pool, spread,
    )  # fmt: skip
    return read(source, reading)


def read(source: Runs | Source, reading: Reading) -> Runs:
    """Read the runs of one task; see `read_runs`."""
    if isinstance(source, Runs):
        return _select_again(source, reading)
    notes: list[str] = []
    frame = chosen_rows(_one_task(read_rows(source, reading, notes)), reading)
    dataset, model = (
        visible(getattr(reading, word) or next(iter(frame.get(word, [])), ""))
        for word in ("dataset", "model")
    )
    runs = Runs.from_frame(frame, **reading.of_runs, dataset=dataset, model=model, notes=notes)
    runs = replace(runs, read_with=reading.of_source)
    if reading.pool is not None and not runs.labels_known:
        told = "Labels are unknown, so the size of the pool is not used."
        runs = replace(runs, notes=(*runs.notes, told))
    return runs if reading.named is None else runs.select(reading.named)


def reading_of(runs: Runs) -> Reading:
    """Return the options with which more data of the same task are read as `runs` were.

    Those that select strategies, repetitions and episodes are left at their defaults.
    """
    how = Reading(
        dataset=runs.dataset or None, model=runs.model or None,
        **asdict(runs.score), **runs.read_with,
    )  # fmt: skip
    return replace(how, batch=runs.batch, x_mode=runs.x_mode) if runs.labels_known else how


def _select_again(source: Runs, reading: Reading) -> Runs:
    """Select from runs that were read before."""
    if fixed := [name for name in ("batch", "x_mode", *OF_SOURCE) if name in reading.given]:
        raise DataError(
            f"{' and '.join(fixed)} cannot change once Runs are made: read the data again with it"
        )
    score = source.score
    if reading.percent not in {None, score.percent}:
        raise DataError(
            f"percent is {reading.percent}, but Runs were read with percent={score.percent}"
        )
    if reading.lower_is_better and not score.lower_is_better:
        raise DataError("lower_is_better is True, but Runs were read without it")
    runs = source if reading.named is None else source.select(reading.named)
    runs = runs.limited(reading.max_repetitions, reading.max_episodes)
    names = {word: getattr(reading, word) or getattr(runs, word) for word in ("dataset", "model")}
    return replace(runs, **names, score=replace(score, metric=reading.metric or score.metric))


def read_rows(source: Source, reading: Reading, notes: list[str]) -> pd.DataFrame:
    """Read the rows of all tasks, or of the dataset and model named, in columns named by words.

    One note says how they were read.
    """
    check_options(reading.batch, reading.x_mode, reading.max_repetitions, reading.max_episodes)
    if palm := palm_runs(paths_of(source)):
        table = read_folder(*palm, reading.named, reading.max_repetitions, notes)
        source_notes: list[str] = []
    else:
        raws = raw_tables(source, reading.pattern, errors=reading.lower_is_better)
        read = [to_rows(raw, reading) for raw in raws]
        table = pd.concat([rows for rows, _ in read], ignore_index=True)
        source_notes = list(dict.fromkeys(note for _, of_raw in read for note in of_raw))
    for word in {*TASK} & set(table):
        table[word] = as_text(table[word])
    table = cleaned(table, reading.pool, reading.spread, source_notes)
    if source_notes:
        notes.append(f"{_READ}{'; '.join(source_notes)}.")
    table = table.assign(strategy=as_text(table["strategy"]))
    for word, name in (("dataset", reading.dataset), ("model", reading.model)):
        if name is not None and word in table:
            table = table[table[word].isin(known([name], table[word].unique(), word))]
    return table


def reading_notes(several: Iterable[Runs | None]) -> tuple[str, ...]:
    """Return the notes that say how the sources of runs were read, each once."""
    notes = (note for runs in several if runs for note in runs.notes)
    return tuple(dict.fromkeys(note for note in notes if note.startswith(_READ)))


def _one_task(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table; `DataError` if it holds several tasks (source, dataset, model)."""
    tasks = table[[word for word in TASK if word in table]].drop_duplicates()
    if tasks.shape[1] and len(tasks) > 1:
        names = listed((" / ".join(task) for task in tasks.itertuples(index=False)), most=50)
        several = [word for word in tasks if len(tasks[word].unique()) > 1]
        options = [f"{word}= (--{word})" for word in several if word != "source"]
        how = " and ".join(options) or "keeping the rows of one source"
        raise DataError(
            f"{table['file'].iloc[0] or 'the table'} holds {len(tasks)} tasks, "
            f"choose one by {how}: {names}"
        )
    return table


def chosen_rows(table: pd.DataFrame, reading: Reading) -> pd.DataFrame:
    """Keep the rows of the strategies named."""
    if reading.named is None:
        return table
    names = known(reading.named, table["strategy"].unique(), "strategy")
    return table[table["strategy"].isin(names)]
