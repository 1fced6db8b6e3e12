"""Gather the site's sources in one folder, and map the links between them.

Pages stay where a reader of the repository looks for them, with relative links that hold there:
`docs/`, `notebooks/`, `benchmarks/README.md`, `CONTRIBUTING.md`, `CHANGELOG.md`. Sphinx wants one
folder, so they are copied into it. Links to a page of the site lead to that page; links to other
files of the repository become plain text, for the site does not have these files.
"""

import posixpath
import re
import shutil
import sys
from pathlib import Path

from cli_page import cli_page

ROOT = Path(__file__).parents[2]
ELSEWHERE = {
    "benchmarks/README.md": "project/benchmarks.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "CHANGELOG.md": "project/changelog.md",
    "SECURITY.md": "security.md",
    "docs/architecture.md": "project/architecture.md",
    "docs/decisions.md": "project/decisions.md",
}
GENERATED = {  # what Sphinx makes a page of, by its place in the repository
    "docs/gallery": "gallery/index",
    "palm_bayes/cli": "reference/cli",
    **{
        f"docs/gallery/{path.name}": f"gallery/{path.stem}"
        for path in sorted((ROOT / "docs/gallery").glob("plot_*.py"))
    },
}
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
_FENCE = re.compile(r"(^```.*?^```|`[^`\n]+`)", re.MULTILINE | re.DOTALL)


def pages() -> dict[str, str]:
    """Map each source of a page, relative to the repository, to its place in the site."""
    found = {}
    for path in sorted((ROOT / "docs").rglob("*")):
        inside = path.relative_to(ROOT / "docs")
        if path.suffix in {".md", ".png", ".rst"} and inside.parts[0] not in {
            "_build",
            "gallery",
            "site",
        }:
            found[f"docs/{inside.as_posix()}"] = inside.as_posix()
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        found[f"notebooks/{path.name}"] = f"tutorials/{path.name}"
    return found | ELSEWHERE


def mapped(text: str, source: str, places: dict[str, str]) -> str:
    """Map the links of a page outside of code."""
    here = posixpath.dirname(places[source]) or "."

    def link(match: re.Match[str]) -> str:
        image, words, target = match.groups()
        path, hash_, anchor = target.partition("#")
        if not path or re.match(r"[a-z]+:", path):
            return match[0]
        file = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        if place := places.get(file) or GENERATED.get(file):
            return f"{image}[{words}]({posixpath.relpath(place, here)}{hash_}{anchor})"
        if (ROOT / file).exists():
            return words
        return match[0]  # a broken link, which Sphinx reports

    parts = _FENCE.split(text)
    return "".join(
        part if i % 2 and part.startswith("```") else _LINK.sub(link, part) if not i % 2 else part
        for i, part in enumerate(parts)
    )


def stage(folder: Path) -> None:
    """Write all sources that changed into the folder, and remove pages that are no more."""
    places = pages()
    shutil.rmtree(folder / "api", ignore_errors=True)  # pages of names that are no more
    written = {folder / "reference/cli.md"}
    put(folder / "reference/cli.md", cli_page().encode())
    for source, place in places.items():
        content = (ROOT / source).read_bytes()
        if source.endswith((".md", ".rst")):
            content = mapped(content.decode(), source, places).encode()
        put(folder / place, content)
        written.add(folder / place)
    for path in folder.rglob("*"):
        generated = path.relative_to(folder).parts[0] in {"gallery", "sg_execution_times.rst"}
        if path.is_file() and path not in written and not generated:
            path.unlink()


def put(path: Path, content: bytes) -> None:
    """Write a file unless it has this content: Sphinx reads again what is newer."""
    if not path.is_file() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    stage(Path(sys.argv[1]))
