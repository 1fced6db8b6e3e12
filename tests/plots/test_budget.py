"""The figure of the labels needed, on a user's axes."""

import numpy as np
from matplotlib.figure import Figure


def test_one_panel_is_drawn_on_one_axes(fit, artists):
    figure = Figure()
    left, right = figure.subplots(1, 2)
    found = fit.labels_to_reach(0.95)
    assert found.plot(ax=right) is figure
    np.testing.assert_allclose(artists.ends(right), artists.ends(found.plot().axes[0]))
    names = [text.get_text() for text in right.texts[1:]]  # after "data end"
    at_the_end = found.chances.iloc[-1][names]  # from the lowest line to the highest
    assert at_the_end.is_monotonic_increasing
    assert sorted(names) == sorted(found.table["strategy"])
    assert not left.lines


def test_axes_may_lie_in_a_part_of_a_figure(fit):
    figure = Figure()
    above, _ = figure.subfigures(2, 1)
    assert fit.labels_to_reach(0.95).plot(above.subplots()) is figure
