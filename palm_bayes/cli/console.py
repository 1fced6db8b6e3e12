"""Text wrapped at words and tables in terminals of any width; tables as LaTeX and Markdown."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from palm_bayes.errors import visible

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console
    from rich.text import Text

_TIED = "\N{NO-BREAK SPACE}"
_SECOND = "\x00"  # stands for the second column of a wide character; no text shown has it


def console_of(stream: TextIO, *, quiet: bool = False) -> "Console":
    """Create a plain console: wrapped at words in a terminal; whole lines to files and pipes.

    As `echo`, it prints no control characters but its own.
    """
    from rich.console import Console

    class Clean(Console):
        def print(self, *objects: Any, **options: Any) -> None:
            width = self.width if stream.isatty() else None
            super().print(*(_shown(one, width) for one in objects), **options)

        def render_str(self, text: str, **options: Any) -> "Text":
            return super().render_str(visible(text, keep="\n"), **options)

    wrap: dict[str, Any] = {} if stream.isatty() else {"soft_wrap": True, "width": 120}
    return Clean(file=stream, quiet=quiet, markup=False, highlight=False, **wrap)


def _shown(one: Any, width: int | None) -> Any:
    return wrapped(visible(one, keep="\n"), width) if isinstance(one, str) and width else one


def wrapped(text: str, width: int) -> str:
    """Wrap each line between words, but not before %; the rest of an indented line is indented."""
    lines = []
    for line in text.split("\n"):
        indent = " " * (len(line) - len(line.lstrip()))
        lines += textwrap.wrap(
            _padded(line.replace(" %", f"{_TIED}%")), width, subsequent_indent=2 * indent,
            break_long_words=False, break_on_hyphens=False,
        ) or [""]  # fmt: skip
    return "\n".join(lines).replace(_TIED, " ").replace(_SECOND, "")


def _padded(line: str) -> str:
    """Give each character as many places as a terminal has columns for it."""
    if line.isascii():
        return line
    from rich.cells import get_character_cell_size

    return "".join(one + _SECOND * (get_character_cell_size(one) - 1) for one in line)


def print_tables(console: "Console", tables: "Mapping[str, pd.DataFrame]") -> None:
    """Print tables of text below their headings."""
    for heading, table in tables.items():
        console.print(heading)
        print_table(console, table)


def print_table(console: "Console", table: "pd.DataFrame") -> None:
    """Print a table of text, row by row where the terminal is too narrow for it.

    The first column holds names, the others numbers. Cells are wrapped between words only, which
    Rich does not ensure by itself.
    """
    from rich import box
    from rich.cells import cell_len
    from rich.table import Column, Table

    names = list(map(str, table.columns))
    rows = [list(map(str, row)) for row in table.itertuples(index=False)]
    cells = [[word.split() for word in column] for column in zip(names, *rows, strict=True)]
    least = [max(cell_len(word) for cell in column for word in cell) for column in cells]
    most = [max(cell_len(" ".join(cell)) for cell in column) for column in cells]
    gap = 2 if sum(least) + 2 * len(names) < console.width else 1
    space = console.width - gap * len(names) - 1
    widest = most[0]
    while sum(most) > max(space, sum(least)):  # take from the column that can spare most
        most[max(range(len(most)), key=lambda i: most[i] - least[i])] -= 1
    if sum(most) > space or 2 * most[0] < widest:  # or sentences in three lines or more
        _print_rows(console, names, rows)
        return
    columns = (
        Column(name, justify="right" if i else "left", width=most[i])
        for i, name in enumerate(names)
    )
    shown = Table(*columns, box=box.SIMPLE_HEAD, padding=(0, gap - 1, 0, 0))
    for row in rows:
        shown.add_row(*row)
    console.print(shown)


def _print_rows(console: "Console", names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    for first, *cells in rows:
        console.print(f"\n{first}")
        for name, cell in zip(names[1:], cells, strict=True):
            if cell:
                console.print(f"  {name}: {cell}")
    console.print()


def print_parameters(console: "Console", found: Mapping[str, Any]) -> None:
    """Print the parameters of a fit's document: three rows a strategy, or one a parameter."""
    from rich import box
    from rich.table import Column, Table

    from palm_bayes.model.curve import PARAMETERS

    numbers = (Column(name, justify="right", no_wrap=True) for name in PARAMETERS)
    table = Table("strategy", "", *numbers, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    low, high = (f"{50 * (1 + sign * found['probability']):g} %" for sign in (-1, 1))
    keys = {"median": "median", "lower": low, "upper": high}
    rows = []
    for strategy, one in found["strategies"].items():
        values = [_cells(one["parameters"][name]) for name in PARAMETERS]
        passed = one["convergence"]["passed"]
        marks = {"median": strategy, "lower": "" if passed else "(not converged)", "upper": ""}
        for key, word in keys.items():
            style = "dim" if key != "median" else "" if passed else "red"
            table.add_row(marks[key], word, *(value[key] for value in values), style=style)
        spans = ("{median} [{lower} to {upper}]".format(**value) for value in values)
        rows.append([" ".join(filter(None, (marks["median"], marks["lower"]))), *spans])
    unlimited = console.options.update_width(1000)
    if console.measure(table, options=unlimited).maximum <= console.width:
        console.print(table)
    else:
        console.print(f"Median and {low} to {high}:")
        _print_rows(console, ["strategy", *PARAMETERS], rows)


def _cells(values: Mapping[str, float | None]) -> dict[str, str]:
    from palm_bayes.display import three_digits

    return {key: "?" if value is None else three_digits(value) for key, value in values.items()}


def latex(tables: "Mapping[str, pd.DataFrame]") -> str:
    """Format tables for the package booktabs, each below its heading as a comment.

    All text is escaped, such as the names of strategies.
    """
    parts = ((" ".join(heading.split()), _tabular(table)) for heading, table in tables.items())
    return "\n\n".join(f"% {words}\n{table}" for words, table in parts)


def markdown(tables: "Mapping[str, pd.DataFrame]") -> str:
    """Format tables of GitHub-flavoured Markdown, each below its heading; all text is escaped."""
    parts = []
    for heading, table in tables.items():
        text = table.map(_escaped).rename(columns=_escaped)
        sides = ("left", *["right"] * (len(text.columns) - 1))
        rows = text.to_markdown(index=False, disable_numparse=True, colalign=sides)
        parts.append(f"{_escaped(heading)}\n\n{rows}")
    return "\n\n".join(parts)


def _tabular(table: "pd.DataFrame") -> str:
    sides = "l" + "r" * (len(table.columns) - 1)
    text = table.to_latex(index=False, escape=True, column_format=sides)
    text = re.sub("([<>])", r"$\1$", text)  # of the text: pandas writes none itself
    return re.sub(r"(?m)^([\[*])", r"{}\1", text).rstrip()  # not an argument of \\ before it


def _escaped(text: str) -> str:
    """Escape what Markdown or HTML inside it would read as markup."""
    return re.sub(r"([\\`*_|\[\]]|<(?=[a-zA-Z/!?]))", r"\\\1", " ".join(str(text).split()))
