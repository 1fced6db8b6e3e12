"""Atomic writing of files, and conversion of values for JSON."""

import math
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from palm_bayes.errors import DataError


def put(path: Path, write: Callable[[Path], Any]) -> None:
    """Let `write` make a temporary file, and move it to `path` if successful.

    Raises
    ------
    DataError
        If the file cannot be written, as on a full disk; no partial file remains.
    """
    try:
        # In a temporary folder, the file gets the permissions of any new file.
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".palm_bayes-") as scratch:
            draft = Path(scratch) / path.name
            write(draft)
            draft.replace(path)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}") from error


def check_folder(out: Path) -> None:
    """Raise `DataError` if files cannot be written to `out`, which need not exist yet."""
    place = next(path for path in (out, *out.absolute().parents) if os.path.lexists(path))
    if not place.is_dir():
        raise DataError(f"cannot write to {out}: {place} is not a folder")
    if not os.access(place, os.W_OK | os.X_OK):
        raise DataError(f"cannot write to {out}: no permission to write in {place}")


def make_folder(out: Path) -> None:
    """Create an output folder if needed; `DataError` if this fails."""
    check_folder(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"cannot create the folder {out}: {error.strerror}") from error


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
    """

    style: str | None = None
    size: tuple[float, float] | None = None
    dpi: int = 180

    def save(self, figure: Any, path: Path) -> None:
        """Save a matplotlib figure in the format of the suffix."""
        if self.size is not None:
            figure.set_size_inches(self.size)
        figure.savefig(path, dpi=self.dpi)


def put_figure(path: Path, figure: Any, look: Look) -> None:
    """Save a matplotlib figure in the format of the suffix, completely or not at all."""
    make_folder(path.parent)
    allowed = figure.canvas.get_supported_filetypes()
    if path.suffix[1:].lower() not in allowed:
        raise DataError(f"{path}: cannot draw a {path.suffix!r} file, try .png, .pdf or .svg")
    put(path, lambda draft: look.save(figure, draft))


def plain(values: Mapping[Any, Any]) -> dict[str, Any]:
    """Convert values for JSON: Python types, and None for numbers that are not finite."""
    own = {str(k): v.item() if hasattr(v, "item") else v for k, v in values.items()}
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in own.items()}
