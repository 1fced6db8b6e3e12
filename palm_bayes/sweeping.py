"""Facade of sweeps: `sweep` fits all tasks of a study, and writes the overview."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from palm_bayes.errors import require_flag
from palm_bayes.evaluation.answers import Asked, Work
from palm_bayes.evaluation.checkpoints import Checkpoints, require_own
from palm_bayes.evaluation.runner import Crew
from palm_bayes.evaluation.sweep import PARTS, Progress, run_sweep
from palm_bayes.evaluation.sweep_result import COLUMNS, Sweep
from palm_bayes.files import as_path, check_folder, put_text
from palm_bayes.inference.fitting import suited_priors
from palm_bayes.inference.settings import OF_SWEEPS, SamplerName, Settings, told
from palm_bayes.model.learned import Learned, learned_from, prior_name
from palm_bayes.model.priors import Priors
from palm_bayes.reading.options import Reading
from palm_bayes.reading.tasks import read_study
from palm_bayes.report.overview import overview
from palm_bayes.report.page import render

OVERVIEW = "overview.html"


def sweep(
    data: pd.DataFrame | Mapping[str, Any] | str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    target: float | str | None = None,
    assurance: float = 0.8,
    reference: str | None = None,
    horizon: int | None = None,
    probability: float = 0.9,
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
    draws: int = OF_SWEEPS.draws,
    tune: int = Settings.tune,
    chains: int = Settings.chains,
    target_accept: float = Settings.target_accept,
    sampler: SamplerName = Settings.sampler,
    seed: int = Settings.seed,
    workers: int | None = None,
    scheduler: str | None = None,
    traces: bool = False,
    fresh: bool = False,
    progress: Progress | None = None,
) -> Sweep:
    """Fit all tasks of a study on a Dask cluster, and answer the same questions about each.

    After an interruption call it again: it resumes, and no task is lost or counted twice, even if a
    worker or the scheduler was killed. With custom `priors` it cannot resume, and needs `fresh`.
    Results do not depend on the workers: a task's seed is derived from its name and `seed`, and is
    in ``verdicts``.

    Parameters
    ----------
    data : DataFrame, dict, path or paths
        Tables of several tasks, each read by itself, or trees of folders; see
        `palm_bayes.reading.tasks.read_study`.
    out : path
        Folder of the results, accessible to all workers: one Parquet file for each question,
        ``overview.html``, and ``parts/``, one file for each finished task.
    target, assurance
        As in `palm_bayes.PalmFit.labels_to_reach`. By default each task's target is the accuracy
        that its reference has at the end of the data.
    reference : str, optional
        As in `palm_bayes.PalmFit.compare`.
    horizon : int, optional
        As in `palm_bayes.PalmFit.forecast`.
    probability : float
        Probability of the intervals from ``lower`` to ``upper``.
    strategies, dataset, model, percent, metric, lower_is_better
        As in `palm_bayes.read`.
    columns, layout, pattern, pool, spread
        As in `palm_bayes.read`.
    priors, prior, draws, tune, chains, target_accept, sampler, seed
        As in `palm_bayes.fit`, with half of its draws by default.
    workers : int, optional
        Processes of a local cluster, by default one for each core; 0: this process, without Dask.
        A script that starts workers needs ``if __name__ == "__main__":``, as for any processes.
    scheduler : str, optional
        Address of a running Dask scheduler, such as "tcp://10.0.0.1:8786", to use in place of a
        local cluster.
    traces : bool
        Save each fit in ``traces/``, for `palm_bayes.PalmFit.load`.
    fresh : bool
        Discard the results of an earlier sweep in `out`, and replace other files of their names.
    progress : callable, optional
        Called with a `palm_bayes.evaluation.sweep.Standing` after each task.

    Returns
    -------
    Sweep

    Raises
    ------
    DataError
        If no place of `data` can be read, a setting is not allowed, no task has the reference or
        allows the target, Dask is not installed, or `out` holds results of other settings, or files
        of their names that are not of a sweep. Data that cannot be fitted are no error: they are in
        ``failures``.
    WriteError
        If answers cannot be written, as on a full disk, which ends the sweep; finished tasks are
        kept.
    WorkerError
        If the scheduler cannot be reached or is lost; finished tasks are kept.
    """
    settings = Settings(
        draws=draws, tune=tune, chains=chains, target_accept=target_accept,
        sampler=sampler, seed=seed,
    )  # fmt: skip
    reading = Reading(
        strategies, dataset, model, percent=percent, metric=metric,
        lower_is_better=lower_is_better, columns=columns, layout=layout, pattern=pattern,
        pool=pool, spread=spread,
    )  # fmt: skip
    learned, crew = learned_from(prior), Crew(workers, scheduler)
    suited_priors(priors, learned, settings)
    asked = Asked(target, assurance, reference, horizon, probability)
    asked.check()
    require_flag(traces, "traces")
    require_flag(fresh, "fresh")
    folder = as_path(out, "out").absolute()
    check_folder(folder)
    names = [Path(OVERVIEW), *(Path(f"{name}.parquet") for name in COLUMNS)]
    require_own(folder, names, PARTS, of="sweep", fresh=fresh)
    study = read_study(data, reading)
    asked.check_for(study.drafts, reading)
    work = Work(
        reading, priors, learned, prior_name(prior), settings, asked, traces, Checkpoints(None)
    )  # fmt: skip
    found = run_sweep(study, folder, work, crew, fresh=fresh, progress=told(progress))
    put_text(folder / OVERVIEW, render(overview(found, probability)))
    return found
