"""Does the net-value rule stop at the right time, on real curves? See README.md.

python benchmarks/stopping.py --curves DIR --out stopping

The cost of stopping is n m (1 - accuracy) + l labels: n m, what a wrong answer on everything would
cost, against l, a label. Both are given as shares of one another by their ratio n m / (l L), L all
labels of the run. Costs are in percent of n m + l L: all labels bought, and every answer wrong.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from cells import TASK, curves_parser
from stopping_replay import Replay, expected, replays, settings
from stopping_rules import FORCED, OURS, doubts, policies

from palm_bayes.evaluation.checkpoints import Checkpoints, Part

RATIOS = (1, 3, 10, 30, 100, 300)
WANTED = 0.7
KEY = [*TASK, "strategy", "repetition"]


def main() -> None:
    parser = curves_parser(__doc__, stride=1, out="stopping", fresh=True)
    parser.add_argument("--repetitions", type=int, default=1, help="runs of a cell, default 1")
    parser.add_argument("--mean", action="store_true", help="a run is a cell: all its repetitions")
    parser.add_argument("--offset", type=int, default=0, help="from this one: shares of two cores")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    every = list(replays(args.curves, args.repetitions, mean=args.mean))
    kept = Checkpoints.open(args.out / "runs", settings(every, args.seed), fresh=args.fresh)
    chosen = every[args.offset :: args.stride]
    rows, decisions = [], []
    for i, replay in enumerate(chosen):
        print(f"{i / len(chosen):6.1%}  {replay.name}", flush=True)
        part = expected(replay, kept, args.seed)
        head = dict(zip(KEY, replay.key, strict=True))
        rows += [head | row for row in regrets(replay, part)]
        doubted = doubts(part, replay.decisions[:-1])
        at = {f"doubt {ratio}": doubted(ratio) for ratio in RATIOS}
        decisions.append(part["doubts"].assign(**head, **at))
    table = pd.DataFrame(rows)
    table.to_csv(args.out / "regrets.csv", index=False)
    report(table, pd.concat(decisions, ignore_index=True))


def regrets(replay: Replay, part: Part) -> Iterator[dict[str, object]]:
    """Yield the regret of every rule at every ratio, in percent of n m + l L."""
    curve = replay.curve.loc[replay.decisions]
    share = curve["labels"].to_numpy() / curve["labels"].iloc[-1]
    wrong = 1 - curve["accuracy"].to_numpy()
    for policy in policies(replay, part):
        for ratio in RATIOS:
            cost = 100 * (ratio * wrong + share) / (ratio + 1)
            stops = policy.stops(ratio)
            at = int(stops.argmax()) if stops.any() else len(cost) - 1
            yield {
                "rule": policy.name,
                "knows_costs": policy.knows_costs,
                "ratio": ratio,
                "regret": cost[at] - cost.min(),
                "share": share[at],
            }


def report(table: pd.DataFrame, decisions: pd.DataFrame) -> None:
    """Print mean regrets, what is judged, and how often the rule could not say."""
    runs = table[KEY].drop_duplicates()
    print(
        f"\n{len(runs)} runs, {len(decisions)} fits, "
        f"{decisions['seconds'].mean():.2f} s of processor each"
    )
    print("\nMean regret, % of n m + l L; ratio n m / (l L):")
    by_ratio = table.pivot_table(index=["knows_costs", "rule"], columns="ratio", values="regret")
    by_source = table.groupby([*by_ratio.index.names, "source"])["regret"].mean()
    by_ratio["mean"] = table.groupby(by_ratio.index.names)["regret"].mean()
    by_ratio["sources alike"] = by_source.groupby(by_ratio.index.names).mean()
    by_ratio["labels used, %"] = 100 * table.groupby(by_ratio.index.names)["share"].mean()
    print(by_ratio.sort_values("mean").round(3).to_string())
    for aware in (False, True):
        print(_judged(table, "not knowing the costs" if not aware else "all", aware=aware))
    print("\nCannot say, % of the decisions, by ratio and episodes seen:")
    columns = [f"doubt {ratio}" for ratio in RATIOS]
    seen = pd.cut(
        decisions["now"], [0, 4, 5, 7, 10, 1000], labels=["4", "5", "6-7", "8-10", "more"]
    )
    share = decisions.groupby(seen, observed=True)[columns].mean()
    share.loc["all"] = decisions[columns].mean()
    print((100 * share).set_axis(RATIOS, axis=1).round(1).to_string())
    causes = decisions["fit"].str.split(",").str[0].replace("", pd.NA).value_counts()
    prior = int((decisions["prior"] != "").sum())
    told = [*(f"{cause} {n}" for cause, n in causes.items()), f"mostly prior {prior}"]
    print(f"Of {len(decisions)} fits: {', '.join(told)} (where the verdict hangs on it)")


def _judged(table: pd.DataFrame, which: str, *, aware: bool) -> str:
    """Ratio to the best baseline, one for all ratios; 90 % interval by resampling data sets."""
    ours = table["rule"].isin([OURS, FORCED])
    others = table[~ours & (aware | ~table["knows_costs"])]
    best = others.groupby("rule")["regret"].mean().idxmin()
    both = table[table["rule"].isin([OURS, best])]
    sums = both.pivot_table(
        index=["source", "dataset"], columns="rule", values="regret", aggfunc="sum"
    )
    rng = np.random.default_rng(0)
    draws = sums.to_numpy()[rng.integers(len(sums), size=(2000, len(sums)))].sum(axis=1)
    of = {name: draws[:, i] for i, name in enumerate(sums.columns)}
    low, high = np.quantile(of[OURS] / of[best], (0.05, 0.95))
    ratio = float(sums[OURS].sum() / sums[best].sum())
    word = "yes" if ratio <= WANTED else "NO"
    return (
        f"\nAgainst the best baseline ({which}), {best}: regret ratio {ratio:.2f} "
        f"[{low:.2f}-{high:.2f}], wanted <= {WANTED}: {word}"
    )


if __name__ == "__main__":
    main()
