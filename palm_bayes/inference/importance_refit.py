"""`refit`: update of a fit with later episodes, mostly by importance sampling.

One more episode changes a posterior little. Earlier draws, weighted by the likelihood of the new
data, represent the new posterior (Chopin, *A sequential particle filter method for static models*,
2002), at a small part of the cost of NUTS. A strategy is sampled again with NUTS if the largest
weights are unreliable (Vehtari et al., *Pareto smoothed importance sampling*, 2024), or if the
resampled draws fail the convergence criteria.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import fields

import numpy as np
import xarray as xr

from palm_bayes.arrays import Floats
from palm_bayes.data.runs import Runs
from palm_bayes.errors import DataError, listed
from palm_bayes.inference.convergence import diagnose
from palm_bayes.inference.draws import numbers_of, taken, verdict_numbers
from palm_bayes.inference.evidence import without_energy
from palm_bayes.inference.fitting import put_together
from palm_bayes.inference.nuts import Sample, sample_strategy
from palm_bayes.inference.pointwise import log_likelihood
from palm_bayes.inference.posterior import Posterior
from palm_bayes.inference.saved import about_fit, priors_of
from palm_bayes.inference.settings import Progress, Settings, silent
from palm_bayes.inference.weights import PARETO_K_MOST, resampled, smoothed
from palm_bayes.model import curve, noise
from palm_bayes.model.priors import Priors, moving_logp, noise_unit
from palm_bayes.model.variables import Observations, observations

REWEIGHTED = 0  # number of NUTS attempts
_OF_SETTINGS = {field.name for field in fields(Settings)}
_OF_DRAWS = ("chain", "draw")


def refit_validated(
    fit: Posterior,
    runs: Runs,
    *,
    priors: Priors | None = None,
    progress: Progress = silent,
) -> Posterior:
    """Update `fit` for runs with further episodes; see `PalmFit.refit`."""
    saved = about_fit(fit.trace)
    if "fits" in saved:
        apart = f"{listed(saved['fits'])} were fitted separately"
        raise DataError(f"{apart}: refit each of them, or fit all runs together")
    about = saved["sampling"]
    before, chosen = (priors_of(fit.trace, of, priors) for of in (fit.runs, runs))
    settings = Settings(**{name: about[name] for name in _OF_SETTINGS & about.keys()})

    # NUTS for one strategy runs beside the reweighting of others. PyTensor compiles in one thread
    # at a time: functions for reweighting are compiled before, others in the thread of NUTS.
    for either in (before, chosen):
        moving_logp(either)
    with ThreadPoolExecutor(1) as nuts:
        found: list[Sample | Future[Sample]] = [
            _reweighted(fit, of_one, before, chosen)
            or nuts.submit(sample_strategy, of_one, chosen, settings, progress)
            for of_one in map(runs.strategy, runs.strategies)
        ]
        samples = [each if isinstance(each, Sample) else each.result() for each in found]
    return put_together(runs, samples, about, fit.learned)


def _reweighted(
    fit: Posterior, runs: Runs, earlier_priors: Priors, priors: Priors
) -> Sample | None:
    """Reweight one strategy's draws of `fit`; return None if they do not suffice."""
    (name,) = runs.strategies
    of_old = fit.convergence.table.to_dict("index").get(name, {"passed": False})
    if not of_old["passed"]:
        return None
    before, now = (observations(its) for its in (fit.runs.strategy(name), runs))
    if before.ends.x_first != now.ends.x_first:  # at which curves are given
        return None
    old, stats = (
        fit.trace[group].to_dataset().sel(strategy=[name]).drop_vars(["chain", "draw"])
        for group in ("sampled", "strategy_stats")
    )
    new, log_stretch = _for_last_x(old, before, now.ends.x_last)
    earlier = stats["total_log_likelihood"].isel(strategy=0).transpose("chain", "draw").to_numpy()
    terms = log_likelihood(new.isel(strategy=0), runs)
    log_ratios = terms.sum(axis=-1) - earlier + log_stretch
    log_ratios += _log_prior(new, now, priors) - _log_prior(old, before, earlier_priors)
    log_weights, pareto_k = smoothed(log_ratios)
    if not pareto_k <= PARETO_K_MOST:
        return None
    which = resampled(np.exp(log_weights))
    posterior, stats = (
        taken(part, which).assign_coords({dim: np.arange(part.sizes[dim]) for dim in _OF_DRAWS})
        for part in (new, stats.isel(strategy=0, drop=True))
    )
    verdict = diagnose(verdict_numbers(posterior), of_old["divergences"], of_old["e_bfmi"])
    if not verdict["passed"]:
        return None
    of_chosen = np.take_along_axis(terms, which[..., None], axis=1)
    stats = without_energy(stats)
    return Sample(posterior, stats, of_chosen, {**verdict, "attempts": REWEIGHTED})


def _for_last_x(posterior: xr.Dataset, seen: Observations, x: Floats) -> tuple[xr.Dataset, Floats]:
    """Convert the noise parameters of `posterior` to those for another last x.

    They are the standard deviation there, the ratio of the shrinking part, and the constant share.
    The logarithms of both parts and of the ratio are shifted by amounts independent of them, and
    that of the ratio is also scaled. The second value is the log of this scale, dims (chain, draw).
    """
    of = numbers_of(posterior.isel(strategy=0))
    of_curve = of["log_u_first"], of["alpha"], of["beta"], seen.ends.x_first
    here, first, last = (
        noise.decline(curve.u(at, *of_curve), at) for at in (x, seen.ends.x_first, seen.ends.x_last)
    )
    reached = noise.power(here, last, noise.span(first, last))
    before, now = (noise.power(first, end, noise.span(first, end)) for end in (last, here))
    # Both are 0 where first and last x are the same, and nothing changes.
    stretch = np.divide(before - reached, now, out=np.ones_like(now), where=now > 0)
    shrinks = (1 - of["lasting"]) * of["noise_ratio"] ** (2 * reached)
    total = shrinks + of["lasting"]
    numbers = {
        "noise": of["noise"] * np.sqrt(total),
        "noise_ratio": of["noise_ratio"] ** stretch,
        "lasting": of["lasting"] / total,
    }
    new = posterior.assign({name: posterior[name].copy(data=numbers[name]) for name in numbers})
    new["memory"] = new["memory"].where(new["memory_parameter"] != "lasting", new["lasting"])
    return new, np.log(stretch[..., 0])


def _log_prior(posterior: xr.Dataset, seen: Observations, priors: Priors) -> Floats:
    """Compute the log prior density of the parameters that the data redefine, dims (chain, draw).

    It is a density of the shifted quantities: the logarithms of both parts and of the ratio, or,
    equally up to a constant, log noise, log ratio and the logit of the share.
    """
    spread, ratio, lasting = (
        posterior[name].to_numpy()[..., 0] for name in ("noise", "noise_ratio", "lasting")
    )
    spread = spread / noise_unit(priors, seen.ends.accuracy_last)
    density = moving_logp(priors)(spread.ravel(), ratio.ravel(), lasting.ravel())
    volume = np.log(spread) + np.log(ratio) + np.log(lasting) + np.log1p(-lasting)
    return np.asarray(density.reshape(spread.shape) + volume)
