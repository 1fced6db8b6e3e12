"""What the figure of a comparison shows."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from palm_bayes.data.score import Score
from palm_bayes.plots.ranking import plot_ranking


@pytest.fixture(scope="module")
def drawn(fit):
    found = fit.compare(500)
    return found, found.plot()


def test_first_is_on_top_at_zero(drawn):
    found, figure = drawn
    left = figure.axes[0]
    names = [label.get_text() for label in left.get_yticklabels()]
    assert names == list(found.ranking["strategy"])
    dots = [line.get_xdata()[0] for line in left.lines if line.get_marker() == "o"]
    row = found.pairs.set_index("strategy").loc[names[1]]
    assert dots == pytest.approx([0, row["median"]])


def test_the_grey_strip_is_explained(drawn):
    _, figure = drawn
    assert figure.axes[0].get_xlabel().endswith("\ngrey: at most 0.01 apart")


def test_probabilities_are_those_of_the_table(drawn):
    found, figure = drawn
    lines = figure.axes[1].lines[: len(found.strategies)]
    sums = np.sum([line.get_ydata() for line in lines], axis=0)
    assert sums == pytest.approx(np.ones(len(sums)))
    assert "data end" in [text.get_text() for text in figure.axes[1].texts]


def test_strategies_past_the_palette_stay_distinct_in_both_panels():
    names = [f"s{i}" for i in range(10)]
    at = np.arange(100, 600, 100)
    p_best = pd.DataFrame(0.1, at, names)
    middle = -0.01 * np.arange(10)
    behind = pd.DataFrame({"median": middle, "lower": middle - 0.01, "upper": middle + 0.01}, names)
    figure = plot_ranking(
        behind, p_best, at=300, seen=None, unit="labels", rope=0.01, score=Score(), probability=0.9
    )
    for ax, width, count in zip(figure.axes, (2, 1.4), (9, 10), strict=True):
        lines = [
            line for line in ax.lines if line.get_linewidth() == width and len(line.get_xdata()) > 1
        ]
        assert len({(line.get_color(), line.is_dashed()) for line in lines}) == count
    solid = [line for line in figure.axes[0].lines if line.get_linewidth() == 0.6][1:]
    ends = [tuple(line.get_xdata()) for line in solid]
    assert ends == [tuple(row) for row in behind[["lower", "upper"]].to_numpy()[1:]]


def test_names_with_signs_are_drawn_as_they_are(fit):
    found = fit.compare(500)
    object.__setattr__(found, "paths", found.paths.assign_coords(strategy=["a_$x$", "b$"]))
    object.__setattr__(found, "reference", "b$")
    found.plot().draw_without_rendering()


@pytest.mark.parametrize("place", ["first", "last"])
def test_names_of_lines_stay_inside_the_panel(place):
    line = np.linspace(0.9, 0.1, 9) if place == "first" else np.linspace(0.1, 0.9, 9)
    p_best = pd.DataFrame({"a_long_strategy_name": line, "b": 1 - line}, np.arange(100, 1000, 100))
    behind = pd.DataFrame({"median": [0, -0.01], "lower": [0, -0.02], "upper": [0, 0.01]})
    figure = plot_ranking(
        behind.set_axis(p_best.columns), p_best, at=500, seen=None, unit="labels", rope=0.01,
        score=Score(), probability=0.9,
    )  # fmt: skip
    figure.draw_without_rendering()
    right = figure.axes[1]
    (name,) = (text for text in right.texts if text.get_text() == "a_long_strategy_name")
    inside, frame = name.get_window_extent(), right.get_window_extent()
    assert frame.x0 < inside.x0
    assert inside.x1 < frame.x1 + 5  # pixels


def test_likely_lines_are_named_where_there_is_room():
    at = np.arange(100, 1000, 100)
    lines = {"best": 0.42, "second": 0.32, "near": 0.30, "last": 0.1}
    p_best = pd.DataFrame(lines, at)
    p_best.loc[500:, ["best", "near", "last"]] = 0.48, 0.05, 0.15
    behind = pd.DataFrame({"median": 0.0, "lower": -0.01, "upper": 0.0}, list(lines))
    right = plot_ranking(
        behind, p_best, at=500, seen=500, unit="labels", rope=0.01, score=Score(), probability=0.9
    ).axes[1]
    names = {text.get_text(): text.xy for text in right.texts}
    assert set(names) == {"best", "second", "data end"}
    assert names["second"][0] > 500
    assert names["data end"][1] == pytest.approx((0.48 + 1) / 2)  # where no line is


def test_names_stay_inside_limits_that_a_user_set():
    at = np.arange(100, 2000, 50)
    humps = [0.9 * np.exp(-(((at - top) / 250) ** 2)) for top in (700, 1300)]
    names = ["a_long_strategy_name", "another_long_strategy"]
    behind = pd.DataFrame({"median": [0, -0.01], "lower": [0, -0.02], "upper": [0, 0.01]}, names)
    axes = Figure(figsize=(8, 3), layout="constrained").subplots(1, 2)
    axes[1].set_xlim(600, 1400)
    plot_ranking(
        behind, pd.DataFrame(dict(zip(names, humps, strict=True)), at), at=1000, seen=None,
        unit="labels", rope=0.01, score=Score(), probability=0.9, axes=axes,
    ).draw_without_rendering()  # fmt: skip
    frame = axes[1].get_window_extent()
    for text in (text for text in axes[1].texts if text.get_text() in names):
        assert frame.x0 <= text.get_window_extent().x0 + 1
        assert text.get_window_extent().x1 <= frame.x1 + 5  # pixels
