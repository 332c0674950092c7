"""The commands `keys create`, `keys list`, `keys rotate` and `keys revoke`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps

import click

from newsapi.cli.startup import open_database
from newsapi.content.writes.terms import resolve_slugs
from newsapi.db.clock import utc_now
from newsapi.keys import commands as key_commands
from newsapi.keys.commands import Entitlement, KeyLimits
from newsapi.keys.queries import KeyRow
from newsapi.keys.queries import list_keys as query_keys
from newsapi.web.scopes import SCOPE_NAMES
from newsapi.webhooks import queries as webhook_queries


@click.group()
def keys() -> None:
    """Create, list, rotate and revoke API keys."""


def _entitlement_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that restrict a partner key; the command receives them as one `entitlement`."""

    @click.option(
        "--brand",
        "brands",
        metavar="SLUG",
        multiple=True,
        help="Restrict a partner key to this brand; may be repeated.",
    )
    @click.option(
        "--section",
        "sections",
        metavar="SLUG",
        multiple=True,
        help="Restrict a partner key to this section; may be repeated.",
    )
    @click.option(
        "--body",
        type=click.Choice(("full", "teaser", "none")),
        help="How much of article bodies a partner key reads; full if not given.",
    )
    @wraps(command)
    def with_entitlement(
        brands: tuple[str, ...], sections: tuple[str, ...], body: str | None, **options: object
    ) -> None:
        command(entitlement=Entitlement(brands=brands, sections=sections, body=body), **options)

    return with_entitlement


@keys.command(name="create")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice(SCOPE_NAMES),
    help="Scope of the key; may be repeated.",
)
@click.option(
    "--days", type=click.IntRange(1, 36_500), metavar="N", help="Days until the key expires; never if not given."
)
@click.option(
    "--rate",
    type=click.IntRange(1, 1_000_000),
    metavar="N",
    help="Requests per minute; as NEWSAPI_RATE_LIMITS says if not given.",
)
@_entitlement_options
def create_key(
    *, name: str, scopes: tuple[str, ...], days: int | None, rate: int | None, entitlement: Entitlement
) -> None:
    """Create an API key for NAME and print it. It is shown only once; the database stores a hash."""
    now = utc_now()
    limits = KeyLimits(
        expires_at=now + timedelta(days=days) if days else None, requests_per_minute=rate, entitlement=entitlement
    )
    click.echo(key_commands.create(open_database(), name, scopes, now=now, limits=limits, resolve_slugs=resolve_slugs))


@keys.command(name="list")
def list_keys() -> None:
    """Print the prefix, state, expiry, scopes, entitlements and name of every API key."""
    now = utc_now()
    with open_database().read_transaction() as connection:
        for row in query_keys(connection):
            click.echo(_format_key(row, now))


def _format_key(row: KeyRow, now: datetime) -> str:
    is_expired = row.expires_at is not None and row.expires_at <= now
    state = "revoked" if row.revoked_at else "expired" if is_expired else "good"
    expiry = f"until {row.expires_at:%Y-%m-%d %H:%M}Z" if row.expires_at else "no expiry"
    restrictions = (
        ("brands", row.brands),
        ("sections", row.sections),
        ("body", [row.body_access] if row.body_access else None),
    )
    rights = [*row.scopes, *(f"{name}={','.join(values)}" for name, values in restrictions if values)]
    return f"{row.prefix}  {state:8}{expiry:24}{','.join(rights)}  {row.name}"


@keys.command(name="rotate")
@click.argument("prefix")
@click.option(
    "--hours",
    type=click.IntRange(0, 8_760),
    metavar="N",
    default=24,
    show_default=True,
    help="Hours for which the old key stays valid.",
)
def rotate_key(prefix: str, hours: int) -> None:
    """Create an API key that replaces the one with this PREFIX, and print it. The old key expires after --hours."""
    overlap = timedelta(hours=hours)
    click.echo(
        key_commands.rotate(
            open_database(), prefix, now=utc_now(), overlap=overlap, on_rotated=webhook_queries.reassign
        )
    )


@keys.command(name="revoke")
@click.argument("prefix")
def revoke_key(prefix: str) -> None:
    """Revoke the API key with this PREFIX, with immediate effect on all nodes."""
    key_commands.revoke(open_database(), prefix, now=utc_now())
    click.echo(f"{prefix} is revoked.")
