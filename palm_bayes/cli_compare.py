"""The commands that ask which strategy to take, and how many labels it needs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from palm_bayes._options import AsJson, Quiet, option
from palm_bayes._source import Source, takes_fit
from palm_bayes._terminal import report_decision, working
from palm_bayes.errors import percent

if TYPE_CHECKING:
    import pandas as pd

    from palm_bayes.compare import Comparison

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

_STATUS = """[bold]Exit status[/bold]

  0  the fit has converged
  2  bad input: nothing is done
  3  answered, but the fit has not converged: do not rely on it"""
COMPARE = f"""[bold]Examples[/bold]

  palm-bayes compare palm_fit_out --at 500
  palm-bayes compare runs.csv --at 500 --episodes 12
  palm-bayes compare palm_fit_out --at 500 --rope 0.005 --json
  palm-bayes compare palm_fit_out --reference coreset --figure compare.png

[bold]How to read it[/bold]

  P(best)        that no other strategy is higher at this budget
  expected loss  accuracy that taking this one forgoes on average
  tied           P(the first is better by more than --rope) is below 90 %
  worse          that it is below the first by more than --rope
  share          labels needed for what the reference has at --at, as a share

Differences are between expected curves, the average over many repetitions.
Where repetitions of one name rise and fall together across strategies (same
seed, same first pool), differences are known better: that is measured and used.

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
            seed=source.seed,
        )
        _draw(found, figure)
    return report_decision(fit, found.document(), _compared(found), as_json=as_json)


def _draw(found: "Comparison", figure: Path | None) -> None:
    if figure is not None:
        from palm_bayes.files import put_figure

        put_figure(figure, found.plot())


def _compared(found: "Comparison") -> "dict[str, pd.DataFrame]":
    """The ranking and, beside each strategy, how it stands to the first and the reference."""
    import pandas as pd

    ranking: list[Any] = list(found.ranking.itertuples(index=False))
    pairs: list[Any] = list(found.pairs.itertuples())
    first, digits = ranking[0].strategy, 1 if found.scale > 1 else 3
    worse: dict[Any, float] = {(p.strategy, p.other): p.p_worse for p in pairs}
    rows = []
    for row in ranking:
        low, middle, high = (f"{x:.{digits}f}" for x in (row.lower, row.median, row.upper))
        rows.append(
            {
                "strategy": row.strategy,
                "accuracy": f"{middle} [{low}-{high}]",
                "P(best)": percent(row.p_best),
                "expected loss": f"{row.expected_loss:.{digits + 1}f}",
                "worse": "" if row.strategy == first else percent(worse[row.strategy, first]),
                "tied": "yes" if row.tied else "",
                "share": "" if row.strategy == found.reference else found.share(row.strategy),
            }
        )
    heading = f"At {found.at:,.0f} {found.unit}; worse than {first} by more than {found.rope:g}; "
    heading += f"share of the {found.unit} that {found.reference} has:"
    return {heading: pd.DataFrame(rows)}
