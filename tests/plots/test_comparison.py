"""The figure of all strategies, tested by its artists."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.figure import Figure

from palm_bayes.data.runs import Runs
from palm_bayes.data.score import Score
from palm_bayes.plots.comparison import plot_comparison


def test_comparison_has_means_medians_and_80_percent_bands(made, artists):
    whole = made.runs(episodes=12)
    runs = whole.first(8)
    expected = made.forecast(runs)
    ax = artists.rendered(plot_comparison(runs, expected, whole)).axes[0]
    for i, strategy in enumerate(runs.strategies):
        curve = expected.sel(strategy=strategy)
        limits = curve.quantile([0.1, 0.9], ["chain", "draw"])
        np.testing.assert_allclose(artists.band(ax.collections[i]).to_numpy().T, limits)
        medians = [one for one in ax.lines if one.get_linewidth() == 1.4]
        np.testing.assert_allclose(medians[i].get_ydata(), curve.median(["chain", "draw"]))
        means = whole.strategy(strategy).table.groupby("labels")["accuracy"].mean()
        dots = [artists.points(one) for one in ax.lines if one.get_marker() == "osD"[i]]
        np.testing.assert_allclose(np.concatenate(dots)[:, 1], means)
        assert [len(part) for part in dots] == [8, 4]


def test_the_part_past_the_data_is_enlarged_with_intervals_at_its_end(made, artists):
    whole = made.runs(episodes=12)
    runs = whole.first(8)
    expected = made.forecast(runs)
    left, right = artists.rendered(plot_comparison(runs, expected, whole)).axes
    assert left.get_ylim()[1] - left.get_ylim()[0] > 2 * (right.get_ylim()[1] - right.get_ylim()[0])
    begins = right.get_xlim()[0]
    assert begins == 350  # the first episode in the last 15 % of the data
    (frame,) = left.patches
    assert (frame.get_x(), frame.get_y()) == (begins, right.get_ylim()[0])
    low, high = right.get_ylim()
    bars = [one.get_ydata() for one in right.lines if one.get_linewidth() == 2]
    found = low + (high - low) * np.array(bars)
    limits = expected.isel(x=-1).quantile([0.1, 0.9], ["chain", "draw"]).transpose("strategy", ...)
    np.testing.assert_allclose(found, limits.to_numpy())


def test_numbers_are_written_in_full_so_that_no_offset_lies_on_a_title(made, artists):
    runs = Runs(made.runs().table.assign(accuracy=0.99), 50.0, Score())
    forecast = made.forecast(runs)
    forecast[:] = 0.99
    right = artists.rendered(plot_comparison(runs, forecast)).axes[1]
    assert right.yaxis.get_offset_text().get_text() == ""
    assert {len(tick.get_text()) for tick in right.get_yticklabels()} == {7}


def test_comparison_is_drawn_on_given_axes(made):
    runs = made.runs()
    ax = Figure().subplots()
    assert plot_comparison(runs, made.forecast(runs), ax=ax) is ax.figure
    assert [text.get_text() for text in ax.texts if text.get_text()[0] == "s"] == ["s2", "s1", "s0"]


@pytest.mark.parametrize("count", [1, 5, 12, 30])
def test_names_at_the_line_ends_keep_apart_and_in_order(count, made, artists):
    runs = made.runs(strategies=count, repetitions=1, episodes=4)
    forecast = made.forecast(runs)
    ends = np.sort(np.random.default_rng(2).uniform(0.89, 0.9, count))
    forecast[:] += ends[:, None] - forecast.median(["chain", "draw"])
    figure = artists.rendered(plot_comparison(runs, forecast))
    boxes = [
        text.get_window_extent() for text in figure.axes[-1].texts if text.get_text()[0] == "s"
    ]
    assert len(boxes) == count
    assert all(low.y1 <= high.y0 for low, high in pairwise(boxes))
    assert all(box.x1 <= figure.bbox.x1 for box in boxes)
    names = [text.get_text() for text in figure.axes[-1].texts if text.get_text()[0] == "s"]
    assert names == list(runs.strategies)
