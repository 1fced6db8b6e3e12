"""Leave-future-out validation: fit the first episodes of the user's curves, score later ones.

A cell is one strategy of one task. The strategies of a task are fitted together, up to the same
episode, as `palm_bayes.fit` does, so that the scores are those of a user's forecasts. A failed cell
gives a row with the reason.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from palm_bayes.arrays import Floats
from palm_bayes.data.alignment import mean_curve
from palm_bayes.data.quantiles import QUANTILE_NAMES, QUANTILES
from palm_bayes.data.runs import Runs
from palm_bayes.errors import DataError, WorkerError, require_flag
from palm_bayes.evaluation import scores
from palm_bayes.evaluation.backtest_result import KEY, Backtest, check_backtest_folder
from palm_bayes.evaluation.cells import (
    Cell,
    Job,
    fits_of,
    jobs_of,
    later_rows,
    means_by_episode,
    read_cells,
    too_short,
    training_sizes,
)
from palm_bayes.evaluation.checkpoints import Checkpoints, Part, alone_in
from palm_bayes.evaluation.provenance import FAILURES, in_words, settings_of
from palm_bayes.evaluation.runner import HERE, Crew, running
from palm_bayes.files import Look, as_look, as_path
from palm_bayes.forecast import baselines
from palm_bayes.forecast.forecast import forecast
from palm_bayes.inference.fitting import fit_validated, suited_priors
from palm_bayes.inference.posterior import Posterior
from palm_bayes.inference.settings import Progress, SamplerName, Settings, told
from palm_bayes.model.learned import Learned, learned_from
from palm_bayes.model.priors import Priors
from palm_bayes.reading.options import Reading
from palm_bayes.reading.sources import Source


def backtest(
    data: Runs | Source,
    *,
    train_fractions: Sequence[float] | float | None = None,
    train_episodes: Sequence[int] | int | None = None,
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
    priors: str | Priors = "default",
    prior: Learned | str | Path | None = None,
    draws: int = Settings.draws,
    tune: int = Settings.tune,
    chains: int = Settings.chains,
    target_accept: float = Settings.target_accept,
    sampler: SamplerName = Settings.sampler,
    seed: int = Settings.seed,
    cores: int | None = Settings.cores,
    out: str | Path | None = None,
    look: Look | None = None,
    fresh: bool = False,
    workers: int | None = HERE,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Backtest:
    """Fit the first episodes of every cell, and score forecasts of the later ones.

    Parameters
    ----------
    data : Runs, DataFrame, dict, path or paths
        As in `palm_bayes.reading.read.read_runs`, but a table may hold several tasks (columns
        ``source``, ``dataset``, ``model``).
    train_fractions, train_episodes : number or sequence of numbers, optional
        Sizes of the training data: shares of the longest repetition, rounded, at least 5 episodes;
        or numbers of recorded episodes, from 5. By default a quarter and a half.
    strategies, dataset, model
        Selection; by default all.
    percent : bool, optional
        True if accuracies are in percent; by default inferred from each task's values.
    metric, lower_is_better, columns, layout, pattern, pool, spread
        As in `palm_bayes.read`.
    priors, prior, draws, tune, chains, target_accept, sampler, seed, cores
        As in `palm_bayes.fit`.
    out : path, optional
        Folder for the files of `Backtest.write`, and for ``cells/``, where each finished cell is
        kept: an interrupted backtest resumes from there, unless its priors are custom ones,
        which need `fresh`. Without it nothing is written.
    look : palm_bayes.files.Look, optional
        Look and format of the figure in ``out``.
    fresh : bool
        Discard the cells of an earlier backtest in ``out``.
    workers, scheduler
        Workers for the fits, by default this process; see `palm_bayes.sweep`.
    progress : callable, optional
        Called with (last fit, "", fraction done).

    Returns
    -------
    Backtest

    Raises
    ------
    DataError
        If the data or a setting cannot be used, if no cell has a later episode, or if ``out``
        holds cells made with other settings.
    WriteError
        If results cannot be written, as on a full disk; finished cells are kept.
    """
    settings = Settings(
        draws=draws, tune=tune, chains=chains, target_accept=target_accept,
        sampler=sampler, seed=seed, cores=cores,
    )  # fmt: skip
    learned, crew = learned_from(prior), Crew(workers, scheduler)
    chosen = suited_priors(priors, learned, settings)  # before the first cell: no error of a cell
    sizes = training_sizes(train_fractions, train_episodes)
    reading = Reading(
        strategies, dataset, model, percent=percent, metric=metric,
        lower_is_better=lower_is_better, columns=columns, layout=layout,
        pattern=pattern, pool=pool, spread=spread,
    )  # fmt: skip
    cells = read_cells(data, reading)
    jobs = jobs_of(cells, sizes)
    if not any(too_short(cell, n) is None for cell, n in jobs):
        raise DataError(f"no cell can be scored: {too_short(*jobs[0])}")
    about = _settings_of_parts(cells, priors, learned, settings)
    require_flag(fresh, "fresh")
    look, tell = as_look(look), told(progress)
    folder = None if out is None else as_path(out, "out").absolute()
    if folder is not None:
        check_backtest_folder(folder, fresh=fresh)
    with alone_in(folder and folder / "cells"):
        kept = Checkpoints.open(folder and folder / "cells", about, fresh=fresh)
        run = _Run(chosen, learned, crew.suited(settings), kept)
        parts = _parts_in_order(run, jobs, crew, tell)
        result = Backtest.joined(parts, [(cell.key, cell.runs) for cell in cells if cell.runs])
        if folder is not None:
            result.write(folder, look)
    return result


def _parts_in_order(run: "_Run", jobs: Sequence[Job], crew: Crew, tell: Progress) -> list[Part]:
    """Compute the parts of all cells, those of one fit together, in the order of the jobs."""
    fits, by_fit, done = fits_of(jobs), dict[str, list[Part]](), 0
    tell(f"{len(jobs)} cells", "", 0.0)
    with running(crew) as runner:
        for name, parts in runner.run(run, fits):
            cells = fits[name]
            by_fit[name] = (
                [_unscored(*cell, str(parts)) for cell in cells]
                if isinstance(parts, WorkerError)
                else parts
            )
            done += len(cells)
            tell(name, "", done / len(jobs))
    return [part for name in fits for part in by_fit[name]]


def _unscored(cell: Cell, train: int, reason: str) -> Part:
    """Return the part of a cell that could not be scored."""
    row = dict(zip(KEY, (*cell.key, train), strict=True)) | {"n": 0, "reason": reason}
    return {"scores": pd.DataFrame([row])}


def _settings_of_parts(
    cells: Sequence[Cell], priors: str | Priors, learned: Learned, settings: Settings
) -> dict[str, Any]:
    """Return all settings that the parts depend on."""
    hashes = [cell.runs.sha256() if cell.runs else "" for cell in cells]
    data = "\n".join([*hashes, *("\t".join(cell.key) for cell in cells)])
    digest = hashlib.sha256(data.encode()).hexdigest()[:12]
    return {"data": digest, **settings_of(priors, learned, settings)}


@dataclass(frozen=True, eq=False)
class _Run:
    """Common state of all cells of a backtest, sent to the workers."""

    priors: Priors
    learned: Learned
    settings: Settings
    kept: Checkpoints

    def __call__(self, cells: Sequence[Job]) -> list[Part]:
        """Return the tables of the cells of one fit."""
        parts = [self.part(*cell) for cell in cells]
        _fit_of_task.cache_clear()  # frees the memory of the fit
        _drawn.cache_clear()
        return parts

    def part(self, cell: Cell, train: int) -> Part:
        """Return the tables of one cell, from its file if there is one."""
        name = "\n".join((*cell.key, str(train)))
        if (kept := self.kept.get(name)) is not None:
            return kept
        if (reason := too_short(cell, train)) is not None:
            return _unscored(cell, train, reason)
        try:
            part = self._judged(cell, train)
        except FAILURES as error:  # not stored: it may succeed the next time
            return _unscored(cell, train, in_words(error))
        head: dict[str, Any] = dict(zip(KEY, (*cell.key, train), strict=True))
        part = {table: frame.assign(**head) for table, frame in part.items()}
        self.kept.keep(name, part)
        return part

    def _judged(self, cell: Cell, train: int) -> Part:
        assert cell.runs is not None
        seen = cell.runs.first(train)
        later = later_rows(cell.runs, seen, train)
        if later.empty:
            raise DataError("no repetition in the training data has a later episode")
        points = _points(seen, later)
        fit, reason = self._fit_of(cell, train)
        rows = _forecasts(fit, cell.strategy, later, self.settings.seed)
        last = int(later["episode"].max())
        in_thirds, points_in_thirds = (
            table.assign(third=scores.third(table["episode"], train, last))
            for table in (rows, points)
        )
        verdicts = {
            "passed": bool(fit.convergence.table.loc[cell.strategy, "passed"]),
            "described": bool(fit.predictive_check.table.loc[cell.strategy, "passed"]),
        }
        return {
            "forecasts": rows.drop(columns=["crps", "log_score"]),
            "baselines": points,
            "scores": _scores(in_thirds, points_in_thirds, verdicts).assign(reason=reason),
        }

    def _fit_of(self, cell: Cell, train: int) -> tuple[Posterior, str]:
        """Fit the task's strategies; if another fails, the cell alone, with the reason."""
        assert cell.task is not None
        assert cell.runs is not None
        of_task = _fit_of_task(self, cell.task, train)
        if not isinstance(of_task, Exception):
            return of_task, ""
        return self.fit(cell.runs.first(train)), f"fitted without its task: {in_words(of_task)}"

    def fit(self, seen: Runs) -> Posterior:
        """Fit training data with the settings of the backtest."""
        return fit_validated(seen, priors=self.priors, learned=self.learned, settings=self.settings)


@lru_cache(maxsize=1)  # the strategies of a task share it
def _fit_of_task(run: _Run, task: Runs, train: int) -> Posterior | Exception:
    """Fit all strategies of a task, or return the error that its data cause."""
    try:
        return run.fit(task.first(train))
    except FAILURES as error:
        return error


def _forecast(fit: Posterior, strategy: str, later: pd.DataFrame, seed: int) -> xr.DataArray:
    """Draw at the later episodes: at their labels if known, or else one batch per episode."""
    labels = later.groupby("episode")["labels"].median()
    spent = fit.runs.strategy(strategy).table["labels"].max()
    steps = labels.diff().fillna(labels.iloc[0] - spent)
    what, at = ("labels", labels) if (steps > 0).all() else ("episodes", labels.index)
    draws = _drawn(fit, what, tuple(at), seed).sel(strategy=strategy)
    return draws.assign_coords(x=labels.index.to_numpy()).rename(x="later")


@lru_cache(maxsize=1)  # strategies usually share their labels
def _drawn(fit: Posterior, what: str, at: tuple[float, ...], seed: int) -> xr.DataArray:
    asked: dict[str, Any] = {what: np.array(at)}
    return forecast(fit, scope="continuing", seed=seed, **asked).draws


def _forecasts(fit: Posterior, strategy: str, later: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Compute quantiles and scores of later observations and of their means over repetitions.

    Both scopes use the same joint draws: repetitions are averaged within each draw, so that their
    noise averages out as in the observed means.
    """
    draws = _forecast(fit, strategy, later, seed).stack(sample=("chain", "draw"))
    repetition, episode = (xr.DataArray(later[w], dims="row") for w in ("repetition", "episode"))
    single = draws.sel(repetition=repetition, later=episode).transpose("sample", "row").to_numpy()
    groups = later.reset_index(drop=True).groupby("episode").indices
    mean = np.stack([single[:, members].mean(axis=1) for members in groups.values()], axis=1)
    means = means_by_episode(later).assign(scope="mean", repetition="")
    both = [_summarised(means, mean), _summarised(later.assign(scope="repetition"), single)]
    return pd.concat(both, ignore_index=True)


def _summarised(rows: pd.DataFrame, draws: Floats) -> pd.DataFrame:
    """Summarise the forecast of each row from its draws, dims (draw, row)."""
    if not np.isfinite(draws).all():
        raise DataError("the forecast is not finite")
    observed = rows["accuracy"].to_numpy()
    quantiles = dict(zip(QUANTILE_NAMES, np.quantile(draws, QUANTILES, axis=0), strict=True))
    table = rows[["scope", "repetition", "episode", "labels"]].reset_index(drop=True)
    return table.assign(
        observed=observed,
        mean=draws.mean(axis=0),
        **quantiles,
        crps=scores.crps(draws, observed),
        log_score=scores.log_score(draws, observed),
    )


def _points(seen: Runs, later: pd.DataFrame) -> pd.DataFrame:
    """Compute the baselines' forecasts of the mean over repetitions from the mean curve."""
    after = means_by_episode(later).rename(columns={"accuracy": "observed"})
    mean = mean_curve(seen)
    made = baselines.forecast_all(mean.x, mean.y, after.pop("x").to_numpy())
    return after.assign(**made)


def _scores(rows: pd.DataFrame, points: pd.DataFrame, verdicts: dict[str, bool]) -> pd.DataFrame:
    """Score the forecasts by scope and third, then each baseline by third."""
    table: list[dict[str, Any]] = []
    for scope, of_scope in rows.groupby("scope", sort=False):
        for third, part in scores.by_third(of_scope):
            head = {"scope": scope, "third": third, "forecaster": "palm_bayes"}
            table.append(head | verdicts | scores.score(part))
    for third, part in scores.by_third(points):
        for name in baselines.NAMES:
            scored = scores.score_points(part["observed"], part[name])
            table.append({"scope": "mean", "third": third, "forecaster": name} | scored)
    return pd.DataFrame(table)
