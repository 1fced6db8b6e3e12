"""Is the whole chain calibrated, from the prior to a forecast? Simulation-based calibration.

python benchmarks/calibration.py --out calibration

Parameters and misfit are drawn from the prior and runs from them, in code of its own
(`reference_model.py`); each is fitted, and the truth's rank among the posterior's draws taken
(Talts et al. 2018). Ranks are uniform if all is right. Runs with an accuracy outside [0, 1], which
no user has, are drawn again: that depends on the data alone and leaves ranks uniform.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from correctness import BEYOND, of_nuts, strayed
from reference_model import Array, Data, Points, prior_draws, simulated
from scipy import stats

from palm_bayes.data.runs import Runs
from palm_bayes.evaluation.checkpoints import Checkpoints, Part
from palm_bayes.inference.nuts import Settings, sample_strategy
from palm_bayes.model.learned import shipped
from palm_bayes.model.priors import named_priors

THINNED = 200  # draws that the truth is ranked among: nearly independent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="resumed if it is there")
    parser.add_argument("--fresh", action="store_true", help="start anew: the model has changed")
    parser.add_argument("--simulations", type=int, default=200)
    parser.add_argument("--priors", default="default", choices=["default", "bounds"])
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--episodes", type=int, default=8)
    args = parser.parse_args()
    design = {name: getattr(args, name) for name in ("priors", "repetitions", "episodes")}
    kept = Checkpoints.open(args.out, design, fresh=args.fresh)
    x = np.arange(1.0, args.episodes + 1)
    empty = Data(x, x, np.zeros((args.repetitions, args.episodes)), x[0], x[-1])
    parts = []
    for seed in range(args.simulations):
        part = kept.get(str(seed))
        if part is None:
            part = ranked(empty, args.priors, seed)
            kept.keep(str(seed), part)
        parts.append(part["ranks"].assign(seed=seed))
        print(f"{(seed + 1) / args.simulations:6.1%}", flush=True)
    report(pd.concat(parts, ignore_index=True))


def ranked(empty: Data, priors: str, seed: int) -> Part:
    """Rank the truth of one simulation among the draws of its fit."""
    rng = np.random.default_rng(seed)
    truth, runs = drawn(empty, priors, rng)
    sample = sample_strategy(runs, named_priors(priors), Settings(seed=seed))
    data = truth.data
    x = np.array([data.x_first, data.x_last])
    found = of_nuts(sample, x, data)
    true = truth.quantities(x) | {"noise_ratio": np.log(truth.noise_ratio)}
    for times in BEYOND:
        name = f"E({times:g} x_last)"
        at = times * data.x_last
        true[name] = truth.strayed(at, shipped().misfit, np.random.default_rng([seed, 1]))
        found[name] = strayed(sample, runs, at, seed)
    rows = [
        {"quantity": name, "rank": rank(true[name][0], draws), "passed": sample.verdict["passed"]}
        for name, draws in found.items()
    ]
    return {"ranks": pd.DataFrame(rows)}


def drawn(empty: Data, priors: str, rng: np.random.Generator) -> tuple[Points, Runs]:
    """Draw parameters and runs, until all accuracies can be ones."""
    while True:
        z = prior_draws(empty, priors, 1, rng)
        y = simulated(z, empty, rng)[0]
        if y.min() >= 0 and y.max() <= 1:
            return Points.of(z, empty), runs_of(y, empty)


def runs_of(y: Array, data: Data) -> Runs:
    """Runs of one strategy; y of dims (run, episode)."""
    index = pd.MultiIndex.from_product([range(len(y)), data.episode.astype(int)])
    table = pd.Series(y.ravel(), index.set_names(["repetition", "episode"]), name="accuracy")
    return Runs.from_frame(table.reset_index().assign(strategy="simulated"), percent=False)


def rank(truth: float, draws: Array) -> float:
    """Share of evenly thinned draws below the truth, in (0, 1)."""
    flat = draws.ravel()
    some = flat[np.linspace(0, len(flat) - 1, THINNED).astype(int)]
    return float(((some < truth).sum() + 0.5) / (len(some) + 1))


def report(ranks: pd.DataFrame) -> None:
    """Print how uniform the ranks of each quantity are."""
    rows = {}
    for name, own in ranks.groupby("quantity", sort=False)["rank"]:
        inside = {
            f"in the middle {p} %": 100 * ((own - 0.5).abs() <= p / 200).mean()
            for p in (50, 80, 95)
        }
        rows[name] = {"mean": own.mean(), **inside, "p (KS)": stats.kstest(own, "uniform").pvalue}
    print(pd.DataFrame(rows).T.round(3).to_string())
    last = ranks.groupby("seed")["passed"].first()
    print(f"{len(last)} simulations, {last.mean():.1%} of the fits converged.")


if __name__ == "__main__":
    main()
