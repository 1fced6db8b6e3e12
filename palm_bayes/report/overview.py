"""Overview of a sweep: sections of its page, from its tables."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from palm_bayes.data.validation import CELL
from palm_bayes.display import percent
from palm_bayes.evaluation.sweep_result import COLUMNS, Sweep, path_of
from palm_bayes.inference.convergence import written
from palm_bayes.plots.sweep import plot_speed_ups
from palm_bayes.report.parts import Listing, Page, Picture, Section, Table

_MOST = 20  # rows of a table of single cells
_ABOUT = {
    "speed": (
        "The speed-up is the budget at the end of a task's data over the labels with which the "
        "strategy reached the reference's accuracy there; where a strategy is behind, it is the "
        "labels with which the reference reached the strategy's accuracy, over the budget. Its "
        "logarithm in each task, mean and standard deviation of the posterior, is pooled by a "
        "random-effects meta-analysis (DerSimonian and Laird 1986; Higgins, Thompson and "
        "Spiegelhalter 2009): true speed-ups differ between tasks by the spread, a factor. "
        "P(faster) is the probability that the mean over tasks is above 1; P(helps) is that of a "
        "new task, if it is one like these. Tasks with another reference, or whose fits did not "
        "converge, are left out."
    ),
    "winners": (
        "P(best) is the probability that the strategy has the highest expected accuracy at the "
        "end of the task's data. Wins is their sum over tasks: the expected number of tasks in "
        "which it is the best."
    ),
}


def overview(sweep: Sweep, probability: float = 0.9) -> Page:
    """Compute the page; `probability` is that of the intervals of pooled speed-ups."""
    pooled = sweep.speed_ups(probability)
    every = (
        speed_ups(sweep, pooled, probability), winners(sweep), worst(sweep), set_aside(sweep),
        tables(),
    )  # fmt: skip
    name = f"Sweep {sweep.folder.name}"
    return Page(
        title=name,
        heading=name,
        about=_about(sweep),
        verdict={
            "Did the fits converge?": sweep.sentence,
            "Which strategies are faster?": _faster(sweep, pooled),
        },
        sections=[section for section in every if section is not None],
        footer="A cell is one strategy of one task.",
    )


def _about(sweep: Sweep) -> str:
    cells = sweep.verdicts
    if cells.empty:
        return "No cell was fitted."
    names = cells["strategy"].nunique()
    return f"{len(cells):,} cells: strategies of tasks; {names} different strategies."


def _faster(sweep: Sweep, pooled: pd.DataFrame) -> str:
    if pooled.empty:
        return "No two strategies of a task can be compared."
    rows: list[Any] = list(pooled.itertuples())
    sure = [row for row in rows if row.p_mean >= 0.95]
    if not sure:
        return f"None is faster than {sweep.reference} on average with 95 % probability."
    faster = (
        f"{row.Index} ({_factor(row.mean)} times; helps on a new task with "
        f"{percent(row.p_new)} probability)"
        for row in sure
    )
    return f"Faster than {sweep.reference} on average: {', '.join(faster)}."


def speed_ups(sweep: Sweep, pooled: pd.DataFrame, probability: float) -> Section | None:
    """Show the pooled speed-ups."""
    if pooled.empty:
        return None
    level = f"{100 * probability:g} %"
    rows: list[Any] = list(pooled.itertuples())
    numbers = [
        {
            **_speed_up_cells(row),
            "spread": _factor(row.tau),
            f"new task, {level}": f"{_factor(row.new_lower)}-{_factor(row.new_upper)}",
            "P(faster)": percent(row.p_mean),
            "P(helps)": percent(row.p_new),
        }
        for row in rows
    ]
    lines = "; ".join(f"{row['strategy']} {row['speed-up']}" for row in numbers)
    picture = Picture.of(
        plot_speed_ups(pooled, sweep.reference),
        f"Speed-up over {sweep.reference} by strategy: {lines}.",
        f"Thick: {level} interval of the mean over tasks; thin: of a new task.",
    )
    caption = f"Speed-up over {sweep.reference}, median and {level} interval over tasks"
    table = Table(caption, pd.DataFrame(numbers))
    return Section("speed", "Speed-ups", (_ABOUT["speed"],), pictures=(picture,), tables=(table,))


def winners(sweep: Sweep) -> Section | None:
    """Show the probability of being the best, by task and strategy."""
    if sweep.p_best.empty:
        return None
    table = pd.DataFrame(
        {
            "strategy": sweep.winners.index,
            "tasks": sweep.winners["tasks"].to_numpy().astype(str),
            "wins": [f"{wins:.1f}" for wins in sweep.winners["wins"]],
            "P(best) at least 90 %": sweep.winners["surely"].to_numpy().astype(str),
            "at most 10 %": sweep.winners["hardly"].to_numpy().astype(str),
        }
    )
    shown = sweep.most_decided()
    first = {str(name): int((shown.idxmax(axis=1) == name).sum()) for name in shown}
    lines = "; ".join(f"{name} {count}" for name, count in first.items())
    every = "all tasks" if len(shown) == len(sweep.p_best) else f"{len(shown)} most decided tasks"
    picture = Picture.of(
        sweep.plot_winners(),
        f"P(best) of every strategy in {every}. Tasks in which each is the likeliest: {lines}.",
        f"P(best) in {every}. Grey: the task does not have the strategy.",
    )
    about = (_ABOUT["winners"],)
    return Section(
        "winners", "Which strategy is best in which task", about, pictures=(picture,),
        tables=(Table("Tasks by strategy", table),),
    )  # fmt: skip


def worst(sweep: Sweep) -> Section | None:
    """List the cells that did not converge or are not described, the worst first."""
    cells = sweep.verdicts
    doubted = cells[~cells["converged"] | ~cells["described"]]
    if doubted.empty:
        return None
    order = doubted.assign(r_hat=doubted["r_hat"].fillna(np.inf))
    order = order.sort_values(["converged", "r_hat"], ascending=[True, False]).head(_MOST)
    rows: list[Any] = list(order.itertuples())
    table = pd.DataFrame(
        {
            "cell": [path_of(cell) for cell in order[CELL].to_numpy()],
            "R-hat": [written("r_hat", value) for value in order["r_hat"]],
            "divergences": order["divergences"].astype(str).to_numpy(),
            "reason": [
                "; ".join(filter(None, (row.advice, "" if row.described else row.finding)))
                for row in rows
            ],
        }
    )
    links = tuple(order["trace"])
    count = f"{len(doubted):,} of {len(cells):,} cells"
    words = f"{count} did not converge or are not described by PALM; see verdicts.parquet."
    listings: tuple[Listing, ...] = ()
    if all(links):
        command = f"palm-bayes report {links[0]} --out {Path(links[0]).stem}.html"
        listings = (Listing("A report of one of these fits", command),)
    shown = Table(f"The worst {len(table)}", table, numbers=False, links=links)
    return Section("worst", "Worst cells", (words,), tables=(shown,), listings=listings)


def set_aside(sweep: Sweep) -> Section | None:
    """List cells without answers."""
    rows = sweep.failures
    if rows.empty:
        return None
    shown = rows.head(_MOST)
    table = pd.DataFrame(
        {
            "cell": [path_of(cell) for cell in shown[CELL].to_numpy()],
            "no answer about": shown["question"].to_numpy(),
            "reason": shown["reason"].to_numpy(),
        }
    )
    advice = "Correct the table and run the same sweep again to fit them."
    words = (f"{len(rows):,} rows of failures.parquet. {advice}",)
    heading = f"The first {len(table)}"
    return Section("aside", "Set aside", words, tables=(Table(heading, table, numbers=False),))


def tables() -> Section:
    """Show how to read the tables."""
    frame = pd.DataFrame(
        {
            "file": [f"{name}.parquet" for name in COLUMNS],
            "columns": [", ".join(columns) for columns in COLUMNS.values()],
        }
    )
    code = (
        'pandas.read_parquet("comparison.parquet")\n'
        'polars.scan_parquet("comparison.parquet")\n'
        "duckdb.sql(\"SELECT strategy, sum(p_best) FROM 'comparison.parquet' GROUP BY strategy\")"
    )
    shown = Table("One file for each question", frame, numbers=False)
    return Section(
        "tables", "Tables", tables=(shown,), listings=(Listing("Each is read in one line", code),)
    )


def sped_up(sweep: Sweep, pooled: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Tabulate pooled speed-ups, as the command prints them; empty without any."""
    each: list[Any] = list(pooled.itertuples())
    rows = [{**_speed_up_cells(row), "helps on a new task": percent(row.p_new)} for row in each]
    heading = f"Speed-ups over {sweep.reference}, pooled over tasks:"
    return {heading: pd.DataFrame(rows)} if rows else {}


def _speed_up_cells(row: Any) -> dict[str, str]:
    middle, low, high = map(_factor, (row.mean, row.lower, row.upper))
    span = f"{middle} [{low}-{high}]"
    return {"strategy": row.Index, "tasks": f"{row.tasks}", "speed-up": span}


def _factor(logarithm: float) -> str:
    return f"{np.exp(logarithm):.2f}"
