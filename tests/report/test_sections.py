"""Sections of the page: which there are, and that they show the results."""

from dataclasses import replace

import pandas as pd

from palm_bayes.data.score import Score
from palm_bayes.inference.convergence import Convergence
from palm_bayes.palm_fit import PalmFit
from palm_bayes.report.contents import Questions, report_of
from palm_bayes.report.page import html


def test_figures_are_inside_and_told_in_words(page, fit):
    pictures = page.all("img")
    assert len(pictures) == 5
    assert all(picture["src"].startswith("data:image/svg+xml;base64,") for picture in pictures)
    told = fit.forecast(horizon=18).draws.sel(strategy="entropy").isel(x=-1).median()
    assert f"{float(told):.3f}" in pictures[0]["alt"]
    assert "random" in pictures[2]["alt"]


def test_without_a_target_nothing_is_said_of_it(fit, read):
    found = read(html(report_of(fit, Questions())))
    assert "How many labels" not in found.text
    assert "Stop or continue" not in found.text
    assert len(found.all("img")) == 4


def test_one_strategy_is_compared_with_none(fit, read):
    runs = fit.runs.strategy("random")
    trace = fit.trace.map_over_datasets(
        lambda part: part.sel(strategy=["random"]) if "strategy" in part.dims else part
    )
    alone = PalmFit(runs, trace, Convergence(fit.convergence.table.loc[["random"]]))
    report = report_of(alone, Questions(target=0.93))
    found = read(html(report))
    assert "Which strategy" not in found.text
    assert "How good is the strategy?" in found.text
    assert len(found.all("img")) == 3
    assert report.document()["labels_to_reach"]["strategies"][0]["strategy"] == "random"


def test_episodes_where_labels_are_unknown(fit, read):
    table = fit.runs.table.assign(labels=float("nan"))
    unlabelled = PalmFit(replace(fit.runs, table=table, batch=1.0), fit.trace, fit.convergence)
    report = report_of(unlabelled, Questions(target=0.93))
    assert report.decision is None  # rules count labels
    text = read(html(report)).text
    assert "Today (12 episodes)" in text
    assert "Stop or continue" not in text
    assert "Whether to stop is not answered: labels are unknown" in text


def test_what_is_answered_is_not_said_to_be_unanswered(report):
    assert "not answered" not in report.sentence


def test_notes_of_the_data_are_told(fit, read):
    noted = replace(fit.runs, notes=("Batches are uneven.",), dataset="CIFAR-10", model="")
    text = read(html(report_of(PalmFit(noted, fit.trace, fit.convergence), Questions()))).text
    assert "Batches are uneven." in text
    assert "CIFAR-10" in text


def test_percent_stays_percent(fit, read):
    report = report_of(
        PalmFit(replace(fit.runs, score=Score(percent=True)), fit.trace, fit.convergence),
        Questions(target=93),
    )
    assert report.needed.target == 93
    numbers = pd.DataFrame(report.document()["comparison"]["ranking"])
    assert (numbers["median"] > 50).all()
    assert f"{numbers['median'][0]:.1f} [" in read(html(report)).text
