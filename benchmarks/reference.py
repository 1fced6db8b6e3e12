"""A posterior computed without NUTS and without curve coordinates, for `correctness.py`.

Importance sampling, in code of its own: the model is written again from its definition, with
SciPy's densities and whole covariance matrices, in PALM's own parameters.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from arviz_stats.base import array_stats
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit, log_expit, logit, logsumexp
from sklearn.mixture import GaussianMixture

from palm_bayes.data.runs import Runs

Array = NDArray[np.float64]

ROUNDS = (40_000,) * 6  # draws of each round of adaptation
FLATTENED = 0.5  # power of the posterior to which the proposal is fitted too: it has wider tails
WIDE = 0.3  # share of the proposal that follows the flat prior
SEEN = [0, 4, 5, 6, 7, 8]  # of the point, what it does not: A_max and the noise
OTHERS = ("beta", "noise", "noise_ratio", "rho", "shared", "lasting")
DEGREES = 6  # of freedom of the proposal's Student's t: heavier tails than the posterior

# --- the model, from its definition ------------------------------------------------------------
#
# A point is a row of nine numbers without bounds, one a parameter: logits of A_max, ρ, the shared
# part ω, the lasting part λ and of the shares of α and β between their bounds; logs of noise and
# noise_ratio; and for δ log u(x_first), where u(x) = k (x + α)^β and k = −log(1 − δ).


@dataclass(frozen=True, eq=False)
class Data:
    """Runs of one strategy, all of the same episodes."""

    x: Array
    episode: Array
    y: Array  # dims (run, episode)
    x_first: float
    x_last: float

    @classmethod
    def of(cls, runs: Runs) -> "Data":
        table = runs.table
        y = table.pivot(index="repetition", columns=["x", "episode"], values="accuracy")
        if y.isna().any(axis=None):
            raise ValueError("all runs must have the same episodes, at the same x")
        x, episode = (y.columns.get_level_values(name).to_numpy(float) for name in y.columns.names)
        return cls(x, episode, y.to_numpy(float), x.min(), x.max())


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
        shares = expit(z[:, 6:9].T)
        return cls(expit(z[:, 0]), log_k, start, beta, noise, ratio, *shares, data)

    def where(self) -> Array:
        """The points again."""
        data = self.data
        log_u = self.log_k + self.beta * np.log(self.start)
        shares = [self.A_max, self.start / (1000 + data.x_first), self.beta / 100]
        shares += [self.rho, self.shared, self.lasting]
        A_max, start, beta, *of_noise = map(logit, shares)
        columns = [A_max, log_u, start, beta, np.log(self.noise), np.log(self.noise_ratio)]
        return np.stack([*columns, *of_noise], axis=-1)

    def u(self, x: Array) -> Array:
        """−log of the share of A_max missing at `x`, (1 − δ)^((x + α)^β). Dims (point, x)."""
        grown = np.log(x - self.data.x_first + self.start[:, None])
        return np.exp(np.minimum(self.log_k[:, None] + self.beta[:, None] * grown, 100))

    def quantities(self, at: Array) -> dict[str, Array]:
        """What is compared: the parameters, and the curve at some x."""
        curves = -self.A_max[:, None] * np.expm1(-self.u(at))
        named = {
            "A_max": self.A_max,
            "delta": -np.expm1(-np.exp(self.log_k)),
            "alpha": self.start - self.data.x_first,
            **{name: getattr(self, name) for name in OTHERS},
        }
        return named | {f"A({x:.3g})": curves[:, i] for i, x in enumerate(at)}


def log_prior(z: Array, priors: str, data: Data) -> Array:
    """Log-density of the prior, as a density of `z`."""
    if data.x_first > 1000:
        raise ValueError("α's lower bound is taken to be −x_first, so x_first is at most 1000")
    at = Points.of(z, data)
    log_u = z[:, 1] if priors == "default" else at.log_k  # of the share that is uniform
    with np.errstate(over="ignore"):
        total = log_u - np.exp(log_u)  # density of log u where 1 − exp(−u) ~ U(0, 1)
    total = total + stats.uniform(0, 1).logpdf(at.A_max) + log_slope(z[:, 0])
    total += log_slope(z[:, 2]) + np.log(1000 + data.x_first) + log_slope(z[:, 3]) + np.log(100)
    if priors == "default":
        total += stats.lognorm(s=1.0, scale=1.5).logpdf(at.start)
        total += stats.lognorm(s=0.45, scale=0.22).logpdf(at.beta)
    else:
        total += stats.uniform(0, 1000 + data.x_first).logpdf(at.start)
        total += stats.uniform(0, 100).logpdf(at.beta)
    total += stats.lognorm(s=1.0, scale=0.012).logpdf(at.noise) + z[:, 4]
    total += stats.lognorm(s=1.0, scale=5.0).logpdf(at.noise_ratio) + z[:, 5]
    total += stats.beta(1.5, 2.5).logpdf(at.rho) + log_slope(z[:, 6])
    total += stats.beta(1, 8).logpdf(at.shared) + log_slope(z[:, 7])
    total += stats.beta(1, 2).logpdf(at.lasting) + log_slope(z[:, 8])
    return np.where(np.isfinite(total), total, -np.inf)


def log_slope(z: Array) -> Array:
    """Log of the derivative of expit."""
    return log_expit(z) + log_expit(-z)


def prior_draws(data: Data, priors: str, count: int, rng: np.random.Generator) -> Array:
    def drawn(distribution: Any) -> Array:
        return distribution.rvs(size=count, random_state=rng)

    if priors == "default":
        start, beta = (
            drawn(stats.lognorm(s=1.0, scale=1.5)),
            drawn(stats.lognorm(s=0.45, scale=0.22)),
        )
    else:
        start, beta = drawn(stats.uniform(0, 1000 + data.x_first)), drawn(stats.uniform(0, 100))
    shares = [drawn(stats.uniform(0, 1)), start / (1000 + data.x_first), beta / 100]
    log_u = np.log(-np.log1p(-drawn(stats.uniform(0, 1))))
    log_u += 0 if priors == "default" else beta * np.log(start)
    shares += [drawn(stats.beta(1.5, 2.5)), drawn(stats.beta(1, 8)), drawn(stats.beta(1, 2))]
    A_max, start, beta, *of_noise = (logit(share) for share in shares)
    noise, ratio = (np.log(drawn(stats.lognorm(s=1.0, scale=scale))) for scale in (0.012, 5.0))
    return np.stack([A_max, log_u, start, beta, noise, ratio, *of_noise], axis=-1)


def log_likelihood(z: Array, data: Data) -> Array:
    """Repetitions are one normal vector: an offset, noise that shrinks with the gap, correlations.

    Covariances within a run are 0.85 λσ² + s_i s_j ρ^|lag|, those between runs ω times as much,
    where s² = σ² ((1 − λ) ratio^(2 power) + 0.15 λ), the power being that of gap + gap_last.
    """
    at = Points.of(z, data)
    A_max, noise, ratio, rho, lasting = (
        p[:, None] for p in (at.A_max, at.noise, at.noise_ratio, at.rho, at.lasting)
    )
    runs, u = len(data.y), at.u(data.x)
    first, last = at.u(np.array([data.x_first, data.x_last])).T[:, :, None]
    fall, power = (np.logaddexp(0, last - each) - np.log(2) for each in (first, u))
    power = power / np.sqrt(fall**2 + 0.2**2)
    sd = np.sqrt((1 - lasting) * ratio ** (2 * power) + 0.15 * lasting)  # in units of the noise
    lag = np.abs(data.episode[:, None] - data.episode)
    within = 0.85 * lasting[:, :, None] + sd[:, :, None] * sd[:, None] * rho[:, :, None] ** lag
    within = np.linalg.cholesky(within + 1e-10 * np.eye(len(lag)))  # where λ or ρ is all but 1
    own = (1 - at.shared)[:, None, None] * np.eye(runs)
    between = np.linalg.cholesky(own + at.shared[:, None, None])
    residual = (data.y.T - (-A_max * np.expm1(-u))[:, :, None]) / noise[:, :, None]
    white = np.linalg.solve(between, np.linalg.solve(within, residual).swapaxes(1, 2))
    scale = np.log(np.diagonal(within, axis1=1, axis2=2)) + np.log(noise) + 0.5 * np.log(2 * np.pi)
    shares = np.log(np.diagonal(between, axis1=1, axis2=2))
    volume = runs * scale.sum(axis=1) + len(data.x) * shares.sum(axis=1)
    return -0.5 * np.square(white).sum(axis=(1, 2)) - volume


def target(z: Array, priors: str, data: Data) -> tuple[Array, Array]:
    """Log-prior and log-likelihood, the latter −∞ where the former is; in pieces, for memory."""
    prior = log_prior(z, priors, data)
    likelihood = np.full(len(z), -np.inf)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for rows in np.array_split(np.flatnonzero(np.isfinite(prior)), len(z) // 5000 + 1):
            likelihood[rows] = log_likelihood(z[rows], data)
    return prior, np.where(np.isfinite(likelihood), likelihood, -np.inf)


# --- adaptive importance sampling --------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Mixture:
    """Proposal: a mixture of multivariate Student's t."""

    weights: Array
    parts: list[Any]

    @classmethod
    def fitted(cls, points: Array, components: int, seed: int) -> "Mixture":
        """Fit to points, plus one wide part around them all against what the fit misses."""
        found = GaussianMixture(
            components, reg_covar=1e-5, max_iter=50, tol=1e-2, random_state=seed
        ).fit(points)
        shapes = [*found.covariances_, 2 * np.cov(points.T)]
        means = [*found.means_, points.mean(axis=0)]
        parts = [
            stats.multivariate_t(mean, shape, DEGREES, allow_singular=True)
            for mean, shape in zip(means, shapes, strict=True)
        ]
        return cls(np.append(0.9 * found.weights_, 0.1), parts)

    def draw(self, count: int, rng: np.random.Generator) -> Array:
        counts = rng.multinomial(count, self.weights)
        drawn = [
            part.rvs(size=n, random_state=rng).reshape(n, part.dim)
            for n, part in zip(counts, self.parts, strict=True)
        ]
        return rng.permutation(np.concatenate(drawn))

    def log_density(self, z: Array) -> Array:
        each = np.array([part.logpdf(z) for part in self.parts])
        return logsumexp(each + np.log(self.weights)[:, None], axis=0)


@dataclass(frozen=True, eq=False)
class Widened:
    """A mixture, and a part in which δ, α and β follow the flat prior: data may not see them."""

    narrow: Mixture
    rest: Any
    data: Data

    @classmethod
    def around(cls, narrow: Mixture, points: Array, data: Data) -> "Widened":
        seen = points[:, SEEN]
        shape = np.cov(seen.T)
        return cls(narrow, stats.multivariate_t(seen.mean(axis=0), shape, DEGREES), data)

    def draw(self, count: int, rng: np.random.Generator) -> Array:
        wide = prior_draws(self.data, "bounds", round(WIDE * count), rng)
        wide[:, SEEN] = self.rest.rvs(size=len(wide), random_state=rng)
        return rng.permutation(np.concatenate([wide, self.narrow.draw(count - len(wide), rng)]))

    def log_density(self, z: Array) -> Array:
        log_k = Points.of(z, self.data).log_k
        with np.errstate(over="ignore"):
            wide = log_k - np.exp(log_k) + log_slope(z[:, 2]) + log_slope(z[:, 3])
        wide = wide + self.rest.logpdf(z[:, SEEN])
        return np.logaddexp(np.log(WIDE) + wide, np.log1p(-WIDE) + self.narrow.log_density(z))


@dataclass(frozen=True, eq=False)
class Reference:
    """Independent points `z` with weights that add up to 1, and how far to trust them."""

    z: Array
    weights: Array
    pareto_k: float

    @property
    def ess(self) -> float:
        return float(1 / np.sum(self.weights**2))


def reference(
    data: Data, priors: str, draws: int, rng: np.random.Generator, suspected: Array
) -> Reference:
    """Refit the proposal to its own weighted draws, a few times; then draw for good.

    In the end it is fitted to points `suspected` of being likely as well. What they weigh is found
    out here, but a thin tail that nobody looked at would weigh nothing.

    Under the flat prior a constant curve, whose noise explains the rise, is another mode, in which
    nearly all of the prior lies; the way along the data leads from the default prior to the curve.
    The proposal starts with both, their weights settle which one counts. A part of it follows the
    prior to its ends, which no mixture fitted to points reaches.
    """
    points = tempered(data, rng)
    if priors == "bounds":
        z = prior_draws(data, priors, 100_000, rng)
        points = np.concatenate([points, adapted(z, target(z, priors, data)[1], rng)])
    for size in (*ROUNDS, draws):
        if size == draws:
            points = np.concatenate([points, suspected])
        proposal: Mixture | Widened = Mixture.fitted(points, 40, int(rng.integers(2**31)))
        if priors == "bounds":
            proposal = Widened.around(proposal, points, data)
        z = proposal.draw(size, rng)
        log_target, log_proposal = sum(target(z, priors, data)), proposal.log_density(z)
        log_weights = log_target - log_proposal
        points = np.concatenate(
            [adapted(z, power * log_target - log_proposal, rng) for power in (1.0, FLATTENED)]
        )
    possible = np.isfinite(log_weights)
    smoothed, pareto_k = array_stats.psislw(-log_weights[possible])  # it takes log-likelihoods
    weights = np.zeros(len(z))
    weights[possible] = np.exp(smoothed - logsumexp(smoothed))
    return Reference(z, weights, float(pareto_k))


def adapted(z: Array, log_weights: Array, rng: np.random.Generator) -> Array:
    """Points drawn by weight, as far as not too few of them carry it all."""
    return resampled(z, next_power(np.zeros(len(z)), log_weights, 0.0) * log_weights, rng)


def tempered(data: Data, rng: np.random.Generator) -> Array:
    """Go from the default prior to its posterior by rising powers of the likelihood; roughly."""
    z = prior_draws(data, "default", 100_000, rng)
    relative, likelihood = np.zeros(len(z)), target(z, "default", data)[1]
    power = 0.0
    while True:
        power = next_power(relative, likelihood, power)
        points = resampled(z, relative + power * likelihood, rng)
        if power == 1:
            return points
        proposal = Mixture.fitted(points, 20, int(rng.integers(2**31)))
        z = proposal.draw(20_000, rng)
        prior, likelihood = target(z, "default", data)
        relative = prior - proposal.log_density(z)


def next_power(relative: Array, likelihood: Array, power: float) -> float:
    """Raise the power of the likelihood as far as a tenth of the points stay effective."""

    def enough(tried: float) -> bool:
        logs = relative[possible] + tried * likelihood[possible]
        return np.exp(2 * logsumexp(logs) - logsumexp(2 * logs)) > 0.1 * len(possible)

    possible = np.isfinite(relative) & np.isfinite(likelihood)
    if enough(1.0):
        return 1.0
    lower, upper = power, 1.0
    while upper - lower > 1e-2 * upper:
        middle = (lower + upper) / 2
        lower, upper = (middle, upper) if enough(middle) else (lower, middle)
    return upper


def resampled(z: Array, log_weights: Array, rng: np.random.Generator) -> Array:
    """Points drawn by weight, spread a little: a component must not shrink onto a single one."""
    log_weights = np.where(np.isfinite(log_weights), log_weights, -np.inf)
    chosen = rng.choice(len(z), 20_000, p=np.exp(log_weights - logsumexp(log_weights)))
    points = z[chosen]
    return points + 1e-3 * points.std(axis=0) * rng.standard_normal(points.shape)
