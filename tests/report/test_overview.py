"""The overview of a sweep: what it says, from tables that are known."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from palm_bayes.evaluation.sweep_result import Sweep, write
from palm_bayes.report.overview import overview
from palm_bayes.report.page import render

HOSTILE = '<script>alert("1")</script>'


def cell(task, name, effect, **more):
    head = {"source": "", "dataset": task, "model": "m", "strategy": name}
    verdict = {"repetitions": 3, "episodes": 9, "labels": 90, "percent": False, "converged": True}
    verdict |= {"described": True, "advice": "", "finding": "as PALM describes", "r_hat": 1.0}
    verdict |= {"divergences": 0, "attempts": 1, "seed": 1, "trace": "traces/a b.nc"} | more
    compared = {"reference": "random", "p_best": float(effect > 0)}
    compared |= {"log_speed_up": effect, "log_speed_up_sd": 0.05}
    return {"verdicts": columns(head | verdict), "comparison": columns(head | compared)}


def columns(row):
    return {name: [value] for name, value in row.items()}


@pytest.fixture
def found(tmp_path):
    parts = []
    for i in range(8):
        parts += [cell(f"d{i}", "random", 0.0), cell(f"d{i}", HOSTILE, 0.4)]
    bad = {"converged": False, "described": False, "r_hat": 1.2, "advice": "take more draws."}
    parts += [cell("d8", "random", 0.0, **bad, finding="it falls"), cell("d8", HOSTILE, 0.4)]
    row = {"source": "", "dataset": "d9", "model": "m", "strategy": "x"}
    parts.append({"failures": columns(row | {"question": "read", "reason": "row 5 is -3"})})
    write(tmp_path, parts)
    return Sweep.load(tmp_path)


def test_what_it_says(found, tmp_path):
    page = overview(found)
    assert [section.name for section in page.sections] == [
        "speed", "winners", "worst", "aside", "tables",
    ]  # fmt: skip
    first, second = page.verdict.values()
    assert first == (
        "18 cells of 9 tasks fitted, 94.4 % converged, 5.6 % not described by PALM; 1 set aside."
    )
    faster = f"{HOSTILE} (1.49 times; helps on a new task with >99 % probability)"
    assert second == f"Faster than random on average: {faster}."
    speed = page.sections[0].tables[0].frame
    assert speed["tasks"].tolist() == ["8"]  # the one that did not converge is left out
    worst = page.sections[2].tables[0]
    assert worst.frame.iloc[0].tolist() == [
        "d8 / m / random",
        "1.200",
        "0",
        "take more draws.; it falls",
    ]
    assert worst.links == ("traces/a b.nc",)
    text = render(page)
    assert HOSTILE not in text
    assert '<a href="traces/a b.nc">d8 / m / random</a>' in text
    assert "row 5 is -3" in text
    assert "<script" not in text


def test_nothing_fitted(tmp_path):
    write(tmp_path, [])
    page = overview(Sweep.load(tmp_path))
    assert [section.name for section in page.sections] == ["tables"]
    assert list(page.verdict.values())[1] == "No two strategies of a task can be compared."


def test_figures(found):
    pooled = found.speed_ups()
    figure = found.plot_speed_ups()
    (ax,) = figure.axes
    assert [label.get_text() for label in ax.get_yticklabels()] == [HOSTILE]
    thin, thick = (lines.get_segments()[0][:, 0] for lines in ax.collections)
    np.testing.assert_allclose(thin, np.exp(pooled[["new_lower", "new_upper"]].iloc[0]))
    np.testing.assert_allclose(thick, np.exp(pooled[["lower", "upper"]].iloc[0]))
    left, right = Figure().subplots(1, 2)
    assert found.plot_speed_ups(left) is found.plot_winners(right) is left.figure
    assert len(left.collections) == len(ax.collections)
    np.testing.assert_array_equal(right.images[0].get_array(), found.most_decided())
