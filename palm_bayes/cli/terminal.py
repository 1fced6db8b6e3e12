"""Output of the commands: progress and notes to stderr, results to stdout."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import typer

from palm_bayes.errors import listed, plural, visible

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console
    from rich.text import Text

    from palm_bayes.evaluation.backtest_result import Backtest
    from palm_bayes.palm_fit import PalmFit
    from palm_bayes.report.export import Tables

type Step = Callable[..., None]  # (stage, strategy="", fraction=0.0)

OK, FAILED, BAD_INPUT, NOT_CONVERGED, INTERRUPTED = 0, 1, 2, 3, 130
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
    """Say what an interrupted command has kept."""
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(what) from None


@contextmanager
def working(quiet: bool) -> Iterator[tuple[Step, Callable[[str], None]]]:
    """Provide two functions during the work: one shows a step, one prints a note."""
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = _console(sys.stderr, quiet=quiet)
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
    as_json: bool,
    out: Path | None = None,
    files: Sequence[Path] = (),
    **more: object,
) -> int:
    """Print the results of a fit; return an exit status that reports convergence."""
    found = tables.document()
    if as_json:
        written = {"out": str(out), "files": [str(file) for file in files]} if out else {}
        echo(json.dumps(found | more | written, indent=2, allow_nan=False))
    else:
        _print_fit(found)
        if out:
            _print_files(out, files)
    return OK if found["converged"] else NOT_CONVERGED


def report_backtest(found: "Backtest", as_json: bool, *, out: Path, seed: int) -> int:
    """Print the results of a backtest; return an exit status that reports convergence."""
    fits, failed = found.fits, found.failed
    if as_json:
        document = {
            "sentence": found.sentence,
            "reach": found.reach,
            "fits": len(fits),
            "not_converged": int((~fits["passed"].astype(bool)).sum()),
            "failed": failed.to_dict("records"),
            "seed": seed,
            "out": str(out),
        }
        echo(json.dumps(document, indent=2, allow_nan=False))
    else:
        _print_backtest(found, out)
    return OK if fits["passed"].all() and len(fits) else NOT_CONVERGED


def report_decision(
    fit: "PalmFit",
    document: dict[str, Any],
    tables: "Mapping[str, pd.DataFrame]",
    *,
    as_json: bool,
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
    until : float, optional
        Largest budget of the answer, for the statement about its reliability.
    prior : str
        How the answer depends on the prior; may be empty.
    """
    verdict = fit.convergence
    if until is not None:
        words = filter(None, (prior, fit.worth(until)))
        document = document | {"worth": " ".join(words)}
    if as_json:
        told = document | {"converged": bool(verdict.passed), "verdict": verdict.sentence}
        echo(json.dumps(told, indent=2, allow_nan=False))
    else:
        console = _console(sys.stdout)
        for heading, table in tables.items():
            console.print(heading)
            _print_table(console, table)
        console.print(document["sentence"])
        if until is not None:
            console.print(document["worth"])
        if not verdict.passed:
            console.print(verdict.sentence)
    return OK if verdict.passed else NOT_CONVERGED


def _print_table(console: "Console", table: "pd.DataFrame") -> None:
    """Print a table of text; the first column holds names, the others numbers."""
    from rich import box
    from rich.table import Column, Table

    first, *rest = map(str, table.columns)
    columns = (Column(name, justify="right") for name in rest)
    shown = Table(
        Column(first, overflow="fold"), *columns, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    for row in table.itertuples(index=False):
        shown.add_row(*map(str, row))
    console.print(shown)


def _print_backtest(found: "Backtest", out: Path) -> None:
    from rich import box
    from rich.table import Column, Table

    console = _console(sys.stdout)
    names = ("forecaster", "CRPS", "error", "50 % held", "80 % held", "95 % held")
    columns = (Column(name, justify="left" if i == 0 else "right") for i, name in enumerate(names))
    table = Table(*columns, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name, row in found.overview.iterrows():
        shares = (f"{value:.0%}" for value in row.iloc[2:].dropna())  # point forecasts: no bands
        table.add_row(str(name), *(f"{value:.4f}" for value in row.iloc[:2]), *shares)
    console.print("Forecasts of the mean over repetitions, average scores:")
    console.print(table)
    console.print(found.sentence)
    fits, failed = found.fits, found.failed
    console.print(f"{plural([len(fits)], 'fit', 'fits')}, {int(fits['passed'].sum())} converged.")
    if len(failed):
        cells = listed(f"{row.strategy} ({row.reason})" for row in failed.itertuples())
        console.print(f"Not scored: {cells}")
    console.print(f"\nWritten to {out}: forecasts.csv, scores.csv, baselines.csv, backtest.png")


def _print_fit(found: dict[str, Any]) -> None:
    from rich import box
    from rich.table import Column, Table

    from palm_bayes.model.curve import PARAMETERS

    console = _console(sys.stdout)
    task = " / ".join(name for name in (found["dataset"], found["model"]) if name)
    console.print(f"{task}: {found['data']}" if task else found["data"])
    numbers = (Column(name, justify="right", no_wrap=True) for name in PARAMETERS)
    heads = (Column("strategy", overflow="fold", min_width=8), Column("", no_wrap=True))
    table = Table(*heads, *numbers, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    low, high = (f"{50 * (1 + sign * found['probability']):g} %" for sign in (-1, 1))
    for strategy, one in found["strategies"].items():
        values = [one["parameters"][name] for name in PARAMETERS]
        passed = one["convergence"]["passed"]
        for key, *head in (
            ("median", strategy, "median"),
            ("lower", "" if passed else "(not converged)", low),
            ("upper", "", high),
        ):
            style = "dim" if key != "median" else "" if passed else "red"
            table.add_row(*head, *(_number(value[key]) for value in values), style=style)
    console.print(table)
    console.print(found["verdict"])
    for sentence in found["misfits"]:
        console.print(sentence)


def _print_files(out: Path, files: Sequence[Path]) -> None:
    from palm_bayes.report.place import left_over

    names: dict[str, list[str]] = {}
    for file in files:
        inside = file.relative_to(out)
        names.setdefault(str(inside.parent), []).append(inside.name)
    console = _console(sys.stdout)
    console.print(f"\nWritten to {out}: {listed(names.pop('.'), most=20)}")
    if names:
        folders = listed(f"{folder}/" for folder in names)
        console.print(f"and in each of {folders}: {listed(next(iter(names.values())))}")
    if old := left_over(out, files):
        console.print(f"From another fit, left unchanged: {listed(old)}")


def _number(value: float | None) -> str:
    if value is None:
        return "?"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:#.3g}".rstrip(".")


def _console(stream: TextIO, *, quiet: bool = False) -> "Console":
    """Create a plain console: wrapped at words in a terminal; whole lines to files and pipes.

    As `echo`, it prints no control characters but its own.
    """
    from rich.console import Console

    class Clean(Console):
        def render_str(self, text: str, **options: Any) -> "Text":
            return super().render_str(visible(text, keep="\n"), **options)

    wrap: dict[str, Any] = {} if stream.isatty() else {"soft_wrap": True, "width": 120}
    return Clean(file=stream, quiet=quiet, markup=False, highlight=False, **wrap)
