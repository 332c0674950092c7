"""Application context: the services that `app.create_app` connects, for use by the views."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import BoundedSemaphore
from typing import Final, cast

from flask import current_app

from newsapi.cache.response_cache import ResponseCache
from newsapi.content.presentation.presentation import ArticlePresenter
from newsapi.content.writes.writer import Clock, WriteContext
from newsapi.db.database import Database
from newsapi.editing.due import database_now
from newsapi.errors import Unavailable
from newsapi.keys.usage import Usage
from newsapi.settings import Settings
from newsapi.subscriptions.tokens import TokenSigner
from newsapi.web.cursors import CursorCodec
from newsapi.web.rate_limits import RateLimiter

MAX_HELD_THREADS: Final = 2
"""Threads that may wait in long-polling requests under a server other than our own; the other threads stay free."""


def utc_now() -> datetime:
    """Return the current time, timezone-aware and in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class AppContext:
    """Services of the application.

    Attributes:
        settings: Settings of the application.
        database: Connections for requests.
        log_database: Connections of the changelog follower to the same database, so that it never waits behind reads.
        cursors: Signs and verifies pagination cursors.
        presentation: Builds the public representation of articles and terms.
        response_cache: Cache of public responses.
        limits: Rate limiter.
        token_signer: Signs and verifies the tokens of emails.
        usage: Request counts of API keys.
        clock: Returns the database time that writes use.
        now: Returns the current time of this process.
        cdn_lifetime: Cache directive for CDNs.
        long_poll_slots: Limits the long-polling requests that hold a thread, under a server other than our own.
    """

    settings: Settings
    database: Database
    log_database: Database
    cursors: CursorCodec
    presentation: ArticlePresenter
    response_cache: ResponseCache
    limits: RateLimiter
    token_signer: TokenSigner
    usage: Usage
    clock: Clock = database_now
    now: Callable[[], datetime] = utc_now
    cdn_lifetime: str = "max-age=2"
    long_poll_slots: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(MAX_HELD_THREADS))

    @property
    def desk(self) -> WriteContext:
        """The context of editorial commands.

        Raises:
            Unavailable: The database is known to be unreachable.
        """
        if self.response_cache.follower.is_unavailable:
            raise Unavailable
        return WriteContext(self.database, self.settings, self.clock)

    def close(self) -> None:
        """Stop the changelog follower, write pending usage counts and close idle connections."""
        self.response_cache.follower.close()
        self.usage.write()
        self.database.dispose()
        self.log_database.dispose()


def app_context() -> AppContext:
    """Return the context of the application that handles the current request."""
    return cast("AppContext", current_app.extensions["newsapi"])
