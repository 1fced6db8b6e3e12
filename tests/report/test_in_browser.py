"""The report in a real browser: headless Chromium, where one is installed.

The page that is looked at is the one with the most on it, and a strategy with a name of markup.
"""

import pytest

from palm_bayes.report.contents import Questions, report_of
from palm_bayes.report.page import write

LOOKS = [(scheme, width) for scheme in ("light", "dark") for width in (360, 1280)]

# Contrast of every text with what is behind it, by WCAG 2.2; what falls short is given back.
TOO_FAINT = """() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const linear = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = parts(getComputedStyle(node).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const node of document.body.querySelectorAll('*')) {
    if (![...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim())) continue;
    const pair = [light(parts(getComputedStyle(node).color)), light(behind(node))];
    const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    if (ratio < 4.5) found.push(`${node.tagName} ${ratio.toFixed(2)}`);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def address(hostile_fit, tmp_path_factory):
    report = report_of(hostile_fit, Questions(target=0.93, within=600))
    return write(report, tmp_path_factory.mktemp("page") / "report.html").as_uri()


@pytest.fixture
def opened(chromium, address):
    """Return a function that opens the page, and what was said and asked for meanwhile."""
    contexts = []

    def look(scheme="light", width=1280):
        contexts.append(
            chromium.new_context(
                viewport={"width": width, "height": 800},
                color_scheme=scheme,
            )
        )
        page = contexts[-1].new_page()
        said, asked = [], []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        return page, said, asked

    yield look
    for context in contexts:
        context.close()


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_all_is_there_and_nothing_leaves(opened, address, scheme, width):
    page, said, asked = opened(scheme, width)
    drawn = page.evaluate("[...document.images].map((i) => i.complete && i.naturalWidth)")
    assert len(drawn) == 5
    assert all(drawn)
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [address]


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_it_is_as_wide_as_the_screen(opened, scheme, width):
    page, *_ = opened(scheme, width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    boxes = page.locator(".scroll")
    wide = boxes.evaluate_all("all => all.filter((b) => b.scrollWidth > b.clientWidth).length")
    assert wide > 0  # what does not fit scrolls in its own box


def test_on_a_phone_tables_fit_and_figures_say_that_they_scroll(opened):
    page, *_ = opened(width=400)
    tables = page.locator(".scroll:has(table)")
    cut = tables.evaluate_all("all => all.filter((b) => b.scrollWidth > b.clientWidth).length")
    assert cut == 0
    page.get_by_text("Convergence of the sampler").click()
    cell = page.get_by_role("table", name="Convergence of the sampler").get_by_role("cell").first
    assert cell.get_attribute("data-name") == "converged"
    said = "all => all.map((c) => getComputedStyle(c, '::after').content)"
    assert all("sideways" in words for words in page.locator("[data-wide]").evaluate_all(said))


FOLDS = "all => all.map((fold) => fold.open)"


def test_a_phone_shows_answers_and_folds_what_supports_them(opened):
    page, *_ = opened(width=400)
    folds = page.locator("details.fold")
    assert not any(folds.evaluate_all(FOLDS))
    shown = page.get_by_role("table").evaluate_all(
        "all => all.map((t) => t.ariaLabelledByElements)"
    )
    assert len(shown) == 4  # what was asked, labels needed, ranking, stop rules
    height = page.evaluate("document.documentElement.scrollHeight")
    summary = page.locator("summary", has_text="Posterior predictive check")
    assert summary.bounding_box()["height"] > 35  # a finger hits it
    summary.click()
    assert page.get_by_role("table", name="Posterior predictive check").count() == 1
    folds.evaluate_all("all => all.forEach((fold) => { fold.open = true; })")
    assert page.evaluate("document.documentElement.scrollHeight") > 1.3 * height


def test_all_is_shown_on_a_wide_screen_and_on_paper(opened):
    page, *_ = opened()
    assert all(page.locator("details.fold").evaluate_all(FOLDS))
    page, *_ = opened(width=400)
    before = page.locator("details.fold").evaluate_all(FOLDS)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert all(page.locator("details.fold").evaluate_all(FOLDS))
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details.fold").evaluate_all(FOLDS) == before


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out(opened, scheme):
    page, *_ = opened(scheme)
    assert page.evaluate(TOO_FAINT) == []
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(255, 255, 255)", "dark": "rgb(23, 23, 23)"}[scheme]


def test_contrast_is_measured(opened):
    page, *_ = opened()
    page.add_style_tag(content=":root { --ink: #999999 }")
    assert page.evaluate(TOO_FAINT) != []


def test_keys_lead_past_the_head_and_through_the_boxes(opened):
    page, *_ = opened()
    page.keyboard.press("Tab")
    first = page.locator(":focus")
    assert first.inner_text() == "Skip to the verdict"
    assert first.bounding_box()["x"] >= 0
    assert first.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    held = page.locator(".scroll").evaluate_all("all => all.every((b) => b.tabIndex === 0)")
    assert held


def test_a_reader_hears_headings_figures_and_tables(opened):
    page, *_ = opened()
    assert page.get_by_role("main").count() == 1
    assert page.get_by_role("navigation", name="Contents").count() == 1
    assert page.get_by_role("heading", level=1).count() == 1
    assert page.get_by_role("table", name="Convergence of the sampler").count() == 1
    assert page.get_by_role("columnheader", name="R-hat").count() == 1
    assert page.get_by_role("rowheader", name="entropy").count() > 5
    assert page.get_by_role("table", name="Ask the page").count() == 1


def test_paper_is_white(opened):
    page, *_ = opened("dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.images[0]).filter") == "none"
    assert page.locator("nav").is_hidden()
    assert page.pdf().startswith(b"%PDF")
