"""What all figures have in common: colours, text, a user's style, display in notebooks."""

import io
import itertools
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from palm_bayes.data.runs import Runs
from palm_bayes.plots import style
from palm_bayes.plots.comparison import plot_comparison
from palm_bayes.plots.curves import plot_curves
from palm_bayes.plots.style import sheet, tone


def test_strategies_past_the_palette_stay_distinct(made):
    runs = made.runs(strategies=12, repetitions=1)
    ax = plot_comparison(runs, made.forecast(runs)).axes[0]
    medians = [one for one in ax.lines if one.get_linewidth() == 1.4]
    assert len({(one.get_color(), one.is_dashed()) for one in medians}) == 12


def test_looks_are_distinct_in_three_rounds_of_the_palette():
    assert len({(look.colour, look.dash) for look in map(tone, range(21))}) == 21


def test_users_style_neither_spoils_nor_is_spoiled(made):
    runs = made.runs()
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "black", "axes.spines.top": True}):
        before = dict(mpl.rcParams)
        ax = plot_curves(runs, made.forecast(runs)).axes[0]
        assert dict(mpl.rcParams) == before
    assert ax.get_facecolor() == (1, 1, 1, 1)
    assert not ax.spines["top"].get_visible()
    assert ax.title.get_fontsize() == 9


@pytest.mark.parametrize(("style", "light"), [("dark_background", True), ("grayscale", False)])
def test_style_sheets_give_ground_and_colours(style, light, made, artists):
    runs = made.runs()
    with sheet(style):
        figure = plot_curves(runs, made.forecast(runs))
        cycle = mpl.style.library[style]["axes.prop_cycle"].by_key()["color"]
        assert tone(len(cycle)).colour == tone(0).colour == cycle[0]
    ax, key = figure.axes[0], figure.legends[0]
    median = next(line for line in ax.lines if line.get_linewidth() == 1.2)
    drawn = [median.get_color(), artists.line(ax, markersize=1.9).get_markerfacecolor()]
    drawn += [line.get_color() for line in key.get_lines() if line.get_linewidth() == 1.2]
    assert len(drawn) == 3
    assert {np.mean(mpl.colors.to_rgb(colour)) > 0.5 for colour in drawn} == {light}


def test_sizes_by_name_of_a_style_sheet_do_not_spoil_it(made):
    runs = made.runs(strategies=5)
    with sheet("ggplot"):  # titles are x-large
        ax = plot_curves(runs, made.forecast(runs)).axes[0]
    assert ax.title.get_fontsize() == mpl.style.library["ggplot"]["font.size"]


@pytest.mark.parametrize("plot", [plot_curves, plot_comparison])
def test_a_column_of_a_journal_holds_its_text(plot, made):
    runs = made.runs(strategies=6, dataset="digits")
    with sheet(None, (3.3, 3.6)):
        figure = plot(runs, made.forecast(runs))
    figure.draw_without_rendering()
    assert tuple(figure.get_size_inches()) == (3.3, 3.6)
    drawn = [one for one in figure.findobj(mpl.text.Text) if one.get_text() and one.get_visible()]
    assert {text.get_fontsize() for text in drawn} == {6}
    boxes = [text.get_window_extent() for text in drawn if text.get_text() in runs.strategies]
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    for box in (*boxes, figure.legends[0].get_window_extent()):
        assert figure.bbox.x0 <= box.x0
        assert box.x1 <= figure.bbox.x1


def test_text_is_at_least_nine_points(made):
    runs = made.runs()
    for plot in (plot_curves, plot_comparison):
        figure = plot(runs, made.forecast(runs))
        drawn = [text for text in figure.findobj(mpl.text.Text) if text.get_text()]
        assert min(text.get_fontsize() for text in drawn) >= 9


def test_pdf_has_truetype_fonts(made):
    runs = made.runs()
    file = io.BytesIO()
    plot_curves(runs, made.forecast(runs)).savefig(file, format="pdf")
    assert b"/TrueType" in file.getvalue() or b"/CIDFontType2" in file.getvalue()
    assert b"/Type3" not in file.getvalue()


def test_notebook_shows_it_without_pyplot(made):
    runs = made.runs()
    figure = plot_curves(runs, made.forecast(runs))
    assert isinstance(figure, Figure)
    png, size = figure._repr_png_()
    assert png.startswith(b"\x89PNG")
    assert size == {"width": 720, "height": 300}
    code = "import sys, palm_bayes.plots.curves; sys.exit('matplotlib.pyplot' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_names_that_the_font_lacks_have_another(made, monkeypatch):
    monkeypatch.setattr(style, "_FALLBACKS", ("DejaVu Serif", "not installed"))
    runs = made.runs(strategies=2)
    names = {"s0": "\u8fb9\u9645\u91c7\u6837", "s1": "marge"}  # the first in Chinese
    table = runs.table.replace({"strategy": names}).drop(columns="x")
    forecast = made.forecast(runs).assign_coords(strategy=[*names.values()])
    figure = plot_curves(Runs.from_frame(table), forecast)
    with pytest.warns(UserWarning, match=r"font\(s\) .*DejaVu Serif"):  # nor has it them
        figure.draw_without_rendering()
    fonts = {text.get_text(): text.get_fontfamily() for text in figure.findobj(mpl.text.Text)}
    assert fonts[names["s0"]] == ["sans-serif", "DejaVu Serif"]
    assert fonts["marge"] == ["sans-serif"]


def test_threads_leave_the_users_settings(made):
    runs, before = made.runs(), dict(mpl.rcParams)
    forecast = made.forecast(runs)
    with ThreadPoolExecutor(4) as threads:
        figures = [threads.submit(plot_curves, runs, forecast) for _ in range(8)]
    for figure in figures:
        assert figure.result().axes[0].title.get_fontsize() == 9
    assert dict(mpl.rcParams) == before
