"""Pointwise log-likelihoods against dense normal distributions."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal

from palm_bayes.data.runs import Runs
from palm_bayes.inference.draws import labelled
from palm_bayes.inference.pointwise import leave_one_out, log_likelihood
from palm_bayes.model.curve import COORDINATES
from palm_bayes.model.variables import NOISE

CURVES = dict(zip(COORDINATES, ([0.9, 0.85], [-0.5, -0.3], [0.5, 1.0], [0.7, 0.4]), strict=True))
OF_NOISE = [0.01, 0.02], [3.0, 1.5], [0.4, 0.7], [0.3, 0.05], [0.2, 0.6]
NUMBERS = CURVES | dict(zip(NOISE, OF_NOISE, strict=True))


@pytest.fixture(scope="module")
def runs():
    """Unequal lengths, a missing episode, labels that differ by a few."""
    episodes = {"1": [1, 2, 3, 4, 5], "2": [1, 2, 4, 5, 6, 7], "3": [2, 3]}
    rng = np.random.default_rng(1)
    rows = [
        ("margin", name, e, 20.0 * e + (name == "2"), 0.5 + 0.04 * e + 0.02 * rng.standard_normal())
        for name, of_run in episodes.items()
        for e in of_run
    ]
    columns = ["strategy", "repetition", "episode", "labels", "accuracy"]
    return Runs.from_frame(pd.DataFrame(rows, columns=columns), batch=20)


@pytest.fixture(scope="module")
def posterior():
    numbers = {name: np.array(values)[None] for name, values in NUMBERS.items()}
    free = labelled(numbers).assign_coords(chain=[0], draw=[0, 1])
    noise = {name: (("chain", "draw", "strategy"), numbers[name][..., None]) for name in NOISE}
    return free.assign(noise).isel(strategy=0)


def normal(posterior, runs, draw):
    """The joint normal distribution, from the log-likelihood of many made-up accuracies.

    The log of its density is quadratic in the accuracies: differences of second order give its
    precision, those of first order its mean.
    """
    n = len(runs.table)
    one = posterior.isel(draw=[draw])

    def at(accuracy):
        table = runs.table.assign(accuracy=accuracy)
        return float(log_likelihood(one, replace(runs, table=table)).sum())

    step, zero = 0.1, np.full(n, 0.5)
    unit = step * np.eye(n)
    ahead = np.array([at(zero + row) for row in unit])
    behind = np.array([at(zero - row) for row in unit])
    both = np.array([[at(zero + unit[i] + unit[j]) for j in range(n)] for i in range(n)])
    precision = -(both - ahead[:, None] - ahead + at(zero)) / step**2
    slope = (ahead - behind) / (2 * step)
    covariance = np.linalg.inv(precision)
    return zero + covariance @ slope, (covariance + covariance.T) / 2


@pytest.mark.parametrize("draw", [0, 1])
def test_an_accuracy_left_out_is_that_of_the_joint_normal_given_the_others(posterior, runs, draw):
    mean, covariance = normal(posterior, runs, draw)
    y = runs.table["accuracy"].to_numpy()
    joint = multivariate_normal(mean, covariance)
    expected = []
    for i in range(len(y)):
        rest = np.arange(len(y)) != i
        others = multivariate_normal(mean[rest], covariance[np.ix_(rest, rest)])
        expected.append(joint.logpdf(y) - others.logpdf(y[rest]))
    found = leave_one_out(posterior, runs)[0, draw]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    assert log_likelihood(posterior, runs)[0, draw].sum() == pytest.approx(
        joint.logpdf(y), abs=1e-3
    )


def test_terms_in_order_are_not_those_of_leaving_out(posterior, runs):
    assert not np.allclose(
        leave_one_out(posterior, runs).sum(-1), log_likelihood(posterior, runs).sum(-1), atol=0.5
    )
