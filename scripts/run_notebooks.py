"""Execute the notebooks in fresh kernels and store their outputs, each whole or not at all.

python scripts/run_notebooks.py                            # all of them
python scripts/run_notebooks.py 3_when_to_stop_live.ipynb  # by name
python scripts/run_notebooks.py --check ...                # store nothing: do they run?
"""

import argparse
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "notebooks"
SECONDS = 600  # a cell: the first fit may have to compile


def run(path: Path, store: bool) -> None:
    """Execute a notebook; its outputs replace the stored ones, if they are to be stored."""
    start = time.perf_counter()
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook,
        timeout=SECONDS,
        record_timing=False,
        resources={"metadata": {"path": str(FOLDER)}},
    ).execute()
    if store:
        # Without the version of Python, which says nothing of what is shown.
        notebook.metadata["language_info"] = {"name": "python"}
        draft = path.with_suffix(".draft")
        nbformat.write(notebook, draft)
        draft.replace(path)
    print(f"{path.name}: {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", help="in notebooks/; by default all")
    parser.add_argument("--check", action="store_true", help="store nothing")
    given = parser.parse_args()
    for each in [FOLDER / name for name in given.names] or sorted(FOLDER.glob("*.ipynb")):
        run(each, store=not given.check)
