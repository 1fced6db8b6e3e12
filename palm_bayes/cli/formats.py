"""Tables of text as LaTeX and Markdown, tables of numbers as CSV."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def csv(numbers: "pd.DataFrame") -> str:
    """Format one table for programs, with eight significant digits; see `csv_text`."""
    from palm_bayes.files import csv_text

    return csv_text(numbers).rstrip("\n")


def latex(tables: "Mapping[str, pd.DataFrame]") -> str:
    """Format tables for the package booktabs, each below its heading as a comment.

    All text is escaped, such as the names of strategies.
    """
    return "\n\n".join(f"% {_line(head)}\n{_tabular(table)}" for head, table in tables.items())


def markdown(tables: "Mapping[str, pd.DataFrame]") -> str:
    """Format tables of GitHub-flavoured Markdown, each below its heading; all text is escaped."""
    parts = []
    for heading, table in tables.items():
        text = table.map(_escaped).rename(columns=_escaped)
        sides = ("left", *["right"] * (len(text.columns) - 1))
        rows = text.to_markdown(index=False, disable_numparse=True, colalign=sides)
        parts.append(f"{_escaped(_line(heading))}\n\n{rows}")
    return "\n\n".join(parts)


def _tabular(table: "pd.DataFrame") -> str:
    sides = "l" + "r" * (len(table.columns) - 1)
    text = table.to_latex(index=False, escape=True, column_format=sides)
    text = re.sub("([<>])", r"$\1$", text)  # of the text: pandas writes none itself
    return re.sub(r"(?m)^([\[*])", r"{}\1", text).rstrip()  # not an argument of \\ before it


def _escaped(text: str) -> str:
    """Escape what Markdown or HTML inside it would read as markup."""
    return re.sub(r"([\\`*_|\[\]]|<(?=[a-zA-Z/!?]))", r"\\\1", " ".join(str(text).split()))


def _line(text: str) -> str:
    return " ".join(text.split())
