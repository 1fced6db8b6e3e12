"""Check the wheel and the sdist in a folder: contents, metadata, and the text that an index shows.

python scripts/check_dists.py dist
"""

import email
import re
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("palm_bayes", "tests", "docs")
BESIDE = (
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "CITATION.cff", "LICENSE"),
    *("constraints.txt", "pyproject.toml"),
)
GENERATED = {"PKG-INFO", ".gitignore"}  # hatchling adds them to every sdist


def tracked(*paths: str) -> set[str]:
    """Return the files of the repository below these paths."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", *paths],  # noqa: S607 -- the git of the checkout
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(listed.stdout.split("\0")) - {""}


def wheel(path: Path) -> tuple[set[str], Message]:
    """Return the files of a wheel but its own records, and its metadata."""
    with zipfile.ZipFile(path) as opened:
        names = set(opened.namelist())
        info = next(name.partition("/")[0] for name in names if ".dist-info/" in name)
        metadata = email.message_from_bytes(opened.read(f"{info}/METADATA"))
    inside = {name for name in names if not name.startswith(f"{info}/")}
    if f"{info}/licenses/LICENSE" not in names:
        sys.exit(f"{path.name} has no licence")
    return inside, metadata


def sdist(path: Path) -> tuple[set[str], Message]:
    """Return the files of an sdist without its folder, and its metadata."""
    with tarfile.open(path) as opened:
        names = {one.name.partition("/")[2] for one in opened.getmembers() if one.isfile()}
        info = opened.extractfile(f"{path.name.removesuffix('.tar.gz')}/PKG-INFO")
        metadata = email.message_from_bytes(info.read() if info else b"")
    return names - GENERATED, metadata


def compare(path: Path, found: set[str], wanted: set[str]) -> None:
    """Exit unless the files are those that are wanted."""
    extra, missing = sorted(found - wanted), sorted(wanted - found)
    if extra or missing:
        sys.exit(f"{path.name}: more than is tracked {extra}, missing {missing}")


def check(path: Path, metadata: Message, named: str) -> None:
    """Exit unless the metadata say what an installer and an index need."""
    text = str(metadata.get_payload())
    relative = re.findall(r"\]\((?!https:)[^)]*\)", text)
    if relative:
        sys.exit(f"{path.name}: links that an index cannot follow: {relative}")
    for field in ("Requires-Python", "License-Expression", "License-File", "Summary", "Keywords"):
        if not metadata[field]:
            sys.exit(f"{path.name}: no {field}")
    if metadata["Version"] not in named:
        sys.exit(f"{path.name} has version {metadata['Version']}")


def main(folder: Path) -> None:
    """Check the one wheel and the one sdist of a folder."""
    (built,), (source,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    files, metadata = wheel(built)
    compare(built, files, tracked("palm_bayes"))
    check(built, metadata, built.name)
    print(f"{built.name}: {len(files)} files, {built.stat().st_size / 1e3:.0f} kB")
    files, metadata = sdist(source)
    compare(source, files, tracked(*FOLDERS, *BESIDE))
    check(source, metadata, source.name)
    print(f"{source.name}: {len(files)} files, {source.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
