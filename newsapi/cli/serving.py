"""Commands that run until they are stopped: `serve`, `worker` and `demo`."""

from __future__ import annotations

import multiprocessing
import os
from contextlib import nullcontext
from pathlib import Path

import click
from sqlalchemy import URL

from newsapi.cli.startup import create_database, open_database, require_current_schema
from newsapi.cli.terminal import print_field_error
from newsapi.db.clock import utc_now
from newsapi.server import metrics
from newsapi.server.bind import bind_address
from newsapi.server.logs import configure_logging
from newsapi.settings import SettingError, Settings
from newsapi.tracing import spans


@click.command()
def serve() -> None:
    """Serve the API on NEWSAPI_HOST and NEWSAPI_PORT, and start a worker.

    SIGTERM stops the server after the requests in progress. SIGHUP replaces the processes one by one without losing a
    request: each stops when its successor answers. If a new process does not start, the old ones go on.
    """
    settings = Settings.from_env()
    address = bind_address(settings)
    database = open_database(settings)
    click.echo(f"{_describe_service(settings, address, database.url)} Press Ctrl-C to stop.")
    _serve(settings, address)


@click.command()
def worker() -> None:
    """Run a worker, in addition to the one that `newsapi serve` starts.

    A worker follows the changelog: it purges the CDN, delivers webhooks, sends email, and updates the indexes. It also
    runs imports and publishes scheduled articles.
    """
    from newsapi.cli.processes import run_worker  # noqa: PLC0415 (it imports the application)

    settings = Settings.from_env()
    configure_logging(settings.log_level)
    if settings.metrics_port:
        _serve_metrics(settings)
    run_worker(settings)


@click.command()
def demo() -> None:
    """Create a SQLite database with a sample motoring magazine, serve it and print URLs to try."""
    from newsapi.demo import content  # noqa: PLC0415 (the other commands do not need it)
    from newsapi.imports import loader as import_loader  # noqa: PLC0415 (the same)
    from newsapi.write_hooks import WRITE_HOOKS  # noqa: PLC0415 (the same)

    path = Path("newsapi-demo.sqlite3").absolute()
    os.environ |= content.environment(path)
    settings = Settings.from_env()
    address = bind_address(settings)  # before the old database is deleted: another demo may be using it
    content.clear(path)
    database = create_database(settings)
    require_current_schema(database)
    with content.stream(settings.api_url) as stream:
        import_loader.import_records(
            database, settings, stream, hooks=WRITE_HOOKS, now=utc_now, reject=print_field_error
        )
    database.dispose()
    click.echo(content.tour_text(settings.api_url))
    click.echo(f"\nThe database is {path}; the next demo replaces it. Press Ctrl-C to stop.")
    _serve(settings, address)


def _describe_service(settings: Settings, address: str, database_url: URL) -> str:
    """Return where the server listens, on which database and cache, and with which processes; without credentials."""
    host = f"[{address}]" if ":" in address else address
    query = {name: value for name, value in database_url.query.items() if name in {"host", "port"}}
    database = URL.create(
        database_url.drivername, None, None, database_url.host, database_url.port, database_url.database, query
    )
    cache = f"memory and {_without_credentials(settings.redis_url)}" if settings.redis_url else "memory"
    processes = "1 process" if settings.processes == 1 else f"{settings.processes} processes"
    return (
        f"Serving http://{host}:{settings.port} from {database.render_as_string()} in {processes}, with a worker and a"
        f" search indexer; responses are cached in {cache}."
    )


def _without_credentials(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"


def _serve(settings: Settings, address: str) -> None:
    from newsapi.server.supervisor import ServerSupervisor  # noqa: PLC0415 (slow to import, and other commands do not need it)

    configure_logging(settings.log_level)
    spans.are_requested()  # here, and not in each process, an error is one line
    # "spawn": processes inherit no threads of the supervisor.
    multiprocessing.set_start_method("spawn", force=True)
    with metrics.multiprocess_dir() if settings.metrics_port else nullcontext():
        if settings.metrics_port:
            _serve_metrics(settings)
        ServerSupervisor(settings, address).serve()


def _serve_metrics(settings: Settings) -> None:
    try:
        metrics.serve_metrics(settings.host, settings.metrics_port or 0)
    except OSError as error:
        raise SettingError("NEWSAPI_METRICS_PORT", f"cannot be listened on: {error.strerror}") from error
