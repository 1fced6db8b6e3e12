"""Probability of reaching a target, by budget."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from palm_bayes.plots.style import (
    GREY,
    INK,
    LINE,
    LITERAL,
    figure_of,
    in_axes,
    name_lines,
    on_ground,
    single_panel,
    styled,
    tone,
)


def plot_budget(
    chances: pd.DataFrame,
    budgets: "pd.Series[float]",
    *,
    assurance: float,
    seen: float,
    unit: str,
    title: str,
    ax: Any = None,
) -> Figure:
    """Draw P(target reached) against the budget, in steps of episodes, one line per strategy.

    The dotted line is the required probability. A strategy's assurance budget, where its line first
    reaches it, is marked by a dot. A grey line marks the end of the data.

    Parameters
    ----------
    chances : DataFrame
        P(target reached): index budget, one column per strategy.
    budgets : Series
        Assurance budgets: index strategy, ascending; infinite if there is none.
    assurance : float
    seen : float
        Budget at the end of the data.
    unit : {"labels", "episodes"}
    title : str
    ax : Axes, optional
        Axes to draw in, whose figure is returned; by default those of a new one. Names are at their
        right, for which a figure with ``layout="constrained"`` leaves room.
    """
    names = list(budgets.index[::-1])  # of lines at the same height, the smallest budget is on top
    height = max(3.2, 1 + LINE * len(names))
    with styled(ax):
        panel = single_panel(ax, height)
        tones = [tone(list(chances).index(name)) for name in names]
        for name, (_, dark, dash) in zip(names, tones, strict=True):
            line = chances[name]
            panel.step(line.index, line, where="post", lw=1.4, ls=dash, color=dark)
            if budgets[name] in line.index:
                panel.plot(budgets[name], line[budgets[name]], "o", ms=5, color=dark)
        panel.axvline(seen, color=on_ground(GREY), lw=0.8, zorder=0.5)
        panel.annotate(
            "data end", (seen, 1.03), (3, 0), "data", "offset points", color=on_ground(GREY)
        )
        panel.axhline(assurance, color=on_ground(INK), lw=0.8, ls=(0, (1, 1.5)), zorder=0.5)
        panel.set(xlabel=unit.capitalize(), ylim=(-0.01, 1.1), ylabel="Probability")
        panel.yaxis.set_major_formatter(PercentFormatter(1))
        panel.set_title(title, loc="left", weight="bold", **LITERAL)
        starts, heights = in_axes(panel, chances.index[-1], chances[names].iloc[-1])
        colours = [dark for _, dark, _ in tones]
        inches = figure_of(panel).get_figheight() - 1 if ax is None else None
        name_lines(panel, names, colours, starts, heights, inches)
    return figure_of(panel)
