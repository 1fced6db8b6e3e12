"""Strategies against each other: how far behind the first, and who is best at which budget."""

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.axes import Axes
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

if TYPE_CHECKING:
    import pandas as pd

    from palm_bayes.decisions.compare import Comparison

_ROW = 0.3  # inches a strategy
_STRIP = "#ececec"
_LIKELY = 0.25  # P(best) from which the figure names a line; the left panel names them all


def plot_compared(found: "Comparison") -> Figure:
    """Draw a comparison: distance to the first at the budget, and P(best) over the range.

    Left, median and interval of each strategy minus the first, on a grey strip within which
    differences are practically none. Right, the probability of each strategy to be the best at
    every budget; a dotted line marks the budget compared at, a grey one the end of the data.

    Parameters
    ----------
    found : Comparison
        Of at least two strategies.
    """
    with mpl.rc_context(STYLE):
        height = max(2.9, 1.3 + _ROW * len(found.strategies))
        figure = ShownFigure(figsize=(WIDTH, height), layout="constrained")
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.15))
        _distances(left, found)
        _chances(right, found)
    return figure


def _tone(found: "Comparison", strategy: str) -> tuple[Any, Any]:
    """Colour and dash of a strategy, the same in all figures."""
    i = found.strategies.index(strategy)
    return mixed(COLOURS[i % len(COLOURS)], -0.25), DASHES[i // len(COLOURS) % 2]


def _distances(ax: Axes, found: "Comparison") -> None:
    order = list(found.ranking["strategy"])
    first, pairs = order[0], found.pairs.set_index(["strategy", "other"])
    ax.axvspan(-found.rope, found.rope, color=_STRIP, lw=0, zorder=0)
    ax.axvline(0, color=GREY, lw=0.6, zorder=0.5)
    for place, strategy in enumerate(order):
        colour, _ = _tone(found, strategy)
        if strategy == first:
            ax.plot(0, place, "o", color=colour, ms=5)
            continue
        row = pairs.loc[(strategy, first)]
        ax.plot([row["lower"], row["upper"]], [place, place], color=colour, lw=2)
        ax.plot(row["median"], place, "o", color=colour, ms=5)
    ax.set_yticks(range(len(order)), [short(name, 22) for name in order], parse_math=False)
    for label, strategy in zip(ax.get_yticklabels(), order, strict=True):
        label.set_color(_tone(found, strategy)[0])
    ax.set_ylim(len(order) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.locator_params(axis="x", nbins=4)
    ax.spines["left"].set_visible(False)
    scale = " (points)" if found.scale > 1 else ""
    ax.set_xlabel(f"Accuracy minus that of {short(first, 22)}{scale}", parse_math=False)
    title = f"At {found.at:,.0f} {found.unit}, {100 * found.probability:g}% intervals"
    ax.set_title(title, loc="left", weight="bold")


def _chances(ax: Axes, found: "Comparison") -> None:
    wide = found.along.pivot_table(index="budget", columns="strategy", values="p_best")
    wide = wide[found.strategies]
    for strategy, line in wide.items():
        colour, dash = _tone(found, str(strategy))
        ax.plot(wide.index, line, color=colour, ls=dash, lw=1.4)
        _name_line(ax, line, wide.max(axis=1), colour)
    if found.along["future"].any():
        seen = found.along.loc[~found.along["future"], "budget"].max()
        ax.vlines(seen, 0, 1, color=GREY, lw=0.8, zorder=0.5)  # names stand above 1
        style: dict[str, Any] = {"xytext": (3, 0), "textcoords": "offset points", "color": GREY}
        ax.annotate("data end", (seen, 0.5), **style)
    ax.axvline(found.at, color=INK, lw=0.8, ls=(0, (1, 1.5)), zorder=0.5)
    ax.set(xlabel=found.unit.capitalize(), ylim=(-0.01, 1.1))
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    ax.set_title("Probability to be the best", loc="left", weight="bold")


def _name_line(ax: Axes, line: "pd.Series[float]", best: "pd.Series[float]", colour: Any) -> None:
    """Write a name over the top of its line, where it is the highest, if it is ever likely."""
    top = line[(line >= best) & (line > _LIKELY)]
    if len(top):
        flat = top[top >= top.max() - 0.02]  # where it falls, it would run through the name
        at = float(flat.index[len(flat) // 2])
        ax.annotate(
            short(str(line.name), 22), (at, top[at]), (0, 3), "data", "offset points",
            ha="center", va="bottom", color=colour, parse_math=False,
        )  # fmt: skip
