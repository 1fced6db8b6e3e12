"""Figures drawn on axes that a user gave: the same artists, in the user's own figure."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from palm_bayes.errors import DataError

PLOTS = {
    "plot": lambda fit, **where: fit.plot(horizon=4, **where),
    "plot_uncertainty": lambda fit, **where: fit.plot_uncertainty(horizon=4, **where),
    "compare": lambda fit, **where: fit.compare(500).plot(**where),
}


def ends(ax):
    """The last point of every line that is drawn on some axes."""
    return [
        np.array([line.get_xdata()[-1], line.get_ydata()[-1]], float)
        for line in ax.lines
        if len(line.get_xdata())
    ]


@pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS)
def test_two_panels_are_drawn_on_two_axes(fit, plot):
    figure = Figure()
    axes = figure.subplots(2, 1)
    assert plot(fit, axes=axes) is figure
    assert figure.axes == list(axes)
    for ax, own in zip(axes, plot(fit).axes, strict=True):
        np.testing.assert_allclose(ends(ax), ends(own))
        assert ax.get_title(loc="left") == own.get_title(loc="left")
        assert ax.get_xlabel()
    assert not figure.legends
    figure.draw_without_rendering()


def test_one_panel_is_drawn_on_one_axes(fit):
    figure = Figure()
    left, right = figure.subplots(1, 2)
    found = fit.labels_to_reach(0.95)
    assert found.plot(ax=right) is figure
    np.testing.assert_allclose(ends(right), ends(found.plot().axes[0]))
    names = [text.get_text() for text in right.texts[1:]]  # after "data end"
    at_the_end = found.chances.iloc[-1][names]  # from the lowest line to the highest
    assert at_the_end.is_monotonic_increasing
    assert sorted(names) == sorted(found.table["strategy"])
    assert not left.lines


def test_axes_may_lie_in_a_part_of_a_figure(fit):
    figure = Figure()
    above, _ = figure.subfigures(2, 1)
    assert fit.labels_to_reach(0.95).plot(above.subplots()) is figure


@pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS)
def test_too_few_axes_are_refused(fit, plot):
    with pytest.raises(DataError, match="axes: 1 Axes, allowed are 2 Axes, one per panel"):
        plot(fit, axes=Figure().subplots())
    with pytest.raises(DataError, match="axes: 1 Figure, allowed are 2 Axes"):
        plot(fit, axes=Figure())
