"""The commands that ask which strategy to take, how many labels it needs, and what to pilot."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from palm_bayes.cli.options import AsJson, Quiet, option
from palm_bayes.cli.source import Source, takes_fit
from palm_bayes.cli.terminal import report_decision, working

if TYPE_CHECKING:
    from palm_bayes.decisions.compare import Comparison
    from palm_bayes.decisions.label_budget import LabelsToReach

_ASK = "Question"

At = Annotated[
    float | None,
    option(
        _ASK,
        "Compare at N labels (episodes where labels are unknown), seen or still to come. "
        "Default: the last seen.",
        "--at",
    ),
]
Until = Annotated[
    float | None,
    option(
        _ASK,
        "Look so far ahead for crossings and speed-ups. Default: as many episodes again as were "
        "seen, or N of --at.",
        "--until",
    ),
]
Rope = Annotated[
    float | None,
    option(
        _ASK,
        "Accuracies that differ by less are practically equal, in the scale of the data. "
        "Default: one accuracy point.",
        "--rope",
        metavar="X",
    ),
]
Reference = Annotated[
    str | None,
    option(
        _ASK,
        "Measure speed-ups against this strategy. Default: random, else the lowest at --at.",
        "--reference",
        metavar="NAME",
    ),
]
Interval = Annotated[
    float,
    option(_ASK, "Of the intervals.", "--probability", metavar="P", min=0.01, max=0.999),
]
FigureFile = Annotated[
    Path | None, option(_ASK, "Draw it too: a .png, .pdf or .svg.", "--figure", metavar="FILE")
]

Target = Annotated[
    float,
    option(_ASK, "Accuracy to reach, in the scale of the data.", "--target", metavar="X"),
]
Assurance = Annotated[
    float,
    option(
        _ASK,
        "The chance that the budget shall suffice.",
        "--assurance",
        metavar="P",
        min=0.01,
        max=0.999,
    ),
]
Within = Annotated[
    float | None, option(_ASK, "Tell also with which chance N labels suffice.", "--within")
]
Pool = Annotated[
    float | None,
    option(
        _ASK,
        "The pool, or how far to look. Default: four times the labels seen.",
        "--until",
    ),
]
SingleRun = Annotated[
    bool,
    option(
        _ASK,
        "A single run's measured accuracy has to reach the target, not the expected curve.",
        "--single-run",
        metavar="",
    ),
]
DeltaTarget = Annotated[
    float | None,
    option(_ASK, "ALDA's target uncertainty. Default: 5 points.", "--delta-target", metavar="X"),
]
Eta = Annotated[
    float,
    option(_ASK, "ALDA's tolerated relative extra cost.", "--eta", metavar="X"),
]
AldaCsv = Annotated[
    Path | None,
    option(
        _ASK,
        "Write alda_fits.csv and alda_advice.csv there, with ALDA's columns.",
        "--alda-csv",
        metavar="DIR",
    ),
]

Later = Annotated[
    float,
    option(_ASK, "Labels of a run with which the strategy chosen will be used.", "--at"),
]

_STATUS = """[bold]Exit status[/bold]

  0  the fit has converged
  2  bad input: nothing is done
  3  answered, but the fit has not converged: do not rely on it

An answer begins with "Do not rely on this", and strategies are marked "doubted",
where a fit has not converged or PALM does not describe the curve, such as one
that falls."""
COMPARE = f"""[bold]Examples[/bold]

  palm-bayes compare palm_fit_out --at 500
  palm-bayes compare runs.csv --at 500 --episodes 12
  palm-bayes compare palm_fit_out --at 500 --rope 0.005 --json
  palm-bayes compare palm_fit_out --reference coreset --figure compare.png

[bold]How to read it[/bold]

  P(best)        that no other strategy is higher at this budget
  expected loss  accuracy that taking this one forgoes on average
  standing       ruled out: P(worse than the first by more than --rope) is 90 %
                 or more; equivalent: P(within --rope of it) is; else not ruled out
  worse          that it is below the first by more than --rope
  share          labels needed for what the reference has at --at, as a share

Differences are between expected curves, the average over many repetitions.
Where repetitions of one name rise and fall together across strategies (same
seed, same first pool), differences are known better: that is measured and used.
Past the data strategies are taken to gain more alike than each one's own forecast
says (7 parts in 10 in common, not 3), which tells better who is best.

{_STATUS}"""


BUDGET = f"""[bold]Examples[/bold]

  palm-bayes budget palm_fit_out --target 0.9 --assurance 0.8
  palm-bayes budget runs.csv --target 92 --within 2000 --single-run
  palm-bayes budget palm_fit_out --target 0.9 --until 5000 --alda-csv alda

[bold]How to read it[/bold]

  budget         the smallest that suffices with --assurance, whole episodes
  needed         median and interval of what is needed
  not by N       P(not reached by N labels, --until)
  feasible       P(reached by --until)
  B_abs, W       ALDA: labels for the target, and what moving it by plus and
                 minus --delta-target changes; medians, given it is feasible
  in C_eta       P(at most a share --eta dearer than the cheapest)
  chosen         P(ALDA's rule, knowing the curves, takes it): the smallest W
                 in C_eta. So often is choosing it right
  with pilots    B_abs and the labels of the other strategies' pilots

{_STATUS}"""

PILOT = f"""[bold]Examples[/bold]

  palm-bayes pilot palm_fit_out --at 600
  palm-bayes pilot runs.csv --at 600 --episodes 8 --json

[bold]How to read it[/bold]

  one more       episode of each repetition of the strategy; or repetition, as
                 long as its longest
  labels         that this costs
  value          by how much the expected accuracy at --at rises, of the
                 strategy that is chosen once the pilot has been seen
  error          of the simulation: a value of about twice this is sure to be
                 above nothing, and one a little below 0 is none

No fit is made for it: what a pilot would show is drawn from the posterior, and
what would then be thought is a regression on those draws.

{_STATUS}"""


@takes_fit
def compare(
    source: Source,
    at: At = None,
    until: Until = None,
    rope: Rope = None,
    reference: Reference = None,
    probability: Interval = 0.9,
    figure: FigureFile = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """Say which strategy is best at a budget, how surely, and how much faster than random."""
    with working(quiet) as (step, note):
        fit = source.fit(step, note)
        step("comparing")
        found = fit.compare(
            at,
            until=until,
            rope=rope,
            reference=reference,
            probability=probability,
        )
        _draw(found, figure)
    from palm_bayes.report.tables import compared

    return report_decision(fit, found.document(), compared(found), as_json=as_json, until=found.at)


@takes_fit
def budget(
    source: Source,
    target: Target,
    assurance: Assurance = 0.8,
    within: Within = None,
    until: Pool = None,
    single_run: SingleRun = False,
    delta_target: DeltaTarget = None,
    eta: Eta = 0.05,
    probability: Interval = 0.9,
    figure: FigureFile = None,
    alda_csv: AldaCsv = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> int:
    """Say how many labels a target needs, how surely, and which strategy ALDA's rule takes."""
    with working(quiet) as (step, note):
        fit = source.fit(step, note)
        step("counting labels")
        found = fit.labels_to_reach(
            target,
            assurance=assurance,
            within=within,
            until=until,
            scope="new" if single_run else "expected",
            delta_target=delta_target,
            eta=eta,
            probability=probability,
            seed=source.seed,
        )
        _draw(found, figure)
        if alda_csv is not None:
            from palm_bayes.report.alda_csv import write_alda

            write_alda(found, alda_csv)
    from palm_bayes.report.tables import budgeted

    return report_decision(
        fit, found.document(), budgeted(found), as_json=as_json, until=found.until
    )


@takes_fit
def pilot(source: Source, at: Later, as_json: AsJson = False, quiet: Quiet = False) -> int:
    """Say what one more pilot episode or repetition is worth, and of which strategy."""
    with working(quiet) as (step, note):
        fit = source.fit(step, note)
        step("weighing pilots")
        from palm_bayes.decisions.information_value import pilot_value

        found = pilot_value(fit, at, seed=source.seed)
    from palm_bayes.report.tables import piloted

    return report_decision(fit, found.document(), piloted(found), as_json=as_json, until=at)


def _draw(found: "Comparison | LabelsToReach", figure: Path | None) -> None:
    if figure is not None:
        from palm_bayes.files import put_figure

        put_figure(figure, found.plot())
