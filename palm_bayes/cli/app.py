"""Command line: parse, call, print.

Results go to stdout; progress, notes and errors to stderr. Libraries are imported where they are
used, so that help and usage errors appear at once.
"""

import os
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from palm_bayes.cli import backtest, compare, fit, learn, report, stop, sweep
from palm_bayes.cli.help import Command, Group
from palm_bayes.cli.options import UsageError
from palm_bayes.cli.terminal import BAD_INPUT, FAILED, INTERRUPTED, OK, Interrupted, echo, failed
from palm_bayes.errors import DataError, PalmError, PalmWarning, WorkerError
from palm_bayes.version import __version__

DEFAULTS = """[bold]Defaults from the environment[/bold]

Options marked "env var" take their default from it, in all commands:

  export PALM_BAYES_DRAWS=2000 PALM_BAYES_ROPE=0.005
  export PALM_BAYES_LABEL_COST=0.5 PALM_BAYES_POINT_VALUE=80

An option on the command line takes precedence. Those of fitting do not
apply to a saved fit.

[bold]Completion by the shell[/bold]

  palm-bayes --install-completion

completes commands, options, their choices and names of strategies with the
tab key, in bash, zsh, fish and PowerShell, from the next shell on;
--show-completion prints the script instead."""

app = typer.Typer(
    cls=Group,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={
        "help_option_names": ["-h", "--help"],
        "token_normalize_func": lambda token: token.replace("_", "-"),
    },
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (by default that of the process) and return the exit status."""
    args = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    try:
        with _warnings_as_notes():
            status = app(args=args, prog_name="palm-bayes", standalone_mode=False)
    except UsageError as error:
        command = error.ctx.command_path if error.ctx else "palm-bayes"
        return failed(f"{_where_from(error.format_message())} (see {command} --help)", BAD_INPUT)
    except (WorkerError, OSError) as error:
        what: object = error
        if isinstance(error, OSError) and not error.filename:  # as of a full stdout
            what = f"cannot read or write: {error.strerror}"
        return failed(what, FAILED)
    except PalmError as error:
        return failed(error, BAD_INPUT)
    except MemoryError:
        return failed("not enough memory: use fewer draws or strategies, or ask for less", FAILED)
    except Interrupted as kept:
        return failed(f"interrupted: {kept}", INTERRUPTED)
    except KeyboardInterrupt:
        status = INTERRUPTED
    if status == INTERRUPTED:  # Typer's status for KeyboardInterrupt
        failed("interrupted", INTERRUPTED)
    return int(status or OK)


def _where_from(message: str) -> str:
    """Leave out the environment variable that Typer names for an option, unless it is set."""
    return re.sub(
        r" \(env var: '(\w+)'\)", lambda found: found[0] * (found[1] in os.environ), message
    )


@contextmanager
def _warnings_as_notes() -> Iterator[None]:
    """Show warnings as plain lines, except those that libraries address to programmers."""
    with warnings.catch_warnings():
        for of_programmers in (DeprecationWarning, PendingDeprecationWarning, FutureWarning):
            warnings.simplefilter("ignore", of_programmers)
        warnings.simplefilter("always", PalmWarning)
        seen: set[str] = set()  # each once: a target is read by several answers

        def show(message: Warning | str, *_: object, **__: object) -> None:
            if str(message) not in seen:
                seen.add(str(message))
                echo(f"warning: {message}", err=True)

        warnings.showwarning = show
        yield


def _version(asked: bool) -> None:
    if asked:
        echo(f"palm-bayes {__version__}")
        raise typer.Exit


@app.callback(epilog=f"{fit.CODES}\n\n{DEFAULTS}")
def _palm_bayes(
    version: Annotated[  # noqa: ARG001 - its callback uses it
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version.")
    ] = False,
) -> None:
    """Bayesian analysis of active-learning curves: fit the PALM curve to runs, and forecast.

    Demonstration: [bold]palm-bayes demo[/bold]. Your own runs: [bold]palm-bayes fit PATH[/bold].
    """
    try:
        Path.cwd()  # libraries need it even where all paths are absolute
    except OSError as error:
        raise DataError("the working directory was removed: change to another one") from error


# In the order of the help.
for make, epilog in (
    (fit.fit, fit.FIT),
    (backtest.backtest, backtest.BACKTEST),
    (sweep.sweep, sweep.SWEEP),
    (learn.learn, learn.LEARN),
    (compare.compare, compare.COMPARE),
    (compare.budget, compare.BUDGET),
    (compare.pilot, compare.PILOT),
    (fit.show, None),
    (stop.stop, stop.STOP),
    (stop.watch, stop.WATCH),
    (report.report, report.REPORT),
    (fit.example, fit.EXAMPLE),
    (fit.demo, fit.CODES),
):
    app.command(cls=Command, epilog=epilog)(make)
