"""What a section of the page is made of."""

import base64
import io
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import pandas as pd

_SVG: dict[Any, Any] = {
    "svg.fonttype": "path",
    "svg.hashsalt": "palm_bayes",
}  # the same page from the same fit
_PIXELS = 96  # an inch


@dataclass(frozen=True)
class Picture:
    """A figure.

    Attributes
    ----------
    uri : str
        The drawing itself, as a ``data:`` URI.
    width, height : int
        Pixels.
    alt : str
        What it shows, for those who do not see it.
    caption : str
    """

    uri: str
    width: int
    height: int
    alt: str
    caption: str

    @classmethod
    def of(cls, figure: Any, alt: str, caption: str) -> "Picture":
        """Take a matplotlib figure."""
        drawing = io.BytesIO()
        with mpl.rc_context(_SVG):
            figure.savefig(drawing, format="svg", metadata={"Date": None, "Creator": None})
        width, height = (round(_PIXELS * inches) for inches in figure.get_size_inches())
        text = base64.b64encode(drawing.getvalue()).decode()
        return cls(f"data:image/svg+xml;base64,{text}", width, height, alt, caption)


@dataclass(frozen=True, eq=False)
class Table:
    """A table of text; its first column names the rows.

    Attributes
    ----------
    caption : str
    frame : DataFrame
    numbers : bool
        Whether the columns but the first are numbers, to be set flush right.
    """

    caption: str
    frame: pd.DataFrame
    numbers: bool = True


@dataclass(frozen=True)
class Listing:
    """Code to be copied."""

    caption: str
    text: str


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Attributes
    ----------
    name : str
        In links to it.
    title : str
    words : tuple of str
        Paragraphs; they come first.
    points : tuple of str
        A list below them.
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
    """Take tables by heading, as the commands print them."""
    return tuple(Table(heading.rstrip(":"), frame, numbers) for heading, frame in shown.items())
