"""`palm-bayes learn`: prior from a lab's own past projects."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from palm_bayes.cli.options import Prior, Seed, Shown, Workers, described, filled_by, shown
from palm_bayes.cli.source import selection
from palm_bayes.cli.terminal import OK, answer, resumable, working
from palm_bayes.errors import DataError
from palm_bayes.files import check_file
from palm_bayes.reading.options import Reading

LEARN = """[bold]Examples[/bold]

  palm-bayes learn past.csv -o prior.json
  palm-bayes fit runs.csv --prior prior.json

Tables hold complete curves of past projects, with the columns source,
dataset, model, strategy, repetition, labels and accuracy. A table without
source, dataset and model is one task, named by its path. If there are several
sources, each serves as held-out data for a prior learned from the others; of
one source, how often its forecasts hold remains unknown.

Each strategy is fitted twice, in a second or two. Results of single fits are
stored in prior.json.cells, from which an interrupted command resumes; it can
be removed afterwards.

[bold]How to read it[/bold]

  value, width   of a log-normal prior its median, and the standard deviation
                 of the logarithm
  alpha_start    prior of x + alpha at the first observed x, in batches
  beta           prior of beta
  scale ... tail
                 size, growth and tails of the misfit, the deviation of real
                 curves from PALM's past the data
  later_shared   share of the repetitions' own noise that becomes common to
                 them far past the data
  common         share of the misfit common to the strategies of a task
  between_...    how much the strategies of a task differ
  score, before  of several sources: mean log density of the later accuracies
                 of each, with what the others teach, and with the prior that
                 learning starts from
  coverage       share of later means in the bands, such as 0.78 of 80 %

[bold]Exit status[/bold]

  0  written
  2  bad input: nothing is written; or a disk is full: finished fits are kept"""


@filled_by(selection)
@filled_by(shown)
@described("Options\n  --out -o FILE  File to write.")
def learn(
    form: Shown,
    how: Reading,
    tables: Annotated[
        list[Path],
        typer.Argument(metavar="CORPUS...", help="Tables of past curves, or folders of them."),
    ],
    out: Path,
    overwrite: bool = False,
    prior: Prior = None,
    seed: Seed = 0,
    workers: Workers = 0,
    scheduler: str | None = None,
    quiet: bool = False,
) -> int:
    """Learn the prior from past curves, for later fits."""
    kept = out.with_name(f"{out.name}.cells")
    with (
        resumable(f"finished fits are kept in {kept}: the same command resumes"),
        working(quiet) as (step, note),
    ):
        command = _command(tables, out, prior, how, seed)
        _check_prior_file(out, command, overwrite)
        step("loading PyMC")
        from palm_bayes.evaluation.learn import learn as run

        lesson = run(
            tables,
            **how.given,
            start=prior,
            keep=kept,
            seed=seed,
            workers=workers,
            scheduler=scheduler,
            command=command,
            progress=step,
        )
        lesson.learned.write(out)
        for line in lesson.notes:
            note(line)
    from palm_bayes.report.tables import learned

    judged = lesson.table.reset_index().to_dict("records")
    document = lesson.learned.document() | {"judged": judged, "out": str(out)}
    answer(form, document, learned(lesson), lesson.numbers, more=[f"Written: {out}"])
    return OK


def _command(tables: list[Path], out: Path, prior: Path | None, how: Reading, seed: int) -> str:
    """Return the command with the options that its result depends on, quoted for a shell."""
    from palm_bayes.report.recipe import reading_words

    words = ["palm-bayes", "learn", *map(str, tables), "-o", str(out)]
    words += ["--prior", str(prior)] if prior else []
    words += ["--seed", str(seed)] if seed else []
    return shlex.join([*words, *reading_words(how.given)])


def _check_prior_file(out: Path, command: str, overwrite: bool) -> None:
    """Raise `DataError` if `out` cannot be written, or holds what another command learned."""
    from palm_bayes.model.learned import Learned

    check_file(out)
    if overwrite or not out.exists():
        return
    try:
        before = Learned.read(out).about.get("command")
        what = "" if before == command else f"{out} was learned by another command ({before})"
    except DataError as error:
        what = str(error)
    if what:
        raise DataError(f"{what}: name another file (--out), or add --overwrite")
