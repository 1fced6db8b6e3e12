"""Comparison of strategies: differences to the first, and P(best) by budget."""

from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from palm_bayes.data.score import Score
from palm_bayes.plots.style import (
    GREY,
    INK,
    LITERAL,
    Tone,
    draw_interval,
    figure_of,
    given,
    in_axes,
    on_ground,
    short,
    styled,
    tone,
    two_panels,
)

type Tones = dict[str, Tone]

_ROW = 0.3  # inches per strategy
_STRIP = 0.088  # opacity, to be seen on any ground
_EDGE = 0.18  # share of the axes near whose ends a name would leave them
_LIKELY = 0.25  # least P(best) for a line to be labelled; the left panel names all strategies
_ROOM = 0.08  # height of a label, as P(best)


def plot_ranking(
    behind: pd.DataFrame,
    p_best: pd.DataFrame,
    *,
    at: float,
    seen: float | None,
    unit: str,
    rope: float,
    score: Score,
    probability: float,
    axes: Any = None,
) -> Figure:
    """Draw a comparison: differences to the first at the budget, and P(best) over the range.

    Left, median and interval of each strategy minus the first; the grey strip is the region of
    practical equivalence. Right, the probability that each strategy is the best, by budget; a
    dotted line marks the compared budget, a grey one the end of the data.

    Parameters
    ----------
    behind : DataFrame
        Index strategy, the first on top: ``median``, ``lower`` and ``upper`` of each one's score
        minus that of the first, in the user's own scale.
    p_best : DataFrame
        Index budget; one column per strategy, in the order of their colours.
    at : float
        Budget of the comparison.
    seen : float or None
        Budget at the end of the data; None if the range ends there.
    unit : {"labels", "episodes"}
    rope : float
        Largest difference of practical equivalence.
    score : Score
        What is compared.
    probability : float
        Probability of the intervals.
    axes : sequence of two Axes, optional
        Axes to draw in, whose figure is returned; by default those of a new one.
    """
    with styled(axes):
        tones = {str(name): tone(i) for i, name in enumerate(p_best)}
        if axes is None:
            axes, _ = two_panels(max(2.9, 1.3 + _ROW * len(behind)), 1.15)
        left, right = given(axes, 2)
        _distances(left, behind, tones, rope)
        scale = " (points)" if score.percent else ""
        first = short(str(behind.index[0]), 22)
        strip = f"\ngrey: at most {rope:g} apart" * (rope > 0)
        left.set_xlabel(f"{score.title} minus that of {first}{scale}{strip}", **LITERAL)
        title = f"At {at:,.0f} {unit}, {100 * probability:g} % intervals"
        left.set_title(title, loc="left", weight="bold", **LITERAL)
        _chances(right, p_best, tones, seen)
        right.vlines(at, 0, 1, color=on_ground(INK), lw=0.8, ls=[(0, (1, 1.5))], zorder=0.5)
        right.set_xlabel(unit.capitalize())
    return figure_of(left)


def _distances(ax: Axes, behind: pd.DataFrame, tones: Tones, rope: float) -> None:
    order = [str(name) for name in behind.index]
    ax.axvspan(-rope, rope, color=on_ground(INK), alpha=_STRIP, lw=0, zorder=0)
    ax.axvline(0, color=on_ground(GREY), lw=0.6, zorder=0.5)
    for place, strategy in enumerate(order):
        row = behind.loc[strategy]
        if place > 0:
            draw_interval(ax, row[["lower", "upper"]], [place, place], tones[strategy])
        ax.plot(row["median"], place, "o", color=tones[strategy].dark, ms=5)
    ax.set_yticks(range(len(order)), [short(name, 22) for name in order], **LITERAL)
    for label, strategy in zip(ax.get_yticklabels(), order, strict=True):
        label.set_color(tones[strategy].dark)
    ax.set_ylim(len(order) - 0.5, -0.5)
    ax.tick_params(axis="y", length=0)
    ax.locator_params(axis="x", nbins=4)
    ax.spines["left"].set_visible(False)


def _chances(ax: Axes, p_best: pd.DataFrame, tones: Tones, seen: float | None) -> None:
    for strategy, line in p_best.items():
        _, dark, dash = tones[str(strategy)]
        ax.plot(p_best.index, line, color=dark, ls=dash, lw=1.4)
        _name_line(ax, line, p_best.drop(columns=strategy), dark)
    if seen is not None:
        ax.vlines(seen, 0, 1, color=on_ground(GREY), lw=0.8, zorder=0.5)  # labels are above 1
        passed = np.sort([0, 1, *p_best.loc[:seen].tail(1).to_numpy().ravel()])
        widest = np.argmax(np.diff(passed))
        height = passed[widest : widest + 2].mean()
        ax.annotate(
            "data end", (seen, height), (3, 0), "data", "offset points", color=on_ground(GREY)
        )
    ax.set_ylim(-0.01, 1.1)
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    ax.set_title("Probability of being the best", loc="left", weight="bold")


def _name_line(ax: Axes, line: "pd.Series[float]", others: pd.DataFrame, colour: Any) -> None:
    """Label a line that reaches `_LIKELY` above its maximum where it is the highest, if it is."""
    name = short(str(line.name), 22)
    top = line[(line >= others.max(axis=1).fillna(0)) & (line > _LIKELY)]
    free = top if len(top) else _free(ax, line, others, name)
    if len(free):
        flat = free[free >= free.max() - 0.02]  # a falling line would cross the label
        at = float(flat.index[len(flat) // 2])
        share = in_axes(ax, at, ax.get_ylim()[0])[0, 0]
        side = "left" if share < _EDGE else "right" if share > 1 - _EDGE else "center"
        ax.annotate(
            name, (at, line[at]), (0, 3), "data", "offset points",
            ha=side, va="bottom", color=colour, **LITERAL,
        )  # fmt: skip


def _free(
    ax: Axes, line: "pd.Series[float]", others: pd.DataFrame, name: str
) -> "pd.Series[float]":
    """Select points of a line above which a label meets no line, nor a label of another."""
    inches = ax.get_window_extent().width / figure_of(ax).dpi
    width = 0.6 * len(name) * mpl.rcParams["font.size"] / 72 / inches
    places = in_axes(ax, line.index, ax.get_ylim()[0])[0]
    free = []
    for i, (place, height) in enumerate(zip(places, line, strict=True)):
        near = np.abs(places - place) <= (width / 2 if _EDGE < place < 1 - _EDGE else width)
        near[max(i - 1, 0) : i + 2] = True  # of a coarse line
        alone = (others[near] - height).abs().gt(_ROOM).all(axis=None)
        free.append(alone and height > _LIKELY and line[near].max() < height + 0.02)
    return line[free]
