"""Options and help texts of the command line; among them every flag of PALM.py.

Names are declared with hyphens; `cli.app` takes underscores in their place, as PALM.py has them.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from palm_bayes.data.runs import Runs

UsageError: Any = typer.BadParameter.__mro__[1]  # its own place differs between Typer's versions

DATA, MODEL, SAMPLING, OUTPUT = "Data", "Model", "Sampling", "Output"
PALM = "Accepted so that PALM.py's command lines work"
PALM_BOUNDS = {"alpha_lo": -1000.0, "alpha_hi": 1000.0, "beta_hi": 100.0}  # and ours
PALM_BUDGET = 100.0  # PALM.py's labels per episode, where neither data nor user tell them


def option(panel: str, text: str, *names: str, metavar: str = "N", **limits: Any) -> Any:
    """Declare an option of a panel of the help."""
    bounds: dict[str, Any] = {**limits}
    return typer.Option(*names, metavar=metavar, rich_help_panel=panel, help=text, **bounds)


Source = Annotated[
    Path | None,
    typer.Argument(
        metavar="PATH",
        help="A table (.csv, .csv.gz), or a folder with METHOD_1/plot_episode_yvalues.npy and so "
        "on, as PALM's deep-al writes it.",
    ),
]
BasePath = Annotated[
    Path | None, option(DATA, "PATH by PALM.py's name for it.", "--base-path", metavar="PATH")
]
Strategies = Annotated[
    list[str] | None,
    option(DATA, "May be repeated. Default: all.", "--strategy", "--method", metavar="NAME"),
]
Dataset = Annotated[
    str | None,
    option(
        DATA, "The one to take from a table of several; else a title.", "--dataset", metavar="NAME"
    ),
]
Model = Annotated[str | None, option(DATA, "Likewise.", "--model", metavar="NAME")]
TaskDataset = Annotated[
    str | None, option(DATA, "Only this one. Default: all.", "--dataset", metavar="NAME")
]
TaskModel = Annotated[
    str | None, option(DATA, "Only this one. Default: all.", "--model", metavar="NAME")
]
TrainFractions = Annotated[
    list[float] | None,
    option(
        DATA,
        "Fit this share of the longest repetition, at least 5 episodes. May be repeated. "
        "Default: 0.25 and 0.5.",
        "--train-fraction",
        metavar="P",
    ),
]
TrainEpisodes = Annotated[
    list[int] | None,
    option(DATA, "Fit the first N episodes, from 5. May be repeated.", "--train-episodes"),
]
Variants = Annotated[
    int | None, option(DATA, "Use the first N repetitions. Default: all.", "--num-variants")
]
Episodes = Annotated[
    int | None,
    option(
        DATA,
        "Fit the first N episodes; figures show the later ones. Default, or -1: all.",
        "--episodes",
        "--num-samples",
    ),
]
AxisMode = Annotated[
    Literal["episodes", "cumulative_normalized"] | None,
    option(
        DATA,
        "The curve's axis: episodes, or cumulative_normalized, which is labels / budget size and "
        "the default where labels are known.",
        "--x-mode",
        metavar="MODE",
    ),
]
BudgetSize = Annotated[
    float | None,
    option(
        DATA,
        "Labels per episode. Default: the data's own step.",
        "--budget-size",
        "-b",
        metavar="B",
    ),
]
Percent = Annotated[
    bool | None,
    option(
        DATA,
        "What accuracies are given in. Default: percent where one is above 1.",
        "--percent/--fraction",
        metavar="",
    ),
]
PriorSet = Annotated[
    Literal["default", "bounds"],
    option(
        MODEL,
        "default: weakly informative. bounds: flat on PALM.py's fitting bounds.",
        "--priors",
        metavar="NAME",
    ),
]
Prior = Annotated[
    Path | None,
    option(
        MODEL,
        "What was learned from past curves, a file of palm-bayes learn. Default: as shipped.",
        "--prior",
        metavar="FILE",
        exists=True,
        dir_okay=False,
    ),
]
AlphaLow = Annotated[float, option(MODEL, "Lower bound of alpha.", "--alpha-lo", metavar="X")]
AlphaHigh = Annotated[float, option(MODEL, "Upper bound of alpha.", "--alpha-hi", metavar="X")]
BetaHigh = Annotated[float, option(MODEL, "Upper bound of beta.", "--beta-hi", metavar="X")]
Draws = Annotated[int, option(SAMPLING, "Draws kept of each chain.", "--draws", min=4)]
Tune = Annotated[int, option(SAMPLING, "Warm-up draws of each chain.", "--tune", min=1)]
Chains = Annotated[int, option(SAMPLING, "Chains; fewer than 2 never converge.", "--chains", min=1)]
TargetAccept = Annotated[
    float,
    option(
        SAMPLING,
        "Nearer to 1: smaller steps, fewer divergences, more time.",
        "--target-accept",
        metavar="P",
        min=0.5,
        max=0.999,
    ),
]
Sampler = Annotated[
    Literal["nutpie", "pymc", "numpyro"],
    option(SAMPLING, "nutpie, pymc or numpyro.", "--sampler", metavar="NAME"),
]
Seed = Annotated[int, option(SAMPLING, "The same seed gives the same result.", "--seed", min=0)]
Out = Annotated[Path, option(OUTPUT, "Output folder.", "--out", "--out-dir", metavar="DIR")]
Fresh = Annotated[
    bool,
    option(OUTPUT, "Start anew, not where an earlier one was cut off.", "--fresh", metavar=""),
]
Horizon = Annotated[
    int | None,
    option(
        OUTPUT,
        "Forecast N episodes past the data. Default: as many as were fitted.",
        "--horizon",
        min=1,
    ),
]
Probability = Annotated[
    float,
    option(
        OUTPUT, "Of the intervals in tables.", "--probability", metavar="P", min=0.01, max=0.999
    ),
]
AsJson = Annotated[
    bool,
    option(OUTPUT, "Print one JSON document on stdout, nothing else.", "--json", metavar=""),
]
Quiet = Annotated[bool, option(OUTPUT, "No progress, no notes.", "--quiet", "-q", metavar="")]
Plot = Annotated[bool, option(PALM, "Figures are always saved.", "--plot", metavar="")]
SaveCsv = Annotated[
    bool, option(PALM, "palm_params.csv is always saved.", "--save-csv", metavar="")
]
_UNNEEDED = "Not needed: the sampler finds its start."
StartAMax = Annotated[float | None, option(PALM, _UNNEEDED, "--init-A-max", metavar="X")]
StartDelta = Annotated[float | None, option(PALM, _UNNEEDED, "--init-delta", metavar="X")]
StartAlpha = Annotated[float | None, option(PALM, _UNNEEDED, "--init-alpha", metavar="X")]
StartBeta = Annotated[float | None, option(PALM, _UNNEEDED, "--init-beta", metavar="X")]

Trace = Annotated[
    Path, typer.Argument(metavar="TRACE", exists=True, dir_okay=False, help="trace.nc of a fit.")
]

CODES = """[bold]Exit status[/bold]

  0  converged
  2  bad input: nothing is written
  3  saved, but not converged"""
FIT = f"""[bold]Examples[/bold]

  palm-bayes fit runs.csv
  palm-bayes fit output/CIFAR10/resnet18 --strategy margin --strategy random
  palm-bayes fit runs.csv --episodes 12 --horizon 18 --out first12
  palm-bayes fit --base_path output/CIFAR10/resnet18 --method margin

Strategies that are fitted together tell each other how they go on past the
data: fit those of one task, and all of them.

[bold]Files in the output folder[/bold]

  trace.nc        the fit, for palm-bayes show: data, draws, diagnostics
  summary.csv     median, interval and diagnostics of every parameter
  forecast.csv    quantiles by episode: expected curve and new repetition
  curves.png      data, curve and bands of every strategy
  comparison.png  all strategies in one panel, where there are several
  palm_params.json, palm_params.csv, y_avg.npy, y_fit.npy, palm_fit.png
                  as from PALM.py; in a folder each for several strategies

{CODES}"""
BACKTEST = """[bold]Examples[/bold]

  palm-bayes backtest runs.csv
  palm-bayes backtest runs.csv --train-fraction 0.25 --train-episodes 12
  palm-bayes backtest study.csv --dataset cifar10 --out cifar10

[bold]Files in the output folder[/bold]

  forecasts.csv  quantiles for every later episode, and what came
  scores.csv     CRPS, log score, error, coverage and width by cell (a
                 strategy of a task) and by third of the horizon, beside
                 least-squares baselines; or why a cell failed
  baselines.csv  the baselines' point forecasts
  backtest.png   coverage, error by horizon, worst cells
  cells/         finished cells: the same command goes on from them

Accuracies are fractions. A table may hold several tasks (columns source,
dataset, model). Each cell costs a fit, a second or two.

[bold]Exit status[/bold]

  0  all fits converged
  2  bad input: nothing is written
  3  written, but a fit did not converge or none could be made"""
EXAMPLE = """[bold]Example[/bold]

  palm-bayes example runs
  palm-bayes fit runs/runs.csv --episodes 12"""


def one_of(path: Path | None, base_path: Path | None) -> Path:
    """Return the path of the runs, which both names may give."""
    if path and base_path:
        raise UsageError(f"PATH ({path}) and --base-path ({base_path}) mean the same: give one.")
    if found := path or base_path:
        return found
    raise UsageError("Missing argument PATH: a table of runs, or a folder in PALM's layout.")


def read(
    path: Path, episodes: int | None, *, budgets: bool = False, **options: Any
) -> tuple["Runs", "Runs | None"]:
    """Read the runs to fit and, if they are not all there is, all there is.

    Parameters
    ----------
    path : pathlib.Path
        As in `read_runs`, which also takes the `options`.
    episodes : int or None
        Fit the first episodes; None and -1 mean all.
    budgets : bool
        Whether x must be labels / batch, also where the data do not tell labels.

    Returns
    -------
    runs : Runs
        For the fit.
    truth : Runs or None
        All runs, where `runs` leave later episodes out.
    """
    from palm_bayes.data.readers import read_runs

    truth = read_runs(path, **options)
    if budgets and not truth.labels_known:
        options["batch"] = PALM_BUDGET
        truth = read_runs(path, **options)
    if episodes in {None, -1}:
        return truth, None
    if truth.labels_known:
        options["batch"] = truth.batch  # that of the first episodes might differ
    runs = read_runs(path, **options, max_episodes=episodes)
    return runs, truth if len(truth.table) > len(runs.table) else None
