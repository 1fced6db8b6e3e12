"""What the page answers in a browser, against what the commands print for the same question."""

import base64
import json
import math
import zlib
from dataclasses import replace
from itertools import combinations

import pytest

from palm_bayes.cli import app as cli
from palm_bayes.cli.source import Source
from palm_bayes.data.score import Score
from palm_bayes.display import percent
from palm_bayes.inference.convergence import Convergence
from palm_bayes.palm_fit import PalmFit
from palm_bayes.report.ask import Ask
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
        "Value per point": point,
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
    rows = {
        "sure": "budget (80 %)", "needed": "median [90 %]",
        "within": f"P(by {budget})", "never": "P(not by 960)",
    }  # fmt: skip
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


def test_each_pair_has_its_place(fit, page):
    """Of four strategies: a page whose pairs are numbered."""
    told = Ask(report_of(fit, Questions(target=0.93))).payload()
    names, few = "abcd", len(told["budgets"])
    pairs = list(combinations(range(4), 2))
    packed = zlib.decompress(base64.b64decode(told["draws"]))
    told |= {
        "strategies": list(names),
        "above": [[i] * few for i in range(len(pairs))],
        "draws": base64.b64encode(zlib.compress(2 * packed)).decode(),
        "gains": 2 * told["gains"],
    }
    text = page.content().replace("<option", "\n<option")
    start = text.index('id="ask-data">') + len('id="ask-data">')
    text = text[:start] + json.dumps(told) + text[text.index("</script>", start) :]
    for select in ("first", "second"):
        place = text.index(">", text.index(f'<select id="ask-{select}"')) + 1
        more = "".join(f'<option value="{i}">{names[i]}</option>' for i in (2, 3))
        text = text[:place] + more + text[place:]
    page.set_content(text.replace('class="scripted"', 'class="scripted" hidden'))
    page.get_by_role("heading", name="Ask the page").wait_for()
    for i, pair in enumerate(pairs):
        for first, second, share in [(*pair, i), (*pair[::-1], 2 * told["samples"] - i)]:
            page.locator("#ask-first").select_option(value=str(first))
            page.locator("#ask-second").select_option(value=str(second))
            assert answers(page, "above")[0] == share / (2 * told["samples"])


def alone(fit):
    """Return the fit of one strategy."""
    trace = fit.trace.map_over_datasets(
        lambda part: part.sel(strategy=["random"]) if "strategy" in part.dims else part
    )
    table = fit.convergence.table.loc[["random"]]
    return PalmFit(fit.runs.strategy("random"), trace, Convergence(table))


def in_episodes(fit):
    """Return the fit as if labels were unknown."""
    table = fit.runs.table.assign(labels=float("nan"))
    return PalmFit(replace(fit.runs, table=table, batch=1.0), fit.trace, fit.convergence)


def in_percent(fit):
    return PalmFit(replace(fit.runs, score=Score(percent=True)), fit.trace, fit.convergence)


def in_errors(fit):
    score = Score("error rate", lower_is_better=True)
    return PalmFit(replace(fit.runs, score=score), fit.trace, fit.convergence)


@pytest.mark.parametrize(
    ("other", "target", "said"),
    [
        (in_errors, 0.07, "reaches error rate 0.07 by {} labels with {} probability"),
        (alone, 0.93, "random reaches 0.93 by {} labels with {} probability."),
        (in_episodes, 0.93, "reaches 0.93 by {} episodes with {} probability"),
        (in_percent, 93, "reaches 93\N{NO-BREAK SPACE}% by {} labels with {} probability"),
    ],
)
def test_other_fits_are_asked_too(fit, chromium, tmp_path, other, target, said):
    changed = other(fit)
    report = report_of(changed, Questions(target=target))
    page = chromium.new_page()
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(write(report, tmp_path / "report.html").as_uri())
    page.get_by_role("heading", name="Ask the page").wait_for()
    strategy = page.locator("thead th").nth(1).inner_text()
    budget = report.until  # of the question that the page begins with
    chance = changed.labels_to_reach(target).chances.loc[budget, strategy]
    assert answers(page, "within")[0] == chance
    words = said.format(f"{budget:g}", percent(chance).replace(" ", "\N{NO-BREAK SPACE}"))
    page.get_by_role("status").get_by_text(words).wait_for()
    assert errors == []
    page.close()


def test_paper_has_the_answers_without_the_controls(page):
    page.emulate_media(media="print")
    assert page.locator("form").is_hidden()
    assert page.locator("tr[data-row=within]").is_visible()


def test_the_page_is_small(page):
    assert len(page.content()) < 500_000  # of two strategies; of six it is 0.8 MB
