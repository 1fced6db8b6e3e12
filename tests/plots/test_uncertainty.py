"""The figure of where uncertainty comes from, tested by what its artists show."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb


def test_areas_end_at_the_standard_deviation(fit):
    forecast = fit.forecast(horizon=12, scope="new")
    figure = forecast.plot_uncertainty()
    assert len(figure.axes) == len(fit.runs.strategies)
    for ax, strategy in zip(figure.axes, fit.runs.strategies, strict=True):
        assert ax.get_title(loc="left") == strategy
        spread = forecast.uncertainty().sel(strategy=strategy).isel(x=slice(11, None))
        top = ax.lines[0]
        np.testing.assert_allclose(top.get_ydata(), np.sqrt((spread**2).sum("source")))
        np.testing.assert_allclose(top.get_xdata(), spread["labels"])
        assert len(ax.collections) == 3
        highest = max(path.vertices[:, 1].max() for path in ax.collections[-1].get_paths())
        assert highest == pytest.approx(top.get_ydata().max())
        assert top.get_xdata()[0] == 240  # the last labels seen
    (legend,) = figure.legends
    assert len(legend.get_texts()) == 3


def test_areas_are_distinct_in_grey(fit):
    (legend,) = fit.forecast(horizon=4, scope="new").plot_uncertainty().legends
    greys = [np.dot(to_rgb(one.get_facecolor()), (0.3, 0.59, 0.11)) for one in legend.get_patches()]
    assert np.all(np.diff(greys) < -0.15)


def test_the_key_has_the_sources_that_are_there(fit):
    (legend,) = fit.forecast(horizon=4, scope="expected").plot_uncertainty().legends
    said = [text.get_text() for text in legend.get_texts()]
    assert [words.partition(":")[0] for words in said] == ["misfit", "parameters"]


def test_a_single_strategy_and_other_scopes(fit):
    one = fit.runs.strategies[0]
    forecast = fit.forecast(horizon=4, scope="continuing")
    figure = forecast.plot_uncertainty()
    assert np.isfinite(figure.axes[0].lines[0].get_ydata()).any()
    assert fit.plot_uncertainty(horizon=4).axes[0].get_title(loc="left") == one
