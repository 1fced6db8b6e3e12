"""Does the posterior agree with one computed without NUTS and without curve coordinates?

python benchmarks/correctness.py --curves DIR

The reference is importance sampling, in code of its own: the model is written again from its
definition, with SciPy's densities and whole covariance matrices, in PALM's own parameters.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
from arviz_stats.base import array_stats
from cells import Cell, cells, curves_argument
from numpy.typing import NDArray
from scipy import stats
from scipy.special import expit, log_expit, logit, logsumexp
from sklearn.mixture import GaussianMixture

from palm_bayes.priors import named_priors
from palm_bayes.runs import Runs
from palm_bayes.sampling import Sample, Settings, sample_strategy

Array = NDArray[np.float64]

PROBABILITIES = (0.05, 0.95)
NUTS_DRAWS = 4000  # a chain: more than usual, so that small errors show
BATCHES = 50  # of the reference, for its Monte-Carlo error
DEGREES = 6  # of freedom of the proposal's Student's t: heavier tails than the posterior
RELIABLE = 0.7  # Pareto k of the importance weights, at most
LARGEST = 4.5  # z: of a few hundred correlated statistics with thick-tailed errors


# --- the model, from its definition ------------------------------------------------------------
#
# Points are rows of seven numbers without bounds, each a function of one parameter only, given α
# and β: logit A_max, log u(x_first), log(x_first + α), log β, log noise, log noise_ratio, logit ρ.
# u(x) = k (x + α)^β with k = −log(1 − δ), so log u(x_first) is log k shifted by β log(x_first + α).


@dataclass(frozen=True, eq=False)
class Data:
    """Runs of one strategy: one array of x, episodes and accuracies for each repetition."""

    runs: list[tuple[Array, Array, Array]]
    x_first: float
    x_last: float

    @classmethod
    def of(cls, runs: Runs) -> "Data":
        columns = ["x", "episode", "accuracy"]
        groups = runs.table.groupby("repetition", sort=False)[columns]
        found = [tuple(group.to_numpy(float).T) for _, group in groups]
        return cls(found, runs.table["x"].min(), runs.table["x"].max())


def parameters(z: Array) -> tuple[Array, ...]:
    """A_max, u at x_first, x_first + α, β, noise, noise_ratio and ρ."""
    with np.errstate(over="ignore"):
        logs = np.exp(z[:, 1:6].T)
    return expit(z[:, 0]), *logs, expit(z[:, 6])


def log_prior(z: Array, priors: str, data: Data) -> Array:
    """Log-density of the prior at `z`, as a density of z."""
    A_max, _, start, beta, noise, ratio, rho = parameters(z)
    alpha = start - data.x_first
    lowest = max(-1000.0, -data.x_first)
    inside = (alpha > lowest) & (alpha < 1000) & (beta < 100)
    total = stats.uniform(0, 1).logpdf(A_max) + log_expit(z[:, 0]) + log_expit(-z[:, 0])
    if priors == "default":
        total += log_share(z[:, 1])
        total += stats.lognorm(s=1.0, scale=1.5).logpdf(alpha - lowest) + z[:, 2]
        total += stats.lognorm(s=0.7, scale=0.7).logpdf(beta) + z[:, 3]
    else:
        total += log_share(z[:, 1] - beta * z[:, 2])
        total += stats.uniform(lowest, 1000 - lowest).logpdf(alpha) + z[:, 2]
        total += stats.uniform(0, 100).logpdf(beta) + z[:, 3]
    total += stats.lognorm(s=1.0, scale=0.012).logpdf(noise) + z[:, 4]
    total += stats.lognorm(s=1.0, scale=8.0).logpdf(ratio) + z[:, 5]
    total += stats.beta(1.5, 2.5).logpdf(rho) + log_expit(z[:, 6]) + log_expit(-z[:, 6])
    return np.where(inside, total, -np.inf)


def log_share(log_k: Array) -> Array:
    """Log-density of log k where 1 − exp(−k) is uniform on (0, 1): k exp(−k)."""
    with np.errstate(over="ignore"):
        return log_k - np.exp(log_k)


def gap(z: Array, x: Array, data: Data) -> Array:
    """Share of A_max missing at `x`: (1 − δ)^((x + α)^β). Dims (point, x)."""
    _, u, start, beta, *_ = parameters(z)
    grown = ((x - data.x_first + start[:, None]) / start[:, None]) ** beta[:, None]
    return np.exp(-u[:, None] * grown)


def log_likelihood(z: Array, data: Data) -> Array:
    """Repetitions are normal vectors: correlation ρ^|lag|, spread shrinking with the gap."""
    A_max, _, _, _, noise, ratio, rho = (part[:, None] for part in parameters(z))
    last = gap(z, np.array([data.x_last]), data)
    total = np.zeros(len(z))
    for x, episode, y in data.runs:
        missing = gap(z, x, data)
        sd = noise * np.sqrt((1 + (ratio * missing) ** 2) / (1 + (ratio * last) ** 2))
        lag = np.abs(episode[:, None] - episode)
        factor = np.linalg.cholesky(rho[:, :, None] ** lag)
        residual = ((y - A_max * (1 - missing)) / sd)[..., None]
        white = np.linalg.solve(factor, residual)[..., 0]
        scale = np.log(np.diagonal(factor, axis1=1, axis2=2)) + np.log(sd)
        total -= (0.5 * white**2 + scale + 0.5 * np.log(2 * np.pi)).sum(axis=1)
    return total


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
            part.rvs(size=n, random_state=rng).reshape(n, -1)
            for n, part in zip(counts, self.parts, strict=True)
        ]
        return rng.permutation(np.concatenate(drawn))

    def log_density(self, z: Array) -> Array:
        each = np.array([part.logpdf(z) for part in self.parts])
        return logsumexp(each + np.log(self.weights)[:, None], axis=0)


@dataclass(frozen=True, eq=False)
class Reference:
    """Independent points `z` with weights that add up to 1, and how far to trust them."""

    z: Array
    weights: Array
    pareto_k: float

    @property
    def ess(self) -> float:
        return float(1 / np.sum(self.weights**2))


def reference(data: Data, priors: str, draws: int, rng: np.random.Generator) -> Reference:
    """Go from the prior to the posterior by powers of the likelihood, then refine the proposal."""
    z = prior_draws(data, priors, 40_000, rng)
    relative, likelihood = np.zeros(len(z)), target(z, priors, data)[1]
    power, sizes = 0.0, [20_000, 40_000, 40_000, draws]
    while sizes:
        power = next_power(relative, likelihood, power)
        logs = relative + np.where(np.isfinite(likelihood), power * likelihood, -np.inf)
        chosen = rng.choice(len(z), 20_000, p=np.exp(logs - logsumexp(logs)))
        components = 12 if power < 1 else 40
        # Weighted points repeat: the jitter keeps a component from shrinking onto one of them.
        jitter = 1e-3 * z[chosen].std(axis=0) * rng.standard_normal((len(chosen), z.shape[1]))
        proposal = Mixture.fitted(z[chosen] + jitter, components, int(rng.integers(2**31)))
        z = proposal.draw(sizes.pop(0) if power == 1 else 20_000, rng)
        prior, likelihood = target(z, priors, data)
        relative = prior - proposal.log_density(z)
    logs = relative + likelihood
    possible = np.isfinite(logs)
    smoothed, pareto_k = array_stats.psislw(logs[possible])
    weights = np.zeros(len(z))
    weights[possible] = np.exp(smoothed - logsumexp(smoothed))
    return Reference(z, weights, float(pareto_k))


def prior_draws(data: Data, priors: str, count: int, rng: np.random.Generator) -> Array:
    def log(distribution: Any) -> Array:
        return np.log(distribution.rvs(size=count, random_state=rng))

    lowest = max(-1000.0, -data.x_first)
    unit = stats.uniform(0, 1)
    log_k = np.log(-np.log1p(-unit.rvs(size=count, random_state=rng)))
    if priors == "default":
        start = np.log(np.exp(log(stats.lognorm(s=1.0, scale=1.5))) + lowest + data.x_first)
        beta = log(stats.lognorm(s=0.7, scale=0.7))
        log_u = log_k
    else:
        start = np.log(stats.uniform(lowest, 1000 - lowest).rvs(count, rng) + data.x_first)
        beta = log(stats.uniform(0, 100))
        log_u = log_k + np.exp(beta) * start
    noise, ratio = log(stats.lognorm(s=1.0, scale=0.012)), log(stats.lognorm(s=1.0, scale=8.0))
    A_max, rho = (logit(d.rvs(size=count, random_state=rng)) for d in (unit, stats.beta(1.5, 2.5)))
    return np.stack([A_max, log_u, start, beta, noise, ratio, rho], axis=-1)


def next_power(relative: Array, likelihood: Array, power: float) -> float:
    """Raise the power of the likelihood as far as a tenth of the points stay effective."""
    lower, upper = power, 1.0
    finite = np.isfinite(likelihood) & np.isfinite(relative)
    for trial in [1.0] + [np.nan] * 40:
        tried = trial if trial == 1 else (lower + upper) / 2
        logs = relative[finite] + tried * likelihood[finite]
        ess = np.exp(2 * logsumexp(logs) - logsumexp(2 * logs))
        lower, upper = (tried, upper) if ess > 0.1 * len(likelihood) else (lower, tried)
        if lower == 1:
            break
    return lower if lower > power else upper


# --- comparison --------------------------------------------------------------------------------


def compare(runs: Runs, priors: str, draws: int, seed: int) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Compare all statistics of one cell; and say how good the two posteriors are."""
    data = Data.of(runs)
    found = reference(data, priors, draws, np.random.default_rng(seed))
    sample = sample_strategy(runs, named_priors(priors), Settings(draws=NUTS_DRAWS, seed=seed))
    x = np.array([data.x_first, (data.x_first + data.x_last) / 2, data.x_last, 2 * data.x_last])
    ours, theirs = of_nuts(sample, x, data), of_points(found.z, x, data)
    rows = [
        {"quantity": name, "statistic": statistic, "nuts": nuts, "reference": ref, "mcse": error}
        for name in ours
        for statistic, nuts, ref, error in statistics(ours[name], theirs[name], found.weights)
    ]
    table = pd.DataFrame(rows)
    table["z"] = (table["nuts"] - table["reference"]) / table["mcse"]
    about = {
        "pareto_k": found.pareto_k,
        "ess_reference": found.ess,
        "passed": sample.verdict["passed"],
    }
    return table, {**about, "ess_nuts": sample.verdict["ess_bulk"]}


def of_points(z: Array, x: Array, data: Data) -> dict[str, Array]:
    """Quantities compared, at points."""
    A_max, _, start, beta, *noises = parameters(z)
    log_k = z[:, 1] - beta * z[:, 2]
    curves = A_max[:, None] * (1 - gap(z, x, data))
    named = {"A_max": A_max, "delta": -np.expm1(-np.exp(log_k)), "alpha": start - data.x_first}
    named |= {"beta": beta, **dict(zip(("noise", "noise_ratio", "rho"), noises, strict=True))}
    return named | {f"A({at:g})": curves[:, i] for i, at in enumerate(x)}


def of_nuts(sample: Sample, x: Array, data: Data) -> dict[str, Array]:
    """Quantities compared, dims (chain, draw); curves again from A_max, u(x_first), α and β."""
    posterior = sample.posterior.isel(strategy=0)
    names = ("A_max", "delta", "alpha", "beta", "noise", "noise_ratio", "rho")
    named = {name: posterior[name].transpose("chain", "draw").to_numpy() for name in names}
    log_u = posterior["curve"].sel(parameter="log_u_first").transpose("chain", "draw").to_numpy()
    start = named["alpha"] + data.x_first
    for at in x:
        u = np.exp(log_u) * ((at + named["alpha"]) / start) ** named["beta"]
        named[f"A({at:g})"] = named["A_max"] * -np.expm1(-u)
    return named


def statistics(
    nuts: Array, points: Array, weights: Array
) -> Iterator[tuple[str, float, float, float]]:
    """Name, value by NUTS, value by the reference, and the Monte-Carlo error of the two."""
    groups = [
        weighted(values, some / some.sum())
        for values, some in zip(
            np.array_split(points, BATCHES), np.array_split(weights, BATCHES), strict=True
        )
    ]
    errors = np.std(groups, axis=0, ddof=1) / np.sqrt(BATCHES)
    whole = weighted(points, weights)
    values = [nuts.mean(), nuts.std(), *np.quantile(nuts, PROBABILITIES)]
    own = [az.mcse(nuts, method="mean"), az.mcse(nuts, method="sd")]
    own += [az.mcse(nuts, method="quantile", prob=p) for p in PROBABILITIES]
    names = ["mean", "sd", *(f"{p:.0%}" for p in PROBABILITIES)]
    for i, name in enumerate(names):
        yield name, values[i], whole[i], float(np.hypot(own[i], errors[i]))


def weighted(values: Array, weights: Array) -> Array:
    """Mean, standard deviation and quantiles."""
    order = np.argsort(values)
    below = np.cumsum(weights[order]) - weights[order] / 2
    mean = np.sum(weights * values)
    sd = np.sqrt(np.sum(weights * (values - mean) ** 2))
    return np.array([mean, sd, *np.interp(PROBABILITIES, below, values[order])])


def chosen_cells(folder: Path) -> dict[str, Cell]:
    """Choose by rule, at the first half: the steepest end, the flattest end, the fewest data."""
    found = sorted(cells(folder), key=lambda cell: cell.id)

    def gains(cell: Cell) -> tuple[float, float]:
        mean = cell.half.table.groupby("episode")["accuracy"].mean().to_numpy()
        return mean[-1] - mean[0], mean[-1] - mean[len(mean) // 2]

    return {
        "rising": max(found, key=lambda cell: gains(cell)[1]),
        "saturated": min(
            (cell for cell in found if gains(cell)[0] > 0.1), key=lambda cell: abs(gains(cell)[1])
        ),
        "few data": min(found, key=lambda cell: len(cell.half.table)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    curves_argument(parser)
    parser.add_argument("--draws", type=int, default=400_000, help="of the reference")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="write all statistics to this CSV file")
    args = parser.parse_args()
    lines, tables = [], []
    for kind, cell in chosen_cells(args.curves).items():
        for priors in ("default", "bounds"):
            table, about = compare(cell.half, priors, args.draws, args.seed)
            lines.append({"cell": kind, "priors": priors, **about, **summed_up(table)})
            tables.append(table.assign(cell=cell.id, priors=priors))
            print(f"{kind}: {cell.id}, {priors}", flush=True)
    everything = pd.concat(tables, ignore_index=True)
    if args.out:
        everything.to_csv(args.out, index=False)
    lines.append({"cell": "all", **summed_up(everything)})
    table = pd.DataFrame(lines)
    table["judged"] = [judged(row) for row in table.to_dict("records")]
    print(table.to_string(index=False, na_rep="", float_format="{:.3g}".format))


def summed_up(table: pd.DataFrame) -> dict[str, Any]:
    size = table["z"].abs()
    worst = table.loc[size.idxmax()]
    where = f"{worst['statistic']} of {worst['quantity']}"
    shares = {f"over_{limit}": f"{(size > limit).mean():.1%}" for limit in (2, 3)}
    return {"compared": len(table), "largest_z": size.max(), "at": where, **shares}


def judged(row: dict[str, Any]) -> str:
    if row.get("pareto_k", 0) > RELIABLE:
        return "NO REFERENCE (k)"
    if row.get("passed") is False:
        return "NUTS FAILS"
    return "agrees" if row["largest_z"] < LARGEST else "DISAGREES"


if __name__ == "__main__":
    main()
