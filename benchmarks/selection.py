"""Is the strategy chosen early the best in the end, and do assured budgets suffice? See README.md.

python benchmarks/selection.py --curves DIR --out selection
"""

import argparse
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from cells import TASK, curves_argument
from forecast import curves
from scipy.optimize import isotonic_regression

import palm_bayes
from palm_bayes import PalmFit, Runs
from palm_bayes.alda import point_advice
from palm_bayes.backtest_cells import train_size
from palm_bayes.checkpoints import Checkpoints, Part
from palm_bayes.families import fitted
from palm_bayes.pairing import shared_noise

FRACTION = 0.25
ASSURANCE, WANTED = 0.8, (77, 83)
GAINS = (0.01, 0.02, 0.05)  # targets: so far above the highest seen
SHARES = (0.25, 0.5, 1.0)  # targets: the highest in such a share of the later episodes
LEAST_SQUARES = ("palm_py", "palm_multistart")
CHOOSERS = ("palm_bayes", *LEAST_SQUARES, "alda", "best_so_far")

type Row = dict[str, object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    curves_argument(parser)
    parser.add_argument(
        "--out", type=Path, default=Path("selection"), help="resumed if it is there"
    )
    parser.add_argument("--fresh", action="store_true", help="start anew: the model has changed")
    parser.add_argument("--stride", type=int, default=1, help="take every N-th task")
    args = parser.parse_args()
    table = curves(args.curves)
    parts = Checkpoints.open(args.out, {"fraction": FRACTION}, fresh=args.fresh)
    tasks = list(table.groupby(TASK))[:: args.stride]
    done: list[Part] = []
    for number, (task, frame) in enumerate(tasks, 1):
        name = "/".join(map(str, task))
        print(f"{number / len(tasks):6.1%}  {name}", flush=True)
        part = parts.get(name)
        if part is None:
            part = judged(palm_bayes.read_runs(frame), name)
            parts.keep(name, part)
        done.append(part)
    for name, report in (("choices", report_choices), ("budgets", report_budgets)):
        rows = pd.concat([part[name] for part in done], ignore_index=True)
        rows.to_csv(args.out / f"{name}.csv", index=False)
        report(rows)


def judged(full: Runs, name: str) -> Part:
    """Fit a task's first episodes; put what it says beside what came."""
    episodes = train_size(int(full.table["episode"].max()), FRACTION)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", palm_bayes.PalmWarning)
        fit = palm_bayes.fit(full.first(episodes))
    means = full.table.groupby(["strategy", "episode"])[["labels", "x", "accuracy"]].mean()
    choices = pd.DataFrame(chosen(fit, means, episodes))
    budgets = pd.DataFrame(assured(fit, full, means, episodes))
    converged = bool(fit.convergence.passed)
    return {
        "choices": choices.assign(task=name, converged=converged),
        "budgets": budgets.assign(task=name, converged=converged),
    }


def chosen(fit: PalmFit, means: pd.DataFrame, episodes: int) -> Iterator[Row]:
    """Each strategy's mean at the last episode that all have, P(best), and who chooses it."""
    names = list(fit.runs.strategies)
    end = int(min(means.loc[name].index.max() for name in names))
    if len(names) < 2 or end <= episodes:
        return
    later = means.xs(end, level="episode").loc[names]
    found = fit.compare(at=float(later["labels"].median()))
    predicted = {name: least_squares(means.loc[name], episodes, end) for name in names}
    # ALDA is asked for half of the gain that the best least-squares curve foresees.
    best_now = max(means.loc[(name, episodes), "accuracy"] for name in names)
    best_then = max(one["palm_multistart"] for one in predicted.values())
    target = min(max((best_now + best_then) / 2, best_now), 0.999)
    advice = point_advice(fit.runs, target).set_index("method")["selected"]
    picks = {
        "palm_bayes": found.ranking["strategy"][0],
        **{by: max(names, key=lambda name: predicted[name][by]) for by in LEAST_SQUARES},
        "alda": advice.idxmax(),
        "best_so_far": max(names, key=lambda name: means.loc[(name, episodes), "accuracy"]),
    }
    p_best = found.ranking.set_index("strategy")["p_best"]
    for name in names:
        yield {
            "strategy": name,
            "truth": later.loc[name, "accuracy"],
            "p_best": p_best[name],
            "shared": shared_noise(fit.runs),
            **{by: picks[by] == name for by in CHOOSERS},
        }


def least_squares(mean: pd.DataFrame, episodes: int, end: int) -> dict[str, float]:
    seen, at = mean.loc[:episodes], mean.loc[[end], "x"].to_numpy()
    x, y = seen["x"].to_numpy(), seen["accuracy"].to_numpy()
    return {by: float(fitted(by, x, y)(at)[0]) for by in LEAST_SQUARES}


def assured(fit: PalmFit, full: Runs, means: pd.DataFrame, episodes: int) -> Iterator[Row]:
    """Assured budgets beside the first episode at which targets were reached.

    Episodes are compared, not labels, since real batches vary: the k-th batch bought is the k-th.
    The expected curve is not known: its targets are those of the mean over repetitions, whose noise
    reaches them too soon, and of the rising curve nearest to that mean.
    """
    for scope in ("expected", "new"):
        any_target = min(float(fit.runs.table["accuracy"].max()), 0.99)
        asked = fit.labels_to_reach(any_target * full.scale, assurance=ASSURANCE, scope=scope)
        for strategy in fit.runs.strategies:
            runs = full.strategy(strategy).table.groupby("repetition")
            every = [run.set_index("episode")["accuracy"] for _, run in runs]
            mean = means.loc[strategy, "accuracy"]
            of_mean = {"expected, mean": [mean], "expected, smoothed": [rising(mean)]}
            curves = of_mean if scope == "expected" else {"a single run": every}
            for truth, curve in ((name, one) for name, each in curves.items() for one in each):
                for kind, target in targets(curve, episodes):
                    found = replace(asked, target=target * full.scale)
                    row = found.table.set_index("strategy").loc[strategy]
                    steps = np.ceil((row["budget"] - seen(fit.runs)) / fit.runs.batch - 1e-6)
                    needed = first_at(curve, target)
                    yield {
                        "strategy": strategy,
                        "target": kind,
                        "scope": truth,
                        "given": bool(np.isfinite(row["budget"])),
                        "p_never": row["p_never"],
                        "reached": needed is not None,
                        "enough": needed is not None and needed <= episodes + steps,
                    }


def targets(curve: "pd.Series[float]", episodes: int) -> Iterator[tuple[str, float]]:
    """Targets above all that was seen: set blindly; and what was reached at set later episodes.

    Of the former those that are reached are the lucky ones, so that budgets are enough for more of
    them than they promise. The latter are all reached, whatever the luck.
    """
    seen, later = curve.loc[:episodes], curve.loc[episodes + 1 :]
    if later.empty or seen.empty:
        return
    for gain in GAINS:
        if seen.max() + gain <= 1:
            yield f"{100 * gain:.0f} points more", float(seen.max()) + gain
    for share in SHARES:
        reached = float(later.iloc[: max(1, round(share * len(later)))].max())
        if reached > seen.max():
            yield f"reached within {share:.0%}", reached


def rising(mean: "pd.Series[float]") -> "pd.Series[float]":
    return pd.Series(isotonic_regression(mean.to_numpy()).x, mean.index)


def seen(runs: Runs) -> float:
    return float(runs.table.groupby("episode")["labels"].median().cummax().iloc[-1])


def first_at(curve: "pd.Series[float]", target: float) -> int | None:
    there = curve.index[curve >= target]
    return int(there[0]) if len(there) else None


def report_choices(rows: pd.DataFrame) -> None:
    """Print hit rate and loss by chooser, and the reliability of P(best)."""
    of_task = rows.groupby("task")
    top = of_task["truth"].transform("max")
    rows = rows.assign(loss=top - rows["truth"], best=rows["truth"] >= top - 1e-12)
    ties = rows.groupby("task")["best"].transform("sum")
    rows = rows.assign(share=rows["best"] / ties)
    table = {by: rows.loc[rows[by], ["best", "loss"]].mean() for by in CHOOSERS}
    table["coin"] = rows.groupby("task")[["best", "loss"]].mean().mean()
    print(
        f"\nBest at the end, chosen from {FRACTION:.0%} of the episodes, {of_task.ngroups} tasks:"
    )
    shown = 100 * pd.DataFrame(table).T
    print(shown.rename(columns={"best": "hit, %", "loss": "loss, points"}).round(2).to_string())
    for what, unit in (("best", "hits, %"), ("loss", "loss, points")):
        of = {by: rows[rows[by]].set_index("task")[what].astype(float) for by in CHOOSERS}
        more = 100 * (of["palm_bayes"] - of["best_so_far"]).to_numpy()
        redrawn = np.random.default_rng(0).choice(more, (4000, len(more))).mean(axis=1)
        low, high = np.quantile(redrawn, (0.05, 0.95))
        print(f"More than best so far, {unit}: {more.mean():.2f} [90 %: {low:.2f} to {high:.2f}]")
    bins = pd.cut(rows["p_best"], [-0.001, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 1])
    reliable = rows.groupby(bins, observed=True).agg(
        strategies=("share", "size"), said=("p_best", "mean"), was=("share", "mean")
    )
    print("\nReliability of P(best):")
    print(reliable.round(3).to_string())
    brier = ((rows["p_best"] - rows["share"]) ** 2).mean()
    print(f"Brier score {brier:.4f}; {rows['converged'].mean():.1%} converged.")


def report_budgets(rows: pd.DataFrame) -> None:
    """Print how often assured budgets were enough, of curves that reached the target."""
    low, high = WANTED
    print(f"\n{ASSURANCE:.0%} assurance budgets, enough where the target was reached, %:")
    rows["kind"] = np.where(rows["target"].str.startswith("reached"), "reached", "set blindly")
    reached = rows[rows["reached"]]
    for (kind, scope), part in reached.groupby(["kind", "scope"]):
        # Where no budget has the chance asked for, none was promised that might be too small.
        for what, some in (("all", part), ("budget given", part[part["given"]])):
            share = 100 * some["enough"].mean()
            word = "holds" if low <= share <= high else "does NOT hold"
            print(f"  {kind}, {scope}, {what}: {share:.1f} of {len(some)} ({low}-{high}: {word})")
    table = rows.groupby(["scope", "target"]).agg(
        targets=("given", "size"), given=("given", "mean"), reached=("reached", "mean")
    )
    of = reached.groupby(["scope", "target"])
    table["enough where reached"] = of["enough"].mean()
    some = reached[reached["given"]].groupby(["scope", "target"])
    table["and budget given"] = some["enough"].mean()
    print(table.round(3).to_string())


if __name__ == "__main__":
    main()
