"""Application context: the services that `app.create_app` connects, for use by the views."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import BoundedSemaphore
from typing import Final, cast

from flask import current_app

from newsapi.actions.writing import Desk, Moment
from newsapi.api.limits import Limits
from newsapi.api.usage import Usage
from newsapi.cache.pages import PageCache
from newsapi.errors import Unavailable
from newsapi.schemas.presentation import Presentation
from newsapi.settings import Settings
from newsapi.store.database import Database
from newsapi.store.due import clock
from newsapi.store.keyset import Cursors
from newsapi.store.passes import Passes

HELD: Final = 2
"""Threads that may wait in long-polling requests under a server other than our own; the other threads stay free."""


def utc_now() -> datetime:
    """Return the current time, timezone-aware and in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Parts:
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
    cursors: Cursors
    presentation: Presentation
    pages: PageCache
    limits: Limits
    passes: Passes
    usage: Usage
    moment: Moment = clock
    now: Callable[[], datetime] = utc_now
    cdn_lifetime: str = "max-age=2"
    held: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(HELD))

    @property
    def desk(self) -> Desk:
        """The context of editorial commands.

        Raises:
            Unavailable: The database is known to be unreachable.
        """
        if self.pages.follower.away:
            raise Unavailable
        return Desk(self.database, self.settings, self.moment)

    def close(self) -> None:
        """Stop the changelog follower, write pending usage counts and close idle connections."""
        self.pages.follower.close()
        self.usage.write()
        self.database.dispose()
        self.log_database.dispose()


def parts() -> Parts:
    """Return the context of the application that handles the current request."""
    return cast("Parts", current_app.extensions["newsapi"])
