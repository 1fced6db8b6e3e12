"""Model of one strategy for the sampler: repetitions pooled, without a strategy axis.

It has the density of `palm_bayes.model.build.build_model`, up to rounding, and is faster: the curve
is computed once per step rather than per observation, and the noise by one operation.
"""

from typing import Any, NamedTuple

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray

from palm_bayes.model import curve, noise
from palm_bayes.model.build import curve_variable, noise_variables
from palm_bayes.model.curve import Array
from palm_bayes.model.curve_regions import Region
from palm_bayes.model.likelihood import LogLikelihood, know_in_numba
from palm_bayes.model.priors import Priors
from palm_bayes.model.variables import LEAST_STEP, VECTOR_COORDS, Ends, Observations

ROWS = 7
"""Rows of a `pooled` matrix."""


class Steps(NamedTuple):
    """Distinct steps between consecutive observations of one strategy's runs, and their use.

    Attributes
    ----------
    x, x_before, lag, place : array, dims (step,)
        Labels in batches at the step's end and start; episodes between, 0 at a run's first; index
        of the x at its end.
    accuracy : array, dims (observation,)
        Run after run, in order of episode.
    step : array, dims (observation,)
        Index of the step that ends there.
    """

    x: Array
    x_before: Array
    lag: Array
    place: Array
    accuracy: Array
    step: Array


def pooled(data: Observations) -> NDArray[np.float64]:
    """Pack the `Steps` of one strategy's runs in a matrix, dims (row, observation)."""
    ends = noise.step_ends(data.x, data.lag)
    steps, step = np.unique(ends, axis=0, return_inverse=True)
    rows = np.zeros((ROWS, len(step)))
    rows[0, 0] = len(steps)
    rows[1:4, : len(steps)] = steps.T
    rows[4, : len(steps)] = np.unique(steps[:, 0], return_inverse=True)[1]
    rows[5], rows[6] = data.accuracy, step
    return rows


def unpooled(rows: Array) -> Steps:
    """Unpack the steps from a `pooled` matrix, whose first row gives their number."""
    count = rows[0, 0].astype("int64")
    x, x_before, lag, place = (rows[i, :count] for i in (1, 2, 3, 4))
    return Steps(x, x_before, lag, place, rows[5], rows[6])


def build_pooled_model(
    priors: Priors, data: NDArray[np.float64], region: Region = "all"
) -> pm.Model:
    """Build the model of one strategy from its `pooled` data.

    Returns
    -------
    pymc.Model
        Free variables as in `palm_bayes.model.build.build_model`, without the dim strategy; one
        data variable, whose numbers of observations and steps may change.
    """
    with pm.Model(coords=VECTOR_COORDS) as model:
        seen = unpooled(pm.Data("steps", data, shape=(ROWS, None)))
        of_noise = noise_variables(priors)
        vector = curve_variable(priors, region, _ends(seen), of_noise)
        A_max, log_u, alpha, beta = (vector[i] for i in range(4))
        pm.Potential("accuracy", log_likelihood(seen, A_max, log_u, alpha, beta, *of_noise))
    return model


def _ends(seen: Steps) -> Ends:
    first, last = seen.x.min(), seen.x.max()
    second = pt.switch(seen.x >= first + LEAST_STEP, seen.x, last).min()
    x = seen.x[seen.step.astype("int64")]
    at_first, at_last = (
        pt.switch(pt.eq(x, end), seen.accuracy, 0.0).sum() / pt.eq(x, end).sum()
        for end in (first, last)
    )
    return Ends(first, second, last, at_first, at_last, x.shape[0].astype("float64"))


def log_likelihood(
    seen: Steps,
    A_max: Array,
    log_u: Array,
    alpha: Array,
    beta: Array,
    last_spread: Array,
    noise_ratio: Array,
    rho: Array,
    shared: Array,
    lasting: Array,
) -> Any:
    """Compute the log-likelihood of one strategy from scalars; `log_u` is that at the first x."""
    know_in_numba()
    x_first = seen.x.min()
    u, u_before, u_first, u_last = (
        curve.u(at, log_u, alpha, beta, x_first, pt)
        for at in (seen.x, seen.x_before, x_first, seen.x.max())
    )
    sd, sd_before = (
        noise.passing(at, u_first, u_last, last_spread, noise_ratio, lasting, pt)
        for at in (u, u_before)
    )
    carried = noise.carry(rho, seen.lag)
    weight = noise.telling(noise.offset(last_spread, lasting, pt), sd, sd_before, carried, pt)
    of_steps = A_max * -pt.expm1(-u), sd, carried, weight, shared
    return LogLikelihood()(*of_steps, seen.lag, seen.place, seen.accuracy, seen.step)[0]
