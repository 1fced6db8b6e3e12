"""Enlargements of forecasts inside panels, tested by where they are and what they show."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from palm_bayes.data.runs import Runs
from palm_bayes.plots.curves import plot_curves
from palm_bayes.plots.style import sheet


def steep(made, **options):
    """Runs whose later episodes differ little, and forecasts of them."""
    runs = made.runs(episodes=16, **options)
    scopes = {"expected": 0.004, "new": 0.008}
    forecasts = [made.forecast(runs, horizon=14, scope=name, sd=sd) for name, sd in scopes.items()]
    return runs, *forecasts


def as_errors(runs):
    table = runs.table.drop(columns="x")
    return Runs.from_frame(table.assign(accuracy=1 - table["accuracy"]), lower_is_better=True)


@pytest.mark.parametrize("falls", [False, True])
def test_an_enlargement_shows_all_that_follows_the_data_and_covers_nothing(falls, made, artists):
    runs, expected, new = steep(made)
    runs = as_errors(runs) if falls else runs
    figure = artists.rendered(plot_curves(runs, expected, new))
    later = new.sel(x=new["x"] >= 16).quantile([0.025, 0.975], ["chain", "draw"])
    later = 1 - later if falls else later
    for ax in figure.axes:
        (inside,) = ax.child_axes
        low, high = inside.get_ylim()
        assert low < later.min() < later.max() < high
        assert inside.get_xlim() == (800, ax.get_xlim()[1])
        box = inside.get_window_extent()
        # Where its x are in the panel, so are they here.
        assert ax.transData.transform((800, 0))[0] == pytest.approx(box.x0)
        drawn = [artists.points(line) for line in ax.lines if line.get_transform() == ax.transData]
        bands = [path.vertices for band in ax.collections for path in band.get_paths()]
        places = ax.transData.transform(np.concatenate([*drawn, *bands]))
        assert not any(box.contains(*place) for place in places)
        assert (box.y0 > places[:, 1].mean()) == falls
    limits = {ax.child_axes[0].get_ylim() for ax in figure.axes}
    assert len(limits) == 1


def test_words_stay_beside_the_enlargement(made, artists):
    runs, expected, new = steep(made)
    first = artists.rendered(plot_curves(runs, expected, new)).axes[0]
    (words,) = [text for text in first.texts if text.get_text() == "data end"]
    assert not words.get_window_extent().overlaps(first.child_axes[0].get_window_extent())


def test_there_is_none_without_room_or_need_or_on_given_axes(made):
    runs = made.runs()
    rising = plot_curves(runs, made.forecast(runs), made.forecast(runs, scope="new", sd=0.03))
    assert [ax.child_axes for ax in rising.axes] == [[]] * 3
    runs, *_ = steep(made)
    over = plot_curves(runs, made.forecast(runs, horizon=0))
    assert [ax.child_axes for ax in over.axes] == [[]] * 3
    with sheet(None, (3.3, 2.8)):
        low = plot_curves(*steep(made, strategies=6))
    assert [ax.child_axes for ax in low.axes] == [[]] * 6
    runs, expected, new = steep(made, strategies=1)
    ax = Figure().subplots()
    plot_curves(runs, expected, new, axes=ax)
    assert ax.child_axes == []


def test_a_narrow_key_is_inside_its_figure(made, artists):
    whole = made.runs(episodes=12)
    runs = whole.first(8)
    with sheet(None, (3.3, 5)):
        figure = plot_curves(runs, made.forecast(runs), made.forecast(runs, scope="new"), whole)
        box = artists.rendered(figure).legends[0].get_window_extent()
    assert 0 <= box.x0 < box.x1 <= figure.bbox.x1
