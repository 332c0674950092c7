"""Builds the application, the asynchronous front and the worker; all of their parts are created and connected here."""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import cache
from uuid import UUID

from flask import Flask

from newsapi import __version__, routes
from newsapi.cache.cached_response import SHORT_CDN_LIFETIME_SECONDS
from newsapi.cache.log_follower import ChangelogFollower, ChangelogReader
from newsapi.cache.memory_cache import MemoryCache
from newsapi.cache.read_router import ReadRouter
from newsapi.cache.response_cache import ResponseCache
from newsapi.cache.shared_cache import NullCache, SharedCache
from newsapi.cdn import CdnPurgeConsumer, make_cdn
from newsapi.changelog import reader as changelog_reader
from newsapi.changelog.reader import ChangelogDelta
from newsapi.content.context import ContentContext
from newsapi.content.presentation.listed_articles import ListedArticles
from newsapi.content.presentation.presentation import ArticlePresenter
from newsapi.content.schemas.articles import ArticleSummary
from newsapi.content.schemas.cards import ArticleCard
from newsapi.content.writes.writer import WriteContext
from newsapi.db.clock import database_now, utc_now
from newsapi.db.database import Database, Session
from newsapi.editing.worker import PublicationScheduler, TermMerger
from newsapi.feeds.websub import WebSubConsumer
from newsapi.images import measurement
from newsapi.images.worker import ImageMeasurer
from newsapi.imports import views as import_views
from newsapi.imports.jobs import ImportRunner, OnFinished
from newsapi.imports.worker import ImportScheduler
from newsapi.keys import commands as key_commands
from newsapi.keys.usage import Usage
from newsapi.related.worker import RelatedIndexConsumer
from newsapi.search.freshness import SearchIndex
from newsapi.search.index_folder import IndexFolder
from newsapi.search.index_follower import IndexFollower
from newsapi.server.concurrency import NON_API_THREADS, SQLITE_THREADS
from newsapi.server.front import Front, FrontConfig
from newsapi.server.metrics import RequestMetrics
from newsapi.server.traced_front import TracedFront
from newsapi.settings import PREFIX, Settings
from newsapi.subscriptions.commands import SubscriptionContext
from newsapi.subscriptions.mail_transport import make_transport
from newsapi.subscriptions.tokens import TokenSigner
from newsapi.subscriptions.worker import AlertConsumer
from newsapi.tracing import spans
from newsapi.web import problems
from newsapi.web.context import AppContext
from newsapi.web.cursors import CursorCodec
from newsapi.web.rate_limits import RateLimiter
from newsapi.webhooks import events as webhook_events
from newsapi.webhooks.worker import WebhookConsumer
from newsapi.worker.consumer import Consumer
from newsapi.worker.consumers import Worker
from newsapi.write_hooks import WRITE_HOOKS

MAX_BODY_BYTES = 1 << 20
"""Maximum size of a request body, except for the endpoints in `STREAMED_PATHS`."""

PURGED_CDN_LIFETIME_SECONDS = 86_400
"""How long a CDN that is purged may keep a response, in seconds."""

STREAMED_PATHS = frozenset({f"POST {import_views.PATH}"})
"""Method and path of the endpoints that read their request body as a stream."""


def create_app(settings: Settings) -> Flask:
    """Return the Flask application for these settings. It connects to no server yet."""
    app = Flask("newsapi", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.url_map.strict_slashes = True
    app.url_map.merge_slashes = False  # such a redirect would use the Host header of the request
    app.extensions |= create_services(settings)
    app.extensions["newsapi-document"] = routes.register(app)
    return app


@cache
def shared_app() -> Flask:
    """Return the application for the settings of the environment. It connects to no server yet.

    The fork server of `newsapi serve` creates it, so that the server processes share its memory.
    """
    return create_app(Settings.from_env())


def create_services(settings: Settings) -> dict[str, object]:
    """Return what the views find in `app.extensions`, by name. It connects to no server yet."""
    context = create_context(settings)
    return {
        "newsapi": context,
        "newsapi-import-finished": queue_import_event(settings),
        "newsapi-token-signer": TokenSigner(context.database, settings.secret_key),
    }


def create_context(settings: Settings) -> ContentContext:
    """Return the services of an application for these settings. They connect to no server yet."""
    pool_size = settings.database_connections
    database = Database.from_settings(settings, pool_size=pool_size)
    replicas = [
        database if url == settings.database_url else Database.from_settings(settings, url=url, pool_size=pool_size)
        for url in settings.database_replica_urls
    ]
    log_database = Database.from_settings(settings, pool_size=1)
    follower = ChangelogFollower(_make_changelog_reader(log_database))
    presenter = ArticlePresenter(settings)
    return ContentContext(
        settings=settings,
        database=database,
        reads=ReadRouter(database, replicas, follower),
        log_database=log_database,
        cursors=CursorCodec(database, settings.secret_key),
        presentation=presenter,
        listed_articles=ListedArticles(presenter.summary, ArticleSummary, follower),
        listed_cards=ListedArticles(presenter.card, ArticleCard, follower),
        hooks=WRITE_HOOKS,
        response_cache=ResponseCache(MemoryCache(settings.cache_mb << 20), _create_shared_cache(settings), follower),
        limits=RateLimiter(settings),
        authenticate=key_commands.authenticate,
        usage=Usage(database),
        index_consumers={"related": RelatedIndexConsumer.name},
        unused_consumers=unused_consumers(settings),
        search_index=create_search_index(settings),
        cdn_lifetime=PURGED_CDN_LIFETIME_SECONDS if settings.purge_url else SHORT_CDN_LIFETIME_SECONDS,
    )


def _create_shared_cache(settings: Settings) -> SharedCache:
    if not settings.redis_url:
        return NullCache()
    from newsapi.cache.redis_cache import RedisResponseCache  # noqa: PLC0415 (it takes 20 MB)

    return RedisResponseCache(settings.redis_url, _response_fingerprint(settings))


def unused_consumers(settings: Settings) -> dict[str, str]:
    """Return the consumers of the changelog that no worker runs with these settings.

    Returns:
        Why none runs it, by the name of the consumer. A consumer may have an offset from the time when one did.
    """
    setting_names = {
        CdnPurgeConsumer.name: "purge_url",
        WebSubConsumer.name: "websub_hub",
        AlertConsumer.name: "smtp_url",
    }
    unset = {consumer: name for consumer, name in setting_names.items() if not getattr(settings, name)}
    reasons = {consumer: f"{PREFIX}{name.upper()} is not set" for consumer, name in unset.items()}
    if settings.measure_images == "off":
        reasons[ImageMeasurer.name] = f"{PREFIX}MEASURE_IMAGES is off"
    elif not measurement.is_available():
        reasons[ImageMeasurer.name] = "Pillow is not installed"
    return reasons


def create_search_index(settings: Settings) -> SearchIndex:
    """Return the search index of this machine. It opens no file and connects to no server yet."""
    return SearchIndex(IndexFolder.of(settings), _database_of_index(settings))


def create_index_follower(settings: Settings) -> IndexFollower:
    """Return what follows the changelog with the search index of this machine. It opens no file yet."""
    return IndexFollower(IndexFolder.of(settings), _database_of_index(settings))


def _database_of_index(settings: Settings) -> Database:
    return Database.from_settings(settings, pool_size=1, long_running=True)


def create_front(app: Flask) -> Front:
    """Return the asynchronous front that `newsapi serve` runs before an application of `create_app`."""
    parts: AppContext = app.extensions["newsapi"]
    front_type = TracedFront if spans.are_exported() else Front
    return front_type(
        app,
        parts.response_cache,
        problems.refusal_factory(parts.settings.problem_url),
        FrontConfig(
            cdn_lifetime=parts.cdn_lifetime,
            max_body_bytes=MAX_BODY_BYTES,
            streamed_endpoints=STREAMED_PATHS,
            db_threads=SQLITE_THREADS
            if parts.database.is_sqlite
            else parts.settings.database_connections - NON_API_THREADS,
        ),
        RequestMetrics(parts.settings.log_hits_every),
    )


def create_worker(settings: Settings, worker_id: str = "") -> Worker:
    """Return the worker for these settings, with its changelog consumers. It connects to no server yet.

    Args:
        settings: The settings.
        worker_id: The id that it takes over from a worker that has ended; a random one if empty.
    """
    database = Database.from_settings(settings, pool_size=4)
    long_running_database = Database.from_settings(settings, pool_size=4, long_running=True)
    write_context = WriteContext(database, settings, database_now, WRITE_HOOKS)
    consumers: list[Consumer] = [
        PublicationScheduler(write_context),
        TermMerger(write_context),
        RelatedIndexConsumer(long_running_database, now=utc_now),
        ImportScheduler(
            ImportRunner(
                long_running_database,
                settings,
                now=utc_now,
                hooks=WRITE_HOOKS,
                on_finished=queue_import_event(settings),
            )
        ),
    ]
    unused = unused_consumers(settings)
    if ImageMeasurer.name not in unused:
        allow_private = settings.measure_images == "any"
        consumers.append(ImageMeasurer(long_running_database, allow_private=allow_private, now=utc_now))
    if settings.purge_url:  # the conditions are those of `unused_consumers`
        consumers.append(CdnPurgeConsumer(database, make_cdn(settings.purge_url, settings.purge_key), now=utc_now))
    if settings.websub_hub:
        consumers.append(WebSubConsumer(database, settings.websub_hub, settings.api_url))
    if settings.smtp_url:
        context = SubscriptionContext(
            long_running_database, settings, TokenSigner(long_running_database, settings.secret_key)
        )
        transport = make_transport(settings.smtp_url, settings.mail_return_path)
        consumers.append(AlertConsumer(context, ArticlePresenter(settings), transport, now=utc_now))
    consumers.append(
        WebhookConsumer(
            database,
            ArticlePresenter(settings),
            wait_for_purge=bool(settings.purge_url),
            allow_private=settings.webhook_private == "allow",
            now=utc_now,
        )
    )
    return Worker(database, consumers, now=utc_now, worker_id=worker_id)


def queue_import_event(settings: Settings) -> OnFinished:
    """Return the function that queues the event of a finished import for webhooks."""

    def on_finished(session: Session, id_: UUID, state: str, now: datetime) -> None:
        webhook_events.queue_import_finished(session, id_, state, settings.api_url, now=now)

    return on_finished


def _make_changelog_reader(database: Database) -> ChangelogReader:
    """Return the function with which the log follower reads the changelog."""

    def read(after_seq: int | None, max_changes: int) -> ChangelogDelta:
        with database.read_transaction() as connection:
            return changelog_reader.read_since(connection, after_seq, max_changes)

    return read


def _response_fingerprint(settings: Settings) -> str:
    """Return a hash of the version and of all settings that change the bytes of a response.

    It is part of the Redis keys of cached responses, so that processes with other settings do not share them.
    """
    return hashlib.blake2b(repr([__version__, settings.response_values()]).encode(), digest_size=8).hexdigest()
