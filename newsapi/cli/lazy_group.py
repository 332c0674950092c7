"""A group of commands that imports the module of a command only when the command is needed."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from importlib import import_module
from types import MappingProxyType
from typing import NamedTuple

import click


class LazyCommand(NamedTuple):
    """Where a command is defined, and what the help of its group says about it.

    Attributes:
        target: Module and attribute, as in `newsapi.cli.keys:keys`.
        summary: First sentence of the help text of the command; "" hides the command from the help of the group.
    """

    target: str
    summary: str = ""

    def load(self) -> click.Command:
        """Import the module and return the command; a hidden command is a copy, because it is an alias."""
        module, _, attribute = self.target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        if not self.summary:
            command = copy(command)
            command.hidden = True
        return command


class LazyGroup(click.Group):
    """A group whose help lists its commands without importing them.

    A command may import SQLAlchemy, Flask and Tantivy, which takes about a second.

    Attributes:
        lazy_commands: Its commands by name.
    """

    lazy_commands: Mapping[str, LazyCommand] = MappingProxyType({})

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*self.lazy_commands, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        lazy_command = self.lazy_commands.get(cmd_name)
        return lazy_command.load() if lazy_command else super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        listed = {name: command.summary for name, command in self.lazy_commands.items() if command.summary}
        stand_ins = {name: click.Command(name, help=summary) for name, summary in listed.items()}
        click.Group(commands=stand_ins).format_commands(ctx, formatter)
