"""What the page answers in a browser, against what the commands print for the same question."""

import json
import math

import pytest

from palm_bayes.cli import app as cli
from palm_bayes.cli.source import Source
from palm_bayes.report.contents import Questions, report_of
from palm_bayes.report.page import write
from palm_bayes.report.tables import budgeted

NAMES = ("random", "entropy")
ASKED = [
    # budget, target, cost per label, value per point, cost per episode
    (600, 0.93, 0.05, 8, 0),
    (240, 0.9, 0.01, 2.5, 0.3),
    (960, 0.9517, 0, 1, 0),
    (340, 0.9999, 5, 1, 20),
]


@pytest.fixture(scope="module")
def address(fit, tmp_path_factory):
    report = report_of(fit, Questions(target=0.93, within=600))
    return write(report, tmp_path_factory.mktemp("ask") / "report.html").as_uri()


@pytest.fixture
def page(chromium, address):
    context = chromium.new_context(viewport={"width": 1000, "height": 900})
    page = context.new_page()
    page.goto(address)
    page.get_by_role("heading", name="Ask the page").wait_for()
    yield page
    context.close()


@pytest.fixture
def told(fit, monkeypatch, capsys, tmp_path):
    """Return a function that gives the JSON of a command on the fit."""
    monkeypatch.setattr(Source, "fit", lambda source, step, note: fit)

    def run(command, *args):
        assert cli.main([command, str(tmp_path), *map(str, args), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return run


def type_in(page, name, value):
    page.get_by_role("spinbutton", name=name).fill(str(value))


def choose(page, first, second):
    page.get_by_label("Strategy", exact=True).select_option(label=first)
    page.get_by_label("Compared with").select_option(label=second)


def answers(page, row):
    """Return the numbers of a row; None if infinite, as in JSON."""
    cells = page.locator(f"tr[data-row={row}] data")
    values = [cell.get_attribute("value") for cell in cells.all()]
    return [None if math.isinf(float(value)) else float(value) for value in values]


def words(page, row):
    return [
        text.replace("\N{NO-BREAK SPACE}", " ")
        for text in page.locator(f"tr[data-row={row}] data").all_inner_texts()
    ]


@pytest.mark.parametrize("names", [NAMES, NAMES[::-1]])
@pytest.mark.parametrize(("budget", "target", "label", "point", "episode"), ASKED)
def test_answers_are_those_of_the_commands(
    page, told, fit, names, budget, target, label, point, episode
):
    choose(page, *names)
    for name, value in {
        "Budget, labels": budget,
        "Target accuracy": target,
        "Cost per label": label,
        "Value per accuracy point": point,
        "Cost per episode": episode,
    }.items():
        type_in(page, name, value)

    needs = told("budget", "--target", target, "--within", budget)["strategies"]
    of = {row["strategy"]: row for row in needs}
    columns = {"within": "p_within", "sure": "budget", "needed": "median", "never": "p_never"}
    for row, column in columns.items():
        assert answers(page, row) == [of[name][column] for name in names], row

    pairs = told("compare", "--at", budget)["pairs"]
    above = {(pair["strategy"], pair["other"]): pair["p_above"] for pair in pairs}
    expected = [above[names], above[names[::-1]]]
    assert answers(page, "above") == pytest.approx(expected, abs=1e-12)

    if budget > 240:
        costs = ("--label-cost", label, "--point-value", point, "--episode-cost", episode)
        limits = ("--budget", budget, "--force")
        found = [told("stop", *costs, *limits, "--with", name)["findings"][0] for name in names]
        assert answers(page, "net") == pytest.approx([each["value"] for each in found])
        for text, each in zip(words(page, "net"), found, strict=True):
            assert f"({each['episodes']} episode" in text
            assert text.startswith("none pays") == each["stop"]
    else:
        assert words(page, "net") == ["no episode is left"] * 2

    (shown, *_) = budgeted(fit.labels_to_reach(target, within=budget)).values()
    shown = shown.set_index("strategy").loc[list(names)]
    rows = {"sure": "budget", "needed": "needed", "within": f"by {budget}", "never": "not by 960"}
    for row, column in rows.items():
        assert words(page, row) == list(shown[column]), row


def test_a_chance_to_reach_is_that_of_stop(page, told):
    type_in(page, "Budget, labels", 600)
    type_in(page, "Target accuracy", 0.93)
    choose(page, *NAMES)
    options = ("--target", 0.93, "--budget", 600, "--force", "--with")
    found = [told("stop", *options, name)["findings"][1]["probability"] for name in NAMES]
    assert answers(page, "within") == pytest.approx(found, abs=1e-12)


def test_keys_move_a_line_and_all_that_hangs_on_it(page):
    before = answers(page, "within")
    line = page.get_by_role("slider", name="Budget, labels")
    line.focus()
    assert line.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    page.keyboard.press("End")
    assert page.get_by_role("spinbutton", name="Budget, labels").input_value() == "960"
    assert line.get_attribute("aria-valuetext") == "960 labels"
    assert all(now > then for now, then in zip(answers(page, "within"), before, strict=True))
    page.keyboard.press("ArrowLeft")
    assert page.get_by_role("spinbutton", name="Budget, labels").input_value() == "940"
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("spinbutton", name="Target accuracy").input_value() == "0.931"
    said = page.get_by_role("status")
    said.get_by_text("reaches 0.931 by 940 labels with").wait_for()


def test_numbers_are_whole_episodes_or_stay_as_they_were(page):
    box = page.get_by_role("spinbutton", name="Budget, labels")
    box.fill("555")
    box.press("Enter")
    assert box.input_value() == "540"  # what 555 labels buy
    for bad in ("100", "9999", ""):
        box.fill(bad)
        box.press("Tab")
        assert box.input_value() == "540"
    assert page.url.endswith("report.html")


def test_a_strategy_is_not_compared_with_itself_nor_priced_without_costs(page):
    choose(page, "random", "random")
    assert words(page, "above") == ["–", "–"]
    assert words(page, "net") == ["costs are not given"] * 2
    page.get_by_role("status").get_by_text("random reaches 0.93 by 600 labels").wait_for()


def test_without_scripts_the_page_is_as_it_was(chromium, address):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    text = page.inner_text("body")
    context.close()
    assert "The verdict" in text
    assert "Ask the page" not in text
    assert "costs" not in text.split("How to reproduce it")[0]


def test_paper_has_the_answers_without_the_controls(page):
    page.emulate_media(media="print")
    assert page.locator("form").is_hidden()
    assert page.locator("tr[data-row=within]").is_visible()


def test_the_page_is_small(address, tmp_path):
    from pathlib import Path
    from urllib.request import url2pathname

    size = Path(url2pathname(address.removeprefix("file://"))).stat().st_size
    assert size < 500_000  # of two strategies; of six it is 0.8 MB
