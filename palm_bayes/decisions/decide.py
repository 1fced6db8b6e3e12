"""Decisions to stop, continue or switch, by a stop rule that was fixed beforehand."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from palm_bayes.arrays import Floats
from palm_bayes.decisions.doubts import doubts_of
from palm_bayes.decisions.projection import Outlook, labels_spent
from palm_bayes.decisions.rule_logic import VERDICTS, Finding, Rule, SingleRule, stop_rule
from palm_bayes.decisions.stopping_rules import Pool, Unreachable
from palm_bayes.display import Display, Displayed, percent
from palm_bayes.errors import require_flag
from palm_bayes.forecast.forecast import forecast
from palm_bayes.forecast.worth import data_share, is_mostly_prior, relative_width

if TYPE_CHECKING:
    from palm_bayes.inference.posterior import Posterior

Action = Literal["stop", "continue", "switch", "cannot say"]

type Doubt = Callable[["Posterior", Outlook, SingleRule], str | None]
"""Function of (fit, outlook, rule): the reason against relying on the outlook, or None."""


@dataclass(frozen=True, eq=False, repr=False)
class Decision(Displayed):
    """Decision about further labelling.

    Attributes
    ----------
    action : {"stop", "continue", "switch", "cannot say"}
    strategy : str
        The strategy in use.
    switch_to : str or None
        The strategy to continue with, from the present state of its own runs.
    labels : float
        Labels spent in one run.
    next_batch : float
        Labels recommended next; 0 if labelling stops.
    findings : tuple of Finding
        Findings of all single rules.
    doubts : tuple of str
        Reasons against relying on the fit.
    forced : bool
        True if the decision was made despite the doubts.
    until : float
        Labels at the end of the forecast.
    answered : float
        Labels up to which the decision depends on the forecast: those spent, if it needs none,
        such as to stop at a target.
    """

    action: Action
    strategy: str
    switch_to: str | None
    labels: float
    next_batch: float
    findings: tuple[Finding, ...]
    doubts: tuple[str, ...] = ()
    forced: bool = False
    until: float = 0.0
    answered: float = 0.0

    @property
    def stop(self) -> bool:
        """True if labelling should stop: for the ``if`` of a labelling loop."""
        return self.action == "stop"

    @property
    def strategies(self) -> list[str]:
        """Strategies that the decision is about: the one in use, and one to switch to."""
        return [self.strategy, *filter(None, [self.switch_to])]

    @property
    def sentence(self) -> str:
        """Decision and reason in one sentence."""
        at = f"at {self.labels:,.0f} labels with {self.strategy}"
        if self.action == "cannot say":
            return f"Cannot say {at}: {'; '.join(self.doubts)}."
        because = "; ".join(finding.reason for finding in self.decisive)
        what = {
            "stop": f"Stop {at}",
            "continue": f"Continue {at}, next {self.next_batch:,.0f} labels",
            "switch": f"Switch {at} to {self.switch_to}",
        }[self.action]
        in_spite = f" Forced despite doubts: {'; '.join(self.doubts)}." if self.forced else ""
        return f"{what}: {because}.{in_spite}"

    @property
    def decisive(self) -> tuple[Finding, ...]:
        """Findings that support the action."""
        if self.action == "cannot say":
            return ()
        of_other = self.findings[-1:] if self.action == "switch" else ()
        wanted = self.action != "continue"
        return tuple(finding for finding in self.findings if finding.stop is wanted) + of_other

    @property
    def advice(self) -> tuple[str, ...]:
        """Changes that would reverse the decision, and costs of an error, one line per item."""
        several = len(self.decisive) > 1
        return tuple(
            f"{lead}{text}" + f" (Rule: stop if {finding.rule}.)" * several
            for finding in self.decisive
            for lead, text in (
                ("", finding.change), ("If wrong, ", finding.if_wrong),
            )
            if text
        )  # fmt: skip

    def to_frame(self) -> pd.DataFrame:
        """Return the findings as a table, one row per rule; columns as in `Finding`."""
        return pd.DataFrame([asdict(finding) for finding in self.findings])

    def document(self) -> dict[str, Any]:
        """Return all attributes in the types of JSON."""
        return asdict(self) | {"sentence": self.sentence, "advice": list(self.advice)}

    def _display(self) -> Display:
        says = [finding.says for finding in self.findings]
        table = self.to_frame()[["rule", "probability"]]
        return Display("\n".join([self.sentence, *self.advice]), table.assign(says=says))


def decide(
    fit: "Posterior", rule: Rule, *, strategy: str | None = None, force: bool = False
) -> Decision:
    """Judge a fit by a stop rule; see `palm_bayes.PalmFit.decide`."""
    require_flag(force, "force")
    outlook = outlook_for(fit, leader(fit) if strategy is None else strategy, stop_rule(rule))
    doubts = {leaf: _doubts(fit, outlook, leaf) for leaf in rule.leaves()}
    verdict = decision(rule, outlook, doubts, force=force)
    stopped = [
        leaf for leaf, finding in zip(rule.leaves(), verdict.findings, strict=True) if finding.stop
    ]
    unreachable = [leaf for leaf in stopped if isinstance(leaf, Unreachable)]
    if not verdict.stop or unreachable != stopped:
        return verdict
    return _switched(fit, verdict, rule, unreachable, force=force) or verdict


def decision(
    rule: Rule,
    outlook: Outlook,
    doubts: Mapping[SingleRule, tuple[str, ...]],
    *,
    force: bool = False,
) -> Decision:
    """Apply a rule to an outlook, given the reasons why its single rules cannot rely on it.

    With `force` it decides despite them.
    """
    findings = {
        leaf: (
            Finding(leaf.words(outlook), None, "; ".join(doubts[leaf]))
            if doubts[leaf] and not force
            else leaf.find(outlook)
        )
        for leaf in rule.leaves()
    }
    action = VERDICTS[rule.verdict(findings)]
    every = tuple(dict.fromkeys(doubt for each in doubts.values() for doubt in each))
    return Decision(
        action, outlook.strategy, None, outlook.now,
        0.0 if action == "stop" else outlook.next_batch,
        tuple(findings.values()), every, forced=force and bool(every), until=outlook.last,
        answered=_answered(action, outlook, findings),
    )  # fmt: skip


def _answered(action: Action, outlook: Outlook, findings: Mapping[SingleRule, Finding]) -> float:
    if action != "stop":
        return outlook.last
    return max(_looks_to(leaf, outlook) for leaf, finding in findings.items() if finding.stop)


def _looks_to(leaf: SingleRule, outlook: Outlook) -> float:
    """Return the labels up to which a rule needs the forecast; those spent if it needs none."""
    return min(leaf.horizon(outlook.now) or outlook.now, outlook.last)


def leader(fit: "Posterior") -> str:
    """Return the strategy with the highest expected accuracy at the end of its data."""
    table = fit.runs.table
    last = table.groupby("strategy", sort=False)["episode"].max()
    curves = forecast(fit, episodes=last.unique()).draws.mean(("chain", "draw"))
    ends = {
        str(name): float(
            curves.sel(strategy=name).isel(x=int((curves["episode"] <= episode).sum()) - 1)
        )
        for name, episode in last.items()
    }
    return max(ends, key=ends.__getitem__)


def outlook_for(fit: "Posterior", strategy: str, rule: Rule) -> Outlook:
    """Forecast to the furthest horizon of the rules, and at least to twice the labels spent.

    A rule with an unlimited horizon gets the horizon of budget and pool, if these are given.
    """
    now = labels_spent(fit.runs, strategy)
    pools = (leaf.labels for leaf in rule.leaves() if isinstance(leaf, Pool))
    limit = min([rule.limit(), *pools])  # no run exceeds a pool, also where all rules have to agree
    asked = [leaf.horizon(now) or now for leaf in rule.leaves()]
    if math.inf in asked and limit < math.inf:
        return Outlook.of(fit, strategy, limit, asked)
    furthest = max([2 * now, *(labels for labels in asked if labels < math.inf)])
    return Outlook.of(fit, strategy, min(limit, furthest), asked)


def _doubts(fit: "Posterior", outlook: Outlook, leaf: SingleRule) -> tuple[str, ...]:
    if leaf.horizon(outlook.now) is None:
        return ()
    found = (doubt(fit, outlook, leaf) for doubt in DOUBTS)
    return tuple(text for text in found if text)


def not_usable(fit: "Posterior", outlook: Outlook, _: SingleRule) -> str | None:
    """Doubt a fit that has not converged, or a curve that PALM does not describe."""
    return "; ".join(doubts_of(fit).get(outlook.strategy, ())) or None


def mostly_prior(fit: "Posterior", outlook: Outlook, leaf: SingleRule) -> str | None:
    """Doubt a forecast that is mostly prior, if the verdict depends on it."""
    doubt = prior_dominates(fit, outlook, _looks_to(leaf, outlook))
    if doubt is None:
        return None
    low, high = (leaf.find(edge).stop for edge in band_edges(outlook))
    return doubt if low != high else None


def prior_dominates(fit: "Posterior", outlook: Outlook, labels: float) -> str | None:
    """Describe a forecast as mostly prior if the data neither inform it much nor make it narrow.

    Only the PALM curve is considered, since the misfit was learned from other curves.
    """
    pure = outlook.pure
    present, later = pure.draws[:, 0], pure.accuracy_at(labels)
    share, width = data_share(fit, outlook.strategy, present, later), relative_width(present, later)
    if not is_mostly_prior(share, width):
        return None
    open_part = f"the 80 % band of its PALM curve spans {percent(width)} of the remaining gain"
    return (
        f"the forecast at {labels:,.0f} labels is mostly prior (the data inform it "
        f"{percent(share)} as much as the present {outlook.score.metric}, and {open_part})"
    )


def band_edges(outlook: Outlook) -> tuple[Outlook, Outlook]:
    """Return the edges of the 80 % band of the gain, added to the mean, as outlooks of one draw."""
    present = outlook.draws[:, :1]

    def edge(draws: Floats, probability: float) -> Floats:
        gain = np.quantile(draws - present, probability, axis=0, keepdims=True)
        return np.asarray(present.mean() + gain)

    low, high = (outlook.changed(partial(edge, probability=p)) for p in (0.1, 0.9))
    return low, high


DOUBTS: tuple[Doubt, ...] = (not_usable, mostly_prior)


class _Candidate(NamedTuple):
    """Strategy that may still reach the targets, with doubts about its forecast."""

    rank: tuple[float, float, str]  # probability to the percent shown, expected accuracy, name
    outlook: Outlook
    finding: Finding
    doubts: tuple[str, ...]


def _switched(
    fit: "Posterior", verdict: Decision, rule: Rule, unreachable: list[Unreachable], *, force: bool
) -> Decision | None:
    """Switch to the strategy most likely to reach the targets, if one is reliable."""
    others = (name for name in fit.runs.strategies if name != verdict.strategy)
    judged = (_candidate(fit, outlook_for(fit, name, rule), unreachable) for name in others)
    usable = [one for one in judged if one and (force or not one.doubts)]
    if not usable:
        return None
    best = max(usable, key=lambda one: one.rank)
    outlook, reached = best.outlook, best.finding.probability or 0.0
    reached_by = replace(
        best.finding, rule=f"{best.finding.rule}, with {outlook.strategy}",
        reason=f"with {outlook.strategy} it is {percent(reached)}",
    )  # fmt: skip
    doubts = tuple(dict.fromkeys((*verdict.doubts, *best.doubts)))
    return replace(
        verdict, action="switch", switch_to=outlook.strategy, next_batch=outlook.next_batch,
        findings=(*verdict.findings, reached_by), doubts=doubts, forced=force and bool(doubts),
        answered=verdict.until,
    )  # fmt: skip


def _candidate(
    fit: "Posterior", outlook: Outlook, unreachable: list[Unreachable]
) -> _Candidate | None:
    """Judge another strategy by the rules that stopped the first.

    None if one of them stops it too, or if it has spent the labels of one of them.
    """
    if any(leaf.within(outlook) <= outlook.now for leaf in unreachable):
        return None
    findings = {leaf: leaf.find(outlook) for leaf in unreachable}
    if any(finding.stop for finding in findings.values()):
        return None
    hardest = min(unreachable, key=lambda leaf: findings[leaf].probability or 0.0)
    expected = float(outlook.accuracy_at(hardest.within(outlook)).mean())
    rank = round(findings[hardest].probability or 0.0, 2), expected, outlook.strategy
    doubts = dict.fromkeys(text for leaf in unreachable for text in _doubts(fit, outlook, leaf))
    return _Candidate(rank, outlook, findings[hardest], tuple(doubts))
