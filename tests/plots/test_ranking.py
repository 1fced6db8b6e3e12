"""What the figure of a comparison shows."""

import numpy as np
import pytest


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


def test_names_with_signs_are_drawn_as_they_are(fit):
    found = fit.compare(500)
    object.__setattr__(found, "paths", found.paths.assign_coords(strategy=["a_$x$", "b$"]))
    object.__setattr__(found, "reference", "b$")
    found.plot().draw_without_rendering()
