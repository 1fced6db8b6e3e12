"""Prior and posterior predictive draws by PyMC: groups for ArviZ, and a model for new x.

They take time and are made on request. Forecasts, comparisons and decisions are computed from the
same posterior without them; see `palm_bayes.forecast.forecast`.
"""

from functools import partial
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from numpy.typing import ArrayLike
from pymc.stats import compute_log_prior

from palm_bayes.arrays import Floats
from palm_bayes.data.budgets import asked_x, x_pool
from palm_bayes.data.runs import Runs
from palm_bayes.errors import require_flag, whole
from palm_bayes.inference.joint import with_pool
from palm_bayes.inference.saved import learned_of, priors_of
from palm_bayes.model import noise
from palm_bayes.model.build import build_model, strategy_variables
from palm_bayes.model.expected import moments_of
from palm_bayes.model.misfit import (
    Misfit,
    beta_in_common,
    log_odds,
    noise_of_odds,
    steps_to,
    steps_until,
)
from palm_bayes.model.priors import Priors
from palm_bayes.model.variables import VECTOR_COORDS, Ends, observations


def full_trace(
    trace: xr.DataTree,
    runs: Runs,
    *,
    prior: bool,
    posterior: bool,
    log_prior: bool,
    priors: Priors | None,
    draws: int,
    seed: int,
) -> xr.DataTree:
    """Add groups for ArviZ to a copy of a fit's trace; see `Posterior.full_trace`."""
    whole(draws, "draws", 1)
    whole(seed, "seed", 0)
    for name, value in (("prior", prior), ("posterior", posterior), ("log_prior", log_prior)):
        require_flag(value, name)
    model = build_model(runs, priors_of(trace, runs, priors))
    of_prior, of_posterior, of_misfit = np.random.default_rng(seed).spawn(3)
    observed = trace["observed_data"].to_dataset().coords
    groups: dict[str, xr.Dataset] = {}
    if prior:
        drawn = pm.sample_prior_predictive(draws, model=model, random_seed=of_prior)
        dims = "chain", "draw", "strategy"
        misfit = learned_of(trace).misfit
        normals = misfit.normals(1, draws, len(runs.strategies), of_misfit)
        ends = trace["constant_data"].to_dataset()["ends"]
        of_all = drawn["prior"].to_dataset().assign(misfit=(dims, normals))
        groups["prior"] = with_pool(of_all, ends, runs, misfit)
        groups["prior_predictive"] = drawn["prior_predictive"].to_dataset().assign_coords(observed)
    if posterior:
        drawn = pm.sample_posterior_predictive(
            trace, model=model, random_seed=of_posterior, progressbar=False
        )
        replicated = drawn["posterior_predictive"].to_dataset()
        groups["posterior_predictive"] = replicated.assign_coords(observed)
    if log_prior:
        groups["log_prior"] = compute_log_prior(
            trace, model=model, extend_inferencedata=False, progressbar=False
        )
    return trace.assign({name: xr.DataTree(group) for name, group in groups.items()})


def predictive_model(
    trace: xr.DataTree,
    runs: Runs,
    labels: ArrayLike | None,
    episodes: ArrayLike | None,
    horizon: int | None,
    priors: Priors | None,
) -> pm.Model:
    """Build a model of accuracies at new x; see `Posterior.predictive_model`."""
    at = asked_x(runs, labels, episodes, horizon)
    misfit = learned_of(trace).misfit
    priors = priors_of(trace, runs, priors)
    given = observations(runs).ends
    x, x_first, x_last = at.to_numpy(), given.x_first[:, None], given.x_last[:, None]
    own = {"strategy": list(runs.strategies), "x": x}
    with pm.Model(coords={**VECTOR_COORDS, **own}) as model:
        curves, of_noise = strategy_variables(priors, "all", Ends(*map(pt.as_tensor, given)))
        normals = _normals(misfit, len(runs.strategies))
        sd, ratio, rho, _, lasting = (part[:, None] for part in of_noise)
        known = x_first, x_last, [part[:, None] for part in curves], (sd, ratio, lasting), pt
        on_curve, passes = moments_of(x, *known)
        t = np.log(x / x_last)
        end = x_pool(runs)
        grid = steps_until(t) if end is None else steps_to(np.log(end / given.x_last))
        along, _ = moments_of(x_last * np.exp(grid), *known)
        s = noise_of_odds(along[:, :1], sd, pt)
        odds = log_odds(on_curve, pt), log_odds(along, pt)
        pool = None if end is None else (grid, pm.Flat("at_pool", dims="strategy")[:, None])
        with_misfit = misfit.expected(*odds, s, t, normals[:, None], pt, pool)
        expected = pm.Deterministic("expected", with_misfit, dims=("strategy", "x"))
        pm.CustomDist(
            "accuracy",
            expected,
            passes,
            rho,
            noise.offset_sd(sd, lasting, pt),
            dist=partial(_new_repetitions, at["episode"].to_numpy()),
            dims=("strategy", "x"),
        )
    return model


def _normals(misfit: Misfit, strategies: int) -> Any:
    """Create the variable ``misfit`` with the distribution of `Misfit.normals`."""
    in_common = beta_in_common(misfit.common if strategies > 1 else 0.0)

    def draw(_size: Any) -> Any:
        task, own = (pm.Normal.dist(0, 1, shape=n) for n in (1, strategies))
        share = pm.Beta.dist(*in_common)
        return noise.mixed(task, own, share, pt)

    return pm.CustomDist("misfit", dist=draw, dims="strategy")


def _new_repetitions(episode: Floats, mean: Any, sd: Any, rho: Any, lasts: Any, _size: Any) -> Any:
    """Draw one repetition per strategy, dims (strategy, x), clipped to [0, 1].

    Without data, the process of `noise.log_density` needs no sequential steps: a constant offset,
    and an AR(1) as a weighted sum of innovations.
    """
    offset, fresh = (pm.Normal.dist(0, 1, shape=part.shape) for part in (lasts, mean))
    new = pt.sqrt(1 - noise.autocorrelation(rho, np.diff(episode, prepend=episode[0])) ** 2) * fresh
    ago = np.subtract.outer(episode, episode)
    left = rho[..., None] ** np.maximum(ago, 0) * (ago >= 0)
    return pt.clip(mean + lasts * offset + sd * (left * new[:, None, :]).sum(axis=-1), 0, 1)
