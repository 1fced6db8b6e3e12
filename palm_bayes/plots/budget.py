"""Probability of reaching a target, by budget."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from palm_bayes.plots.style import (
    BOXED,
    COLOURS,
    DASHES,
    GREY,
    INK,
    WIDTH,
    ShownFigure,
    figure_of,
    given,
    mixed,
    short,
    styled,
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
        Assurance budgets: index strategy, in the order of the key; infinite if there is none.
    assurance : float
    seen : float
        Budget at the end of the data.
    unit : {"labels", "episodes"}
    title : str
    ax : Axes, optional
        Axes to draw in; by default those of a new figure.

    Returns
    -------
    matplotlib.figure.Figure
        New figure, or that of `ax`.
    """
    with styled():
        if ax is None:
            figure: Figure = ShownFigure(figsize=(WIDTH, 3.2), layout="constrained")
            panel = figure.subplots()
        else:
            (panel,) = given(ax, 1)
            figure = figure_of(panel)
        for name in budgets.index:
            i = list(chances).index(name)
            line = chances[name]
            style = {"color": mixed(COLOURS[i % len(COLOURS)], -0.25)}
            dash = DASHES[i // len(COLOURS) % 2]
            label = short(name, 28).replace("$", r"\$")
            panel.step(line.index, line, where="post", lw=1.4, ls=dash, label=label, **style)
            if budgets[name] in line.index:
                panel.plot(budgets[name], line[budgets[name]], "o", ms=5, **style)
        panel.axvline(seen, color=GREY, lw=0.8, zorder=0.5)
        panel.annotate("data end", (seen, 1.03), (3, 0), "data", "offset points", color=GREY)
        panel.axhline(assurance, color=INK, lw=0.8, ls=(0, (1, 1.5)), zorder=0.5)
        panel.set(xlabel=unit.capitalize(), ylim=(-0.01, 1.1), ylabel="Probability")
        panel.yaxis.set_major_formatter(PercentFormatter(1))
        panel.set_title(title, loc="left", weight="bold")
        if ax is None:
            figure.legend(loc="outside right upper")
        else:
            panel.legend(**BOXED)
    return figure
