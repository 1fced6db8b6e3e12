"""Results of decisions as tables of text, by heading, and as tables of numbers.

The commands print the tables of text, and the report shows them. Tables of numbers are for CSV.
"""

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from palm_bayes.decisions.compare import Comparison
from palm_bayes.decisions.decide import Decision
from palm_bayes.decisions.doubts import Doubts
from palm_bayes.decisions.information_value import PilotValue
from palm_bayes.decisions.label_budget import LabelsToReach
from palm_bayes.decisions.pairwise import with_shares
from palm_bayes.decisions.rule_logic import Finding
from palm_bayes.display import amount, exact_percent, intervals, percent, with_error
from palm_bayes.errors import plural
from palm_bayes.model.learned import BEYOND

if TYPE_CHECKING:
    from palm_bayes.evaluation.learn_result import Lesson


def compared(comparison: Comparison) -> dict[str, pd.DataFrame]:
    """Tabulate the ranking, with each strategy relative to the first and the reference."""
    ranking: list[Any] = list(_with_worse(comparison).itertuples(index=False))
    first, score = ranking[0].strategy, comparison.score
    rows = []
    for row in ranking:
        low, middle, high = map(score.written, (row.lower, row.median, row.upper))
        own = row.strategy == comparison.reference
        rows.append(
            {
                "strategy": row.strategy,
                comparison.score.metric: f"{middle} [{low}-{high}]",
                "P(best)": percent(row.p_best),
                "expected loss": score.written_size(row.expected_loss),
                "P(worse)": "" if row.strategy == first else percent(row.p_worse),
                "standing": row.standing,
                f"{comparison.unit} for {comparison.reference}'s {score.metric}": ""
                if own
                else comparison.share(row.strategy),
            }
        )
    rope = comparison.rope
    size = plural([rope], "point", "points") if score.percent else f"{rope:g}"
    worse_by = f"{score.worse} {first} by more than {size}"
    heading = f"{comparison.where}; P(worse): {worse_by}:"
    return {heading: _marked(pd.DataFrame(rows), comparison.doubts)}


def budgeted(needed: LabelsToReach) -> dict[str, pd.DataFrame]:
    """Tabulate the needs of each strategy, and ALDA's rule if there are several."""
    rows: list[Any] = list(needed.table.itertuples(index=False))
    within = {} if needed.within is None else {f"P(by {needed.within:,.0f})": "p_within"}
    needs = [
        {
            "strategy": row.strategy,
            f"budget ({exact_percent(needed.assurance)})": needed.count(row.budget),
            f"median [{exact_percent(needed.probability)}]": needed.span(row),
            "P(today)": percent(row.p_reached),
            **{name: percent(getattr(row, column)) for name, column in within.items()},
            f"P(not by {needed.until:,.0f})": percent(row.p_never),
        }
        for row in rows
    ]
    sure = f"budget: suffices with {exact_percent(needed.assurance)} probability"
    heading = f"{needed.unit.capitalize()} needed for {needed.goal}; {sure}:"
    tables = {heading: pd.DataFrame(needs)}
    rule = "ALDA's rule" if needed.scope == "expected" else "ALDA's rule, of the expected curves"
    tables |= {f"{rule}:": _advised(needed)} if len(rows) > 1 else {}
    return {heading: _marked(table, needed.doubts) for heading, table in tables.items()}


def _advised(needed: LabelsToReach) -> pd.DataFrame:
    """Tabulate ALDA's rule; a strategy that is never feasible has no labels."""

    def count(value: float) -> str:
        return "" if math.isnan(value) else needed.count(value)

    rows: list[Any] = list(needed.alda.itertuples(index=False))
    return pd.DataFrame(
        {
            "strategy": row.strategy,
            "P(feasible)": percent(row.p_feasible),
            f"{needed.unit} (B_abs)": count(row.B_abs),
            "window (W)": count(row.W),
            "P(near cheapest)": percent(row.p_competitive),
            "P(chosen)": percent(row.p_chosen),
            "with pilots": count(row.in_all),
        }
        for row in rows
    )


def decided(decision: Decision) -> dict[str, pd.DataFrame]:
    """Tabulate the findings of all single rules."""
    rows = [
        {"stop if": finding.rule, "now": _now(finding), "answer": finding.says}
        for finding in decision.findings
    ]
    return {"The stop rules, and what each says:": pd.DataFrame(rows)}


def _now(finding: Finding) -> str:
    """Format the probability of what the rule names, or the expected net value."""
    if finding.value is not None:
        return f"{amount(finding.value)} expected"
    return "" if finding.probability is None else percent(finding.probability)


def piloted(pilots: PilotValue) -> dict[str, pd.DataFrame]:
    """Tabulate cost and value of each pilot."""
    values: list[Any] = list(pilots.table.itertuples(index=False))
    rows = [
        {
            "strategy": row.strategy,
            "one more": row.pilot,
            "labels": f"{row.labels:,.0f}",
            **dict(zip(("value", "standard error"), with_error(row.value, row.error), strict=True)),
        }
        for row in values
    ]
    heading = f"Value of a pilot before the choice for {pilots.labels:,.0f} labels, in "
    heading += f"{'points of ' * pilots.score.percent}{pilots.score.metric}:"
    return {heading: _marked(pd.DataFrame(rows), pilots.doubts)}


def fitted(summary: pd.DataFrame, probability: float) -> dict[str, pd.DataFrame]:
    """Tabulate the curve's parameters of each strategy from a fit's summary."""
    spans = intervals(summary["median"], summary["lower"], summary["upper"])
    wide = summary.assign(span=spans).pivot_table(
        "span", "strategy", "parameter", aggfunc="first", sort=False
    )
    heading = f"Parameters, median and {exact_percent(probability)} interval:"
    return {heading: wide.rename_axis(columns=None).reset_index()}


def scored(overview: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Tabulate the scores of a backtest; point forecasts have no bands."""
    shown = {
        "CRPS": [amount(value) for value in overview["crps"]],
        "absolute error": [amount(value) for value in overview["mae"]],
    }
    names = [str(name) for name in overview.index]
    table = pd.DataFrame({"forecaster": names, **shown, **_in_bands(overview)})
    return {"Forecasts of the mean over repetitions, average scores:": table}


def _in_bands(table: pd.DataFrame) -> dict[str, list[str]]:
    """Format the coverage of the 50, 80 and 95 % bands; empty where there are none."""
    return {
        f"in {band} % band": [
            "" if math.isnan(p) else percent(p) for p in table[f"coverage_{band}"]
        ]
        for band in (50, 80, 95)
    }


def learned(lesson: "Lesson") -> dict[str, pd.DataFrame]:
    """Tabulate the hyperparameters and, by source left out, how well they forecast."""
    numbers = lesson.numbers.set_index("number")
    table = numbers.map("{:.4g}".format).replace("nan", "").reset_index()
    tables = {"What was learned; the value of the prior's numbers is a median:": table}
    if len(lesson.table):
        distances = [
            {
                "distance": f"up to {row.times:g}" if row.times < BEYOND else "beyond",
                "in the band": percent(row.share),
                "forecasts": f"{row.forecasts:,}",
            }
            for row in lesson.learned.held
        ]
        heading = "Each source, with the prior learned from all others: log density of later "
        heading += "accuracies (before: with the initial prior), and means over repetitions:"
        tables[heading] = pd.DataFrame(
            {
                "source": [str(name) for name in lesson.table.index],
                "log density": lesson.table["score"].map("{:.3f}".format).to_numpy(),
                "before": lesson.table["before"].map("{:.3f}".format).to_numpy(),
                **_in_bands(lesson.table),
            }
        )
        heading = "Means over repetitions in the 80 % band, by distance in times the labels seen:"
        tables[heading] = pd.DataFrame(distances)
    return tables


def compared_numbers(comparison: Comparison) -> pd.DataFrame:
    """Join ranking, P(worse than the first) and speed-up, one row per strategy."""
    return with_shares(_with_worse(comparison), comparison.speed_up)


def _with_worse(comparison: Comparison) -> pd.DataFrame:
    """Join the ranking and P(worse than the first), which is NaN for the first itself."""
    first = comparison.ranking["strategy"].iloc[0]
    worse = comparison.pairs.loc[comparison.pairs["other"] == first, ["strategy", "p_worse"]]
    return comparison.ranking.merge(worse, how="left", on="strategy")


def budgeted_numbers(needed: LabelsToReach) -> pd.DataFrame:
    """Join the labels needed and ALDA's rule, one row per strategy, columns as there."""
    return needed.table.merge(needed.alda, on="strategy")


def _marked(table: pd.DataFrame, doubts: Doubts) -> pd.DataFrame:
    """Mark strategies with doubts about their fits, if there are any."""
    if not doubts:
        return table
    return table.assign(doubted=["yes" if name in doubts else "" for name in table["strategy"]])
