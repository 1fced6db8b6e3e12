"""Figures of runs and forecasts: functions that take runs and draws, and return a `Figure`.

Bands are central intervals of the draws; accuracies are in the user's own scale. Nothing is coded
by colour only: panels and lines carry their names, and shades differ in lightness, for grey prints.
"""

import math
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from palm_bayes.data.runs import RUN, Runs
from palm_bayes.errors import DataError, known, listed
from palm_bayes.plots.style import (
    BOXED,
    COLOURS,
    DASHES,
    GREY,
    INK,
    SHADES,
    STYLE,
    WIDTH,
    ShownFigure,
    figure_of,
    given,
    mixed,
    short,
)

type Floats = NDArray[np.float64]

LEVELS = (0.95, 0.8, 0.5)
_MARKERS = "osD^vPX"
_NEUTRAL = (0.32, 0.32, 0.32)
_LINE = 0.16  # height of a line of text in inches
_DOT = " · "
_CURVE = "expected curve"
_DOTS: dict[str, Any] = {"color": INK, "lw": 0, "marker": "o", "ms": 3.2, "mew": 0.6}
_LATER = _DOTS | {"ms": 2.2, "mew": 0.4, "mfc": "white"}
_DATA = _DOTS | {"ms": 1.9, "mew": 0, "mfc": INK, "color": "#808080", "lw": 0.5}


class _View:
    """Contents of a figure, in the units of its axes."""

    def __init__(self, runs: Runs, forecasts: list[xr.DataArray], truth: Runs, means: bool) -> None:
        known_in = [runs.labels_known, truth.labels_known]
        known_in += [not np.isnan(draws["labels"]).any() for draws in forecasts]
        by = "labels" if all(known_in) else "episode"
        self.words = by.capitalize(), runs.score.axis.replace("$", r"\$")
        self.falls = runs.score.lower_is_better
        self.task = _DOT.join(filter(None, (runs.dataset, runs.model)))
        self.strategies = runs.strategies
        hues = [COLOURS[i % len(COLOURS)] for i in range(len(runs.strategies))]
        self.tones = [(hue, mixed(hue, -0.25)) for hue in hues]  # a darker one for lines and text
        self.data = _points(runs, runs, by, means)
        self.ends = self.data.groupby("strategy")["place"].max()
        later = _points(truth, runs, by, means)
        self.later = later[later["place"] > later["strategy"].map(self.ends)]
        # The bands are those of the curve, unless a forecast of repetitions is given.
        self.nested = len(forecasts) > 1
        runs_on = "same repetitions" if "repetition" in forecasts[-1].dims else "new repetition"
        self.band_of = runs_on if self.nested else _CURVE
        self.grid, self.curve = _quantiles(forecasts[0], runs, by)
        self.band_grid, self.bands = _quantiles(forecasts[-1], runs, by)
        points = pd.concat([self.data, self.later])
        places = np.concatenate([points["place"].to_numpy(), self.grid, self.band_grid])
        self.xlim = places.min(), places.max()
        self.ylim = _y_limits(points["value"].to_numpy(), self.curve[-1], self.bands, runs)


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

    `DataError` if a forecast lacks a strategy of `runs`.

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
        Axes to draw in, one per strategy; by default those of a new figure.

    Returns
    -------
    matplotlib.figure.Figure
        That of `axes`, or a new one at printed size; pass ``dpi`` to ``savefig``. Outliers are
        excluded from the y limits, marked at the edge and counted.
    """
    forecasts = [draws for draws in (expected, new) if draws is not None]
    view = _View(runs, forecasts, truth or runs, means=False)
    if axes is not None:
        return _on(view, given(axes, len(view.strategies)))
    return _panels(view, view.task if title is None else title)


def plot_palm_fit(
    runs: Runs,
    expected: xr.DataArray,
    new: xr.DataArray | None = None,
    *,
    dataset: str,
    model: str,
) -> Figure:
    """Draw one strategy: ``palm_fit.png`` of output in PALM's layout.

    Like `plot_curves`, for `runs` of one strategy, with the title "dataset · model · strategy"
    without empty parts. `DataError` if `runs` hold several.
    """
    if len(runs.strategies) > 1:
        raise DataError(f"strategies {listed(runs.strategies)}: allowed is one for this figure")
    title = _DOT.join(filter(None, (dataset, model, *runs.strategies)))
    return plot_curves(runs, expected, new, title=title)


def plot_comparison(
    runs: Runs, expected: xr.DataArray, truth: Runs | None = None, *, title: str | None = None
) -> Figure:
    """Draw all strategies in one panel: medians and 80 % bands of the curves, means of the data.

    Parameters and errors as in `plot_curves`. Dots are means, filled for `runs`, open for `truth`.
    """
    view = _View(runs, [expected], truth or runs, means=True)
    height = max(4.2, 1.3 + _LINE * len(view.strategies))
    with mpl.rc_context(STYLE):
        figure, (ax,) = _canvas(view, height, 1, 1)
        for i in range(len(view.strategies)):
            _compared(ax, view, i)
        _data_end(ax, view, view.ends.min(), view.ends.max(), label=True)
        _name_lines(ax, view, spacing=_LINE / (height - 1.1))
        ax.set(xlabel=view.words[0], ylabel=view.words[1])
        key: list[Any] = [
            (Line2D([], [], **_DOTS), "mean of repetitions"),
            (Line2D([], [], color=INK, lw=1.4), f"{_CURVE}, median"),
            (Patch(facecolor=mixed(_NEUTRAL, 0.75)), "80% band of the curve"),
            (Line2D([], [], **_DOTS, mfc="white"), "later episodes (not used)"),
        ]
        key = key if len(view.later) else key[:-1]
        _finish(figure, view.task if title is None else title, key)
    return figure


def _points(source: Runs, runs: Runs, by: str, means: bool) -> pd.DataFrame:
    """Select observations, or their means over repetitions, of the strategies of `runs`."""
    table = source.table[source.table["strategy"].isin(runs.strategies)]
    values = runs.score.values(table["accuracy"])
    points = table[RUN].assign(place=table[by].astype(float), value=values)
    if means:
        points = points.assign(repetition="mean").groupby([*RUN, "place"]).mean().reset_index()
    return points


def _quantiles(forecast: xr.DataArray, runs: Runs, by: str) -> tuple[Floats, Floats]:
    """Return x positions, and quantiles: low and high of LEVELS, the median: (7, strategy, x)."""
    there = forecast["strategy"].to_numpy().tolist()
    draws = forecast.sel(strategy=known(runs.strategies, there, "strategy"))
    values = runs.score.values(draws).transpose(..., "strategy", "x").to_numpy()
    values = values.reshape(-1, *values.shape[-2:])
    tails = [(1 + sign * level) / 2 for level in LEVELS for sign in (-1, 1)]
    gone = np.isnan(values)  # no such repetition, or already observed here
    never, quantile = gone.all(axis=0), np.nanquantile if gone.any() else np.quantile
    found = quantile(np.where(never, 0, values), [*tails, 0.5], axis=0)
    return draws[by].to_numpy().astype(float), np.where(never, np.nan, found)


def _y_limits(points: Floats, median: Floats, bands: Floats, runs: Runs) -> tuple[float, float]:
    """Choose limits that fit the curves and leave limited room for outliers and wide bands."""
    core = np.concatenate([median.ravel(), np.quantile(points, (0.05, 0.95))])
    low, high, scale = core.min(), core.max(), runs.score.unit
    size = max(high - low, 0.02 * scale)
    near, far, pad = 0.05 * size, 0.4 * size, 0.04 * size  # far: for points and the bands' end
    most = np.append(points, bands[..., -1])
    bottom = min(low, max(np.nanmin(most), low - far), max(np.nanmin(bands), low - near)) - pad
    top = max(high, min(np.nanmax(most), high + far), min(np.nanmax(bands), high + near)) + pad
    return max(bottom, -pad), min(top, scale + pad)  # noise may move a draw past 0 or 1


def _panels(view: _View, heading: str) -> Figure:
    """Draw small multiples: one panel per strategy."""
    count = len(view.strategies)
    columns = {1: 1, 2: 2, 4: 2}.get(count, 3)
    rows = math.ceil(count / columns)
    height = {1: 3.4, 2: 2.5, 3: 2.2}[columns] * rows + 0.8
    with mpl.rc_context(STYLE):
        figure, axes = _canvas(view, height, rows, columns)
        for i, ax in enumerate(axes[:count]):
            _panel(ax, view, i, named=view.strategies[i] not in heading.split(_DOT))
            ax.set_ylabel("" if i % columns else view.words[1])
            if i + columns >= count:  # nothing below
                ax.set_xlabel(view.words[0])
                ax.tick_params(labelbottom=True)
        for ax in axes[count:]:
            ax.remove()
        key = _panel_key(view, view.tones[0][1] if count == 1 else _NEUTRAL)
        _finish(figure, heading, key)
    return figure


def _on(view: _View, axes: list[Axes]) -> Figure:
    """Draw on axes of a given figure, with the key in the first."""
    with mpl.rc_context(STYLE):
        for i, ax in enumerate(axes):
            ax.set(xlim=view.xlim, ylim=view.ylim, xlabel=view.words[0], ylabel=view.words[1])
            _panel(ax, view, i, named=True)
        key = _panel_key(view, view.tones[0][1] if len(axes) == 1 else _NEUTRAL)
        handlers = {tuple: HandlerTuple(None, 0)}
        axes[0].legend(*zip(*key, strict=True), handler_map=handlers, **BOXED)
    return figure_of(axes[0])


def _panel(ax: Axes, view: _View, i: int, *, named: bool) -> None:
    """Draw one strategy: bands, the expected curve over them, the data on top."""
    colour, dark = view.tones[i]
    if named:
        name = short(view.strategies[i], 30)
        ax.set_title(name, loc="left", color=dark, weight="bold", parse_math=False)
    ax.grid(axis="y", color="#e8e8e8", lw=0.6, ls="-")
    for k, share in enumerate(SHADES):
        low, high = view.bands[2 * k : 2 * k + 2, i]
        ax.fill_between(view.band_grid, low, high, facecolor=mixed(colour, 1 - share), lw=0)
    if view.nested:
        ax.plot(view.grid, view.curve[:2, i].T, color=dark, lw=0.6)
    ax.plot(view.grid, view.curve[-1, i], color=dark, lw=1.2)
    end = view.ends[view.strategies[i]]
    _data_end(ax, view, end, end, label=i == 0)
    _scatter(ax, view, i, _DATA, _LATER)


def _compared(ax: Axes, view: _View, i: int) -> None:
    """Draw one strategy among others; its band is transparent, since bands overlap."""
    colour, dark = view.tones[i]
    low, high, median = view.curve[[2, 3, -1], i]
    ax.fill_between(view.grid, low, high, facecolor=colour, alpha=0.15, lw=0)
    ax.plot(view.grid, median, color=dark, lw=1.4, ls=DASHES[i // len(COLOURS) % 2])
    dots = _DOTS | {"color": dark, "marker": _MARKERS[i % len(_MARKERS)]}
    _scatter(ax, view, i, dots | {"mfc": colour}, dots | {"mfc": "white"})


def _scatter(ax: Axes, view: _View, i: int, *styles: dict[str, Any]) -> None:
    """Draw all repetitions as one line, broken by NaN; mark and count points outside y limits."""
    for points, style in zip((view.data, view.later), styles, strict=True):
        own = points[points["strategy"] == view.strategies[i]]
        place, value = own["place"].to_numpy(), own["value"].to_numpy()
        breaks = np.flatnonzero(own["repetition"].ne(own["repetition"].shift()))[1:]
        ax.plot(np.insert(place, breaks, np.nan), np.insert(value, breaks, np.nan), **style)
        for edge, hidden in enumerate((value < view.ylim[0], value > view.ylim[1])):
            if hidden.any():
                at, frame = place[hidden], ax.get_xaxis_transform()
                marks = style | {"lw": 0, "marker": "v^"[edge], "ms": 4, "mew": 0.6}
                ax.plot(at, np.full(len(at), edge), transform=frame, clip_on=False, **marks)
                note = f"{len(at)} {('below', 'above')[edge]}"
                _note(ax, view, note, (at[-1], (0.13, 0.93)[edge]), color=INK, va="center")


def _data_end(ax: Axes, view: _View, first: float, last: float, *, label: bool) -> None:
    """Mark the end of the data, if anything follows; a strip if strategies end apart."""
    if first < view.xlim[1]:
        if first < last:
            ax.axvspan(first, last, color="#f1f1f1", lw=0, zorder=0)
        ax.axvline(last, color=GREY, lw=0.8, ls=(0, (1, 1.5)), zorder=1.5)
        if label:  # where curves are not
            height, side = (0.98, "top") if view.falls else (0.02, "bottom")
            _note(ax, view, "data end", (last, height), color=GREY, va=side)


def _note(ax: Axes, view: _View, words: str, at: tuple[float, float], **style: Any) -> None:
    """Write beside a point (x, height in the axes), on the left if it is far right."""
    left, right = view.xlim
    side, align = (3, "left") if at[0] < left + 0.7 * (right - left) else (-3, "right")
    ax.annotate(words, at, (side, 0), ax.get_xaxis_transform(), "offset points", ha=align, **style)


def _name_lines(ax: Axes, view: _View, spacing: float) -> None:
    """Write names at the ends of the lines, at least `spacing` (heights of the axes) apart."""
    (left, right), (low, high) = ax.get_xlim(), view.ylim
    end = (view.grid[-1] - left) / (right - left)
    heights = np.clip((view.curve[-1, :, -1] - low) / (high - low), 0, 1)
    order = np.argsort(heights, kind="stable")
    steps = spacing * np.arange(len(order))  # moved as little as possible by least squares
    places = isotonic_regression(heights[order] - steps).x.clip(0, max(1 - steps[-1], 0)) + steps
    style: dict[str, Any] = {"transform": ax.transAxes, "clip_on": False}
    for i, y in zip(order, places, strict=True):
        name, dark = short(view.strategies[i], 28), view.tones[i][1]
        ax.plot([end, 1.025], [heights[i], y], color=dark, lw=0.6, **style)
        ax.text(1.03, y, name, color=dark, va="center", parse_math=False, **style)


def _canvas(view: _View, height: float, rows: int, columns: int) -> tuple[Figure, Any]:
    """Create an empty figure and its axes, which share limits and ticks."""
    figure = ShownFigure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    margin = 0.02 * (view.xlim[1] - view.xlim[0])
    axes[0].set(xlim=(view.xlim[0] - margin, view.xlim[1] + margin), ylim=view.ylim)
    steps, most = [1, 2, 5, 10], {1: 7, 2: 6, 3: 4}[columns]
    axes[0].locator_params("x", nbins=most, steps=steps, integer=True)
    axes[0].locator_params("y", nbins=8, steps=steps)
    return figure, axes


def _panel_key(view: _View, dark: Any) -> list[Any]:
    """Return handles and labels, in columns of two: data, curve, bands."""
    shades = tuple(Patch(facecolor=mixed(dark, 1 - share)) for share in reversed(SHADES))
    key: list[Any] = [
        (Line2D([], [], **_DATA), "repetitions"),
        (Line2D([], [], **_LATER), "later episodes (not used)"),
        (Line2D([], [], color=dark, lw=1.2), f"{_CURVE}, median"),
        (Line2D([], [], color=dark, lw=0.6), f"{_CURVE}, 95% limits"),
        (shades, f"{view.band_of}: 50, 80, 95% bands"),
    ]
    drawn = (True, len(view.later), True, view.nested, True)
    return [entry for entry, there in zip(key, drawn, strict=True) if there]


def _finish(figure: Figure, heading: str, key: list[Any]) -> None:
    """Add the title, and the key below the panels, in two rows: in one it is too wide."""
    columns = (len(key) + 1) // 2
    style: dict[str, Any] = {"loc": "outside lower center", "ncols": columns, "handlelength": 1.8}
    style |= {"handler_map": {tuple: HandlerTuple(ndivide=None, pad=0)}, "columnspacing": 1.4}
    figure.legend([handle for handle, _ in key], [word for _, word in key], **style)
    if heading:
        figure.suptitle(short(heading, 90), x=0.01, ha="left", weight="bold", parse_math=False)
