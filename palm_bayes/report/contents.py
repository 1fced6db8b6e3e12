"""What a report is made of: a fit, and what it says to the questions that are asked of it."""

import math
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from palm_bayes.data.budgets import seen_budget
from palm_bayes.decisions.compare import Comparison, compare
from palm_bayes.decisions.decide import Decision, decide
from palm_bayes.decisions.label_budget import LabelsToReach, labels_to_reach
from palm_bayes.decisions.rule_logic import AnyOf, Rule, SingleRule
from palm_bayes.decisions.stopping_rules import Budget, Pool, Target, Unreachable
from palm_bayes.errors import DataError
from palm_bayes.forecast.forecast import Forecast, Scope, forecast
from palm_bayes.forecast.worth import worth

if TYPE_CHECKING:
    from palm_bayes.inference.posterior import Posterior

_DESCRIBED = "PALM describes every curve, as far as runs drawn anew from the fit can tell."


@dataclass(frozen=True)
class Questions:
    """What a report answers, beside where the strategies stand.

    Attributes
    ----------
    target : float, optional
        Accuracy to reach, in the data's own scale.
    assurance : float
        How sure to be that it is reached.
    within, pool : float, optional
        Labels that may be spent, and that there are.
    rule : Rule, optional
        When to stop; by default it follows from target, `within` and `pool`.
    strategy : str, optional
        The one that is labelled with; by default the best so far.
    force : bool
        Decide even where the fit cannot be relied on.
    at, rope, reference
        Of the comparison, see `palm_bayes.decisions.compare.compare`.
    probability : float
        Of the intervals in tables.
    """

    target: float | None = None
    assurance: float = 0.8
    within: float | None = None
    pool: float | None = None
    rule: Rule | None = None
    strategy: str | None = None
    force: bool = False
    at: float | None = None
    rope: float | None = None
    reference: str | None = None
    probability: float = 0.9

    @property
    def given(self) -> dict[str, Any]:
        """Those that are not left at their defaults."""
        values = {part.name: getattr(self, part.name) for part in fields(self)}
        return {p.name: values[p.name] for p in fields(self) if values[p.name] != p.default}

    def stopped_by(self, rule: Rule | None) -> "Questions":
        """The same with a rule, unless it follows from target, budget and pool."""
        return self if rule == self.stop_rule else replace(self, rule=rule)

    @property
    def limits(self) -> list[SingleRule]:
        """What target, budget and pool say of stopping."""
        rules: list[SingleRule] = []
        if self.target is not None:
            rules.append(Target(self.target, self.assurance))
            if self.within is not None:
                rules.append(Unreachable(self.target, self.within))
        rules += [Budget(self.within)] if self.within is not None else []
        rules += [Pool(self.pool)] if self.pool is not None else []
        return rules

    @property
    def stop_rule(self) -> Rule | None:
        """The rule, or the one that follows from a target."""
        if self.rule is not None or self.target is None:
            return self.rule
        return AnyOf(tuple(self.limits))


@dataclass(frozen=True, eq=False)
class Report:
    """The results that a page shows.

    Attributes
    ----------
    fit : Posterior
    questions : Questions
    comparison : Comparison
        Of one strategy it tells where that stands.
    needed : LabelsToReach or None
        Where a target is given.
    decision : Decision or None
        Where a rule or target is given, and labels are known.
    seed : int
        Of what is drawn from the fit.
    """

    fit: "Posterior"
    questions: Questions
    comparison: Comparison
    needed: LabelsToReach | None
    decision: Decision | None
    seed: int

    @property
    def several(self) -> bool:
        """Whether there is a choice of strategy."""
        return len(self.fit.runs.strategies) > 1

    @property
    def task(self) -> str:
        """Dataset and model, where known."""
        return " · ".join(filter(None, (self.fit.runs.dataset, self.fit.runs.model)))

    @property
    def doubts(self) -> list[str]:
        """Why the page cannot be relied on, if so."""
        verdict = self.fit.convergence
        told = [] if verdict.passed else [verdict.sentence]
        return told + self.fit.predictive_check.sentences

    @cached_property
    def verdict(self) -> dict[str, str]:
        """The answers in words, by question, the most pressing first."""
        convergence, check = self.fit.convergence, self.fit.predictive_check
        told = {} if self.decision is None else {"Stop or go on?": self.decision.sentence}
        which = "Which strategy?" if self.several else "Where does it stand?"
        told[which] = self.comparison.sentence
        if self.needed is not None:
            told["How many labels?"] = self.needed.sentence
        described = [_DESCRIBED] if check.passed else check.sentences
        told["Can it be relied on?"] = " ".join(
            [convergence.sentence, *described, worth(self.fit, self.until)]
        )
        return told

    @property
    def until(self) -> float:
        """Budget that curves are shown to."""
        return float(self.comparison.paths["budget"][-1])

    @cached_property
    def expected(self) -> Forecast:
        """The expected curves."""
        return self._forecast("expected")

    @cached_property
    def new(self) -> Forecast:
        """What a repetition not yet begun would show."""
        return self._forecast("new")

    def _forecast(self, scope: Scope) -> Forecast:
        runs = self.fit.runs
        ahead = (self.until - seen_budget(runs)) / (runs.batch if runs.labels_known else 1)
        return forecast(self.fit, horizon=math.ceil(ahead - 1e-9), scope=scope, seed=self.seed)

    def document(self) -> dict[str, Any]:
        """All results, ready for JSON."""
        return {
            "sentence": " ".join(self.verdict.values()),
            "verdict": self.verdict,
            "comparison": self.comparison.document(),
            "labels_to_reach": self.needed and self.needed.document(),
            "decision": self.decision and self.decision.document(),
        }


def report_of(fit: "Posterior", questions: Questions, seed: int = 0) -> Report:
    """Ask a fit all that a report shows.

    Raises
    ------
    DataError
        If a question does not fit the data, or a stop rule is given and labels are unknown.
    """
    asked = questions
    if asked.target is None and not asked.rule and {"within", "pool"} & asked.given.keys():
        raise DataError("a budget or pool is given: a target, or a stop rule, is needed with it")
    comparison = compare(
        fit, asked.at, rope=asked.rope, reference=asked.reference, probability=asked.probability
    )
    needed = None
    if asked.target is not None:
        needed = labels_to_reach(
            fit, asked.target, assurance=asked.assurance, within=asked.within, until=asked.pool,
            probability=asked.probability, seed=seed,
        )  # fmt: skip
    # A target can be asked in episodes, a stop rule of one's own cannot: it counts labels.
    rule = asked.stop_rule if asked.rule or fit.runs.labels_known else None
    decision = (
        None if rule is None else decide(fit, rule, strategy=asked.strategy, force=asked.force)
    )
    return Report(fit, asked, comparison, needed, decision, seed)
