"""Log-likelihoods of each observation and draw: for `az.loo`, and for refits to weigh draws by."""

import numpy as np
import xarray as xr

from palm_bayes import curve, noise
from palm_bayes.draws import Floats, numbers_of
from palm_bayes.model import observations
from palm_bayes.runs import Runs


def log_likelihood(posterior: xr.Dataset, runs: Runs) -> Floats:
    """Pointwise log-likelihood of one strategy, each accuracy given those before it in its run.

    Parameters
    ----------
    posterior : Dataset, dims (chain, draw, ...)
        Of the strategy, without its dim.
    runs : Runs
        Of the strategy.

    Returns
    -------
    array, dims (chain, draw, observation)
    """
    data = observations(runs)
    x, which = np.unique(data.x, return_inverse=True)
    lag, of_lag = np.unique(data.lag, return_inverse=True)
    A_max, log_u, alpha, beta, spread, ratio, rho, shared, lasting = numbers_of(posterior).values()
    x_first, x_last = data.ends.x_first[0], data.ends.x_last[0]
    u, u_first, u_last = (curve.u(at, log_u, alpha, beta, x_first) for at in (x, x_first, x_last))
    mean, sd = A_max * -np.expm1(-u), noise.passing(u, u_first, u_last, spread, ratio, lasting)
    given = mean[..., which], sd[..., which], noise.carry(rho, lag)[..., of_lag]
    rest = shared, noise.offset(spread, lasting), data.place, data.first
    return np.asarray(noise.log_density(data.accuracy, *given, *rest))
