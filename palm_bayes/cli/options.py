"""Options and help texts of the command line; among them every flag of PALM.py.

Names are declared with hyphens; `cli.app` also accepts underscores, as in PALM.py.
"""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from palm_bayes.files import Look

UsageError: Any = typer.BadParameter.__mro__[1]  # its module differs between Typer's versions

DATA, MODEL, SAMPLING, OUTPUT = "Data", "Model", "Sampling", "Output"
FIGURES = "Figures"
PALM = "Accepted for compatibility with PALM.py's command lines"
PALM_BOUNDS = {"alpha_lo": -1000.0, "alpha_hi": 1000.0, "beta_hi": 100.0}  # also the defaults here


def option(
    panel: str, text: str, *names: str, metavar: str = "N", variable: str = "", **limits: Any
) -> Any:
    """Declare an option in a panel of the help.

    Its default may come from the environment: ``PALM_BAYES_`` and the name `variable`.
    """
    more: dict[str, Any] = {**limits}
    if variable:
        more["envvar"] = f"PALM_BAYES_{variable}"
    return typer.Option(*names, metavar=metavar, rich_help_panel=panel, help=text, **more)


def number_or_text(given: str) -> float | str:
    """Read a number; other text, such as 93%, is for `palm_bayes.data.score` to read."""
    try:
        return float(given)
    except ValueError:
        return given


def size_of(given: str) -> tuple[float, float]:
    """Read the size of a figure, such as 6x4."""
    found = re.fullmatch(r"(\d+\.?\d*)\s*[x×,]\s*(\d+\.?\d*)", given.strip())
    size = tuple(map(float, found.groups())) if found else ()
    if not size or not all(1 <= inches <= 100 for inches in size):
        raise UsageError(f"--size {given}: expected are inches from 1 to 100, such as 6x4.")
    return size[0], size[1]


Source = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="PATH...",
        help="Tables (.csv, .json, .npz ...), a glob or a folder of them, or a folder with "
        "METHOD_1/plot_episode_yvalues.npy and so on, as PALM's deep-al writes it.",
    ),
]
BasePath = Annotated[
    Path | None, option(DATA, "PATH, by its name in PALM.py.", "--base-path", metavar="PATH")
]
Strategies = Annotated[
    list[str] | None,
    option(DATA, "May be repeated. Default: all.", "--strategy", "--method", metavar="NAME"),
]
Dataset = Annotated[
    str | None,
    option(
        DATA,
        "Only this data set, where a table holds several; else a name for titles.",
        "--dataset",
        metavar="NAME",
    ),
]
Model = Annotated[str | None, option(DATA, "Only this model, likewise.", "--model", metavar="NAME")]
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
        "The curve's axis: episodes, or cumulative_normalized (labels / budget size), the default "
        "where labels are known.",
        "--x-mode",
        metavar="MODE",
    ),
]
BudgetSize = Annotated[
    float | None,
    option(
        DATA,
        "Labels per episode. Default: inferred from the data.",
        "--budget-size",
        "-b",
        metavar="B",
    ),
]
Percent = Annotated[
    bool | None,
    option(
        DATA,
        "Unit of the score. Default: percent if one is above 1.",
        "--percent/--fraction",
        metavar="",
    ),
]
Metric = Annotated[
    str | None,
    option(
        DATA,
        "Name of the score in tables, figures and sentences, such as F1. Default: accuracy, error, "
        "or that of the column.",
        "--metric",
        metavar="NAME",
    ),
]
Lower = Annotated[
    bool,
    option(
        DATA,
        "Scores are error rates or losses, as are --target and all results.",
        "--lower-is-better",
        metavar="",
    ),
]
Columns = Annotated[
    list[str] | None,
    option(
        DATA,
        "Column of accuracy, strategy, labels and so on, as accuracy=test_acc. May be repeated. "
        "Default: by its name.",
        "--column",
        metavar="NAME",
    ),
]
LayoutName = Annotated[
    Literal["long", "wide", "headers", "tracker"] | None,
    option(
        DATA,
        "long, wide, headers or tracker. Default: as the columns tell.",
        "--layout",
        metavar="NAME",
    ),
]
Pattern = Annotated[
    str | None,
    option(
        DATA,
        "Read names of files as, for example, '{strategy}_{repetition}'.",
        "--pattern",
        metavar="TEXT",
    ),
]
PoolSize = Annotated[
    float | None,
    option(DATA, "Size of the pool, where labels are shares of it.", "--pool"),
]
PriorSet = Annotated[
    Literal["default", "bounds"],
    option(
        MODEL,
        "default: weakly informative. bounds: flat on PALM.py's fitting bounds.",
        "--priors",
        metavar="NAME",
        variable="PRIORS",
    ),
]
Prior = Annotated[
    Path | None,
    option(
        MODEL,
        "Prior learned from past curves, a file of palm-bayes learn. Default: as shipped.",
        "--prior",
        metavar="FILE",
        variable="PRIOR",
        exists=True,
        dir_okay=False,
    ),
]
AlphaLow = Annotated[float, option(MODEL, "Lower bound of alpha.", "--alpha-lo", metavar="X")]
AlphaHigh = Annotated[float, option(MODEL, "Upper bound of alpha.", "--alpha-hi", metavar="X")]
BetaHigh = Annotated[float, option(MODEL, "Upper bound of beta.", "--beta-hi", metavar="X")]
Draws = Annotated[
    int, option(SAMPLING, "Draws kept per chain.", "--draws", min=4, variable="DRAWS")
]
Tune = Annotated[
    int, option(SAMPLING, "Warm-up draws per chain.", "--tune", min=1, variable="TUNE")
]
Chains = Annotated[
    int,
    option(
        SAMPLING,
        "Number of chains; at least 2 for convergence.",
        "--chains",
        min=1,
        variable="CHAINS",
    ),
]
TargetAccept = Annotated[
    float,
    option(
        SAMPLING,
        "Target acceptance: closer to 1, smaller steps, fewer divergences, more time.",
        "--target-accept",
        metavar="P",
        variable="TARGET_ACCEPT",
        min=0.5,
        max=0.999,
    ),
]
Sampler = Annotated[
    Literal["nutpie", "pymc", "numpyro"],
    option(SAMPLING, "nutpie, pymc or numpyro.", "--sampler", metavar="NAME", variable="SAMPLER"),
]
Seed = Annotated[
    int,
    option(SAMPLING, "The same seed gives the same result.", "--seed", min=0, variable="SEED"),
]
Out = Annotated[Path, option(OUTPUT, "Output folder.", "--out", "--out-dir", metavar="DIR")]
Overwrite = Annotated[
    bool,
    option(
        OUTPUT,
        "Replace files that are not of this command and these runs.",
        "--overwrite",
        metavar="",
    ),
]
Fresh = Annotated[
    bool,
    option(
        OUTPUT, "Start again instead of resuming an interrupted command.", "--fresh", metavar=""
    ),
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
        OUTPUT,
        "Probability of the intervals.",
        "--probability",
        metavar="P",
        min=0.01,
        max=0.999,
        variable="PROBABILITY",
    ),
]
Style = Annotated[
    str | None,
    option(FIGURES, "Style sheet of Matplotlib, by its name or file.", "--style", metavar="NAME"),
]
Size = Annotated[
    Any,
    option(FIGURES, "Width and height in inches.", "--size", metavar="WxH", parser=size_of),
]
Dpi = Annotated[int, option(FIGURES, "Dots per inch of pixels.", "--dpi", min=20, max=2400)]
AsJson = Annotated[
    bool,
    option(OUTPUT, "Print only one JSON document on stdout.", "--json", metavar=""),
]
Quiet = Annotated[bool, option(OUTPUT, "No progress, no notes.", "--quiet", "-q", metavar="")]
Plot = Annotated[bool, option(PALM, "Figures are always saved.", "--plot", metavar="")]
SaveCsv = Annotated[
    bool, option(PALM, "palm_params.csv is always saved.", "--save-csv", metavar="")
]
_UNNEEDED = "Ignored: the sampler finds its starting points."
StartAMax = Annotated[float | None, option(PALM, _UNNEEDED, "--init-A-max", metavar="X")]
StartDelta = Annotated[float | None, option(PALM, _UNNEEDED, "--init-delta", metavar="X")]
StartAlpha = Annotated[float | None, option(PALM, _UNNEEDED, "--init-alpha", metavar="X")]
StartBeta = Annotated[float | None, option(PALM, _UNNEEDED, "--init-beta", metavar="X")]

Trace = Annotated[
    Path,
    typer.Argument(metavar="FIT", exists=True, help="trace.nc of a fit, or its output folder."),
]


def look(style: Style = None, size: Size = None, dpi: Dpi = Look.dpi) -> Look:
    """Options of figures."""
    if style is not None:
        from palm_bayes.plots.style import sheet_of

        sheet_of(style)  # an error before any work
    return Look(style, size, dpi)


def one_of(paths: list[Path] | None, base_path: Path | None) -> Path | list[Path]:
    """Return the path or paths of the runs, which both names may give."""
    if paths and base_path:
        named = " ".join(map(str, paths))
        raise UsageError(
            f"PATH ({named}) and --base-path ({base_path}) mean the same: give only one."
        )
    if base_path:
        return base_path
    if not paths:
        raise UsageError("Missing argument PATH: tables of runs, or a folder in PALM's layout.")
    return paths[0] if len(paths) == 1 else paths
