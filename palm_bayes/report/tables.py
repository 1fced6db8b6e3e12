"""Results of decisions as tables of text, by heading.

The commands print these tables, and the report shows them.
"""

import math
from typing import Any

import pandas as pd

from palm_bayes.decisions.compare import Comparison
from palm_bayes.decisions.decide import Decision
from palm_bayes.decisions.doubts import Doubts
from palm_bayes.decisions.information_value import PilotValue
from palm_bayes.decisions.label_budget import LabelsToReach
from palm_bayes.decisions.projection import chance
from palm_bayes.errors import percent


def compared(found: Comparison) -> dict[str, pd.DataFrame]:
    """Tabulate the ranking, with each strategy relative to the first and the reference."""
    ranking: list[Any] = list(found.ranking.itertuples(index=False))
    pairs: list[Any] = list(found.pairs.itertuples())
    first, digits = ranking[0].strategy, found.score.digits
    worse: dict[Any, float] = {(p.strategy, p.other): p.p_worse for p in pairs}
    rows = []
    for row in ranking:
        low, middle, high = map(found.score.written, (row.lower, row.median, row.upper))
        rows.append(
            {
                "strategy": row.strategy,
                found.score.metric: f"{middle} [{low}-{high}]",
                "P(best)": percent(row.p_best),
                "expected loss": f"{row.expected_loss:.{digits + 1}f}",
                "worse": "" if row.strategy == first else percent(worse[row.strategy, first]),
                "standing": row.standing,
                "share": "" if row.strategy == found.reference else found.share(row.strategy),
            }
        )
    heading = f"At {found.at:,.0f} {found.unit}; worse than {first} by more than {found.rope:g}; "
    heading += f"share of the {found.unit} of {found.reference}:"
    return {heading: _marked(pd.DataFrame(rows), found.doubts)}


def budgeted(found: LabelsToReach) -> dict[str, pd.DataFrame]:
    """Tabulate the needs of each strategy, and ALDA's rule if there are several."""

    def budget(value: float) -> str:
        return f"{value:,.0f}" if value < math.inf else f">{found.until:,.0f}"

    def labels(value: float) -> str:
        return "" if math.isnan(value) else f"{value:,.0f}"

    needed: list[Any] = list(found.table.itertuples(index=False))
    advised: list[Any] = list(found.alda.itertuples(index=False))
    within = {} if found.within is None else {f"by {found.within:,.0f}": "p_within"}
    needs = [
        {
            "strategy": row.strategy,
            "budget": budget(row.budget),
            "needed": found.span(row),
            **{name: percent(getattr(row, column)) for name, column in within.items()},
            f"not by {found.until:,.0f}": percent(row.p_never),
        }
        for row in needed
    ]
    advice = [
        {
            "strategy": row.strategy,
            "feasible": percent(row.p_feasible),
            "B_abs": labels(row.B_abs),
            "W": labels(row.W),
            "in C_eta": percent(row.p_competitive),
            "chosen": percent(row.p_chosen),
            "with pilots": labels(row.in_all),
        }
        for row in advised
    ]
    heading = (
        f"{found.unit.capitalize()} for {found.target:g}, {100 * found.assurance:g} % probability:"
    )
    tables = {heading: pd.DataFrame(needs)}
    tables |= {"ALDA's rule:": pd.DataFrame(advice)} if advised[1:] else {}
    return {heading: _marked(table, found.doubts) for heading, table in tables.items()}


def decided(found: Decision) -> dict[str, pd.DataFrame]:
    """Tabulate the findings of all single rules."""
    rows = [
        {
            "rule": finding.rule,
            "says": finding.says,
            "probability": "" if finding.probability is None else chance(finding.probability),
        }
        for finding in found.findings
    ]
    return {"Findings of the rules:": pd.DataFrame(rows)}


def piloted(found: PilotValue) -> dict[str, pd.DataFrame]:
    """Tabulate cost and value of each pilot."""
    digits = found.score.digits + 1
    pilots: list[Any] = list(found.table.itertuples(index=False))
    rows = [
        {
            "strategy": row.strategy,
            "one more": row.pilot,
            "labels": f"{row.labels:,.0f}",
            "value": f"{row.value:z.{digits}f}",
            "error": f"{row.error:.{digits}f}",
        }
        for row in pilots
    ]
    heading = f"Value of a pilot before the choice for {found.labels:,.0f} labels, in "
    heading += f"{found.score.metric}:"
    return {heading: _marked(pd.DataFrame(rows), found.doubts)}


def _marked(table: pd.DataFrame, doubts: Doubts) -> pd.DataFrame:
    """Mark strategies with doubts about their fits, if there are any."""
    if not doubts:
        return table
    return table.assign(doubted=["yes" if name in doubts else "" for name in table["strategy"]])
