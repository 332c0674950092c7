"""Builds the application, the asynchronous front and the worker; all of their parts are created and connected here."""

from __future__ import annotations

import hashlib
import logging
import sys

import structlog
from flask import Flask

from newsapi import __version__, routes
from newsapi.cache.log_follower import ChangelogDelta, ChangelogFollower, ChangelogReader
from newsapi.cache.memory_cache import MemoryCache
from newsapi.cache.redis_cache import NullCache, RedisResponseCache
from newsapi.cache.response_cache import ResponseCache
from newsapi.cdn import CdnPurgeConsumer, make_cdn
from newsapi.changelog import reader as changelog_reader
from newsapi.content.presentation.presentation import ArticlePresenter
from newsapi.content.writes.writer import WriteContext
from newsapi.db.database import Database
from newsapi.editing.due import database_now
from newsapi.feeds.websub import WebSubConsumer
from newsapi.imports import views as import_views
from newsapi.imports.jobs import ImportRunner
from newsapi.keys.usage import Usage
from newsapi.related.worker import RelatedIndexConsumer
from newsapi.search.worker import SearchIndexConsumer
from newsapi.server.concurrency import DB_THREADS, SQLITE_THREADS
from newsapi.server.front import Front
from newsapi.server.metrics import RequestMetrics
from newsapi.settings import Settings
from newsapi.subscriptions.commands import SubscriptionContext
from newsapi.subscriptions.mail_transport import make_transport
from newsapi.subscriptions.tokens import TokenSigner
from newsapi.subscriptions.worker import AlertConsumer
from newsapi.web import problems
from newsapi.web.context import AppContext, utc_now
from newsapi.web.cursors import CursorCodec
from newsapi.web.rate_limits import RateLimiter
from newsapi.webhooks.worker import WebhookConsumer
from newsapi.worker.consumers import Consumer, Worker
from newsapi.worker.periodic import ImportScheduler, PublicationScheduler, TermMerger

MAX_BODY_BYTES = 1 << 20
"""Maximum size of a request body, except for the endpoints in `STREAMED_PATHS`."""

STREAMED_PATHS = frozenset({f"POST {import_views.PATH}"})
"""Method and path of the endpoints that read their request body as a stream."""


def create_app(settings: Settings) -> Flask:
    """Return the Flask application for these settings. It connects to no server yet."""
    app = Flask("newsapi", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False  # such a redirect would use the Host header of the request
    app.extensions["newsapi"] = create_context(settings)
    app.extensions["newsapi-document"] = routes.register(app)
    return app


def create_context(settings: Settings) -> AppContext:
    """Return the services of an application for these settings. They connect to no server yet."""
    database = Database(settings.database_url)
    log_database = Database(settings.database_url, pool_size=1)
    follower = ChangelogFollower(_changelog_readers(log_database))
    shared = (
        RedisResponseCache(settings.redis_url, _response_fingerprint(settings)) if settings.redis_url else NullCache()
    )
    return AppContext(
        settings=settings,
        database=database,
        log_database=log_database,
        cursors=CursorCodec(database, settings.secret_key),
        presentation=ArticlePresenter(settings),
        response_cache=ResponseCache(MemoryCache(settings.cache_mb << 20), shared, follower),
        limits=RateLimiter(settings),
        token_signer=TokenSigner(database, settings.secret_key),
        usage=Usage(database),
        cdn_lifetime="max-age=86400" if settings.purge_url else "max-age=2",
    )


def create_front(app: Flask) -> Front:
    """Return the asynchronous front that `newsapi serve` runs before an application of `create_app`."""
    parts: AppContext = app.extensions["newsapi"]
    return Front(
        app,
        parts.response_cache,
        problems.refusal_factory(parts.settings.api_url),
        cdn_lifetime=parts.cdn_lifetime,
        max_body_bytes=MAX_BODY_BYTES,
        streamed=STREAMED_PATHS,
        db_threads=SQLITE_THREADS if parts.database.is_sqlite else DB_THREADS,
        metrics=RequestMetrics(parts.settings.log_hits_every),
    )


def create_worker(settings: Settings) -> Worker:
    """Return the worker for these settings, with its changelog consumers. It connects to no server yet."""
    database = Database(settings.database_url, pool_size=4)
    patient = Database(
        settings.database_url, pool_size=4, long_running=True
    )  # for indexing and sending to all subscribers
    write_context = WriteContext(database, settings, database_now)
    listeners: list[Consumer] = [
        PublicationScheduler(write_context),
        TermMerger(write_context),
        RelatedIndexConsumer(patient, now=utc_now),
        SearchIndexConsumer(patient, now=utc_now),
        ImportScheduler(ImportRunner(patient, settings, now=utc_now)),
    ]
    if settings.purge_url:
        listeners.append(CdnPurgeConsumer(database, make_cdn(settings.purge_url, settings.purge_key), now=utc_now))
    if settings.websub_hub:
        listeners.append(WebSubConsumer(database, settings.websub_hub, settings.api_url))
    if settings.smtp_url:
        context = SubscriptionContext(patient, settings, TokenSigner(patient, settings.secret_key))
        listeners.append(
            AlertConsumer(context, ArticlePresenter(settings), make_transport(settings.smtp_url), now=utc_now)
        )
    listeners.append(
        WebhookConsumer(
            database,
            ArticlePresenter(settings),
            wait_for_purge=bool(settings.purge_url),
            allow_private=settings.webhook_private == "allow",
            now=utc_now,
        )
    )
    return Worker(database, listeners, now=utc_now)


def _changelog_readers(database: Database) -> ChangelogReader:
    """Return the function with which the log follower reads the changelog."""

    def read(place: int | None, most: int) -> ChangelogDelta:
        with database.read_transaction() as connection:
            return ChangelogDelta(*changelog_reader.read_since(connection, place, most))

    return read


def _response_fingerprint(settings: Settings) -> str:
    """Return a hash of the version and of all settings that change the bytes of a response.

    It is part of the Redis keys of cached responses, so that processes with other settings do not share them.
    """
    values = [__version__, *(str(getattr(settings, name)) for name in RESPONSE_SETTINGS)]
    return hashlib.blake2b(repr(values).encode(), digest_size=8).hexdigest()


RESPONSE_SETTINGS = (
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


def configure_logging(level: str) -> None:
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
