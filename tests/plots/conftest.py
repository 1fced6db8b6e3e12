"""Runs and forecasts to draw, and what the artists of a figure show."""

import io
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from palm_bayes.data.runs import Runs


def make_runs(strategies=3, repetitions=3, episodes=8, percent=False, labels=True, **options):
    rng = np.random.default_rng(1)
    rows = [
        (f"s{i}", str(r), e, 50.0 * e, 0.9 - 0.5 * 0.7**e - 0.01 * i + 0.01 * rng.standard_normal())
        for i in range(strategies)
        for r in range(1, repetitions + 1)
        for e in range(1, episodes + 1)
    ]
    frame = pd.DataFrame(rows, columns=["strategy", "repetition", "episode", "labels", "accuracy"])
    frame["accuracy"] *= 100 if percent else 1
    return Runs.from_frame(frame if labels else frame.drop(columns="labels"), **options)


def make_forecast(runs, horizon=6, scope="expected", sd=0.01, extra=()):
    x = np.arange(1.0, runs.table["x"].max() + horizon + 1)
    rng = np.random.default_rng(len(scope))
    levels = 0.9 - 0.5 * 0.7**x - 0.01 * np.arange(len(runs.strategies) + len(extra))[:, None]
    size = (2, 100, *levels.shape)
    dims = ["chain", "draw", "strategy", "x"]
    if scope == "continuing":
        size, dims = (*size[:-1], 2, size[-1]), [*dims[:-1], "repetition", "x"]
        levels = levels[:, None]
    names = [*extra, *runs.strategies]
    draws = xr.DataArray(levels + sd * rng.standard_normal(size), {"strategy": names, "x": x}, dims)
    if scope == "continuing":
        draws = draws.assign_coords(repetition=["0", "1"])
    return draws.assign_coords(labels=("x", runs.labels_at(x)), episode=("x", x))


def panels(figure):
    return {ax.get_title(loc="left"): ax for ax in figure.axes}


def texts(figure):
    return [text.get_text() for text in figure.findobj(mpl.text.Text) if text.get_text()]


def band(collection):
    """Lower and upper limit by x, from the outline that `fill_between` drew."""
    corners = pd.DataFrame(collection.get_paths()[0].vertices, columns=["x", "y"])
    return corners.groupby("x")["y"].agg(["min", "max"])


def line(ax, **wanted):
    """The one line with these properties."""
    (found,) = [
        one
        for one in ax.lines
        if all(getattr(one, f"get_{name}")() == value for name, value in wanted.items())
    ]
    return found


def points(drawn):
    xy = np.asarray(drawn.get_xydata(), dtype=float)
    return xy[~np.isnan(xy).any(axis=1)]


def rendered(figure):
    figure.savefig(io.BytesIO(), format="png", dpi=50)
    return figure


def ends(ax):
    """The last point of every line of data on some axes; those that lead to names are not."""
    return [
        np.array([line.get_xdata()[-1], line.get_ydata()[-1]], float)
        for line in ax.lines
        if len(line.get_xdata()) and line.get_transform() != ax.transAxes
    ]


@pytest.fixture(scope="session")
def made():
    """Makers of runs and of forecasts."""
    return SimpleNamespace(runs=make_runs, forecast=make_forecast)


@pytest.fixture(scope="session")
def artists():
    """Readers of figures."""
    readers = (panels, texts, band, line, points, ends, rendered)
    return SimpleNamespace(**{reader.__name__: reader for reader in readers})
