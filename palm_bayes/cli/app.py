"""Command line: parse, call, print.

Results go to stdout; progress, notes and errors to stderr. Libraries are imported where they are
used, so that help and usage errors appear at once.
"""

import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from palm_bayes.cli import compare as cli_compare
from palm_bayes.cli import examples, options
from palm_bayes.cli import learn as cli_learn
from palm_bayes.cli import report as cli_report
from palm_bayes.cli import stop as cli_stop
from palm_bayes.cli import sweep as cli_sweep
from palm_bayes.cli.console import console_of, print_tables
from palm_bayes.cli.formats import Shown, shown
from palm_bayes.cli.help import Command, Group
from palm_bayes.cli.source import filled_by, read, reading, sampling, saved_fit, selection
from palm_bayes.cli.terminal import (
    BAD_INPUT,
    FAILED,
    INTERRUPTED,
    OK,
    Interrupted,
    echo,
    failed,
    report,
    report_backtest,
    resumable,
    working,
)
from palm_bayes.cli.workers import Scheduler, Workers
from palm_bayes.data.reading import Reading
from palm_bayes.errors import DataError, PalmError, PalmWarning, WorkerError, listed
from palm_bayes.files import Look
from palm_bayes.version import __version__

if TYPE_CHECKING:
    from palm_bayes.data.runs import Runs, XMode
    from palm_bayes.model.priors import Priors

DEMO_EPISODES = 12
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
command = partial(app.command, cls=Command)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line `argv` (by default that of the process) and return the exit status."""
    args = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    try:
        with _warnings_as_notes():
            status = app(args=args, prog_name="palm-bayes", standalone_mode=False)
    except options.UsageError as error:
        command = error.ctx.command_path if error.ctx else "palm-bayes"
        return failed(f"{error.format_message()} (see {command} --help)", BAD_INPUT)
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


@app.callback(epilog=f"{examples.CODES}\n\n{DEFAULTS}")
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


@command(epilog=examples.FIT)
@filled_by(reading, last=False)
@filled_by(sampling, last=False)
@filled_by(shown)
@filled_by(options.look)
def fit(
    drawn: Look,
    form: Shown,
    sampled: Mapping[str, Any],
    how: Reading,
    path: options.Source = None,
    base_path: options.BasePath = None,
    x_mode: options.AxisMode = None,
    alpha_lo: options.AlphaLow = -1000.0,
    alpha_hi: options.AlphaHigh = 1000.0,
    beta_hi: options.BetaHigh = 100.0,
    out: options.Out = Path("palm_fit_out"),
    overwrite: options.Overwrite = False,
    horizon: options.Horizon = None,
    probability: options.Probability = 0.9,
    quiet: options.Quiet = False,
    plot: options.Plot = False,
    save_csv: options.SaveCsv = False,
    init_a_max: options.StartAMax = None,
    init_delta: options.StartDelta = None,
    init_alpha: options.StartAlpha = None,
    init_beta: options.StartBeta = None,
) -> int:
    """Fit the PALM curve to runs; save the fit, forecasts and figures.

    Options may be spelled with - or _. Every flag of PALM.py is accepted.
    """
    starts = {"A_max": init_a_max, "delta": init_delta, "alpha": init_alpha, "beta": init_beta}
    unneeded = [f"--init_{name}" for name, value in starts.items() if value is not None]
    del plot, save_csv  # figures and CSV files are always written
    bounds = {"alpha_lo": alpha_lo, "alpha_hi": alpha_hi, "beta_hi": beta_hi}
    axis: XMode = "episodes" if x_mode == "episodes" else "labels"
    with working(quiet) as (step, note):
        if unneeded:
            note(f"{listed(unneeded)}: ignored, the sampler finds its starting points")
        step("reading the runs")
        from palm_bayes.report.export import FitOutput
        from palm_bayes.report.place import check_fit_folder

        place, budgets = options.one_of(path, base_path), x_mode == "cumulative_normalized"
        runs, truth = read(place, replace(how, x_mode=axis), budgets=budgets)
        for line in runs.notes:
            note(line)
        check_fit_folder(out, runs, overwrite=overwrite)
        step("loading PyMC")
        from palm_bayes import fit as fit_runs

        own = {} if bounds == options.PALM_BOUNDS else {"priors": _bounded(runs, sampled, bounds)}
        fitted = fit_runs(runs, **{**sampled, **own}, progress=step)
        step("forecasting")
        outcome = FitOutput.of(
            fitted, horizon=horizon, probability=probability, x_mode=axis, truth=truth
        )
        step("writing")
        files = outcome.write(out, look=drawn, overwrite=overwrite)
    return report(outcome.tables, form, seed=sampled["seed"], out=out, files=files)


@command(epilog=examples.BACKTEST)
@filled_by(selection, last=False)
@filled_by(sampling, last=False)
@filled_by(shown)
def backtest(
    form: Shown,
    sampled: Mapping[str, Any],
    how: Reading,
    path: options.Source = None,
    train_fraction: options.TrainFractions = None,
    train_episodes: options.TrainEpisodes = None,
    out: options.Out = Path("palm_backtest_out"),
    fresh: options.Fresh = False,
    workers: Workers = 0,
    scheduler: Scheduler = None,
    quiet: options.Quiet = False,
) -> int:
    """Measure on your own curves how far ahead forecasts are reliable.

    Each strategy is fitted to its first episodes only; forecasts are scored on its later ones.
    """
    again = f"finished cells are kept in {out / 'cells'}: the same command resumes"
    with resumable(again), working(quiet) as (step, note):
        step("loading PyMC")
        from palm_bayes import backtest as run

        result = run(
            options.one_of(path, None),
            train_fractions=train_fraction,
            train_episodes=train_episodes,
            **how.given,
            **sampled,
            out=out,
            fresh=fresh,
            workers=workers,
            scheduler=scheduler,
            progress=step,
        )
        for line in result.notes:
            note(line)
    return report_backtest(result, form, out=out, seed=sampled["seed"])


def _bounded(runs: "Runs", sampled: Mapping[str, Any], bounds: dict[str, float]) -> "Priors":
    from palm_bayes.model.learned import learned_from
    from palm_bayes.model.priors import priors_of_runs

    return priors_of_runs(sampled["priors"], runs, learned_from(sampled["prior"]), **bounds)


command(epilog=cli_sweep.SWEEP)(cli_sweep.sweep)
command(epilog=cli_learn.LEARN)(cli_learn.learn)
command(epilog=cli_compare.COMPARE)(cli_compare.compare)
command(epilog=cli_compare.BUDGET)(cli_compare.budget)
command(epilog=cli_compare.PILOT)(cli_compare.pilot)


@command()
@filled_by(shown)
def show(form: Shown, fit: options.Trace, probability: options.Probability = 0.9) -> int:
    """Show the parameters and the convergence of a saved fit."""
    saved = saved_fit(fit)
    if saved is None and fit.is_dir():
        raise options.UsageError(f"{fit} holds no saved fit, which is a file trace.nc.")
    with working(quiet=False) as (step, _):
        step("loading the fit")
        from palm_bayes import PalmFit
        from palm_bayes.report.export import Tables

        tables = Tables(PalmFit.load(saved or fit), probability, diagnostics=form != "text")
    return report(tables, form)


command(epilog=cli_stop.STOP)(cli_stop.stop)
command(epilog=cli_stop.WATCH)(cli_stop.watch)
command(epilog=cli_report.REPORT)(cli_report.report)


@command(epilog=examples.EXAMPLE)
def example(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Output folder.")],
) -> int:
    """Write example runs: six strategies on handwritten digits, as PALM folders and as a table."""
    from palm_bayes.data.example import write_example

    folder, table = write_example(directory)
    echo(f"{folder}  folders in PALM's layout\n{table}  the same as a table")
    echo(f"\nNext: palm-bayes fit {table} --episodes {DEMO_EPISODES}")
    return OK


@command(epilog=examples.CODES)
def demo(
    out: options.Out = Path("palm_demo"), seed: options.Seed = 0, quiet: options.Quiet = False
) -> int:
    """Fit 12 of the 30 episodes of the example runs, and compare the forecast with the others."""
    with working(quiet) as (step, _):
        step("writing the example")
        from palm_bayes.data.example import ENTRIES, write_example
        from palm_bayes.files import check_folder
        from palm_bayes.report.export import FitOutput
        from palm_bayes.report.place import check_fit_folder

        check_folder(out)
        if not all((out / entry).exists() for entry in ENTRIES):
            write_example(out)
        runs, truth = read(out / ENTRIES[1], Reading(max_episodes=DEMO_EPISODES))
        assert truth is not None
        check_fit_folder(out, runs, palm=False)
        step("loading PyMC")
        from palm_bayes import fit as fit_runs

        fitted = fit_runs(runs, seed=seed, progress=step)
        step("forecasting")
        outcome = FitOutput.of(fitted, truth=truth)
        later = truth.table["episode"].max() - DEMO_EPISODES
        inside = fitted.forecast(horizon=int(later), scope="continuing").coverage(truth)
        step("writing")
        files = outcome.write(out, palm=False)
    status = report(outcome.tables, "text", out=out, files=files)
    bands = inside.columns.drop("points")
    shares = inside.astype(str).assign(**(100 * inside[bands]).map("{:.0f} %".format))
    console = console_of(sys.stdout)
    heading = "\nShare of later accuracies inside the bands of the forecast:"
    print_tables(console, {heading: shares.reset_index()})
    see = f"See {out / 'curves.png'}: forecasts from {DEMO_EPISODES} episodes, and the later data."
    console.print(f"{see}\nNext: palm-bayes fit {out / ENTRIES[0]} --strategy margin")
    return status
