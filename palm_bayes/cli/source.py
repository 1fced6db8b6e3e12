"""Argument FIT of decision commands: a saved fit, or runs that are fitted first."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from palm_bayes.cli import options
from palm_bayes.errors import listed

if TYPE_CHECKING:
    from palm_bayes.palm_fit import PalmFit

TRACE = "trace.nc"

FitOrRuns = Annotated[
    Path,
    typer.Argument(
        metavar="FIT",
        exists=True,
        help="trace.nc of a fit, or its output folder; or runs, a table or a folder in PALM's "
        "layout, which are fitted first.",
    ),
]


@dataclass(frozen=True)
class Source:
    """Fit as specified on the command line.

    Attributes
    ----------
    path : pathlib.Path
        Saved fit, its folder, or runs.
    reading, sampling : mapping
        Options of `palm_bayes.cli.options.read` and `palm_bayes.fit`, for runs.
    given : tuple of str
        Flags of options given, none of which is allowed for a saved fit.
    seed : int
        Seed of the sampler and of draws from the fit.
    """

    path: Path
    reading: Mapping[str, Any]
    sampling: Mapping[str, Any]
    given: tuple[str, ...]
    seed: int

    @property
    def saved(self) -> Path | None:
        """Path of the saved fit, or None for runs."""
        saved = self.path / TRACE if self.path.is_dir() else self.path
        return saved if saved.suffix == ".nc" and saved.is_file() else None

    def fit(
        self,
        step: Callable[..., None],
        note: Callable[[str], None],
        before: "PalmFit | None" = None,
    ) -> "PalmFit":
        """Load the fit, or make it, if possible from an earlier fit of fewer episodes.

        `step` and `note` inform the user, see `terminal.working`.
        """
        if self.saved:
            return self._loaded(self.saved, step)
        step("reading the runs")
        runs, _ = options.read(self.path, **self.reading)
        for line in runs.notes:
            note(line)
        if before is not None:
            return before.refit(runs, progress=step)
        step("loading PyMC")
        from palm_bayes.palm_fit import fit_runs

        return fit_runs(runs, **self.sampling, seed=self.seed, progress=step)

    def _loaded(self, saved: Path, step: Callable[..., None]) -> "PalmFit":
        if self.given:
            flags = listed(self.given)
            raise options.UsageError(f"{saved} is a saved fit: {flags} cannot be applied to it")
        step("loading the fit")
        from palm_bayes.palm_fit import PalmFit

        return PalmFit.load(saved)


def filled_by(make: Callable[..., Any], command: Callable[..., int]) -> Callable[..., int]:
    """Replace a command's first parameter by the parameters of `make`, which creates it."""
    ours = signature(make).parameters
    _, *theirs = signature(command).parameters.values()

    @wraps(command)
    def run(*others: Any, **values: Any) -> int:
        made = make(**{name: values.pop(name) for name in ours})
        return command(made, *others, **values)

    needed = [p for p in ours.values() if p.default is p.empty]
    optional = [p for p in ours.values() if p.default is not p.empty]
    parameters = [*needed, *theirs, *optional]  # own options first in help
    parameters = [p.replace(kind=p.KEYWORD_ONLY) for p in parameters]
    # Typer reads both.
    vars(run)["__signature__"] = signature(command).replace(parameters=parameters)
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    return run


def takes_fit(command: Callable[..., int]) -> Callable[..., int]:
    """Replace a command's first parameter, a `Source`, by FIT and the options of fitting."""
    return filled_by(_source, command)


def _source(
    ctx: typer.Context,
    fit: FitOrRuns,
    strategy: options.Strategies = None,
    dataset: options.Dataset = None,
    model: options.Model = None,
    num_variants: options.Variants = None,
    episodes: options.Episodes = None,
    budget_size: options.BudgetSize = None,
    percent: options.Percent = None,
    priors: options.PriorSet = "default",
    prior: options.Prior = None,
    draws: options.Draws = 1000,
    tune: options.Tune = 300,
    chains: options.Chains = 4,
    target_accept: options.TargetAccept = 0.95,
    sampler: options.Sampler = "nutpie",
    seed: options.Seed = 0,
) -> Source:
    reading = {
        "episodes": episodes,
        "strategies": strategy,
        "dataset": dataset,
        "model": model,
        "batch": budget_size,
        "percent": percent,
        "max_repetitions": num_variants,
    }
    sampling = {
        "priors": priors,
        "prior": prior,
        "draws": draws,
        "tune": tune,
        "chains": chains,
        "target_accept": target_accept,
        "sampler": sampler,
    }
    names = [name for name in signature(_source).parameters if name not in ("ctx", "fit", "seed")]
    given = [f"--{name.replace('_', '-')}" for name in names if _typed(ctx, name)]
    return Source(fit, reading, sampling, tuple(given), seed)


def _typed(ctx: typer.Context, name: str) -> bool:
    """Return True if an option is on the command line, even with its default value."""
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"
