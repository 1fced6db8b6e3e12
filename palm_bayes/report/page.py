"""HTML page: the filled template, written completely or not at all."""

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from palm_bayes.errors import DataError, visible
from palm_bayes.files import check_file, put_text
from palm_bayes.inference.settings import silent
from palm_bayes.report.ask import Ask
from palm_bayes.report.contents import Report, Step
from palm_bayes.report.parts import Page
from palm_bayes.report.place import refuse_foreign
from palm_bayes.report.sections import sections
from palm_bayes.version import __version__

_GENERATOR = b'<meta name="generator" content="palm_bayes '
_OURS = PackageLoader("palm_bayes", "report")
_NO_SCRIPT = Markup("")


def html(report: Report, step: Step = silent) -> str:
    """Return the page as one text."""
    runs, shown = report.fit.runs, sections(report, step)
    step("packing the draws for questions")
    unit = ", percent" if runs.score.percent else ""
    page = Page(
        title=f"{report.task}: active-learning report" if report.task else "active-learning report",
        heading=report.task or "Active learning",
        about=runs.describe(),
        verdict=report.verdict,
        sections=shown,
        footer=f"Scores are in the scale of the data{unit}; labels are those of one run.",
        doubts=report.doubts,
    )
    return render(page, _source("ask.js") + _source("fold.js"), report=report, ask=Ask(report))


def render(page: Page, script: Markup = _NO_SCRIPT, **of_script: Any) -> str:
    """Fill the template; users' names are escaped, without control characters.

    With a `script`, the page has the section that answers questions, from `report` and `ask`.
    """
    templates = Environment(
        loader=_OURS,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["unbroken"] = _unbroken
    text = templates.get_template("page.html.j2").render(
        **of_script,
        page=page,
        script=script,
        digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        style=_source("style.css"),
        version=__version__,
    )
    return visible(text, keep="\n\t")


def _unbroken(words: object) -> Markup:
    """Keep a number and its %, and both ends of an interval, in one line."""
    text = str(escape(str(words).replace(" %", "\N{NO-BREAK SPACE}%")))
    tied = re.sub(r"(\[[^\[\]]{1,30}\])", r'<span class="tie">\1</span>', text)
    return Markup(tied)  # noqa: S704 - escaped above


def _source(name: str) -> Markup:
    """Return a file of ours that is no template, as it is."""
    return Markup(_OURS.get_source(Environment(autoescape=True), name)[0])  # noqa: S704


def check_page(path: Path, *, overwrite: bool = True) -> None:
    """Raise `DataError` if no page can be written to `path`.

    Unless `overwrite`, also if a file is there that is no page of palm_bayes'.
    """
    if path.is_dir():
        raise DataError(f"{path} is a folder: name a file in it, such as {path / 'report.html'}")
    if path.suffix.lower() not in {".html", ".htm"}:
        raise DataError(f"{path}: the name of a report must end in .html")
    check_file(path)
    if not overwrite:
        refuse_foreign(path, _GENERATOR, "name another file (--out)")


def write(report: Report, path: Path, step: Step = silent) -> Path:
    """Write the page, completely or not at all; create its folder if needed."""
    check_page(path)
    put_text(path, html(report, step))
    return path
