"""Figures drawn on axes that a user gave: the same artists, in the user's own figure."""

from dataclasses import replace
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from palm_bayes.data.score import Score
from palm_bayes.errors import DataError
from palm_bayes.palm_fit import PalmFit

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


def drawn_in(style, plot, fit, shape=(1, 2), size=(3.4, 1.8)):
    """A figure of a user with a style: two panels that share their axes, of a column's width."""
    with mpl.rc_context(style):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(*shape, sharex=True, sharey=True)
        plot(fit, axes=axes)
    figure.draw_without_rendering()
    return figure


@pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS)
def test_text_has_the_sizes_of_the_users_style(fit, plot):
    sizes = dict.fromkeys(
        ["font.size", "axes.titlesize", "axes.labelsize", "xtick.labelsize", "ytick.labelsize"], 6
    )
    figure = drawn_in(sizes, plot, fit, size=(7, 2))
    texts = figure.findobj(lambda artist: isinstance(artist, mpl.text.Text) and artist.get_text())
    assert len(texts) > 5
    assert {round(text.get_size()) for text in texts} <= {5, 6}  # 5 in the key


@pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS)
def test_names_are_not_read_as_tex(fit, plot):
    with mpl.rc_context({"text.usetex": True}):
        figure = Figure()
        axes = figure.subplots(1, 2)
        plot(fit, axes=axes)
    texts = figure.findobj(lambda one: isinstance(one, mpl.text.Text) and one.get_text())
    named = [
        text for text in texts if text.get_text() in fit.runs.strategies or "%" in text.get_text()
    ]
    assert len(named) >= 2
    assert not any(text.get_usetex() for text in named)


def test_the_name_of_a_score_is_drawn_as_it_is(fit):
    score = Score("F_$x_{$")
    named = PalmFit(replace(fit.runs, score=score), fit.trace, fit.convergence)
    figure = named.labels_to_reach(0.9).plot()
    figure.draw_without_rendering()
    assert figure.axes[0].get_title(loc="left").endswith("F_$x_{$ 0.9")


def test_the_key_takes_no_room_from_small_panels(fit):
    figure = drawn_in({}, PLOTS["plot"], fit)
    widths = [ax.get_window_extent().width / figure.dpi for ax in figure.axes]
    assert min(widths) > 1.2
    assert figure.axes[0].get_legend().get_texts()


def test_panels_inside_a_grid_are_not_named_again(fit):
    for name in ("plot", "plot_uncertainty"):
        above, below = drawn_in({}, PLOTS[name], fit, (2, 1), (3.4, 4)).axes
        assert above.get_xlabel() == ""
        assert below.get_xlabel() == "Labels"
        left, right = drawn_in({}, PLOTS[name], fit).axes
        assert left.get_ylabel()
        assert right.get_ylabel() == ""


def on_log_axis(draw):
    figure = Figure(figsize=(3.4, 2.2))
    ax = figure.subplots()
    ax.set_xscale("log")
    draw(ax)
    figure.draw_without_rendering()
    return ax


def test_x_may_be_on_a_log_scale(fit, artists):
    found = fit.labels_to_reach(0.95)
    for draw in (
        lambda ax: fit.plot_comparison(ax=ax),
        lambda ax: found.plot(ax=ax),
    ):
        ax = on_log_axis(draw)
        assert ax.get_xscale() == "log"
        to_names = [line for line in ax.lines if line.get_transform() == ax.transAxes]
        assert len(to_names) == len(fit.runs.strategies)
        end = max(x for x, _ in artists.ends(ax))
        at_the_end = ax.transAxes.inverted().transform(ax.transData.transform((end, 0.5)))[0]
        assert [line.get_xdata()[0] for line in to_names] == pytest.approx([at_the_end] * 2)


def test_names_keep_apart_in_a_low_panel(ragged_fit):
    figure = Figure(figsize=(3.4, 2.6))
    ax = figure.subplots()
    ragged_fit.plot_comparison(ax=ax)
    figure.draw_without_rendering()
    names = [text for text in ax.texts if text.get_text() in ragged_fit.runs.strategies]
    boxes = sorted((text.get_window_extent() for text in names), key=lambda box: box.y0)
    assert len(boxes) == len(ragged_fit.runs.strategies)
    gaps = [upper.y0 - lower.y1 for lower, upper in pairwise(boxes)]
    assert min(gaps) > -2  # pixels
