"""Parts of a section of the page."""

import base64
import io
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import pandas as pd

from palm_bayes.errors import visible

_SVG: dict[Any, Any] = {
    "svg.fonttype": "path",
    "svg.hashsalt": "palm_bayes",
}  # reproducible pages
_PIXELS = 96  # per inch


@dataclass(frozen=True)
class Picture:
    """Figure of a section.

    Attributes
    ----------
    uri : str
        Drawing as a ``data:`` URI.
    width, height : int
        Pixels.
    alt : str
        Description for readers who cannot see it.
    caption : str
    """

    uri: str
    width: int
    height: int
    alt: str
    caption: str

    @classmethod
    def of(cls, figure: Any, alt: str, caption: str) -> "Picture":
        """Convert a matplotlib figure."""
        drawing = io.BytesIO()
        with mpl.rc_context(_SVG):
            figure.savefig(drawing, format="svg", metadata={"Date": None, "Creator": None})
        width, height = (round(_PIXELS * inches) for inches in figure.get_size_inches())
        # A drawing also holds its texts as comments, in which XML allows no control characters.
        well_formed = visible(drawing.getvalue().decode(), keep="\n\t").encode()
        text = base64.b64encode(well_formed).decode()
        return cls(f"data:image/svg+xml;base64,{text}", width, height, alt, caption)


@dataclass(frozen=True, eq=False)
class Table:
    """Table of text; its first column names the rows.

    Attributes
    ----------
    caption : str
    frame : DataFrame
    numbers : bool
        True if all columns but the first are numbers, to be aligned right.
    links : tuple of str
        Addresses that the names of the rows link to; "" for none.
    folds : bool
        True if it supports an answer, so that a phone shows its caption only, until it is asked.
    """

    caption: str
    frame: pd.DataFrame
    numbers: bool = True
    links: tuple[str, ...] = ()
    folds: bool = False


@dataclass(frozen=True)
class Listing:
    """Code to copy."""

    caption: str
    text: str


@dataclass(frozen=True)
class Section:
    """Section of the page.

    Attributes
    ----------
    name : str
        Name in links to it.
    title : str
    words : tuple of str
        Paragraphs, placed first.
    points : tuple of str
        List below them.
    pictures, tables, listings
        In this order.
    """

    name: str
    title: str
    words: tuple[str, ...] = ()
    points: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()
    listings: tuple[Listing, ...] = ()


def tables(shown: dict[str, pd.DataFrame], *, numbers: bool = True) -> tuple[Table, ...]:
    """Convert tables by heading, as printed by the commands; the first is the answer."""
    return tuple(
        Table(heading.rstrip(":"), frame, numbers, folds=i > 0)
        for i, (heading, frame) in enumerate(shown.items())
    )
