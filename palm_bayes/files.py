"""Writing of files, each whole or absent and sets of them together; safe names and cells."""

import csv
import errno
import hashlib
import io
import math
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from palm_bayes.errors import (
    DataError,
    WriteError,
    known,
    of_type,
    real,
    several,
    text,
    whole,
)
from palm_bayes.scratch import exchange, locked, move, refuse_links, scratch_in

if TYPE_CHECKING:
    import pandas as pd

TRACE = "trace.nc"
"""Name of a saved fit in its output folder."""

type Files = Mapping[Path, Callable[[Path], Any]]
"""Functions that write a file to a given path, by path below a folder."""

_FIGURES = (
    *(".eps", ".jpeg", ".jpg", ".pdf", ".pgf", ".png", ".ps", ".raw", ".rgba", ".svg", ".svgz"),
    *(".tif", ".tiff", ".webp"),
)
KINDS = ("png", "pdf", "svg")
"""Formats of figures in files that have a name of the package's own."""
_LONGEST = 100  # bytes of a name made from a strategy's: some file systems allow 143
# Windows' devices, with any suffix.
_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\..*)?")
# Cells that spreadsheets calculate (OWASP, CSV injection), also in full width.
_FORMULA = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")


def put(path: Path, write: Callable[[Path], Any], drafts: Path | None = None) -> None:
    """Let `write` make a temporary file, and move it to `path` if successful.

    Its folder is created if needed.

    Parameters
    ----------
    path : pathlib.Path
    write : callable
    drafts : pathlib.Path, optional
        Folder for temporary files, on the same file system; by default that of `path`. Each call
        lists it, so give another one if the folder of `path` has very many files.

    Raises
    ------
    WriteError
        If the file cannot be written, as on a full disk; no partial file remains.
    """
    drafts = drafts or path.parent
    with (
        writing(path.parent, str(path)),
        writing(drafts, str(path)),
        scratch_in(drafts) as scratch,
    ):
        _refuse_others(path)
        draft = scratch / path.name
        write(draft)
        move(draft, path)


def put_all(
    out: Path,
    files: Files,
    gone: Callable[[], Iterable[Path]] = tuple,
) -> list[Path]:
    """Write a set of files into `out`: all of them or none, and never beside those they replace.

    Parameters
    ----------
    out : pathlib.Path
        Created if needed.
    files : mapping
        The first one marks the set as complete: it is moved to its place last.
    gone : callable
        Called when no other process can change `out` any more: raises `DataError` if the files
        there must be kept, and returns the paths of files that belong to them and not to `files`.

    Raises
    ------
    WriteError
        If a file cannot be written; then the folder is as before.
    """
    with together(out, [*map(str, files)], gone) as drafts:
        for path, write in files.items():
            (drafts / path).parent.mkdir(parents=True, exist_ok=True)
            write(drafts / path)
    return [out / path for path in files]


@contextmanager
def together(
    out: Path, names: Sequence[str], gone: Callable[[], Iterable[Path]] = tuple
) -> Iterator[Path]:
    """Provide a folder for drafts of files, and move all of them to `out`; see `put_all`.

    `names` are their paths below `out`.
    """
    with writing(out, str(out)), scratch_in(out) as drafts:
        refuse_links(out, names)
        yield drafts
        with locked(out):
            old = [str(path) for path in gone() if str(path) not in names]
            exchange(drafts, names, old)


@contextmanager
def writing(folder: Path, what: str) -> Iterator[None]:
    """Create a folder; after an error remove what was created, and say what was being written."""
    try:
        made = [path for path in (folder, *folder.absolute().parents) if not path.exists()]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            yield
        except BaseException:
            for path in made:
                with suppress(OSError):  # another process's files are in it
                    path.rmdir()
            raise
    except OSError as error:
        raise WriteError(f"cannot write {what}: {error.strerror or error}") from error


def as_path(value: Any, what: str) -> Path:
    """Return a value as a path, ~ as the home folder; `DataError` for what is no path."""
    try:
        path = Path(value).expanduser()
        os.fsencode(path)
    except TypeError:
        raise DataError(f"{what} is of type {type(value).__name__}, but must be a path") from None
    except UnicodeError:
        raise DataError(f"{what} is {value!r}, but must be a path of valid characters") from None
    except RuntimeError as error:
        raise DataError(f"{what} is {value}: {error}") from error
    if "\0" in str(path):
        raise DataError(f"{what} is {value!r}, but must be a path of valid characters")
    return path


def check_folder(out: Path) -> None:
    """Raise `DataError` if files cannot be written to `out`, which need not exist yet."""
    try:
        place = next(path for path in (out, *out.absolute().parents) if os.path.lexists(path))
    except OSError as error:  # the working directory was removed
        raise DataError(f"cannot write to {out}: {error.strerror}") from error
    if not place.is_dir():
        raise DataError(f"cannot write to {out}: {place} is not a folder")
    if not os.access(place, os.W_OK | os.X_OK):
        raise DataError(f"cannot write to {out}: no permission to write in {place}")
    _check_length(out, place)


def make_folder(out: Path) -> None:
    """Create an output folder if needed; `DataError` if this fails."""
    check_folder(out)
    with writing(out, str(out)):
        pass


def check_file(path: Path) -> None:
    """Raise `DataError` if a file cannot be written to `path`."""
    check_folder(path.parent)
    _refuse_others(path)
    _check_length(path, path.parent)


def check_files(out: Path, names: Sequence[Path]) -> None:
    """Raise `DataError` if files of these names cannot be written below `out`."""
    check_folder(out)
    try:
        refuse_links(out, map(str, names))
    except OSError as error:
        raise DataError(f"cannot write to {out}: {error.strerror}") from error
    for name in names:
        check_file(out / name)


def _refuse_others(path: Path) -> None:
    """Raise `DataError` for a folder, a pipe or a device: they are not replaced by a file."""
    if path.exists() and not path.is_file():
        raise DataError(
            f"cannot write {path}: it is {'a folder' if path.is_dir() else 'not a regular file'}"
        )


def _check_length(path: Path, place: Path) -> None:
    """Raise `DataError` for a path, or a part of it, that is too long for the system."""
    if not hasattr(os, "pathconf"):
        return
    parts = [len(os.fsencode(part)) for part in path.absolute().parts]
    with suppress(OSError):  # no limits are known
        most = os.pathconf(place if place.is_dir() else place.anchor or ".", "PC_NAME_MAX")
        longest = os.pathconf("/", "PC_PATH_MAX") - _LONGEST  # names of scratch folders
        if max(parts) > most or sum(parts) + len(parts) > longest:
            raise DataError(f"cannot write {path}: {os.strerror(errno.ENAMETOOLONG)}")


def check_figure(path: Path) -> None:
    """Raise `DataError` if a figure cannot be written to `path`."""
    if path.suffix.lower() not in _FIGURES:
        raise DataError(f"{path}: cannot draw a {path.suffix!r} file, try .png, .pdf or .svg")
    check_file(path)


@dataclass(frozen=True)
class Look:
    """Look of figures in files.

    Attributes
    ----------
    style : str, optional
        Style sheet of Matplotlib, or a file of one, applied over the package's own.
    size : (float, float), optional
        Width and height in inches; by default as a figure is drawn.
    dpi : int
        Dots per inch of pixels.
    kind : str
        Format where a file has a name of the package's own, such as curves.png: one of `KINDS`.
    """

    style: str | None = None
    size: tuple[float, float] | None = None
    dpi: int = 180
    kind: str = "png"

    def __post_init__(self) -> None:
        text(self.style, "style")
        whole(self.dpi, "dpi", 1)
        known([self.kind], KINDS, "format of figures")
        sides = [] if self.size is None else [real(side, "size") for side in several(self.size)]
        if self.size is not None and not (len(sides) == 2 and 0 < min(sides) <= max(sides) < 1e3):
            raise DataError(f"size is {self.size!r}, but must be a width and a height in inches")

    def save(self, figure: Any, path: Path) -> None:
        """Save a matplotlib figure in the format of the suffix."""
        if self.size is not None:
            figure.set_size_inches(self.size)
        figure.savefig(path, dpi=self.dpi)


def as_look(value: Any) -> Look:
    """Return a look, by default the usual one; `DataError` for all else."""
    return Look() if value is None else of_type(value, Look, "look", "a palm_bayes.files.Look")


def put_text(path: Path, text: str, drafts: Path | None = None) -> None:
    """Write a text as it is, in UTF-8; see `put`."""
    put(path, text_file(text), drafts)


def text_file(text: str) -> Callable[[Path], Any]:
    """Return a function that writes a text as it is, in UTF-8."""
    return lambda path: path.write_text(text, encoding="utf-8", newline="")


def file_names(names: Sequence[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Assign to every name one that any file system accepts, similar to it and unlike all others.

    Letters, digits and ``.+=@-`` stay; other characters become ``_``. Names that differ only in
    case are alike on some systems, and those of Windows' devices reserved. A name of over 100
    bytes is shortened, and ends with a part of its hash.
    """
    used, found = {_alike(name) for name in taken}, {}
    for name in dict.fromkeys(names):
        base = chosen = _file_name(name)
        count = 1
        while _alike(chosen) in used:
            count += 1
            chosen = f"{base}-{count}"
        used.add(_alike(chosen))
        found[name] = chosen
    return found


def _file_name(name: str) -> str:
    kept = re.sub(r"[^\w.+=@-]", "_", name).strip(".") or "_"
    if _DEVICE.fullmatch(kept):
        kept = f"_{kept}"
    if len(kept.encode()) <= _LONGEST:
        return kept
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{kept.encode()[: _LONGEST - 9].decode(errors='ignore')}-{digest}"


def _alike(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def csv_text(frame: "pd.DataFrame") -> str:
    """Format a table as CSV, numbers to eight digits; text that is a formula is marked (`cell`)."""
    safe = frame.rename(columns=lambda name: cell(str(name)))
    for i, kind in enumerate(safe.dtypes):
        if kind.kind not in "biufcmM":
            marked = safe.iloc[:, i].astype(object).map(cell, na_action="ignore")
            safe.isetitem(i, marked.array)
    return str(safe.to_csv(index=False, float_format="%.8g", lineterminator="\n"))


def csv_rows(rows: Iterable[Iterable[Any]]) -> str:
    """Format rows as Python's csv does; text that is a formula is marked (`cell`)."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([cell(value) for value in row] for row in rows)
    return text.getvalue()


def cell(value: Any) -> Any:
    """Put ' before a text that a spreadsheet would calculate: it begins with =, +, - or @.

    So do texts that begin with ' and then such a character, so that `uncell` inverts it.
    """
    text = isinstance(value, str)
    return f"'{value}" if text and _FORMULA.match(value) else value


def uncell(value: Any) -> Any:
    """Remove the mark of `cell` from a text."""
    text = isinstance(value, str) and value.startswith("'")
    return value[1:] if text and _FORMULA.match(value) else value


def plain(values: Mapping[Any, Any]) -> dict[str, Any]:
    """Convert values for JSON: Python types, and None for numbers that are not finite."""
    own = {str(k): v.item() if hasattr(v, "item") else v for k, v in values.items()}
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in own.items()}


def plain_rows(table: "pd.DataFrame") -> list[dict[str, Any]]:
    """Convert the rows of a table for JSON, as `plain`."""
    return [plain(row) for row in table.to_dict("records")]
