"""The commands `consumers list` and `consumers retry`."""

from __future__ import annotations

import click

from newsapi.app import unused_consumers
from newsapi.changelog import failed_changes, offsets, reader
from newsapi.cli.startup import open_database
from newsapi.db.clock import utc_now
from newsapi.settings import Settings
from newsapi.web.wire import format_instant


@click.group()
def consumers() -> None:
    """Background work that follows the changelog: indexes, CDN purges, webhooks, email."""


@consumers.command(name="list")
def list_consumers() -> None:
    """List the consumers of the changelog, and the changes that they could not process.

    Each line has the name, the last finished change, how many changes are left, and the error if the consumer fails.
    A consumer that the settings turn off is named with the setting. The changes that were set aside follow, with their
    error and the time of the next try.
    """
    settings = Settings.from_env()
    unused = unused_consumers(settings)
    with open_database(settings).read_transaction() as connection:
        head = offsets.changelog_head(connection)
        states = offsets.list_consumers(connection)
        failed = failed_changes.list_failed(connection)
        changes = {row.seq: row for row in reader.read_changes(connection, [row.seq for row in failed])}
    for state in states:
        lag = max(0, head.seq - state.seq)
        problem = ""
        if state.consumer in unused:
            problem = f"  turned off: {unused[state.consumer]}"
        elif state.failing_since is not None:
            problem = f"  failing since {format_instant(state.failing_since)}: {state.last_error}"
        click.echo(f"{state.consumer}  change {state.seq}, {lag} behind{problem}")
    for row in failed:
        change = changes.get(row.seq)
        subject = f" ({change.kind} {change.slug or change.subject_id})" if change else ""
        click.echo(
            f"{row.consumer}  change {row.seq}{subject} set aside {format_instant(row.failed_at)}, tries: {row.tries},"
            f" next {'never' if row.consumer in unused else format_instant(row.next_try_at)}: {row.error}"
        )


@consumers.command()
@click.argument("name", required=False)
def retry(name: str | None) -> None:
    """Try the changes that consumer NAME, or every consumer, has set aside again now.

    A running worker does this within seconds.
    """
    with open_database().transaction() as session:
        count = failed_changes.retry_now(session, name, utc_now())
    click.echo(f"{count} changes will be tried again")
