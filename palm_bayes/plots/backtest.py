"""One-page summary of a backtest: coverage, errors and the worst cells."""

import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from palm_bayes.data.quantiles import BANDS
from palm_bayes.data.score import Score
from palm_bayes.data.validation import CELL
from palm_bayes.errors import known
from palm_bayes.plots.style import (
    COLOURS,
    GREY,
    INK,
    LITERAL,
    SHADES,
    SIDE_BY_SIDE,
    figure_of,
    mixed,
    new_figure,
    on_ground,
    shades_of,
    short,
    single_panel,
    styled,
)

_OURS = COLOURS[0]
_SCOPES = {"mean": "mean over repetitions", "repetition": "single repetitions"}
_KEY = [*CELL, "train_episodes"]
_THIRDS = {name: (COLOURS[i], "os^"[i]) for i, name in enumerate(("first", "second", "last"))}
_WORST = 3
_BASELINES = {
    "last_value": ("last value", GREY, ":"),
    "palm_py": ("PALM.py", COLOURS[1], (0, (8, 2))),
    "palm_multistart": ("PALM, multistart", COLOURS[1], (0, (3, 1.5))),
    "pow4": ("pow4", COLOURS[2], (0, (6, 1.5, 1, 1.5))),
    "mmf4": ("mmf4", COLOURS[3], (0, (4, 1.2, 1, 1.2, 1, 1.2))),
    "wbl4": ("wbl4", COLOURS[4], "-"),
    "exp4": ("exp4", COLOURS[5], (0, (2, 2))),  # often equal to wbl4
}


def plot_backtest(
    forecasts: pd.DataFrame,
    baselines: pd.DataFrame,
    scores: pd.DataFrame,
    observed: pd.DataFrame,
    title: str,
    score: Score,
) -> Figure:
    """Draw a backtest on one page.

    Top: observed against nominal coverage of the bands, by third of the horizon, and mean absolute
    error by episodes ahead, also of the baselines. Below: the cells with the worst forecasts of the
    mean curve by CRPS.

    Parameters
    ----------
    forecasts, baselines, scores, observed : DataFrame
        As in `palm_bayes.Backtest`, with at least one scored cell.
    title : str
    score : Score
        What was forecast.
    """
    with styled():
        figure = new_figure(5.9)
        halves: Any = figure.subfigures(2, 1, height_ratios=(1.15, 1))
        top, bottom = halves
        axes = top.subplots(1, 3, width_ratios=(1, 1, 1.25))
        for ax, scope in zip(axes[:2], _SCOPES, strict=True):
            _coverage(ax, scores, scope, key=scope == "mean")
        axes[1].set_ylabel("")
        _errors(axes[2], forecasts, baselines)
        _worst(bottom, forecasts, scores, observed, score.title)
        # textwrap breaks no line at "\xa0": a number and its % stay together.
        text = "\n".join(textwrap.wrap(title.replace(" %", "\xa0%"), 88)).replace("\xa0", " ")
        figure.suptitle(text, x=0.01, ha="left", weight="bold", **LITERAL)
    return figure


def plot_coverage(scores: pd.DataFrame, scope: str, ax: Any = None) -> Figure:
    """Draw the left or the middle panel of `plot_backtest`: ``scope`` is mean or repetition."""
    return _alone(lambda panel: _coverage(panel, scores, known([scope], _SCOPES, "scope")[0]), ax)


def plot_errors(forecasts: pd.DataFrame, baselines: pd.DataFrame, ax: Any = None) -> Figure:
    """Draw the right panel of `plot_backtest`, on `ax` if given."""
    return _alone(lambda panel: _errors(panel, forecasts, baselines), ax)


def _alone(draw: Callable[[Axes], None], ax: Any) -> Figure:
    """Draw one panel on given axes, or in a new figure."""
    with styled(ax):
        panel = single_panel(ax, 3.2)
        draw(panel)
    return figure_of(panel)


def _coverage(ax: Axes, scores: pd.DataFrame, scope: str, *, key: bool = True) -> None:
    """Draw observed against nominal coverage, by third of the horizon."""
    rows = scores[(scores["forecaster"] == "palm_bayes") & (scores["scope"] == scope)]
    bands = list(BANDS)
    ax.plot([0, 100], [0, 100], color=on_ground(GREY), lw=0.8, ls=(0, (1, 1.5)))
    for third, (colour, marker) in _THIRDS.items():
        part = rows[rows["third"] == third]
        if part["n"].sum():
            held = [100 * np.average(part[f"coverage_{b}"], weights=part["n"]) for b in bands]
            ax.plot(bands, held, color=colour, marker=marker, ms=4, lw=1.2, label=f"{third} third")
    ax.set(xlim=(40, 102), ylim=(0, 102), xticks=bands)
    ax.set_xlabel("Nominal coverage (%)", **LITERAL)
    ax.set_ylabel("Observed coverage (%)", **LITERAL)
    ax.set_title(_SCOPES[scope].capitalize(), loc="left")
    if key:
        size = 0.9 * mpl.rcParams["font.size"]
        ax.legend(loc="best", handlelength=1.4, borderaxespad=0.2, fontsize=size)


def _errors(ax: Axes, forecasts: pd.DataFrame, baselines: pd.DataFrame) -> None:
    """Draw the mean absolute error of the mean curve by episodes ahead, with the baselines'."""
    ours = forecasts[forecasts["scope"] == "mean"]
    table = baselines.merge(ours[[*_KEY, "episode", "q50"]], on=[*_KEY, "episode"])
    ahead = (table["episode"] - table["train_episodes"]).rename("ahead")
    errors = table[["q50", *_BASELINES]].sub(table["observed"], axis=0).abs().groupby(ahead).mean()
    for name, (word, colour, dashes) in _BASELINES.items():
        ax.plot(errors.index, errors[name], color=colour, ls=dashes, lw=0.9, label=word)
    ax.plot(errors.index, errors["q50"], color=on_ground(INK), lw=2, label="palm_bayes")
    handles, words = ax.get_legend_handles_labels()
    key = ax.legend(handles[-1:] + handles[:-1], words[-1:] + words[:-1],
                    loc="upper left", ncols=2, handlelength=2.4, columnspacing=0.6,
                    fontsize=0.78 * mpl.rcParams["font.size"], borderaxespad=0.1)  # fmt: skip
    key.set_in_layout(False)  # in a small panel of a user
    ax.set(xlabel="Episodes ahead", ylim=(0, 1.45 * errors.to_numpy().max()))
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.yaxis.set_major_formatter(_in_percent)
    ax.set_title("Error of the mean (points)", loc="left")


def _worst(
    figure: Any,
    forecasts: pd.DataFrame,
    scores: pd.DataFrame,
    observed: pd.DataFrame,
    measured: str,
) -> None:
    """Draw the cells with the worst forecasts of the mean curve, later data over the bands."""
    rows = scores.query("forecaster == 'palm_bayes' and scope == 'mean' and third == 'all'")
    worst = rows.sort_values("crps", ascending=False, kind="stable").drop_duplicates(CELL)
    keys = worst[_KEY].head(_WORST).to_dict("records")
    axes = figure.subplots(1, len(keys), squeeze=False)[0]
    for i, (ax, key) in enumerate(zip(axes, keys, strict=True)):
        mean = _rows_of(forecasts[forecasts["scope"] == "mean"], key)
        _cell(ax, mean, _rows_of(observed, {word: key[word] for word in CELL}), key)
        ax.set_ylabel("" if i else f"{measured} (%)", **LITERAL)
    dot: dict[str, Any] = {"color": on_ground(INK), "marker": "o", "lw": 0, "ms": 3}
    later = Line2D([], [], **dot, mfc=on_ground("white"), mew=0.6)
    handles = [Line2D([], [], **dot), later, shades_of(_OURS)]
    words = ["mean, training", "mean, later", "forecast: median, 50, 80, 95 % bands"]
    figure.legend(handles, words, loc="outside lower center", ncols=3, handler_map=SIDE_BY_SIDE)
    figure.suptitle("Worst cells (largest CRPS)", x=0.01, ha="left")


def _cell(ax: Axes, rows: pd.DataFrame, curve: pd.DataFrame, key: Mapping[Any, Any]) -> None:
    train = int(key["train_episodes"])
    for (low, high), share in zip(reversed(BANDS.values()), SHADES, strict=True):
        ax.fill_between(rows["episode"], rows[low], rows[high], color=mixed(_OURS, 1 - share), lw=0)
    ax.plot(rows["episode"], rows["q50"], color=mixed(_OURS, -0.25), lw=1.2)
    seen = curve[curve["episode"] <= train]
    ax.plot(seen["episode"], seen["accuracy"], color=on_ground(INK), marker="o", ms=2.4, lw=0.5)
    style: dict[str, Any] = {"mfc": on_ground("white"), "mew": 0.5}
    style |= {"color": on_ground(INK), "marker": "o", "ms": 2.4, "lw": 0}
    ax.plot(rows["episode"], rows["observed"], **style)
    ax.axvline(train, color=on_ground(GREY), lw=0.8, ls=(0, (1, 1.5)))
    ax.yaxis.set_major_formatter(_in_percent)
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.set_ylim(_y_limits(rows, seen["accuracy"]))
    task = " / ".join(short(str(key[word]), 22) for word in CELL[1:3] if key[word])
    name = short(str(key["strategy"]), 26)
    ax.set_title(f"{task}\n{name}" if task else name, loc="left", fontsize=8, **LITERAL)
    ax.set_xlabel("Episode")


def _y_limits(rows: pd.DataFrame, seen: "pd.Series[float]") -> tuple[float, float]:
    """Return limits that show the forecast; a steep beginning may be cut off."""
    parts = [rows["q2.5"], rows["q97.5"], rows["observed"], seen.tail(3)]
    low, high = (float(edge(pd.concat(parts))) for edge in (np.min, np.max))
    pad = 0.06 * (high - low)
    bottom = min(low, max(float(seen.min()), low - (high - low)))
    top = max(high, min(float(seen.max()), high + (high - low)))
    return bottom - pad, top + pad


def _rows_of(table: pd.DataFrame, key: Mapping[Any, Any]) -> pd.DataFrame:
    return table[(table[list(key)] == pd.Series(key)).all(axis="columns")]


def _in_percent(value: float, _: float) -> str:
    return f"{100 * value:g}"
