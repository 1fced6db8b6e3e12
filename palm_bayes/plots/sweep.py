"""Figures of a sweep: pooled speed-ups, and P(best) in every task."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator, PercentFormatter

from palm_bayes.errors import DataError
from palm_bayes.plots.style import (
    COLOURS,
    GREY,
    LITERAL,
    figure_of,
    on_ground,
    short,
    single_panel,
    styled,
)

_ABSENT = "0.85"  # grey, where a task lacks a strategy: 0 % is nearly white
_ROW = 0.28  # inches per row
_NAME = 34  # characters
_TICKS = (0.1, 0.2, 0.33, 0.5, 0.67, 1, 1.5, 2, 3, 5, 10)


def plot_speed_ups(pooled: pd.DataFrame, reference: str, ax: Any = None) -> Figure:
    """Draw each strategy's speed-up over the reference, pooled over tasks.

    The thick line is the interval of the mean over tasks, the thin line that of a new task.
    `DataError` if there is no strategy.

    Parameters
    ----------
    pooled : DataFrame
        As from `palm_bayes.Sweep.speed_ups`: index strategy; logarithms.
    reference : str
    ax : Axes, optional
        Axes to draw in, whose figure is returned; by default those of a new one.
    """
    _require_rows(pooled)
    with styled(ax):
        ax = single_panel(ax, len(pooled) * _ROW + 0.9)
        rows = np.arange(len(pooled))
        of = np.exp(pooled[["mean", "lower", "upper", "new_lower", "new_upper"]].astype(float))
        ax.axvline(1, color=on_ground(GREY), linewidth=0.8, linestyle=":")
        ax.hlines(rows, of["new_lower"], of["new_upper"], color=COLOURS[0], linewidth=1)
        ax.hlines(rows, of["lower"], of["upper"], color=COLOURS[0], linewidth=4)
        ax.plot(of["mean"], rows, "o", color="white", markeredgecolor=COLOURS[0], markersize=5)
        _name_rows(ax, [str(name) for name in pooled.index])
        ax.set_xscale("log")
        ax.set_xlim(0.9 * min(of.min(axis=None), 0.8), 1.1 * max(of.max(axis=None), 1.25))
        ax.set_xticks([tick for tick in _TICKS if ax.get_xlim()[0] < tick < ax.get_xlim()[1]])
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_xlabel(f"Speed-up over {short(reference, _NAME)}", **LITERAL)
    return figure_of(ax)


def plot_winners(p_best: pd.DataFrame, ax: Any = None) -> Figure:
    """Draw the probability of each strategy being the best in each task; grey: not in the task.

    `DataError` if there is no task.

    Parameters
    ----------
    p_best : DataFrame
        Index task (text), one column per strategy; NaN where a task lacks it.
    ax : Axes, optional
        Axes to draw in, whose figure is returned; by default those of a new one.
    """
    _require_rows(p_best)
    with styled(ax):
        ax = single_panel(ax, len(p_best) * 0.6 * _ROW + 1.8)
        ax.set_facecolor(_ABSENT)
        image = ax.imshow(p_best.to_numpy(float), cmap="Blues", vmin=0, vmax=1, aspect="auto")
        _name_rows(ax, [str(name) for name in p_best.index])
        names = [short(str(name), _NAME) for name in p_best]
        ax.set_xticks(range(len(names)), names, rotation=40, ha="right", **LITERAL)
        ax.spines[:].set_visible(False)
        bar = figure_of(ax).colorbar(image, ax=ax, format=PercentFormatter(1), fraction=0.04)
        bar.outline.set_visible(False)
        bar.set_label("P(best)")
    return figure_of(ax)


def _require_rows(table: pd.DataFrame) -> None:
    if table.empty:
        raise DataError("there is nothing to draw: no two strategies of a task can be compared")


def _name_rows(ax: Axes, names: list[str]) -> None:
    """Name the rows, the first on top."""
    shown = [short(name, _NAME) for name in names]
    ax.set_yticks(range(len(names)), shown, **LITERAL)
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.tick_params(left=False)
