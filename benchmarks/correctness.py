"""Does the posterior agree with one computed without NUTS and without curve coordinates?

python benchmarks/correctness.py --curves DIR

For the reference see `reference.py`.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr
from cells import Cell, cells, curves_parser
from reference import reference
from reference_model import Array, Data, Points
from reference_model import strayed as expected_of

from palm_bayes.data.runs import Runs
from palm_bayes.inference.draws import verdict_numbers
from palm_bayes.inference.nuts import Sample, sample_strategy
from palm_bayes.inference.settings import Settings
from palm_bayes.model import expected
from palm_bayes.model.learned import shipped
from palm_bayes.model.priors import named_priors
from palm_bayes.model.variables import observations

PROBABILITIES = (0.01, 0.05, 0.95, 0.99)
NUTS_DRAWS = 4000  # a chain: more than usual, so that small errors show
BEYOND = (1.5, 4.0)  # times the last x: there the expected accuracy has its misfit
BATCHES = 50  # of the reference, for its Monte-Carlo error
RELIABLE = 0.7  # Pareto k of the importance weights, at most
LARGEST = 4.5  # z: of a few hundred correlated statistics with thick-tailed errors


def compare(runs: Runs, priors: str, draws: int, seed: int) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Compare all statistics of one cell; and say how good the two posteriors are."""
    data = Data.of(runs)
    sample = sample_strategy(runs, named_priors(priors), Settings(draws=NUTS_DRAWS, seed=seed))
    rng = np.random.default_rng(seed)
    found = reference(data, priors, draws, rng, points_of(sample, data).where())
    x = np.array([data.x_first, (data.x_first + data.x_last) / 2, data.x_last, 2 * data.x_last])
    ours, theirs = of_nuts(sample, x, data), Points.of(found.z, data).quantities(x)
    for times in BEYOND:
        name = f"E({times:g} x_last)"
        ours[name] = with_misfit(sample, runs, times * data.x_last, seed)
        normals = rng.standard_normal(len(found.z))
        at = np.array([times * data.x_last])
        theirs[name] = expected_of(Points.of(found.z, data), at, shipped().misfit, normals)[:, 0]
    ours = on_logs(ours, ours["alpha"] + data.x_first)
    theirs = on_logs(theirs, Points.of(found.z, data).start)
    rows = [
        {"quantity": name, "statistic": statistic, "nuts": nuts, "reference": ref, "mcse": error}
        for name in ours
        for statistic, nuts, ref, error in statistics(
            ours[name], theirs[name], found.weights, weight_error(sample)
        )
    ]
    table = pd.DataFrame(rows)
    table["z"] = (table["nuts"] - table["reference"]) / table["mcse"]
    about = {
        "pareto_k": found.pareto_k,
        "ess_reference": found.ess,
        "divergences": sample.verdict["divergences"],
    }
    return table, {**about, "ess_nuts": sample.verdict["ess_bulk"]}


def points_of(sample: Sample, data: Data) -> Points:
    """The draws of NUTS, one after the other."""
    posterior = sample.posterior.isel(strategy=0).stack(point=("chain", "draw"))
    log_u, alpha, beta = (
        posterior["curve"].sel(parameter=name).to_numpy()
        for name in ("log_u_first", "alpha", "beta")
    )
    start = alpha + data.x_first
    names = ("A_max", "beta", "noise", "noise_ratio", "rho", "shared", "lasting")
    rest = {name: posterior[name].to_numpy() for name in names}
    return Points(log_k=log_u - beta * np.log(start), start=start, data=data, **rest)


def of_nuts(sample: Sample, x: Array, data: Data) -> dict[str, Array]:
    """Quantities compared, dims (chain, draw); curves again from A_max, u(x_first), α and β."""
    posterior = sample.posterior.isel(strategy=0)
    names = ("A_max", "delta", "alpha", "beta", "noise", "noise_ratio", "rho", "shared", "lasting")
    named = {name: posterior[name].transpose("chain", "draw").to_numpy() for name in names}
    log_u = posterior["curve"].sel(parameter="log_u_first").transpose("chain", "draw").to_numpy()
    start = named["alpha"] + data.x_first
    for at in x:
        u = np.exp(log_u) * ((at + named["alpha"]) / start) ** named["beta"]
        named[f"A({at:.3g})"] = named["A_max"] * -np.expm1(-u)
    return named


def on_logs(named: dict[str, Array], start: Array) -> dict[str, Array]:
    """Take thick-tailed parameters by their logs, of α that of α + x_first.

    Otherwise rare draws, fewer than one in 10,000, determine means and standard deviations.
    """
    thick = {"alpha + x_first": start, **{name: named[name] for name in ("beta", "noise_ratio")}}
    logs = {f"log({name})": np.log(values) for name, values in thick.items()}
    return {name: named[name] for name in named if name not in (*thick, "alpha")} | logs


def with_misfit(sample: Sample, runs: Runs, x: float, seed: int) -> Array:
    """Expected accuracy with the misfit, as forecasts have it; dims (chain, draw)."""
    ends = observations(runs).ends
    posterior = sample.posterior
    chains, draws = (posterior.sizes[dim] for dim in ("chain", "draw"))
    normals = shipped().misfit.normals(chains, draws, 1, np.random.default_rng(seed))
    dims = ("chain", "draw", "strategy")
    posterior = posterior.assign(misfit=(dims, normals))
    places = {"x_first": ends.x_first, "x_last": ends.x_last}
    of_data = xr.Dataset({name: ("strategy", at) for name, at in places.items()})
    of_data = of_data.assign_coords(strategy=posterior["strategy"])
    at = xr.DataArray([x], {"x": [x]}, "x")
    on_curve = expected.on_curve(posterior, at, of_data["x_first"])
    on_curve = on_curve.transpose("chain", "draw", "strategy", "x")
    found = expected.with_misfit(on_curve, posterior, of_data, shipped().misfit)
    return found.isel(strategy=0, x=0).to_numpy()


def weight_error(sample: Sample) -> float:
    """Variance of joined regions' weights, by which the verdict's ESS is less than ArviZ's."""
    numbers = verdict_numbers(sample.posterior)
    least = float(az.ess(numbers, method="bulk").to_array().min())
    return max(1 / sample.verdict["ess_bulk"] - 1 / least, 0.0)


def statistics(
    nuts: Array, points: Array, weights: Array, weight_error: float
) -> Iterator[tuple[str, float, float, float]]:
    """Name, value by NUTS, value by the reference, and the Monte-Carlo error of the two.

    That of joined regions has their weights' in it: as if there were fewer draws. That of means and
    standard deviations is at least what the reference says of as many draws: NUTS's own knows
    nothing of a thin tail that it has not met.
    """
    groups = [
        weighted(values, some / some.sum())
        for values, some in zip(
            np.array_split(points, BATCHES), np.array_split(weights, BATCHES), strict=True
        )
    ]
    errors = np.std(groups, axis=0, ddof=1) / np.sqrt(BATCHES)
    whole = weighted(points, weights)
    values = [nuts.mean(), nuts.std(), *np.quantile(nuts, PROBABILITIES)]
    asked: list[dict[str, Any]] = [{"method": "mean"}, {"method": "sd"}]
    asked += [{"method": "quantile", "prob": p} for p in PROBABILITIES]
    own = [az.mcse(nuts, **how) * np.sqrt(1 + weight_error * az.ess(nuts, **how)) for how in asked]
    deviation = np.abs(points - whole[0]) / whole[1]
    kurtosis = np.sum(weights * deviation**4)
    least = [whole[1], whole[1] * np.sqrt((kurtosis - 1) / 4)]
    for i, (spread, how) in enumerate(zip(least, asked, strict=False)):
        own[i] = max(own[i], spread / np.sqrt(az.ess(nuts, **how)))
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
    """Choose by rule, at the first half: steepest and flattest end, least rise, fewest data."""
    found = sorted(cells(folder), key=lambda cell: cell.id)

    def gains(cell: Cell) -> tuple[float, float]:
        mean = cell.half.table.groupby("episode")["accuracy"].mean().to_numpy()
        return mean[-1] - mean[0], mean[-1] - mean[len(mean) // 2]

    return {
        "rising": max(found, key=lambda cell: gains(cell)[1]),
        "saturated": min(
            (cell for cell in found if gains(cell)[0] > 0.1), key=lambda cell: abs(gains(cell)[1])
        ),
        "flat": min(found, key=lambda cell: abs(gains(cell)[0])),
        "few data": min(found, key=lambda cell: len(cell.half.table)),
    }


def main() -> None:
    parser = curves_parser(__doc__)
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
            print(f"{kind}: {cell.id}, {priors}", file=sys.stderr, flush=True)
    everything = pd.concat(tables, ignore_index=True)
    if args.out:
        everything.to_csv(args.out, index=False)
    lines.append({"cell": "all", **summed_up(everything)})
    table = pd.DataFrame(lines)
    table["judged"] = [judged(row) for row in table.to_dict("records")]
    print(table.to_string(index=False, na_rep="", float_format="{:.3g}".format))
    agree, cells_of = int((table["judged"] == "agrees").sum()), len(table)
    print(f"{agree} of {cells_of} rows agree.")
    sys.exit(agree < cells_of)


def summed_up(table: pd.DataFrame) -> dict[str, Any]:
    size = table["z"].abs()
    worst = table.loc[size.idxmax()]
    where = f"{worst['statistic']} of {worst['quantity']}"
    shares = {f"over_{limit}": f"{(size > limit).mean():.1%}" for limit in (2, 3)}
    return {"compared": len(table), "largest_z": size.max(), "at": where, **shares}


def judged(row: dict[str, Any]) -> str:
    if row.get("pareto_k", 0) > RELIABLE:
        return "NO REFERENCE (k)"
    return "agrees" if row["largest_z"] < LARGEST else "DISAGREES"


if __name__ == "__main__":
    main()
