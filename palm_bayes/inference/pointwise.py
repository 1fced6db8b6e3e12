"""Pointwise log-likelihoods: sequential, and of each observation given all others.

The sequential terms add up to the log-likelihood; `refit` uses them as weights. Leave-one-out
cross-validation needs the density of each observation given all others, since accuracies of a
strategy are dependent given its parameters (Bürkner, Gabry and Vehtari, *Efficient leave-one-out
cross-validation for Bayesian non-factorized normal and Student-t models*, 2021).
"""

from typing import Any

import numpy as np
import xarray as xr

from palm_bayes.arrays import Floats
from palm_bayes.data.runs import Runs
from palm_bayes.inference.draws import numbers_of
from palm_bayes.model import noise
from palm_bayes.model.expected import moments_of
from palm_bayes.model.variables import Observations, observations


def log_likelihood(posterior: xr.Dataset, runs: Runs) -> Floats:
    """Compute the log-likelihood of each accuracy of a strategy given the earlier ones of its run.

    `posterior` is that of the strategy, without its dim; the result has the dims (chain, draw,
    observation).
    """
    data, numbers = observations(runs), numbers_of(posterior)
    chains = (  # one by one, since the processor's cache holds the arrays of one
        dict(zip(numbers, of_chain, strict=True))
        for of_chain in zip(*numbers.values(), strict=True)
    )
    return np.stack(
        [noise.log_density(data.accuracy, *distribution(chain, data)) for chain in chains]
    )


def leave_one_out(posterior: xr.Dataset, runs: Runs) -> Floats:
    """Compute the log-likelihood of each accuracy of a strategy given all its others.

    Arguments and dims are those of `log_likelihood`.

    Notes
    -----
    Of a joint normal distribution with precision Q and residuals r, an observation given the
    others has variance 1 / Q_ii and the residual (Q r)_i / Q_ii from its mean (Bürkner, Gabry and
    Vehtari 2021, equation 10). Q = Wᵀ C⁻¹ W: W maps residuals to standardised innovations, and C is
    the correlation of these between the runs at an x.
    """
    data = observations(runs)
    mean, *given = distribution(numbers_of(posterior), data)
    sd, carried, shared, lasts, place, first = given
    new, scale = noise.conditional_innovations(data.accuracy, mean, sd, carried, lasts, first)
    _, at, count = np.unique(place, return_inverse=True, return_counts=True)
    common = shared / (1 - shared + count[at] * shared)
    total = np.stack([(new / scale)[..., at == i].sum(-1) for i in range(len(count))], axis=-1)
    new_of_all = (new / scale - common * total[..., at]) / (1 - shared)  # C⁻¹ W r
    own = (1 - common) / (1 - shared)  # the diagonal of C⁻¹

    precision, pull = np.empty_like(mean), np.empty_like(mean)
    for start in np.unique(first):
        run = np.flatnonzero(first == start)
        of_run = sd[..., run], carried[..., run], lasts, np.zeros(len(run), dtype=int)
        for i, each in enumerate(run):
            moved = np.zeros((*mean.shape[:-1], len(run)))
            moved[..., i] = 1.0
            change, size = noise.conditional_innovations(moved, 0.0, *of_run)
            column = change / size  # of W, block-diagonal by run
            precision[..., each] = (own[..., run] * column**2).sum(-1)
            pull[..., each] = (column * new_of_all[..., run]).sum(-1)
    return np.asarray(0.5 * (np.log(precision) - pull**2 / precision) - noise.LOG_SQRT_2PI)


def distribution(numbers: dict[str, Floats], data: Observations) -> tuple[Any, ...]:
    """Return the arguments of `noise.log_density` after the accuracies, for one strategy.

    `numbers` are those of `draws.numbers_of`, dims (..., 1).
    """
    x, which = np.unique(data.x, return_inverse=True)
    lag, of_lag = np.unique(data.lag, return_inverse=True)
    *of_curve, spread, ratio, rho, shared, lasting = numbers.values()
    ends = data.ends.x_first[0], data.ends.x_last[0]
    mean, sd = moments_of(x, *ends, of_curve, (spread, ratio, lasting))
    carried = noise.autocorrelation(rho, lag)[..., of_lag]
    lasts = noise.offset_sd(spread, lasting)
    return mean[..., which], sd[..., which], carried, shared, lasts, data.place, data.first
