"""The labelling loops of the documentation run, with the libraries that they are for."""

import re
from pathlib import Path

import pytest

from palm_bayes.reading.read import read_runs

PAGE = Path(__file__).parents[1] / "docs" / "how-to" / "in-a-labelling-loop.md"
_PART = re.compile(r"^## (.*?)$|^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks():
    """The code of each section of the page."""
    found, title = {}, ""
    for match in _PART.finditer(PAGE.read_text(encoding="utf-8")):
        title = match[1] or title
        if match[2]:
            found[title] = found.get(title, "") + match[2]
    return found


SECTIONS = blocks()
SETUP = SECTIONS.pop("The set-up of all loops")
WRITER = "PyTorch, and the loop of TypiClust and PALM"


def run(title):
    names = {}
    exec(compile(SETUP + SECTIONS[title], f"{PAGE.name}: {title}", "exec"), names)
    return names


def test_the_page_has_the_loops():
    assert list(SECTIONS) == ["scikit-activeml", "small-text", "modAL", "ALiPy", WRITER]


@pytest.mark.loops
@pytest.mark.filterwarnings("default")  # old libraries, and one repetition: not of this test
@pytest.mark.parametrize("title", [title for title in SECTIONS if title != WRITER])
def test_a_loop_ends_by_its_rule(title, capsys):
    found = run(title)
    decision, table = found["decision"], found["monitor"].fit.runs.table
    assert decision.stop
    assert decision.sentence in capsys.readouterr().out
    assert table["labels"].tolist() == [20.0 * i for i in range(1, len(table) + 1)]
    assert table["labels"].iloc[-1] <= 400
    reached = decision.findings[0]
    assert reached.probability >= 0.8 or table["labels"].iloc[-1] == 400
    assert table["accuracy"].iloc[-1] > 0.85  # chance is 0.1: the strategy chose, the model learnt


@pytest.mark.loops
@pytest.mark.filterwarnings("default")
def test_the_writer_of_a_loop(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(WRITER)
    table = read_runs(tmp_path / "output" / "digits" / "mlp").table
    assert table.groupby("repetition")["labels"].agg(list).tolist() == [[20, 40, 60, 80, 100]] * 2
    assert set(table["strategy"]) == {"typiclust"}
    assert (table.groupby("episode")["accuracy"].mean().diff().dropna() > 0).all()
