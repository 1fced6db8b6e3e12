"""A posterior computed without NUTS and without curve coordinates, for `correctness.py`.

Adaptive importance sampling of the model in `reference_model.py`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from arviz_stats.base import array_stats
from reference_model import Array, Data, Points, log_slope, prior_draws, target
from scipy import stats
from scipy.special import logsumexp
from sklearn.mixture import GaussianMixture

ROUNDS = (40_000,) * 6  # draws of each round of adaptation
FLATTENED = 0.5  # power of the posterior to which the proposal is fitted too: it has wider tails
WIDE = 0.3  # share of the proposal that follows the flat prior
SEEN = [0, 4, 5, 6, 7, 8]  # of the point, what it does not: A_max and the noise
DEGREES = 6  # of freedom of the proposal's Student's t: heavier tails than the posterior


@dataclass(frozen=True, eq=False)
class Mixture:
    """Proposal: a mixture of multivariate Student's t, of points in units of their spread.

    Otherwise SciPy would take a direction for singular whose spread is 1e-5 of the widest one.
    """

    center: Array
    spread: Array
    weights: Array
    parts: list[Any]

    @classmethod
    def fitted(cls, points: Array, components: int, seed: int) -> "Mixture":
        """Fit to points, plus one wide part around them all against what the fit misses."""
        center, spread = points.mean(axis=0), points.std(axis=0)
        points = (points - center) / spread
        found = GaussianMixture(
            components, reg_covar=1e-5, max_iter=50, tol=1e-2, random_state=seed
        ).fit(points)
        shapes = [*found.covariances_, 2 * np.cov(points.T)]
        means = [*found.means_, points.mean(axis=0)]
        parts = [
            stats.multivariate_t(mean, shape, DEGREES)
            for mean, shape in zip(means, shapes, strict=True)
        ]
        return cls(center, spread, np.append(0.9 * found.weights_, 0.1), parts)

    def draw(self, count: int, rng: np.random.Generator) -> Array:
        counts = rng.multinomial(count, self.weights)
        drawn = [
            part.rvs(size=n, random_state=rng).reshape(n, part.dim)
            for n, part in zip(counts, self.parts, strict=True)
        ]
        return self.center + self.spread * rng.permutation(np.concatenate(drawn))

    def log_density(self, z: Array) -> Array:
        each = np.array([part.logpdf((z - self.center) / self.spread) for part in self.parts])
        return logsumexp(each + np.log(self.weights)[:, None], axis=0) - np.log(self.spread).sum()


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
    weights = np.exp(smoothed - logsumexp(smoothed))
    return Reference(z[possible], weights, float(pareto_k))


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
