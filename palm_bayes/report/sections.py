"""Sections of the page, each made from results."""

from typing import Any

import numpy as np
import pandas as pd

from palm_bayes.data.budgets import seen_budget, unit_of
from palm_bayes.data.checks import oddities
from palm_bayes.display import percent
from palm_bayes.inference.convergence import written
from palm_bayes.inference.saved import about_fit
from palm_bayes.inference.settings import silent
from palm_bayes.model.curve import PARAMETERS
from palm_bayes.plots.comparison import plot_comparison
from palm_bayes.plots.curves import plot_curves
from palm_bayes.plots.uncertainty import plot_uncertainty
from palm_bayes.report import recipe
from palm_bayes.report.contents import Report, Step
from palm_bayes.report.parts import Listing, Picture, Section, Table, tables
from palm_bayes.report.tables import budgeted, compared, decided, fitted

BAND = 0.8  # interval of the numbers beside the curves
ABOUT = {
    "curves": (
        "The expected curve is the average over many repetitions, without the noise that these "
        "have in common; the bands also include the noise of one measurement. They widen past the "
        "data, where the true curve may deviate from PALM's."
    ),
    "uncertainty": (
        "More repetitions and episodes reduce the uncertainty of the parameters. Misfit, the "
        "deviation of true curves from PALM, decreases only with a shorter horizon. Noise is that "
        "of one measurement; it averages out over many."
    ),
    "labels": (
        "ALDA's rule, applied to every draw: B_abs and W are its labels and deployment window "
        "(medians, given that the target is feasible); near cheapest are those in C_eta, "
        "which cost little more than the cheapest; chosen is the strategy that the rule takes. "
        "Budgets and the decision use the same draws as the curves above."
    ),
    "comparison": (
        "Expected loss is the mean distance of a strategy from the best; a strategy is ruled out, "
        "or equivalent to the first, if this has a probability of 90 % or more. Strategies of one "
        "task are partially pooled, so that each forecast also depends on the other strategies. "
        "The comparison uses the same draws as the curves above."
    ),
    "reliability": (
        "Converged means R-hat at most 1.01, at least 400 effective draws in bulk and tails, no"
        " divergent transition, E-BFMI at least 0.3. The posterior predictive check draws "
        "replicated runs from the fit: a small p-value means that the observed runs fall, rise, "
        "bend or jump as hardly any replicate does."
    ),
    "parameters": (
        "A_max, delta, alpha and beta are correlated: their intervals may be wide although the "
        "curve is known well. Compare curves, not parameters."
    ),
}
_DIAGNOSTICS = {
    "R-hat": "r_hat",
    "ESS bulk": "ess_bulk",
    "ESS tail": "ess_tail",
    "divergences": "divergences",
    "E-BFMI": "e_bfmi",
}
"""Column of each number about convergence."""

_SOURCES = {
    "parameters": "parameters",
    "misfit": "misfit",
    "noise": "noise of one measurement",
}


def sections(report: Report, step: Step = silent) -> list[Section]:
    """Return all sections that apply, in the order of the page."""
    found = []
    for words, make, applies in (
        ("drawing the curves", curves, True),
        ("drawing the labels needed", labels, report.needed),
        ("drawing the comparison", comparison, report.several),
        ("", stopping, report.decision),
        ("drawing the sources of uncertainty", uncertainty, True),
        ("writing the tables", reliability, True),
        ("", parameters, True),
        ("", data, True),
        ("", making, True),
    ):
        if applies and words:
            step(words)
        if applies:
            found.append(make(report))
    return found


def curves(report: Report) -> Section:
    """Show data, curves and bands, and the same in numbers."""
    runs, unit, score = report.fit.runs, unit_of(report.fit.runs), report.fit.runs.score
    numbers = ahead(report)
    now, *_, last = numbers.columns[1:]
    rows: list[Any] = list(numbers.itertuples(index=False, name=None))
    lines = "; ".join(f"{row[0]} from {row[1]} to {row[-1]}" for row in rows)
    alt = (
        f"{score.title} against {unit}, one panel per strategy: repetitions as dots, the expected "
        f"curve as a line with bands around it. Expected {score.metric}, {now} and {last}: {lines}."
    )
    caption = (
        f"All repetitions, the expected curve and the bands of a new "
        f"{'mean' if runs.of_means else 'repetition'}, up to {report.until:,.0f} {unit}."
    )
    expected = report.expected
    panels = plot_curves(runs, expected, report.new.draws, title="")
    if panels.axes[0].child_axes:
        caption += " What follows the data is enlarged in each panel."
    pictures = [Picture.of(panels, alt, caption)]
    if report.several:
        alt = f"All strategies on common axes. Expected {score.metric}, {now} and {last}: {lines}."
        caption = "All strategies on common axes: means of the data."
        pictures.append(Picture.of(plot_comparison(runs, expected, title=""), alt, caption))
    heading = f"Expected {score.metric}, median and {100 * BAND:g} % interval"
    return Section(
        "curves", "The curves", (ABOUT["curves"],), pictures=tuple(pictures),
        tables=(Table(heading, numbers, folds=True),),
    )  # fmt: skip


def ahead(report: Report) -> pd.DataFrame:
    """Format the expected score now, halfway to the end of the curves, and at the end."""
    draws = report.expected
    unit = unit_of(report.fit.runs)
    places = draws["labels" if unit == "labels" else "episode"].to_numpy()
    now = int(np.searchsorted(places, seen_budget(report.fit.runs) - 1e-9))
    tail = (1 - BAND) / 2
    columns, score = {"strategy": list(report.fit.runs.strategies)}, report.fit.runs.score
    for at in dict.fromkeys((now, (now + len(places) - 1) // 2, len(places) - 1)):
        there = score.values(draws.isel(x=at))
        bands = there.quantile([tail, 0.5, 1 - tail], ("chain", "draw"), skipna=False)
        of = bands.transpose("strategy", "quantile").to_numpy()
        columns[f"at {places[at]:,.0f} {unit}"] = [
            f"{score.written(middle)} [{score.written(low)}-{score.written(high)}]"
            for low, middle, high in of
        ]
    return pd.DataFrame(columns)


def uncertainty(report: Report) -> Section:
    """Show the sources of a forecast's uncertainty."""
    unit, score = unit_of(report.fit.runs), report.fit.runs.score
    spread = report.new.uncertainty()
    at_end = score.sizes(spread.isel(x=-1))
    parts = at_end.to_dataset("source").to_dataframe()[[*_SOURCES]].rename(columns=_SOURCES)
    mostly = "; ".join(f"{name}: mostly {source}" for name, source in parts.idxmax(axis=1).items())
    together = np.sqrt((parts**2).sum(axis=1))
    deviation = f"Standard deviation of one measured {score.metric}"
    alt = (
        f"{deviation} past the data by source: parameters, misfit and noise. "
        f"At {report.until:,.0f} {unit}: {mostly}."
    )
    caption = f"{deviation}; areas in proportion to the variances."
    numbers = parts.assign(together=together).map(score.written_size).reset_index()
    heading = f"Standard deviation at {report.until:,.0f} {unit}, by source"
    picture = Picture.of(plot_uncertainty(spread, score), alt, caption)
    return Section(
        "uncertainty", "Sources of uncertainty", (ABOUT["uncertainty"],), pictures=(picture,),
        tables=(Table(heading, numbers, folds=True),),
    )  # fmt: skip


def labels(report: Report) -> Section:
    """Show the labels needed for the target."""
    needed = report.needed
    assert needed is not None
    shown = budgeted(needed)
    first = next(iter(shown.values()))
    lines = "; ".join(f"{row[0]} {row[1]}" for row in first.itertuples(index=False, name=None))
    alt = (
        f"Probability that {needed.goal} is reached, by {needed.unit}, one line per strategy. "
        f"They reach {percent(needed.assurance)} at: {lines}."
    )
    caption = f"Probability that the target {needed.goal} is reached, at every budget."
    return Section(
        "labels", "How many labels", (needed.sentence, *[ABOUT["labels"]] * report.several),
        pictures=(Picture.of(needed.plot(), alt, caption),), tables=tables(shown),
    )  # fmt: skip


def comparison(report: Report) -> Section:
    """Compare the strategies."""
    found = report.comparison
    rows: list[Any] = list(found.ranking.itertuples(index=False))
    order = "; ".join(f"{row.strategy}, best with {percent(row.p_best)}" for row in rows)
    alt = (
        f"{found.where}: left, difference of each strategy to the first; right, "
        f"the probability that each is the best, by budget. In order: {order}."
    )
    caption = "Difference to the first, and probability of being the best at every budget."
    square = found.matrix.map(lambda p: "" if np.isnan(p) else percent(p))
    square = square.reset_index().rename(columns={"strategy": found.score.better})
    apart = report.fit.runs.notes[-1:] if "fits" in about_fit(report.fit.trace) else ()
    words = (found.sentence, *apart, ABOUT["comparison"])
    heading = f"{found.where}: probability that the strategy of the row is {found.score.better} "
    heading += "that of the column"
    return Section(
        "comparison", "Which strategy", words,
        pictures=(Picture.of(found.plot(), alt, caption),),
        tables=(*tables(compared(found)), Table(heading, square, folds=True)),
    )  # fmt: skip


def stopping(report: Report) -> Section:
    """Show the decision about stopping."""
    decision = report.decision
    assert decision is not None
    return Section(
        "stop", "Stop or continue", (decision.sentence,), points=decision.advice,
        tables=tables(decided(decision), numbers=False),
    )  # fmt: skip


def reliability(report: Report) -> Section:
    """Show convergence and the posterior predictive check."""
    sampled = report.fit.convergence.table
    convergence = pd.DataFrame(
        {
            "strategy": sampled.index,
            "converged": [_yes(passed) for passed in sampled["passed"]],
            **{
                name: [written(column, value) for value in sampled[column]]
                for name, column in _DIAGNOSTICS.items()
            },
        }
    )
    checked = report.fit.predictive_check.table
    p_values = checked.filter(regex="^p_").rename(columns=lambda name: name[2:])
    described = pd.DataFrame(
        {
            "strategy": checked.index,
            "described": [_yes(passed) for passed in checked["passed"]],
            "finding": list(checked["finding"]),
            **{name: [f"{p:.3f}" for p in values] for name, values in p_values.items()},
        }
    )
    words = report.verdict["Can it be relied on?"], ABOUT["reliability"]
    return Section(
        "reliability", "Can it be relied on", words,
        tables=(
            Table("Convergence of the sampler", convergence, folds=True),
            Table("Posterior predictive check: p-values", described, numbers=False, folds=True),
        ),
    )  # fmt: skip


def parameters(report: Report) -> Section:
    """Show median and interval of every parameter."""
    probability = report.questions.probability
    summary = report.fit.summary(probability, diagnostics=False)
    (table,) = fitted(summary, probability).values()
    words = tuple(filter(None, (ABOUT["parameters"], report.fit.runs.score.turned)))
    what = f"posterior median and {100 * probability:g} % interval"
    curve = ["strategy", *PARAMETERS]
    shown = (
        Table(f"The curve: {what}", table[curve], folds=True),
        Table(f"Its noise: {what}", table.drop(columns=[*PARAMETERS]), folds=True),
    )
    return Section("parameters", "The parameters", words, tables=shown)


def data(report: Report) -> Section:
    """Show the fitted data."""
    runs, about = report.fit.runs, about_fit(report.fit.trace)
    size = runs.table.groupby("strategy", sort=False).agg(
        repetitions=("repetition", "nunique"), episodes=("episode", "max"),
        labels=("labels", "max"),
    )  # fmt: skip
    ends = runs.table.groupby(["strategy", "repetition"], sort=False)["accuracy"].last()
    means = runs.score.values(ends.groupby("strategy", sort=False).mean())
    shown = size.astype({"repetitions": str, "episodes": str})
    shown["labels"] = [f"{n:,.0f}" for n in size["labels"]]
    shown[f"mean of last {runs.score.metric}"] = [*map(runs.score.written, means[size.index])]
    task = f"{report.task}: " if report.task else ""
    words = (
        f"{task}{runs.describe()}.",
        *runs.notes,
        *oddities(runs),
        f"SHA-256 of the data: {about['data_sha256']}",
    )
    table = Table("Fitted data", shown.reset_index(), folds=True)
    return Section("data", "The data", words, tables=(table,))


def making(report: Report) -> Section:
    """Show versions, seed and settings, and code that reproduces the page."""
    about = about_fit(report.fit.trace)
    shown = {
        **{name: str(version) for name, version in about["versions"].items()},
        "priors": about["sampling"]["priors"],
        "learned prior": about["sampling"]["prior"] or "as shipped",
        **{name: str(about["sampling"][name]) for name in recipe.SAMPLING},
    }
    frame = pd.DataFrame({"what": list(shown), "value": list(shown.values())})
    listings = [Listing("In Python", recipe.python(report))]
    if (commands := recipe.shell(report)) is not None:
        listings.append(Listing("On the command line", commands))
    words = ["The same data, versions and seed give the same page."]
    if not report.fit.runs.origins:
        words.append("The runs were not read from a file: replace runs.csv by your data.")
    return Section(
        "making", "How to reproduce it", tuple(words),
        tables=(Table("Versions, settings and seed of the fit", frame, numbers=False, folds=True),),
        listings=tuple(listings),
    )  # fmt: skip


def _yes(passed: bool) -> str:
    return "yes" if passed else "no"
