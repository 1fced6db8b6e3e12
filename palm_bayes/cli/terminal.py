"""Output of the commands: progress and notes to stderr, results to stdout."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import typer

from palm_bayes.cli.console import console_of, latex, markdown, print_tables
from palm_bayes.cli.options import Shown
from palm_bayes.errors import WriteError, visible
from palm_bayes.files import csv_text

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console
    from rich.progress import Progress

    from palm_bayes.palm_fit import PalmFit

type Step = Callable[..., None]  # (stage, strategy="", fraction=0.0)

OK, FAILED, BAD_INPUT, NOT_CONVERGED, INTERRUPTED = 0, 1, 2, 3, 130
STOP, CANNOT_SAY, SWITCH = 10, 11, 12  # of `stop --exit-code`
STAGES = {"compile": "compiling the model", "sample": "sampling", "retry": "sampling again"}
MOST_BARS = 10  # with more, finished strategies are hidden


def echo(text: str, *, err: bool = False) -> None:
    """Print text without the control characters of names and files in it: they steer terminals."""
    typer.echo(visible(text, keep="\n"), err=err)


def failed(error: object, status: int) -> int:
    """Print an error as one line; return the exit status."""
    echo(f"palm-bayes: error: {' '.join(str(error).split())}", err=True)
    return status


class Interrupted(Exception):  # noqa: N818 - no error
    """Interrupt of a command, with what it has kept."""


@contextmanager
def resumable(what: str) -> Iterator[None]:
    """Report what a command has kept that was interrupted, or whose results cannot be written."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(what) from None
    except WriteError as error:
        raise WriteError(f"{error}; {what}") from error


@contextmanager
def bars(quiet: bool) -> "Iterator[tuple[Console, Progress]]":
    """Provide a console on stderr, and bars on it, which are disabled unless it is a terminal."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = console_of(sys.stderr, quiet=quiet)
    text = TextColumn("{task.description}", markup=False)
    columns = (SpinnerColumn(), text, BarColumn(), TimeElapsedColumn())
    hidden = quiet or not sys.stderr.isatty()
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        yield console, progress


@contextmanager
def working(quiet: bool) -> Iterator[tuple[Step, Callable[[str], None]]]:
    """Provide two functions during the work: one shows a step, one prints a note."""
    with bars(quiet) as (console, progress):
        tasks: dict[str, Any] = {}  # by strategy; "" for other work

        def step(stage: str, strategy: str = "", fraction: float = 0.0) -> None:
            line = visible(f"{STAGES.get(stage, stage)} {strategy}".rstrip())
            key = line if progress.disable else strategy
            if key not in tasks:
                tasks[key] = progress.add_task(line, total=None)  # no total: the bar pulses
                if progress.disable:
                    console.print(line)
            elif progress.tasks[tasks[key]].description != line:
                progress.reset(tasks[key], description=line)
            shown = fraction < 1 or len(tasks) <= MOST_BARS
            total = 1 if fraction else None  # None: unchanged
            progress.update(tasks[key], completed=fraction, total=total, visible=shown)
            if strategy and "" in tasks and progress.tasks[tasks[""]].total is None:
                progress.update(tasks[""], visible=False)

        yield step, lambda text: console.print(f"note: {text}")


def answer(
    how: Shown,
    document: Mapping[str, Any],
    tables: "Mapping[str, pd.DataFrame]",
    numbers: "pd.DataFrame",
    sentence: str = "",
    more: Iterable[str] = (),
) -> None:
    """Print an answer in a format.

    text: `tables`, `sentence` and `more` lines; json: the document; csv: `numbers`; others: the
    tables, whose cells are text. The last three print the sentence, if any, to stderr.
    """
    if how == "text":
        console = console_of(sys.stdout)
        print_tables(console, tables)
        for line in filter(None, (sentence, *more)):
            console.print(line)
    elif how == "json":
        echo(json.dumps(document, indent=2, allow_nan=False))
    else:
        of_tables = latex if how == "latex" else markdown
        echo(csv_text(numbers).rstrip("\n") if how == "csv" else of_tables(tables))
        if sentence:
            echo(sentence, err=True)


class Result(Protocol):
    """Answer of the package to a question."""

    @property
    def sentence(self) -> str:
        """The answer in words."""

    def document(self) -> dict[str, Any]:
        """Return all of it in the types of JSON."""


def report_decision(
    fit: "PalmFit",
    result: Result,
    tables: "Mapping[str, pd.DataFrame]",
    numbers: "pd.DataFrame",
    *,
    how: Shown,
    worth: Iterable[str] | None = None,
    more: Iterable[str] = (),
    **also: str,
) -> int:
    """Print the answer to a question; return an exit status that reports convergence.

    `worth` are sentences about its reliability, `also` further entries of the document.
    """
    verdict = fit.convergence
    if worth is not None:
        also["worth"] = " ".join(filter(None, worth))
    about = also | {"converged": bool(verdict.passed), "verdict": verdict.sentence}
    document = result.document() | about if how == "json" else {}  # with tables of its own
    doubt = "" if verdict.passed else verdict.sentence
    answer(how, document, tables, numbers, result.sentence, (also.get("worth", ""), doubt, *more))
    return OK if verdict.passed else NOT_CONVERGED
