"""Figures of runs and forecasts: functions that take runs and draws, and return a `Figure`.

Bands are central intervals of the draws; accuracies are in the user's own scale. Nothing is coded
by colour only: panels and lines carry their names, and shades differ in lightness, for grey prints.
"""

from typing import Any

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from palm_bayes.data.runs import Runs
from palm_bayes.plots.enlarged import Enlarged, enlargement
from palm_bayes.plots.style import (
    LITERAL,
    SHADES,
    figure_of,
    given,
    key_on,
    mixed,
    name_axes,
    on_ground,
    shades_of,
    short,
    small_multiples,
    styled,
    title_of,
)
from palm_bayes.plots.view import (
    CURVE,
    DOT,
    NEUTRAL,
    View,
    data_dots,
    finish,
    later_dots,
    mark_data_end,
    scatter,
    show_all,
)


def plot_curves(
    runs: Runs,
    expected: xr.DataArray,
    new: xr.DataArray | None = None,
    truth: Runs | None = None,
    *,
    title: str | None = None,
    axes: Any = None,
) -> Figure:
    """Draw data, posterior curve and bands, one panel per strategy, on shared axes.

    Outliers are excluded from the y limits, marked at the edge and counted. Where curves leave room
    for it, a new figure enlarges what follows the data, in all panels alike. `DataError` if a
    forecast lacks a strategy of `runs`.

    Parameters
    ----------
    runs : Runs
        The data; its strategies are the panels.
    expected : DataArray, dims (chain, draw, strategy, x)
        Draws of the expected curve, fractions, with coordinates ``labels`` and ``episode`` along x,
        as in `palm_bayes.Forecast`; the median is drawn.
    new : DataArray, optional
        Draws of a new repetition, or of continuing ones (with a dim repetition). The 50, 80 and
        95 % bands are then those of `new`, since they refer to single points; thin lines are the
        95 % limits of `expected`. Without `new` the bands are those of `expected`.
    truth : Runs, optional
        Runs that continue `runs`; only episodes past each strategy's data are drawn.
    title : str, optional
        By default dataset and model, where known; "" for none. For a new figure only.
    axes : Axes or sequence of Axes, optional
        Axes to draw in, one per strategy, whose figure is returned, in the user's style; the key is
        ``axes[0].get_legend()``. By default those of a new one at printed size; pass ``dpi`` to
        ``savefig``.
    """
    forecasts = [draws for draws in (expected, new) if draws is not None]
    with styled(axes):
        view = View(runs, forecasts, truth, means=False)
        if axes is not None:
            return _on_axes(view, given(axes, len(view.strategies)))
        return _panels(view, view.task if title is None else title)


def _panels(view: View, heading: str) -> Figure:
    """Draw small multiples: one panel per strategy."""
    count = len(view.strategies)
    axes, columns = small_multiples(count, (3.4, 2.5, 2.2), 0.8)
    show_all(axes[0], view, {1: 7, 2: 6, 3: 4}[columns])
    enlarged = enlargement(axes[0], view)
    for i, ax in enumerate(axes):
        ax.grid(axis="y", color=on_ground("#e8e8e8"), lw=0.6, ls="-")
        name = "" if view.strategies[i] in heading.split(DOT) else view.strategies[i]
        _panel(ax, view, i, title_of(ax, name, columns), enlarged)
        ax.set_ylabel("" if i % columns else view.words[1], **LITERAL)
        ax.set_xlabel("" if i + columns < count else view.words[0])
    figure = figure_of(axes[0])
    finish(figure, heading, _panel_key(view))
    return figure


def _on_axes(view: View, axes: list[Axes]) -> Figure:
    """Draw on axes of a given figure, with the key in the first."""
    for i, ax in enumerate(axes):
        ax.set(xlim=view.xlim, ylim=view.ylim)
        name_axes(ax, *view.words)
        _panel(ax, view, i, short(view.strategies[i], 30))
    handles, words = zip(*_panel_key(view), strict=True)
    key_on(axes[0], handles, words)
    return figure_of(axes[0])


def _panel(ax: Axes, view: View, i: int, name: str, enlarged: Enlarged | None = None) -> None:
    """Draw one strategy under its name, with its enlargement."""
    ax.set_title(name, loc="left", color=view.tones[i].dark, weight="bold", **LITERAL)
    _strategy(ax, view, i)
    end = view.ends[view.strategies[i]]
    height = None if enlarged is None else enlarged.beside
    mark_data_end(ax, view, end, end, label=i == 0, height=height)
    if enlarged is not None:
        inside = enlarged.on(ax)
        _strategy(inside, view, i)
        mark_data_end(inside, view, end, end, label=False)


def _strategy(ax: Axes, view: View, i: int) -> None:
    """Draw bands, the expected curve over them, the data on top; nothing left of the axes."""
    colour, dark, dash = view.tones[i]
    inside, of_bands = (grid >= ax.get_xlim()[0] for grid in (view.grid, view.band_grid))
    grid, curve = view.grid[inside], view.curve[:, i, inside]
    for k, share in enumerate(SHADES):
        low, high = view.bands[2 * k : 2 * k + 2, i, of_bands]
        shade = mixed(colour, 1 - share)
        ax.fill_between(view.band_grid[of_bands], low, high, facecolor=shade, lw=0)
    if view.nested:
        ax.plot(grid, curve[:2].T, color=dark, lw=0.6)
    ax.plot(grid, curve[-1], color=dark, ls=dash, lw=1.2)
    scatter(ax, view, i, data_dots(), later_dots())


def _panel_key(view: View) -> list[Any]:
    """Return handles and labels, in columns of two: data, curve, bands."""
    dark = view.tones[0].dark if len(view.strategies) == 1 else on_ground(NEUTRAL)
    later = Line2D([], [], **later_dots()), "later episodes (not used)"
    limits = Line2D([], [], color=dark, lw=0.6), f"{CURVE}, 95 % limits"
    return [
        (Line2D([], [], **data_dots()), "repetitions"),
        *[later] * (not view.later.empty),
        (Line2D([], [], color=dark, lw=1.2), f"{CURVE}, median"),
        *[limits] * view.nested,
        (shades_of(dark), f"{view.band_of}: 50, 80, 95 % bands"),
    ]
