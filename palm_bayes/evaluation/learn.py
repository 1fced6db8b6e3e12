"""`learn`: hyperparameters of default prior and misfit from past curves.

Every strategy of every task is fitted once to a quarter and once to half of its episodes. The
predictive density of later accuracies under other hyperparameters is computed from the same draws:
other priors by importance weights, the misfit directly. All hyperparameters but one jointly
maximise this density, with equal weight for each forecast and a prior around their start. The
misfit's common share then maximises the probability of the observed order of the strategies. The
density is maximised again without each source in turn, to measure coverage on held-out sources.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from palm_bayes.errors import DataError, WorkerError
from palm_bayes.evaluation.cells import (
    Cell,
    fits_of,
    jobs_of,
    read_study_cells,
    too_short,
    training_sizes,
)
from palm_bayes.evaluation.held_out import FittedTask
from palm_bayes.evaluation.learn_result import Lesson
from palm_bayes.evaluation.past_fits import PastFits, read_task
from palm_bayes.evaluation.runner import HERE, Crew, Runner, running
from palm_bayes.evaluation.search import Search, away_from, common_share, score
from palm_bayes.files import as_path, check_folder
from palm_bayes.inference.settings import Progress, Settings, told
from palm_bayes.model.learned import BEYOND, Held, Learned, learned_start
from palm_bayes.reading.options import Reading
from palm_bayes.reading.read import reading_notes
from palm_bayes.scratch import tidy
from palm_bayes.version import __version__

_TIMES = (1.5, 3.0, 10.0, BEYOND)  # limits of distance classes, in multiples of the labels seen
_TRIES, _TRIES_WITHOUT = 300, 120
_FITTED, _SEARCHED = 0.2, 0.4  # of the work, done after the fits and the first search: a guess
_BANDS = (50, 80, 95)
_ONE_SOURCE = (
    "All curves are of one source: none was held out, so answers with this prior do not know how "
    "often forecasts hold. A backtest of other curves with it tells."
)


def learn(
    data: pd.DataFrame | str | Path | Sequence[str | Path],
    *,
    strategies: Sequence[str] | None = None,
    dataset: str | None = None,
    model: str | None = None,
    percent: bool | None = None,
    metric: str | None = None,
    lower_is_better: bool = False,
    columns: Mapping[str, str] | None = None,
    layout: str | None = None,
    pattern: str | None = None,
    pool: float | None = None,
    spread: str | None = None,
    start: Learned | str | Path | None = None,
    keep: str | Path | None = None,
    seed: int = 0,
    workers: int | None = HERE,
    scheduler: str | None = None,
    command: str = "palm_bayes.learn",
    progress: Progress | None = None,
) -> Lesson:
    """Learn the hyperparameters of default prior and misfit from past curves.

    Parameters
    ----------
    data : DataFrame, path or paths
        Complete curves of as many projects as possible: tables of several tasks, each read by
        itself, or trees of folders; see `palm_bayes.reading.tasks.read_study`.
    strategies, dataset, model, percent, metric, lower_is_better
        As in `palm_bayes.backtest`.
    columns, layout, pattern, pool, spread
        As in `palm_bayes.backtest`, but means with known noise are refused.
    start : Learned or path, optional
        Prior of the fits and initial hyperparameters, above 0; by default as shipped.
    keep : path, optional
        Folder for results of fits and searches, from which interrupted learning resumes. Searches
        run on workers only with it; those of a scheduler must see it.
    seed : int
    workers, scheduler
        Workers for the fits, by default this process; see `palm_bayes.sweep`.
    command : str
        Command to record in the file.
    progress : callable, optional
        Called with (last step, "", fraction done).

    Returns
    -------
    Lesson

    Raises
    ------
    DataError
        If a place cannot be read, data or `start` cannot be used, or no curve is long enough.
    WriteError
        If results of fits cannot be written, as on a full disk; finished ones are kept.
    """
    crew = Crew(workers, scheduler)
    begun, tell = learned_start(start), told(progress)
    how = Reading(
        strategies, dataset, model, percent=percent, metric=metric,
        lower_is_better=lower_is_better, columns=columns, layout=layout,
        pattern=pattern, pool=pool, spread=spread,
    )  # fmt: skip
    cells = read_study_cells(data, how)
    folder = None if keep is None else as_path(keep, "keep").absolute()
    if folder is not None:
        check_folder(folder)
        tidy(folder)
    fits = PastFits(begun, crew.suited(Settings(seed=seed)), folder)
    with running(crew) as runner:
        by_key = _fitted(cells, fits, runner, tell)
        if not by_key:
            raise DataError("no curve is long enough to learn from: 6 episodes are needed")
        tasks = list(by_key.values())
        found = _from_all(by_key, begun, tell)
        without = _leave_one_out(by_key, found, begun, runner, tell)
    table, held = _evaluated(tasks, without, begun)
    about = {
        "command": command,
        "corpus": dict(sorted(Counter(cell.key[0] for cell in cells if cell.runs).items())),
        "date": datetime.now(UTC).date().isoformat(),
        "fits": sum(len(task.laters) for task in tasks),
        "palm-bayes": __version__,
    }
    learned = replace(found, held=held, about=about)
    notes = reading_notes(cell.runs for cell in cells)
    if not without:
        notes += (_ONE_SOURCE,)
    return Lesson(learned, tuple(tasks), without, table, notes)


def _fitted(
    cells: Sequence[Cell], fits: PastFits, runner: Runner, tell: Progress
) -> dict[str | Path, FittedTask]:
    """Fit the strategies of each task to each size, or read kept results.

    Keys are the files of the results or, if they are not kept, the names of the fits.
    """
    jobs = [job for job in jobs_of(cells, training_sizes(None, None)) if too_short(*job) is None]
    groups = fits_of(jobs)
    tell(f"{len(groups)} fits", "", 0.0)
    by_name = _results(runner, fits, groups, lambda name, done: tell(name, "", _FITTED * done))
    found = ((fits.kept_at(group) or name, by_name[name]) for name, group in groups.items())
    return {key: task for key, task in found if task is not None}


def _from_all(by_key: Mapping[str | Path, FittedTask], begun: Learned, tell: Progress) -> Learned:
    """Learn from all sources."""

    def step(number: int) -> None:
        done = _FITTED + (_SEARCHED - _FITTED) * number / _TRIES
        tell(f"step {number} of at most {_TRIES} towards the highest density", "", done)

    found = Search(begun, begun, _TRIES, by_key.__getitem__)(list(by_key), step)
    shared = common_share(list(by_key.values()), found, begun)
    return replace(found, misfit=replace(found.misfit, common=shared))


def _leave_one_out(
    by_key: Mapping[str | Path, FittedTask],
    found: Learned,
    sampled: Learned,
    runner: Runner,
    tell: Progress,
) -> dict[str, Learned]:
    """Learn without each source in turn, on the workers if they can read the fits from files.

    Each search starts away from what all sources taught: started there, it would keep what the
    source itself taught.
    """
    sources = sorted({task.source for task in by_key.values()})
    if len(sources) < 2:
        return {}
    in_files = runner.client is not None and isinstance(next(iter(by_key)), Path)
    fitted = read_task if in_files else by_key.__getitem__
    search = Search(away_from(found), sampled, _TRIES_WITHOUT, fitted)
    jobs = {
        f"without {source}": [key for key, task in by_key.items() if task.source != source]
        for source in sources
    }
    tell(f"without each of {len(sources)} sources", "", _SEARCHED)
    learned = _results(
        runner if in_files else Runner(None),
        search,
        jobs,
        lambda name, done: tell(name, "", _SEARCHED + (1 - _SEARCHED) * done),
    )
    return {source: learned[f"without {source}"] for source in sources}


def _results[J, R](
    runner: Runner,
    work: Callable[[J], R],
    jobs: Mapping[str, J],
    tell: Callable[[str, float], None],
) -> dict[str, R]:
    """Run all jobs; `tell` is called with the name of each that ends and the share of all."""
    found = dict[str, R]()
    for name, result in runner.run(work, jobs):
        if isinstance(result, WorkerError):
            raise WorkerError(f"{name}: {result}")
        found[name] = result
        tell(name, len(found) / len(jobs))
    return found


def _evaluated(
    tasks: Sequence[FittedTask], without: dict[str, Learned], sampled: Learned
) -> tuple[pd.DataFrame, tuple[Held, ...]]:
    """Evaluate on each source the hyperparameters learned from all others."""
    rows, parts = {}, []
    for source, learned in without.items():
        own = [task for task in tasks if task.source == source]
        below = pd.concat([task.pit_values(learned, sampled) for task in own])
        of_means = below[below["mean"]]
        off = (of_means["p"] - 0.5).abs()
        rows[source] = {
            "score": score(own, learned, sampled),
            "before": score(own, sampled, sampled),
            **{f"coverage_{band}": (off <= band / 200).mean() for band in _BANDS},
        }
        parts.append(of_means)
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("source")
    return table, _coverage_by_distance(pd.concat(parts)) if parts else ()


def _coverage_by_distance(below: pd.DataFrame) -> tuple[Held, ...]:
    """Compute the coverage of 80 % bands by forecast distance."""
    inside = (below["p"] - 0.5).abs() <= 0.4
    classes = inside.groupby(np.searchsorted(_TIMES, below["times"])).agg(["size", "mean"])
    return tuple(Held(_TIMES[i], int(n), float(share)) for i, n, share in classes.itertuples())
