"""The report: what is on the page, where it comes from, and how to make it again."""

import pytest

from palm_bayes.decisions.stopping_rules import Budget, Target, Unreachable
from palm_bayes.errors import DataError
from palm_bayes.inference.convergence import Convergence
from palm_bayes.palm_fit import PalmFit
from palm_bayes.report.contents import Questions, report_of
from palm_bayes.report.page import html


def test_the_verdict_is_that_of_the_results(fit, page):
    rule = Target(0.93) | Unreachable(0.93, 600) | Budget(600)
    sentences = [
        fit.decide(rule).sentence,
        fit.compare(600).sentence,
        fit.labels_to_reach(0.93, within=600).sentence,
        fit.convergence.sentence,
    ]
    top = page.text[: page.text.index("Contents")]
    assert [sentence in top for sentence in sentences] == [True] * 4


def test_headings_links_and_captions(page):
    assert [tag for tag, _ in page.tags if tag in {"h1", "h3", "h4"}] == ["h1"]
    ids = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    links = [attrs["href"] for attrs in page.all("a")]
    assert links[0] == "#main"
    assert {link[1:] for link in links} <= ids
    assert {attrs["aria-labelledby"] for _, attrs in page.tags if "aria-labelledby" in attrs} <= ids
    assert all(attrs["scope"] in {"row", "col"} for attrs in page.all("th"))
    assert {"header", "nav", "main", "footer"} <= {tag for tag, _ in page.tags}


def test_without_scripts_nothing_is_folded(page):
    folds = page.all("details")
    assert len(folds) > 8
    assert all("open" in fold for fold in folds)


def test_answers_come_before_what_supports_them(page):
    titles = ("The verdict", "The curves", "How many labels", "Which strategy", "Stop or continue")
    titles += ("Sources of uncertainty", "Can it be relied on", "The parameters")
    places = [page.text.rindex(title) for title in titles]
    assert places == sorted(places)


def test_nothing_is_asked_of_the_network(page, report):
    addresses = [a[k] for _, a in page.tags for k in ("src", "href") if k in a]
    assert [a for a in addresses if not a.startswith(("data:", "#"))] == []
    assert page.all("script") == [{"type": "application/json", "id": "ask-data"}, {}]
    assert "url(" not in html(report)


def test_the_same_fit_gives_the_same_page(fit, page, read, report):
    assert read(html(report_of(fit, report.questions))).tags == page.tags


def test_names_are_escaped(hostile_fit, read, report):
    (name,) = set(hostile_fit.runs.strategies) - {"entropy"}
    text = html(report_of(hostile_fit, report.questions))
    found = read(text)
    assert name in found.text
    assert name in found.all("img")[0]["alt"]
    assert len(found.all("script")) == text.count("<script") == 2  # both are our own


def test_doubts_come_first(fit, read):
    table = fit.convergence.table.copy()
    table.loc["random", ["passed", "advice"]] = [False, "take more draws."]
    doubted = PalmFit(fit.runs, fit.trace, Convergence(table))
    text = read(html(report_of(doubted, Questions()))).text
    doubt = text.index("Do not rely on this page yet")
    assert text.index("The verdict") < doubt < text.index("Which strategy?")
    assert "random: take more draws." in text


def test_it_is_written_whole_or_not_at_all(fit, tmp_path, monkeypatch):
    written = fit.report(tmp_path / "new" / "report.html", target=0.93)
    assert written.read_text(encoding="utf-8").startswith("<!doctype html>")
    with pytest.raises(DataError, match="is a folder"):
        fit.report(tmp_path)
    with pytest.raises(DataError, match=r"must end in \.html"):
        fit.report(tmp_path / "report.pdf")
    with pytest.raises(DataError, match="the target is 120"):
        fit.report(tmp_path / "other.html", target=120)
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
