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


@pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS)
def test_two_panels_are_drawn_on_two_axes(fit, plot, artists):
    figure = Figure()
    axes = figure.subplots(2, 1)
    assert plot(fit, axes=axes) is figure
    assert figure.axes == list(axes)
    for ax, own in zip(axes, plot(fit).axes, strict=True):
        np.testing.assert_allclose(artists.ends(ax), artists.ends(own))
        assert ax.get_title(loc="left") == own.get_title(loc="left")
        assert ax.get_xlabel()
    assert not figure.legends
    figure.draw_without_rendering()


@pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS)
def test_too_few_axes_are_refused(fit, plot):
    with pytest.raises(DataError, match="axes: 1 Axes, allowed are 2 Axes, one per panel"):
        plot(fit, axes=Figure().subplots())
    with pytest.raises(DataError, match="axes: 1 Figure, allowed are 2 Axes"):
        plot(fit, axes=Figure())
