"""Options and help texts of the command line; among them every flag of PALM.py.

Names are declared with hyphens; `cli.app` also accepts underscores, as in PALM.py.
"""

import re
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from palm_bayes.cli.completion import strategies
from palm_bayes.files import Look

UsageError: Any = typer.BadParameter.__mro__[1]  # its module differs between Typer's versions

PALM_BOUNDS = {"alpha_lo": -1000.0, "alpha_hi": 1000.0, "beta_hi": 100.0}  # also the defaults here


def option(panel: str, names: str, text: str, *, env: bool = False, **limits: Any) -> Any:
    """Declare an option in a panel of the help.

    `names` is written as in a usage line: "--out -o FILE", or "--quiet" for a flag. With `env`, the
    default may come from the environment, as ``PALM_BAYES_DRAWS`` for --draws.
    """
    words = names.split()
    flags = [word for word in words if word.startswith("-")]
    if env:
        limits["envvar"] = f"PALM_BAYES_{flags[0][2:].replace('-', '_').upper()}"
    value = " ".join(words[len(flags) :])
    return typer.Option(*flags, metavar=value, rich_help_panel=panel, help=text, **limits)


_data, _model, _sampling = (partial(option, panel) for panel in ("Data", "Model", "Sampling"))
output, _figures = (partial(option, panel) for panel in ("Output", "Figures"))
_palm = partial(option, "Accepted for compatibility with PALM.py's command lines")


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
        raise UsageError(f"--size {given}: give width x height, each 1 to 100 inches, such as 6x4.")
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
    Path | None, _data("--base-path PATH", "The same as PATH; PALM.py's name for it.")
]
Strategies = Annotated[
    list[str] | None,
    _data(
        "--strategy --method NAME",
        "May be repeated. Default: all.",
        autocompletion=strategies,
    ),
]
Dataset = Annotated[
    str | None,
    _data(
        "--dataset NAME", "Only this data set, where a table holds several; else a name for titles."
    ),
]
Model = Annotated[
    str | None,
    _data("--model NAME", "Only this model, where a table holds several; else a name for titles."),
]
TrainFractions = Annotated[
    list[float] | None,
    _data(
        "--train-fraction P",
        "Fit this share of the longest repetition, at least 5 episodes. May be repeated. "
        "Default: 0.25 and 0.5.",
    ),
]
TrainEpisodes = Annotated[
    list[int] | None,
    _data("--train-episodes N", "Fit the first N episodes, from 5. May be repeated."),
]
Variants = Annotated[
    int | None, _data("--num-variants N", "Use the first N repetitions. Default: all.")
]
Episodes = Annotated[
    int | None,
    _data(
        "--episodes --num-samples N",
        "Fit the first N episodes; figures show the later ones. Default, or -1: all.",
    ),
]
AxisMode = Annotated[
    Literal["episodes", "cumulative_normalized"] | None,
    _data(
        "--x-mode MODE",
        "The curve's axis: episodes, or cumulative_normalized (labels / budget size), the default "
        "where labels are known.",
    ),
]
BudgetSize = Annotated[
    float | None,
    _data("--budget-size -b B", "Labels per episode. Default: inferred from the data."),
]
Percent = Annotated[
    bool | None,
    _data("--percent/--fraction", "Unit of the score. Default: percent if any score is above 1."),
]
Metric = Annotated[
    str | None,
    _data(
        "--metric NAME",
        "Name of the score in tables, figures and sentences, such as F1. Default: accuracy, error, "
        "or that of the column.",
    ),
]
Lower = Annotated[
    bool,
    _data(
        "--lower-is-better", "Scores are error rates or losses, as are --target and all results."
    ),
]
Columns = Annotated[
    list[str] | None,
    _data(
        "--column NAME",
        "Column of accuracy, strategy, labels and so on, as accuracy=test_acc. May be repeated. "
        "Default: by its name.",
    ),
]
LayoutName = Annotated[
    Literal["long", "wide", "across", "headers", "tracker", "values", "mlflow"] | None,
    _data(
        "--layout NAME",
        "long, wide, across, headers, tracker, values or mlflow. Default: as the columns tell.",
    ),
]
Pattern = Annotated[
    str | None,
    _data("--pattern TEXT", "Read names of files as, for example, '{strategy}_{repetition}'."),
]
PoolSize = Annotated[
    float | None, _data("--pool N", "Size of the pool, where labels are shares of it.")
]
SpreadOfMeans = Annotated[
    str | None,
    _data(
        "--spread TEXT",
        "What is beside means of repetitions: 'sd of N', standard deviations of N repetitions; se, "
        "standard errors; none, to leave it out. Default: by the columns.",
    ),
]
PriorSet = Annotated[
    Literal["default", "bounds"],
    _model(
        "--priors NAME",
        "default: weakly informative. bounds: flat on PALM.py's fitting bounds.",
        env=True,
    ),
]
Prior = Annotated[
    Path | None,
    _model(
        "--prior FILE",
        "Prior learned from past curves, a file of palm-bayes learn. Default: as shipped.",
        exists=True,
        dir_okay=False,
        env=True,
    ),
]
AlphaLow = Annotated[float, _model("--alpha-lo X", "Lower bound of alpha.")]
AlphaHigh = Annotated[float, _model("--alpha-hi X", "Upper bound of alpha.")]
BetaHigh = Annotated[float, _model("--beta-hi X", "Upper bound of beta.")]
Draws = Annotated[int, _sampling("--draws N", "Draws kept per chain.", min=4, env=True)]
Tune = Annotated[int, _sampling("--tune N", "Warm-up draws per chain.", min=1, env=True)]
Chains = Annotated[
    int,
    _sampling("--chains N", "Number of chains, at least 2, to judge convergence.", min=2, env=True),
]
TargetAccept = Annotated[
    float,
    _sampling(
        "--target-accept P",
        "Target acceptance: closer to 1, smaller steps, fewer divergences, more time.",
        min=0.5,
        max=0.999,
        env=True,
    ),
]
Sampler = Annotated[
    Literal["nutpie", "pymc", "numpyro"],
    _sampling("--sampler NAME", "nutpie, pymc or numpyro.", env=True),
]
Seed = Annotated[
    int, _sampling("--seed N", "The same seed gives the same result.", min=0, env=True)
]
Out = Annotated[Path, output("--out --out-dir -o DIR", "Output folder.")]
Overwrite = Annotated[
    bool,
    output("--overwrite", "Also replace files of other commands or other runs."),
]
Fresh = Annotated[
    bool, output("--fresh", "Start again instead of resuming an interrupted command.")
]
Horizon = Annotated[
    int | None,
    output(
        "--horizon N", "Forecast N episodes past the data. Default: as many as were fitted.", min=1
    ),
]
Probability = Annotated[
    float,
    output("--probability P", "Probability of the intervals.", min=0.01, max=0.999, env=True),
]
Style = Annotated[
    str | None, _figures("--style NAME", "Style sheet of Matplotlib, by its name or file.")
]
Size = Annotated[Any, _figures("--size WxH", "Width and height in inches.", parser=size_of)]
Dpi = Annotated[
    int, _figures("--dpi N", "Resolution of .png figures, in dots per inch.", min=20, max=2400)
]
AsJson = Annotated[bool, output("--json", "Print only one JSON document on stdout.")]
Quiet = Annotated[bool, output("--quiet -q", "No progress, no notes.")]
Plot = Annotated[bool, _palm("--plot", "Figures are always saved.")]
SaveCsv = Annotated[bool, _palm("--save-csv", "palm_params.csv is always saved.")]
_UNNEEDED = "Ignored: the sampler finds its starting points."
StartAMax = Annotated[float | None, _palm("--init-A-max X", _UNNEEDED)]
StartDelta = Annotated[float | None, _palm("--init-delta X", _UNNEEDED)]
StartAlpha = Annotated[float | None, _palm("--init-alpha X", _UNNEEDED)]
StartBeta = Annotated[float | None, _palm("--init-beta X", _UNNEEDED)]

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
