"""What the processes of `newsapi serve` run. It imports the whole application, which the supervisor never needs."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

import click
from setproctitle import setproctitle

from newsapi.app import create_front, create_index_follower, create_worker, shared_app
from newsapi.cli.error_reports import exit_on_errors
from newsapi.cli.startup import create_database, describe_service, open_database, require_current_schema, tune_gc
from newsapi.cli.terminal import print_field_error
from newsapi.db.clock import utc_now
from newsapi.db.database import Database
from newsapi.db.statement_spans import record_statements
from newsapi.demo import content, mail_views, picture_views
from newsapi.demo.home_page import DEMO_PAGE
from newsapi.errors import Unavailable
from newsapi.imports import loader as import_loader
from newsapi.server.front import Front
from newsapi.server.graceful_shutdown import with_graceful_shutdown
from newsapi.server.logs import configure_logging
from newsapi.server.signal_event import SignalEvent
from newsapi.settings import Settings
from newsapi.tracing import spans
from newsapi.web import home_page
from newsapi.write_hooks import WRITE_HOOKS


def prepare_database(address: str) -> None:
    """Prepare the database, and print where the API is served, from which database and cache.

    Args:
        address: The numeric address that the server listens on.
    """
    with exit_on_errors():
        settings = Settings.from_env()
        database = prepare_service(settings)
        click.echo(f"{describe_service(settings, address, database.url)} Press Ctrl-C to stop.")


def prepare_service(settings: Settings) -> Database:
    """Return the database of a service, after a check of its schema.

    From then on, the consumers of the worker process every change, also if the first worker starts later.

    Raises:
        SettingError: A setting is invalid.
        MigrationsPending: The schema of a database server is not current.
    """
    database = open_database(settings)
    _ensure_offsets(settings)
    return database


def _ensure_offsets(settings: Settings) -> None:
    """Give the consumers of the worker an offset, unless the database accepts no writes; the worker repeats it."""
    with suppress(Unavailable):
        create_worker(settings).ensure_offsets()


def prepare_demo() -> None:
    """Create the database of the demo, and print URLs to try."""
    with exit_on_errors():
        settings = Settings.from_env()
        database = create_database(settings)
        require_current_schema(database)
        with content.stream(settings.api_url) as stream:
            import_loader.import_records(
                database, settings, stream, hooks=WRITE_HOOKS, now=utc_now, reject=print_field_error
            )
        _ensure_offsets(settings)
        click.echo(content.tour_text(settings.api_url))
        path = settings.database_url.removeprefix("sqlite:///")
        click.echo(f"\nThe database is {path}; the next demo replaces it. Press Ctrl-C to stop.")


def server_app() -> Front:
    """Return the application that a server process runs."""
    setproctitle("newsapi server process")
    settings = Settings.from_env()
    configure_logging(settings.log_level)
    _start_tracing()
    app = shared_app()
    app.extensions["newsapi"].response_cache.follower.latest()  # connect before the first request: it may take long
    app.extensions["newsapi"].search_index.leave_building_to_indexer()
    if os.environ.get(content.PICTURES_VARIABLE):
        app.register_blueprint(picture_views.blueprint(content.resized_pictures_folder(settings.database_url)))
        app.extensions[home_page.EXTENSION] = DEMO_PAGE
        app.register_blueprint(mail_views.blueprint(content.email_folder(settings.database_url)))
    front = with_graceful_shutdown(create_front(app))
    tune_gc(20, 50)  # scanning permanent objects for cycles again and again delayed every request by 0.1 s
    return front


def _start_tracing() -> None:
    spans.start()
    if spans.are_exported():
        record_statements()


def run_supervised_worker(worker_id: str) -> None:
    """Run the worker of `newsapi serve` until its supervisor stops it; it has the leases of the one before."""
    setproctitle("newsapi worker")
    settings = Settings.from_env()
    configure_logging(settings.log_level)
    run_worker(settings, worker_id)


def run_search_indexer() -> None:
    """Follow the changelog with the search index of this machine until the supervisor of `newsapi serve` stops it."""
    setproctitle("newsapi search indexer")
    settings = Settings.from_env()
    configure_logging(settings.log_level)
    open_database(settings)
    follower = create_index_follower(settings)
    stop = _stop_on_signals(follower.wake)
    tune_gc()
    follower.run(stop)


def _stop_on_signals(wake: Callable[[], None] = lambda: None) -> SignalEvent:
    """Return an event that SIGTERM and SIGINT set; then they call `wake`."""
    stop = SignalEvent()

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        wake()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handle)
    return stop


def run_worker(settings: Settings, worker_id: str = "") -> None:
    """Run a worker until SIGTERM or SIGINT; `worker_id` is that of a worker that it replaces."""
    open_database(settings)
    stop = _stop_on_signals()
    _start_tracing()
    background_worker = create_worker(settings, worker_id)
    tune_gc()
    background_worker.run(stop.wait)
    spans.shut_down()
