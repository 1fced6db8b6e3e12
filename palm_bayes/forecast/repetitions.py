"""Accuracies of new and continuing repetitions: noise around their expected curve.

The random numbers of an accuracy depend only on the seed, its strategy, repetition and episode. So
it stays the same whatever other strategies, repetitions and x are requested.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from palm_bayes.arrays import Floats
from palm_bayes.inference.settings import seed_from
from palm_bayes.model import noise

_PER_EPISODE = 64  # places of an episode; rounding to them changes correlations by about 0.01


class Standard(NamedTuple):
    """Noise of a repetition in standard units."""

    offset: Floats  # of the constant offset, dims (chain, draw)
    transient: Callable[[Floats], Floats]  # from episodes to `stationary` noise


def new(posterior: xr.Dataset, curves: xr.Dataset, seed: int) -> xr.DataArray:
    """Draw a new repetition of each strategy, dims (chain, draw, strategy, x).

    `posterior` contains ``noise``, ``rho`` and ``lasting``. `curves`, of the dims of the result,
    has ``mean``, expected accuracies, and ``sd``, their `noise.transient_sd`, and the coordinate
    ``episode`` along x.
    """
    draws, episodes = curves["mean"].copy(), curves["episode"].to_numpy()
    for strategy in curves["strategy"].to_numpy():
        of = posterior.sel(strategy=strategy).transpose("chain", "draw", ...)
        offset, transient = standard(of["rho"].to_numpy(), seed_from(seed, f"new\n{strategy}"))
        lasts = noise.offset_sd(of["noise"], of["lasting"]).to_numpy()
        spread = curves["sd"].sel(strategy=strategy).to_numpy() * transient(episodes)
        draws.loc[{"strategy": strategy}] += (lasts * offset)[..., None] + spread
    return draws


def continued(
    posterior: xr.Dataset, curves: xr.Dataset, table: pd.DataFrame, at: xr.DataArray, seed: int
) -> xr.DataArray:
    """Continue each repetition after its last observation.

    All repetitions of a strategy have a share of their noise at an x in common, even if they
    continue from different episodes, which the model does not describe. Residuals are those from
    the PALM curve, without its misfit, which was not part of the fit.

    `posterior` and `curves` are as in `new`, with ``shared`` too, and at the observed and the
    requested x; `curves` also has ``without``, expected accuracies without misfit, and
    `palm_bayes.model.misfit.Misfit.becomes_shared`, dims (strategy, x). `table` is that of `Runs`,
    and `at` the requested x with the coordinate ``episode``. The result has dims (chain, draw,
    strategy, repetition, x), and is NaN up to the last observation of a repetition.
    """
    shape = (
        curves["mean"].sel(x=at["x"]).expand_dims(repetition=table["repetition"].unique(), axis=3)
    )
    draws = xr.full_like(shape, np.nan).copy()
    for strategy, runs in table.groupby("strategy", sort=False):
        of = posterior.sel(strategy=strategy).transpose("chain", "draw", ...)
        rho = of["rho"].to_numpy()
        common = standard(rho, seed_from(seed, f"all\n{strategy}"))
        of_strategy = curves.sel(strategy=strategy)
        for repetition, run in runs.groupby("repetition", sort=False):
            own = standard(rho, seed_from(seed, f"one\n{strategy}\n{repetition}"))
            ahead = at[(at["episode"] > run["episode"].iloc[-1]).to_numpy()]
            where = {"strategy": strategy, "repetition": repetition, "x": ahead["x"]}
            draws.loc[where] = _continued_run(of, of_strategy, run, ahead, common, own)
    return draws


def _continued_run(
    of: xr.Dataset,
    curves: xr.Dataset,
    run: pd.DataFrame,
    ahead: xr.DataArray,
    common: Standard,
    own: Standard,
) -> Floats:
    """Continue one repetition at `ahead`, with noise in common with others and its own."""
    rho, shared = (of[name].to_numpy()[..., None] for name in ("rho", "shared"))
    lasts = noise.offset_sd(of["noise"], of["lasting"]).to_numpy()[..., None]
    seen, later = (curves.sel(x=x) for x in (run["x"].to_numpy(), ahead["x"]))
    kept = noise.autocorrelation(rho, run["episode"].diff().fillna(0).to_numpy())
    mean, sd = seen["without"].to_numpy(), seen["sd"].to_numpy()
    before = noise.state_after(run["accuracy"].to_numpy(), mean, sd, kept, lasts)
    residual, sd, weighted_sum, information = (part[..., None] for part in before)

    # Unconditional noise in standard units: the offset, the transient part at the last observed
    # episode, and along the path after it. Each has a value for each later episode, whose share in
    # common it has.
    episodes = np.append(run["episode"].iloc[-1], ahead["episode"])
    shared = shared + (1 - shared) * later["becomes_shared"].to_numpy()
    offset = noise.mixed(common.offset[..., None], own.offset[..., None], shared)
    of_all, of_one = common.transient(episodes), own.transient(episodes)
    last, path = (
        noise.mixed(of_all[..., at], of_one[..., at], shared) for at in (slice(1), slice(1, None))
    )

    # The same given the run's observations.
    certain = 1 + information
    offset = weighted_sum / certain + offset / np.sqrt(certain)
    transient = residual - lasts / sd * offset
    carried = noise.autocorrelation(rho, episodes[1:] - episodes[0])
    path = path + carried * (transient - last)
    return np.asarray(later["mean"] + lasts * offset + later["sd"] * path)


def standard(rho: Floats, seed: int) -> Standard:
    """Draw the noise of one repetition in standard units; `rho` has the dims (chain, draw)."""
    offset = np.random.default_rng([seed, 0]).standard_normal(rho.shape)
    return Standard(offset, stationary(rho, seed))


def stationary(rho: Floats, seed: int) -> Callable[[Floats], Floats]:
    """Draw stationary normal noise of unit variance and correlation rho^lag, lag in episodes.

    Episodes 1, 2, 4, 8, ... follow one after the other; each one between is drawn given its two
    neighbours, midway first. So a value needs few others, and always the same ones.

    `rho` has dims (chain, draw); the function that is returned gives values, dims (chain, draw,
    episode), of an array of episodes.
    """

    @cache
    def kept(places: int) -> Floats:
        return np.asarray(rho ** (places / _PER_EPISODE))

    @cache
    def value(place: int) -> Floats:
        fresh = np.random.default_rng([seed, 1 + place]).standard_normal(rho.shape)
        if place == 0:
            return fresh
        step = place & -place  # the largest power of two that divides it
        if step == place:
            before = place // 2
            carried = kept(place - before)
            return np.asarray(carried * value(before) + np.sqrt(1 - carried**2) * fresh)
        carried, around = kept(step), value(place - step) + value(place + step)
        scale = 1 + carried**2
        return np.asarray(carried / scale * around + np.sqrt((1 - carried**2) / scale) * fresh)

    def along(episodes: Floats) -> Floats:
        places = np.rint(episodes * _PER_EPISODE).astype(int)
        return np.stack([value(place) for place in places.tolist()], axis=-1)

    return along
