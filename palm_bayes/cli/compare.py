"""Commands `compare`, `budget` and `pilot`: choice of strategy, labels needed, value of pilots."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from palm_bayes.cli.options import Chance, Score, Shown, Strategy, described, filled_by, look, shown
from palm_bayes.cli.source import Source, takes_fit
from palm_bayes.cli.terminal import report_decision, working
from palm_bayes.files import Look, check_figure, put

_STATUS = """[bold]Exit status[/bold]

  0  the fit has converged
  2  bad input: nothing is done
  3  answered, but the fit has not converged: do not rely on it

An answer begins with "Do not rely on this", and strategies are marked
"doubted", if a fit has not converged or PALM does not describe the curve,
such as one that falls."""
COMPARE = f"""[bold]Examples[/bold]

  palm-bayes compare palm_fit_out --at 500
  palm-bayes compare runs.csv --at 500 --episodes 12
  palm-bayes compare palm_fit_out --at 500 --rope 0.005 --json
  palm-bayes compare palm_fit_out --at 500 --format latex
  palm-bayes compare palm_fit_out --reference coreset --figure compare.png

[bold]How to read it[/bold]

  accuracy       median and interval (--probability) of the expected curve
  P(best)        probability that no other strategy is higher at this budget
  expected loss  mean accuracy lost by choosing this strategy
  P(worse)       probability of being below the first by more than --rope
  standing       ruled out, if P(worse) is 90 % or more; equivalent, if the
                 difference is within --rope with 90 % or more; else not
                 ruled out
  labels for R's accuracy
                 labels needed for the accuracy of R (--reference) at --at,
                 in percent of --at

"Today" is the last budget observed; --at beyond it is a forecast.
Differences are between expected curves: averages over many repetitions,
without the noise that these have in common.
If equally named repetitions are correlated across strategies (same seed, same
start pool), differences are more certain; the correlation is estimated.
Strategies are partially pooled: each forecast also depends on the others.

{_STATUS}"""


BUDGET = f"""[bold]Examples[/bold]

  palm-bayes budget palm_fit_out --target 0.9 --assurance 0.8
  palm-bayes budget runs.csv --target 92 --within 2000 --single-run
  palm-bayes budget palm_fit_out --target 0.9 --until 5000 --alda-csv alda

[bold]How to read it[/bold]

  budget         smallest budget, in whole episodes, that suffices with
                 probability --assurance: the answer
  median         median and interval (--probability) of the budget needed
  P(today)       probability that the target is reached by the last budget
                 observed
  P(by N)        the same by N labels, --within
  P(not by N)    probability that it is not reached by N labels, --until

ALDA's rule (Active Learning Deployment Advisor), applied to every draw:

  P(feasible)    probability that the target is reached by --until
  B_abs, W       labels for the target, and their change when the target
                 moves by plus and minus --delta-target; medians, if feasible
  P(near cheapest)
                 probability that it costs at most a share --eta more than the
                 cheapest (ALDA's C_eta)
  P(chosen)      probability that the rule chooses it, given the true curves:
                 the smallest W among those near the cheapest
  with pilots    B_abs plus the labels of the other strategies' pilots

All labels are those of one run, in whole episodes.

{_STATUS}"""

PILOT = f"""[bold]Examples[/bold]

  palm-bayes pilot palm_fit_out --at 600
  palm-bayes pilot runs.csv --at 600 --episodes 8 --json

[bold]How to read it[/bold]

  one more       episode of each repetition of the strategy, or repetition as
                 long as its longest
  labels         cost of the pilot
  value          increase in expected accuracy at --at of the strategy that is
                 chosen after the pilot
  standard error that of the simulation: a value above about twice this is
                 positive; a value slightly below 0 means 0

No further fit is made: results of a pilot are simulated from the posterior,
and the posterior after the pilot is approximated by regression on these
draws.

{_STATUS}"""


@filled_by(look)
@described()
def drawer(drawn: Look, figure: Path | None = None) -> Callable[[Any], None]:
    """Return a function that draws an answer to the file, if there is to be one."""
    if figure is not None:
        check_figure(figure)

    def draw(answer: Any) -> None:
        if figure is not None:
            from palm_bayes.plots.style import drawing

            put(figure, drawing(drawn, answer.plot))

    return draw


@takes_fit
@filled_by(shown)
@filled_by(drawer)
@described("""
Question
  --at N                 Compare at N labels (episodes where labels are unknown), observed or
                         future. Default: today, the last observed.
  --until N              Largest budget for crossings and speed-ups. Default: twice the observed
                         episodes, or N of --at.
  --probability P [env]  Probability of the intervals.
""")
def compare(
    draw: Callable[[Any], None],
    form: Shown,
    source: Source,
    at: float | None = None,
    until: float | None = None,
    rope: float | None = None,
    reference: Strategy = None,
    probability: Chance = 0.9,
    quiet: bool = False,
) -> int:
    """Rank the strategies at a budget, with probabilities and speed-ups over random."""
    with working(quiet) as (step, note):
        fit = source.fit(step, note)
        step("drawing the curves")
        comparison = fit.compare(
            at, until=until, rope=rope, reference=reference, probability=probability
        )
        draw(comparison)
    from palm_bayes.report.tables import compared, compared_numbers

    tables = compared(comparison), compared_numbers(comparison)
    worth = [fit.worth(comparison.at)]
    return report_decision(fit, comparison, *tables, how=form, worth=worth)


@takes_fit
@filled_by(shown)
@filled_by(drawer)
@described("""
Question
  --target X             Score to reach, in the scale of the data, or percent such as 93%.
  --assurance P [env]    Probability with which the budget must suffice.
  --within N             Also give the probability that N labels suffice.
  --until N              Size of the pool, or largest budget to consider. Default: four times the
                         labels seen.
  --single-run           Require a single run's measured accuracy, not the expected curve, to reach
                         the target.
  --delta-target X       ALDA's target uncertainty. Default: 5 points.
  --eta X                ALDA's tolerated relative extra cost.
  --probability P [env]  Probability of the intervals.
  --alda-csv DIR         Folder for alda_fits.csv and alda_advice.csv, with ALDA's columns.
""")
def budget(
    draw: Callable[[Any], None],
    form: Shown,
    source: Source,
    target: Score,
    assurance: Chance = 0.8,
    within: float | None = None,
    until: float | None = None,
    single_run: bool = False,
    delta_target: float | None = None,
    eta: float = 0.05,
    probability: Chance = 0.9,
    alda_csv: Path | None = None,
    overwrite: bool = False,
    quiet: bool = False,
) -> int:
    """Estimate the labels needed for a target, and apply ALDA's rule to the posterior."""
    with working(quiet) as (step, note):
        from palm_bayes.report.alda_csv import check_alda, write_alda

        if alda_csv is not None:
            check_alda(alda_csv, overwrite=overwrite)
        fit = source.asked(target).fit(step, note)
        step("counting labels")
        needed = fit.labels_to_reach(
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
        from palm_bayes.decisions.prior_weight import of_budget

        step("weighing the prior")
        prior = of_budget(needed)
        draw(needed)
        if alda_csv is not None:
            write_alda(needed, alda_csv)
    from palm_bayes.report.tables import budgeted, budgeted_numbers

    tables = budgeted(needed), budgeted_numbers(needed)
    best = [str(needed.table["strategy"][0])]
    worth = [prior, fit.worth(needed.answered, best, needed.until)]
    return report_decision(fit, needed, *tables, how=form, worth=worth)


@takes_fit
@filled_by(shown)
@described("Question\n  --at N  Labels of a run with the strategy to be chosen.")
def pilot(form: Shown, source: Source, at: float, quiet: bool = False) -> int:
    """Estimate the value of one more pilot episode or repetition of each strategy."""
    with working(quiet) as (step, note):
        fit = source.fit(step, note)
        step("simulating pilots")
        from palm_bayes.decisions.information_value import pilot_value

        pilots = pilot_value(fit, at, seed=source.seed)
    from palm_bayes.report.tables import piloted

    tables, worth = piloted(pilots), [fit.worth(at)]
    return report_decision(fit, pilots, tables, pilots.table, how=form, worth=worth)
