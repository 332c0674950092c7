"""Checks of settings and API keys that are unsafe or have no effect, without a connection to any service."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from newsapi.images import measurement
from newsapi.keys.queries import KeyRow
from newsapi.settings import Settings
from newsapi.web.scopes import PARTNER_SCOPE


def setting_warnings(settings: Settings) -> Iterator[str]:
    """Check the settings.

    Args:
        settings: The settings.

    Yields:
        A sentence for each setting that is unsafe or has no effect, with what to do.
    """
    if settings.database_replica_urls and settings.database_url.startswith("sqlite"):
        yield "NEWSAPI_DATABASE_REPLICA_URLS has no effect, as NEWSAPI_DATABASE_URL is SQLite: remove it."
    if settings.rate_limits is None:
        yield "NEWSAPI_RATE_LIMITS is off, so that a single client can overload the server: set limits."
    if settings.webhook_private == "allow":
        yield (
            "NEWSAPI_WEBHOOK_PRIVATE is allow: a client that may register webhooks can send requests to the private"
            " network. Remove it."
        )
    if settings.measure_images == "any":
        yield (
            "NEWSAPI_MEASURE_IMAGES is any: a client that may write articles can send requests to the private network."
            " Set it to public."
        )
    if settings.measure_images != "off" and not measurement.is_available():
        yield (
            "NEWSAPI_MEASURE_IMAGES has no effect, as Pillow is not installed: install newsapi[images], or set it to"
            " off."
        )
    if settings.preview_url and "{token}" not in settings.preview_url:
        yield "NEWSAPI_PREVIEW_URL lacks {token}, without which the page cannot show a draft: add it."
    if settings.purge_url and settings.purge_url.startswith("fastly+") and not settings.purge_key:
        yield "NEWSAPI_PURGE_URL is of Fastly, which refuses purges without a token: set NEWSAPI_PURGE_KEY."
    if settings.purge_key and not (settings.purge_url or "").startswith("fastly+"):
        yield "NEWSAPI_PURGE_KEY has no effect, as NEWSAPI_PURGE_URL is not of Fastly: remove it."
    yield from _url_warnings(settings)
    if settings.smtp_url:
        yield from _email_warnings(settings, urlsplit(settings.smtp_url))
    elif settings.mail_return_path:
        yield "NEWSAPI_MAIL_RETURN_PATH has no effect, as NEWSAPI_SMTP_URL is not set: remove it, or set both."


def key_warnings(settings: Settings, keys: Sequence[KeyRow], now: datetime) -> Iterator[str]:
    """Check the API keys.

    Args:
        settings: The settings.
        keys: The rows of all API keys.
        now: The time at which a key must be valid to be checked.

    Yields:
        A sentence for each key that is unsafe or has no effect, with what to do.
    """
    valid_keys = [row for row in keys if row.revoked_at is None and (row.expires_at is None or row.expires_at > now)]
    if settings.public_body == "full":
        for row in valid_keys:
            if row.brands is not None or row.sections is not None or row.body_access not in {None, "full"}:
                yield (
                    f"{row.prefix} ({row.name}) is restricted to some brands, sections or bodies, but every client can"
                    " read everything without a key: set NEWSAPI_PUBLIC_BODY to teaser or none."
                )
    elif not any(PARTNER_SCOPE in row.scopes for row in valid_keys):
        yield (
            f"NEWSAPI_PUBLIC_BODY is {settings.public_body}, but no partner has a key that reads more: create one, or"
            " set it to full."
        )
    for row in valid_keys:
        if "admin" in row.scopes and row.expires_at is None:
            yield f"{row.prefix} ({row.name}) has the scope admin and never expires: limit its lifetime (--days)."


def _url_warnings(settings: Settings) -> Iterator[str]:
    api = urlsplit(settings.api_url)
    is_exposed = not _is_loopback(settings.host)
    if is_exposed and _is_loopback(api.hostname):
        yield (
            f"NEWSAPI_API_URL leads clients to {settings.api_url}, but NEWSAPI_HOST is {settings.host}: set it to the"
            " URL at which clients reach the API."
        )
    if api.scheme == "http" and not _is_loopback(api.hostname):
        yield (
            "NEWSAPI_API_URL is not https, so that keys and bodies are transmitted unencrypted: let a proxy with TLS"
            " serve it."
        )
    if settings.metrics_port and is_exposed:
        yield (
            f"NEWSAPI_METRICS_PORT: /metrics is open to every client that reaches {settings.host}:"
            f"{settings.metrics_port}: restrict access."
        )
    if settings.redis_url:
        redis = urlsplit(settings.redis_url)
        if redis.scheme.partition("+")[0] == "redis" and not redis.password and not _is_loopback(redis.hostname):
            yield (
                "NEWSAPI_REDIS_URL has no password and is on another machine, so that cached responses can be forged"
                " there: set a password (`requirepass`)."
            )
    if any(network.prefixlen == 0 for network in settings.trusted_proxies):
        yield (
            "NEWSAPI_TRUSTED_PROXIES trusts every address, so that any client can pretend to have another one: name"
            " the networks of your proxies."
        )


def _email_warnings(settings: Settings, server: SplitResult) -> Iterator[str]:
    if server.scheme == "file":
        yield "NEWSAPI_SMTP_URL is a folder: emails are not sent. Set the URL of a mail server."
    if server.scheme == "smtp" and not _is_loopback(server.hostname):
        yield (
            "NEWSAPI_SMTP_URL is on another machine and without TLS, so that emails and links are transmitted"
            " unencrypted: use smtps or smtp+starttls."
        )
    if server.scheme != "file" and settings.mail_from.rstrip(">").endswith("@localhost"):
        yield (
            "NEWSAPI_MAIL_FROM has the domain localhost, from which other mail servers accept no email: set a sender"
            " of your domain."
        )
    if settings.secret_key is None:
        yield (
            "NEWSAPI_SECRET_KEY is not set, so that a copy of the database is enough to test guessed email addresses:"
            " set it before the first subscription."
        )


def _is_loopback(host: str | None) -> bool:
    """Return whether a host is a loopback address; a missing host means this machine."""
    if host in {None, "", "localhost"}:
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False
