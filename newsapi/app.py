"""Builds the application: every part is made here and joined here, and nowhere else."""

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
"""Bytes that a request may bring, but for those that are taken in as they come."""

STREAMED = frozenset({f"POST {imports.PATH}"})
"""Requests that are."""


def create_app(settings: Settings) -> Flask:
    """Answer the application for these settings; nothing is connected yet."""
    app = Flask("newsapi", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False  # it would lead on to an address with the request's Host
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
    """Answer what stands before an application in a server of our own."""
    parts: Parts = app.extensions["newsapi"]
    refuse = problems.refuser(parts.settings.api_url)
    counted = Counts(parts.settings.log_hits)
    readers = EMBEDDED if parts.database.is_sqlite else READERS
    return Front(
        *(app, parts.pages, refuse),
        lifetime=parts.cdn_lifetime,
        most_body=MAX_BODY,
        streamed=STREAMED,
        readers=readers,
        counts=counted,
    )


def create_worker(settings: Settings) -> Worker:
    """Answer the worker for these settings, with its listeners; nothing is connected yet."""
    database = Database(settings.database_url, pool_size=4)
    desk = Desk(database, settings, clock)
    patient = Database(settings.database_url, pool_size=4, patient=True)  # indexes and lists of readers are long
    listeners: list[Listener] = [
        *(Embargo(desk), Merging(desk), Relate(patient, now=utc_now), Index(patient, now=utc_now)),
        Importing(Runs(patient, settings, now=utc_now)),
    ]
    if settings.purge_url:
        listeners.append(Purge(database, to_cdn(settings.purge_url, settings.purge_key), now=utc_now))
    if settings.websub_hub:
        listeners.append(WebSub(database, settings.websub_hub, settings.api_url))
    private = settings.webhook_private == "allow"
    purges = bool(settings.purge_url)
    if settings.smtp_url:
        box = Box(patient, settings, Passes(patient, settings.secret_key))
        listeners.append(Alerts(box, Presentation(settings), transport(settings.smtp_url), now=utc_now))
    listeners.append(Webhooks(database, Presentation(settings), purges=purges, private=private, now=utc_now))
    return Worker(database, listeners, now=utc_now)


def _log_of(database: Database) -> Read:
    """The follower's way to the log."""

    def read(place: int | None, most: int) -> News:
        with database.reading() as connection:
            return News(*changes.news(connection, place, most))

    return read


def _release(settings: Settings) -> str:
    """A word for all that decides the bytes of an answer, beside the data and the question."""
    parts = [__version__, *(str(getattr(settings, name)) for name in SHOWN)]
    return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()


SHOWN = (
    "api_url article_url brand_url author_url section_url publisher image_url image_key image_salt time_zone secret_key"
    " smtp_url mail_language privacy_url"
    " public_body websub_hub"
).split()
"""The settings that a reader can tell from an answer."""


def set_up_logging(level: str) -> None:
    """Write log lines as JSON to standard error, with the id of the request they belong to."""
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
