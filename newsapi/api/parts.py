"""The parts an application is made of, as `app.create_app` joined them, for the views to ask."""

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
"""Threads that may wait for news under another server than ours: the others go on answering."""


def utc_now() -> datetime:
    """Answer the time, aware and in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a view may need.

    `held` counts the requests that wait inside a thread, where nothing of ours stands before Flask.
    `moment` answers the time that writes go by, of the database. `log_database` is the follower's own way to the same
    database: it must never wait behind readers.
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
        """What the actions of the desk need. Raises Unavailable at once while the database is known to be away."""
        if self.pages.follower.away:
            raise Unavailable
        return Desk(self.database, self.settings, self.moment)

    def close(self) -> None:
        """Close every connection that is not in use, and follow the log no more."""
        self.pages.follower.close()
        self.usage.write()
        self.database.dispose()
        self.log_database.dispose()


def parts() -> Parts:
    """Answer the parts of the application that serves this request."""
    return cast("Parts", current_app.extensions["newsapi"])
