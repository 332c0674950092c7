"""Checks of the configuration for settings and keys that are unsafe or have no effect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from newsapi.db.database import Connection, is_pooled, is_read_only
from newsapi.keys.queries import KeyRow
from newsapi.settings import Settings
from newsapi.web.scopes import PARTNER_SCOPE


def config_warnings(settings: Settings, keys: Sequence[KeyRow], now: datetime) -> Iterator[str]:
    """Check the settings and the API keys.

    Args:
        settings: The settings.
        keys: The rows of all API keys.
        now: The time at which a key must be valid to be checked.

    Yields:
        A sentence for each setting or key that is unsafe or has no effect.
    """
    valid_keys = [row for row in keys if row.revoked_at is None and (row.expires_at is None or row.expires_at > now)]
    if settings.public_body == "full":
        for row in valid_keys:
            if row.brands is not None or row.sections is not None or row.body_access not in {None, "full"}:
                yield (
                    f"{row.prefix} ({row.name}) is restricted to some brands, sections or bodies, but"
                    " NEWSAPI_PUBLIC_BODY is full: every client can read everything without a key."
                )
    elif not any(PARTNER_SCOPE in row.scopes for row in valid_keys):
        yield f"NEWSAPI_PUBLIC_BODY is {settings.public_body}, but no partner has a key that reads more."
    if settings.database_replica_urls and settings.database_url.startswith("sqlite"):
        yield "NEWSAPI_DATABASE_REPLICA_URLS has no effect: NEWSAPI_DATABASE_URL is SQLite."
    if settings.rate_limits is None:
        yield "NEWSAPI_RATE_LIMITS is off: a single client can overload the server."
    yield from _url_warnings(settings)
    if settings.smtp_url:
        yield from _email_warnings(settings, urlsplit(settings.smtp_url))
    elif settings.mail_return_path:
        yield "NEWSAPI_MAIL_RETURN_PATH has no effect: NEWSAPI_SMTP_URL is not set."
    yield from _key_warnings(valid_keys)


def database_warnings(settings: Settings, connection: Connection) -> Iterator[str]:
    """Check the connection to the database.

    Args:
        settings: The settings.
        connection: A read transaction.

    Yields:
        A sentence for each fault.
    """
    if is_read_only(connection):
        yield "NEWSAPI_DATABASE_URL leads to a server that refuses writes: it is a replica, or read-only."
    if settings.prepared_statements == "on" and is_pooled(connection):
        yield (
            "NEWSAPI_DATABASE_URL leads to a pooler, and NEWSAPI_PREPARED_STATEMENTS is on: writes fail in transaction"
            " mode, unless it is PgBouncer 1.21 or later with max_prepared_statements."
        )


def _url_warnings(settings: Settings) -> Iterator[str]:
    api = urlsplit(settings.api_url)
    is_exposed = not _is_loopback(settings.host)
    if is_exposed and _is_loopback(api.hostname):
        yield f"NEWSAPI_HOST is {settings.host}, but NEWSAPI_API_URL leads clients to {settings.api_url}."
    if api.scheme == "http" and not _is_loopback(api.hostname):
        yield "NEWSAPI_API_URL is not https: keys and bodies are transmitted unencrypted."
    if settings.metrics_port and is_exposed:
        yield f"/metrics is open to every client that reaches {settings.host}:{settings.metrics_port}: restrict access."
    if settings.redis_url:
        redis = urlsplit(settings.redis_url)
        if redis.scheme.partition("+")[0] == "redis" and not redis.password and not _is_loopback(redis.hostname):
            yield "NEWSAPI_REDIS_URL has no password and is on another machine: cached responses can be forged there."
    if any(network.prefixlen == 0 for network in settings.trusted_proxies):
        yield "NEWSAPI_TRUSTED_PROXIES trusts every address: any client can pretend to have another one."


def _email_warnings(settings: Settings, server: SplitResult) -> Iterator[str]:
    if server.scheme == "smtp" and not _is_loopback(server.hostname):
        yield "NEWSAPI_SMTP_URL is on another machine and without TLS: emails and links are transmitted unencrypted."
    if server.scheme != "file" and settings.mail_from.rstrip(">").endswith("@localhost"):
        yield "NEWSAPI_MAIL_FROM has the domain localhost: other mail servers do not accept email from it."
    if settings.secret_key is None:
        yield "NEWSAPI_SECRET_KEY is not set: a copy of the database is enough to test guessed email addresses."


def _key_warnings(valid_keys: Sequence[KeyRow]) -> Iterator[str]:
    for row in valid_keys:
        if "admin" in row.scopes and row.expires_at is None:
            yield f"{row.prefix} ({row.name}) has the scope admin and never expires: limit its lifetime (--days)."


def _is_loopback(host: str | None) -> bool:
    """Return whether a host is a loopback address; a missing host means this machine."""
    if host in {None, "", "localhost"}:
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False
