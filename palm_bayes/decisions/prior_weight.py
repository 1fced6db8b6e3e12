"""Answers as they would be if the prior weighed half or twice as much."""

from collections.abc import Iterator
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from palm_bayes.arrays import Integers
from palm_bayes.decisions.decide import Decision, outlook_for
from palm_bayes.decisions.label_budget import LabelsToReach
from palm_bayes.decisions.rule_logic import Rule

if TYPE_CHECKING:
    from palm_bayes.inference.posterior import Posterior

MATTERS = 0.1  # relative change of a budget
_UNKNOWN = (  # by the Pareto k of the draws
    "These draws do not show whether half or twice the weight of the prior would change the "
    "{}; a fit with four times as many (draws=, --draws) may."
)


def of_budget(needed: LabelsToReach) -> str:
    """Describe how the smallest assurance budget depends on the prior; empty if by under 10 %."""
    if needed.fit.prior_scaled is None:
        return ""
    best: Any = next(needed.table.itertuples(index=False))
    draws = needed.needed.sel(strategy=best.strategy).to_numpy()
    budgets = {}
    for words, which in _draws_by_weight(needed.fit, best.strategy):
        if which is None:
            return _UNKNOWN.format("budget")
        chosen = np.quantile(draws[which], needed.assurance, method="inverted_cdf")
        budgets[words] = float(chosen)
    if np.allclose([*budgets.values()], best.budget, rtol=MATTERS, atol=0):
        return ""
    half, twice = (
        f"{budget:,.0f}" if np.isfinite(budget) else f"more than {needed.until:,.0f}"
        for budget in budgets.values()
    )
    return (
        f"With half the weight of the prior, {best.strategy} would need {half} {needed.unit}; "
        f"with twice the weight, {twice}."
    )


def of_decision(fit: "Posterior", rule: Rule, decision: Decision) -> str:
    """Describe with which weight of the prior a decision would be another; empty if with none."""
    needs_fit = any(leaf.horizon(decision.labels) is not None for leaf in rule.leaves())
    if decision.action == "cannot say" or not needs_fit or fit.prior_scaled is None:
        return ""
    outlook, leaves = outlook_for(fit, decision.strategy, rule), rule.leaves()
    changed = []
    for words, which in _draws_by_weight(fit, decision.strategy):
        if which is None:
            return _UNKNOWN.format("decision")
        moved = outlook.changed(itemgetter(which))
        findings = {
            leaf: before if before.stop is None else leaf.find(moved)
            for leaf, before in zip(leaves, decision.findings, strict=False)  # one more of a switch
        }
        changed += [words] if rule.verdict(findings) is (decision.action == "continue") else []
    if not changed:
        return ""
    otherwise = "stop" if decision.action == "continue" else "continue"
    weight = " or ".join(changed)
    return f"With {weight} the weight of the prior, the decision would be to {otherwise}."


def _draws_by_weight(fit: "Posterior", strategy: str) -> Iterator[tuple[str, Integers | None]]:
    assert fit.prior_scaled is not None
    of_one = fit.prior_scaled.sel(strategy=strategy)
    for weight in of_one["weight"].to_numpy():
        each = of_one.sel(weight=weight)
        yield str(weight), each["position"].to_numpy() if each["reliable"] else None
