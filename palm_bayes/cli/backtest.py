"""Command `backtest`: how far ahead forecasts are reliable."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from palm_bayes.cli.options import (
    PATHS,
    Shown,
    Workers,
    described,
    drawing,
    filled_by,
    given_paths,
    shown,
)
from palm_bayes.cli.source import sampling, selection
from palm_bayes.cli.terminal import NOT_CONVERGED, OK, answer, resumable, working
from palm_bayes.errors import listed, plural
from palm_bayes.files import Look
from palm_bayes.reading.options import Reading

if TYPE_CHECKING:
    from palm_bayes.evaluation.backtest_result import Backtest

BACKTEST = """[bold]Examples[/bold]

  palm-bayes backtest runs.csv
  palm-bayes backtest runs.csv --train-fraction 0.25 --train-episodes 12
  palm-bayes backtest study.csv --dataset cifar10 --out cifar10

[bold]Files in the output folder[/bold]

  forecasts.csv  quantiles for every later episode, and observed accuracies
  scores.csv     CRPS, log score, error, coverage and width by cell (a
                 strategy of a task) and by third of the horizon, also of
                 least-squares baselines; or the reason why a cell failed
  baselines.csv  the baselines' point forecasts
  backtest.png   coverage, error by horizon, worst cells
  cells/         finished cells, from which an interrupted command resumes

Accuracies are fractions. A table may hold several tasks (columns source,
dataset, model). Each cell costs a fit, a second or two.

[bold]Exit status[/bold]

  0  all fits converged
  2  bad input: nothing is written; or a disk is full: finished cells are kept
  3  written, but a fit did not converge or none could be made"""


@filled_by(selection, last=False)
@filled_by(sampling, last=False)
@filled_by(shown)
@filled_by(drawing)
@described("""
Data
  --train-fraction P  Fit this share of the longest repetition, at least 5 episodes. May be
                      repeated. Default: 0.25 and 0.5.
  --train-episodes N  Fit the first N episodes, from 5. May be repeated.
""")
def backtest(
    drawn: Look,
    form: Shown,
    sampled: Mapping[str, Any],
    how: Reading,
    path: Annotated[list[Path] | None, PATHS] = None,
    train_fraction: list[float] | None = None,
    train_episodes: list[int] | None = None,
    out: Path = Path("palm_backtest_out"),
    fresh: bool = False,
    workers: Workers = 0,
    scheduler: str | None = None,
    quiet: bool = False,
) -> int:
    """Measure on your own curves how far ahead forecasts are reliable.

    Each strategy is fitted to its first episodes only; forecasts are scored on its later ones.
    """
    again = f"finished cells are kept in {out / 'cells'}: the same command resumes"
    with resumable(again), working(quiet) as (step, note):
        step("loading PyMC")
        from palm_bayes import backtest as run

        result = run(
            given_paths(path),
            train_fractions=train_fraction,
            train_episodes=train_episodes,
            **how.given,
            **sampled,
            out=out,
            look=drawn,
            fresh=fresh,
            workers=workers,
            scheduler=scheduler,
            progress=step,
        )
        for line in result.notes:
            note(line)
    return _report(result, form, out=out, kind=drawn.kind, seed=sampled["seed"])


def _report(backtest: "Backtest", how: Shown, *, out: Path, kind: str, seed: int) -> int:
    """Print the results of a backtest; return an exit status that reports convergence."""
    from palm_bayes.report.tables import scored

    fits, failed = backtest.fits, backtest.failed
    converged = int(fits["passed"].sum())
    document = {
        "sentence": backtest.sentence,
        "reach": backtest.reach,
        "fits": len(fits),
        "not_converged": len(fits) - converged,
        "failed": failed.to_dict("records"),
        "seed": seed,
        "out": str(out),
    }
    more = [f"{plural([len(fits)], 'fit', 'fits')}, {converged} converged."]
    if len(failed):
        cells = listed(f"{row.strategy} ({row.reason})" for row in failed.itertuples())
        more.append(f"Not scored: {cells}")
    more.append(f"\nWritten to {out}: forecasts.csv, scores.csv, baselines.csv, backtest.{kind}")
    tables, numbers = scored(backtest.overview), backtest.overview.reset_index()
    answer(how, document, tables, numbers, backtest.sentence, more)
    return OK if 0 < converged == len(fits) else NOT_CONVERGED
