"""Help in narrow terminals: Typer's tables cut names of options there, so they become a list."""

import re
from inspect import cleandoc
from textwrap import indent
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from palm_bayes.cli.console import wrapped

LEAST_WIDTH = 80  # columns, from which Typer's tables hold every name and text in full
_NARROWEST = 20  # columns that help needs, as where a window reports 1
_COMMAND_LINES = ("palm-bayes ", "export ")
_SHORT = 3  # such as an exit status
_TYPE = re.compile(r" <.*>$")  # of Python, as in PATH... <list[Path]>
_IN_TWO_COLUMNS = re.compile(r"  \S.*?  +\S")


class _AnyWidth:
    """Help for any width, of a command or a group."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help: Typer's tables, or a list if the terminal is too narrow for them."""
        from rich.console import Console

        if (width := Console().width) < LEAST_WIDTH:
            formatter.write(narrow_help(self, ctx, max(width, _NARROWEST)))
        else:
            super().format_help(ctx, formatter)  # type: ignore[misc]  # Typer's, which comes next


class Command(_AnyWidth, TyperCommand):
    """Command with help for any width."""


class Group(_AnyWidth, TyperGroup):
    """Commands with help for any width."""


def panels(command: Any, ctx: Any) -> dict[str, list[tuple[str, str]]]:
    """Return names and text of each argument and option, by the panel of the help."""
    found: dict[str, list[tuple[str, str]]] = {"Arguments": [], "Options": []}
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is None or getattr(parameter, "hidden", False):
            continue
        kind = "Arguments" if parameter.param_type_name == "argument" else "Options"
        panel = getattr(parameter, "rich_help_panel", None) or kind
        names, text = map(_joined, record)
        found.setdefault(panel, []).append((_TYPE.sub("", names), text))
    return {panel: entries for panel, entries in found.items() if entries}


def narrow_help(command: Any, ctx: Any, width: int) -> str:
    """Return the help of a command as a list, each name on a line of its own, its text below."""
    usage = f"Usage: {ctx.command_path} {' '.join(command.collect_usage_pieces(ctx))}"
    parts = [wrapped(usage, width), _prose(command.help or "", width)]
    sections = panels(command, ctx)
    if isinstance(command, TyperGroup):
        sections["Commands"] = [
            (name, _joined((one.help or "").split("\n\n")[0]))
            for name, one in command.commands.items()
        ]
    for heading, entries in sections.items():
        rows = "\n".join(_entry(*entry, width) for entry in entries)
        parts.append(f"{_bold(heading, width)}\n{rows}")
    parts.append(_prose(command.epilog or "", width))
    return "\n\n".join(filter(None, parts)) + "\n"


def _bold(heading: str, width: int) -> str:
    lines = wrapped(heading, width).split("\n")
    return "\n".join(typer.style(line, bold=True) for line in lines)


def _entry(names: str, text: str, width: int) -> str:
    """Return the lines of an option, a command or a file: its name, and its text indented."""
    if len(names) <= _SHORT and len(line := f"  {names:{_SHORT}} {text}") <= width:
        return line
    lines = indent(wrapped(text, width - 6), " " * 6)
    return f"{wrapped(f'  {names}', width)}\n{lines}".rstrip()


def _prose(text: str, width: int) -> str:
    """Wrap the help of a command, or what comes after its options, block by block."""
    return "\n\n".join(_block(block, width) for block in cleandoc(text).split("\n\n") if block)


def _block(block: str, width: int) -> str:
    """Wrap a heading, a paragraph, command lines, or a list: names, two blanks, their texts."""
    from rich.text import Text

    if heading := re.fullmatch(r"\[bold\](.*)\[/bold\]", block):
        return _bold(heading[1], width)
    plain = Text.from_markup(block).plain
    lines = plain.split("\n")
    if any(_IN_TWO_COLUMNS.match(line) for line in lines):
        rows = re.sub(r"\n {3,}", "  ", plain).split("\n")  # a text may have several lines
        cells = (re.split(r" {2,}", row.strip(), maxsplit=1) for row in rows)
        return "\n".join(_entry(name, _joined(*text), width) for name, *text in cells)
    if all(line.strip().startswith(_COMMAND_LINES) for line in lines):
        return "\n".join(wrapped(line, width) for line in lines)
    return wrapped(_joined(plain), width)


def _joined(*texts: str) -> str:
    return " ".join(" ".join(texts).split())
