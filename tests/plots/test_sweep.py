"""Figures of a sweep."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from palm_bayes.plots.sweep import plot_winners


def test_winners():
    chances = pd.DataFrame({"a_$x$": [1.0, 0.2], "b": [0.0, np.nan]}, ["one", "two"])
    own = Figure().subplots()
    drawn = plot_winners(chances, own)
    assert drawn is own.figure
    np.testing.assert_array_equal(own.images[0].get_array().filled(np.nan), chances)
    assert own.get_facecolor()[:3] != own.images[0].cmap(0.0)[:3]  # absent is not 0 %
    assert [label.get_text() for label in own.get_xticklabels()] == ["a_$x$", "b"]
