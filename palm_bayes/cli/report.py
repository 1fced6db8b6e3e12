"""Command `report`: all results of a fit on one page."""

import sys
from pathlib import Path

from palm_bayes.cli.console import console_of
from palm_bayes.cli.options import Chance, Strategy, described, filled_by
from palm_bayes.cli.source import Source, takes_fit
from palm_bayes.cli.stop import Question
from palm_bayes.cli.terminal import NOT_CONVERGED, OK, report_decision, working

REPORT = """[bold]Examples[/bold]

  palm-bayes report palm_fit_out -o report.html
  palm-bayes report palm_fit_out -o report.html --target 0.9 --budget 600
  palm-bayes report runs.csv --episodes 12 --label-cost 0.5 --point-value 80

[bold]What is on the page[/bold]

  the verdict in words; controls for budget, target, strategies and costs, to
  ask other questions in the browser; the curves and their bands; with
  --target, the labels needed; the comparison of strategies, if there are
  several; with a stop rule (--target is one), whether to stop; sources of
  uncertainty; convergence and misfit; parameters, data, versions and seed;
  code that reproduces it. Sentences and numbers are those of compare, budget
  and stop.

The page is one file that loads nothing else. It can be mailed, printed, and
read on a phone or with a screen reader, in light and dark mode.

[bold]Exit status[/bold]

  0  the fit has converged
  2  bad input: nothing is written
  3  written, but the fit has not converged: do not rely on it"""


@takes_fit
@filled_by(Question)
@described("""
Question
  --at N                 Compare at N labels (episodes where labels are unknown), observed or
                         future. Default: --budget, else the least for --target, else today.
  --probability P [env]  Probability of the intervals.
Output
  --out -o FILE          HTML file to write.
""")
def report(
    question: Question,
    source: Source,
    out: Path = Path("report.html"),
    overwrite: bool = False,
    at: float | None = None,
    rope: float | None = None,
    reference: Strategy = None,
    probability: Chance = 0.9,
    as_json: bool = False,
    quiet: bool = False,
) -> int:
    """Write one HTML page: verdict, curves, budget, choice, stop, checks.

    FIT is a saved fit, or runs, which are fitted first.
    """
    rule = question.rule
    with working(quiet) as (step, note):
        step("checking the questions")
        from palm_bayes.report.contents import Questions, report_of
        from palm_bayes.report.page import check_page, write

        check_page(out, overwrite=overwrite)
        questions = Questions(
            target=question.target, assurance=question.assurance, within=question.budget,
            pool=question.pool, strategy=question.now_with, force=question.force,
            at=at, rope=rope, reference=reference, probability=probability,
        )  # fmt: skip
        questions = questions.stopped_by(rule)
        fit = source.asked(question.target).fit(step, note)
        found = report_of(fit, questions, source.seed, step)
        if found.decision is not None:
            question.check_pool(found.decision)
        write(found, out, step)
    if as_json:
        ranking = found.comparison.ranking
        return report_decision(fit, found, {}, ranking, how="json", page=str(out))
    console = console_of(sys.stdout)
    for answer in found.verdict.values():
        console.print(answer)
    console.print(f"\nWritten to {out}")
    return OK if fit.convergence.passed else NOT_CONVERGED
