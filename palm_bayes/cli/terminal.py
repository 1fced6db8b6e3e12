"""Output of the commands: progress and notes to stderr, results to stdout."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from palm_bayes.cli import formats
from palm_bayes.cli.console import console_of, print_parameters, print_tables
from palm_bayes.cli.formats import Shown
from palm_bayes.errors import listed, plural, visible

if TYPE_CHECKING:
    import pandas as pd

    from palm_bayes.evaluation.backtest_result import Backtest
    from palm_bayes.palm_fit import PalmFit
    from palm_bayes.report.export import Tables

type Step = Callable[..., None]  # (stage, strategy="", fraction=0.0)

OK, FAILED, BAD_INPUT, NOT_CONVERGED, INTERRUPTED = 0, 1, 2, 3, 130
STOP, CANNOT_SAY, SWITCH = 10, 11, 12  # of `stop --exit-code`
STAGES = {"compile": "compiling the model", "sample": "sampling", "retry": "sampling again"}
MOST_BARS = 10  # with more, finished strategies are hidden


def echo(text: str, *, err: bool = False) -> None:
    """Print text without the control characters of names and files in it: they steer terminals."""
    typer.echo(visible(text, keep="\n"), err=err)


def echo_json(document: Mapping[str, Any]) -> None:
    """Print a document as JSON; `ValueError` for a number that JSON does not have."""
    echo(json.dumps(document, indent=2, allow_nan=False))


def failed(error: object, status: int) -> int:
    """Print an error as one line; return the exit status."""
    echo(f"palm-bayes: error: {' '.join(str(error).split())}", err=True)
    return status


class Interrupted(Exception):  # noqa: N818 - no error
    """Interrupt of a command, with what it has kept."""


@contextmanager
def resumable(what: str) -> Iterator[None]:
    """Report what an interrupted command has kept."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(what) from None


@contextmanager
def working(quiet: bool) -> Iterator[tuple[Step, Callable[[str], None]]]:
    """Provide two functions during the work: one shows a step, one prints a note."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = console_of(sys.stderr, quiet=quiet)
    live = sys.stderr.isatty() and not quiet
    text = TextColumn("{task.description}", markup=False)
    columns = (SpinnerColumn(), text, BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not live) as progress:
        bars: dict[str, Any] = {}  # by strategy; "" for other work

        def step(stage: str, strategy: str = "", fraction: float = 0.0) -> None:
            line = visible(f"{STAGES.get(stage, stage)} {strategy}".rstrip())
            key = strategy if live else line
            if key not in bars:
                bars[key] = progress.add_task(line, total=None)  # no total: the bar pulses
                if not live:
                    console.print(line)
            elif progress.tasks[bars[key]].description != line:
                progress.reset(bars[key], description=line)
            shown = fraction < 1 or len(bars) <= MOST_BARS
            total = 1 if fraction else None  # None: unchanged
            progress.update(bars[key], completed=fraction, total=total, visible=shown)
            if strategy and "" in bars and progress.tasks[bars[""]].total is None:
                progress.update(bars[""], visible=False)

        yield step, lambda text: console.print(f"note: {text}")


def report(
    tables: "Tables",
    how: Shown,
    out: Path | None = None,
    files: Sequence[Path] = (),
    **more: object,
) -> int:
    """Print the results of a fit; return an exit status that reports convergence."""
    from palm_bayes.report.tables import fitted

    document = tables.document()
    if how == "text":
        _print_fit(document)
        if out:
            _print_files(out, files)
    else:
        written = {"out": str(out), "files": [str(file) for file in files]} if out else {}
        shown = fitted(tables.summary, tables.probability)
        print_as(how, document | more | written, shown, tables.summary, document["verdict"])
    return OK if document["converged"] else NOT_CONVERGED


def report_backtest(backtest: "Backtest", how: Shown, *, out: Path, seed: int) -> int:
    """Print the results of a backtest; return an exit status that reports convergence."""
    from palm_bayes.report.tables import scored

    fits, tables = backtest.fits, scored(backtest.overview)
    if how == "text":
        _print_backtest(backtest, tables, out)
    else:
        document = {
            "sentence": backtest.sentence,
            "reach": backtest.reach,
            "fits": len(fits),
            "not_converged": int((~fits["passed"].astype(bool)).sum()),
            "failed": backtest.failed.to_dict("records"),
            "seed": seed,
            "out": str(out),
        }
        print_as(how, document, tables, backtest.overview.reset_index(), backtest.sentence)
    return OK if fits["passed"].all() and len(fits) else NOT_CONVERGED


def report_decision(
    fit: "PalmFit",
    document: dict[str, Any],
    tables: "Mapping[str, pd.DataFrame]",
    numbers: "pd.DataFrame | None" = None,
    *,
    how: Shown,
    until: float | None = None,
    prior: str = "",
) -> int:
    """Print the answer to a question; return an exit status that reports convergence.

    Parameters
    ----------
    fit : PalmFit
        Fit, whose convergence diagnostics are printed too.
    document : dict
        Answer in the types of JSON; its ``sentence`` is printed last.
    tables : mapping of str to DataFrame
        Tables of formatted cells, by heading.
    numbers : DataFrame, optional
        Table of numbers, for CSV.
    how : Shown
        Format; the last three print tables only, and sentences to stderr.
    until : float, optional
        Largest budget of the answer, for the statement about its reliability.
    prior : str
        How the answer depends on the prior; may be empty.
    """
    verdict = fit.convergence
    if until is not None:
        words = filter(None, (prior, fit.worth(until)))
        document = document | {"worth": " ".join(words)}
    if how != "text":
        about = {"converged": bool(verdict.passed), "verdict": verdict.sentence}
        print_as(how, document | about, tables, numbers, document["sentence"])
    else:
        console = console_of(sys.stdout)
        print_tables(console, tables)
        console.print(document["sentence"])
        if until is not None:
            console.print(document["worth"])
        if not verdict.passed:
            console.print(verdict.sentence)
    return OK if verdict.passed else NOT_CONVERGED


def print_as(
    how: Shown,
    document: dict[str, Any],
    tables: "Mapping[str, pd.DataFrame]",
    numbers: "pd.DataFrame | None",
    sentence: str = "",
) -> None:
    """Print the document as JSON, or tables as LaTeX, Markdown or CSV with a sentence to stderr."""
    if how == "json":
        echo_json(document)
        return
    if how == "csv" and numbers is not None:
        echo(formats.csv(numbers))
    else:
        echo(formats.latex(tables) if how == "latex" else formats.markdown(tables))
    if sentence:
        echo(sentence, err=True)


def _print_backtest(backtest: "Backtest", tables: "Mapping[str, pd.DataFrame]", out: Path) -> None:
    console = console_of(sys.stdout)
    print_tables(console, tables)
    console.print(backtest.sentence)
    fits, failed = backtest.fits, backtest.failed
    console.print(f"{plural([len(fits)], 'fit', 'fits')}, {int(fits['passed'].sum())} converged.")
    if len(failed):
        cells = listed(f"{row.strategy} ({row.reason})" for row in failed.itertuples())
        console.print(f"Not scored: {cells}")
    console.print(f"\nWritten to {out}: forecasts.csv, scores.csv, baselines.csv, backtest.png")


def _print_fit(document: dict[str, Any]) -> None:
    console = console_of(sys.stdout)
    task = " / ".join(name for name in (document["dataset"], document["model"]) if name)
    console.print(f"{task}: {document['data']}" if task else document["data"])
    print_parameters(console, document)
    console.print(document["verdict"])
    for sentence in document["misfits"]:
        console.print(sentence)


def _print_files(out: Path, files: Sequence[Path]) -> None:
    from palm_bayes.report.place import left_over

    names: dict[str, list[str]] = {}
    for file in files:
        inside = file.relative_to(out)
        names.setdefault(str(inside.parent), []).append(inside.name)
    console = console_of(sys.stdout)
    console.print(f"\nWritten to {out}: {listed(names.pop('.'), most=20)}")
    if names:
        folders = listed(f"{folder}/" for folder in names)
        console.print(f"and in each of {folders}: {listed(next(iter(names.values())))}")
    if old := left_over(out, files):
        console.print(f"From another fit, left unchanged: {listed(old)}")
