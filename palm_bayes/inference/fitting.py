"""Fitting of runs, strategy by strategy."""

import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from typing import Any

import pandas as pd

from palm_bayes.data.runs import Runs
from palm_bayes.errors import PalmWarning, of_type, one_line
from palm_bayes.inference.convergence import Convergence
from palm_bayes.inference.nuts import Batches, Sample, compile_programs
from palm_bayes.inference.posterior import Posterior
from palm_bayes.inference.settings import Progress, Settings, silent
from palm_bayes.inference.trace import assemble
from palm_bayes.model.learned import Learned
from palm_bayes.model.priors import Priors, named_priors, priors_of_runs


def fit_validated(
    runs: Runs,
    *,
    priors: str | Priors,
    learned: Learned,
    settings: Settings,
    progress: Progress = silent,
    prior: str = "",
) -> Posterior:
    """Fit runs without warnings about unusual data."""
    chosen = priors_of_runs(priors, runs, learned)
    settings.suit(chosen)
    if settings.sampler == "nutpie":
        progress("compile", "", 0.0)
        settings = _compiled(settings, chosen)
    samples = _sampled(runs, chosen, settings, progress)
    named = priors if isinstance(priors, str) else "own"
    about = {"priors": named, "prior": prior, **asdict(settings)}
    return put_together(runs, samples, about, learned)


def suited_priors(priors: str | Priors, learned: Learned, settings: Settings) -> Priors:
    """Return a prior set, or the one of a name; `DataError` if it is none or needs more draws."""
    named = named_priors(priors, learned) if isinstance(priors, str) else priors
    settings.suit(of_type(named, Priors, "priors", "'default', 'bounds' or Priors"))
    return named


def _sampled(runs: Runs, priors: Priors, settings: Settings, progress: Progress) -> list[Sample]:
    """Sample all strategies; each is diagnosed while the next one is sampled."""
    waiting = []
    count = len(runs.strategies)
    # PyMC's own sampler forks processes, without threads; on one core nothing would be gained.
    apart = settings.sampler == "nutpie" and settings.cores != 1
    with ThreadPoolExecutor(1) as beside:
        for done, name in enumerate(runs.strategies, 1):
            batches = Batches(runs.strategy(name), priors, settings, progress).draw()
            judged = beside.submit(batches.judged).result if apart else batches.judged
            waiting.append((batches, judged))
            if done < count:
                progress(f"{done} of {count} strategies sampled", "", done / count)
        return [batches.converged(judged()) for batches, judged in waiting]


def _compiled(settings: Settings, priors: Priors) -> Settings:
    """Compile nutpie's programs, or choose PyMC's own sampler where that fails.

    `compile_cache` uses private parts of nutpie, Numba and PyTensor, which a release may change.
    """
    try:
        compile_programs(priors)
    except (ImportError, AttributeError, TypeError) as error:
        warnings.warn(
            f"nutpie's program cannot be compiled ({one_line(str(error))}): PyMC's own NUTS samples"
            " instead, more slowly; constraints.txt lists versions that are known to work",
            PalmWarning,
            stacklevel=2,
        )
        # In this process: PyMC's own would start a script again where they are not forked.
        return replace(settings, sampler="pymc", cores=1)
    return settings


def put_together(
    runs: Runs, samples: list[Sample], about: dict[str, Any], learned: Learned
) -> Posterior:
    """Combine the strategies' samples into one fit; `about` holds the settings."""
    verdicts = pd.DataFrame([sample.verdict for sample in samples])
    table = verdicts.assign(strategy=runs.strategies).set_index("strategy")
    return Posterior(runs, assemble(runs, samples, table, about, learned), Convergence(table))
