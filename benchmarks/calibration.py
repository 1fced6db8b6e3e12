"""Is the whole chain calibrated, from the priors to a decision? Simulation-based calibration.

python benchmarks/calibration.py --design default --simulations 1000 --out calibration/default
python benchmarks/calibration.py --figure calibration.png --out calibration/*

Parameters, misfit and runs are drawn from the priors by a simulator of its own (`designs.py`), and
fitted as a user would; each truth is ranked among the draws of what the package says about it
(Talts et al. 2018). Ranks are uniform if all is right. simuk would sample a PyMC model by
`pm.sample`; here the package's own way is tried: regions, second tries, pooling and forecasts.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import xarray as xr
from arviz_stats.ecdf_utils import ecdf_pit
from cells import kept_in
from designs import BATCH, DESIGNS, Task, drawn, log_likelihood
from reference_model import Array

from palm_bayes.decisions.trajectories import first_reached
from palm_bayes.evaluation.checkpoints import Checkpoints, Part
from palm_bayes.inference.fitting import fit_validated
from palm_bayes.inference.settings import Settings
from palm_bayes.model.learned import shipped
from palm_bayes.palm_fit import PalmFit

THINNED = 200  # draws that the truth is ranked among: nearly independent
PARAMETERS = ("A_max", "delta", "alpha", "beta", "noise", "noise_ratio", "rho", "shared", "lasting")
STRAYED = (1.5, 2.0, 4.0)  # times the last x, where the misfit itself is ranked
WIDTHS = (50, 80, 95)  # percent in the middle
COLUMNS = 3  # of the figure
SURE = 0.001  # of a design: smaller p-values, times their number, are no chance


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, nargs="+", required=True, help="folders of ranks")
    parser.add_argument("--design", choices=list(DESIGNS), help="simulate it, into the one folder")
    parser.add_argument("--simulations", type=int, default=1000)
    parser.add_argument("--fresh", action="store_true", help="start anew: the model has changed")
    parser.add_argument("--figure", type=Path, help="draw the ranks of all folders")
    args = parser.parse_args()
    if args.design:
        kept = Checkpoints.open(args.out[0], {"design": args.design}, fresh=args.fresh)
        for seed in range(args.simulations):
            if kept.get(str(seed)) is None:
                kept.keep(str(seed), {"ranks": ranked(args.design, seed)})
            print(f"{(seed + 1) / args.simulations:6.1%}", end="\r", flush=True)
    found = {folder.name: gathered(folder, args.simulations) for folder in args.out}
    uniform = [report(name, ranks) for name, ranks in found.items()]
    if args.figure:
        draw(found, args.figure)
    print(f"{sum(uniform)} of {len(uniform)} designs with uniform ranks.")
    sys.exit(not all(uniform))


def ranked(design: str, seed: int) -> pd.DataFrame:
    """Rank the truths of one simulation among the draws of its fit."""
    rng = np.random.default_rng([seed, *design.encode()])
    task = drawn(DESIGNS[design], rng)
    settings = Settings(seed=seed, cores=1)
    priors = DESIGNS[design].priors
    fit = PalmFit.of(fit_validated(task.runs, priors=priors, learned=shipped(), settings=settings))
    passed = bool(fit.convergence.table["passed"].all())
    rows = [
        {"quantity": name, "rank": rank(truth, draws, rng), "passed": passed}
        for name, truth, draws in quantities(task, fit)
    ]
    return pd.DataFrame(rows)


def quantities(task: Task, fit: PalmFit) -> Iterator[tuple[str, float, Array]]:
    """Name, truth and draws of what is ranked, of the first strategy."""
    name = fit.runs.strategies[0]
    posterior = fit.trace["posterior"].to_dataset().sel(strategy=name)
    true = task.points.quantities(np.array([]))
    for parameter in PARAMETERS:
        yield parameter, true[parameter][0], flat(posterior[parameter])
    data = task.design.data
    yield from expectations(task, fit, name)
    target, reached = target_of(task), fit.labels_to_reach
    needed = reached(target, until=4 * data.x_last * BATCH)
    budgets = needed.paths["budget"]
    curve = xr.DataArray(task.expected(budgets.to_numpy() / BATCH)[0], {"budget": budgets})
    yield (
        "labels to target",
        float(first_reached(curve, target)),
        needed.needed.sel(strategy=name).to_numpy(),
    )
    own = (fit.runs.table["strategy"] == name).to_numpy()
    each = fit.trace["log_likelihood"]["accuracy"].isel(observation=own)
    yield "log likelihood", log_likelihood(task, 0), flat(each.sum("observation"))


def expectations(task: Task, fit: PalmFit, name: str) -> Iterator[tuple[str, float, Array]]:
    """The expected accuracy, the misfit alone, and the difference of two strategies."""
    data = task.design.data
    x = np.array([data.x_first, data.x_last, *(times * data.x_last for times in STRAYED)])
    draws = fit.forecast(labels=x * BATCH)
    true, curve = task.expected(x), task.points.curve(x)
    for i, words in ((0, "E(first x)"), (1, "E(last x)"), (len(x) - 1, "E(4 last x)")):
        yield words, true[0, i], flat(draws.draws.sel(strategy=name).isel(x=i))
    for i, times in enumerate(STRAYED, 2):
        misfit = flat(draws.sources["misfit"].sel(strategy=name).isel(x=i))
        yield f"misfit({times:g} last x)", true[0, i] - curve[0, i], misfit
    if task.design.strategies > 1:
        first, second = (draws.draws.sel(strategy=one) for one in fit.runs.strategies[:2])
        yield "difference(2 last x)", true[0, 3] - true[1, 3], flat((first - second).isel(x=3))


def target_of(task: Task) -> float:
    """A quarter of the way from the last mean accuracy to 1: a function of the data alone."""
    ends = task.y[0, :, -1]
    return float(0.75 * np.nanmean(ends) + 0.25)


def rank(truth: float, draws: Array, rng: np.random.Generator) -> float:
    """Share of evenly thinned draws below the truth, ties broken at random; in (0, 1)."""
    some = draws[np.linspace(0, len(draws) - 1, THINNED).astype(int)]
    ties = rng.random() * ((some == truth).sum() + 1)
    return float(((some < truth).sum() + ties) / (len(some) + 1))


def flat(draws: xr.DataArray) -> Array:
    return draws.transpose("chain", "draw").to_numpy().ravel()


def gathered(folder: Path, simulations: int) -> pd.DataFrame:
    """Read the ranks that are there, of at most so many simulations."""
    kept, parts = kept_in(folder), []
    for seed in range(simulations):
        part: Part | None = kept.get(str(seed))
        if part is not None:
            parts.append(part["ranks"].assign(seed=seed))
    return pd.concat(parts, ignore_index=True)


def as_pit(ranks: pd.DataFrame) -> xr.DataTree:
    """Ranks as ArviZ has them."""
    table = ranks.pivot(index="seed", columns="quantity", values="rank")[ranks["quantity"].unique()]
    values = {name: (("chain", "draw"), one.to_numpy()[None]) for name, one in table.items()}
    return xr.DataTree.from_dict({"prior_sbc": xr.Dataset(values)})


def report(name: str, ranks: pd.DataFrame) -> bool:
    """Print how uniform the ranks of each quantity are; return True if all may be."""
    rows = {}
    p = uniformity(ranks)
    for quantity, own in ranks.groupby("quantity", sort=False)["rank"]:
        inside = {f"middle {w} %": 100 * ((own - 0.5).abs() <= w / 200).mean() for w in WIDTHS}
        rows[quantity] = {"mean": own.mean(), **inside, "p": p[str(quantity)]}
    table = pd.DataFrame(rows).T
    passed = ranks.groupby("seed")["passed"].first()
    print(f"\n{name}: {len(passed)} simulations, {passed.mean():.1%} of the fits converged")
    print(table.round(3).to_string())
    # Quantities are correlated: Bonferroni's bound is on the safe side.
    least = len(table) * table["p"].min()
    print(f"smallest p times {len(table)} quantities: {least:.2g}")
    return bool(least > SURE)


def uniformity(ranks: pd.DataFrame) -> dict[str, float]:
    """p-value of each quantity's ranks (POT-C, Tesso et al. 2026)."""
    values, *_ = as_pit(ranks)["prior_sbc"].to_dataset().azstats.uniformity_test()
    return {str(name): float(value) for name, value in values.items()}


def draw(found: dict[str, pd.DataFrame], path: Path) -> None:
    """Draw how the ranks' distributions differ from the uniform one, a panel a design.

    The band holds a whole line with probability 95 % (Säilynoja et al. 2022).
    """
    rows = -(-len(found) // COLUMNS)
    figure, axes = plt.subplots(
        rows, COLUMNS, figsize=(3 * COLUMNS, 2.4 * rows), sharex=True, layout="constrained"
    )
    for ax, (name, ranks) in zip(axes.flat, found.items(), strict=False):
        for _, own in ranks.groupby("quantity", sort=False)["rank"]:
            at, ecdf, low, high = ecdf_pit(own.to_numpy(), 0.95, 1000)
            ax.plot(at, ecdf - at, color="C0", lw=0.8, alpha=0.6)
        ax.fill_between(at, low - at, high - at, color="0.85", zorder=0)
        ax.axhline(0, color="0.4", lw=0.8)
        ax.set_title(f"{name}, {ranks['seed'].nunique()}", fontsize="medium")
    for ax in axes.flat[len(found) :]:
        ax.set_axis_off()
    figure.supxlabel("rank of the truth, as a share")
    figure.supylabel("share of ranks below, less this")
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
