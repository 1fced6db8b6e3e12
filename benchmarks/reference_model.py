"""The model, written again from its definition, for `reference.py`.

With SciPy's densities and whole covariance matrices, in PALM's own parameters. A point is a row of
nine numbers without bounds, one a parameter: for A_max the logit of the curve at x_last; for δ
log u(x_first), where u(x) = k (x + α)^β and k = −log(1 − δ); logits of the shares of α, β, ρ, the
shared part ω and the lasting part λ between their bounds, which are 0 and 0.999 for the last three;
logs of noise and noise_ratio.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit, log_expit, logit

from palm_bayes.data.runs import Runs
from palm_bayes.model.learned import LogNormal, shipped
from palm_bayes.model.misfit import Misfit

Array = NDArray[np.float64]

OTHERS = ("beta", "noise", "noise_ratio", "rho", "shared", "lasting")
MOST = 0.999  # ρ, ω and λ: accuracies that never change would make larger ones infinitely likely
STEPS = 60  # from x_last on, along which the highest value of a strayed curve so far is sought
STEP = 0.05  # of log labels, over which the slope of the straight line is taken, as the model does


@dataclass(frozen=True, eq=False)
class Data:
    """Runs of one strategy, all of the same episodes."""

    x: Array
    episode: Array
    y: Array  # dims (run, episode)
    x_first: float
    x_last: float
    unit: float | None  # of the prior of the noise; None for that of each point's own curve

    @classmethod
    def of(cls, runs: Runs) -> "Data":
        table = runs.table
        y = table.pivot(index="repetition", columns=["x", "episode"], values="accuracy")
        if y.isna().any(axis=None):
            raise ValueError("all runs must have the same episodes, at the same x")
        x, episode = (y.columns.get_level_values(name).to_numpy(float) for name in y.columns.names)
        y = y.to_numpy(float)
        return cls(x, episode, y, x.min(), x.max(), float(unit_of(y[:, x == x.max()].mean())))


@dataclass(frozen=True, eq=False)
class Points:
    """Parameters at points, each an array over points."""

    A_max: Array
    log_k: Array
    start: Array  # x_first + α
    beta: Array
    noise: Array
    noise_ratio: Array
    rho: Array
    shared: Array
    lasting: Array
    data: Data

    @classmethod
    def of(cls, z: Array, data: Data) -> "Points":
        start = (1000 + data.x_first) * expit(z[:, 2])
        beta = 100 * expit(z[:, 3])
        log_k = z[:, 1] - beta * np.log(start)
        with np.errstate(over="ignore"):
            noise, ratio = np.exp(z[:, 4:6].T)
        shares = MOST * expit(z[:, 6:9].T)
        A_max = expit(z[:, 0]) / reached(log_k, start, beta, data)
        return cls(A_max, log_k, start, beta, noise, ratio, *shares, data)

    def where(self) -> Array:
        """The points again."""
        data = self.data
        log_u = self.log_k + self.beta * np.log(self.start)
        at_last = self.A_max * reached(self.log_k, self.start, self.beta, data)
        shares = [at_last, self.start / (1000 + data.x_first), self.beta / 100]
        shares += [share / MOST for share in (self.rho, self.shared, self.lasting)]
        at_last, start, beta, *of_noise = map(logit, shares)
        columns = [at_last, log_u, start, beta, np.log(self.noise), np.log(self.noise_ratio)]
        return np.stack([*columns, *of_noise], axis=-1)

    def u(self, x: Array) -> Array:
        """−log of the share of A_max missing at `x`, (1 − δ)^((x + α)^β). Dims (point, x)."""
        return missing(self.log_k[:, None], self.start[:, None], self.beta[:, None], x, self.data)

    def curve(self, x: Array) -> Array:
        """PALM's, dims (point, x)."""
        return -self.A_max[:, None] * np.expm1(-self.u(x))

    def quantities(self, at: Array) -> dict[str, Array]:
        """What is compared: the parameters, and the curve at some x."""
        curves = self.curve(at)
        named = {
            "A_max": self.A_max,
            "delta": -np.expm1(-np.exp(self.log_k)),
            "alpha": self.start - self.data.x_first,
            **{name: getattr(self, name) for name in OTHERS},
        }
        return named | {f"A({x:.3g})": curves[:, i] for i, x in enumerate(at)}


def missing(log_k: Array, start: Array, beta: Array, x: Any, data: Data) -> Array:
    """−log of the share of A_max missing at `x`."""
    grown = np.log(x - data.x_first + start)
    return np.asarray(np.exp(np.minimum(log_k + beta * grown, 100)))


def reached(log_k: Array, start: Array, beta: Array, data: Data) -> Array:
    """Share of A_max that the curve has reached at x_last, above 0."""
    share = -np.expm1(-missing(log_k, start, beta, data.x_last, data))
    return np.maximum(share, 1e-300)


def strayed(points: Points, x: Array, misfit: Misfit, normals: Array) -> Array:
    """Expected accuracies with the misfit, dims (point, x); normals of dims (point,)."""
    z = normals[:, None]
    last = points.data.x_last
    steps = np.linspace(0, np.log(max(x.max() / last, 1.01)), STEPS)
    along, now = odds(points, last * np.exp(steps)), odds(points, np.array([last]))
    at_last = expit(now)
    s = points.noise[:, None] / np.maximum(at_last * (1 - at_last), 1e-3)
    width = misfit.scale * (s / 0.05) ** misfit.by_noise * steps**misfit.power
    start = last * np.exp(STEP)  # a slope is that of the first step of the model's grid
    line = (odds(points, start) - now) / STEP * steps
    gain = (1 - misfit.straight) * (along - now) + misfit.straight * line
    width = width + misfit.by_gain * gain
    heavy = z * np.exp(misfit.tail * z**2 / 2)
    highest = np.maximum.accumulate(now + gain + heavy * width, axis=1)
    t = np.log(x / last)
    later = np.stack([np.interp(t, steps, one) for one in highest])
    return np.asarray(expit(np.where(t > 0, later, odds(points, x))))


def odds(points: Points, x: Array) -> Array:
    """Log-odds of the curves, dims (point, x)."""
    return np.asarray(logit(np.clip(points.curve(x), 1e-4, 1 - 1e-4)))


def log_prior(z: Array, priors: str, data: Data) -> Array:
    """Log-density of the prior, as a density of `z`."""
    if data.x_first > 1000:
        raise ValueError("α's lower bound is taken to be −x_first, so x_first is at most 1000")
    at = Points.of(z, data)
    log_u = z[:, 1] if priors == "default" else at.log_k  # of the share that is uniform
    with np.errstate(over="ignore"):
        total = log_u - np.exp(log_u)  # density of log u where 1 − exp(−u) ~ U(0, 1)
    total = total + stats.uniform(0, 1).logpdf(at.A_max) + log_slope(z[:, 0])
    total -= np.log(reached(at.log_k, at.start, at.beta, data))
    total += log_slope(z[:, 2]) + np.log(1000 + data.x_first) + log_slope(z[:, 3]) + np.log(100)
    if priors == "default":
        total += learned(shipped().alpha_start).logpdf(at.start)
        total += learned(shipped().beta).logpdf(at.beta)
    else:
        total += stats.uniform(0, 1000 + data.x_first).logpdf(at.start)
        total += stats.uniform(0, 100).logpdf(at.beta)
    total += stats.lognorm(s=1.1, scale=0.03 * data.unit).logpdf(at.noise) + z[:, 4]
    total += stats.lognorm(s=1.0, scale=5.0).logpdf(at.noise_ratio) + z[:, 5]
    total += stats.beta(1.5, 2.5).logpdf(at.rho) + log_slope(z[:, 6])
    total += stats.beta(1, 8).logpdf(at.shared) + log_slope(z[:, 7])
    total += stats.beta(1, 2).logpdf(at.lasting) + log_slope(z[:, 8])
    return np.where(np.isfinite(total), total, -np.inf)


def unit_of(accuracy: Any) -> Any:
    """Standard deviation of an accuracy on one test example."""
    return np.sqrt(np.maximum(accuracy * (1 - accuracy), 1e-3))


def learned(prior: LogNormal) -> Any:
    """A learned prior, as a distribution of SciPy."""
    return stats.lognorm(s=prior.width, scale=prior.median)


def log_slope(z: Array) -> Array:
    """Log of the derivative of expit."""
    return log_expit(z) + log_expit(-z)


def prior_draws(data: Data, priors: str, count: int, rng: np.random.Generator) -> Array:
    def drawn(distribution: Any) -> Array:
        return distribution.rvs(size=count, random_state=rng)

    def up_to(most: float, prior: LogNormal) -> Array:
        distribution = learned(prior)
        return np.asarray(distribution.ppf(rng.uniform(0, distribution.cdf(most), count)))

    if priors == "default":
        start = up_to(1000 + data.x_first, shipped().alpha_start)
        beta = up_to(100, shipped().beta)
    else:
        start, beta = drawn(stats.uniform(0, 1000 + data.x_first)), drawn(stats.uniform(0, 100))
    A_max = drawn(stats.uniform(0, 1))
    log_k = np.log(-np.log1p(-drawn(stats.uniform(0, 1))))
    log_k -= beta * np.log(start) if priors == "default" else 0
    shares = (stats.beta(*ab) for ab in ((1.5, 2.5), (1, 8), (1, 2)))  # of ρ, ω and λ
    of_noise = (share.ppf(rng.uniform(0, share.cdf(MOST), count)) for share in shares)
    noise, ratio = (drawn(stats.lognorm(s=s, scale=at)) for s, at in ((1.1, 0.03), (1, 5)))
    z = Points(A_max, log_k, start, beta, noise, ratio, *of_noise, data).where()
    unit: Any = data.unit
    if unit is None:
        unit = unit_of(Points.of(z, data).curve(np.array([data.x_last]))[:, 0])
    z[:, 4] += np.log(unit)
    return z


def covariances(at: Points) -> tuple[Array, Array]:
    """Cholesky factors of the noise's covariance, in units of σ: within a run, between runs.

    Repetitions are one normal vector: an offset, noise that shrinks with the gap, correlations.
    Covariances within a run are 0.85 λσ² + s_i s_j ρ^|lag|, those between runs ω times as much,
    where s² = σ² ((1 − λ) ratio^(2 power) + 0.15 λ) + 0.0001², the power being that of gap +
    gap_last, and each gap being (gap + e^-8) / sqrt(x).
    """
    data = at.data
    noise, ratio, rho, lasting = (
        p[:, None] for p in (at.noise, at.noise_ratio, at.rho, at.lasting)
    )
    ends = np.array([data.x_first, data.x_last])
    gaps, of_ends = (np.logaddexp(-at.u(x), -8) - np.log(x) / 2 for x in (data.x, ends))
    first, last = of_ends.T[:, :, None]
    fall, power = (np.logaddexp(0, gap - last) - np.log(2) for gap in (first, gaps))
    power = power / np.sqrt(fall**2 + 0.2**2)
    shrinks = (1 - lasting) * ratio ** (2 * power)
    sd = np.sqrt(shrinks + 0.15 * lasting + (1e-4 / noise) ** 2)
    lag = np.abs(data.episode[:, None] - data.episode)
    within = 0.85 * lasting[:, :, None] + sd[:, :, None] * sd[:, None] * rho[:, :, None] ** lag
    largest = np.diagonal(within, axis1=1, axis2=2).max(axis=1)[:, None, None]
    within = within + (1e-10 + 1e-12 * largest) * np.eye(len(lag))  # where λ or ρ is all but 1
    within = np.linalg.cholesky(within)
    own = (1 - at.shared)[:, None, None] * np.eye(len(data.y))
    return within, np.linalg.cholesky(own + at.shared[:, None, None])


def log_likelihood(z: Array, data: Data) -> Array:
    """Log-density of all accuracies, at each point."""
    at = Points.of(z, data)
    within, between = covariances(at)
    residual = (data.y.T - at.curve(data.x)[:, :, None]) / at.noise[:, None, None]
    white = np.linalg.solve(between, np.linalg.solve(within, residual).swapaxes(1, 2))
    scale = np.log(np.diagonal(within, axis1=1, axis2=2)) + np.log(at.noise)[:, None]
    scale = scale + 0.5 * np.log(2 * np.pi)
    shares = np.log(np.diagonal(between, axis1=1, axis2=2))
    volume = len(data.y) * scale.sum(axis=1) + len(data.x) * shares.sum(axis=1)
    return np.asarray(-0.5 * np.square(white).sum(axis=(1, 2)) - volume)


def simulated(z: Array, data: Data, normal: Array) -> Array:
    """Accuracies at each point, of standard normal noise; dims (point, run, episode) of both."""
    at = Points.of(z, data)
    within, between = covariances(at)
    drawn = between @ normal @ within.swapaxes(1, 2)
    return np.asarray(at.curve(data.x)[:, None] + at.noise[:, None, None] * drawn)


def target(z: Array, priors: str, data: Data) -> tuple[Array, Array]:
    """Log-prior and log-likelihood, the latter −∞ where the former is; in pieces, for memory."""
    prior = log_prior(z, priors, data)
    likelihood = np.full(len(z), -np.inf)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for rows in np.array_split(np.flatnonzero(np.isfinite(prior)), len(z) // 5000 + 1):
            likelihood[rows] = log_likelihood(z[rows], data)
    return prior, np.where(np.isfinite(likelihood), likelihood, -np.inf)
