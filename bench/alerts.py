"""Benchmark of e-mail alerts: planning for many subscribers, sending over SMTP, and killing workers while they send.

`python -m bench.alerts --subscribers 100000 --kills 10 --mails 3000` runs on SQLite and on PostgreSQL and prints the
figures. Missing and duplicate e-mails are counted by Message-ID and recipient, as the mail server received them.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import click
import structlog
from aiosmtpd.controller import Controller

from newsapi.content.presentation.presentation import ArticlePresenter
from newsapi.db import bulk_rows
from newsapi.db.clock import utc_now
from newsapi.db.database import Database
from newsapi.db.types import uuid7
from newsapi.migrations.upgrade import upgrade
from newsapi.settings import Settings
from newsapi.subscriptions.commands import SubscriptionContext
from newsapi.subscriptions.mail_transport import make_transport
from newsapi.subscriptions.tables import Subscriber, Subscription
from newsapi.subscriptions.tokens import TokenSigner
from newsapi.subscriptions.worker import AlertConsumer
from newsapi.worker.consumers import ConsumerRunner
from tests.support import servers
from tests.support.factories import Make

DURABLE_POSTGRESQL = {"dynamic_shared_memory_type": "mmap", "listen_addresses": ""}
"""PostgreSQL settings with durable commits (fsync stays on)."""


class Sink:
    """A mail server that records Message-ID and recipient of each e-mail."""

    def __init__(self) -> None:
        """Start the server on a free port."""
        self.received: list[tuple[str, str]] = []
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        self._controller = Controller(self, hostname="127.0.0.1", port=port)
        self._controller.start()
        self.url = f"smtp://127.0.0.1:{port}"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Accept an e-mail."""
        headers = message_from_bytes(envelope.content.partition(b"\r\n\r\n")[0])
        self.received.append((headers["Message-ID"], envelope.rcpt_tos[0]))
        return "250 OK"

    def close(self) -> None:
        """Stop the server."""
        self._controller.stop()


def settings_for(url: str, smtp: str) -> Settings:
    """Return the settings of all processes of this benchmark."""
    return Settings.from_env(
        {
            "NEWSAPI_DATABASE_URL": url,
            "NEWSAPI_SMTP_URL": smtp,
            "NEWSAPI_MAIL_FROM": "News <news@site.example>",
            "NEWSAPI_SECRET_KEY": "a secret of thirty-two characters",
            "NEWSAPI_LOG_LEVEL": "error",
        }
    )


def fill(database: Database, make: Make, count: int) -> None:
    """Insert a brand and subscribers with an active subscription to it."""
    make.brand("land-rover", name="Land Rover")
    now, passes = datetime.now(UTC) - timedelta(days=1), TokenSigner(database, "a secret of thirty-two characters")
    with database.transaction() as session:
        facet = session.connection().exec_driver_sql("SELECT facet_id FROM brand").scalar_one()
        ids = [uuid7() for _ in range(count)]
        hashes = [passes.hash_email(str(number)) for number in range(count)]
        bulk_rows.bulk_insert(
            session,
            Subscriber,
            ("id", "email_hash", "mailbox_hash", "email", "language", "time_zone", "created_at"),
            (
                (id_, hash_, hash_, f"a{number}@readers.example", "it", "Europe/Rome", now)
                for number, (id_, hash_) in enumerate(zip(ids, hashes, strict=True))
            ),
        )
        columns = (
            "id",
            "subscriber_id",
            "facet_id",
            "frequency",
            "state",
            "consent_version",
            "requested_at",
            "confirmed_at",
        )
        bulk_rows.bulk_insert(
            session,
            Subscription,
            columns,
            ((uuid7(), id_, facet, "immediate", "active", "v1", now, now) for id_ in ids),
        )
    database.analyze()


@contextmanager
def filled_database(kind: str, folder: str, count: int) -> Iterator[tuple[Database, Make]]:
    """Yield a database ("sqlite" or "postgresql") with a number of subscribers."""
    with (
        servers.kept_in(Path(folder) / "postgresql", DURABLE_POSTGRESQL)
        if kind == "postgresql"
        else _sqlite(folder) as url
    ):
        database = Database(url, pool_size=4)
        with database.connection() as connection:
            upgrade(connection)
        make = Make(database, utc_now)
        fill(database, make, count)
        yield database, make
        database.dispose()


@contextmanager
def _sqlite(folder: str) -> Iterator[str]:
    yield f"sqlite:///{folder}/alerts-{os.getpid()}.sqlite3"


def measure_planning(database: Database, make: Make, sink: Sink, count: int) -> dict[str, float]:
    """Measure the seconds to plan one publication for all subscribers, and the e-mails a worker sends a second."""
    settings = settings_for(str(database.url.render_as_string(hide_password=False)), sink.url)
    context = SubscriptionContext(database, settings, TokenSigner(database, settings.secret_key))
    consumer = AlertConsumer(context, ArticlePresenter(settings), make_transport(sink.url), now=utc_now)
    runner = ConsumerRunner(database, consumer, now=utc_now)
    runner.step()
    make.article("velar", brand="land-rover")
    consumer._server_retry_at = float("inf")  # noqa: SLF001 (plan only, do not send)
    start = time.perf_counter()
    runner.step()
    planning_seconds = time.perf_counter() - start
    runner.release()
    worker = start_worker(database, sink.url)  # in another process, because the mail server is busy in this one
    while not sink.received:
        time.sleep(0.05)
    start, count_before = time.perf_counter(), len(sink.received)
    while time.perf_counter() - start < 20 and len(sink.received) < count:
        time.sleep(0.05)
    rate = (len(sink.received) - count_before) / (time.perf_counter() - start)
    kill_worker(worker, database)
    return {"planning_seconds": round(planning_seconds, 2), "mails_per_second": round(rate, 1)}


def publish(database: Database, make: Make, smtp: str) -> None:
    """Publish an article about which a worker has to send alerts."""
    settings = settings_for(str(database.url.render_as_string(hide_password=False)), smtp)
    context = SubscriptionContext(database, settings, TokenSigner(database, settings.secret_key))
    runner = ConsumerRunner(
        database, AlertConsumer(context, ArticlePresenter(settings), make_transport(smtp), now=utc_now), now=utc_now
    )
    runner.step()  # a new consumer begins at the head of the changelog
    runner.release()
    make.article("defender", brand="land-rover")


def start_worker(database: Database, smtp: str) -> subprocess.Popen[bytes]:
    """Start a worker process that sends alerts only."""
    url = str(database.url.render_as_string(hide_password=False))
    return subprocess.Popen([sys.executable, "-m", "bench.alerts", "--worker", url, smtp])


def kill_worker(worker: subprocess.Popen[bytes], database: Database) -> None:
    """Kill a worker and release its lease, so that the next one need not wait until it expires."""
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    with database.transaction() as session:
        session.connection().exec_driver_sql("UPDATE consumer_offset SET lease_holder = NULL, lease_expires_at = NULL")


def measure_kills(database: Database, make: Make, sink: Sink, count: int, *, times: int, seed: int) -> dict[str, int]:
    """Kill workers at random while they plan and send; return the numbers of missing and duplicate e-mails."""
    rng = random.Random(seed)
    publish(database, make, sink.url)
    for number in range(times + 1):
        worker = start_worker(database, sink.url)
        if number < times:
            time.sleep(rng.uniform(1.5, 5.0))
            kill_worker(worker, database)
    while len({recipient for _, recipient in sink.received}) < count and worker.poll() is None:
        time.sleep(0.2)
    time.sleep(2)
    worker.terminate()
    worker.wait()
    copies = Counter(sink.received)
    recipients = {recipient for _, recipient in sink.received}
    return {
        "kills": times,
        "reached": len(recipients),
        "not_reached": count - len(recipients),
        "sent_twice": sum(1 for number in copies.values() if number == 2),
        "sent_more_often": sum(1 for number in copies.values() if number > 2),
        "sent_under_another_id": len(copies) - len(recipients),
    }


def run_worker(url: str, smtp: str) -> None:
    """Run a worker that sends alerts only, until it receives SIGTERM."""
    settings = settings_for(url, smtp)
    database = Database(settings.database_url, pool_size=4)
    context = SubscriptionContext(database, settings, TokenSigner(database, settings.secret_key))
    runner = ConsumerRunner(
        database, AlertConsumer(context, ArticlePresenter(settings), make_transport(smtp), now=utc_now), now=utc_now
    )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        time.sleep(min(0.05, runner.step()))


@click.command()
@click.option("--subscribers", default=100_000, show_default=True)
@click.option("--mails", default=3_000, show_default=True, help="Number of subscribers in the test that kills workers.")
@click.option("--kills", "times", default=10, show_default=True)
@click.option("--seed", default=7, show_default=True)
@click.option("--worker", nargs=2, default=None, hidden=True)
@click.option("--only", type=click.Choice(["sqlite", "postgresql"]))
def main(  # noqa: PLR0917 (options)
    subscribers: int, mails: int, times: int, seed: int, worker: tuple[str, str] | None, only: str | None
) -> None:
    """Measure alerts, and print the figures as JSON."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    if worker:
        run_worker(*worker)
    for kind in (only,) if only else ("sqlite", "postgresql"):
        figures: dict[str, Any] = {"database": kind, "subscribers": subscribers, "seed": seed}
        for part in ("planning", "kills"):
            sink = Sink()
            with tempfile.TemporaryDirectory() as folder:
                Path(folder).chmod(0o777)  # PostgreSQL refuses to run as root and runs as another user
                count = subscribers if part == "planning" else mails
                with filled_database(kind, folder, count) as (database, make):
                    if part == "planning":
                        figures |= measure_planning(database, make, sink, count)
                        click.echo(json.dumps(figures), err=True)
                    else:
                        figures["killed"] = measure_kills(database, make, sink, count, times=times, seed=seed)
            sink.close()
        click.echo(json.dumps(figures))


if __name__ == "__main__":
    main()
