"""`palm-bayes sweep`: all tasks of a study, on the workers of a Dask cluster."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from palm_bayes.cli.options import (
    Chance,
    Episodes,
    Score,
    Shown,
    Strategy,
    Workers,
    described,
    filled_by,
    shown,
)
from palm_bayes.cli.source import sampling, selection
from palm_bayes.cli.terminal import NOT_CONVERGED, OK, answer, bars, resumable
from palm_bayes.reading.options import Reading

if TYPE_CHECKING:
    import pandas as pd

    from palm_bayes.evaluation.sweep import Standing
    from palm_bayes.evaluation.sweep_result import Sweep

SWEEP = """[bold]Examples[/bold]

  palm-bayes sweep study.csv --out sweep
  palm-bayes sweep 'results/*/runs.parquet' --out sweep --target 90%
  palm-bayes sweep output --out sweep --scheduler tcp://10.0.0.1:8786

Each PATH is read by itself; in a folder, so is each folder that holds tables
or runs of PALM. Rows of one task (source, dataset, model) are put together; a
cell is a strategy of a task. The same command again goes on where it was
interrupted. By default there is one worker for each core; this needs Dask,
which the extra dask of palm-bayes installs.

[bold]Files in the output folder[/bold]

  overview.html             convergence, winners, pooled speed-ups
  verdicts.parquet          convergence and misfit of each cell
  forecast.parquet          quantiles of expected curve and new repetition
  labels_to_target.parquet  labels that each strategy needs
  comparison.parquet        P(best), expected loss, speed-up in each task
  failures.parquet          cells set aside, with the reason
  traces/                   the fits, with --traces
  parts/                    finished tasks, from which it resumes

[bold]Exit status[/bold]

  0  all converged, and nothing was set aside
  1  the scheduler cannot be reached or is lost: finished tasks are kept
  2  bad input: nothing is written; or a disk is full: finished tasks are kept
  3  written, but a fit did not converge, or a cell was set aside"""


@filled_by(selection, last=False)
@filled_by(partial(sampling, draws=500), last=False)
@filled_by(shown)
@described("""
Output
  --out -o DIR         Output folder.
  --target ACC         Accuracy to reach, as 0.93 or 93%. Default: what the reference has reached.
  --assurance P [env]  Probability with which the labels must suffice.
  --reference NAME     Strategy for speed-ups. Default: random, else the lowest of a task.
  --traces             Save the fits too.
""")
def sweep(
    form: Shown,
    sampled: Mapping[str, Any],
    how: Reading,
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="Tables, globs, or trees of folders."),
    ],
    out: Path,
    target: Score = None,
    assurance: Chance = 0.8,
    reference: Strategy = None,
    horizon: Episodes = None,
    probability: Chance = 0.9,
    traces: bool = False,
    workers: Workers = None,
    scheduler: str | None = None,
    fresh: bool = False,
    quiet: bool = False,
) -> int:
    """Fit all tasks of a study on many processes or machines, and answer the same of each."""
    again = f"finished tasks are kept in {out / 'parts'}: the same command resumes"
    with resumable(again), sweeping(quiet) as show:
        from palm_bayes import sweep as run

        found = run(
            paths,
            out,
            target=target,
            assurance=assurance,
            reference=reference,
            horizon=horizon,
            probability=probability,
            **how.given,
            **sampled,
            workers=workers,
            scheduler=scheduler,
            traces=traces,
            fresh=fresh,
            progress=show,
        )
    _report(found, found.speed_ups(probability), form, seed=sampled["seed"], out=out)
    return OK if found.complete else NOT_CONVERGED


def _report(found: "Sweep", pooled: "pd.DataFrame", how: Shown, *, seed: int, out: Path) -> None:
    """Print pooled speed-ups, the number of cells, and what was set aside."""
    from palm_bayes.report.overview import sped_up

    numbers = pooled.reset_index()
    document = {
        "sentence": found.sentence,
        "reference": found.reference,
        "speed_ups": numbers.to_dict("records"),
        "winners": found.winners.reset_index().to_dict("records"),
        "failures": len(found.failures),
        "seed": seed,
        "out": str(out),
    }
    more = [found.advice] if found.advice else []
    more += [
        f"Set aside: {' / '.join(filter(None, cell))} ({question}): {reason}"
        for *cell, question, reason in found.failures.head(5).astype(str).to_numpy()
    ]
    more.append(f"\nWritten to {out}: overview.html, and one Parquet file for each question")
    answer(how, document, sped_up(found, pooled), numbers, found.sentence, more)


@contextmanager
def sweeping(quiet: bool) -> Iterator[Callable[["Standing"], None]]:
    """Provide a function that shows how far a sweep is, with its rate and the time left.

    In a terminal it is a bar; elsewhere a line at the start and at each tenth.
    """
    with bars(quiet) as (console, progress):
        bar, shown_tenth = progress.add_task("starting", total=None), -1

        def show(at: "Standing") -> None:
            nonlocal shown_tenth
            tenth = 10 * at.done // max(at.total, 1)
            if shown_tenth < 0 and at.dashboard:
                console.print(f"note: dashboard at {at.dashboard}")
            if progress.disable and tenth > shown_tenth:
                console.print(_standing(at))
            shown_tenth = tenth
            progress.update(bar, description=_standing(at), completed=at.done, total=at.total)

        yield show


def _standing(at: "Standing") -> str:
    aside = f", {at.failed:,} set aside" if at.failed else ""
    if not at.rate:
        return f"{at.done:,} of {at.total:,} cells{aside}"
    rate = f"{at.rate:.1f} a second" if at.rate >= 1 else f"{1 / at.rate:.1f} seconds each"
    left = timedelta(seconds=round(at.left))
    return f"{at.done:,} of {at.total:,} cells{aside}, {rate}, {left} left"
