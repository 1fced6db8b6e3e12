"""Options of reading and sampling, declared once; and argument FIT, a saved fit or runs."""

import glob
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from palm_bayes.cli.completion import strategies
from palm_bayes.cli.options import Prior, Seed, UsageError, described, filled_by
from palm_bayes.errors import DataError, listed
from palm_bayes.files import TRACE
from palm_bayes.reading.options import Reading
from palm_bayes.scratch import tidy

if TYPE_CHECKING:
    from palm_bayes.data.runs import Runs
    from palm_bayes.data.score import Score
    from palm_bayes.palm_fit import PalmFit

PALM_BUDGET = 100.0  # PALM.py's labels per episode, if given by neither data nor user

Layout = Literal["long", "wide", "across", "headers", "tracker", "values", "mlflow"]


@described("""
Data
  --strategy --method NAME  May be repeated. Default: all.
  --dataset NAME            Only this data set, where a table holds several; else a name for titles.
  --model NAME              Only this model, where a table holds several; else a name for titles.
  --percent/--fraction      Unit of the score. Default: percent if any score is above 1.
  --metric NAME             Name of the score in tables, figures and sentences, such as F1. Default:
                            accuracy, error, or that of the column.
  --lower-is-better         Scores are error rates or losses, as are --target and all results.
  --column NAME             Column of accuracy, strategy, labels and so on, as accuracy=test_acc.
                            May be repeated. Default: by its name.
  --layout NAME             long, wide, across, headers, tracker, values or mlflow. Default: as the
                            columns tell.
  --pattern TEXT            Read names of files as, for example, '{strategy}_{repetition}'.
  --pool N                  Samples in the pool, labelled ones included: all strategies are equally
                            accurate where it ends. Needed where labels are shares of it.
  --spread TEXT             What is beside means of repetitions: 'sd of N', standard deviations of N
                            repetitions; se, standard errors; none, to leave it out. Default: by the
                            columns.
""")
def selection(
    strategy: Annotated[list[str] | None, {"autocompletion": strategies}] = None,
    dataset: str | None = None,
    model: str | None = None,
    percent: bool | None = None,
    metric: str | None = None,
    lower_is_better: bool = False,
    column: list[str] | None = None,
    layout: Layout | None = None,
    pattern: str | None = None,
    pool: float | None = None,
    spread: str | None = None,
) -> Reading:
    """Options of reading one task or several."""
    pairs = [pair.partition("=") for pair in column or ()]
    if wrong := [word for word, equals, _ in pairs if not equals]:
        raise UsageError(
            f"--column {wrong[0]}: give a role and a column, such as accuracy=test_acc."
        )
    return Reading(
        strategy, dataset, model, percent=percent, metric=metric, lower_is_better=lower_is_better,
        layout=layout, pattern=pattern, pool=pool, spread=spread,
        columns={word: name for word, _, name in pairs} or None,
    )  # fmt: skip


@filled_by(selection, last=False)
@described("""
Data
  --num-variants N           Use the first N repetitions. Default: all.
  --episodes --num-samples N
                             Fit the first N episodes; figures show the later ones. Default, or -1:
                             all.
  --budget-size -b B         Labels per episode. Default: inferred from the data.
""")
def reading(
    chosen: Reading,
    num_variants: int | None = None,
    episodes: int | None = None,
    budget_size: float | None = None,
) -> Reading:
    """Options of reading one task."""
    first = None if episodes == -1 else episodes
    return replace(chosen, max_repetitions=num_variants, max_episodes=first, batch=budget_size)


@described("""
Model
  --priors NAME [env]      default: weakly informative. bounds: flat on PALM.py's fitting bounds.
Sampling
  --draws N [env]          Draws kept per chain.
  --tune N [env]           Warm-up draws per chain.
  --chains N [env]         Number of chains, at least 2, to judge convergence.
  --target-accept P [env]  Target acceptance: closer to 1, smaller steps, fewer divergences, more
                           time.
  --sampler NAME [env]     nutpie, pymc or numpyro.
""")
def sampling(
    priors: Literal["default", "bounds"] = "default",
    prior: Prior = None,
    draws: Annotated[int, {"min": 4}] = 1000,
    tune: Annotated[int, {"min": 1}] = 100,
    chains: Annotated[int, {"min": 2}] = 4,
    target_accept: Annotated[float, {"min": 0.5, "max": 0.999}] = 0.9,
    sampler: Literal["nutpie", "pymc", "numpyro"] = "nutpie",
    seed: Seed = 0,
) -> dict[str, Any]:
    """Options of `palm_bayes.fit` for the model and the sampler."""
    return {**locals()}


def read(paths: list[Path], how: Reading, *, budgets: bool = False) -> tuple["Runs", "Runs | None"]:
    """Read the runs to fit, and all runs if these are only the first episodes, else None.

    With `budgets`, x must be labels / batch, also if labels are unknown.
    """
    from palm_bayes.reading.read import read as read_task

    whole = replace(how, max_episodes=None)
    try:
        truth = read_task(paths, whole)
    except DataError as error:
        if fit := next(filter(None, map(saved_fit, paths)), None):
            told = f"{fit} is a saved fit, not runs: palm-bayes show {fit} shows it"
            raise DataError(told) from error
        raise
    if budgets and not truth.labels_known:
        truth = read_task(paths, replace(whole, batch=PALM_BUDGET))
    # The first episodes alone might be read in another unit, or with another batch.
    runs = truth.limited(None, how.max_episodes)
    return runs, truth if len(truth.table) > len(runs.table) else None


@dataclass(frozen=True)
class Source:
    """Fit as specified on the command line: a saved one, or runs and how to fit them."""

    paths: list[Path]
    reading: Reading
    sampling: Mapping[str, Any]  # its seed also serves draws from a saved fit
    given: tuple[str, ...]  # flags on the command line, none of which is allowed for a saved fit
    target: float | str | None = None  # accuracy to be asked about, checked before sampling
    growing: bool = False  # the runs are read again and again, while they grow

    def asked(self, target: float | str | None) -> "Source":
        """Return the same with the target of a question; `DataError` if it is no number."""
        from palm_bayes.data.score import parsed

        if target is not None:
            parsed(target, "the target")
        return replace(self, target=target)

    @property
    def seed(self) -> int:
        """Seed of the sampler and of draws from the fit."""
        return int(self.sampling["seed"])

    @property
    def saved(self) -> list[Path]:
        """Paths of saved fits; empty for runs. `UsageError` for both."""
        found = [(path, saved_fit(path)) for path in self.paths]
        saved = [fit for _, fit in found if fit]
        if saved and len(saved) < len(found):
            runs = listed(path for path, fit in found if not fit)
            raise UsageError(
                f"{saved[0]} is a saved fit, {runs} is not: give only fits or only runs."
            )
        return saved

    def fit(
        self,
        step: Callable[..., None],
        note: Callable[[str], None],
        before: "PalmFit | None" = None,
    ) -> "PalmFit":
        """Load the fit, or make it, if possible from an earlier fit of fewer episodes.

        `step` and `note` inform the user, see `terminal.working`.
        """
        if saved := self.saved:
            return self._loaded(saved, step, note)
        step("reading the runs")
        runs, _ = read(self.paths, self.reading)
        for line in runs.notes:
            note(line)
        if self.target is not None:
            self._check_target(runs.score, self.target)
        if before is not None and before.runs.score.percent != runs.score.percent:
            unit = "percent" if runs.score.percent else "fractions"
            note(f"scores are now read as {unit}, fitted anew; --percent or --fraction fixes it")
            before = None
        if before is not None:
            return before.refit(runs, progress=step)
        step("loading PyMC")
        from palm_bayes.palm_fit import fit_runs

        return fit_runs(runs, **self.sampling, progress=step)

    def _check_target(self, score: "Score", target: float | str) -> None:
        """Refuse a target outside the scale; for growing runs as bad usage, which ends `watch`."""
        if not self.growing:
            score.target(target)
            return
        try:
            if self.reading.percent is None:
                score.require_unit(target)
            score.target(target)
        except DataError as error:
            raise UsageError(str(error)) from error

    def _loaded(
        self, saved: list[Path], step: Callable[..., None], note: Callable[[str], None]
    ) -> "PalmFit":
        if self.given:
            flags = listed(self.given)
            raise UsageError(
                f"{saved[0]} is a saved fit: leave out {flags}, or give the runs to be fitted so"
            )
        step(f"loading {listed(saved)}")
        from palm_bayes.palm_fit import PalmFit

        fit = PalmFit.load(*saved)
        if len(saved) > 1:
            note(fit.runs.notes[-1])
        return fit


def saved_fit(path: Path) -> Path | None:
    """Return the saved fit at a path or in a folder, or None."""
    saved = path
    if path.is_dir():
        tidy(path)  # an exchange of its files may have been cut off
        saved = path / TRACE
    return saved if saved.suffix == ".nc" and saved.is_file() else None


@filled_by(sampling)
@filled_by(reading)
def _source(
    how: Reading,
    sampled: Mapping[str, Any],
    ctx: typer.Context,
    fit: Annotated[
        list[Path],
        typer.Argument(
            metavar="FIT",
            help="trace.nc of a fit, or its output folder; several are put side by side. Or runs, "
            "tables or a folder in PALM's layout, which are fitted first.",
        ),
    ],
) -> Source:
    ours = signature(reading).parameters | signature(sampling).parameters
    given = [
        f"--{name.replace('_', '-')}"
        for name in ours
        if name not in {"seed", "pool"}  # which serve questions to a saved fit, too
        and getattr(ctx.get_parameter_source(name), "name", "") == "COMMANDLINE"
    ]
    if gone := [path for path in fit if not path.exists() and not glob.has_magic(str(path))]:
        raise UsageError(f"{listed(gone)} does not exist.")
    return Source(fit, how, sampled, tuple(given))


@filled_by(_source)
def _growing(
    source: Source,
    fit: Annotated[  # noqa: ARG001 - `source` has it
        list[Path],
        typer.Argument(
            metavar="RUNS",
            help="Runs that grow: tables, a glob, or a folder in PALM's layout. Each change of the "
            "files is fitted.",
        ),
    ],
) -> Source:
    """Refuse saved fits, which do not grow."""
    if source.saved:
        raise UsageError(
            f"{source.saved[0]} is a saved fit: watch takes runs, which grow. For a fit, use stop."
        )
    return replace(source, growing=True)


takes_fit = filled_by(_source)
"""Replace a command's first parameter, a `Source`, by FIT and the options of fitting."""
takes_growing_runs = filled_by(_growing)
"""Replace a command's first parameter, a `Source`, by RUNS and the options of fitting."""
