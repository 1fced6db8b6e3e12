"""Parts of a section of the page."""

import base64
import io
import re
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from palm_bayes.errors import visible
from palm_bayes.plots.style import settings

_SVG: dict[Any, Any] = {"svg.fonttype": "path", "svg.hashsalt": "palm_bayes"}  # reproducible
_PIXELS = 96  # per inch
_COORDINATES = re.compile(r' (?:d|x|y)="[^"]*"')


def _rounded(coordinates: re.Match[str]) -> str:
    """Cut coordinates of a drawing to hundredths of a point: it gets a tenth smaller."""
    return re.sub(r"(\.\d\d)\d+", r"\1", coordinates[0])


@dataclass(frozen=True)
class Picture:
    """Figure of a section, with a description for readers who cannot see it."""

    uri: str  # the drawing, as a ``data:`` URI
    width: int  # pixels
    height: int
    alt: str
    caption: str

    @classmethod
    def of(cls, figure: Any, alt: str, caption: str) -> "Picture":
        """Convert a matplotlib figure."""
        drawing = io.BytesIO()
        with settings(_SVG):
            figure.savefig(drawing, format="svg", metadata={"Date": None, "Creator": None})
        width, height = (round(_PIXELS * inches) for inches in figure.get_size_inches())
        # A drawing also holds its texts as comments, in which XML allows no control characters.
        well_formed = visible(drawing.getvalue().decode(), keep="\n\t")
        text = base64.b64encode(_COORDINATES.sub(_rounded, well_formed).encode()).decode()
        return cls(f"data:image/svg+xml;base64,{text}", width, height, alt, caption)


@dataclass(frozen=True, eq=False)
class Table:
    """Table of text; its first column names the rows."""

    caption: str
    frame: pd.DataFrame
    numbers: bool = True  # all columns but the first, which are then aligned right
    links: tuple[str, ...] = ()  # addresses that the names of the rows link to; "" for none
    folds: bool = False  # it supports an answer: a phone shows its caption only, until it is asked


@dataclass(frozen=True)
class Listing:
    """Code to copy."""

    caption: str
    text: str


@dataclass(frozen=True)
class Section:
    """Section of the page: its parts in the order of the fields."""

    name: str  # in links to it
    title: str
    words: tuple[str, ...] = ()  # paragraphs
    points: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()
    listings: tuple[Listing, ...] = ()


@dataclass(frozen=True, eq=False)
class Page:
    """Page of sections, below answers by question."""

    title: str
    heading: str
    about: str  # a line below the heading
    verdict: dict[str, str]
    sections: list[Section]
    footer: str  # what the numbers mean
    doubts: list[str] = field(default_factory=list)  # reasons against relying on the page


def tables(shown: dict[str, pd.DataFrame], *, numbers: bool = True) -> tuple[Table, ...]:
    """Convert tables by heading, as printed by the commands; the first is the answer."""
    return tuple(
        Table(heading.rstrip(":"), frame, numbers, folds=i > 0)
        for i, (heading, frame) in enumerate(shown.items())
    )
