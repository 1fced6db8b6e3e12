"""Is the strategy chosen early the best later, and do assured budgets suffice? See README.md.

python benchmarks/selection.py --curves DIR --out selection
python benchmarks/selection.py --curves DIR --out selection_pools --pools benchmarks/pools.csv
"""

import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from cells import TASK, curves_parser
from forecast import curves
from pools import pool_sizes

import palm_bayes
from palm_bayes import PalmFit, Runs
from palm_bayes.decisions.alda import point_advice
from palm_bayes.decisions.label_budget import LabelsToReach
from palm_bayes.decisions.pairwise import best
from palm_bayes.evaluation.cells import train_size
from palm_bayes.evaluation.checkpoints import Checkpoints, Part
from palm_bayes.forecast.baselines import fitted
from palm_bayes.inference.partial_pooling import shared_noise

ASSURANCE, WANTED = 0.8, (77, 83)
GAINS = (0.01, 0.02, 0.05)  # targets: so far above the highest mean seen
PLACES = {"half way": 0.5, "at the end": 1.0}  # of the later episodes that all strategies have
LEAST_SQUARES = ("palm_py", "palm_multistart")
CHOOSERS = ("palm_bayes", *LEAST_SQUARES, "alda", "best_so_far")

type Row = dict[str, object]


def main() -> None:
    parser = curves_parser(__doc__, stride=1, out="selection", fresh=True)
    parser.add_argument("--fraction", type=float, default=0.25, help="of the episodes, fitted")
    parser.add_argument("--pools", type=Path, help="table of source, dataset and pool, their sizes")
    args = parser.parse_args()
    table, sizes = curves(args.curves), pool_sizes(args.pools)
    settings = {"fraction": args.fraction, "pools": sizes}
    parts = Checkpoints.open(args.out, settings, fresh=args.fresh)
    tasks = list(table.groupby(TASK))[:: args.stride]
    done: list[Part] = []
    for number, (task, frame) in enumerate(tasks, 1):
        name = "/".join(map(str, task))
        print(f"{number / len(tasks):6.1%}  {name}", flush=True)
        part = parts.get(name)
        if part is None:
            pool = sizes.get("/".join(map(str, task[:2])))
            part = judged(palm_bayes.read(frame, pool=pool), name, args.fraction)
            parts.keep(name, part)
        done.append(part)
    of_choices = partial(report_choices, fraction=args.fraction)
    for name, report in (("choices", of_choices), ("budgets", report_budgets)):
        rows = pd.concat([part[name] for part in done], ignore_index=True)
        rows.to_csv(args.out / f"{name}.csv", index=False)
        report(rows)


def judged(full: Runs, name: str, fraction: float) -> Part:
    """Fit a task's first episodes; put what it says beside what came."""
    episodes = train_size(int(full.table["episode"].max()), fraction)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", palm_bayes.PalmWarning)
        fit = palm_bayes.fit(full.first(episodes))
        names = full.table["repetition"].unique()
        table = full.table.drop(columns="x")
        half, others = (
            replace(
                Runs.from_frame(table[table["repetition"].isin(names[i::2])], batch=full.batch),
                read_with=full.read_with,
            )
            for i in range(2)
        )
        of_half = palm_bayes.fit(half.first(episodes))
    means = full.table.groupby(["strategy", "episode"])[["labels", "x", "accuracy"]].mean()
    of_all = means["accuracy"].unstack("strategy").dropna().index
    later = of_all[of_all > episodes].to_numpy(int)
    rows = [
        {**row, "place": place}
        for place, share in PLACES.items()
        if len(later) > 1 and len(full.strategies) > 1
        for row in chosen(fit, means, episodes, int(later[round(share * len(later)) - 1]))
    ]
    choices = pd.DataFrame(rows)
    budgets = pd.DataFrame(assured(of_half, others))
    converged = bool(fit.convergence.passed)
    return {
        "choices": choices.assign(task=name, converged=converged),
        "budgets": budgets.assign(task=name, converged=converged),
    }


def chosen(fit: PalmFit, means: pd.DataFrame, episodes: int, end: int) -> Iterator[Row]:
    """Each strategy's mean at the episode `end`, P(best), and who chooses it."""
    names = list(fit.runs.strategies)
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
    p_best_mean = best_means(fit, end)
    for name in names:
        yield {
            "strategy": name,
            "truth": later.loc[name, "accuracy"],
            "p_best": p_best[name],
            "p_best_mean": p_best_mean[name],
            "shared": shared_noise(fit.runs),
            **{by: picks[by] == name for by in CHOOSERS},
        }


def best_means(fit: PalmFit, episode: int) -> "pd.Series[float]":
    """Return the probability that a strategy has the highest mean of the continuing repetitions."""
    draws = fit.forecast(episodes=[episode], scope="continuing").draws.isel(x=0)
    means = draws.mean("repetition").stack(sample=("chain", "draw"))
    return best(means).mean("sample").to_series()


def least_squares(mean: pd.DataFrame, episodes: int, end: int) -> dict[str, float]:
    seen, at = mean.loc[:episodes], mean.loc[[end], "x"].to_numpy()
    x, y = seen["x"].to_numpy(), seen["accuracy"].to_numpy()
    return {by: float(fitted(by, x, y)(at)[0]) for by in LEAST_SQUARES}


def assured(fit: PalmFit, others: Runs) -> Iterator[Row]:
    """Assured budgets beside the first episode at which other repetitions were at the target.

    Targets are set blindly, so far above the highest mean seen. Episodes are compared, not labels,
    since real batches vary: the k-th batch bought is the k-th. The expected curve is not known, but
    the mean of the others, whose noise reaches a target too soon; at the budget it is as often too
    high as too low.
    """
    runs, now = fit.runs, seen(fit.runs)
    episodes = int(runs.table["episode"].max())
    means = runs.table.groupby(["strategy", "episode"])["accuracy"].mean()
    highest = means.groupby("strategy").max()
    both = [name for name in runs.strategies if name in others.strategies]
    any_target = min(float(runs.table["accuracy"].max()), 0.99)
    for scope in ("expected", "new"):
        asked = fit.labels_to_reach(any_target, assurance=ASSURANCE, scope=scope)
        for strategy, gain in product(both, GAINS):
            target = float(highest[strategy]) + gain
            if target > 1:
                continue
            their = others.strategy(strategy).table
            mean = their.groupby("episode")["accuracy"].mean()
            each = [run.set_index("episode")["accuracy"] for _, run in their.groupby("repetition")]
            here = replace(asked, target=target)
            budget = here.table.set_index("strategy")["budget"][strategy]
            steps = np.ceil((budget - now) / runs.batch - 1e-6)
            for curve in [mean] if scope == "expected" else each:
                last = float(curve.index.max())
                until = min(episodes + steps, last)
                p_enough, p_reached = (
                    chance(here, strategy, now + (at - episodes) * runs.batch)
                    for at in (until, last)
                )
                needed = first_at(curve, target)
                yield {
                    "strategy": strategy,
                    "points": 100 * gain,
                    "scope": "a single run" if scope == "new" else "expected",
                    "given": bool(np.isfinite(budget)),
                    "seen": bool(episodes + steps <= last),
                    "p_enough": p_enough,
                    "p_reached": p_reached,
                    "reached": needed <= last,
                    "enough": needed <= until,
                    "there": float(curve[curve.index <= until].iloc[-1]) >= target,
                }


def chance(asked: LabelsToReach, strategy: str, within: float) -> float:
    return float((asked.needed.sel(strategy=strategy) <= within + 1e-6).mean())


def seen(runs: Runs) -> float:
    return float(runs.table.groupby("episode")["labels"].median().cummax().iloc[-1])


def first_at(curve: "pd.Series[float]", target: float) -> float:
    there = curve.index[curve >= target]
    return float(there[0]) if len(there) else np.inf


def report_choices(rows: pd.DataFrame, fraction: float) -> None:
    """Print hit rate and loss by chooser, and the reliability of P(best), by place."""
    for place, part in rows.groupby("place", sort=False):
        tasks = part["task"].nunique()
        print(f"\nBest {place}, chosen from {fraction:.0%} of the episodes, {tasks} tasks:")
        _report_choices(part)


def _report_choices(rows: pd.DataFrame) -> None:
    of_task = rows.groupby("task")
    top = of_task["truth"].transform("max")
    rows = rows.assign(loss=top - rows["truth"], best=rows["truth"] >= top - 1e-12)
    ties = rows.groupby("task")["best"].transform("sum")
    rows = rows.assign(share=rows["best"] / ties)
    table = {by: rows.loc[rows[by], ["best", "loss"]].mean() for by in CHOOSERS}
    table["coin"] = rows.groupby("task")[["best", "loss"]].mean().mean()
    shown = 100 * pd.DataFrame(table).T
    print(shown.rename(columns={"best": "hit, %", "loss": "loss, points"}).round(2).to_string())
    for what, unit in (("best", "hits, %"), ("loss", "loss, points")):
        of = {by: rows[rows[by]].set_index("task")[what].astype(float) for by in CHOOSERS}
        more = 100 * (of["palm_bayes"] - of["best_so_far"]).to_numpy()
        redrawn = np.random.default_rng(0).choice(more, (4000, len(more))).mean(axis=1)
        low, high = np.quantile(redrawn, (0.05, 0.95))
        print(f"More than best so far, {unit}: {more.mean():.2f} [90 %: {low:.2f} to {high:.2f}]")
    for name, what in (("p_best", "expected accuracies"), ("p_best_mean", "measured means")):
        bins = pd.cut(rows[name], [-0.001, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 1])
        reliable = rows.groupby(bins, observed=True).agg(
            strategies=("share", "size"), said=(name, "mean"), was=("share", "mean")
        )
        print(f"\nReliability of P(best), of {what}:")
        print(reliable.round(3).to_string())
        brier = ((rows[name] - rows["share"]) ** 2).mean()
        print(f"Brier score {brier:.4f}; {rows['converged'].mean():.1%} converged.")


def report_budgets(rows: pd.DataFrame) -> None:
    """Print how often assured budgets were enough, beside what the forecasts foresaw.

    Of the targets that are reached while the data last, budgets are enough for more than they
    promise, however good they are: those that are too small are often not reached in time, too, and
    do not count. So it is told what would be seen if every forecast were right. *While the data
    last* counts the budgets that end before the data do, whatever came.
    """
    low, high = WANTED
    print(f"\n{ASSURANCE:.0%} assurance budgets, {low}-{high} wanted:")
    last = rows[rows["seen"]]
    table = {}
    for scope, part in rows.groupby("scope"):
        given = part[part["given"]]
        in_data = last[last["scope"] == scope]
        table[scope, "enough of those reached"] = _shares(part, "enough", "reached")
        table[scope, "the same, budget given"] = _shares(given, "enough", "reached")
        table[scope, "enough while the data last"] = _shares(in_data, "enough")
        if scope == "expected":
            table[scope, "there while the data last"] = _shares(in_data, "there")
    print(pd.DataFrame(table).T.round(1).to_string())
    by = last.groupby(["scope", last["task"].str.split("/").str[0]])
    print("\nWhile the data last, by source:")
    print(pd.DataFrame({key: _shares(part, "enough") for key, part in by}).T.round(1).to_string())


def _shares(rows: pd.DataFrame, what: str, of: str | None = None) -> Row:
    """Share seen and share foreseen, in %, with the 90 % interval of the former over tasks."""
    counted = rows[rows[of]] if of else rows
    if counted.empty:
        return {"seen": np.nan, "budgets": 0, "tasks": 0}
    tasks = counted.groupby("task")[what].agg(["sum", "size"]).to_numpy(float)
    drawn = np.random.default_rng(0).integers(len(tasks), size=(4000, len(tasks)))
    low, high = np.quantile(np.divide(*tasks[drawn].sum(axis=1).T), (0.05, 0.95))
    foreseen = rows["p_enough"].sum() / (rows[f"p_{of}"].sum() if of else len(rows))
    return {
        "seen": 100 * counted[what].mean(), "from": 100 * low, "to": 100 * high,
        "foreseen": 100 * foreseen, "budgets": len(counted), "tasks": len(tasks),
    }  # fmt: skip


if __name__ == "__main__":
    main()
