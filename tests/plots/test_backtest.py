"""The page on a backtest, tested by what is drawn."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from palm_bayes import backtest
from palm_bayes.data import example_runs_path
from palm_bayes.errors import DataError
from palm_bayes.evaluation import backtest as backtesting
from palm_bayes.evaluation import scores
from palm_bayes.evaluation.backtest_result import KEY
from palm_bayes.forecast.baselines import NAMES
from palm_bayes.plots import backtest as page


@pytest.fixture
def found(quick_fit, monkeypatch):
    """Two strategies of the example, made-up fits."""
    table = pd.read_csv(example_runs_path()).query("repetition <= 2")
    table = table[table["strategy"] == "random"]
    other = table.assign(strategy="a $very$ long_name of a strategy that must be cut")
    other["accuracy"] *= 0.8
    monkeypatch.setattr(backtesting, "fit_validated", lambda runs, **_: quick_fit(runs))
    return backtest(pd.concat([table, other]), train_episodes=[12, 20])


@pytest.fixture
def drawn(found):
    figure = found.plot()
    figure.canvas.draw()
    return figure


def lines(ax):
    return {line.get_label(): line.get_xydata() for line in ax.lines}


def test_coverage_by_third(drawn, found):
    for ax, scope in zip(drawn.axes[:2], ("mean", "repetition"), strict=True):
        rows = found.scores[found.scores["scope"] == scope].query("forecaster == 'palm_bayes'")
        for third in ("first", "second", "last"):
            part = rows[rows["third"] == third]
            points = lines(ax)[f"{third} third"]
            assert points[:, 0].tolist() == [50, 80, 95]
            expected = 100 * (part["coverage_80"] * part["n"]).sum() / part["n"].sum()
            assert points[1, 1] == pytest.approx(expected)


def test_single_panels_are_drawn_on_axes_that_are_given(drawn, found):
    figure = Figure()
    axes = figure.subplots(1, 3)
    assert found.plot_coverage(axes[0]) is figure
    assert found.plot_coverage(axes[1], scope="repetition") is figure
    assert found.plot_errors(ax=axes[2]) is figure
    for ax, own in zip(axes, drawn.axes[:3], strict=True):
        assert lines(ax).keys() == lines(own).keys()
        for name, points in lines(own).items():
            np.testing.assert_array_equal(lines(ax)[name], points)
    assert len(found.plot_errors().axes) == 1
    assert all(ax.get_legend() for ax in axes)
    with mpl.rc_context({"font.size": 6}):
        small = found.plot_errors(Figure().subplots()).axes[0]
    assert {text.get_size() < 6 for text in small.get_legend().get_texts()} == {True}
    with pytest.raises(DataError, match="no scope 'all': there are mean, repetition"):
        found.plot_coverage(scope="all")


def test_errors_by_distance(drawn, found):
    ahead = found.baselines["episode"] - found.baselines["train_episodes"]
    errors = (found.baselines["pow4"] - found.baselines["observed"]).abs().groupby(ahead).mean()
    np.testing.assert_allclose(lines(drawn.axes[2])["pow4"], errors.reset_index().to_numpy())
    assert len(drawn.axes[2].lines) == len(NAMES) + 1
    words = [text.get_text() for text in drawn.axes[2].get_legend().get_texts()]
    assert words[0] == "palm_bayes"
    dashes = [str(dashes) for _, _, dashes in page._BASELINES.values()]
    assert len(set(dashes)) == len(dashes)  # distinct in grey prints


def test_worst_cells(drawn, found):
    assert len(drawn.axes) == 3 + 2  # a cell once, whatever its training sizes
    scores = found.scores.query("forecaster == 'palm_bayes' and scope == 'mean' and third == 'all'")
    worst = scores.sort_values("crps").iloc[-1]
    first = drawn.axes[3]
    title = first.get_title("left").splitlines()
    assert title[0] == "digits / logistic"
    assert title[1][:10] == worst["strategy"][:10]
    truth = found.forecasts.query("scope == 'mean'").merge(worst[KEY].to_frame().T)
    came = first.lines[2].get_xydata()
    np.testing.assert_allclose(came[:, 1], truth["observed"])
    seen = first.lines[1].get_xydata()
    assert seen[-1, 0] == worst["train_episodes"]


def test_the_sentence_stands_on_top(drawn, found):
    assert " ".join(drawn.get_suptitle().split()) == found.sentence


def test_a_style_of_the_user_does_not_spoil_it(found):
    import matplotlib as mpl

    with mpl.rc_context({"axes.facecolor": "black", "text.usetex": False, "axes.grid": True}):
        ax = found.plot().axes[0]
    assert to_hex(ax.get_facecolor()) == "#ffffff"


def test_it_knows_the_names_in_the_tables():
    assert list(page._BASELINES) == list(NAMES)
    assert list(page._THIRDS) == list(scores.THIRDS)
    assert page._KEY == KEY
