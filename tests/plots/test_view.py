"""Limits, units, ends of the data, keys and titles of figures of runs and forecasts."""

import numpy as np
import pytest

from palm_bayes.data.runs import Runs
from palm_bayes.data.score import Score
from palm_bayes.errors import DataError
from palm_bayes.plots.comparison import plot_comparison
from palm_bayes.plots.curves import plot_curves


@pytest.mark.parametrize("plot", [plot_curves, plot_comparison])
@pytest.mark.parametrize(
    ("percent", "labels", "words"),
    [
        (False, True, {"Accuracy", "Labels"}),
        (True, True, {"Accuracy (%)", "Labels"}),
        (True, False, {"Accuracy (%)", "Episode"}),
    ],
)
def test_axes_are_in_the_users_units(plot, percent, labels, words, made, artists):
    runs = made.runs(percent=percent, labels=labels)
    figure = artists.rendered(plot(runs, made.forecast(runs)))
    assert words <= set(artists.texts(figure))
    ax = figure.axes[0]
    assert ax.get_ylim()[1] > (50 if percent else 0.5)
    assert ax.get_ylim()[1] < (104 if percent else 1.04)
    assert max(ax.get_xlim()) > (600 if labels else 12)
    assert max(ax.get_xlim()) < (800 if labels else 16)


def test_labels_that_only_the_runs_know_are_not_shown(made, artists):
    runs = made.runs()
    expected = made.forecast(made.runs(labels=False))
    assert "Episode" in artists.texts(plot_curves(runs, expected))
    ax = plot_curves(runs, expected).axes[0]
    np.testing.assert_array_equal(
        artists.points(artists.line(ax, markersize=1.9))[:8, 0], np.arange(1, 9)
    )


def test_outlier_is_marked_and_counted_not_followed(made, artists):
    runs = made.runs(episodes=20)
    table = runs.table.copy()
    table.loc[[25, 30], "accuracy"] = 0.001
    runs = Runs(table, runs.batch, Score())
    figure = artists.rendered(plot_curves(runs, made.forecast(runs)))
    ax = figure.axes[0]
    assert ax.get_ylim()[0] > 0.1
    marks = artists.line(ax, marker="v")
    np.testing.assert_array_equal(marks.get_xdata(), table.loc[[25, 30], "labels"])
    assert "2 below" in artists.texts(figure)
    assert [one for one in figure.axes[1].lines if one.get_marker() == "v"] == []


def test_wide_band_does_not_squash_the_curves(made):
    runs = made.runs()
    wide = made.forecast(runs, scope="new", sd=1.0)
    low, high = plot_curves(runs, made.forecast(runs), wide).axes[0].get_ylim()
    medians = made.forecast(runs).median(["chain", "draw"])
    assert float(medians.max() - medians.min()) > 0.5 * (high - low)


def test_flat_curves_are_not_blown_up(made, artists):
    table = made.runs().table.assign(accuracy=0.5)
    runs = Runs(table, 50.0, Score())
    forecast = made.forecast(runs)
    forecast[:] = 0.5
    low, high = artists.rendered(plot_curves(runs, forecast)).axes[0].get_ylim()
    assert 0 < high - low < 0.05
    assert low < 0.5 < high


def test_ragged_runs_end_where_they_end(made, artists):
    table = made.runs(strategies=2).table
    table = table[(table["strategy"] == "s1") | (table["episode"] <= 5)]
    runs = Runs.from_frame(table.drop(columns="x"))
    figure = artists.rendered(plot_curves(runs, made.forecast(runs), truth=made.runs(strategies=2)))
    for one in (one for ax in figure.axes for one in ax.lines if one.is_dashed()):
        one.set_linestyle(":")  # the only one of a panel, so that it can be found
    ends = {
        name: artists.line(ax, linestyle=":").get_xdata()[0]
        for name, ax in artists.panels(figure).items()
    }
    assert ends == {"s0": 250, "s1": 400}
    later = {
        name: artists.points(artists.line(ax, markersize=2.2))
        for name, ax in artists.panels(figure).items()
    }
    assert later["s0"][:, 0].min() == 300
    assert len(later["s1"]) == 0
    strip = plot_comparison(runs, made.forecast(runs)).axes[0].patches[0]
    assert (strip.get_x(), strip.get_x() + strip.get_width()) == (250, 400)


@pytest.mark.parametrize("draw", [plot_comparison, plot_curves])
def test_the_key_lies_inside_the_figure(draw, made, artists):
    whole = made.runs(episodes=12)
    runs = whole.first(8)
    figure = artists.rendered(draw(runs, made.forecast(runs), truth=whole))
    key = figure.legends[0].get_window_extent()
    assert figure.bbox.x0 <= key.x0
    assert key.x1 <= figure.bbox.x1


@pytest.mark.parametrize("plot", [plot_curves, plot_comparison])
def test_title_is_the_task_unless_given(plot, made):
    runs = made.runs(dataset="digits", model="")
    forecast = made.forecast(runs)
    assert plot(runs, forecast).get_suptitle() == "digits"
    assert plot(runs, forecast, title="mine").get_suptitle() == "mine"
    assert plot(runs, forecast, title="").get_suptitle() == ""


def test_any_name_can_be_drawn(made, artists):
    runs = made.runs(strategies=2)
    names = {"s0": "$\\bad_{", "s1": "a_very_long_name_" * 6}
    table = runs.table.replace({"strategy": names})
    runs = Runs(table, runs.batch, Score(), dataset="$", model="{")
    for plot in (plot_curves, plot_comparison):
        artists.rendered(plot(runs, made.forecast(runs)))


@pytest.mark.parametrize("plot", [plot_curves, plot_comparison])
def test_the_truth_is_runs(plot, made):
    runs = made.runs()
    with pytest.raises(DataError, match="truth is of type DataFrame, but must be Runs, as palm_b"):
        plot(runs, made.forecast(runs), truth=runs.table)


def test_missing_strategy_is_named(made):
    runs = made.runs()
    with pytest.raises(DataError, match="s2"):
        plot_curves(runs, made.forecast(runs.select(["s0", "s1"])))
