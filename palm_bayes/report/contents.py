"""Contents of a report: a fit, questions, and their answers."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from palm_bayes.data.budgets import seen_budget, unit_of
from palm_bayes.data.limits import NO_LABELS
from palm_bayes.decisions.compare import Comparison, compare
from palm_bayes.decisions.decide import Decision, decide
from palm_bayes.decisions.label_budget import LabelsToReach, labels_to_reach
from palm_bayes.decisions.prior_weight import of_budget, of_decision
from palm_bayes.decisions.rule_logic import AnyOf, Rule, SingleRule, stop_rule
from palm_bayes.decisions.stopping_rules import Budget, Pool, Target, Unreachable
from palm_bayes.errors import DataError, known, number, real, require_flag, require_inside
from palm_bayes.forecast.forecast import Forecast, forecast
from palm_bayes.forecast.worth import worth
from palm_bayes.inference.settings import silent
from palm_bayes.reading.options import changed_fields

if TYPE_CHECKING:
    import xarray as xr

    from palm_bayes.inference.posterior import Posterior

type Step = Callable[[str], object]
"""Called with the part that is computed next, in words."""

_DESCRIBED = "PALM describes every curve, by the posterior predictive check."


@dataclass(frozen=True)
class Questions:
    """Questions that a report answers, in addition to the state of the strategies.

    Attributes
    ----------
    target : float or str, optional
        Accuracy to reach, in the data's own scale.
    assurance : float
        Required probability of reaching it.
    within, pool : float, optional
        Labels that may be spent, and size of the pool, which is at least that.
    rule : Rule, optional
        Stop rule; by default it follows from target, `within` and `pool`.
    strategy : str, optional
        Strategy in use; by default the best so far.
    force : bool
        Decide despite doubts about the fit.
    at, rope, reference
        Options of `palm_bayes.decisions.compare.compare`. Without `at`, strategies are compared
        at `within`, else at the labels that the target needs, else at the last observed budget.
    probability : float
        Probability of the intervals in tables.
    """

    target: float | str | None = None
    assurance: float = 0.8
    within: float | None = None
    pool: float | None = None
    rule: Rule | None = None
    strategy: str | None = None
    force: bool = False
    at: float | None = None
    rope: float | str | None = None
    reference: str | None = None
    probability: float = 0.9

    def __post_init__(self) -> None:
        """Refuse what is of another type, and a budget that the pool does not have."""
        for name in ("assurance", "probability"):
            require_inside(getattr(self, name), name)
        require_flag(self.force, "force")
        if self.rule is not None:
            stop_rule(self.rule)
        limits = [(name, getattr(self, name)) for name in ("within", "pool")]
        budget, pool = (None if limit is None else real(limit, name) for name, limit in limits)
        if budget is not None and pool is not None and budget > pool:
            raise DataError(
                f"the budget (within, --budget) is {number(budget)}, but must be at most the "
                f"pool (--pool), {number(pool)}"
            )

    @property
    def given(self) -> dict[str, Any]:
        """Questions that differ from their defaults, by name."""
        return changed_fields(self)

    def stopped_by(self, rule: Rule | None) -> "Questions":
        """Return the same with a rule, unless it follows from target, budget and pool."""
        return self if rule == self.stop_rule else replace(self, rule=rule)

    @property
    def limits(self) -> list[SingleRule]:
        """Single rules that follow from target, budget and pool."""
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
        """Stop rule as given, or the one that follows from a target."""
        if self.rule is not None or self.target is None:
            return self.rule
        return AnyOf(tuple(self.limits))


@dataclass(frozen=True, eq=False)
class Report:
    """Results shown on a page."""

    fit: "Posterior"
    questions: Questions
    comparison: Comparison  # of a single strategy, its state only
    needed: LabelsToReach | None  # if a target is given
    decision: Decision | None  # if a rule or target is given, and labels are known
    seed: int  # of draws from the fit

    @property
    def several(self) -> bool:
        """True if there are several strategies."""
        return len(self.fit.runs.strategies) > 1

    @property
    def task(self) -> str:
        """Dataset and model, where known."""
        return " · ".join(filter(None, (self.fit.runs.dataset, self.fit.runs.model)))

    @property
    def doubts(self) -> list[str]:
        """Reasons against relying on the page."""
        verdict = self.fit.convergence
        unconverged = [] if verdict.passed else [verdict.sentence]
        return unconverged + self.fit.predictive_check.sentences

    @cached_property
    def verdict(self) -> dict[str, str]:
        """Answers in words by question, the most important first."""
        convergence, check = self.fit.convergence, self.fit.predictive_check
        answers = {}
        if self.decision is not None and (rule := self.questions.stop_rule):
            depends = of_decision(self.fit, rule, self.decision)
            answers["Stop or continue?"] = _sentences(self.decision.sentence, depends)
        which = "Which strategy?" if self.several else "How good is the strategy?"
        answers[which] = self.comparison.sentence
        if self.needed is not None:
            prior = of_budget(self.needed)
            answers["How many labels?"] = _sentences(self.needed.sentence, prior, self.unasked)
        described = [_DESCRIBED] if check.passed else check.sentences
        answers["Can it be relied on?"] = " ".join(
            [convergence.sentence, *described, worth(self.fit, self.answered, until=self.furthest)]
        )
        return answers

    @property
    def unasked(self) -> str:
        """Sentence that says why a target is not used to decide; empty if it is, or none is."""
        if self.needed is None or self.decision is not None:
            return ""
        return f"Whether to stop is not answered: {NO_LABELS}."

    @property
    def until(self) -> float:
        """Largest budget of the shown curves."""
        return self.comparison.until

    @property
    def answered(self) -> float:
        """Furthest budget that an answer depends on."""
        return max([self.comparison.at, *(answer.answered for answer in self._others)])

    @property
    def furthest(self) -> float:
        """Largest budget of tables and figures."""
        return max([self.until, *(answer.until for answer in self._others)])

    @property
    def _others(self) -> list[LabelsToReach | Decision]:
        return [answer for answer in (self.needed, self.decision) if answer is not None]

    @cached_property
    def expected(self) -> "xr.DataArray":
        """Draws of the expected curves: those of `new` without the noise."""
        return self.new.without_noise.draws

    @cached_property
    def new(self) -> Forecast:
        """Forecast of a new repetition."""
        runs = self.fit.runs
        ahead = (self.until - seen_budget(runs)) / (runs.batch if runs.labels_known else 1)
        return forecast(self.fit, horizon=math.ceil(ahead - 1e-9), scope="new", seed=self.seed)

    @property
    def sentence(self) -> str:
        """All answers in words."""
        return " ".join(self.verdict.values())

    def document(self) -> dict[str, Any]:
        """Return all results in the types of JSON."""
        return {
            "sentence": self.sentence,
            "answers": self.verdict,
            "comparison": self.comparison.document(),
            "labels_to_reach": self.needed and self.needed.document(),
            "decision": self.decision and self.decision.document(),
        }


def _sentences(*sentences: str) -> str:
    return " ".join(filter(None, sentences))


def report_of(fit: "Posterior", questions: Questions, seed: int = 0, step: Step = silent) -> Report:
    """Compute all results of a report from a fit.

    `DataError` if a question does not fit the data, or a rule is given and labels are unknown.
    """
    asked = questions
    if asked.target is None and not asked.rule and {"within", "pool"} & asked.given.keys():
        raise DataError(
            "a budget or a pool (--budget, --pool) is only a limit: add --target or a stop rule, "
            "such as --min-gain with --within"
        )
    seen, needed = seen_budget(fit.runs), None
    if asked.strategy is not None:
        known([asked.strategy], fit.runs.strategies, "strategy")
    if asked.within is not None and asked.within < seen:
        raise DataError(
            f"the budget (within, --budget) is {number(asked.within)}, but must be at least the "
            f"{number(seen)} {unit_of(fit.runs)} seen"
        )
    if asked.target is not None:
        step("counting labels")
        needed = labels_to_reach(
            fit, asked.target, assurance=asked.assurance, within=asked.within, until=asked.pool,
            probability=asked.probability, seed=seed,
        )  # fmt: skip
    places = (asked.at, asked.within, needed.soonest if needed else None)
    at = next((place for place in places if place is not None), None)
    step("comparing strategies")
    comparison = compare(
        fit, at, rope=asked.rope, reference=asked.reference, probability=asked.probability
    )
    # A target can refer to episodes; a custom stop rule cannot, since it counts labels.
    rule = asked.stop_rule if asked.rule or fit.runs.labels_known else None
    decision = None
    if rule is not None:
        step("deciding")
        decision = decide(fit, rule, strategy=asked.strategy, force=asked.force)
    return Report(fit, asked, comparison, needed, decision, seed)
