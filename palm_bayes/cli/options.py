"""Options of the command line, declared by a text as help shows them.

A signature has the type, the limits and the default of an option; the text has its flags and what
it means. Names are declared with hyphens; `cli.app` also accepts underscores, as in PALM.py.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial, wraps
from inspect import signature
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import typer

from palm_bayes.cli.completion import strategies
from palm_bayes.files import Look

type Command = Callable[..., Any]

UsageError: Any = typer.BadParameter.__mro__[1]  # its module differs between Typer's versions

# Parameters that cannot have the name of their flag: Python has it.
_RENAMED = {"with": "now_with", "format": "form", "json": "as_json"}


def _read(text: str) -> dict[str, Any]:
    """Read declarations, by the name of the parameter; see `described`."""
    found, panel = {}, ""
    for line in re.sub(r"\n {3,}", "  ", text).strip().splitlines():
        if not line.startswith("  -"):
            panel = line
            continue
        usage, meaning = re.split(r" {2,}", line.strip(), maxsplit=1)
        words = usage.removesuffix(" [env]").split()
        flags = [word for word in words if word.startswith("-")]
        name = re.sub(r"/.*", "", flags[0][2:]).replace("-", "_")
        found[_RENAMED.get(name, name)] = partial(
            typer.Option,
            *flags,
            metavar=" ".join(words[len(flags) :]),
            rich_help_panel=panel,
            help=" ".join(meaning.split()),
            envvar=f"PALM_BAYES_{name.upper()}" if usage.endswith("[env]") else None,
        )
    return found


_NARROWEST, _LOWEST = 3.3, 2  # inches of a figure: below, its text is cut off

# Options of several commands.
_COMMON = _read("""
Model
  --prior FILE [env]       Prior learned from past curves, a file of palm-bayes learn. Default: as
                           shipped.
Sampling
  --seed N [env]           The same seed gives the same result.
Question
  --rope X [env]           Region of practical equivalence: a difference of scores, in the scale of
                           the data. Default: one point (0.01, or 1 %).
  --reference NAME         Strategy that speed-ups refer to. Default: random, else the lowest at
                           --at.
  --figure FILE            Also draw a figure: .png, .pdf or .svg.
Workers
  --workers N              Processes of a local Dask cluster; 0: this process, without Dask.
  --scheduler ADDRESS      A Dask scheduler that exists, such as tcp://10.0.0.1:8786.
Output
  --out --out-dir -o DIR   Output folder.
  --overwrite              Also replace files of other commands or other runs.
  --fresh                  Start again instead of resuming an interrupted command.
  --horizon N              Forecast N episodes past the data. Default: as many as were fitted.
  --probability P [env]    Probability of the intervals.
  --format NAME [env]      text; json, one document with all numbers; csv, one table of numbers;
                           latex or markdown, the tables of the text.
  --json                   Print only one JSON document on stdout.
  --quiet -q               No progress, no notes.
Figures
  --figures KIND [env]     Format of the figures: png, pdf or svg.
  --style NAME             Style sheet of Matplotlib, by its name or file.
  --size WxH               Width and height in inches.
  --dpi N                  Resolution of .png figures, in dots per inch.
""")


def described[Made: Command](text: str = "") -> Callable[[Made], Made]:
    """Declare the parameters that `text`, or that of the options of several commands, describes.

    A line at the margin names a panel of the help. Each option below it has its flags and the word
    for its value, as in a usage line, then two blanks or more, and what it means, in one line or
    several. After [env], the default may come from the environment, as ``PALM_BAYES_DRAWS`` for
    --draws. Limits, such as ``Annotated[int, {"min": 4}]``, are arguments of `typer.Option`.
    """
    own = _read(text)

    def decorate(made: Made) -> Made:
        kinds = made.__annotations__
        assert own.keys() <= kinds.keys(), f"no parameters: {own.keys() - kinds.keys()}"
        for name, declare in (_COMMON | own).items():
            if name in kinds:
                limits = get_args(Annotated[kinds[name], {}])[1]  # {}, if it has none of its own
                kinds[name] = Annotated[kinds[name], declare(**limits)]
        made.__annotations__ = kinds
        return made

    return decorate


def filled_by(make: Command, *, last: bool = True) -> Callable[[Command], Command]:
    """Replace a command's first parameter by the parameters of `make`, which creates it.

    Options of `make` come after those of the command, if they are to be `last` in help.
    """

    def decorate(command: Command) -> Command:
        ours = signature(make).parameters
        _, *theirs = signature(command).parameters.values()

        @wraps(command)
        def run(*others: Any, **values: Any) -> Any:
            made = make(**{name: values[name] for name in ours})
            own = {name: value for name, value in values.items() if name in names}
            return command(made, *others, **own)

        names = {p.name for p in theirs}  # an option of both is declared by the command
        more = [p for p in ours.values() if p.name not in names]
        parameters = [*theirs, *more] if last else [*more, *theirs]
        parameters.sort(key=lambda p: p.default is not p.empty)  # required ones first
        parameters = [p.replace(kind=p.KEYWORD_ONLY) for p in parameters]
        # Typer reads both.
        vars(run)["__signature__"] = signature(command).replace(parameters=parameters)
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        return run

    return decorate


def number_or_text(given: str) -> float | str:
    """Read a number; other text, such as 93%, is for `palm_bayes.data.score` to read."""
    try:
        return float(given)
    except ValueError:
        return given


def _size(given: str) -> tuple[float, float]:
    """Read the size of a figure, such as 6x4."""
    found = re.fullmatch(r"(\d+\.?\d*)\s*[x×,]\s*(\d+\.?\d*)", given.strip())
    size = tuple(map(float, found.groups())) if found else ()
    if not size or not all(1 <= inches <= 100 for inches in size):
        raise UsageError(f"--size {given}: give width x height, each 1 to 100 inches, such as 6x4.")
    if size[0] < _NARROWEST or size[1] < _LOWEST:
        least = f"at least {_NARROWEST} inches wide and {_LOWEST} high"
        raise UsageError(f"--size {given}: text would be cut off; give {least}.")
    return size[0], size[1]


PATHS = typer.Argument(
    metavar="PATH...",
    help="Tables (.csv, .json, .npz ...), a glob or a folder of them, or a folder with "
    "METHOD_1/plot_episode_yvalues.npy and so on, as PALM's deep-al writes it.",
)
# Types of options, with their limits.
Chance = Annotated[float, {"min": 0.01, "max": 0.999}]
Score = Annotated[Any, {"parser": number_or_text}]
Strategy = Annotated[str | None, {"autocompletion": strategies}]
Seed = Annotated[int, {"min": 0}]
Episodes = Annotated[int | None, {"min": 1}]
Workers = Annotated[int | None, {"min": 0}]
Prior = Annotated[Path | None, {"exists": True, "dir_okay": False}]
Shown = Literal["text", "json", "csv", "latex", "markdown"]
Kind = Literal["png", "pdf", "svg"]


@described()
def shown(form: Shown = "text", as_json: bool = False) -> Shown:
    """Options of the format of results."""
    return "json" if as_json else form


@described()
def look(
    style: str | None = None,
    size: Annotated[Any, {"parser": _size}] = None,
    dpi: Annotated[int, {"min": 20, "max": 2400}] = Look.dpi,
) -> Look:
    """Options of figures."""
    if style is not None:
        from palm_bayes.plots.style import sheet_of

        sheet_of(style)  # an error before any work
    return Look(style, size, dpi)


@filled_by(look)
@described()
def drawing(drawn: Look, figures: Kind = "png") -> Look:
    """Options of figures whose names the command chooses."""
    return replace(drawn, kind=figures)


def given_paths(paths: list[Path] | None, base_path: Path | None = None) -> list[Path]:
    """Return the paths of the runs, which both names may give."""
    if paths and base_path:
        named = " ".join(map(str, paths))
        raise UsageError(
            f"PATH ({named}) and --base-path ({base_path}) mean the same: give only one."
        )
    if found := [base_path] if base_path else paths:
        return found
    raise UsageError("Missing argument PATH: tables of runs, or a folder in PALM's layout.")
