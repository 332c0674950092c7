"""Application context: the services that `app.create_app` connects, for use by the views."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import BoundedSemaphore
from typing import Final, NamedTuple, Protocol, cast
from uuid import UUID

from flask import current_app

from newsapi.cache.cached_response import SHORT_CDN_LIFETIME_SECONDS
from newsapi.cache.read_router import ReadRouter
from newsapi.cache.response_cache import ResponseCache
from newsapi.db.clock import Clock, database_now, utc_now
from newsapi.db.database import Connection, Database
from newsapi.errors import Unavailable
from newsapi.settings import Settings
from newsapi.web.caller import Caller
from newsapi.web.cursors import CursorCodec
from newsapi.web.rate_limits import RateLimiter

MAX_HELD_THREADS: Final = 2
"""Threads that may wait in long-polling requests under a server other than our own; the other threads stay free."""


class UsageCounter(Protocol):
    """Counts the requests of API keys."""

    def count(self, key_id: UUID, now: datetime) -> None:
        """Count a request of a key."""

    def write(self) -> None:
        """Write the counts to the database."""


class IndexState(NamedTuple):
    """The state of an index in words, such as "ok" or "5 changes behind", and whether it fails to follow."""

    text: str
    is_failing: bool


class ManagedIndex(Protocol):
    """An index beside the database that follows the changelog."""

    def state(self, connection: Connection) -> IndexState:
        """Return how far it is behind the changelog, and what keeps it from following."""

    def close(self) -> None:
        """Stop following the changelog, and close its files."""


@dataclass(frozen=True, kw_only=True)
class AppContext:
    """Services that every view may need; a package with services of its own extends it.

    Attributes:
        settings: Settings of the application.
        database: Connections for requests, to the primary.
        reads: Runs reads of public content on a replica or on the primary.
        log_database: Connections of the changelog follower to the same database, so that it never waits behind reads.
        cursors: Signs and verifies pagination cursors.
        response_cache: Cache of public responses.
        limits: Rate limiter.
        authenticate: Returns the caller with a secret at a time, or raises KeyUnknown.
        usage: Request counts of API keys.
        index_consumers: Names of the changelog consumers that maintain an index, by the name that `/readyz` shows.
        unused_consumers: Names of the changelog consumers that the settings turn off.
        search_index: The search index of this machine.
        clock: Returns the database time that writes use.
        now: Returns the current time of this process.
        cdn_lifetime: Seconds for which a CDN may keep a response that is valid.
        long_poll_slots: Limits the long-polling requests that hold a thread, under a server other than our own.
    """

    settings: Settings
    database: Database
    reads: ReadRouter
    log_database: Database
    cursors: CursorCodec
    response_cache: ResponseCache
    limits: RateLimiter
    authenticate: Callable[[Connection, str, datetime], Caller]
    usage: UsageCounter
    index_consumers: Mapping[str, str]
    unused_consumers: Collection[str]
    search_index: ManagedIndex
    clock: Clock = database_now
    now: Callable[[], datetime] = utc_now
    cdn_lifetime: int = SHORT_CDN_LIFETIME_SECONDS
    long_poll_slots: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(MAX_HELD_THREADS))

    def require_database(self) -> None:
        """Raise Unavailable at once if the database is known to be unreachable: each attempt would take a second."""
        if self.response_cache.follower.is_unavailable:
            raise Unavailable

    def close(self) -> None:
        """Stop following the changelog, write pending usage counts and close idle connections."""
        self.response_cache.follower.close()
        self.search_index.close()
        self.usage.write()
        self.database.dispose()
        self.reads.dispose()
        self.log_database.dispose()


def app_context() -> AppContext:
    """Return the context of the application that handles the current request."""
    return cast("AppContext", current_app.extensions["newsapi"])
