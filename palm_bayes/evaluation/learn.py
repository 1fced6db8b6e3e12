"""`learn`: hyperparameters of default prior and misfit from past curves.

Every strategy of every task is fitted once to a quarter and once to half of its episodes. The
predictive density of later accuracies under other hyperparameters is computed from the same draws:
other priors by importance weights, the misfit directly. All hyperparameters but one jointly
maximise this density, with equal weight for each forecast and a prior around their start. The
misfit's common share then maximises the probability of the observed order of the strategies. The
density is maximised again without each source in turn, to measure coverage on held-out sources.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from palm_bayes.arrays import Floats
from palm_bayes.data.runs import Runs
from palm_bayes.errors import DataError, WorkerError
from palm_bayes.evaluation.cells import (
    Cell,
    Job,
    fits_of,
    jobs_of,
    later_rows,
    read_study_cells,
    too_short,
    training_sizes,
)
from palm_bayes.evaluation.held_out import FittedTask, Later, later_of
from palm_bayes.evaluation.learn_result import Lesson
from palm_bayes.evaluation.runner import HERE, Crew, running
from palm_bayes.files import as_path, check_folder, put
from palm_bayes.inference.fitting import fit_validated
from palm_bayes.inference.partial_pooling import shared_noise
from palm_bayes.inference.settings import Progress, Settings, told
from palm_bayes.model.learned import BEYOND, Held, Learned, LogNormal, learned_start
from palm_bayes.model.misfit import MOST, Misfit
from palm_bayes.model.variables import VERSION
from palm_bayes.reading.options import Reading
from palm_bayes.reading.read import reading_notes
from palm_bayes.scratch import tidy
from palm_bayes.version import __version__

COMMONS = tuple(np.linspace(0, 0.9, 10).round(1).tolist())
"""Candidate values of the misfit's common share."""

_TIMES = (1.5, 3.0, 10.0, BEYOND)  # limits of distance classes, in multiples of the labels seen
_RADII = {"initial_tr_radius": 0.3, "final_tr_radius": 0.1}  # of a search, in logarithms
_TRIES, _TRIES_WITHOUT = 300, 120
_AWAY = 0.4  # change of the logarithms where a search without a source starts
_WORTHWHILE = 5e-4  # least gain in log density for which the search starts again
_PRIOR_SD = 0.5  # of a hyperparameter's logarithm around its start; a task is one observation
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
        Folder for results of single fits, from which interrupted learning resumes.
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
    tasks = _tasks(cells, _Fits(begun, crew.suited(Settings(seed=seed)), folder), crew, tell)
    if not tasks:
        raise DataError("no curve is long enough to learn from: 6 episodes are needed")
    tell("maximising the density over all curves", "", 0.9)
    found = likeliest(tasks, begun, begun, _TRIES)
    found = replace(found, misfit=replace(found.misfit, common=_common_share(tasks, found, begun)))
    without = _leave_one_out(tasks, found, begun, tell)
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


def _tasks(cells: Sequence[Cell], fits: "_Fits", crew: Crew, tell: Progress) -> list[FittedTask]:
    """Fit the strategies of each task to each size, or read stored results."""
    jobs = [job for job in jobs_of(cells, training_sizes(None, None)) if too_short(*job) is None]
    groups, by_fit = fits_of(jobs), dict[str, FittedTask | None]()
    tell(f"{len(groups)} fits", "", 0.0)
    with running(crew) as runner:
        for name, task in runner.run(fits, groups):
            if isinstance(task, WorkerError):
                raise WorkerError(f"{name}: {task}")
            by_fit[name] = task
            tell(name, "", 0.9 * len(by_fit) / len(groups))
    return [task for name in groups if (task := by_fit[name]) is not None]


@dataclass(frozen=True, eq=False)
class _Fits:
    """Common state of all fits, sent to the workers."""

    begun: Learned
    settings: Settings
    folder: Path | None

    def __call__(self, group: Sequence[Job]) -> FittedTask | None:
        """Fit the cells of one task and size, or read their stored results."""
        (first, train), cells = group[0], [cell for cell, _ in group]
        assert first.task is not None
        seen = first.task.first(train)
        names = [cell.strategy for cell in cells]
        given = asdict(self.settings) | {"cores": None}  # affects speed only
        numbers = json.dumps([self.begun.document()["priors"], given, VERSION])
        about = "\n".join([first.task.sha256(), *first.key[:-1], str(train), *names, numbers])
        digest = hashlib.sha256(about.encode()).hexdigest()[:16]
        kept = self.folder and self.folder / f"{digest}.npz"
        if kept is not None and kept.is_file():
            laters = _read_laters(kept)
        else:
            laters = _laters(cells, seen, train, self.begun, self.settings)
            if kept is not None:
                put(kept, partial(_write_laters, laters=laters))
        if not laters:
            return None
        return FittedTask(first.key[0], tuple(laters), shared_noise(seen))


def _laters(
    cells: Sequence[Cell], seen: Runs, train: int, begun: Learned, settings: Settings
) -> list[Later]:
    """Fit what is seen of a task, and extract the later accuracies of its cells."""
    fit = fit_validated(seen, priors="default", learned=begun, settings=settings)
    sampled, found = fit.trace["sampled"].to_dataset(), []
    for cell in cells:
        assert cell.runs is not None
        alone = seen.strategy(cell.strategy)
        rows = later_rows(cell.runs, alone, train)
        if len(rows):
            exact = later_of(sampled.sel(strategy=cell.strategy), alone, rows)
            # As in the files, so that a result that was resumed is the same.
            found.append(Later(*(part.astype(np.float32).astype(float) for part in exact)))
    return found


def _write_laters(draft: Path, laters: Sequence[Later]) -> None:
    arrays = {
        f"{i}.{name}": part.astype(np.float32)
        for i, later in enumerate(laters)
        for name, part in later._asdict().items()
    }
    with draft.open("wb") as file:
        np.savez_compressed(file, **arrays)


def _read_laters(kept: Path) -> list[Later]:
    with np.load(kept) as arrays:
        count = len({name.split(".")[0] for name in arrays.files})
        return [
            Later(**{name: arrays[f"{i}.{name}"].astype(float) for name in Later._fields})
            for i in range(count)
        ]


_MISFIT_NAMES = tuple(field.name for field in fields(Misfit) if field.name != "common")
_PRIOR_NAMES = ("alpha_start", "beta")


def _as_point(learned: Learned) -> Floats:
    """Return the logarithms of all hyperparameters except the common share; all are positive."""
    of_misfit = [getattr(learned.misfit, name) for name in _MISFIT_NAMES]
    of_priors = [number for name in _PRIOR_NAMES for number in getattr(learned, name)]
    return np.log([*of_misfit, *of_priors])


def _from_point(point: Floats, like: Learned) -> Learned:
    """Invert `_as_point`; numbers of the misfit beyond their limits are set to these."""
    numbers = [float(number) for number in np.exp(point)]
    count = len(_MISFIT_NAMES)
    numbers[:count] = [
        min(number, MOST.get(name, number))
        for name, number in zip(_MISFIT_NAMES, numbers[:count], strict=True)
    ]
    misfit = replace(like.misfit, **dict(zip(_MISFIT_NAMES, numbers[:count], strict=True)))
    pairs = zip(numbers[count::2], numbers[count + 1 :: 2], strict=True)
    alpha_start, beta = (LogNormal(*pair) for pair in pairs)
    return replace(like, misfit=misfit, alpha_start=alpha_start, beta=beta)


def likeliest(tasks: Sequence[FittedTask], start: Learned, sampled: Learned, tries: int) -> Learned:
    """Maximise the density of later accuracies over hyperparameters in at most `tries` steps.

    A prior keeps those near their start that few tasks determine. The density is rough, since few
    draws make up that of an accuracy with little noise. A search to a small radius would end at a
    bump nearby, so it ends at a large one and starts again from there while that pays.
    """
    begun = _as_point(start)

    def loss(point: Floats) -> float:
        of_prior = float(((point - begun) ** 2).sum()) / (2 * _PRIOR_SD**2 * len(tasks))
        return of_prior - _score(tasks, _from_point(point, start), sampled)

    point, before = begun, np.inf
    while tries > 2 * len(point) + 1:  # fewer do not make up a quadratic model
        found = minimize(loss, point, method="COBYQA", options={"maxfev": tries, **_RADII})
        point, tries = found.x, tries - found.nfev
        if found.fun > before - _WORTHWHILE:
            break
        before = found.fun
    return _from_point(point, start)


def _score(tasks: Sequence[FittedTask], learned: Learned, sampled: Learned) -> float:
    """Compute the mean log density of later accuracies."""
    return float(np.concatenate([task.scores(learned, sampled) for task in tasks]).mean())


def _common_share(tasks: Sequence[FittedTask], learned: Learned, sampled: Learned) -> float:
    """Choose the common share that makes orders likeliest; unchanged if there are none."""
    scores = [task.orders(learned, sampled, COMMONS) for task in tasks if len(task.laters) > 1]
    informative = np.array([row for row in scores if np.isfinite(row).all()])
    if not len(informative):
        return learned.misfit.common
    return float(COMMONS[int(informative.mean(axis=0).argmax())])


def _leave_one_out(
    tasks: Sequence[FittedTask], found: Learned, sampled: Learned, tell: Progress
) -> dict[str, Learned]:
    """Learn without each source in turn.

    Each search starts away from what all sources taught: started there, it would keep what the
    source itself taught.
    """
    point = _as_point(found)
    away = np.where(np.random.default_rng(1).random(len(point)) < 0.5, -_AWAY, _AWAY)
    start = _from_point(point + away, found)
    sources = sorted({task.source for task in tasks})
    learned = {}
    for i, source in enumerate(sources if len(sources) > 1 else ()):
        tell(f"without {source}", "", 0.92 + 0.08 * i / len(sources))
        others = [task for task in tasks if task.source != source]
        learned[source] = likeliest(others, start, sampled, _TRIES_WITHOUT)
    return learned


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
            "score": _score(own, learned, sampled),
            "before": _score(own, sampled, sampled),
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
