"""`fit_runs`: from data to a `PalmFit`, strategy by strategy."""

import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from palm_bayes.data.checks import oddities
from palm_bayes.data.readers import read_runs
from palm_bayes.data.runs import Runs, XMode
from palm_bayes.errors import PalmWarning
from palm_bayes.inference.convergence import Convergence
from palm_bayes.inference.nuts import (
    Progress,
    Sample,
    SamplerName,
    Settings,
    compile_programs,
    sample_strategy,
)
from palm_bayes.inference.trace import assemble
from palm_bayes.model.learned import Learned, learned_from
from palm_bayes.model.priors import Priors, named_priors
from palm_bayes.palm_fit import PalmFit


def fit_runs(
    data: Runs | pd.DataFrame | str | Path,
    *,
    strategies: Sequence[str] | None = None,
    dataset: str | None = None,
    model: str | None = None,
    batch: float | None = None,
    x_mode: XMode = "labels",
    percent: bool | None = None,
    max_repetitions: int | None = None,
    max_episodes: int | None = None,
    priors: str | Priors = "default",
    prior: Learned | str | Path | None = None,
    draws: int = Settings.draws,
    tune: int = Settings.tune,
    chains: int = Settings.chains,
    target_accept: float = Settings.target_accept,
    sampler: SamplerName = Settings.sampler,
    seed: int = Settings.seed,
    cores: int | None = Settings.cores,
    progress: Progress | None = None,
) -> PalmFit:
    """Fit the PALM model to the runs of one task.

    Parameters
    ----------
    data : Runs, DataFrame or path
        See `palm_bayes.data.readers.read_runs`, also for ``strategies`` to ``max_episodes``.
    priors : {"default", "bounds"} or Priors
        Weakly informative; flat between PALM.py's bounds; or your own.
    prior : Learned or path, optional
        What was learned from past curves, by `palm_bayes.learn`: the numbers of the default priors
        and of the misfit. By default what the package ships.
    draws, tune, chains, target_accept, sampler, seed, cores
        See `palm_bayes.inference.nuts.Settings`.
    progress : callable, optional
        Told (stage, strategy, fraction done); stages are "compile", "sample" and "retry".

    Returns
    -------
    PalmFit

    Raises
    ------
    DataError
        If the data cannot be used, in one line.

    Warns
    -----
    PalmWarning
        If the data are odd but usable, saying what that means; see `palm_bayes.data.checks`.
    """
    settings = Settings(
        draws=draws, tune=tune, chains=chains, target_accept=target_accept,
        sampler=sampler, seed=seed, cores=cores,
    )  # fmt: skip
    runs = read_runs(
        data, strategies=strategies, dataset=dataset, model=model, batch=batch, x_mode=x_mode,
        percent=percent, max_repetitions=max_repetitions, max_episodes=max_episodes,
    )  # fmt: skip
    for oddity in oddities(runs):
        warnings.warn(oddity, PalmWarning, stacklevel=2)
    return fit_validated(
        runs,
        priors=priors,
        learned=learned_from(prior),
        settings=settings,
        progress=progress,
        prior="own" if isinstance(prior, Learned) else str(prior or ""),
    )


def fit_validated(
    runs: Runs,
    *,
    priors: str | Priors,
    learned: Learned,
    settings: Settings,
    progress: Progress | None = None,
    prior: str = "",
) -> PalmFit:
    """Fit runs without a word on what is odd about them."""
    chosen = named_priors(priors, learned) if isinstance(priors, str) else priors
    settings.suit(chosen)
    if settings.sampler == "nutpie":
        if progress is not None:
            progress("compile", "", 0.0)
        compile_programs(chosen)
    samples = [
        sample_strategy(runs.strategy(name), chosen, settings, progress) for name in runs.strategies
    ]
    named = priors if isinstance(priors, str) else "own"
    about = {"priors": named, "prior": prior, **asdict(settings)}
    return put_together(runs, samples, about, learned)


def put_together(
    runs: Runs, samples: list[Sample], about: dict[str, Any], learned: Learned
) -> PalmFit:
    """Make one fit of the strategies' samples; `about` says how they were sampled."""
    verdicts = pd.DataFrame([sample.verdict for sample in samples])
    table = verdicts.assign(strategy=runs.strategies).set_index("strategy")
    return PalmFit(runs, assemble(runs, samples, table, about, learned), Convergence(table))
