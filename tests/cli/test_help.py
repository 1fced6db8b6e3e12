"""Help in terminals of any width: every name in full, and its text wrapped at words."""

import re

import pytest
import typer.main

from palm_bayes.cli import app as cli
from palm_bayes.cli import help as cli_help

GROUP = typer.main.get_command(cli.app)
NAMES = ["", *GROUP.commands]


def help_of(name, width, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(width))
    assert cli.main([*filter(None, [name]), "--help"]) == 0
    return capsys.readouterr().out


def entries(name):
    command = GROUP.commands.get(name, GROUP)
    context = command.make_context(name, [], resilient_parsing=True)
    return [entry for panel in cli_help.panels(command, context).values() for entry in panel]


@pytest.mark.parametrize("width", [40, 60, 79, 80, 120])
@pytest.mark.parametrize("name", NAMES)
def test_every_option_is_named_in_full(name, width, monkeypatch, capsys):
    out = help_of(name, width, monkeypatch, capsys)
    assert "…" not in out
    assert max(map(len, out.splitlines())) <= width
    words = set(re.findall(r"-[-\w]+", out))
    assert {flag for names, _ in entries(name) for flag in re.findall(r"-[-\w]+", names)} <= words
    assert "[bold]" not in out


@pytest.mark.parametrize("name", NAMES)
def test_no_terminal_is_too_narrow(name, monkeypatch, capsys):
    """Windows of editors may report a width of 1."""
    assert help_of(name, 1, monkeypatch, capsys) == help_of(name, 20, monkeypatch, capsys)


@pytest.mark.parametrize("name", NAMES)
def test_a_narrow_terminal_has_all_of_the_text(name, monkeypatch, capsys):
    """What is wrapped is complete, and so is what comes after the options."""
    out = " ".join(help_of(name, 40, monkeypatch, capsys).split())
    for names, text in entries(name):
        assert f"{names} {text}" in out
    command = GROUP.commands.get(name, GROUP)
    for text in (command.help, command.epilog or ""):
        assert " ".join(re.sub(r"\[/?bold\]", "", text).split()) in out
    for other in GROUP.commands.values() if not name else ():
        assert other.name in out


def test_watch_names_the_runs_that_it_takes(monkeypatch, capsys):
    """It refuses the saved fits that the other commands take."""
    (names, text), *_ = entries("watch")
    assert names == "RUNS"
    assert "trace.nc" not in text
    assert "FIT" not in help_of("watch", 100, monkeypatch, capsys)
    assert "trace.nc" in entries("stop")[0][1]


def test_all_commands_that_show_progress_can_be_quiet():
    flags = {name: {f for p in one.params for f in p.opts} for name, one in GROUP.commands.items()}
    assert [name for name in flags if not {"--quiet", "-q"} <= flags[name]] == ["example"]


def test_lists_keep_their_rows(monkeypatch, capsys):
    lines = help_of("fit", 40, monkeypatch, capsys).splitlines()
    assert lines[lines.index("  trace.nc") + 1].startswith("      the fit, for palm-bayes show")
    assert "  palm-bayes fit runs.csv" in lines
    assert "  3   saved, but not converged" in lines
    assert lines[lines.index("Data") - 1] == ""
    assert lines.index("Arguments") < lines.index("Options") < lines.index("Data")


def test_a_wide_terminal_has_tables(monkeypatch, capsys):
    assert "╭─ Data ─" in help_of("fit", 80, monkeypatch, capsys)
    assert "╭" not in help_of("fit", 79, monkeypatch, capsys)
