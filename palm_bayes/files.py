"""Files are whole or absent."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from palm_bayes.errors import DataError


def put(path: Path, write: Callable[[Path], Any]) -> None:
    """Let `write` make the file beside its place, and move it there if that went well."""
    # A folder, not a file: the file in it then gets the permissions of any new file.
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".palm_bayes-") as scratch:
        draft = Path(scratch) / path.name
        write(draft)
        draft.replace(path)


def check_folder(out: Path) -> None:
    """Raise `DataError` if files cannot be written to `out`, which need not be there yet."""
    place = next(path for path in (out, *out.absolute().parents) if os.path.lexists(path))
    if not place.is_dir():
        raise DataError(f"cannot write to {out}: {place} is not a folder")
    if not os.access(place, os.W_OK | os.X_OK):
        raise DataError(f"cannot write to {out}: no permission to write in {place}")
