"""Files are whole or absent."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any


def put(path: Path, write: Callable[[Path], Any]) -> None:
    """Let `write` make the file beside its place, and move it there if that went well."""
    # A folder, not a file: the file in it then gets the permissions of any new file.
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".palm_bayes-") as scratch:
        draft = Path(scratch) / path.name
        write(draft)
        draft.replace(path)
