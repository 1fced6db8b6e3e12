"""Common parts of all figures: size, colours, style, and display in notebooks."""

import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from difflib import get_close_matches
from pathlib import Path
from threading import RLock
from types import MappingProxyType
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes as Axes  # noqa: PLC0414 -- a type, also for other rooms
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.figure import Figure as Figure  # noqa: PLC0414 -- likewise
from matplotlib.font_manager import get_font_names
from matplotlib.legend_handler import HandlerTuple
from matplotlib.patches import Patch
from matplotlib.style import library
from matplotlib.text import Text

from palm_bayes.arrays import Floats
from palm_bayes.errors import DataError, listed
from palm_bayes.files import Look

# Okabe and Ito's palette without yellow, which is too light for a line on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#707070")
# From the eighth strategy on, colours are repeated with dashes, then with dots between them.
DASHES = ("-", (0, (5, 1.5)), (0, (5, 1.2, 1, 1.2)))
SHADES = (0.2, 0.38, 0.6)  # share of the colour in the band of each level; the rest is white
INK, GREY = "#262626", "#6b6b6b"
LINE = 0.16  # height of a line of text in inches
WIDTH = 7.2  # inches: the text width of most journals
_FULL, NARROW = 7, 5  # inches: below, text is smaller; panels are below each other, not beside
_ONE_AT_A_TIME = RLock()
_LEAST = 6  # points: the smallest text that journals accept
LITERAL: dict[str, Any] = {"parse_math": False, "usetex": False}  # of text with a user's names
# For a key: the handles of a tuple beside each other.
SIDE_BY_SIDE = {tuple: HandlerTuple(ndivide=None, pad=0)}
_SIZES = (
    *(f"{name}size" for name in ("font.", "axes.title", "figure.title", "legend.font")),
    *(f"{name}.labelsize" for name in ("axes", "xtick", "ytick")),
)
# Settings that a user's style could break, for our figures only; the font remains the user's.
STYLE: dict[Any, Any] = {
    **dict.fromkeys(_SIZES, 9),
    **{f"{name}color": INK for name in ("text.", "axes.label", "xtick.label", "ytick.label")},
    **{f"{name}color": GREY for name in ("axes.edge", "xtick.", "ytick.")},
    **{f"{name}.facecolor": "white" for name in ("axes", "figure")},
    **dict.fromkeys(("axes.linewidth", "xtick.major.width", "ytick.major.width"), 0.6),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right", "axes.grid"), False),
    **{"axes.axisbelow": True} | dict.fromkeys(("text.usetex", "legend.frameon"), False),
    "axes.formatter.useoffset": False,
    "axes.titley": 1.0,  # nothing is below titles: looking for it takes a tenth of the time
}
# Fonts of common systems for Chinese, Japanese and Korean names, which Matplotlib's own lacks.
_FALLBACKS = (
    *(f"Noto Sans CJK {kind}" for kind in ("SC", "TC", "JP", "KR")),
    *("PingFang SC", "Hiragino Sans GB", "Hiragino Sans", "Apple SD Gothic Neo"),
    *("Microsoft YaHei", "Microsoft JhengHei", "Yu Gothic", "Malgun Gothic", "SimHei"),
    *("WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "NanumGothic", "Arial Unicode MS"),
)
_CJK = "\N{CJK RADICAL REPEAT}"  # the first of their characters

_SHEET: ContextVar[Mapping[Any, Any]] = ContextVar("sheet", default=MappingProxyType({}))
_SIZE: ContextVar[tuple[float, float] | None] = ContextVar("size", default=None)


def sheet_of(style: str | None) -> dict[Any, Any]:
    """Return the settings of a style sheet, by its name or file; empty for None."""
    if style is None:
        return {}
    if style in library:
        return dict(library[style])
    if Path(style).is_file():
        return dict(mpl.rc_params_from_file(style, use_default_template=False))
    near = listed(get_close_matches(style, library)) or "such as ggplot or grayscale"
    raise DataError(f"{style} is neither a file nor a style sheet of Matplotlib: {near}")


@contextmanager
def sheet(style: str | None, size: tuple[float, float] | None = None) -> Iterator[None]:
    """Draw figures with a style sheet over the package's own settings, for a size in inches."""
    tokens = _SHEET.set(sheet_of(style)), _SIZE.set(size)
    try:
        yield
    finally:
        _SHEET.reset(tokens[0])
        _SIZE.reset(tokens[1])


def drawing(
    look: Look, plot: Callable[..., Any], *args: Any, **kwargs: Any
) -> Callable[[Path], None]:
    """Return a function that draws a figure, with a look, and saves it to a path."""

    def save(path: Path) -> None:
        with sheet(look.style, look.size):
            look.save(plot(*args, **kwargs), path)

    return save


@contextmanager
def settings(given: Any) -> Iterator[None]:
    """Change settings of Matplotlib for a while; they are global, so one thread at a time does."""
    with _ONE_AT_A_TIME, mpl.rc_context(given):
        yield


def styled(axes: Any = None) -> AbstractContextManager[None]:
    """Return a context with the package's settings, under those of a `sheet`.

    On axes that a user gave, the user's own settings hold, but for TeX, which would read names.
    Of a sheet's sizes by name, such as large, the text would not fit the panels.
    """
    if axes is not None:
        return settings({"text.usetex": False})
    own, usual = _SHEET.get(), STYLE["font.size"]
    size = min(usual, max(_LEAST, usual * _width() / _FULL))
    sizes: dict[Any, Any] = dict.fromkeys(_SIZES, own.get("font.size", size))
    if not own:
        return settings(STYLE | sizes)
    as_ticks: dict[Any, Any] = {f"{axis}tick.labelcolor": "inherit" for axis in "xy"}
    named = {key for key, value in own.items() if key.endswith("size") and isinstance(value, str)}
    own = {key: value for key, value in own.items() if key not in named}
    return settings({**STYLE, **sizes, **as_ticks, **own})


class ShownFigure(Figure):
    """Figure that a notebook shows, made without pyplot: no window or global list keeps it.

    IPython shows a plain `Figure` only after pyplot was imported; this class makes its own PNG.
    """

    _fonts_chosen = False

    def draw(self, renderer: Any) -> None:
        """Draw as Matplotlib does, but Chinese, Japanese and Korean names with a font for them."""
        there = () if self._fonts_chosen else set(get_font_names())
        self._fonts_chosen = True  # looking for texts takes a tenth of the time: once is enough
        if fonts := [name for name in _FALLBACKS if name in there]:
            for text in self.findobj(Text):
                if max(text.get_text(), default="") >= _CJK:
                    text.set_fontfamily([*text.get_fontfamily(), *fonts])
        super().draw(renderer)

    def savefig(self, *args: Any, **kwargs: Any) -> None:
        """Save as Matplotlib does, but with fonts as TrueType: many publishers refuse Type 3."""
        with settings({"pdf.fonttype": 42, "ps.fonttype": 42}):
            super().savefig(*args, **kwargs)

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=200)  # twice the shown size: sharp on any screen
        width, height = (round(100 * inches) for inches in self.get_size_inches())
        return buffer.getvalue(), {"width": width, "height": height}


def given(axes: Any, panels: int) -> list[Axes]:
    """Flatten the axes that a user gave; `DataError` unless there is one per panel."""
    found = list(np.ravel(axes))
    kind = next((type(ax).__name__ for ax in found if not isinstance(ax, Axes)), "Axes")
    if len(found) != panels or kind != "Axes":
        raise DataError(f"axes: {len(found)} {kind}, allowed are {panels} Axes, one per panel")
    return found


def _width() -> float:
    """Return the width of new figures in inches."""
    return (_SIZE.get() or (WIDTH,))[0]


def new_figure(height: float) -> ShownFigure:
    """Create an empty figure of the size of a `sheet`, else of the usual width and this height."""
    return ShownFigure(figsize=_SIZE.get() or (WIDTH, height), layout="constrained")


def two_panels(height: float, ratio: float) -> tuple[Any, int]:
    """Create two panels of a new figure, the right one wider; return them and their rows."""
    figure = new_figure(height)
    if _width() < NARROW:
        return figure.subplots(2, 1), 2
    return figure.subplots(1, 2, width_ratios=(1, ratio)), 1


def single_panel(ax: Any, height: float) -> Axes:
    """Return the axes that a user gave, or those of a new figure if it is None."""
    panel: Axes = new_figure(height).subplots() if ax is None else given(ax, 1)[0]
    return panel


def key_on(ax: Axes, handles: Sequence[Any], words: Sequence[str]) -> None:
    """Put a key on a user's axes, over the drawing; the layout leaves no room for it."""
    key = ax.legend(
        handles, words, handler_map=SIDE_BY_SIDE, frameon=True, framealpha=0.9, fontsize="small"
    )
    key.set_in_layout(False)


def name_axes(ax: Axes, x: str, y: str) -> None:
    """Name a user's axes, but for those inside a grid, whose ticks have no labels."""
    of_x, of_y = ax.xaxis.get_tick_params(), ax.yaxis.get_tick_params()
    if of_x["labelbottom"] or of_x["labeltop"]:
        ax.set_xlabel(x, **LITERAL)
    if of_y["labelleft"] or of_y["labelright"]:
        ax.set_ylabel(y, **LITERAL)


def small_multiples(
    count: int, heights: tuple[float, float, float], extra: float
) -> tuple[list[Axes], int]:
    """Create panels of a new figure, with common limits and ticks; return them and their columns.

    `heights` are those of a row in inches where rows have one, two or three panels; `extra` inches
    are for title and key.
    """
    columns = min({1: 1, 2: 2, 4: 2}.get(count, 3), 3 if _width() >= NARROW else 2)
    rows = math.ceil(count / columns)
    figure = new_figure(heights[columns - 1] * rows + extra)
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for ax in axes[count:]:
        ax.remove()
    for ax in axes[max(count - columns, 0) : count]:  # nothing below
        ax.tick_params(labelbottom=True)
    return list(axes[:count]), columns


def figure_of(ax: Axes) -> Figure:
    """Return the figure of an axes, also if it belongs to a subfigure."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure


def _dark() -> bool:
    """Return whether the style in use has a dark ground."""
    *colour, opaque = to_rgba(mpl.rcParams["axes.facecolor"])
    return bool(opaque > 0.5 and np.mean(colour) < 0.4)


def on_ground(grey: str) -> Any:
    """Return a grey for a white ground, inverted on a dark one."""
    return tuple(1 - part for part in to_rgb(grey)) if _dark() else grey


def mixed(colour: Any, share: float) -> Any:
    """Mix a colour with a share of the ground, white or black, or of its opposite if negative."""
    to = (share > 0) != _dark()
    return tuple((1 - abs(share)) * part + abs(share) * to for part in to_rgb(colour))


def shades_of(colour: Any) -> tuple[Patch, ...]:
    """Return the handle of the bands in a key, the narrowest first."""
    return tuple(Patch(facecolor=mixed(colour, 1 - share)) for share in reversed(SHADES))


class Tone(NamedTuple):
    """Look of a strategy, the same in all figures: `dark` is for lines and text."""

    colour: str
    dark: Any
    dash: Any


def tone(i: int) -> Tone:
    """Return the look of the i-th strategy, in the colours of a style sheet if it has any."""
    cycle = _SHEET.get().get("axes.prop_cycle")
    colours = cycle.by_key().get("color", COLOURS) if cycle else COLOURS
    colour = colours[i % len(colours)]
    return Tone(colour, mixed(colour, -0.25), DASHES[i // len(colours) % len(DASHES)])


def draw_interval(ax: Axes, x: Any, y: Any, look: Tone, **style: Any) -> None:
    """Draw a strategy's interval in its look; a thin line shows its ends where dashes do not."""
    style |= {"color": look.dark, "solid_capstyle": "butt"}
    ax.plot(x, y, lw=0.6, **style)
    ax.plot(x, y, lw=2, ls=look.dash, **style)


def title_of(ax: Axes, name: str, columns: int) -> str:
    """Shorten a name to a title of one of `columns` panels of a new figure."""
    inches = figure_of(ax).get_figwidth() / columns - 0.35
    return short(name, int(inches * 72 / (0.68 * mpl.rcParams["axes.titlesize"])))


def short(text: str, most: int) -> str:
    """Shorten a long name in its middle, since both ends distinguish it from others."""
    return text if len(text) <= most else f"{text[: most // 2]}…{text[1 - most // 2 :]}"


def in_axes(ax: Axes, x: Any, y: Any) -> Floats:
    """Convert points of the data to shares of the axes, on any scale: x and y, shape (2, point)."""
    points = np.column_stack(np.broadcast_arrays(x, y))
    return np.asarray((ax.transScale + ax.transLimits).transform(points).T)


def name_lines(
    ax: Axes,
    names: Sequence[str],
    colours: Sequence[Any],
    starts: Floats,
    heights: Floats,
    inches: float | None,
) -> None:
    """Write names at the right of the axes, joined to points of their lines, each on its own line.

    `starts` and `heights` are x and y of these points, shape (name,), in units of the axes;
    `inches` is the height of the axes, None to measure it. Of names at the same height the last is
    on top.
    """
    if inches is None:
        inches = ax.get_window_extent().height / figure_of(ax).dpi
    inches = max(inches, LINE)
    spacing = LINE * mpl.rcParams["font.size"] / STYLE["font.size"] / inches
    order = np.argsort(heights, kind="stable")
    steps = spacing * np.arange(len(order))
    moved = heights[order] - steps  # isotonic regression: no name is moved farther than it must be
    moved = (np.maximum.accumulate(moved) + np.minimum.accumulate(moved[::-1])[::-1]) / 2
    places = moved.clip(0, max(1 - steps[-1], 0)) + steps
    style: dict[str, Any] = {"transform": ax.transAxes, "clip_on": False}
    for i, y in zip(order, places, strict=True):
        ax.plot([starts[i], 1.025], [heights[i], y], color=colours[i], lw=0.6, alpha=0.8, **style)
        name = short(names[i], 28)
        ax.text(1.03, y, name, color=colours[i], va="center", **LITERAL, **style)
