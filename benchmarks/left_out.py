"""Do bands hold on sources that the numbers were not learned from, and what is each part worth?

python benchmarks/left_out.py --curves DIR --keep left_out
python benchmarks/left_out.py --curves DIR --keep left_out --parts

Every strategy is fitted to a quarter and to half of its episodes, once (`palm_bayes.learn`).
Each source is forecast with what the other sources teach. `--parts` leaves out one part of the
model at a time and tells by how much later accuracies are less likely, source by source: the score
is the mean log density of later accuracies, forecasts counting alike.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from cells import curves_parser, show_progress

from palm_bayes.evaluation import learn as learning
from palm_bayes.evaluation import search
from palm_bayes.evaluation.held_out import FittedTask
from palm_bayes.evaluation.learn_result import Lesson
from palm_bayes.evaluation.scores import THIRDS
from palm_bayes.model.learned import Learned, LogNormal, shipped

NEVER = 1e-9  # in place of 0, of which there is no logarithm
TYPICAL = 0.2  # log-odds: noise of a single accuracy


def main() -> None:
    parser = curves_parser(__doc__)
    parser.add_argument("--keep", type=Path, required=True, help="resumed if it is there")
    parser.add_argument("--workers", type=int, default=0, help="processes; 0: this one")
    parser.add_argument("--parts", action="store_true", help="what each part is worth")
    parser.add_argument(
        "--own", metavar="SOURCE", help="learn from half of a source's tasks, judge the others"
    )
    parser.add_argument("--start", type=Path, help="prior that fits are made with")
    parser.add_argument("--out", type=Path, help="write what all sources teach: `prior.json`")
    args = parser.parse_args()
    files = sorted(args.curves.glob("*.csv.gz"))
    lesson = learning.learn(
        files,
        start=args.start,
        keep=args.keep,
        workers=args.workers,
        command="python benchmarks/left_out.py --curves curves --keep left_out --out prior.json",
        progress=show_progress,
    )
    if args.out:
        lesson.learned.write(args.out)
    sampled = Learned.read(args.start) if args.start else shipped()
    report(lesson, sampled)
    if args.parts:
        report_parts(lesson, sampled)
        report_common(lesson, sampled)
    if args.own:
        report_own(lesson, sampled, args.own)


def report(lesson: Lesson, sampled: Learned) -> None:
    """Print what the bands of left-out forecasts held."""
    for source, learned in lesson.without.items():
        print(f"without {source}: {learned}")
    print(lesson.table.round(3).to_string())
    below = pd.concat(
        [task.pit_values(lesson.without[task.source], sampled) for task in lesson.tasks],
        ignore_index=True,
    )
    print("\nHeld by bands of left-out forecasts, %:")
    print(held(below, ["scope"]).to_string())
    for by in ("third", "source"):
        print(held(below, [by, "scope"])[["80 %"]].unstack("scope").to_string())
    for row in lesson.learned.held:
        print(f"up to {row.times:g} times the labels: {row.share:.1%} of {row.forecasts}")


def held(below: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Shares of what came inside central bands, in percent."""
    named = below.assign(
        scope=np.where(below["mean"], "mean", "repetition"),
        third=pd.Categorical.from_codes(below["third"], THIRDS),
        **{f"{band} %": (below["p"] - 0.5).abs() <= band / 200 for band in (50, 80, 95)},
    )
    bands = [f"{band} %" for band in (50, 80, 95)]
    return (100 * named.groupby(by, observed=True)[bands].mean()).round(1)


def report_parts(lesson: Lesson, sampled: Learned) -> None:
    """Print how much less likely later accuracies are without a part of the model."""
    learned, misfit = lesson.learned, lesson.learned.misfit
    alike = misfit.scale * (TYPICAL / 0.05) ** misfit.by_noise
    without = {
        "growth by labels": replace(misfit, scale=NEVER),
        "growth by noise": replace(misfit, by_noise=NEVER, scale=alike),
        "growth by gain": replace(misfit, by_gain=NEVER),
        "straight line": replace(misfit, straight=NEVER),
        "heavy tails": replace(misfit, tail=NEVER),
        "more noise in common": replace(misfit, later_shared=0.0),
        "gains in common": replace(misfit, between_gains=np.inf),
        "levels in common": replace(misfit, between_levels=np.inf),
        "all of these: pure PALM": replace(
            misfit,
            **dict.fromkeys(("scale", "by_gain", "straight", "later_shared"), 0.0),
            **dict.fromkeys(("between_gains", "between_levels"), np.inf),
        ),
    }
    models = {name: replace(learned, misfit=part) for name, part in without.items()}
    old = {"alpha_start": LogNormal(1.5, 1.0), "beta": LogNormal(0.22, 0.45)}
    models["priors of alpha and beta before"] = replace(learned, **old)
    full = scores(lesson.tasks, learned, sampled)
    rows = {name: scores(lesson.tasks, model, sampled) - full for name, model in models.items()}
    print("\nScore without a part, the other numbers as they are, less the whole model's:")
    print(pd.DataFrame(rows).T.round(3).to_string())


def report_common(lesson: Lesson, sampled: Learned) -> None:
    """Print the log score of the strategies' order by the common share, source by source."""
    commons = list(search.COMMONS)
    rows = [
        (task.source, *task.orders(lesson.learned, sampled, commons))
        for task in lesson.tasks
        if len(task.laters) > 1
    ]
    table = pd.DataFrame(rows, columns=["source", *commons]).dropna().set_index("source")
    means = table.groupby(level=0).mean().assign(fits=table.groupby(level=0).size())
    means.loc["all"] = [*table.mean(), len(table)]
    print("\nLog score of which strategy has the higher later mean, by the share in common:")
    print(means.round(3).to_string())


def report_own(lesson: Lesson, sampled: Learned, source: str) -> None:
    """Print what a lab gains that learns from its own past: of its tasks every second is past."""
    own = [task for task in lesson.tasks if task.source == source]
    past, new = own[::2], own[1::2]
    before = lesson.without[source]
    after = search.likeliest(past, before, sampled, tries=160)
    print(f"\nLearned from half of the tasks of {source}, judged on the other half:")
    for name, learned in (("other projects'", before), ("its own past", after)):
        below = pd.concat([task.pit_values(learned, sampled) for task in new])
        score = scores(new, learned, sampled)["all"]
        print(f"{name}: score {score:.3f}, {learned}")
        print(held(below, ["scope"]).to_string())


def scores(tasks: Sequence[FittedTask], learned: Learned, sampled: Learned) -> "pd.Series[float]":
    """Mean score of each source, and of all strategies."""
    rows = [(task.source, one) for task in tasks for one in task.scores(learned, sampled)]
    table = pd.DataFrame(rows, columns=["source", "score"])
    return pd.concat(
        [table.groupby("source")["score"].mean(), pd.Series({"all": table["score"].mean()})]
    )


if __name__ == "__main__":
    main()
