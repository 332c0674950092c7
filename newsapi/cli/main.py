"""The `newsapi` command. Each subcommand is a thin layer over a function of another package."""

from __future__ import annotations

import click

from newsapi import __version__
from newsapi.cli.error_reports import one_line_errors
from newsapi.cli.lazy_group import LazyCommand, LazyGroup

_COMMANDS = {
    "serve": LazyCommand(
        "newsapi.cli.serving:serve", "Serve the API on NEWSAPI_HOST and NEWSAPI_PORT, and start a worker."
    ),
    "worker": LazyCommand(
        "newsapi.cli.serving:worker", "Run a worker, in addition to the one that `newsapi serve` starts."
    ),
    "demo": LazyCommand(
        "newsapi.cli.serving:demo",
        "Create a SQLite database with a sample motoring magazine, serve it and print URLs to try.",
    ),
    "import": LazyCommand(
        "newsapi.cli.transfer:import_",
        "Import the records of FILE: NDJSON, a WordPress export (wxr), RSS or Atom (rss).",
    ),
    "export": LazyCommand(
        "newsapi.cli.transfer:export",
        "Write all content to FILE or standard output, as records that import back to equal content.",
    ),
    "keys": LazyCommand("newsapi.cli.keys:keys", "Create, list, rotate and revoke API keys."),
    "suppressions": LazyCommand(
        "newsapi.cli.suppressions:suppressions", "Suppressed email addresses: no email is sent to them."
    ),
    "search": LazyCommand("newsapi.cli.indexes:search", "Full-text search."),
    "related": LazyCommand("newsapi.cli.indexes:related", "Related articles."),
    "consumers": LazyCommand(
        "newsapi.cli.consumers:consumers",
        "Background work that follows the changelog: indexes, CDN purges, webhooks, email.",
    ),
    "db": LazyCommand("newsapi.cli.maintenance:db", "Database schema."),
    "check-config": LazyCommand(
        "newsapi.cli.maintenance:check_config",
        "Check the settings, the services that they name, and the API keys, before the API goes into production.",
    ),
    "openapi": LazyCommand("newsapi.cli.openapi:openapi", "Print the OpenAPI document of this API."),
    # A former name: it works, and help does not list it.
    "check": LazyCommand("newsapi.cli.maintenance:check_config"),
}


class _ErrorReportingGroup(LazyGroup):
    """A group that shows errors of the package, and of files, as one line instead of a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        with one_line_errors():
            return super().invoke(ctx)


@click.group(cls=_ErrorReportingGroup)
@click.version_option(__version__)
def main() -> None:
    """News content as an API. Settings are environment variables NEWSAPI_*, or lines of a file .env."""


main.lazy_commands = _COMMANDS


@click.group(cls=LazyGroup, hidden=True)
def addresses() -> None:
    """Suppressed email addresses. The present name of this group is `suppressions`."""


addresses.lazy_commands = {
    "bounced": LazyCommand("newsapi.cli.suppressions:import_bounces"),
    "allow": LazyCommand("newsapi.cli.suppressions:remove_suppression"),
}
main.add_command(addresses)
