"""A report and its page, read by tags, and the browser of the tests that look at a page."""

import shutil
from html.parser import HTMLParser

import pytest

from palm_bayes.report.contents import Questions, report_of
from palm_bayes.report.page import html

NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def chromium():
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


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


@pytest.fixture(scope="session")
def report(fit):
    return report_of(fit, Questions(target=0.93, within=600))


@pytest.fixture(scope="session")
def read():
    """Return the reader of pages."""
    return Page


@pytest.fixture(scope="session")
def page(report):
    return Page(html(report))
