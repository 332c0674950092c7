"""What is set up in a way that may not be meant: said before somebody else finds it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from newsapi.actions.keys import PARTNER
from newsapi.settings import Settings


def warnings(settings: Settings, keys: Sequence[Any], now: datetime) -> Iterator[str]:
    """Answer a sentence for each thing that is unsafe, or binds nothing.

    In: the settings, the rows of all keys, the time by which keys are good or not.
    """
    good = [row for row in keys if row.revoked_at is None and (row.expires_at is None or row.expires_at > now)]
    if settings.public_body == "full":
        for row in good:
            if row.brands is not None or row.sections is not None or row.body not in {None, "full"}:
                yield (
                    f"{row.prefix} ({row.name}) is for some brands, sections or bodies only, but NEWSAPI_PUBLIC_BODY is"
                    " full: anybody reads everything without a key."
                )
    elif not any(PARTNER in row.scopes for row in good):
        yield f"NEWSAPI_PUBLIC_BODY is {settings.public_body}, and no partner has a key to read more."
    if settings.rate_limits is None:
        yield "NEWSAPI_RATE_LIMITS is off: whoever asks most gets most."
    yield from _addresses(settings)
    if settings.smtp_url:
        yield from _mail(settings, urlsplit(settings.smtp_url))
    yield from _keys(good)


def _addresses(settings: Settings) -> Iterator[str]:
    api = urlsplit(settings.api_url)
    everywhere = not _is_here(settings.host)
    if everywhere and _is_here(api.hostname):
        yield f"NEWSAPI_HOST is {settings.host}, but NEWSAPI_API_URL leads clients to {settings.api_url}."
    if api.scheme == "http" and not _is_here(api.hostname):
        yield "NEWSAPI_API_URL is not https: keys and bodies travel in the open."
    if settings.metrics_port and everywhere:
        yield f"/metrics is open to whoever reaches {settings.host}:{settings.metrics_port}: keep it from the public."
    if settings.redis_url:
        redis = urlsplit(settings.redis_url)
        if redis.scheme == "redis" and not redis.password and not _is_here(redis.hostname):
            yield "NEWSAPI_REDIS_URL has no password and is on another machine: whoever reaches it writes our answers."
    if any(network.prefixlen == 0 for network in settings.trusted_proxies):
        yield "NEWSAPI_TRUSTED_PROXIES trusts everybody: any client can say that it has another address."


def _mail(settings: Settings, server: SplitResult) -> Iterator[str]:
    if server.scheme == "smtp" and not _is_here(server.hostname):
        yield "NEWSAPI_SMTP_URL is another machine without TLS: mail, addresses and links travel in the open."
    if server.scheme != "file" and settings.mail_from.rstrip(">").endswith("@localhost"):
        yield "NEWSAPI_MAIL_FROM is of localhost: no mail server elsewhere takes mail from there."
    if settings.secret_key is None:
        yield "NEWSAPI_SECRET_KEY is not set: whoever copies the database can try addresses out on the hashes in it."


def _keys(good: Sequence[Any]) -> Iterator[str]:
    for row in good:
        if "admin" in row.scopes and row.expires_at is None:
            yield f"{row.prefix} ({row.name}) may do everything, for ever: give it an end (--days)."


def _is_here(host: str | None) -> bool:
    """Whether an address is of this machine alone."""
    if host in {None, "", "localhost"}:
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False
