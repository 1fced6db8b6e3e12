"""Figure of the sources of a forecast's uncertainty."""

from typing import Any

import matplotlib as mpl
import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from palm_bayes.arrays import Floats
from palm_bayes.data.score import Score
from palm_bayes.plots.style import (
    COLOURS,
    INK,
    LITERAL,
    figure_of,
    given,
    key_on,
    mixed,
    name_axes,
    on_ground,
    short,
    small_multiples,
    styled,
    title_of,
)

_SOURCES = {
    "parameters": "parameters: decreases with more repetitions and episodes",
    "misfit": "misfit: deviation of true curves from PALM",
    "noise": "noise of one measurement",
}
_SHADES = (0.0, 0.4, 0.75)  # share of white in the areas: distinct in grey prints


def plot_uncertainty(spread: xr.DataArray, score: Score, axes: Any = None) -> Figure:
    """Draw the standard deviation of a forecast by source, over labels.

    One panel per strategy, from the end of its data on. The top edge is the standard deviation of
    the forecast; the areas below it are in proportion to the variances of the sources.

    Parameters
    ----------
    spread : DataArray, dims (source, strategy[, repetition], x)
        As from `palm_bayes.Forecast.uncertainty`, with coordinates ``labels`` and ``episode`` along
        x, and ``future``, dims (strategy, x). Several repetitions are averaged.
    score : Score
        What is forecast.
    axes : Axes or sequence of Axes, optional
        Axes to draw in, one per strategy, whose figure is returned; by default those of a new one.
    """
    if "repetition" in spread.dims:
        spread = spread.mean("repetition")
    strategies = spread["strategy"].to_numpy()
    by = "episode" if np.isnan(spread["labels"]).any() else "labels"
    deviation = f"Standard deviation ({'%' if score.percent else score.metric})"
    there = [name for name in _SOURCES if (spread.sel(source=name) > 0).any()]
    there.reverse()  # as the areas lie
    with styled(axes):
        key = [Patch(facecolor=_area(list(_SOURCES).index(name))) for name in there]
        if axes is None:
            panels, columns = small_multiples(len(strategies), (2.0, 2.0, 2.0), 0.9)
        else:
            panels, columns = given(axes, len(strategies)), 0
        for ax, strategy in zip(panels, strategies, strict=True):
            future = spread["future"].sel(strategy=strategy).to_numpy()
            first = max(len(future) - future.sum() - 1, 0)  # the last x with data
            of = spread.sel(strategy=strategy).isel(x=slice(first, None))
            _panel(ax, of[by].to_numpy(), score.sizes(of.to_numpy()))
            if len(strategies) > 1:
                name = title_of(ax, str(strategy), columns) if columns else short(str(strategy), 30)
                ax.set_title(name, loc="left", weight="bold", **LITERAL)
        for ax in panels:  # after all panels, which may share their limits
            ax.set_ylim(bottom=0)
        figure = figure_of(panels[0])
        if axes is None:
            for ax in panels[-columns:]:
                ax.set_xlabel(by.capitalize())
            figure.supylabel(deviation, fontsize=mpl.rcParams["axes.labelsize"], **LITERAL)
            figure.legend(
                key, [_SOURCES[name] for name in there], loc="outside lower center", ncols=1
            )
        else:
            for ax in panels:
                name_axes(ax, by.capitalize(), deviation)
            key_on(panels[0], key, there)
    return figure


def _area(i: int) -> Any:
    return mixed(COLOURS[i], _SHADES[i])


def _panel(ax: Axes, place: Floats, spread: Floats) -> None:
    """Stack the sources, dims (source, x), up to the root of the sum of their squares."""
    variance = spread**2
    total = variance.sum(axis=0)
    parts = variance / np.sqrt(np.where(total > 0, total, 1))
    ax.stackplot(place, parts, colors=[_area(i) for i in range(len(parts))], lw=0)
    ax.plot(place, np.sqrt(total), color=on_ground(INK), lw=1)
    ax.margins(x=0)
