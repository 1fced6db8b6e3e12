"""The report: what is on the page, where it comes from, and how to make it again."""

import shlex
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import palm_bayes
from palm_bayes.cli import app as cli
from palm_bayes.data.names import X_FILE, Y_FILE
from palm_bayes.data.score import Score
from palm_bayes.decisions.rule_logic import AllOf, AnyOf
from palm_bayes.decisions.stopping_rules import Budget, NetValue, Plateau, Pool, Target, Unreachable
from palm_bayes.errors import DataError
from palm_bayes.inference.convergence import Convergence
from palm_bayes.inference.saved import about_fit
from palm_bayes.palm_fit import PalmFit
from palm_bayes.report import recipe
from palm_bayes.report.contents import Questions, report_of
from palm_bayes.report.page import html

ASKED = Questions(target=0.93, within=600)


class Page(HTMLParser):
    """The tags of a page, with their attributes, and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data.replace("\N{NO-BREAK SPACE}", " ")

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def report(fit):
    return report_of(fit, ASKED)


@pytest.fixture(scope="module")
def page(report):
    return Page(html(report))


def test_its_expected_curves_are_those_of_a_forecast(report, fit):
    draws = fit.forecast(horizon=18).draws.drop_vars("future")
    xr.testing.assert_allclose(report.expected, draws, atol=1e-12)


def test_its_reliability_is_that_of_its_furthest_answer(report, fit):
    """The labels needed are sought up to 960, the comparison is at 600."""
    assert report.furthest == report.needed.until > report.until
    assert fit.worth(960) in report.verdict["Can it be relied on?"]


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


def test_a_page_shows_the_tables_of_the_commands(fit, page):
    from palm_bayes.report.tables import budgeted, compared, decided

    found = fit.labels_to_reach(0.93, within=600)
    rule = ASKED.stop_rule
    shown = budgeted(found) | compared(fit.compare(600)) | decided(fit.decide(rule))
    cells = [cell for table in shown.values() for cell in table.to_numpy().ravel()]
    assert [cell for cell in cells if cell not in page.text] == []


def test_headings_links_and_captions(page):
    assert [tag for tag, _ in page.tags if tag in {"h1", "h3", "h4"}] == ["h1"]
    ids = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    links = [attrs["href"] for attrs in page.all("a")]
    assert links[0] == "#main"
    assert {link[1:] for link in links} <= ids
    assert {attrs["aria-labelledby"] for _, attrs in page.tags if "aria-labelledby" in attrs} <= ids
    assert all(attrs["scope"] in {"row", "col"} for attrs in page.all("th"))
    assert {"header", "nav", "main", "footer"} <= {tag for tag, _ in page.tags}


def test_figures_are_inside_and_told_in_words(page, fit):
    pictures = page.all("img")
    assert len(pictures) == 5
    assert all(picture["src"].startswith("data:image/svg+xml;base64,") for picture in pictures)
    told = fit.forecast(horizon=18).draws.sel(strategy="entropy").isel(x=-1).median()
    assert f"{float(told):.3f}" in pictures[0]["alt"]
    assert "random" in pictures[2]["alt"]


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


def test_the_same_fit_gives_the_same_page(fit, page):
    assert Page(html(report_of(fit, ASKED))).tags == page.tags


def test_names_are_escaped(hostile_fit):
    (name,) = set(hostile_fit.runs.strategies) - {"entropy"}
    text = html(report_of(hostile_fit, ASKED))
    found = Page(text)
    assert name in found.text
    assert name in found.all("img")[0]["alt"]
    assert len(found.all("script")) == text.count("<script") == 2  # both are our own


def test_without_a_target_nothing_is_said_of_it(fit):
    found = Page(html(report_of(fit, Questions())))
    assert "How many labels" not in found.text
    assert "Stop or continue" not in found.text
    assert len(found.all("img")) == 4


def test_one_strategy_is_compared_with_none(fit):
    runs = fit.runs.strategy("random")
    trace = fit.trace.map_over_datasets(
        lambda part: part.sel(strategy=["random"]) if "strategy" in part.dims else part
    )
    alone = PalmFit(runs, trace, Convergence(fit.convergence.table.loc[["random"]]))
    report = report_of(alone, Questions(target=0.93))
    found = Page(html(report))
    assert "Which strategy" not in found.text
    assert "How good is the strategy?" in found.text
    assert len(found.all("img")) == 3
    assert report.document()["labels_to_reach"]["strategies"][0]["strategy"] == "random"


def test_doubts_come_first(fit):
    table = fit.convergence.table.copy()
    table.loc["random", ["passed", "advice"]] = [False, "take more draws."]
    doubted = PalmFit(fit.runs, fit.trace, Convergence(table))
    text = Page(html(report_of(doubted, Questions()))).text
    doubt = text.index("Do not rely on this page yet")
    assert text.index("The verdict") < doubt < text.index("Which strategy?")
    assert "random: take more draws." in text


def test_episodes_where_labels_are_unknown(fit):
    table = fit.runs.table.assign(labels=float("nan"))
    unlabelled = PalmFit(replace(fit.runs, table=table, batch=1.0), fit.trace, fit.convergence)
    report = report_of(unlabelled, Questions(target=0.93))
    assert report.decision is None  # rules count labels
    text = Page(html(report)).text
    assert "Today (12 episodes)" in text
    assert "Stop or continue" not in text


def test_a_budget_needs_a_target(fit):
    with pytest.raises(DataError, match="is only a limit: add --target or a stop rule"):
        report_of(fit, Questions(within=600))


def test_a_budget_is_of_the_pool():
    with pytest.raises(DataError, match="is 600, but must be at most the pool"):
        Questions(within=600, pool=599)
    assert Questions(within=600, pool=600).pool == 600


def _flat(rule):
    """Leave out how "any of" was nested, which means nothing."""
    if not isinstance(rule, AnyOf | AllOf):
        return rule
    parts = [_flat(part) for part in rule.rules]
    if isinstance(rule, AllOf):
        return AllOf(tuple(parts))
    return AnyOf(tuple(p for q in parts for p in (q.rules if isinstance(q, AnyOf) else [q])))


RULES = [
    None,
    Target(0.93, 0.9),
    Plateau(0.01, 60) | NetValue(0.5, 80, 2) | Budget(600) | Pool(900),
    Target(0.9) & Plateau(0.01, 60),
    (Target(0.9) & Plateau(0.01, 60)) | Budget(500),
]


@pytest.mark.parametrize("rule", RULES)
def test_python_of_the_recipe_asks_the_same(fit, rule):
    asked = Questions(target=0.93, rule=rule, strategy="random", at=300)
    code = recipe.python(report_of(fit, asked, seed=3))
    called = {}
    told = replace(fit.runs)  # a stand-in needs to know its runs only

    class Asked:
        runs = told

        def report(self, path, **options):
            called["report"] = options

    def fitted(data, **options):
        called["fit"] = data, options
        return Asked()

    kept, palm_bayes.fit = palm_bayes.fit, fitted
    try:
        exec(code, {})
    finally:
        palm_bayes.fit = kept
    seed, questions = called["report"].pop("seed"), Questions(**called["report"])
    assert (seed, replace(questions, rule=None)) == (3, replace(asked, rule=None))
    assert repr(_flat(questions.rule)) == repr(_flat(rule))
    assert called["fit"][1]["seed"] == 1
    assert called["fit"][1]["priors"] == "default"


@pytest.mark.parametrize(
    ("files", "path"),
    [
        (["runs.csv"] * 2, "runs.csv"),
        (["out/margin_1.csv", "out/margin_2.csv"], "out"),
        (["out/margin/run_1/acc.csv", "out/random/run_1/acc.csv"], "out"),
        (["runs.csv", "/lab/runs.csv"], ["runs.csv", "/lab/runs.csv"]),
    ],
)
def test_the_recipe_names_what_holds_all_files(fit, files, path):
    runs = dict(zip(fit.runs.origins, files, strict=False))
    assert recipe.data_path(replace(fit.runs, origins=runs)) == path


def test_the_recipe_reads_the_same_data(fit):
    options = recipe.reading(fit.runs)
    again = palm_bayes.read(recipe.data_path(fit.runs), **options)
    assert again.sha256() == fit.runs.sha256()


@pytest.mark.parametrize(
    ("names", "read"),
    [
        (["margin_1"], ""),
        (["margin_3"], ""),
        (["margin_1", "margin_3"], "margin_3"),
        (["random"], ""),
        (["margin_1"], f"margin_1/{Y_FILE}"),
    ],
)
def test_the_recipe_reads_the_same_run_of_a_palm_folder(tmp_path, names, read):
    for i, name in enumerate(names):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / Y_FILE, np.linspace(0.5, 0.8, 5) + 0.01 * i)
        np.save(tmp_path / name / X_FILE, 20 * np.arange(1, 6))
    runs = palm_bayes.read(tmp_path / read)
    again = palm_bayes.read(recipe.data_path(runs), **recipe.reading(runs))
    assert again.sha256() == runs.sha256()


def test_the_recipe_lists_files_without_a_folder_in_common(tmp_path, monkeypatch, fit):
    monkeypatch.chdir(tmp_path)
    there = fit.runs.table.drop(columns="x")
    (tmp_path / "lab").mkdir()
    files = ["random.csv", str(tmp_path / "lab" / "entropy.csv")]
    for file, (_, part) in zip(files, there.groupby("strategy", sort=False), strict=True):
        part.to_csv(file, index=False)
    told = replace(fit, runs=palm_bayes.read(files))
    again = palm_bayes.read(recipe.data_path(told.runs), **recipe.reading(told.runs))
    assert again.sha256() == told.runs.sha256()
    first, _ = recipe.shell(report_of(told, Questions())).replace("\\\n", " ").splitlines()
    assert shlex.split(first)[2:4] == files


def test_the_recipe_tells_how_to_read(fit):
    how = {"columns": {"accuracy": "test_acc"}, "layout": "wide", "pool": 500.0}
    told = PalmFit(replace(fit.runs, read_with=how), fit.trace, fit.convergence)
    report = report_of(told, Questions())
    assert recipe.reading(told.runs).items() >= how.items()
    assert "columns={'accuracy': 'test_acc'}," in recipe.python(report)
    first, _ = recipe.shell(report).replace("\\\n", " ").strip().splitlines()
    words = shlex.split(first)
    assert words[words.index("--column") + 1] == "accuracy=test_acc"
    assert words[words.index("--layout") + 1] == "wide"
    assert words[words.index("--pool") + 1] == "500"


@pytest.mark.parametrize(
    ("asked", "at"),
    [
        (Questions(), 240),
        (Questions(target=0.93, within=600), 600),
        (Questions(target=0.93, within=600, at=300), 300),
        (Questions(target=0.5), 240),
    ],
)
def test_strategies_are_compared_where_the_question_is(fit, asked, at):
    assert report_of(fit, asked).comparison.at == at


def test_nothing_is_compared_at_0_labels(fit):
    for asked in (Questions(at=0), Questions(target=0.93, within=600, at=0)):
        with pytest.raises(DataError, match="at is 0, but must be at least"):
            report_of(fit, asked)


@pytest.mark.parametrize(
    "asked",
    [
        Questions(target=0.9),
        Questions(target=0.9, assurance=0.9, within=600, pool=900, at=300, strategy="random"),
        Questions(rule=NetValue(0.5, 80, 2) | Plateau(0.01, 60)),
        Questions(
            target=0.9, within=600, rule=Target(0.9) | Unreachable(0.9, 600, 0.1) | Budget(600)
        ),
    ],
)
def test_commands_of_the_recipe_make_the_same_page(fit, asked, tmp_path, monkeypatch):
    report = report_of(fit, asked)
    _, last = recipe.shell(report).replace("\\\n", " ").strip().splitlines()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "palm_fit_out").mkdir()
    fit.save(tmp_path / "palm_fit_out" / "trace.nc")
    assert cli.main(shlex.split(last)[1:]) == 0
    text = Page((tmp_path / "report.html").read_text(encoding="utf-8")).text
    assert all(finding.reason in text for finding in report.decision.decisive)
    assert all(finding.rule in text for finding in report.decision.findings)
    assert report.comparison.sentence in text


@pytest.mark.parametrize(
    "rule",
    [
        Target(0.9) & Plateau(0.01, 60),
        Target(0.9) | Plateau(0.01, 60, 0.7),
        Target(0.9) | Budget(600),  # with a budget the command adds a rule
    ],
)
def test_no_command_is_told_where_it_would_ask_something_else(fit, rule):
    assert recipe.shell(report_of(fit, Questions(target=0.9, rule=rule))) is None


def test_own_priors_are_asked_for(fit, monkeypatch):
    about = about_fit(fit.trace)
    about["sampling"]["priors"] = "own"
    monkeypatch.setattr(recipe, "about_fit", lambda _: about)
    report = report_of(fit, Questions())
    assert "priors=priors,  # custom" in recipe.python(report)
    assert recipe.shell(report) is None


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


def test_notes_of_the_data_are_told(fit):
    noted = replace(fit.runs, notes=("Batches are uneven.",), dataset="CIFAR-10", model="")
    text = Page(html(report_of(PalmFit(noted, fit.trace, fit.convergence), Questions()))).text
    assert "Batches are uneven." in text
    assert "CIFAR-10" in text


def test_percent_stays_percent(fit):
    report = report_of(
        PalmFit(replace(fit.runs, score=Score(percent=True)), fit.trace, fit.convergence),
        Questions(target=93),
    )
    assert report.needed.target == 93
    numbers = pd.DataFrame(report.document()["comparison"]["ranking"])
    assert (numbers["median"] > 50).all()
    assert f"{numbers['median'][0]:.1f} [" in Page(html(report)).text
