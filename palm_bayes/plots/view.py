"""Contents of figures of runs and forecasts, in the units of their axes; common parts.

Bands are central intervals of the draws; accuracies are in the user's own scale.
"""

import math
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from palm_bayes.arrays import Floats
from palm_bayes.data.runs import Runs, require_runs
from palm_bayes.data.validation import RUN
from palm_bayes.errors import known
from palm_bayes.plots.style import (
    GREY,
    INK,
    LITERAL,
    NARROW,
    SIDE_BY_SIDE,
    in_axes,
    on_ground,
    short,
    tone,
)

LEVELS = (0.95, 0.8, 0.5)
NEUTRAL = "0.32"
DOT = " · "
CURVE = "expected curve"

type Limits = tuple[float, float]


def dots(**own: Any) -> dict[str, Any]:
    """Return the style of dots, in the colours of the ground."""
    return {"color": on_ground(INK), "lw": 0, "marker": "o", "ms": 3.2, "mew": 0.6} | own


def later_dots() -> dict[str, Any]:
    """Return the style of single observations that were not used."""
    return dots(ms=2.2, mew=0.4, mfc=on_ground("white"))


def data_dots() -> dict[str, Any]:
    """Return the style of single observations, joined by lines."""
    return dots(ms=1.9, mew=0, mfc=on_ground(INK), color="#808080", lw=0.5)


class View:
    """Contents of a figure, in the units of its axes."""

    def __init__(self, runs: Runs, forecasts: list[xr.DataArray], truth: Any, means: bool) -> None:
        truth = runs if truth is None else require_runs(truth, "truth")
        known_in = [runs.labels_known, truth.labels_known]
        known_in += [not np.isnan(draws["labels"]).any() for draws in forecasts]
        by = "labels" if all(known_in) else "episode"
        self.words = by.capitalize(), runs.score.axis
        self.falls = runs.score.lower_is_better
        self.task = DOT.join(filter(None, (runs.dataset, runs.model)))
        self.strategies = runs.strategies
        self.tones = [tone(i) for i in range(len(runs.strategies))]
        self.data = _points(runs, runs, by, means)
        self.ends = self.data.groupby("strategy")["place"].max()
        later = _points(truth, runs, by, means)
        self.later = later[later["place"] > later["strategy"].map(self.ends)]
        # The bands are those of the curve, unless a forecast of repetitions is given.
        self.nested = len(forecasts) > 1
        one = "mean" if runs.of_means else "repetition"
        runs_on = f"same {one}s" if "repetition" in forecasts[-1].dims else f"new {one}"
        self.band_of = runs_on if self.nested else CURVE
        self.grid, self.curve = _quantiles(forecasts[0], runs, by)
        self.band_grid, self.bands = _quantiles(forecasts[-1], runs, by)
        self._points = pd.concat([self.data, self.later])
        places = np.concatenate([self._points["place"], self.grid, self.band_grid])
        self.xlim = places.min(), places.max()
        self.ylim = _y_limits(self.points_from(-np.inf), self.curve[-1], self.bands, runs)

    def points_from(self, place: float) -> Floats:
        """Return the values of all points at a place or past it, dims (point,)."""
        return self._points.loc[self._points["place"] >= place, "value"].to_numpy()


def _points(source: Runs, runs: Runs, by: str, means: bool) -> pd.DataFrame:
    """Select observations, or their means over repetitions, of the strategies of `runs`."""
    table = source.table[source.table["strategy"].isin(runs.strategies)]
    values = runs.score.values(table["accuracy"])
    points = table[RUN].assign(place=table[by].astype(float), value=values)
    if means:
        points = points.assign(repetition="mean").groupby([*RUN, "place"]).mean().reset_index()
    return points


def _quantiles(forecast: xr.DataArray, runs: Runs, by: str) -> tuple[Floats, Floats]:
    """Return x positions, and quantiles: low and high of LEVELS, the median: (7, strategy, x)."""
    there = forecast["strategy"].to_numpy().tolist()
    draws = forecast.sel(strategy=known(runs.strategies, there, "strategy"))
    values = runs.score.values(draws).transpose(..., "strategy", "x").to_numpy()
    values = values.reshape(-1, *values.shape[-2:])
    tails = [(1 + sign * level) / 2 for level in LEVELS for sign in (-1, 1)]
    gone = np.isnan(values)  # no such repetition, or already observed here
    never, quantile = gone.all(axis=0), np.nanquantile if gone.any() else np.quantile
    found = quantile(np.where(never, 0, values), [*tails, 0.5], axis=0)
    return draws[by].to_numpy().astype(float), np.where(never, np.nan, found)


def _y_limits(points: Floats, median: Floats, bands: Floats, runs: Runs) -> Limits:
    """Choose limits that fit the curves and leave limited room for outliers and wide bands."""
    core = np.concatenate([median.ravel(), np.quantile(points, (0.05, 0.95))])
    low, high, scale = core.min(), core.max(), runs.score.unit
    size = max(high - low, 0.02 * scale)
    near, far, pad = 0.05 * size, 0.4 * size, 0.04 * size  # far: for points and the bands' end
    most = np.append(points, bands[..., -1])
    bottom = min(low, max(np.nanmin(most), low - far), max(np.nanmin(bands), low - near)) - pad
    top = max(high, min(np.nanmax(most), high + far), min(np.nanmax(bands), high + near)) + pad
    return max(bottom, -pad), min(top, scale + pad)  # noise may move a draw past 0 or 1


def show_all(ax: Axes, view: View, most_ticks: int) -> None:
    """Set limits that hold the whole view, and round ticks, which all such panels share."""
    margin = 0.02 * (view.xlim[1] - view.xlim[0])
    ax.set(xlim=(view.xlim[0] - margin, view.xlim[1] + margin), ylim=view.ylim)
    round_ticks(ax, most_ticks)


def round_ticks(ax: Axes, most: int) -> None:
    """Put ticks at round numbers, at most `most` of them along x."""
    steps = [1, 2, 5, 10]
    ax.locator_params("x", nbins=most, steps=steps, integer=True)
    ax.locator_params("y", nbins=8, steps=steps)


def scatter(ax: Axes, view: View, i: int, seen: dict[str, Any], later: dict[str, Any]) -> None:
    """Draw all repetitions as one line, broken by NaN; mark and count points outside y limits."""
    first, (bottom, top) = ax.get_xlim()[0], ax.get_ylim()
    for points, style in zip((view.data, view.later), (seen, later), strict=True):
        own = points[(points["strategy"] == view.strategies[i]) & (points["place"] >= first)]
        place, value = own["place"].to_numpy(), own["value"].to_numpy()
        breaks = np.flatnonzero(own["repetition"].ne(own["repetition"].shift()))[1:]
        ax.plot(np.insert(place, breaks, np.nan), np.insert(value, breaks, np.nan), **style)
        for edge, hidden in enumerate((value < bottom, value > top)):
            if hidden.any():
                at, frame = place[hidden], ax.get_xaxis_transform()
                marks = style | {"lw": 0, "marker": "v^"[edge], "ms": 4, "mew": 0.6}
                ax.plot(at, np.full(len(at), edge), transform=frame, clip_on=False, **marks)
                note = f"{len(at)} {('below', 'above')[edge]}"
                _note(ax, note, (at[-1], (0.13, 0.93)[edge]), color=on_ground(INK), va="center")


def mark_data_end(
    ax: Axes, view: View, first: float, last: float, *, label: bool, height: float | None = None
) -> None:
    """Mark the end of the data, if anything follows; a strip if strategies end apart.

    The `height` of the label is a share of the axes; by default it is at the edge.
    """
    if first < view.xlim[1]:
        if first < last:
            ax.axvspan(first, last, color=on_ground("#f1f1f1"), lw=0, zorder=0)
        ax.axvline(last, color=on_ground(GREY), lw=0.8, ls=(0, (1, 1.5)), zorder=1.5)
        if label:  # where curves are not
            edge, side = (0.98, "top") if view.falls else (0.02, "bottom")
            at = edge if height is None else height
            _note(ax, "data end", (last, at), color=on_ground(GREY), va=side)


def _note(ax: Axes, words: str, at: tuple[float, float], **style: Any) -> None:
    """Write beside a point (x, height in the axes), on the left if it is far right."""
    share = in_axes(ax, at[0], ax.get_ylim()[0])[0, 0]
    side, align = (3, "left") if share < 0.7 else (-3, "right")
    ax.annotate(words, at, (side, 0), ax.get_xaxis_transform(), "offset points", ha=align, **style)


def finish(figure: Figure, heading: str, key: list[Any]) -> None:
    """Add the title, and the key below the panels, in rows that are not too wide."""
    columns = math.ceil(len(key) / (2 if figure.get_figwidth() >= NARROW else 3))
    style: dict[str, Any] = {"loc": "outside lower center", "ncols": columns, "handlelength": 1.8}
    style |= {"handler_map": SIDE_BY_SIDE, "columnspacing": 1.4}
    figure.legend([handle for handle, _ in key], [word for _, word in key], **style)
    if heading:
        figure.suptitle(short(heading, 90), x=0.01, ha="left", weight="bold", **LITERAL)
