"""Enlargement of a forecast, in the corner of a panel that its curve leaves empty."""

from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from palm_bayes.arrays import Floats
from palm_bayes.plots.style import GREY, figure_of, in_axes, on_ground
from palm_bayes.plots.view import Limits, View

_LEAST, _MOST = 0.4, 0.6  # height, as a share of the panel
_INCHES = 0.5  # least height
_TIMES = 2.5  # least enlargement
_GAP = 0.06  # to the edge, as a share of the panel
_WORDS = 0.1  # room for words between it and the curves
_TICKS = 0.15  # room for the labels of ticks, as a share of the panel's width


class Enlarged(NamedTuple):
    """Place of an enlargement in a panel, in shares of the panel, and what it shows."""

    box: tuple[float, float, float, float]  # left, bottom, width and height
    beside: float  # height of words between it and the curves
    span: Limits  # of x
    limits: Limits  # of y

    def on(self, ax: Axes) -> Axes:
        """Add empty axes to a panel; their x are those of the panel, so only y has ticks."""
        inside = ax.inset_axes(self.box, xlim=self.span, ylim=self.limits)
        inside.set_in_layout(False)  # it is inside the panel, with all of its words
        inside.spines[:].set(visible=True, color=on_ground(GREY), linewidth=0.5)
        inside.set_xticks([])
        inside.locator_params("y", nbins=4, steps=[1, 2, 5, 10])
        inside.tick_params("y", length=2, labelsize="small", pad=1.5)
        return inside


def enlargement(ax: Axes, view: View) -> Enlarged | None:
    """Choose the place for panels of these limits; None if there is no room or no need."""
    start, end = float(view.ends.min()), view.xlim[1]
    if start >= end:
        return None
    span = start, float(ax.get_xlim()[1])
    limits = _limits(view, start)
    left, right = in_axes(ax, span, view.ylim[0])[0]
    beside = _values(view, start - _TICKS * (span[1] - ax.get_xlim()[0]))
    nearest = beside.max() if view.falls else beside.min()
    room = in_axes(ax, start, nearest)[1, 0]
    room = (1 - room if view.falls else room) - _GAP - _WORDS
    height = min(room, _MOST)
    times = height * (view.ylim[1] - view.ylim[0]) / (limits[1] - limits[0])
    inches = height * ax.get_position().height * figure_of(ax).get_figheight()
    if height < _LEAST or inches < _INCHES or times < _TIMES:
        return None
    low, high = (1 - _GAP - height, 1 - _GAP) if view.falls else (_GAP, _GAP + height)
    words = low - 0.01 if view.falls else high + 0.01
    return Enlarged((left, low, right - left, height), words, span, limits)


def _limits(view: View, start: float) -> Limits:
    """Return limits of y that hold everything from `start` on."""
    values = _values(view, start)
    pad = 0.05 * max(float(np.ptp(values)), 1e-3 * (view.ylim[1] - view.ylim[0]))
    return float(values.min()) - pad, float(values.max()) + pad


def _values(view: View, start: float) -> Floats:
    """Return all that is drawn from `start` on."""
    bands = view.bands[..., view.band_grid >= start]
    curves = view.curve[..., view.grid >= start]
    every = np.concatenate([bands.ravel(), curves.ravel(), view.points_from(start)])
    return every[~np.isnan(every)]
