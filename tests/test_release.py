"""What a release says of itself is the same everywhere."""

import re
import tomllib
from pathlib import Path

import pytest

import palm_bayes

ROOT = Path(__file__).parents[1]


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_version_is_one():
    version = re.escape(palm_bayes.__version__)
    (dated,) = re.findall(
        rf"^## \[{version}\] - (\d{{4}}-\d\d-\d\d)$", read("CHANGELOG.md"), re.MULTILINE
    )
    assert re.search(rf"^version: {version}$", read("CITATION.cff"), re.MULTILINE)
    assert re.search(rf"^date-released: {dated}$", read("CITATION.cff"), re.MULTILINE)
    assert re.search(rf"version {version}, {dated[:4]}\.", read("README.md"))


def test_words_of_the_citation_are_those_of_the_project():
    project = tomllib.loads(read("pyproject.toml"))["project"]
    cited = read("CITATION.cff")
    assert f"license: {project['license']}" in cited
    assert all(f"name: {author['name']}" in cited for author in project["authors"])


def test_an_index_shows_no_link_it_cannot_follow():
    hook = tomllib.loads(read("pyproject.toml"))["tool"]["hatch"]["metadata"]["hooks"]
    text = read("README.md")
    for one in hook["fancy-pypi-readme"]["substitutions"]:
        text = re.sub(one["pattern"], one["replacement"], text)
    assert re.findall(r"\]\((?!https:)[^)]*\)", text) == []
    assert "![" not in text
    assert "[PALM](https://" in text
    assert "Guide: data formats" in text


@pytest.mark.parametrize("name", ["palm_bayes/py.typed", "LICENSE"])
def test_it_is_typed_and_licensed(name):
    assert (ROOT / name).is_file()
