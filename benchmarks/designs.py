"""Simulated tasks for `calibration.py`: from the priors to accuracies, in plain NumPy.

Nothing of the package's model is used but its learned numbers. The model of one strategy is that of
`reference_model.py`; here are the designs, the strategies' joint prior, and the misfit.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from reference_model import Array, Data, Points, covariances, odds, prior_draws, simulated, strayed
from scipy import stats

from palm_bayes.data.runs import Runs
from palm_bayes.model.learned import shipped
from palm_bayes.model.misfit import beta_in_common

BATCH = 100.0
POOL = 10_000  # draws of one strategy's prior, from which those of a task are taken
TRIALS = 300  # locations and scales, from which those of a task are taken
DEGREES = 4  # of freedom of the strategies' Student's t


@dataclass(frozen=True)
class Design:
    """What is simulated: priors, places and lengths of runs, number of strategies.

    `paired` is the correlation between strategies of the noise of equally named repetitions.
    """

    priors: str = "default"
    x: tuple[float, ...] = tuple(np.arange(1.0, 9.0))
    lengths: tuple[int, ...] = (8, 8, 8)
    strategies: int = 1
    paired: float = 0.0
    data: Data = field(init=False)

    def __post_init__(self) -> None:
        x = np.array(self.x)
        empty = np.zeros((len(self.lengths), len(x)))
        data = Data(x, np.arange(1.0, len(x) + 1), empty, x[0], x[-1], unit=None)
        object.__setattr__(self, "data", data)


UNEVEN = (1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0)
DESIGNS = {
    "default": Design(),
    "bounds": Design(priors="bounds"),
    "ragged": Design(lengths=(8, 6, 4)),
    "uneven": Design(x=UNEVEN),
    "single": Design(lengths=(8,)),
    "strategies": Design(strategies=3),
    "paired": Design(strategies=3, lengths=(8,) * 5, paired=0.5),
}


@dataclass(frozen=True, eq=False)
class Task:
    """A simulated task: parameters and misfit of its strategies, and its runs.

    Attributes
    ----------
    z : array, dims (strategy, parameter)
        Points of `reference_model`.
    misfit : array, dims (strategy,)
        Standard normals.
    y : array, dims (strategy, run, episode)
        Accuracies, NaN where a run has ended.
    """

    design: Design
    z: Array
    misfit: Array
    y: Array

    @property
    def points(self) -> Points:
        return Points.of(self.z, self.design.data)

    @property
    def runs(self) -> Runs:
        """The runs as a user would have them: labels and accuracies."""
        strategies, runs, _ = self.y.shape
        names = [range(strategies), range(runs), np.array(self.design.x) * BATCH]
        index = pd.MultiIndex.from_product(names, names=["strategy", "repetition", "labels"])
        table = pd.Series(self.y.ravel(), index, name="accuracy").dropna().reset_index()
        table["strategy"] = "strategy " + table["strategy"].astype(str)
        return Runs.from_frame(table, batch=BATCH, percent=False)

    def expected(self, x: Array) -> Array:
        """Expected accuracies with the misfit, dims (strategy, x)."""
        return strayed(self.points, x, shipped().misfit, self.misfit)


def drawn(design: Design, rng: np.random.Generator) -> Task:
    """Draw a task, again until all accuracies can be ones.

    That depends on the data alone, so it leaves ranks uniform.
    """
    while True:
        z = parameters(design, rng)
        y = accuracies(design, z, rng)
        if np.nanmin(y) >= 0 and np.nanmax(y) <= 1:
            return Task(design, z, misfits(design.strategies, rng), y)


def accuracies(design: Design, z: Array, rng: np.random.Generator) -> Array:
    """Draw the runs, of noise that `paired` repetitions have partly in common."""
    shape = design.data.y.shape
    own = rng.standard_normal((len(z), *shape))
    noise = np.sqrt(design.paired) * rng.standard_normal(shape)
    y = simulated(z, design.data, noise + np.sqrt(1 - design.paired) * own)
    ended = np.arange(shape[1]) >= np.array(design.lengths)[:, None]
    return np.where(ended, np.nan, y)


def misfits(strategies: int, rng: np.random.Generator) -> Array:
    """Draw the misfit's normals; strategies of a task have some of their variance in common."""
    share = rng.beta(*beta_in_common(shipped().misfit.common)) if strategies > 1 else 0.0
    task, own = rng.standard_normal(1), rng.standard_normal(strategies)
    return np.asarray(np.sqrt(share) * task + np.sqrt(1 - share) * own)


def parameters(design: Design, rng: np.random.Generator) -> Array:
    """Draw the strategies' points from their joint prior, dims (strategy, parameter).

    One strategy has its own prior. Of several, the density is the product of their own priors and
    of Student's t of log gains and of levels, whose locations are flat. So the first strategy is
    drawn, and locations around it; these weigh as much as they leave to the other strategies, of
    which each is then drawn from its own prior, weighed by Student's t.
    """
    if design.strategies == 1:
        return prior_draws(design.data, design.priors, 1, rng)
    pool = prior_draws(design.data, design.priors, POOL, rng)
    gains, levels = pooled(Points.of(pool, design.data))
    misfit = shipped().misfit
    of_gain, of_level = (
        (misfit.between_gains, misfit.between_gains_width),
        (misfit.between_levels, misfit.between_levels_width),
    )
    first = rng.integers(POOL, size=TRIALS)
    density = np.ones((TRIALS, POOL))
    for values, (median, width) in ((gains, of_gain), (levels, of_level)):
        scale = median * np.exp(width * rng.standard_normal(TRIALS))
        location = values[first] + scale * rng.standard_t(DEGREES, TRIALS)
        z = (values - location[:, None]) / scale[:, None]
        density *= (1 + z**2 / DEGREES) ** (-(DEGREES + 1) / 2) / scale[:, None]  # of Student's t
    weight = density.mean(axis=1) ** (design.strategies - 1)
    chosen = rng.choice(TRIALS, p=weight / weight.sum())
    others = density[chosen] / density[chosen].sum()
    rest = rng.choice(POOL, size=design.strategies - 1, p=others)
    return np.asarray(pool[np.r_[first[chosen], rest]])


def pooled(points: Points) -> tuple[Array, Array]:
    """Log of the gain in log-odds while the labels double, and log-odds at the last x."""
    last = points.data.x_last
    level, later = odds(points, last * np.array([1.0, 2.0])).T
    return np.log(np.maximum(later - level, 0) + 0.02), level


def log_likelihood(task: Task, strategy: int) -> float:
    """Log-density of one strategy's accuracies at the truth: a normal vector, with gaps."""
    points = Points.of(task.z[[strategy]], task.design.data)
    within, between = covariances(points)
    covariance = np.kron(between[0] @ between[0].T, within[0] @ within[0].T)
    y = task.y[strategy].ravel()
    there = ~np.isnan(y)
    mean = np.tile(points.curve(task.design.data.x)[0], len(task.design.lengths))
    square = points.noise[0] ** 2 * covariance[np.ix_(there, there)]
    return float(stats.multivariate_normal(mean[there], square).logpdf(y[there]))
