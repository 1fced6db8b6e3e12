"""The commands `stop` and `watch`: whether to go on labelling."""

from typing import TYPE_CHECKING, Annotated

import typer

from palm_bayes import _options as options
from palm_bayes._source import Source, takes_fit
from palm_bayes._terminal import report_decision, working
from palm_bayes.errors import DataError

if TYPE_CHECKING:
    from palm_bayes.decide import Decision
    from palm_bayes.fitting import PalmFit
    from palm_bayes.verdicts import Rule

RULE = "Stop rule"

Target = Annotated[
    float | None,
    options.option(
        RULE,
        "Stop when this accuracy is reached, in the data's own scale. With --budget, also when it "
        "is out of reach.",
        "--target",
        metavar="ACC",
    ),
]
Assurance = Annotated[
    float,
    options.option(
        RULE, "How sure to be that target or plateau is reached.", "--assurance", metavar="P"
    ),
]
Hopeless = Annotated[
    float,
    options.option(
        RULE,
        "Give the target up, or switch, where its chance within the budget is under P.",
        "--hopeless",
        metavar="P",
    ),
]
Gain = Annotated[
    float | None,
    options.option(
        RULE,
        "Stop when --within more labels gain less than this, in the data's own scale.",
        "--min-gain",
        metavar="ACC",
    ),
]
Within = Annotated[
    float | None,
    options.option(RULE, "How many, for --min-gain.", "--within", metavar="LABELS"),
]
LabelCost = Annotated[
    float | None,
    options.option(
        RULE,
        "Cost of a label: stop where no number of further episodes is worth its cost. Needs "
        "--point-value.",
        "--label-cost",
        metavar="COST",
    ),
]
PointValue = Annotated[
    float | None,
    options.option(
        RULE,
        "What an accuracy point (0.01, or 1 %) is worth, in the same currency.",
        "--point-value",
        metavar="VALUE",
    ),
]
EpisodeCost = Annotated[
    float,
    options.option(
        RULE, "Cost of training and waiting, an episode.", "--episode-cost", metavar="COST"
    ),
]
Budget = Annotated[
    float | None,
    options.option(RULE, "Labels of a run that may be spent.", "--budget", metavar="LABELS"),
]
Pool = Annotated[
    float | None,
    options.option(RULE, "Labels of a run that there are.", "--pool", metavar="LABELS"),
]
With = Annotated[
    str | None,
    options.option(
        RULE,
        "The strategy that you label with, among those fitted. Default: the best so far.",
        "--with",
        metavar="NAME",
    ),
]
Force = Annotated[
    bool,
    options.option(RULE, "Decide even where the fit cannot be relied on.", "--force", metavar=""),
]

STOP = """[bold]Examples[/bold]

  palm-bayes stop runs.csv --target 0.9
  palm-bayes stop runs.csv --target 0.9 --budget 600 --with margin
  palm-bayes stop trace.nc --min-gain 0.01 --within 100
  palm-bayes stop trace.nc --label-cost 0.5 --point-value 80 --pool 5000

[bold]Answers[/bold]

  stop, continue (and how many labels next), switch to another strategy, or
  cannot say: the fit has not converged, or the forecast is mostly prior.
  Rules are told apart by their options; with several, any of them stops.
  Accuracies are expected ones, of the curve; labels are those of one run.

[bold]Exit status[/bold]

  0  answered
  2  bad input: one line says what
  3  the fit has not converged"""


@takes_fit
def stop(
    source: Source,
    target: Target = None,
    assurance: Assurance = 0.8,
    budget: Budget = None,
    hopeless: Hopeless = 0.05,
    min_gain: Gain = None,
    within: Within = None,
    label_cost: LabelCost = None,
    point_value: PointValue = None,
    episode_cost: EpisodeCost = 0.0,
    pool: Pool = None,
    now_with: With = None,
    force: Force = False,
    as_json: options.AsJson = False,
    quiet: options.Quiet = False,
) -> int:
    """Say whether to stop labelling, why, and what it costs to be wrong.

    FIT is a saved fit, or the runs, which are then fitted first. Fix the rule before the data come.
    """
    with working(quiet) as (step, note):
        step("reading the rule")
        rule = _rule(
            target, assurance, budget, hopeless, min_gain, within, label_cost, point_value,
            episode_cost, pool,
        )  # fmt: skip
        fit = source.fit(step, note)
        step("deciding")
        decision = fit.decide(rule, strategy=now_with, force=force)
        _check_spent(decision, budget, pool)
    return _report(fit, decision, as_json=as_json)


def _rule(
    target: float | None,
    assurance: float,
    budget: float | None,
    hopeless: float,
    min_gain: float | None,
    within: float | None,
    label_cost: float | None,
    point_value: float | None,
    episode_cost: float,
    pool: float | None,
) -> "Rule":
    """Any of the rules that the options ask for."""
    _together("--min-gain", min_gain, "--within", within)
    _together("--label-cost", label_cost, "--point-value", point_value)
    from palm_bayes import rules
    from palm_bayes.verdicts import AnyOf

    asked: list[Rule] = []
    if target is not None:
        asked.append(rules.Target(target, assurance))
        if budget is not None:
            asked.append(rules.Unreachable(target, budget, hopeless))
    if min_gain is not None and within is not None:
        asked.append(rules.Plateau(min_gain, within, assurance))
    if label_cost is not None and point_value is not None:
        asked.append(rules.NetValue(label_cost, point_value, episode_cost))
    if not asked:
        one = "--target, --min-gain with --within, or --label-cost with --point-value"
        raise options.UsageError(f"No stop rule is given: {one}.")
    asked += [rules.Budget(budget)] if budget is not None else []
    asked += [rules.Pool(pool)] if pool is not None else []
    return AnyOf(tuple(asked))


def _together(name: str, value: float | None, other: str, of_other: float | None) -> None:
    if (value is None) != (of_other is None):
        given, missing = (name, other) if of_other is None else (other, name)
        raise options.UsageError(f"{given} needs {missing}.")


def _check_spent(decision: "Decision", budget: float | None, pool: float | None) -> None:
    for name, limit in (("budget", budget), ("pool", pool)):
        if limit is not None and limit < decision.labels:
            spent = f"{decision.labels:g} labels are spent with {decision.strategy}"
            raise DataError(f"the {name} is {limit:g}, but {spent}: allowed is at least that")


def _report(fit: "PalmFit", decision: "Decision", *, as_json: bool) -> int:
    """Print what every rule finds, the decision, what would change it and what it risks."""
    import pandas as pd

    from palm_bayes.outlook import chance

    says = {True: "stop", False: "go on", None: "cannot say"}
    rows = [
        {
            "rule": finding.rule,
            "says": says[finding.stop],
            "probability": "" if finding.probability is None else chance(finding.probability),
        }
        for finding in decision.findings
    ]
    tables = {"What the rules say:": pd.DataFrame(rows)}
    status = report_decision(fit, decision.document(), tables, as_json=as_json)
    for line in () if as_json else decision.advice:
        typer.echo(f"  {line}")
    return status
