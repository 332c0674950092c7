"""The tables of commands and metrics in `docs/reference`, made from the help texts.

`python -m newsapi.cli.reference docs/reference/cli.md docs/reference/metrics.md` writes them between the markers of
these pages.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from newsapi.cli.main import main
from newsapi.server.metrics import metrics_markdown

_TABLE = re.compile(r"(?<=<!-- generated: cli -->\n).*?(?=<!-- /generated: cli -->)", re.DOTALL)
_METRICS = re.compile(r"(?<=<!-- generated: metrics -->\n).*?(?=<!-- /generated: metrics -->)", re.DOTALL)


def commands_markdown(group: click.Group = main) -> str:
    """Return the commands of a group and its subgroups as a Markdown table; hidden commands are left out."""
    rows = ("| command | description | options |", "| --- | --- | --- |", *_iter_rows(group, click.Context(group)))
    return "".join(f"{row}\n" for row in rows)


def with_commands(page: str) -> str:
    """Return a Markdown page with the current table of commands between its markers."""
    return _TABLE.sub(lambda _: commands_markdown(), page)


def with_metrics(page: str) -> str:
    """Return a Markdown page with the current table of metrics between its markers."""
    return _METRICS.sub(lambda _: f"{metrics_markdown()}\n", page)


def _iter_rows(group: click.Group, context: click.Context) -> Iterator[str]:
    context.info_name = context.info_name or "newsapi"
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        inner = click.Context(command, parent=context, info_name=name)
        if isinstance(command, click.Group):
            yield from _iter_rows(command, inner)
        else:
            yield _row(command, inner)


def _row(command: click.Command, context: click.Context) -> str:
    arguments = [item.make_metavar(context) for item in command.params if isinstance(item, click.Argument)]
    options = [_option(item, context) for item in command.params if isinstance(item, click.Option)]
    usage = " ".join([context.command_path, *arguments])
    return f"| `{usage}` | {' '.join((command.help or '').split())} | {'<br>'.join(options)} |"


def _option(option: click.Option, context: click.Context) -> str:
    """Return an option with its values and its help text, for a cell of a table."""
    values = option.make_metavar(context).strip("[]").replace("|", r"\|")
    default = f" Default: {option.default}." if option.show_default else ""
    return f"`{option.opts[0]} {values}`{' (required)' if option.required else ''}: {option.help}{default}"


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        path.write_text(with_metrics(with_commands(path.read_text(encoding="utf-8"))), encoding="utf-8")
