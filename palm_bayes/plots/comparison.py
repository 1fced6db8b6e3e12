"""Figure of all strategies: the whole curves, and an enlargement from the end of the data on."""

from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from palm_bayes.data.runs import Runs
from palm_bayes.plots.style import (
    GREY,
    INK,
    LINE,
    draw_interval,
    figure_of,
    in_axes,
    mixed,
    name_axes,
    name_lines,
    on_ground,
    single_panel,
    styled,
    two_panels,
)
from palm_bayes.plots.view import (
    CURVE,
    NEUTRAL,
    Limits,
    View,
    dots,
    finish,
    mark_data_end,
    round_ticks,
    scatter,
    show_all,
)

_MARKERS = "osD^vPX"
_LATE = 0.85  # share of the data before the enlarged part
_ENLARGED = 0.6  # largest height of the enlarged part, as a share of the whole; else it is left out
_STRIP = 0.16  # width of the intervals at its end, as a share of the lines before


def plot_comparison(
    runs: Runs,
    expected: xr.DataArray,
    truth: Runs | None = None,
    *,
    title: str | None = None,
    ax: Any = None,
) -> Figure:
    """Draw all strategies: medians and 80 % bands of the curves, means of the data.

    Parameters and errors are those of `plot_curves`. Dots are means over repetitions, filled for
    `runs` and open for `truth`; a grey strip spans the ends of the data if strategies differ. A
    second panel enlarges the curves from the end of the data on, with the 80 % intervals at the end
    of the forecast, where bands would overlap. On a given `ax`, only the whole is drawn.
    """
    with styled(ax):
        view = View(runs, [expected], truth, means=True)
        start, limits = _enlarged_part(view)
        enlarged = bool(limits[1] - limits[0] < _ENLARGED * (view.ylim[1] - view.ylim[0]))
        height = max(4.2, 1.3 + LINE * len(view.strategies))
        if ax is not None:
            panel = single_panel(ax, height)
            panel.set(xlim=view.xlim, ylim=view.ylim)
            name_axes(panel, *view.words)
            _whole(panel, view)
            _name_lines(panel, view, None)
            return figure_of(panel)
        panels, rows = two_panels(height, 1.2) if enlarged else ([single_panel(None, height)], 1)
        left, named = panels[0], panels[-1]
        figure = figure_of(left)
        show_all(left, view, 6)
        _whole(left, view)
        name_axes(left, *view.words)
        if enlarged:
            _frame(left, start, view.xlim[1], limits)
            _enlarged(named, view, start, limits)
        inches = (figure.get_figheight() - 1.1) / rows
        _name_lines(named, view, inches, intervals=enlarged)
        finish(figure, view.task if title is None else title, _key(view, enlarged))
    return figure


def _enlarged_part(view: View) -> tuple[float, Limits]:
    """Return where the enlarged part begins, and limits of accuracy that fit it."""
    end = float(view.ends.min())
    begins = _LATE * end if end < view.xlim[1] else 0.5 * end
    begins = float(view.grid[view.grid >= begins][0])
    there = view.grid >= begins
    low, high, median = view.curve[[2, 3, -1]]
    curves = median[:, there].ravel(), low[:, -1], high[:, -1]
    values = np.concatenate([*curves, view.points_from(begins)])
    pad = 0.04 * max(float(np.ptp(values)), 1e-3 * view.ylim[1])
    return begins, (float(values.min()) - pad, float(values.max()) + pad)


def _whole(ax: Axes, view: View) -> None:
    for i in range(len(view.strategies)):
        low, high = view.curve[[2, 3], i]
        ax.fill_between(view.grid, low, high, facecolor=view.tones[i].colour, alpha=0.15, lw=0)
        _line(ax, view, i)
    mark_data_end(ax, view, view.ends.min(), view.ends.max(), label=True)


def _enlarged(ax: Axes, view: View, start: float, limits: Limits) -> None:
    end = view.grid[-1]
    ax.set(xlim=(start, end + (_STRIP + 0.02) * (end - start)), ylim=limits)
    ax.set_xlabel(view.words[0])
    round_ticks(ax, 5)
    ax.set_title(f"From {start:,.0f} {view.words[0].lower()}", loc="left")
    for i in range(len(view.strategies)):
        _line(ax, view, i)
    mark_data_end(ax, view, view.ends.min(), view.ends.max(), label=False)


def _frame(ax: Axes, start: float, end: float, limits: Limits) -> None:
    """Mark the enlarged part."""
    size = end - start, limits[1] - limits[0]
    frame = mpl.patches.Rectangle(
        (start, limits[0]), *size, fill=False, ec=on_ground(GREY), lw=0.8, zorder=3
    )
    ax.add_patch(frame)


def _line(ax: Axes, view: View, i: int) -> None:
    """Draw median and data of one strategy among others."""
    colour, dark, dash = view.tones[i]
    ax.plot(view.grid, view.curve[-1, i], color=dark, lw=1.4, ls=dash)
    own = dots(color=dark, marker=_MARKERS[i % len(_MARKERS)])
    scatter(ax, view, i, own | {"mfc": colour}, own | {"mfc": on_ground("white")})


def _name_lines(ax: Axes, view: View, inches: float | None, *, intervals: bool = False) -> None:
    """Write names at the ends of the lines, on axes of some height in inches; see `name_lines`.

    With `intervals`, the 80 % intervals there are drawn between line and name, the highest first.
    """
    places = [in_axes(ax, view.grid[-1], values) for values in view.curve[[2, 3, -1], :, -1]]
    end, of_axes = places[0][0, 0], np.array([y for _, y in places])
    heights = np.clip(of_axes[2], 0, 1)
    from_the_highest = np.argsort(np.argsort(-heights, kind="stable"))
    ranks = 1 + from_the_highest if intervals else np.zeros(len(heights))
    starts = end + (1 - end) * ranks / (len(heights) + 1)
    colours = [tone.dark for tone in view.tones]
    if intervals:
        style: dict[str, Any] = {"transform": ax.transAxes, "clip_on": False}
        for at, ends, height, look in zip(starts, of_axes[:2].T, heights, view.tones, strict=True):
            draw_interval(ax, [at, at], ends, look, **style)
            ax.plot(at, height, "o", color=look.dark, ms=4, **style)
    name_lines(ax, view.strategies, colours, starts, heights, inches)


def _key(view: View, enlarged: bool) -> list[Any]:
    ink = on_ground(INK)
    interval = Line2D([], [], color=ink, lw=2, marker="o", ms=4), "80 % interval at the end"
    later = Line2D([], [], **dots(mfc=on_ground("white"))), "later episodes (not used)"
    return [
        (Line2D([], [], **dots()), "mean of repetitions"),
        (Line2D([], [], color=ink, lw=1.4), f"{CURVE}, median"),
        (Patch(facecolor=mixed(on_ground(NEUTRAL), 0.75)), "80 % band of the curve"),
        *[interval] * enlarged,
        *[later] * (not view.later.empty),
    ]
