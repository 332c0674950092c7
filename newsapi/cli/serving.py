"""Commands that run until they are stopped: `serve`, `worker` and `demo`.

`serve` and `demo` become the supervisor, and share the memory of the application with the processes that run it.
"""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path

import click

from newsapi.server.bind import bind_address
from newsapi.server.logs import configure_logging
from newsapi.server.memory import limit_free_memory
from newsapi.server.metrics_dir import multiprocess_dir
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
    _serve(settings, address, "newsapi.cli.processes:prepare_database", address)


@click.command()
def worker() -> None:
    """Run a worker, in addition to the one that `newsapi serve` starts.

    A worker follows the changelog: it purges the CDN, delivers webhooks, sends email, and updates the indexes. It also
    runs imports and publishes scheduled articles.
    """
    from newsapi.cli.processes import run_worker  # noqa: PLC0415 (it imports the application)

    settings = Settings.from_env()
    configure_logging(settings.log_level)
    limit_free_memory()
    if settings.metrics_port:
        _serve_metrics(settings)
    run_worker(settings)


@click.command()
def demo() -> None:
    """Create a SQLite database with a sample motoring magazine, serve it and print URLs to try."""
    from newsapi.demo import content  # noqa: PLC0415 (the other commands do not need it)

    path = Path("newsapi-demo.sqlite3").absolute()
    os.environ |= content.environment(path)
    for name, value in content.defaults().items():
        os.environ.setdefault(name, value)
    settings = Settings.from_env()
    address = bind_address(settings)  # before the old database is deleted: another demo may be using it
    content.clear(path)
    path.touch()  # an error that names the file, before processes are started
    _serve(settings, address, "newsapi.cli.processes:prepare_demo")


def _serve(settings: Settings, address: str, preparation: str, *arguments: str) -> None:
    """Run the supervisor, after a function named as `module:function`, with its arguments, in a process of its own."""
    configure_logging(settings.log_level)
    spans.are_requested()  # here, and not in each process, an error is one line
    with multiprocess_dir() if settings.metrics_port else nullcontext():
        from newsapi.server.fork_server import ForkServer  # noqa: PLC0415 (slow to import, and other commands do not need it)
        from newsapi.server.supervisor import ServerSupervisor  # noqa: PLC0415 (as above)

        import_module("newsapi.server.preloaded")  # the last: what is imported until then is not collected as garbage
        fork_server = ForkServer()
        if settings.metrics_port:
            _serve_metrics(settings)
        supervisor = ServerSupervisor(settings, address, fork_server)
        if status := supervisor.run_preparation(preparation, *arguments):
            sys.exit(status)
        supervisor.serve()


def _serve_metrics(settings: Settings) -> None:
    from newsapi.server import metrics  # noqa: PLC0415 (imports prometheus_client, which looks for the directory then)

    try:
        metrics.serve_metrics(settings.host, settings.metrics_port or 0)
    except OSError as error:
        raise SettingError("NEWSAPI_METRICS_PORT", f"cannot be listened on: {error.strerror}") from error
