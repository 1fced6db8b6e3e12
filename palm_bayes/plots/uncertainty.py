"""Figure of the sources of a forecast's uncertainty."""

import math
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from palm_bayes.plots.style import (
    BOXED,
    COLOURS,
    INK,
    WIDTH,
    ShownFigure,
    figure_of,
    given,
    mixed,
    short,
    styled,
)

type Floats = NDArray[np.float64]

_SOURCES = {
    "parameters": "parameters: decreases with more repetitions and episodes",
    "misfit": "misfit: deviation of true curves from PALM",
    "noise": "noise of a single run",
}
_SHADE = 0.35  # share of white in the areas


def plot_uncertainty(spread: xr.DataArray, scale: float, axes: Any = None) -> Figure:
    """Draw the standard deviation of a forecast by source, over labels.

    One panel per strategy, from the end of its data on. The top edge is the standard deviation of
    the forecast; the areas below it are in proportion to the variances of the sources.

    Parameters
    ----------
    spread : DataArray, dims (source, strategy[, repetition], x)
        As from `palm_bayes.Forecast.uncertainty`, with coordinates ``labels`` and ``episode`` along
        x, and ``future``, dims (strategy, x). Several repetitions are averaged.
    scale : float
        Factor from fractions to the user's scale: 100 or 1.
    axes : Axes or sequence of Axes, optional
        Axes to draw in, one per strategy; by default those of a new figure.

    Returns
    -------
    matplotlib.figure.Figure
        New figure, or that of `axes`.
    """
    if "repetition" in spread.dims:
        spread = spread.mean("repetition")
    strategies = spread["strategy"].to_numpy()
    by = "episode" if np.isnan(spread["labels"]).any() else "labels"
    deviation = f"Standard deviation ({'%' if scale > 1 else 'accuracy'})"
    key = [Patch(facecolor=mixed(hue, _SHADE)) for hue in COLOURS[: len(_SOURCES)]]
    with styled():
        panels = _panels(len(strategies), by) if axes is None else given(axes, len(strategies))
        for ax, strategy in zip(panels, strategies, strict=True):
            future = spread["future"].sel(strategy=strategy).to_numpy()
            first = max(len(future) - future.sum() - 1, 0)  # the last x with data
            of = spread.sel(strategy=strategy).isel(x=slice(first, None))
            _panel(ax, of[by].to_numpy(), scale * of.to_numpy())
            if len(strategies) > 1:
                ax.set_title(short(str(strategy), 30), loc="left", weight="bold", parse_math=False)
        for ax in panels:  # after all panels, which may share their limits
            ax.set_ylim(bottom=0)
        figure = figure_of(panels[0])
        if axes is None:
            figure.supylabel(deviation, fontsize=9)
            figure.legend(key, list(_SOURCES.values()), loc="outside lower center", ncols=1)
        else:
            for ax in panels:
                ax.set(xlabel=by.capitalize(), ylabel=deviation)
            panels[0].legend(key, list(_SOURCES), **BOXED)
    return figure


def _panels(count: int, by: str) -> list[Axes]:
    """Create the axes of a new figure, one per strategy, with common limits and ticks."""
    columns = {1: 1, 2: 2, 4: 2}.get(count, 3)
    rows = math.ceil(count / columns)
    figure = ShownFigure(figsize=(WIDTH, 2.0 * rows + 0.9), layout="constrained")
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for i, ax in enumerate(axes):
        if i + columns >= count:
            ax.set_xlabel(by.capitalize())
            ax.tick_params(labelbottom=True)
        if i >= count:
            ax.remove()
    return list(axes[:count])


def _panel(ax: Axes, place: Floats, spread: Floats) -> None:
    """Stack the sources, dims (source, x), up to the root of the sum of their squares."""
    variance = spread**2
    total = variance.sum(axis=0)
    parts = variance / np.sqrt(np.where(total > 0, total, 1))
    colours = [mixed(hue, _SHADE) for hue in COLOURS[: len(parts)]]
    ax.stackplot(place, parts, colors=colours, lw=0)
    ax.plot(place, np.sqrt(total), color=INK, lw=1)
    ax.margins(x=0)
