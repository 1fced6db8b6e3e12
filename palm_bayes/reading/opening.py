"""Reading of files within limits of size; pipes are refused, and nothing is executed.

A file of a few bytes can claim or unpack to any size, so sizes are checked before or while they are
unpacked. NumPy is never allowed to unpickle.
"""

import codecs
import gzip
import io
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from palm_bayes.data.cells import MAX_NAME
from palm_bayes.errors import DataError

MAX_BYTES, MAX_JSON = 50_000_000, 20_000_000
"""Largest file, also unpacked; JSON takes more memory. 1,000 curves have about 2 MB as CSV."""
MAX_ROWS, MAX_COLUMNS, MAX_CELLS = 1_000_000, 20_000, 5_000_000
"""Largest table: as text in memory, a cell takes about 100 bytes."""
_UNCLEAR = {
    "object at 0x": "its header is damaged",
    "malformed node": "its header is damaged",  # as Python 3.14 says it
    "nested parentheses": "its header is damaged",
    "max_header_size": "its header is too long",
    "set_int_max_str_digits": "a whole number has more than 4,300 digits",
    "codec can't encode": "a text has half of a pair of characters, such as \\ud800",
}
"""What messages of parsers say, by a part of them."""
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, with which it begins
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_LARGER = "read it by pandas, keep the rows and columns that are needed, and give the frame"


def is_zip(path: Path) -> bool:
    """Return True for archives, such as .npz and .xlsx, of members that are not too large."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        check_bytes(path, sum(member.file_size for member in archive.infolist()))
    return True


def check_regular(path: Path) -> None:
    """Refuse pipes, devices and sockets, which may wait or go on for ever, and large files."""
    if not path.is_file():
        raise DataError(f"{path} is not a regular file")
    check_bytes(path, path.stat().st_size)


def check_bytes(path: Path, size: int, most: int = MAX_BYTES) -> None:
    """Refuse a file of more bytes than `most`."""
    if size > most:
        raise DataError(f"{path} has more than {most / 1e6:.0f} MB, unpacked: {_LARGER}")


def check_table(place: object, rows: int, columns: int) -> None:
    """Refuse a table of more rows, columns or cells than are allowed."""
    for size, limit, what in (
        (rows, MAX_ROWS, "rows"),
        (columns, MAX_COLUMNS, "columns"),
        (rows * columns, MAX_CELLS, "cells"),
    ):
        if size > limit:
            raise DataError(f"{place} has {size:,} {what}, allowed are {limit:,}: {_LARGER}")


def check_names(place: object, names: Iterable[object]) -> None:
    """Refuse overlong names, which are searched for words by regular expressions."""
    longest = max((len(str(name)) for name in names), default=0)
    if longest > MAX_NAME:
        raise DataError(f"{place}: a name has {longest:,} characters, allowed are {MAX_NAME}")


def text_of(path: Path, most: int = MAX_BYTES) -> str:
    """Read a text of at most that many bytes, unpacked if its suffix is .gz.

    It is in UTF-8, or in UTF-16 or UTF-32 with its mark, as Excel saves "Unicode text".
    """
    unpack = gzip.open if path.name.lower().endswith(".gz") else open
    with unpack(path, "rb") as opened:
        contents = opened.read(most + 1)
    check_bytes(path, len(contents), most)
    if contents.startswith(b"version https://git-lfs"):
        raise DataError(f"{path} is a pointer of Git LFS: fetch the file by git lfs pull")
    marked = next((kind for mark, kind in _MARKS.items() if contents.startswith(mark)), None)
    if marked is None and (unmarked := _unmarked(contents[:40])):
        raise DataError(f"{path} is in {unmarked} without its mark: save it in UTF-8")
    try:
        return str(contents, marked or "utf-8-sig")
    except UnicodeDecodeError as error:
        line = contents.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path} cannot be read: line {line} is not in UTF-8") from error


def _unmarked(contents: bytes) -> str:
    """Return the encoding that zeros tell: half of each character, or each other byte."""
    if any({*contents[i::4], *contents[i + 1 :: 4]} == {0} for i in (0, 2)):
        return "UTF-32"
    return "UTF-16" if any({*contents[i::2]} == {0} for i in (0, 1)) else ""


def pickled(path: object) -> DataError:
    """Return the error of a file of pickled objects."""
    return DataError(
        f"{path} cannot be read: it holds pickled Python objects, which can run code; save the "
        "numbers as CSV, JSON or .npz (in Python, a dict or DataFrame is read as it is)"
    )


def unreadable(path: Path, error: Exception, kind: str = "") -> DataError:
    """Return the error of a file that a parser cannot read, or that NumPy refuses to unpickle."""
    if "allow_pickle=False" in str(error):
        return pickled(path)
    told = " ".join(str(error).split()) or type(error).__name__
    told = next((words for part, words in _UNCLEAR.items() if part in told), told)
    return DataError(f"{path} cannot be read{kind and f' as {kind}'}: {told}")


def array_of(path: Path) -> NDArray[Any]:
    """Read the array of real numbers of a .npy file."""
    check_regular(path)
    try:
        with path.open("rb") as opened:
            # From memory: NumPy would allocate whatever the header claims before it reads a file.
            contents = io.BytesIO(opened.read(MAX_BYTES + 1))
        values: NDArray[Any] = np.lib.format.read_array(contents, allow_pickle=False)
    except Exception as error:  # a damaged header raises anything
        raise unreadable(path, error) from error
    if values.dtype.kind not in "iuf":
        raise DataError(f"{path} holds {values.dtype}, allowed are real numbers")
    return values


def arrays_of(path: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays of a .npz file."""
    if not is_zip(path):
        raise DataError(f"{path} is no archive of arrays")
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)
