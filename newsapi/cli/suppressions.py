"""The commands `suppressions import-bounces` and `suppressions remove`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from newsapi.cli.startup import open_database
from newsapi.db.clock import utc_now
from newsapi.settings import Settings
from newsapi.subscriptions import commands as subscription_commands
from newsapi.subscriptions.bounces import mail_files, reports
from newsapi.subscriptions.bounces.reports import NoticeResult
from newsapi.subscriptions.tokens import TokenSigner

TEMPORARY_FAILURE_STATUS: Final = 75
"""EX_TEMPFAIL of sysexits.h: a mail server that pipes a message to the command tries again later."""


@click.group()
def suppressions() -> None:
    """Suppressed email addresses: no email is sent to them. Only keyed hashes of them are stored."""


@suppressions.command(name="import-bounces")
@click.argument("files", metavar="[FILE]...", type=click.Path(exists=True, allow_dash=True, path_type=Path), nargs=-1)
def import_bounces(files: tuple[Path, ...]) -> None:
    """Suppress the addresses that bounce messages and complaints report.

    Each FILE is a message, an mbox file or a directory of messages (Maildir); without one, standard input is read.
    A report counts only if it is about an email that was sent from here to that address. Bounce messages (RFC 3464 and
    others) count if the address does not exist, complaints (RFC 5965) if they are about abuse. Subscribers with these
    addresses are erased. Prints what was done, and why reports did not count. The exit status is 1 if FILE contains
    messages of other kinds only, and 75 if reports were held back because too many addresses would be suppressed in a
    day.
    """
    counts = Counter[str]()
    with _subscription_context() as context:
        for place, message in _messages(files):
            result = reports.apply_notice(context, message, now=utc_now())
            _report(place, result)
            counts.update(suppressed=result.suppressed, kept=len(result.kept), not_ours=result.not_ours)
            counts["held_back"] += len(result.held_back)
            counts["notices" if result.is_notice else "others"] += 1
    _print_counts(counts)
    if files and not counts["notices"]:
        click.echo("Error: No bounce message and no complaint was found.", err=True)
        sys.exit(1)
    if counts["held_back"]:
        click.echo("Error: Too many addresses in a day: look for a fault of the own mail server or DNS.", err=True)
        sys.exit(TEMPORARY_FAILURE_STATUS)


def _messages(files: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """Yield the messages of files, or of standard input if there are none, with their places."""
    for path in files or (Path("-"),):
        if str(path) == "-":
            yield from mail_files.number_messages("standard input", sys.stdin.buffer.read())
        else:
            yield from mail_files.read_messages(path)


_COUNTS: Final = {
    "suppressed": "suppressed",
    "kept": "not suppressed: the address may still exist",
    "held_back": "held back: too many addresses in a day",
    "not_ours": "not suppressed: not about an email sent from here to that address",
    "others": "ignored: neither a bounce message nor a complaint",
}
"""What is printed with the number of reports, by name of the count."""


def _print_counts(counts: Counter[str]) -> None:
    for name, meaning in _COUNTS.items():
        if counts[name] or name == "suppressed":
            click.echo(f"{counts[name]} {meaning}")


def _report(place: str, result: NoticeResult) -> None:
    """Print why the reports of a message did not count, to standard error."""
    for reason in (*result.kept, *(f"held back: {reason}" for reason in result.held_back)):
        click.echo(f"{place}: {reason}", err=True)
    if result.not_ours:
        click.echo(f"{place}: not about an email sent from here to that address", err=True)
    if not result.is_notice:
        click.echo(f"{place}: neither a bounce message nor a complaint", err=True)


@suppressions.command(name="remove")
@click.argument("address")
def remove_suppression(address: str) -> None:
    """Let ADDRESS subscribe again after it was erased or suppressed."""
    with _subscription_context() as context:
        was_suppressed = subscription_commands.unsuppress(context, address)
    if not was_suppressed:
        raise click.ClickException("This address is not suppressed.")


@contextmanager
def _subscription_context() -> Iterator[subscription_commands.SubscriptionContext]:
    settings, database = Settings.from_env(), open_database()
    try:
        signer = TokenSigner(database, settings.secret_key)
        yield subscription_commands.SubscriptionContext(database, settings, signer)
    finally:
        database.dispose()
