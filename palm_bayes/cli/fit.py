"""Commands `fit`, `show`, `demo` and `example`: fits, what they say, and runs to try them on."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from palm_bayes.cli.console import console_of, print_parameters, print_tables
from palm_bayes.cli.options import (
    PATHS,
    Chance,
    Episodes,
    Seed,
    Shown,
    UsageError,
    described,
    drawing,
    filled_by,
    given_paths,
    shown,
)
from palm_bayes.cli.source import read, reading, sampling, saved_fit
from palm_bayes.cli.terminal import NOT_CONVERGED, OK, answer, echo, working
from palm_bayes.errors import listed
from palm_bayes.files import Look
from palm_bayes.reading.options import Reading

if TYPE_CHECKING:
    from palm_bayes.data.limits import XMode
    from palm_bayes.data.runs import Runs
    from palm_bayes.model.priors import Priors
    from palm_bayes.report.export import Tables

DEMO_EPISODES = 12
PALM_BOUNDS = {"alpha_lo": -1000.0, "alpha_hi": 1000.0, "beta_hi": 100.0}  # also the defaults here

CODES = """[bold]Exit status[/bold]

  0    converged
  1    another error of the system, such as too little memory
  2    bad input, or files cannot be written: those there are unchanged
  3    saved, but not converged
  130  interrupted, by Ctrl-C; by another signal, 128 and its number"""
FIT = f"""[bold]Examples[/bold]

  palm-bayes fit runs.csv
  palm-bayes fit output/CIFAR10/resnet18 --strategy margin --strategy random
  palm-bayes fit runs.csv --episodes 12 --horizon 18 --out first12
  palm-bayes fit --base_path output/CIFAR10/resnet18 --method margin

Strategies fitted together are partially pooled past the data: fit all
strategies of one task together, and no others.

[bold]Files in the output folder[/bold]

  trace.nc        the fit, for palm-bayes show: data, draws, diagnostics
  summary.csv     median, interval and diagnostics of every parameter
  forecast.csv    quantiles by episode: expected curve and new repetition
  curves.png      data, curve and bands of every strategy
  comparison.png  all strategies in one panel, if there are several
  palm_params.json, palm_params.csv, y_avg.npy, y_fit.npy, palm_fit.png
                  as from PALM.py; in a folder each for several strategies

{CODES}"""
EXAMPLE = """[bold]Example[/bold]

  palm-bayes example runs
  palm-bayes fit runs/runs.csv --episodes 12"""


@filled_by(reading, last=False)
@filled_by(sampling, last=False)
@filled_by(shown)
@filled_by(drawing)
@described("""
Data
  --base-path PATH   The same as PATH; PALM.py's name for it.
  --x-mode MODE      The curve's axis: episodes, or cumulative_normalized (labels / budget size),
                     the default where labels are known.
Model
  --alpha-lo X       Lower bound of alpha.
  --alpha-hi X       Upper bound of alpha.
  --beta-hi X        Upper bound of beta.
Accepted for compatibility with PALM.py's command lines
  --plot             Figures are always saved.
  --save-csv         palm_params.csv is always saved.
  --init-A-max X     Ignored: the sampler finds its starting points.
  --init-delta X     Ignored: the sampler finds its starting points.
  --init-alpha X     Ignored: the sampler finds its starting points.
  --init-beta X      Ignored: the sampler finds its starting points.
""")
def fit(
    drawn: Look,
    form: Shown,
    sampled: Mapping[str, Any],
    how: Reading,
    path: Annotated[list[Path] | None, PATHS] = None,
    base_path: Path | None = None,
    x_mode: Literal["episodes", "cumulative_normalized"] | None = None,
    alpha_lo: float = PALM_BOUNDS["alpha_lo"],
    alpha_hi: float = PALM_BOUNDS["alpha_hi"],
    beta_hi: float = PALM_BOUNDS["beta_hi"],
    out: Path = Path("palm_fit_out"),
    overwrite: bool = False,
    horizon: Episodes = None,
    probability: Chance = 0.9,
    quiet: bool = False,
    plot: bool = False,
    save_csv: bool = False,
    init_A_max: float | None = None,
    init_delta: float | None = None,
    init_alpha: float | None = None,
    init_beta: float | None = None,
) -> int:
    """Fit the PALM curve to runs; save the fit, forecasts and figures.

    Options may be spelled with - or _. Every flag of PALM.py is accepted.
    """
    starts = {"A_max": init_A_max, "delta": init_delta, "alpha": init_alpha, "beta": init_beta}
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

        paths, budgets = given_paths(path, base_path), x_mode == "cumulative_normalized"
        runs, truth = read(paths, replace(how, x_mode=axis), budgets=budgets)
        for line in runs.notes:
            note(line)
        check_fit_folder(out, runs, overwrite=overwrite, kind=drawn.kind)
        step("loading PyMC")
        from palm_bayes import fit as fit_runs

        own = {} if bounds == PALM_BOUNDS else {"priors": _bounded(runs, sampled, bounds)}
        fitted = fit_runs(runs, **{**sampled, **own}, progress=step)
        step("forecasting")
        outcome = FitOutput.of(
            fitted, horizon=horizon, probability=probability, x_mode=axis, truth=truth
        )
        step("writing")
        files = outcome.write(out, look=drawn, overwrite=overwrite)
    return _report(outcome.tables, form, out, files, seed=sampled["seed"])


def _bounded(runs: "Runs", sampled: Mapping[str, Any], bounds: dict[str, float]) -> "Priors":
    from palm_bayes.model.learned import learned_from
    from palm_bayes.model.priors import priors_of_runs

    return priors_of_runs(sampled["priors"], runs, learned_from(sampled["prior"]), **bounds)


@filled_by(shown)
@described()
def show(
    form: Shown,
    fit: Annotated[
        Path,
        typer.Argument(metavar="FIT", exists=True, help="trace.nc of a fit, or its output folder."),
    ],
    probability: Chance = 0.9,
    quiet: bool = False,
) -> int:
    """Show the parameters and the convergence of a saved fit."""
    saved = saved_fit(fit)
    if saved is None and fit.is_dir():
        raise UsageError(f"{fit} holds no saved fit, which is a file trace.nc.")
    with working(quiet) as (step, _):
        step("loading the fit")
        from palm_bayes import PalmFit
        from palm_bayes.report.export import Tables

        tables = Tables(PalmFit.load(saved or fit), probability, diagnostics=form != "text")
    return _report(tables, form)


def example(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Output folder.")],
) -> int:
    """Write example runs: six strategies on handwritten digits, as PALM folders and as a table."""
    from palm_bayes.data.example import write_example

    folder, table = write_example(directory)
    echo(f"{folder}  folders in PALM's layout\n{table}  the same as a table")
    echo(f"\nNext: palm-bayes fit {table} --episodes {DEMO_EPISODES}")
    return OK


@described()
def demo(out: Path = Path("palm_demo"), seed: Seed = 0, quiet: bool = False) -> int:
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
        runs, truth = read([out / ENTRIES[1]], Reading(max_episodes=DEMO_EPISODES))
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
    status = _report(outcome.tables, "text", out, files)
    bands = inside.columns.drop("points")
    shares = inside.astype(str).assign(**(100 * inside[bands]).map("{:.0f} %".format))
    console = console_of(sys.stdout)
    heading = "\nShare of later accuracies inside the bands of the forecast:"
    print_tables(console, {heading: shares.reset_index()})
    see = f"See {out / 'curves.png'}: forecasts from {DEMO_EPISODES} episodes, and the later data."
    console.print(f"{see}\nNext: palm-bayes fit {out / ENTRIES[0]} --strategy margin")
    return status


def _report(
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
        cells = fitted(tables.summary, tables.probability)
        answer(how, document | more | written, cells, tables.summary, document["verdict"])
    return OK if document["converged"] else NOT_CONVERGED


def _print_fit(document: dict[str, Any]) -> None:
    console = console_of(sys.stdout)
    task = " / ".join(name for name in (document["dataset"], document["model"]) if name)
    console.print(f"{task}: {document['data']}" if task else document["data"])
    print_parameters(console, document)
    for sentence in (document["verdict"], *document["misfits"]):
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
