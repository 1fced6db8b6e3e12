"""Stop, continue, switch, or cannot say: a fit judged by a stop rule that was fixed beforehand."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from palm_bayes.decisions.doubts import doubts_of
from palm_bayes.decisions.projection import Outlook, chance
from palm_bayes.decisions.rule_logic import Finding, Rule, SingleRule
from palm_bayes.decisions.stopping_rules import Pool, Unreachable
from palm_bayes.display import Display, Displayed
from palm_bayes.errors import known
from palm_bayes.forecast.forecast import forecast
from palm_bayes.forecast.worth import data_share

if TYPE_CHECKING:
    from palm_bayes.inference.posterior import Posterior

Action = Literal["stop", "continue", "switch", "cannot say"]

DATA_SHARE_LEAST = 0.5  # with less, the prior says more than the data do
OPEN_MOST = 0.5  # of what is left to gain: a band that is wider says little of any use

type Doubt = Callable[["Posterior", Outlook, SingleRule], str | None]
"""Told (fit, outlook, rule), says why the rule cannot rely on the outlook."""


@dataclass(frozen=True, eq=False, repr=False)
class Decision(Displayed):
    """Whether to go on labelling.

    Attributes
    ----------
    action : {"stop", "continue", "switch", "cannot say"}
    strategy : str
        The one that is labelled with.
    switch_to : str or None
        The one to go on with from where its own runs stand.
    labels : float
        Spent in one run.
    next_batch : float
        Labels recommended next; 0 where labelling stops.
    findings : tuple of Finding
        Of every single rule.
    doubts : tuple of str
        Why the fit cannot be relied on, if so.
    forced : bool
        Whether the decision was taken in spite of them.
    until : float
        Labels up to which was looked.
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

    @property
    def stop(self) -> bool:
        """Whether to stop: for the ``if`` of a labelling loop."""
        return self.action == "stop"

    @property
    def sentence(self) -> str:
        """The decision and its reason."""
        at = f"at {self.labels:.0f} labels with {self.strategy}"
        if self.action == "cannot say":
            return f"Cannot say {at}: {'; '.join(self.doubts)}."
        because = "; ".join(finding.reason for finding in self.decisive)
        what = {
            "stop": f"Stop {at}",
            "continue": f"Continue {at}, next {self.next_batch:.0f}",
            "switch": f"Switch {at} to {self.switch_to}",
        }[self.action]
        in_spite = f" Forced in spite of this: {'; '.join(self.doubts)}." if self.forced else ""
        return f"{what}: {because}.{in_spite}"

    @property
    def decisive(self) -> tuple[Finding, ...]:
        """The findings that speak for the action."""
        if self.action == "cannot say":
            return ()
        of_other = self.findings[-1:] if self.action == "switch" else ()
        wanted = self.action != "continue"
        return tuple(finding for finding in self.findings if finding.stop is wanted) + of_other

    @property
    def advice(self) -> tuple[str, ...]:
        """What would change the decision and what it costs to be wrong, one line a rule."""
        return tuple(
            f"{finding.rule}: {text}"
            for finding in self.decisive
            for text in (
                f"would change with {finding.change}" * bool(finding.change),
                f"if wrong, {finding.if_wrong}" * bool(finding.if_wrong),
            )
            if text
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the findings as a table, one row a rule; columns as in `Finding`."""
        return pd.DataFrame([asdict(finding) for finding in self.findings])

    def document(self) -> dict[str, Any]:
        """Return all of it in the types of JSON."""
        return asdict(self) | {"sentence": self.sentence, "advice": list(self.advice)}

    def _display(self) -> Display:
        says = [finding.says for finding in self.findings]
        table = self.to_frame()[["rule", "probability"]]
        return Display("\n".join([self.sentence, *self.advice]), table.assign(says=says))


def decide(
    fit: "Posterior", rule: Rule, *, strategy: str | None = None, force: bool = False
) -> Decision:
    """Judge a fit by a stop rule; see `palm_bayes.PalmFit.decide`."""
    outlook = outlook_for(fit, strategy or leader(fit), rule)
    doubts = {leaf: _doubts(fit, outlook, leaf) for leaf in rule.leaves()}
    found = decision(rule, outlook, doubts, force=force)
    stopped = [
        leaf for leaf, finding in zip(rule.leaves(), found.findings, strict=True) if finding.stop
    ]
    hopeless = [leaf for leaf in stopped if isinstance(leaf, Unreachable)]
    if not found.stop or hopeless != stopped:
        return found
    return _switched(fit, found, rule, hopeless, force=force) or found


def decision(
    rule: Rule,
    outlook: Outlook,
    doubts: Mapping[SingleRule, tuple[str, ...]],
    *,
    force: bool = False,
) -> Decision:
    """Judge an outlook, of which some rules may have reason to doubt.

    Parameters
    ----------
    rule : Rule
    outlook : Outlook
    doubts : mapping of SingleRule to tuple of str
        Why a single rule cannot rely on the outlook.
    force : bool
        Judge in spite of the doubts.
    """
    findings = {
        leaf: _unsaid(leaf, doubts[leaf]) if doubts[leaf] and not force else leaf.find(outlook)
        for leaf in rule.leaves()
    }
    said: dict[bool | None, Action] = {True: "stop", False: "continue", None: "cannot say"}
    action = said[rule.verdict(findings)]
    every = tuple(dict.fromkeys(doubt for each in doubts.values() for doubt in each))
    return Decision(
        action, outlook.strategy, None, outlook.now,
        0.0 if action == "stop" else outlook.next_batch,
        tuple(findings.values()), every, forced=force and bool(every), until=outlook.last,
    )  # fmt: skip


def leader(fit: "Posterior") -> str:
    """The strategy whose expected accuracy at the end of its data is highest."""
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
    """Look as far ahead as the rules ask for, and at least to twice the labels spent.

    A rule that asks for all there may be gets what budget and pool allow, if they are told.
    """
    known([strategy], fit.runs.strategies, "strategy")
    table = fit.runs.table
    now = float(table.loc[table["strategy"] == strategy, "labels"].max())
    limit = limit_of(rule)
    asked = [leaf.horizon(now) or now for leaf in rule.leaves()]
    if math.inf in asked and limit < math.inf:
        return Outlook.of(fit, strategy, limit)
    furthest = max(2 * now, *(labels for labels in asked if labels < math.inf), now)
    return Outlook.of(fit, strategy, min(limit, furthest))


def limit_of(rule: Rule) -> float:
    """Labels that no run may pass: by the rule, or since the pool has no more."""
    return min([rule.limit(), *(leaf.labels for leaf in rule.leaves() if isinstance(leaf, Pool))])


def _unsaid(leaf: SingleRule, doubts: tuple[str, ...]) -> Finding:
    return Finding(leaf.words(), None, "; ".join(doubts))


def _doubts(fit: "Posterior", outlook: Outlook, leaf: SingleRule) -> tuple[str, ...]:
    if leaf.horizon(outlook.now) is None:
        return ()
    found = (doubt(fit, outlook, leaf) for doubt in DOUBTS)
    return tuple(text for text in found if text)


def not_usable(fit: "Posterior", outlook: Outlook, _: SingleRule) -> str | None:
    """Doubt a fit that has not converged, or of a curve that does what PALM's do not."""
    return "; ".join(doubts_of(fit).get(outlook.strategy, ())) or None


def mostly_prior(fit: "Posterior", outlook: Outlook, leaf: SingleRule) -> str | None:
    """Doubt a forecast that is mostly prior, where the verdict hangs on it."""
    labels = min(leaf.horizon(outlook.now) or outlook.now, outlook.last)
    told = prior_speaks(fit, outlook, labels)
    return told if told and hangs_on_it(leaf, *edges(outlook)) else None


def prior_speaks(fit: "Posterior", outlook: Outlook, labels: float) -> str | None:
    """Say so where the data neither tell much about the accuracy there nor keep it narrow.

    It is PALM's parameters that have a prior; of the misfit other curves tell.
    """
    pure = outlook.pure
    share = data_share(fit, outlook.strategy, pure.draws[:, 0], pure.accuracy_at(labels))
    width = openness(outlook.pure, labels)
    if share >= DATA_SHARE_LEAST or width <= OPEN_MOST:
        return None
    open_part = f"the 80 % band of its PALM curve spans {chance(width)} of what is left to gain"
    return (
        f"the forecast at {labels:.0f} labels is mostly prior (the data tell {chance(share)} of "
        f"what they tell of the present, and {open_part})"
    )


def hangs_on_it(leaf: SingleRule, low: Outlook, high: Outlook) -> bool:
    """Whether a rule's verdict differs between the edges of the forecast."""
    return leaf.find(low).stop != leaf.find(high).stop


def edges(outlook: Outlook) -> tuple[Outlook, Outlook]:
    """Edges of the 80 % band of the gain, each as an outlook of one draw, from the mean on."""
    present = outlook.draws[:, :1]
    low, high = present.mean() + np.quantile(outlook.draws - present, (0.1, 0.9), axis=0)
    return replace(outlook, draws=low[None]), replace(outlook, draws=high[None])


DOUBTS: tuple[Doubt, ...] = (not_usable, mostly_prior)


def openness(outlook: Outlook, labels: float) -> float:
    """Width of the 80 % band of the accuracy at so many labels, as a share of what is missing."""
    low, high = np.quantile(outlook.accuracy_at(labels), (0.1, 0.9))
    return float((high - low) / max(1 - outlook.draws[:, 0].mean(), 1e-9))


@dataclass(frozen=True, eq=False)
class _Candidate:
    """A strategy that may reach the targets given up, and why it may not be relied on, if so."""

    outlook: Outlook
    finding: Finding
    expected: float
    doubts: tuple[str, ...]

    @property
    def rank(self) -> tuple[float, float, str]:
        """Likelier is better; chances that are told alike, by expected accuracy; then the name."""
        return round(self.finding.probability or 0.0, 2), self.expected, self.outlook.strategy


def _switched(
    fit: "Posterior", found: Decision, rule: Rule, hopeless: list[Unreachable], *, force: bool
) -> Decision | None:
    """Switch to the strategy most likely to reach the targets, if one can be relied on to."""
    others = (name for name in fit.runs.strategies if name != found.strategy)
    judged = (_candidate(fit, outlook_for(fit, name, rule), hopeless) for name in others)
    usable = [one for one in judged if one and (force or not one.doubts)]
    if not usable:
        return None
    best = max(usable, key=lambda one: one.rank)
    outlook, reached = best.outlook, best.finding.probability or 0.0
    told = replace(best.finding, reason=f"with {outlook.strategy} it is {chance(reached)}")
    doubts = tuple(dict.fromkeys((*found.doubts, *best.doubts)))
    return replace(
        found, action="switch", switch_to=outlook.strategy, next_batch=outlook.next_batch,
        findings=(*found.findings, told), doubts=doubts, forced=force and bool(doubts),
    )  # fmt: skip


def _candidate(
    fit: "Posterior", outlook: Outlook, hopeless: list[Unreachable]
) -> _Candidate | None:
    """Judge another strategy by the rules that gave the first one up; None if one still does."""
    findings = {leaf: leaf.find(outlook) for leaf in hopeless}
    if any(finding.stop for finding in findings.values()):
        return None
    hardest = min(hopeless, key=lambda leaf: findings[leaf].probability or 0.0)
    expected = float(outlook.accuracy_at(hardest.within(outlook)).mean())
    doubts = dict.fromkeys(text for leaf in hopeless for text in _doubts(fit, outlook, leaf))
    return _Candidate(outlook, findings[hardest], expected, tuple(doubts))
