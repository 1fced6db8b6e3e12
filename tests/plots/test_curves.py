"""Figures, tested by their data: lines and bands are read back from the artists."""

from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib.figure import Figure

from palm_bayes.data.runs import Runs
from palm_bayes.plots.curves import plot_curves
from palm_bayes.plots.view import LEVELS


def test_bands_are_quantiles_of_a_new_repetition_and_the_line_the_expected_median(made, artists):
    runs = made.runs()
    expected, new = made.forecast(runs), made.forecast(runs, scope="new", sd=0.03)
    for strategy, ax in artists.panels(artists.rendered(plot_curves(runs, expected, new))).items():
        for level, drawn in zip(LEVELS, ax.collections, strict=True):
            tails = [(1 - level) / 2, (1 + level) / 2]
            limits = new.sel(strategy=strategy).quantile(tails, ["chain", "draw"])
            np.testing.assert_allclose(artists.band(drawn).to_numpy().T, limits)
            np.testing.assert_allclose(artists.band(drawn).index, expected["labels"])
        curve = expected.sel(strategy=strategy)
        median = artists.line(ax, linewidth=1.2).get_ydata()
        np.testing.assert_allclose(median, curve.median(["chain", "draw"]))
        low, high = (one.get_ydata() for one in ax.lines if one.get_linewidth() == 0.6)
        np.testing.assert_allclose(
            [low, high], curve.quantile([0.025, 0.975], ["chain", "draw"]), rtol=1e-12
        )


def test_bands_are_of_the_expected_curve_where_there_is_nothing_wider(made, artists):
    runs = made.runs()
    figure = plot_curves(runs, made.forecast(runs))
    assert "expected curve: 50, 80, 95 % bands" in artists.texts(figure)
    assert not any("limits" in text for text in artists.texts(figure))
    assert [one for one in figure.axes[0].lines if one.get_linewidth() == 0.6] == []


def test_forecast_may_have_gaps_and_other_strategies_and_its_own_x(made, artists):
    runs = made.runs(episodes=8)
    new = made.forecast(runs, scope="continuing", extra=("zero",), horizon=4)
    new[{"strategy": 3, "repetition": 1}] = np.nan
    new[{"x": slice(8)}] = np.nan
    before = new.copy()
    figure = artists.rendered(plot_curves(runs, made.forecast(runs), new))
    xr.testing.assert_identical(new, before)
    ahead = artists.band(artists.panels(figure)["s2"].collections[1])
    drawn = new.sel(strategy="s2", repetition="0")[..., 8:]
    np.testing.assert_allclose(ahead.T, drawn.quantile([0.1, 0.9], ["chain", "draw"]))
    np.testing.assert_array_equal(ahead.index, [450, 500, 550, 600])


def test_all_data_are_drawn_and_truth_only_after_them(made, artists):
    whole = made.runs(episodes=12)
    runs = whole.first(8)
    figure = artists.rendered(plot_curves(runs, made.forecast(runs), truth=whole))
    for strategy, ax in artists.panels(figure).items():
        data, later = (artists.points(artists.line(ax, markersize=size)) for size in (1.9, 2.2))
        table = runs.strategy(strategy).table
        np.testing.assert_array_equal(data, table[["labels", "accuracy"]])
        table = whole.strategy(strategy).table.query("episode > 8")
        np.testing.assert_array_equal(later, table[["labels", "accuracy"]])
    assert "later episodes (not used)" in artists.texts(figure)
    assert artists.texts(figure).count("data end") == 1


def test_repetitions_are_not_joined(made, artists):
    runs = made.runs(repetitions=3, episodes=5)
    drawn = artists.line(plot_curves(runs, made.forecast(runs)).axes[0], markersize=1.9)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(drawn.get_xdata())), [5, 11])


def test_nothing_is_said_of_what_is_not_there(made, artists):
    runs = made.runs()
    said = artists.texts(plot_curves(runs, made.forecast(runs, horizon=0), truth=runs))
    assert "data end" not in said
    assert "later episodes (not used)" not in said


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 12])
def test_any_number_of_strategies_has_readable_panels(count, made, artists):
    runs = made.runs(strategies=count, repetitions=1, episodes=4)
    figure = artists.rendered(plot_curves(runs, made.forecast(runs)))
    assert list(artists.panels(figure)) == list(runs.strategies)
    edges = [ax.get_position() for ax in figure.axes]
    assert all(edge.width * figure.get_figwidth() > 1.5 for edge in edges)
    assert all(edge.height * figure.get_figheight() > 1.2 for edge in edges)
    lowest = [ax for ax in figure.axes if ax.get_xlabel()]
    assert len(lowest) == min(count, 2 if count == 4 else 3)
    assert all(ax.xaxis.get_tick_params()["labelbottom"] for ax in lowest)


def test_long_names_end_before_the_next_panel(made):
    runs = made.runs(strategies=3, repetitions=1, episodes=4)
    table = runs.table.assign(
        strategy=runs.table["strategy"] + " WITH MMD, AND BATCHES (WACV 2024)"
    )
    runs = Runs(table, runs.batch, runs.score)
    figure = plot_curves(runs, made.forecast(runs))
    figure.draw_without_rendering()
    for ax, beside in pairwise(figure.axes):
        name = ax.findobj(lambda one: isinstance(one, mpl.text.Text) and "…" in one.get_text())[0]
        assert name.get_window_extent().x1 < beside.get_window_extent().x0


def test_palm_fit_is_titled_by_dataset_model_and_strategy(made, artists):
    runs = made.runs(strategies=3)
    forecast = made.forecast(runs)
    one = runs.strategy("s1")
    figure = artists.rendered(plot_curves(one, forecast, title="digits · mlp · s1"))
    assert figure.get_suptitle() == "digits · mlp · s1"
    assert figure.axes[0].get_title(loc="left") == ""
    ax = Figure().subplots()
    assert plot_curves(one, forecast, title="s1", axes=ax) is ax.figure
    assert len(ax.lines) == len(figure.axes[0].lines)
    assert ax.get_title(loc="left") == "s1"
