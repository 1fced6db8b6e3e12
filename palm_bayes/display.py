"""Display of results: numbers in words and tables, text in a console, HTML in a notebook.

Text and HTML show the same words above the same table. The HTML sets no colours, so that it uses
those of the notebook, light or dark.
"""

import html
import math
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from palm_bayes.errors import number

_WIDTH = 96  # columns of text
_CELL = 56  # most characters of a cell
_LINES = 8  # most lines of words
_STYLE = """<style>
.palm-bayes {overflow-x: auto}
.palm-bayes th, .palm-bayes td {text-align: right; padding: 0 0.5em; white-space: nowrap}
.palm-bayes td:first-child {white-space: normal; min-width: 8em}
</style>"""
_ROWS = 14  # most rows of a table: with the words it fits one screen
_WHOLE = 999.5  # from here on, three digits are those of a whole number


@dataclass(frozen=True, eq=False)
class Display:
    """Words and table that display a result."""

    words: str  # paragraphs, one per line
    table: pd.DataFrame  # its index and columns without any value are not shown

    def text(self, name: str) -> str:
        """Format words and table as text for one screen, headed by the name of the result."""
        parts = f"{name}: {self.words}".splitlines()
        lines = [line for part in parts for line in textwrap.wrap(part, _WIDTH)]
        if len(lines) > _LINES:
            lines = [*lines[: _LINES - 1], "..."]
        return "\n".join([*lines, self._filled().to_string(max_colwidth=_CELL, **_OPTIONS)])

    def html(self, name: str) -> str:
        """Format words and table as HTML, headed by the name of the result; all text is escaped.

        The classes prevent MathJax from reading users' names as formulas.
        """
        first, *rest = (html.escape(part) for part in self.words.splitlines())
        words = "".join(f"<p>{part}</p>" for part in (f"<b>{name}</b>: {first}", *rest))
        table = self._filled().to_html(border=0, **_OPTIONS)
        classes = "palm-bayes tex2jax_ignore mathjax_ignore"
        return f'<div class="{classes}">{_STYLE}{words}{table}</div>'

    def _filled(self) -> pd.DataFrame:
        return self.table.dropna(axis="columns", how="all")


class Displayed:
    """Base of results that display themselves; subclasses define `_display`."""

    def _display(self) -> Display:
        raise NotImplementedError

    def __repr__(self) -> str:
        """Return words and a table that fit one screen."""
        return self._display().text(type(self).__name__)

    def _repr_html_(self) -> str:
        return self._display().html(type(self).__name__)


def intervals(middle: Iterable[float], low: Iterable[float], high: Iterable[float]) -> list[str]:
    """Format intervals with three significant digits: "0.912 [0.900, 0.925]"."""
    rows = zip(middle, low, high, strict=True)
    return ["{} [{}, {}]".format(*map(three_digits, row)) for row in rows]


def percent(probability: float) -> str:
    """Format a probability in percent, never as 0 or 100, since draws cannot show that."""
    whole = math.floor(100 * probability + 0.5)
    return f"{whole} %" if 0 < whole < 100 else "<1 %" if whole <= 0 else ">99 %"


def exact_percent(share: float) -> str:
    """Format a share that a user gave, such as a required probability: "80 %", "2.5 %"."""
    return f"{100 * share:.12g} %"


def accuracy(value: float, scale: float) -> str:
    """Format an accuracy to a thousandth; `value` is in the user's scale, 1 or 100."""
    return f"{value:.{1 if scale > 1 else 3}f}"


def difference(value: float, scale: float) -> str:
    """Format a difference of accuracies with two significant digits, or as "<0.001".

    `value` is in the user's scale, 1 or 100; in percent, small ones are "<0.1".
    """
    size, least = abs(value), 1e-3 * scale
    if size < least:
        return f"<{least:g}"
    return f"{value:.{max(1 - math.floor(math.log10(size)), 0)}f}"


def with_error(value: float, error: float) -> tuple[str, str]:
    """Format a value and its standard error, to the second significant digit of the error.

    Both keep their digits however small they are, so that they can be compared.
    """
    if not 0 < error < math.inf:
        return f"{value:.2g}", f"{error:.2g}"
    digits = max(1 - math.floor(math.log10(error)), 0)
    return f"{value:z.{digits}f}", f"{error:.{digits}f}"


def amount(value: float) -> str:
    """Format an amount, such as a cost, with three significant digits."""
    return f"{value:,.0f}" if abs(value) >= _WHOLE else f"{value:.3g}"


def three_digits(value: float) -> str:
    """Format with three significant digits, or as a whole number from 1,000 on."""
    return f"{value:,.0f}" if abs(value) >= _WHOLE else f"{value:#.3g}".rstrip(".")


_OPTIONS: dict[str, Any] = {"index": False, "max_rows": _ROWS, "na_rep": "", "float_format": number}
