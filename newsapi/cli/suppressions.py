"""The commands `suppressions import-bounces` and `suppressions remove`."""

from __future__ import annotations

from typing import BinaryIO

import click

from newsapi.cli.startup import open_database
from newsapi.db.clock import utc_now
from newsapi.settings import Settings
from newsapi.subscriptions import commands as subscription_commands
from newsapi.subscriptions.bounces import parse_bounce
from newsapi.subscriptions.tokens import TokenSigner


@click.group()
def suppressions() -> None:
    """Suppressed email addresses: no email is sent to them. Only keyed hashes of them are stored."""


@suppressions.command(name="import-bounces")
@click.argument("file", type=click.File("rb"), default="-")
def import_bounces(file: BinaryIO) -> None:
    """Suppress the addresses that a bounce message (RFC 3464) reports, read from FILE or standard input.

    Only addresses that do not exist are suppressed, and their subscribers are erased. Prints the number of addresses.
    """
    emails = parse_bounce(file.read())
    subscription_commands.suppress_addresses(_subscription_context(), emails, "bounce", now=utc_now())
    click.echo(f"{len(emails)} suppressed")


@suppressions.command(name="remove")
@click.argument("address")
def remove_suppression(address: str) -> None:
    """Let ADDRESS subscribe again after it was erased or suppressed."""
    if not subscription_commands.unsuppress(_subscription_context(), address):
        raise click.ClickException("This address is not suppressed.")


def _subscription_context() -> subscription_commands.SubscriptionContext:
    settings, database = Settings.from_env(), open_database()
    return subscription_commands.SubscriptionContext(database, settings, TokenSigner(database, settings.secret_key))
