"""Tables as LaTeX, Markdown and CSV, and in terminals of any width; completion by the shell."""

import io
import re

import pandas as pd
import pytest
from rich.cells import cell_len
from rich.console import Console
from typer.testing import CliRunner

from palm_bayes.cli import app as cli
from palm_bayes.cli import console

NAMES = ["a_b & 5 %", "[x] | <b>y</b>", "least_confidence"]
TABLE = pd.DataFrame(
    {
        "strategy": NAMES,
        "accuracy": ["0.959 [0.952-0.968]", "0.944 [0.933-0.956]", "0.938 [0.929-0.950]"],
        "P(best)": ["96 %", "<1 %", ">99 %"],
        "standing": ["first", "not ruled out", "ruled out"],
    }
)


def test_latex_escapes_names_and_signs():
    text = console.latex({"At 500 labels:": TABLE})
    assert text.startswith("% At 500 labels:\n\\begin{tabular}{lrrr}\n\\toprule\n")
    assert r"a\_b \& 5 \% & 0.959 [0.952-0.968] & 96 \% & first \\" in text
    assert r"{}[x] | $<$b$>$y$<$/b$>$ & " in text  # [x] is no argument of \\ before it
    assert r"& $<$1 \% &" in text
    assert text.count(r"\\") == 4


def test_markdown_is_one_row_a_strategy_without_markup_of_names():
    text = console.markdown({"At 500 labels:": TABLE, "Again:": TABLE})
    first, again = text.split("\n\nAgain:\n\n")
    heading, header, sides, *rows = (line for line in first.splitlines() if line)
    assert heading == "At 500 labels:"
    assert [cell.strip() for cell in header.strip("|").split("|")] == list(TABLE)
    assert re.fullmatch(r"\|:-+(\|-+:){3}\|", sides)
    assert len(rows) == 3
    assert r"\[x\] \| \<b>y\</b>" in rows[1]
    assert "| <1 % |" in re.sub(" +", " ", rows[1])
    assert again.splitlines() == [header, sides, *rows]


def shown(width):
    stream = io.StringIO()
    made = Console(file=stream, width=width, markup=False, highlight=False)
    console.print_table(made, TABLE)
    return [line.rstrip() for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize("width", [200, 80, 60])
def test_a_table_is_wrapped_between_words(width):
    lines = shown(width)
    assert max(map(len, lines)) <= width
    words = {word for column in (TABLE, pd.DataFrame([list(TABLE)])) for word in
             " ".join(column.to_numpy().ravel()).split()}  # fmt: skip
    assert words <= set(" ".join(lines).split())


@pytest.mark.parametrize("width", [80, 40, 24])
def test_names_of_wide_characters_are_whole_in_a_table(width):
    name = "主动学习最高准确率"
    table = pd.DataFrame({"strategy": [name] * 2, "accuracy": ["0.9 [0.9-0.95]"] * 2})
    stream = io.StringIO()
    made = Console(file=stream, width=width, markup=False, highlight=False)
    console.print_table(made, table)
    assert max(map(cell_len, stream.getvalue().splitlines())) <= width
    assert stream.getvalue().count(name) == 2


def test_a_table_too_wide_is_printed_row_by_row():
    lines = shown(40)
    assert max(map(len, lines)) <= 40
    at = lines.index("least_confidence")
    assert lines[at + 1 : at + 4] == [
        "  accuracy: 0.938 [0.929-0.950]", "  P(best): >99 %", "  standing: ruled out"
    ]  # fmt: skip


def test_sentences_in_a_table_are_printed_row_by_row():
    rule = "0.93 is reached within 800 labels with a probability below 5 %"
    stream = io.StringIO()
    table = pd.DataFrame({"stop if": [rule], "now": [">99 %"], "answer": ["go on"]})
    made = Console(file=stream, width=40, markup=False, highlight=False)
    console.print_table(made, table)
    assert [line.strip() for line in stream.getvalue().splitlines() if line.strip()] == [
        "0.93 is reached within 800 labels with a", "probability below 5 %",
        "now: >99 %", "answer: go on",
    ]  # fmt: skip


def test_wide_characters_take_two_columns():
    """As terminals show them: a line that is too long would be wrapped again."""
    text = "  " + "策略 " * 9 + "e\N{COMBINING ACUTE ACCENT} is best"
    lines = console.wrapped(text, 20).split("\n")
    assert max(map(cell_len, lines)) <= 20
    assert " ".join(" ".join(lines).split()) == text.strip()
    assert lines[0] == "  策略 策略 策略"


def test_text_is_wrapped_before_words_but_not_before_percent():
    text = "  labels for random's accuracy: 28 % [25-36]\n\nat most >99 % (80 % required)"
    assert console.wrapped(text, 36).split("\n") == [
        "  labels for random's accuracy: 28 %",
        "    [25-36]",
        "",
        "at most >99 % (80 % required)",
    ]
    assert console.wrapped("at most >99 % so", 12).split("\n") == ["at most", ">99 % so"]
    assert console.wrapped("a_very_long_name_of_a_file.csv", 10) == "a_very_long_name_of_a_file.csv"


@pytest.mark.parametrize(("width", "rows"), [(80, 7), (40, 12)])
def test_parameters_are_never_cut(width, rows):
    values = dict(zip(("median", "lower", "upper"), (0.0683, -1234.0, 12.25), strict=True))
    one = {"parameters": dict.fromkeys(("A_max", "delta", "alpha", "beta"), values)}
    found = {
        "probability": 0.9,
        "strategies": {
            "a_strategy_of_a_long_name": one | {"convergence": {"passed": False}},
            "b": one | {"convergence": {"passed": True}},
        },
    }
    stream = io.StringIO()
    made = Console(file=stream, width=width, markup=False, highlight=False)
    console.print_parameters(made, found)
    text = stream.getvalue()
    assert max(map(len, text.splitlines())) <= width
    assert len([line for line in text.splitlines() if line.strip(" ─")]) == rows
    assert "a_strategy_of_a_long_name" in text
    assert "(not converged)" in " ".join(text.split())
    assert text.count("-1,234") == text.count("0.0683") == text.count("12.2") == 8
    assert "…" not in text


def test_lines_below_help_fit_80_columns():
    """Indented by one, as Rich prints them."""
    group = cli.typer.main.get_command(cli.app)
    texts = [group.epilog, *(command.epilog or "" for command in group.commands.values())]
    plain = [re.sub(r"\[/?bold\]", "", line) for text in texts for line in text.splitlines()]
    assert [line for line in plain if len(line) > 78] == []


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("palm-bayes comp", {"compare"}),
        ("palm-bayes fit --sampler n", {"nutpie", "numpyro"}),
        ("palm-bayes compare fit --format l", {"latex"}),
        ("palm-bayes fit --layout w", {"wide"}),
    ],
)
def test_the_shell_completes_commands_and_choices(words, found):
    variables = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    variables["_PALM_BAYES_COMPLETE"] = "complete_bash"
    result = CliRunner().invoke(cli.app, prog_name="palm-bayes", env=variables)
    assert set(result.output.split()) == found
