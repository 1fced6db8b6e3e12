"""NUTS, strategy by strategy: one compiled program, and further sampling if need be.

Strategies of a task are independent given the priors. Sampling them separately costs about as much
as sampling them together. A difficult strategy then does not affect the others, and a program
compiled once serves any data.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Self

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr
from numpy.typing import NDArray
from pytensor import config

from palm_bayes.arrays import Floats
from palm_bayes.data.runs import Runs
from palm_bayes.errors import SamplingError
from palm_bayes.inference.approximation import approximation, near_data
from palm_bayes.inference.compile_cache import (
    compile_model,
    density_of,
    kept,
    standardised,
    unconstrained,
    with_data,
)
from palm_bayes.inference.convergence import ESS_LEAST, R_HAT_MOST, diagnose
from palm_bayes.inference.draws import labelled, verdict_numbers, with_parameters
from palm_bayes.inference.evidence import Part, aggregated_stats, join, longer
from palm_bayes.inference.pointwise import log_likelihood
from palm_bayes.inference.settings import Progress, Settings, seed_from, silent
from palm_bayes.model.build import build_model
from palm_bayes.model.curve_regions import APART, WHOLE, Region
from palm_bayes.model.one_strategy import build_pooled_model
from palm_bayes.model.priors import Priors
from palm_bayes.model.steps import pooled
from palm_bayes.model.variables import FREE, NUMBERS, Observations, observations

_LOG_DENSITY = {"nutpie": "logp", "pymc": "lp", "numpyro": "lp"}
MOST_DOUBLINGS = 8
"""Limit on the tree depth: at most 255 leapfrog steps per draw; typical are 12."""
ALIKE = 4
"""Batches of draws before smaller steps are tried."""
STATS = ("diverging", "n_steps", "energy", "step_size")  # what all samplers report


@dataclass(frozen=True, eq=False)
class Sample:
    """Posterior draws of one strategy."""

    posterior: xr.Dataset  # dims (chain, draw, strategy, ...)
    stats: xr.Dataset  # `STATS`, dims (chain, draw), by `evidence.aggregated_stats`
    log_likelihood: Floats  # pointwise, dims (chain, draw, observation)
    verdict: dict[str, Any]  # a row of `Convergence.table`


class Batches:
    """Batches of draws of one strategy, as many as it takes to converge.

    Each batch has its own chains, which are appended to those before; as many draws as of one are
    kept, at even spacing. After a divergence, or several batches, steps are smaller; earlier draws
    are then dropped, unless only their number was too low. `runs` are those of the strategy.
    """

    def __init__(self, runs: Runs, priors: Priors, settings: Settings, progress: Progress) -> None:
        self._runs, self._priors, self._settings = runs, priors, settings
        self._progress = progress
        self._batches: list[list[Part]] = []
        self._attempt = 0
        (self._name,) = runs.strategies

    @property
    def _seed(self) -> int:
        """Seed of the last batch."""
        return seed_from(self._settings.seed, self._name, self._attempt)

    def draw(self) -> Self:
        """Add a batch of draws from the posterior in each region."""
        self._attempt += 1
        tell = partial(self._progress, "sample" if self._attempt == 1 else "retry", self._name)
        regions = _regions(self._priors)
        given = self._settings, self._seed
        self._batches.append([
            _sampled(self._runs, self._priors, region, *given, _share_of(tell, i, len(regions)))
            for i, region in enumerate(regions)
        ])  # fmt: skip
        tell(1.0)
        return self

    def judged(self) -> Sample:
        """Combine the draws, keep as many as of one batch at even spacing, and diagnose them."""
        parts = [longer(of_region) for of_region in zip(*self._batches, strict=True)]
        joined = join(parts, np.random.default_rng(self._seed))
        posterior = with_parameters(joined.posterior, self._runs)
        each = np.arange(self._settings.draws)
        kept = each * (posterior.sizes["draw"] // len(each))
        posterior = posterior.isel(draw=kept).assign_coords(draw=each, strategy=[self._name])
        stats = aggregated_stats(joined.stats, kept).assign_coords(draw=each)
        verdict = diagnose(
            verdict_numbers(posterior), joined.divergences, joined.e_bfmi, joined.weight_error
        )
        terms = log_likelihood(posterior.isel(strategy=0), self._runs)
        return Sample(posterior, stats, terms, {**verdict, "attempts": self._attempt})

    def converged(self, found: Sample) -> Sample:
        """Draw further batches until they pass, or are too many; `found` is of those so far."""
        settings = self._settings
        most = settings.batches if settings.chains * settings.draws >= ESS_LEAST else 1
        while not (found.verdict["passed"] or self._attempt == most):
            # Chains that diverge or disagree miss a part of the posterior: their draws are biased.
            biased = found.verdict["divergences"] or not found.verdict["r_hat"] <= R_HAT_MOST
            if found.verdict["divergences"] or len(self._batches) == ALIKE:
                self._settings = self._settings.careful()
                self._batches = [] if biased else self._batches
            found = self.draw().judged()
        return found


def sample_strategy(
    runs: Runs, priors: Priors, settings: Settings, progress: Progress = silent
) -> Sample:
    """Sample the posterior of one strategy until it converges; parameters as in `Batches`."""
    batches = Batches(runs, priors, settings, progress).draw()
    return batches.converged(batches.judged())


def _regions(priors: Priors) -> tuple[Region, ...]:
    return APART if priors.apart else WHOLE


def _share_of(tell: Callable[[float], None], i: int, total: int) -> Callable[[float], None]:
    """Convert the fraction done of the i-th of `total` equal steps to that of all."""
    return lambda done: tell((i + done) / total)


def _sampled(
    runs: Runs,
    priors: Priors,
    region: Region,
    settings: Settings,
    seed: int,
    tell: Callable[[float], None],
) -> Part:
    """Draw from the posterior in one region."""
    if settings.sampler == "nutpie":
        tree = _with_nutpie(observations(runs), priors, region, settings, seed, tell)
    else:
        tree = _with_pymc(runs, priors, region, settings, seed)
    # NumPyro's arrays are JAX's, and its lp is the potential energy.
    found = tree["sample_stats"].to_dataset().as_numpy()
    posterior = tree["posterior"].to_dataset()[list(FREE)].as_numpy()
    part = Part(posterior, found[list(STATS)])
    if region == "all":
        return part
    free = tree["unconstrained_posterior"].to_dataset().as_numpy()
    sign = -1 if settings.sampler == "numpyro" else 1
    return part._replace(free=free, log_density=sign * found[_LOG_DENSITY[settings.sampler]])


def compile_programs(priors: Priors) -> None:
    """Compile the nutpie programs of `sample_strategy`; repeated calls cost nothing."""
    for region in _regions(priors):
        _program(priors, region)


@lru_cache(maxsize=8)
def _program(priors: Priors, region: Region) -> Any:
    """Compile the nutpie program of one strategy; `with_data` sets the data later."""
    any_data = pooled(observations(_any_runs()))
    with config.change_flags(traceback__limit=0):  # else each variable notes where it was created
        return compile_model(build_pooled_model(priors, any_data, region), NUMBERS)


def _with_nutpie(
    data: Observations,
    priors: Priors,
    region: Region,
    settings: Settings,
    seed: int,
    tell: Callable[[float], None],
) -> xr.DataTree:
    import nutpie

    program = with_data(_program(priors, region), pooled(data))
    starts = near_data(data.ends, priors, region)
    program = standardised(program, approximation(density_of(program), starts))
    total = settings.chains * (settings.tune + settings.draws)

    def report(chains: list[Any]) -> None:
        tell(min(sum(chain.finished_draws for chain in chains) / total, 1.0))

    try:
        raw = nutpie.sample(
            program,
            draws=settings.draws,
            tune=settings.tune,
            chains=settings.chains,
            cores=settings.cores,
            seed=seed,
            target_accept=settings.target_accept,
            maxdepth=MOST_DOUBLINGS,
            adaptation="diag",
            progress_bar=False,
            progress_callback=report,
            return_raw_trace=True,  # nutpie's conversion takes a tenth of the time
        )
    except RuntimeError as error:
        raise SamplingError(f"nutpie: {error}") from error
    found = kept(raw, [*NUMBERS, *unconstrained(NUMBERS), *STATS, "logp"])
    if found["energy"].shape[1] < settings.draws:
        raise KeyboardInterrupt  # nutpie returns partial draws instead
    return _tree(found)


def _tree(found: dict[str, NDArray[Any]]) -> xr.DataTree:
    """Arrange draws and statistics, dims (chain, draw), as `pymc.sample` does."""
    stats, free = (
        xr.Dataset({name: (("chain", "draw"), found[name]) for name in names})
        for names in ([*STATS, "logp"], unconstrained(NUMBERS))
    )
    groups = {"posterior": labelled(found), "sample_stats": stats, "unconstrained_posterior": free}
    chains = {"chain": np.arange(len(found["logp"]))}
    return xr.DataTree.from_dict(
        {name: part.assign_coords(chains) for name, part in groups.items()}
    )


def _with_pymc(
    runs: Runs, priors: Priors, region: Region, settings: Settings, seed: int
) -> xr.DataTree:
    keep_free = region != "all"
    nuts: dict[str, Any] = {"max_treedepth": MOST_DOUBLINGS}
    options: dict[str, Any] = (
        {"nuts": nuts, "idata_kwargs": {"include_transformed": keep_free}}
        if settings.sampler == "pymc"
        else {"nuts": {**nuts, "keep_untransformed": keep_free}}
    )
    with build_model(runs, priors, region) as model:
        try:
            tree: xr.DataTree = pm.sample(
                draws=settings.draws,
                tune=settings.tune,
                chains=settings.chains,
                cores=settings.cores,
                random_seed=seed,
                nuts_sampler=settings.sampler,
                target_accept=settings.target_accept,
                progressbar=False,
                compute_convergence_checks=False,
                **options,
            )
        except pm.exceptions.SamplingError as error:
            raise SamplingError(f"{settings.sampler}: {error}") from error
    if keep_free:  # as in nutpie's result
        names = [value.name for value in model.value_vars]
        tree["unconstrained_posterior"] = tree["posterior"].to_dataset()[names]
    return tree


def _any_runs() -> Runs:
    """Return arbitrary runs for compiling a program."""
    frame = pd.DataFrame(
        {"strategy": "any", "repetition": np.repeat(["1", "2"], 4), "episode": [1, 2, 3, 4] * 2}
    )
    return Runs.from_frame(frame.assign(accuracy=0.5 + 0.1 * np.sqrt(frame["episode"])))
