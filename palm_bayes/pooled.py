"""The model of one strategy as the sampler takes it: repetitions pooled, no strategy axis.

It has the density of `palm_bayes.model.build_model`, up to rounding, in less time: the curve is
computed once a step rather than once an observation, and runs enter by sums.
"""

from types import ModuleType

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray

from palm_bayes import curve, noise, steps
from palm_bayes.curve import Array
from palm_bayes.model import LEAST_STEP, Observations, curve_variable, noise_variables
from palm_bayes.priors import Priors
from palm_bayes.regions import Region
from palm_bayes.steps import Steps


def pooled(data: Observations) -> NDArray[np.float64]:
    """Steps of one strategy's runs in order of x, dims (row, step); see `unpooled`."""
    seen = steps.summed_up(data.x, data.accuracy, data.lag)
    groups = np.full(len(seen.x), float(len(seen.count)))
    return np.vstack([groups, *seen])


def unpooled(data: Array) -> Steps:
    """Steps from their `pooled` rows: how many groups there are, then the fields one by one."""
    groups, of_steps, rest = data[0, 0].astype("int64"), data[1:7], data[7:]
    of_groups, of_runs = rest[: 3 * groups], rest[3 * groups :]
    runs = of_runs.shape[0] // 3
    return Steps(
        *(of_steps[i] for i in range(6)),
        *(of_groups[i * groups : (i + 1) * groups] for i in range(3)),
        *(of_runs[i * runs : (i + 1) * runs] for i in range(3)),
    )


def build_pooled_model(
    priors: Priors, data: NDArray[np.float64], region: Region = "all"
) -> pm.Model:
    """Build the model of one strategy from its `pooled` data.

    Returns
    -------
    pymc.Model
        Free variables as in `palm_bayes.model.build_model`, without the dim strategy; one data
        variable, whose numbers of runs and steps may change.
    """
    with pm.Model(coords={"parameter": list(curve.COORDINATES)}) as model:
        seen = unpooled(pm.Data("steps", data, shape=(None, None)))
        x_first, x_last = seen.x.min(), seen.x.max()
        x_second = pt.switch(seen.x >= x_first + LEAST_STEP, seen.x, x_last).min()
        vector = curve_variable(priors, region, x_first, x_second, x_last, ("parameter",))
        A_max, log_u, alpha, beta = (vector[i] for i in range(4))
        terms = log_likelihood(seen, A_max, log_u, alpha, beta, *noise_variables(priors))
        pm.Potential("accuracy", terms)
    return model


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
    *,
    xp: ModuleType = pt,
) -> Array:
    """Log-likelihood of one strategy.

    Parameters
    ----------
    seen : Steps
    A_max, log_u, alpha, beta, last_spread, noise_ratio, rho, shared, lasting : array
        Scalars, or of dims (..., 1); `log_u` is that at the first observed x.
    xp : module
        `numpy` or `pytensor.tensor`.

    Returns
    -------
    array, dims (...)
    """
    x_first = seen.x.min()

    def gap(x: Array) -> Array:
        return curve.gap(x, log_u, alpha, beta, x_first, xp)

    gap_last = gap(seen.x.max())

    def moments(x: Array) -> tuple[Array, Array]:
        missing = gap(x)
        spread = noise.spread(missing, gap_last, last_spread, noise_ratio, xp)
        return A_max * (1 - missing), spread

    ends = (*moments(seen.x), *moments(seen.x_before))
    carried = noise.carry(rho, seen.lag)
    return steps.log_likelihood(seen, *ends, carried, shared, lasting, xp)
