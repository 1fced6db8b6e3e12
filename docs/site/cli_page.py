"""The reference of the command line, from the commands themselves."""

import inspect
import re
from typing import Any

import typer.main

from palm_bayes.cli.app import app
from palm_bayes.cli.help import panels

_BOLD = re.compile(r"\[bold\](.*?)\[/bold\]")


def cli_page() -> str:
    """Return the page, in Markdown: one section a command, its options by panel."""
    group: Any = typer.main.get_command(app)
    commands = [_command(name, command) for name, command in group.commands.items()]
    head = (
        "# Command line\n\n"
        "Generated from the commands. `palm-bayes COMMAND --help` prints the same.\n\n"
        f"{_prose(group.help)}\n"
    )
    return "\n\n".join([head, *commands]) + "\n"


def _command(name: str, command: Any) -> str:
    context = command.make_context(name, [], resilient_parsing=True)
    usage = " ".join(command.collect_usage_pieces(context))
    parts = [
        f"## palm-bayes {name}",
        _prose(command.help),
        f"```console\n$ palm-bayes {name} {usage}\n```",
        *_panels(command, context),
        *_epilog(command.epilog or ""),
    ]
    return "\n\n".join(parts)


def _panels(command: Any, context: Any) -> list[str]:
    """Return a table of the parameters for each panel of the help."""
    return [
        f"**{panel}**\n\n"
        + "\n\n".join(f"`{names}`\n: {_prose(text) or 'No description.'}" for names, text in rows)
        for panel, rows in panels(command, context).items()
    ]


def _epilog(text: str) -> list[str]:
    """Return the parts of the text below the help: headings, prose, indented blocks as code."""
    parts = []
    for block in inspect.cleandoc(text).split("\n\n"):
        if not block.strip():
            continue
        if block.startswith("  "):
            example = "palm-bayes " in block and block.strip().startswith("palm-bayes")
            parts.append(_code(block, "console" if example else "text"))
        else:
            parts.append(_prose(block))
    return parts


def _code(block: str, language: str) -> str:
    lines = inspect.cleandoc(f"\n{block}").splitlines()
    if language == "console":
        lines = [f"$ {line}" if line.startswith("palm-bayes") else line for line in lines]
    return f"```{language}\n" + "\n".join(lines) + "\n```"


def _prose(text: str) -> str:
    """Return a help text as Markdown: bold as such, and nothing else read as markup."""
    literal = re.sub(r"([*_<>\[\]])", r"\\\1", _BOLD.sub("\0\\1\1", text or ""))
    return literal.replace("\0", "**").replace("\1", "**")
