"""The chance that a target is reached, at every budget."""

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from palm_bayes.plots.style import (
    COLOURS,
    DASHES,
    GREY,
    INK,
    STYLE,
    WIDTH,
    ShownFigure,
    mixed,
    short,
)


def plot_budget(
    chances: pd.DataFrame,
    budgets: "pd.Series[float]",
    *,
    assurance: float,
    seen: float,
    unit: str,
    title: str,
) -> Figure:
    """Draw P(target reached) against the budget, a step a whole episode, a line a strategy.

    The dotted line is the assurance asked for: where a line first passes it is the strategy's
    assurance budget, marked by a dot. A grey line marks the end of the data.

    Parameters
    ----------
    chances : DataFrame
        P(target reached): index budget, a column a strategy.
    budgets : Series
        Assurance budgets: index strategy, in the order of the key; infinite where there is none.
    assurance : float
    seen : float
        Budget at which the data end.
    unit : {"labels", "episodes"}
    title : str
    """
    with mpl.rc_context(STYLE):
        figure = ShownFigure(figsize=(WIDTH, 3.2), layout="constrained")
        ax = figure.subplots()
        for name in budgets.index:
            i = list(chances).index(name)
            line = chances[name]
            style = {"color": mixed(COLOURS[i % len(COLOURS)], -0.25)}
            dash = DASHES[i // len(COLOURS) % 2]
            label = short(name, 28).replace("$", r"\$")
            ax.step(line.index, line, where="post", lw=1.4, ls=dash, label=label, **style)
            if budgets[name] in line.index:
                ax.plot(budgets[name], line[budgets[name]], "o", ms=5, **style)
        ax.axvline(seen, color=GREY, lw=0.8, zorder=0.5)
        ax.annotate("data end", (seen, 1.03), (3, 0), "data", "offset points", color=GREY)
        ax.axhline(assurance, color=INK, lw=0.8, ls=(0, (1, 1.5)), zorder=0.5)
        ax.set(xlabel=unit.capitalize(), ylim=(-0.01, 1.1), ylabel="Probability")
        ax.yaxis.set_major_formatter(PercentFormatter(1))
        ax.set_title(title, loc="left", weight="bold")
        figure.legend(loc="outside right upper")
    return figure
