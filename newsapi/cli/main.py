"""The `newsapi` command. Each subcommand is a thin layer over a function of another package."""

from __future__ import annotations

from copy import copy

import click

from newsapi import __version__
from newsapi.cli import consumers, indexes, keys, maintenance, serving, suppressions, transfer
from newsapi.errors import NewsError
from newsapi.settings import SettingError


class _ErrorReportingGroup(click.Group):
    """A group that shows errors of the package as one sentence instead of a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (NewsError, SettingError) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_ErrorReportingGroup)
@click.version_option(__version__)
def main() -> None:
    """News content as an API. Settings are environment variables NEWSAPI_*, or lines of a file .env."""


for _command in (
    serving.serve,
    serving.worker,
    serving.demo,
    transfer.import_,
    transfer.export,
    keys.keys,
    suppressions.suppressions,
    indexes.search,
    indexes.related,
    consumers.consumers,
    maintenance.db,
    maintenance.check_config,
    maintenance.openapi,
):
    main.add_command(_command)


# --- Former names of commands: they work, and help does not list them -------------------------------------------------


@main.group(hidden=True)
def addresses() -> None:
    """Suppressed email addresses. The present name of this group is `suppressions`."""


def _add_alias(group: click.Group, name: str, command: click.Command) -> None:
    """Add a command to a group once more, under a former name that help does not list."""
    alias = copy(command)
    alias.hidden = True
    group.add_command(alias, name)


_add_alias(main, "check", maintenance.check_config)
_add_alias(addresses, "bounced", suppressions.import_bounces)
_add_alias(addresses, "allow", suppressions.remove_suppression)
