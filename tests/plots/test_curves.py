"""Figures, tested by their data: lines and bands are read back from the artists."""

import io
import subprocess
import sys
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.figure import Figure

from palm_bayes.data.runs import Runs
from palm_bayes.data.score import Score
from palm_bayes.errors import DataError
from palm_bayes.plots.comparison import plot_comparison
from palm_bayes.plots.curves import plot_curves
from palm_bayes.plots.view import LEVELS


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


def test_bands_are_quantiles_of_a_new_repetition_and_the_line_the_expected_median():
    runs = make_runs()
    expected, new = make_forecast(runs), make_forecast(runs, scope="new", sd=0.03)
    for strategy, ax in panels(rendered(plot_curves(runs, expected, new))).items():
        for level, drawn in zip(LEVELS, ax.collections, strict=True):
            tails = [(1 - level) / 2, (1 + level) / 2]
            limits = new.sel(strategy=strategy).quantile(tails, ["chain", "draw"])
            np.testing.assert_allclose(band(drawn).to_numpy().T, limits)
            np.testing.assert_allclose(band(drawn).index, expected["labels"])
        curve = expected.sel(strategy=strategy)
        median = line(ax, linewidth=1.2).get_ydata()
        np.testing.assert_allclose(median, curve.median(["chain", "draw"]))
        low, high = (one.get_ydata() for one in ax.lines if one.get_linewidth() == 0.6)
        np.testing.assert_allclose(
            [low, high], curve.quantile([0.025, 0.975], ["chain", "draw"]), rtol=1e-12
        )


def test_bands_are_of_the_expected_curve_where_there_is_nothing_wider():
    runs = make_runs()
    figure = plot_curves(runs, make_forecast(runs))
    assert "expected curve: 50, 80, 95 % bands" in texts(figure)
    assert not any("limits" in text for text in texts(figure))
    assert [one for one in figure.axes[0].lines if one.get_linewidth() == 0.6] == []


def test_forecast_may_have_gaps_and_other_strategies_and_its_own_x():
    runs = make_runs(episodes=8)
    new = make_forecast(runs, scope="continuing", extra=("zero",), horizon=4)
    new[{"strategy": 3, "repetition": 1}] = np.nan
    new[{"x": slice(8)}] = np.nan
    before = new.copy()
    figure = rendered(plot_curves(runs, make_forecast(runs), new))
    xr.testing.assert_identical(new, before)
    ahead = band(panels(figure)["s2"].collections[1])
    drawn = new.sel(strategy="s2", repetition="0")[..., 8:]
    np.testing.assert_allclose(ahead.T, drawn.quantile([0.1, 0.9], ["chain", "draw"]))
    np.testing.assert_array_equal(ahead.index, [450, 500, 550, 600])


def test_all_data_are_drawn_and_truth_only_after_them():
    whole = make_runs(episodes=12)
    runs = whole.first(8)
    figure = rendered(plot_curves(runs, make_forecast(runs), truth=whole))
    for strategy, ax in panels(figure).items():
        data, later = (points(line(ax, markersize=size)) for size in (1.9, 2.2))
        table = runs.strategy(strategy).table
        np.testing.assert_array_equal(data, table[["labels", "accuracy"]])
        table = whole.strategy(strategy).table.query("episode > 8")
        np.testing.assert_array_equal(later, table[["labels", "accuracy"]])
    assert "later episodes (not used)" in texts(figure)
    assert texts(figure).count("data end") == 1


def test_repetitions_are_not_joined():
    runs = make_runs(repetitions=3, episodes=5)
    drawn = line(plot_curves(runs, make_forecast(runs)).axes[0], markersize=1.9)
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(drawn.get_xdata())), [5, 11])


def test_nothing_is_said_of_what_is_not_there():
    runs = make_runs()
    said = texts(plot_curves(runs, make_forecast(runs, horizon=0), truth=runs))
    assert "data end" not in said
    assert "later episodes (not used)" not in said


@pytest.mark.parametrize("plot", [plot_curves, plot_comparison])
@pytest.mark.parametrize(
    ("percent", "labels", "words"),
    [
        (False, True, {"Accuracy", "Labels"}),
        (True, True, {"Accuracy (%)", "Labels"}),
        (True, False, {"Accuracy (%)", "Episode"}),
    ],
)
def test_axes_are_in_the_users_units(plot, percent, labels, words):
    runs = make_runs(percent=percent, labels=labels)
    figure = rendered(plot(runs, make_forecast(runs)))
    assert words <= set(texts(figure))
    ax = figure.axes[0]
    assert ax.get_ylim()[1] > (50 if percent else 0.5)
    assert ax.get_ylim()[1] < (104 if percent else 1.04)
    assert max(ax.get_xlim()) > (600 if labels else 12)
    assert max(ax.get_xlim()) < (800 if labels else 16)


def test_labels_that_only_the_runs_know_are_not_shown():
    runs = make_runs()
    expected = make_forecast(make_runs(labels=False))
    assert "Episode" in texts(plot_curves(runs, expected))
    ax = plot_curves(runs, expected).axes[0]
    np.testing.assert_array_equal(points(line(ax, markersize=1.9))[:8, 0], np.arange(1, 9))


def test_outlier_is_marked_and_counted_not_followed():
    runs = make_runs(episodes=20)
    table = runs.table.copy()
    table.loc[[25, 30], "accuracy"] = 0.001
    runs = Runs(table, runs.batch, Score())
    figure = rendered(plot_curves(runs, make_forecast(runs)))
    ax = figure.axes[0]
    assert ax.get_ylim()[0] > 0.1
    marks = line(ax, marker="v")
    np.testing.assert_array_equal(marks.get_xdata(), table.loc[[25, 30], "labels"])
    assert "2 below" in texts(figure)
    assert [one for one in figure.axes[1].lines if one.get_marker() == "v"] == []


def test_wide_band_does_not_squash_the_curves():
    runs = make_runs()
    wide = make_forecast(runs, scope="new", sd=1.0)
    low, high = plot_curves(runs, make_forecast(runs), wide).axes[0].get_ylim()
    medians = make_forecast(runs).median(["chain", "draw"])
    assert float(medians.max() - medians.min()) > 0.5 * (high - low)


def test_flat_curves_are_not_blown_up():
    table = make_runs().table.assign(accuracy=0.5)
    runs = Runs(table, 50.0, Score())
    forecast = make_forecast(runs)
    forecast[:] = 0.5
    low, high = rendered(plot_curves(runs, forecast)).axes[0].get_ylim()
    assert 0 < high - low < 0.05
    assert low < 0.5 < high


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 12])
def test_any_number_of_strategies_has_readable_panels(count):
    runs = make_runs(strategies=count, repetitions=1, episodes=4)
    figure = rendered(plot_curves(runs, make_forecast(runs)))
    assert list(panels(figure)) == list(runs.strategies)
    edges = [ax.get_position() for ax in figure.axes]
    assert all(edge.width * figure.get_figwidth() > 1.5 for edge in edges)
    assert all(edge.height * figure.get_figheight() > 1.2 for edge in edges)
    lowest = [ax for ax in figure.axes if ax.get_xlabel()]
    assert len(lowest) == min(count, 2 if count == 4 else 3)
    assert all(ax.xaxis.get_tick_params()["labelbottom"] for ax in lowest)


def test_ragged_runs_end_where_they_end():
    table = make_runs(strategies=2).table
    table = table[(table["strategy"] == "s1") | (table["episode"] <= 5)]
    runs = Runs.from_frame(table.drop(columns="x"))
    figure = rendered(plot_curves(runs, make_forecast(runs), truth=make_runs(strategies=2)))
    ends = {name: line(ax, linestyle=":").get_xdata()[0] for name, ax in dotted(figure).items()}
    assert ends == {"s0": 250, "s1": 400}
    later = {name: points(line(ax, markersize=2.2)) for name, ax in panels(figure).items()}
    assert later["s0"][:, 0].min() == 300
    assert len(later["s1"]) == 0
    strip = plot_comparison(runs, make_forecast(runs)).axes[0].patches[0]
    assert (strip.get_x(), strip.get_x() + strip.get_width()) == (250, 400)


def dotted(figure):
    """Panels whose only dashed line, at the end of the data, can be found as ":"."""
    for ax in figure.axes:
        for one in ax.lines:
            if one.is_dashed():
                one.set_linestyle(":")
    return panels(figure)


def test_comparison_has_means_medians_and_80_percent_bands():
    whole = make_runs(episodes=12)
    runs = whole.first(8)
    expected = make_forecast(runs)
    ax = rendered(plot_comparison(runs, expected, whole)).axes[0]
    for i, strategy in enumerate(runs.strategies):
        curve = expected.sel(strategy=strategy)
        limits = curve.quantile([0.1, 0.9], ["chain", "draw"])
        np.testing.assert_allclose(band(ax.collections[i]).to_numpy().T, limits)
        medians = [one for one in ax.lines if one.get_linewidth() == 1.4]
        np.testing.assert_allclose(medians[i].get_ydata(), curve.median(["chain", "draw"]))
        means = whole.strategy(strategy).table.groupby("labels")["accuracy"].mean()
        dots = [points(one) for one in ax.lines if one.get_marker() == "osD"[i]]
        np.testing.assert_allclose(np.concatenate(dots)[:, 1], means)
        assert [len(part) for part in dots] == [8, 4]


def test_the_part_past_the_data_is_enlarged_with_intervals_at_its_end():
    whole = make_runs(episodes=12)
    runs = whole.first(8)
    expected = make_forecast(runs)
    left, right = rendered(plot_comparison(runs, expected, whole)).axes
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


def test_numbers_are_written_in_full_so_that_no_offset_lies_on_a_title():
    runs = Runs(make_runs().table.assign(accuracy=0.99), 50.0, Score())
    forecast = make_forecast(runs)
    forecast[:] = 0.99
    right = rendered(plot_comparison(runs, forecast)).axes[1]
    assert right.yaxis.get_offset_text().get_text() == ""
    assert {len(tick.get_text()) for tick in right.get_yticklabels()} == {7}


def test_comparison_is_drawn_on_given_axes():
    runs = make_runs()
    ax = Figure().subplots()
    assert plot_comparison(runs, make_forecast(runs), ax=ax) is ax.figure
    assert [text.get_text() for text in ax.texts if text.get_text()[0] == "s"] == ["s2", "s1", "s0"]


@pytest.mark.parametrize("count", [1, 5, 12, 30])
def test_names_at_the_line_ends_keep_apart_and_in_order(count):
    runs = make_runs(strategies=count, repetitions=1, episodes=4)
    forecast = make_forecast(runs)
    ends = np.sort(np.random.default_rng(2).uniform(0.89, 0.9, count))
    forecast[:] += ends[:, None] - forecast.median(["chain", "draw"])
    figure = rendered(plot_comparison(runs, forecast))
    boxes = [
        text.get_window_extent() for text in figure.axes[-1].texts if text.get_text()[0] == "s"
    ]
    assert len(boxes) == count
    assert all(low.y1 <= high.y0 for low, high in pairwise(boxes))
    assert all(box.x1 <= figure.bbox.x1 for box in boxes)
    names = [text.get_text() for text in figure.axes[-1].texts if text.get_text()[0] == "s"]
    assert names == list(runs.strategies)


@pytest.mark.parametrize("draw", [plot_comparison, plot_curves])
def test_the_key_lies_inside_the_figure(draw):
    whole = make_runs(episodes=12)
    runs = whole.first(8)
    figure = rendered(draw(runs, make_forecast(runs), truth=whole))
    key = figure.legends[0].get_window_extent()
    assert figure.bbox.x0 <= key.x0
    assert key.x1 <= figure.bbox.x1


def test_strategies_past_the_palette_stay_distinct():
    runs = make_runs(strategies=12, repetitions=1)
    ax = plot_comparison(runs, make_forecast(runs)).axes[0]
    medians = [one for one in ax.lines if one.get_linewidth() == 1.4]
    assert len({(one.get_color(), one.is_dashed()) for one in medians}) == 12


def test_palm_fit_is_titled_by_dataset_model_and_strategy():
    runs = make_runs(strategies=3)
    forecast = make_forecast(runs)
    one = runs.strategy("s1")
    figure = rendered(plot_curves(one, forecast, title="digits · mlp · s1"))
    assert figure.get_suptitle() == "digits · mlp · s1"
    assert figure.axes[0].get_title(loc="left") == ""
    ax = Figure().subplots()
    assert plot_curves(one, forecast, title="s1", axes=ax) is ax.figure
    assert len(ax.lines) == len(figure.axes[0].lines)
    assert ax.get_title(loc="left") == "s1"


@pytest.mark.parametrize("plot", [plot_curves, plot_comparison])
def test_title_is_the_task_unless_given(plot):
    runs = make_runs(dataset="digits", model="")
    forecast = make_forecast(runs)
    assert plot(runs, forecast).get_suptitle() == "digits"
    assert plot(runs, forecast, title="mine").get_suptitle() == "mine"
    assert plot(runs, forecast, title="").get_suptitle() == ""


def test_any_name_can_be_drawn():
    runs = make_runs(strategies=2)
    names = {"s0": "$\\bad_{", "s1": "a_very_long_name_" * 6}
    table = runs.table.replace({"strategy": names})
    runs = Runs(table, runs.batch, Score(), dataset="$", model="{")
    for plot in (plot_curves, plot_comparison):
        rendered(plot(runs, make_forecast(runs)))


def test_missing_strategy_is_named():
    runs = make_runs()
    with pytest.raises(DataError, match="s2"):
        plot_curves(runs, make_forecast(runs.select(["s0", "s1"])))


def test_users_style_neither_spoils_nor_is_spoiled():
    runs = make_runs()
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black", "axes.spines.top": True}):
        before = dict(mpl.rcParams)
        ax = plot_curves(runs, make_forecast(runs)).axes[0]
        assert dict(mpl.rcParams) == before
    assert ax.get_facecolor() == (1, 1, 1, 1)
    assert not ax.spines["top"].get_visible()
    assert ax.title.get_fontsize() == 9


def test_text_is_at_least_nine_points():
    runs = make_runs()
    for plot in (plot_curves, plot_comparison):
        figure = plot(runs, make_forecast(runs))
        drawn = [text for text in figure.findobj(mpl.text.Text) if text.get_text()]
        assert min(text.get_fontsize() for text in drawn) >= 9


def test_notebook_shows_it_without_pyplot():
    runs = make_runs()
    figure = plot_curves(runs, make_forecast(runs))
    assert isinstance(figure, Figure)
    png, size = figure._repr_png_()
    assert png.startswith(b"\x89PNG")
    assert size == {"width": 720, "height": 300}
    code = "import sys, palm_bayes.plots.curves; sys.exit('matplotlib.pyplot' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
