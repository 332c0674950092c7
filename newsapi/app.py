"""Builds the application, the asynchronous front and the worker; all of their parts are created and connected here."""

from __future__ import annotations

import hashlib
import logging
import sys

import structlog
from flask import Flask

from newsapi import __version__, api
from newsapi.actions.import_jobs import Runs
from newsapi.actions.subscriptions import Box
from newsapi.actions.writing import Desk
from newsapi.api import imports, problems
from newsapi.api.limits import Limits
from newsapi.api.parts import Parts, utc_now
from newsapi.api.usage import Usage
from newsapi.cache.counts import Counts
from newsapi.cache.follower import Follower, News, Read
from newsapi.cache.front import Front
from newsapi.cache.memory import Memory
from newsapi.cache.pages import PageCache
from newsapi.cache.shared import Alone, InRedis
from newsapi.cache.turns import EMBEDDED, READERS
from newsapi.outbox.alerts import Alerts
from newsapi.outbox.clockwork import Embargo, Importing, Merging
from newsapi.outbox.index import Index
from newsapi.outbox.mail import transport
from newsapi.outbox.purge import Purge, to_cdn
from newsapi.outbox.relate import Relate
from newsapi.outbox.webhooks import Webhooks
from newsapi.outbox.websub import WebSub
from newsapi.outbox.worker import Listener, Worker
from newsapi.schemas.presentation import Presentation
from newsapi.settings import Settings
from newsapi.store import changes
from newsapi.store.database import Database
from newsapi.store.due import clock
from newsapi.store.keyset import Cursors
from newsapi.store.passes import Passes

MAX_BODY = 1 << 20
"""Maximum size of a request body, except for the endpoints in `STREAMED_PATHS`."""

STREAMED = frozenset({f"POST {imports.PATH}"})
"""Method and path of the endpoints that read their request body as a stream."""


def create_app(settings: Settings) -> Flask:
    """Return the Flask application for these settings. It connects to no server yet."""
    app = Flask("newsapi", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False  # such a redirect would use the Host header of the request
    database = Database(settings.database_url)
    log_database = Database(settings.database_url, pool_size=1)
    follower = Follower(_log_of(log_database))
    shared = InRedis(settings.redis_url, _release(settings)) if settings.redis_url else Alone()
    parts = Parts(
        settings=settings,
        database=database,
        log_database=log_database,
        cursors=Cursors(database, settings.secret_key),
        presentation=Presentation(settings),
        pages=PageCache(Memory(settings.cache_mb << 20), shared, follower),
        limits=Limits(settings),
        passes=Passes(database, settings.secret_key),
        usage=Usage(database),
        cdn_lifetime="max-age=86400" if settings.purge_url else "max-age=2",
    )
    app.extensions["newsapi"] = parts
    app.extensions["newsapi-document"] = api.register(app)
    return app


def create_front(app: Flask) -> Front:
    """Return the asynchronous front that `newsapi serve` runs before an application of `create_app`."""
    parts: Parts = app.extensions["newsapi"]
    return Front(
        app,
        parts.pages,
        problems.refuser(parts.settings.api_url),
        lifetime=parts.cdn_lifetime,
        most_body=MAX_BODY,
        streamed=STREAMED,
        readers=EMBEDDED if parts.database.is_sqlite else READERS,
        counts=Counts(parts.settings.log_hits),
    )


def create_worker(settings: Settings) -> Worker:
    """Return the worker for these settings, with its changelog consumers. It connects to no server yet."""
    database = Database(settings.database_url, pool_size=4)
    patient = Database(settings.database_url, pool_size=4, patient=True)  # for indexing and sending to all subscribers
    write_context = Desk(database, settings, clock)
    listeners: list[Listener] = [
        Embargo(write_context),
        Merging(write_context),
        Relate(patient, now=utc_now),
        Index(patient, now=utc_now),
        Importing(Runs(patient, settings, now=utc_now)),
    ]
    if settings.purge_url:
        listeners.append(Purge(database, to_cdn(settings.purge_url, settings.purge_key), now=utc_now))
    if settings.websub_hub:
        listeners.append(WebSub(database, settings.websub_hub, settings.api_url))
    if settings.smtp_url:
        context = Box(patient, settings, Passes(patient, settings.secret_key))
        listeners.append(Alerts(context, Presentation(settings), transport(settings.smtp_url), now=utc_now))
    listeners.append(
        Webhooks(
            database,
            Presentation(settings),
            purges=bool(settings.purge_url),
            private=settings.webhook_private == "allow",
            now=utc_now,
        )
    )
    return Worker(database, listeners, now=utc_now)


def _log_of(database: Database) -> Read:
    """Return the function with which the log follower reads the changelog."""

    def read(place: int | None, most: int) -> News:
        with database.reading() as connection:
            return News(*changes.news(connection, place, most))

    return read


def _release(settings: Settings) -> str:
    """Return a hash of the version and of all settings that change the bytes of a response.

    It is part of the Redis keys of cached responses, so that processes with other settings do not share them.
    """
    values = [__version__, *(str(getattr(settings, name)) for name in SHOWN)]
    return hashlib.blake2b(repr(values).encode(), digest_size=8).hexdigest()


SHOWN = (
    "api_url",
    "article_url",
    "brand_url",
    "author_url",
    "section_url",
    "publisher",
    "image_url",
    "image_key",
    "image_salt",
    "time_zone",
    "secret_key",
    "smtp_url",
    "mail_language",
    "privacy_url",
    "public_body",
    "websub_hub",
)
"""Names of the settings that change the bytes of a response."""


def set_up_logging(level: str) -> None:
    """Write log lines as JSON to standard error, with the id of the request that they belong to."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
