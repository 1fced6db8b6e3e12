"""The chance that a target is reached, at every budget."""

from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from palm_bayes.decisions.trajectories import seen_budget
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

if TYPE_CHECKING:
    from palm_bayes.decisions.label_budget import LabelsToReach


def plot_budget(found: "LabelsToReach") -> Figure:
    """Draw P(target reached) against the budget, a step a whole episode, a line a strategy.

    The dotted line is the assurance asked for: where a line first passes it is the strategy's
    assurance budget, marked by a dot. A grey line marks the end of the data.

    Parameters
    ----------
    found : LabelsToReach
    """
    order = list(found.table["strategy"])
    budgets = dict(zip(order, found.table["budget"], strict=True))
    with mpl.rc_context(STYLE):
        figure = ShownFigure(figsize=(WIDTH, 3.2), layout="constrained")
        ax = figure.subplots()
        for name in order:
            i = list(found.chances).index(name)
            line = found.chances[name]
            style = {"color": mixed(COLOURS[i % len(COLOURS)], -0.25)}
            dash = DASHES[i // len(COLOURS) % 2]
            label = short(name, 28).replace("$", r"\$")
            ax.step(line.index, line, where="post", lw=1.4, ls=dash, label=label, **style)
            if budgets[name] in line.index:
                ax.plot(budgets[name], line[budgets[name]], "o", ms=5, **style)
        seen = seen_budget(found.fit.runs)
        ax.axvline(seen, color=GREY, lw=0.8, zorder=0.5)
        ax.annotate("data end", (seen, 1.03), (3, 0), "data", "offset points", color=GREY)
        ax.axhline(found.assurance, color=INK, lw=0.8, ls=(0, (1, 1.5)), zorder=0.5)
        ax.set(xlabel=found.unit.capitalize(), ylim=(-0.01, 1.1), ylabel="Probability")
        ax.yaxis.set_major_formatter(PercentFormatter(1))
        what = "Expected curve" if found.scope == "expected" else "A single run"
        ax.set_title(f"{what} has reached {found.target:g}", loc="left", weight="bold")
        figure.legend(loc="outside right upper")
    return figure
