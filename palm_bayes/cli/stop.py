"""Commands `stop` and `watch`: decisions about further labelling."""

import json
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from palm_bayes.cli import terminal
from palm_bayes.cli.options import Score, Shown, Strategy, UsageError, described, filled_by, shown
from palm_bayes.cli.source import Source, takes_fit, takes_growing_runs
from palm_bayes.cli.terminal import OK, echo, report_decision, working
from palm_bayes.errors import DataError

if TYPE_CHECKING:
    from palm_bayes.decisions.decide import Decision
    from palm_bayes.decisions.rule_logic import AnyOf, SingleRule
    from palm_bayes.palm_fit import PalmFit

_STATUS = {
    "continue": OK,
    "stop": terminal.STOP,
    "cannot say": terminal.CANNOT_SAY,
    "switch": terminal.SWITCH,
}

STOP = """[bold]Examples[/bold]

  palm-bayes stop runs.csv --target 0.9
  palm-bayes stop runs.csv --target 0.9 --budget 600 --with margin
  palm-bayes stop trace.nc --min-gain 0.01 --within 100
  palm-bayes stop trace.nc --label-cost 0.5 --point-value 80 --pool 5000
  palm-bayes stop runs.csv --target 0.9 --exit-code; [ $? = 10 ] && echo stop

[bold]Answers[/bold]

  The table has each rule, the present probability of what it names (or the
  expected net value), and its answer. The decision is stop, continue (and
  how many labels next), switch to another strategy, or cannot say: the fit
  has not converged, PALM does not describe the curve, or the forecast is
  mostly prior.
  Options select the rules; with several, any of them stops.
  Accuracies are those of the expected curve; labels are those of one run.

[bold]Exit status[/bold]

  0   answered; with --exit-code: continue
  2   bad input: one line says what
  3   the fit has not converged; with --exit-code, it is one of these instead:
  10  stop
  11  cannot say
  12  switch to another strategy"""
WATCH = """[bold]Examples[/bold]

  palm-bayes watch output/CIFAR10/resnet18 --strategy margin --target 0.9
  palm-bayes watch runs.csv --label-cost 0.5 --point-value 80 --json

After each change of the files, one line is printed: stop, continue, switch or
cannot say, with the reason (with --json, one JSON document per line). Later
fits reweight the draws of the first, if possible. Ctrl-C ends the command.

[bold]Exit status[/bold]

  0    time to stop, or to switch
  2    bad input: one line says what
  130  interrupted"""


@dataclass(frozen=True)
@described("""
Stop rule
  --target ACC               Stop when this score is reached, in the data's own scale or percent
                             such as 93%. With --budget, also when it is unreachable.
  --assurance P [env]        Required probability of target or plateau.
  --budget LABELS            Labels of a run that may be spent.
  --hopeless P               Give up the target, or switch, if its probability within the budget is
                             below P.
  --min-gain ACC             Stop when --within more labels gain less than this, in the scale of the
                             data.
  --within LABELS            Number of labels for --min-gain.
  --label-cost COST [env]    Cost per label: stop when no number of further episodes is worth its
                             cost. Needs --point-value.
  --point-value VALUE [env]  Value of a point of the score (0.01, or 1 %), in the same currency.
  --episode-cost COST [env]  Cost of training and waiting per episode.
  --pool N                   Samples in the pool, labelled ones included.
  --with NAME                Strategy in use, among those fitted. Default: the best so far.
  --force                    Decide despite doubts about the fit.
""")
class Question:
    """Options of stop rules, which are alternatives, and the strategy to apply them to."""

    target: Score = None
    assurance: float = 0.8
    budget: float | None = None
    hopeless: float = 0.05
    min_gain: float | None = None
    within: float | None = None
    label_cost: float | None = None
    point_value: float | None = None
    episode_cost: float = 0.0
    pool: float | None = None
    now_with: Strategy = None
    force: bool = False

    @cached_property
    def rule(self) -> "AnyOf | None":
        """The rules as alternatives; None if no option says when to stop."""
        _together("--min-gain", self.min_gain, "--within", self.within)
        _together("--label-cost", self.label_cost, "--point-value", self.point_value)
        from palm_bayes.decisions import stopping_rules as rules
        from palm_bayes.decisions.rule_logic import AnyOf

        asked: list[SingleRule] = []
        if self.target is not None:
            asked.append(rules.Target(self.target, self.assurance))
            if self.budget is not None:
                asked.append(rules.Unreachable(self.target, self.budget, self.hopeless))
        if self.min_gain is not None and self.within is not None:
            asked.append(rules.Plateau(self.min_gain, self.within, self.assurance))
        if self.label_cost is not None and self.point_value is not None:
            asked.append(rules.NetValue(self.label_cost, self.point_value, self.episode_cost))
        if not asked:
            return None
        asked += [rules.Budget(self.budget)] if self.budget is not None else []
        asked += [rules.Pool(self.pool)] if self.pool is not None else []
        return AnyOf(tuple(asked))

    def of(self, fit: "PalmFit") -> "Decision":
        """Decide for a fit."""
        assert self.rule is not None
        return fit.decide(self.rule, strategy=self.now_with, force=self.force)

    def check_pool(self, decision: "Decision") -> None:
        """Raise `DataError` if the pool is below the labels spent."""
        if self.pool is not None and self.pool < decision.labels:
            raise DataError(
                f"the pool is {self.pool:,.10g}, but {decision.labels:,.10g} labels are spent with "
                f"{decision.strategy}: it must be at least that"
            )


@filled_by(Question)
def _asked(question: Question) -> Question:
    """Require a rule."""
    if question.rule is None:
        one = "--target, --min-gain with --within, or --label-cost with --point-value"
        raise UsageError(f"No stop rule is given: add {one}.")
    return question


@takes_fit
@filled_by(_asked)
@filled_by(shown)
@described("Output\n  --exit-code  Answer by the exit status, for scripts; see below.")
def stop(
    form: Shown, question: Question, source: Source, exit_code: bool = False, quiet: bool = False
) -> int:
    """Decide whether to stop labelling, with reasons and the cost of an error.

    FIT is a saved fit, or runs, which are fitted first. Fix the rule before collecting data.
    """
    with working(quiet) as (step, note):
        fit = source.asked(question.target).fit(step, note)
        step("deciding")
        decision = question.of(fit)
        question.check_pool(decision)
        from palm_bayes.decisions.prior_weight import of_decision

        assert question.rule is not None
        step("weighing the prior")
        prior = of_decision(fit, question.rule, decision)
    from palm_bayes.report.tables import decided

    status = report_decision(
        fit, decision, decided(decision), decision.to_frame(), how=form,
        worth=[prior, fit.worth(decision.answered, decision.strategies)],
        more=[f"  {line}" for line in decision.advice],
    )  # fmt: skip
    return _STATUS[decision.action] if exit_code else status


@takes_growing_runs
@filled_by(_asked)
@described("Output\n  --every SECONDS  Interval of checking for new files.")
def watch(
    question: Question,
    source: Source,
    every: Annotated[float, {"min": 0.1}] = 5.0,
    as_json: bool = False,
    quiet: bool = False,
) -> int:
    """Watch files of runs, and end when it is time to stop, or to switch.

    RUNS is where they are written: a folder in PALM's layout, or a table; no saved fit.
    """
    source = source.asked(question.target)
    seen, last = None, None
    while True:
        if (there := _stamp(source.paths)) != seen:
            seen = there
            if fit := _fit_of(source, last, quiet):
                last = fit
                decision = question.of(fit)
                echo(json.dumps(decision.document()) if as_json else decision.sentence)
                if decision.action in {"stop", "switch"}:
                    return OK
        time.sleep(every)


def _fit_of(source: Source, last: "PalmFit | None", quiet: bool) -> "PalmFit | None":
    """Fit the present runs; None, with a note, if files are incomplete or episodes too few."""
    with working(quiet) as (step, note):
        try:
            return source.fit(step, note, last)
        except DataError as error:
            note(f"waiting for more: {error}")
            return None


def _stamp(paths: list[Path]) -> list[tuple[str, int, int]]:
    """Return names, times and sizes of the files that runs are read from."""
    from palm_bayes.reading.sources import matches_of
    from palm_bayes.scratch import PREFIX

    found = [one for path in paths for one in matches_of(path)]  # a glob may have none
    files = [file for one in found for file in ([one] if one.is_file() else sorted(one.rglob("*")))]
    whole = (file for file in files if PREFIX not in str(file))  # none that is being written
    states = [(str(file), file.stat()) for file in whole if file.is_file()]
    return [(name, state.st_mtime_ns, state.st_size) for name, state in states]


def _together(name: str, value: float | None, other: str, of_other: float | None) -> None:
    if (value is None) != (of_other is None):
        given, missing = (name, other) if of_other is None else (other, name)
        raise UsageError(f"{given} needs {missing}.")
