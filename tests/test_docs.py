"""The documents for contributors name files and functions that are there."""

import ast
import re
from pathlib import Path

import pytest

from palm_bayes.decisions.information_value import pilot_value
from palm_bayes.report.contents import Questions, report_of

ROOT = Path(__file__).parents[1]
DOCUMENTS = ("CONTRIBUTING.md", "docs/architecture.md", "docs/decisions.md")
FOLDERS = ("", "docs", "palm_bayes", "benchmarks")  # that paths are told from
SOURCES = ("palm_bayes", "tests", "benchmarks")
ROOMS = ("model", "inference", "forecast", "decisions", "evaluation")
# Numbers that change no result: versions, sizes of arrays, seeds, stand-ins, and what is shown.
NO_CHOICE = {
    *("VERSION", "ROWS", "_COUNTS", "REWEIGHTED", "HERE", "BEYOND", "_SEED", "_SHARES_SEED"),
    *("_BANDS", "_DPI", "_ROWS", "_SHOWN", "_LEAST_TOLD", "_SPARE", "_TASKS"),
}

pytestmark = pytest.mark.skipif(
    not (ROOT / "benchmarks").is_dir(), reason="an unpacked copy of the package alone"
)


def named(document, pattern):
    """What stands in backticks, or in the parentheses of a link, and fits a pattern."""
    text = re.sub(r"```.*?```", "", (ROOT / document).read_text(encoding="utf-8"), flags=re.DOTALL)
    spans = re.findall(r"`([^`\n]+)`|\]\(([^)#]+)\)", text)
    return {word for pair in spans for word in pair if re.fullmatch(pattern, word)}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_are_there(document):
    here = (ROOT / document).parent
    paths = named(document, r"[\w./]+\.(py|md|json|toml|txt|yaml|sh)")
    assert paths
    places = [here, *(ROOT / folder for folder in FOLDERS)]
    there = {path for path in paths if any((place / path).is_file() for place in places)}
    assert paths - there == set()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_names_are_there(document):
    files = [path for folder in SOURCES for path in sorted((ROOT / folder).rglob("*.py"))]
    code = "\n".join(path.read_text(encoding="utf-8") for path in files)
    code += " ".join(path.stem for path in files)
    calls = named(document, r"[\w.]*[a-z]_[\w.]+(\(.*\))?") - named(document, r".*\.(py|md|json)")
    names = {name for call in calls for name in call.partition("(")[0].split(".")}
    assert names
    assert {name for name in names if not re.search(rf"\b{name}\b", code)} == set()


def test_the_diagram_has_every_room():
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    diagram = text.split("```text")[1].split("```")[0]
    rooms = {path.parent.name for path in (ROOT / "palm_bayes").glob("*/__init__.py")}
    for room in rooms | {"palm_fit", "monitor"}:
        assert re.search(rf"^(  ├──▶ )?{room} {{2,}}\S", diagram, re.MULTILINE), room


def numbers_of(file):
    """The names of a module's constants that are numbers, or tuples or dicts of numbers."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            values = node.value.values if isinstance(node.value, ast.Dict) else [node.value]
            parts = [part for value in values for part in ast.walk(value)]
            kinds = {type(part.value) for part in parts if isinstance(part, ast.Constant)}
            if kinds and kinds <= {int, float} and not any(isinstance(p, ast.Call) for p in parts):
                yield node.targets[0].id


def test_constants_that_no_script_learned_are_listed():
    text = (ROOT / "docs/decisions.md").read_text(encoding="utf-8")
    listed = text.split("\n## Constants that no script learned")[1]
    files = [file for room in ROOMS for file in sorted((ROOT / "palm_bayes" / room).glob("*.py"))]
    there = {name for file in files for name in numbers_of(file)}
    assert len(there) > 50
    assert {name for name in there - NO_CHOICE if f"`{name}`" not in listed} == set()


def test_json_is_explained(fit, unexplained):
    """Every key of an answer, and of the rows that no table of Python explains."""
    questions = Questions(target=0.93, within=400)
    report = report_of(fit, questions).document()
    answers = report, report["comparison"], report["labels_to_reach"], report["decision"]
    pilots = pilot_value(fit, 400).document()
    rows = report["decision"]["findings"][0], pilots["pilots"][0]
    also = {"converged": True, "verdict": "", "worth": "", "page": ""}  # of the command
    assert unexplained(*answers, pilots, *rows, also) == set()
