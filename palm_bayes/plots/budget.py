"""Probability of reaching a target, by budget."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from palm_bayes.plots.style import BOXED, GREY, INK, figure_of, short, single_panel, styled, tone


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
        Axes to draw in, whose figure is returned; by default those of a new one.
    """
    with styled():
        panel = single_panel(ax, 3.2)
        figure = figure_of(panel)
        for name in budgets.index:
            line, (_, dark, dash) = chances[name], tone(list(chances).index(name))
            label = short(name, 28).replace("$", r"\$")
            panel.step(line.index, line, where="post", lw=1.4, ls=dash, label=label, color=dark)
            if budgets[name] in line.index:
                panel.plot(budgets[name], line[budgets[name]], "o", ms=5, color=dark)
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
