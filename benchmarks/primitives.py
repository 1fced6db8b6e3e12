"""Does the posterior agree with that of the same model in PyMC's own distributions?

python benchmarks/primitives.py --curves DIR

PALM's own parameters with PyMC's usual transforms, a whole covariance matrix for the noise, and
`pm.sample`: no coordinates, no starts near the data, no likelihood of the package's own.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt
import xarray as xr
from cells import Cell, cells, curves_parser
from scipy.linalg import helmert

from palm_bayes.data.runs import Runs
from palm_bayes.inference.nuts import Sample, Settings, sample_strategy
from palm_bayes.model.learned import LogNormal, shipped
from palm_bayes.model.priors import named_priors

SOURCES = 5
MOST = 15  # episodes of a cell: the covariance matrix is factorised at every step
SETTINGS: dict[str, Any] = {"draws": 2000, "tune": 1000, "chains": 4, "target_accept": 0.99}
AHEAD = (0.0, 1.0, 4.0)  # multiples of the last x at which curves are compared, 0 the first x
LARGEST = 4.5  # z: of about a hundred correlated statistics with thick-tailed errors
NOISE = ("noise", "noise_ratio", "rho", "shared", "lasting")


def plain(runs: Runs) -> pm.Model:
    """Write the model of one strategy, whose runs are complete, in PyMC's own terms."""
    y = runs.table.pivot(index="repetition", columns=["x", "episode"], values="accuracy")
    x, episode = (y.columns.get_level_values(name).to_numpy(float) for name in y.columns.names)
    lag, first, last = np.abs(np.subtract.outer(episode, episode)), x.min(), x.max()
    # Repetitions with equal correlations: their mean and their contrasts are independent.
    mean, *contrasts = helmert(len(y), full=True) @ y.to_numpy()
    with pm.Model() as model:
        A_max, reached = pm.Uniform("A_max"), pm.Uniform("reached")
        start, beta = of_past("start", shipped().alpha_start), of_past("beta", shipped().beta)
        at_last = y.to_numpy()[:, x == last].mean()
        unit = np.sqrt(max(at_last * (1 - at_last), 1e-3))
        noise = pm.LogNormal("noise", np.log(0.03 * unit), 1.1)
        ratio = pm.LogNormal("noise_ratio", np.log(5.0), 1.0)
        rho, shared = pm.Beta("rho", 1.5, 2.5), pm.Beta("shared", 1, 8)
        lasting = pm.Beta("lasting", 1, 2)

        def u(at: Any) -> Any:
            return -pt.log1p(-reached) * ((at - first + start) / start) ** beta

        def above(at: Any) -> Any:
            gap, gap_last = ((pt.exp(-u(here)) + np.exp(-8)) / np.sqrt(here) for here in (at, last))
            return pt.log((1 + gap / gap_last) / 2)

        power = above(x) / pt.sqrt(above(first) ** 2 + 0.2**2)
        shrinks = (1 - lasting) * ratio ** (2 * pt.clip(power, -1, 1))
        sd = pt.sqrt(noise**2 * (shrinks + 0.15 * lasting) + 1e-4**2)
        within = 0.85 * lasting * noise**2 + sd[:, None] * sd * rho**lag
        curve = np.sqrt(len(y)) * A_max * (1 - pt.exp(-u(x)))
        common = 1 - shared + len(y) * shared
        pm.MvNormal("mean", curve, cov=common * within, observed=mean)
        pm.MvNormal(
            "contrasts", np.zeros(len(x)), cov=(1 - shared) * within, observed=np.array(contrasts)
        )
    return model


def of_past(name: str, prior: LogNormal) -> Any:
    """Create a variable with a learned prior."""
    return pm.LogNormal(name, np.log(prior.median), prior.width)


def quantities(draws: xr.Dataset, u_first: xr.DataArray, runs: Runs) -> dict[str, Any]:
    """Name what is compared, dims (chain, draw): parameters, thick-tailed ones as logs; curves."""
    x_first, x_last = float(runs.table["x"].min()), float(runs.table["x"].max())
    logs = {name: np.log(draws[name]) for name in ("noise", "noise_ratio")}
    named = {name: draws[name] for name in NOISE} | logs | {"A_max": draws["A_max"]}
    named |= {f"log_{name}": np.log(draws[name]) for name in ("start", "beta")}
    for times in AHEAD:
        at = max(times * x_last, x_first)
        grown = ((at - x_first) / draws["start"] + 1) ** draws["beta"]
        named[f"A({at:.3g})"] = draws["A_max"] * -np.expm1(-u_first * grown)
    return {name: part.transpose("chain", "draw").to_numpy() for name, part in named.items()}


def of_package(sample: Sample, runs: Runs) -> dict[str, Any]:
    """Name them of the package's draws."""
    draws = sample.posterior.isel(strategy=0)
    start = draws["curve"].sel(parameter="alpha", drop=True) + float(runs.table["x"].min())
    log_u = draws["curve"].sel(parameter="log_u_first", drop=True)
    return quantities(draws.assign(start=start), np.exp(log_u), runs)


def of_plain(runs: Runs, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Sample the plain model; also say how well."""
    trace = pm.sample(
        model=plain(runs), random_seed=seed, nuts_sampler="nutpie", progressbar=False,
        cores=2, compute_convergence_checks=False, **SETTINGS,
    )  # fmt: skip
    draws = trace["posterior"].to_dataset()
    told = {"divergences": int(trace["sample_stats"]["diverging"].sum())}
    return quantities(draws, -np.log1p(-draws["reached"]), runs), told


def compare(ours: dict[str, Any], theirs: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Compare means and standard deviations, in Monte-Carlo errors of their difference."""
    for name, draws in ours.items():
        for statistic, of in (("mean", np.mean), ("sd", np.std)):
            errors = [az.mcse(part, method=statistic) for part in (draws, theirs[name])]
            z = (of(draws) - of(theirs[name])) / np.hypot(*errors)
            yield {"quantity": name, "statistic": statistic, "z": float(z)}


def chosen(folder: Path, sources: list[str]) -> list[Cell]:
    """Choose of five sources, or those asked for, the middle one of the cells of few episodes."""
    small = pd.DataFrame(
        [{"source": cell.source, "cell": cell} for cell in cells(folder) if fits(cell)]
    )
    middle = {name: part.iloc[len(part) // 2] for name, part in small.groupby("source")["cell"]}
    return [middle[name] for name in sources or list(middle)[:SOURCES]]


def fits(cell: Cell) -> bool:
    """Return True if all runs have the same few episodes, at the same x."""
    table = cell.half.table
    of_episode = table.groupby("episode")["x"]
    complete = (of_episode.size() == table["repetition"].nunique()).all()
    return bool(complete and of_episode.nunique().max() == 1 and len(of_episode) <= MOST)


def main() -> None:
    parser = curves_parser(__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sources", nargs="*", default=[], help="only cells of these")
    args = parser.parse_args()
    lines = []
    for cell in chosen(args.curves, args.sources):
        runs = cell.half
        theirs, told = of_plain(runs, args.seed)
        sample = sample_strategy(
            runs, named_priors("default"), Settings(draws=2000, seed=args.seed)
        )
        table = pd.DataFrame(compare(of_package(sample, runs), theirs))
        worst = table.loc[table["z"].abs().idxmax()]
        z = table["z"].abs()
        least = min(float(az.ess(part, method="bulk")) for part in theirs.values())
        worst_r = max(float(az.rhat(part)) for part in theirs.values())
        lines.append(
            {"cell": cell.id, "data": len(runs.table), **told, "r_hat": worst_r, "ess": least,
             "ess_ours": sample.verdict["ess_bulk"], "compared": len(table), "largest_z": z.max(),
             "at": f"{worst['statistic']} of {worst['quantity']}",
             "over_2": f"{(z > 2).mean():.0%}",
             "judged": "agrees" if z.max() < LARGEST else "DISAGREES"}
        )  # fmt: skip
        print(lines[-1], file=sys.stderr, flush=True)
    table = pd.DataFrame(lines)
    print(table.to_string(index=False, float_format="{:.3g}".format))
    agree = int((table["judged"] == "agrees").sum())
    print(f"{agree} of {len(table)} cells agree, {table['compared'].sum()} statistics.")
    sys.exit(agree < len(table))


if __name__ == "__main__":
    main()
