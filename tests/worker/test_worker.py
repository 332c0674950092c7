"""What a worker is made of, and how long its parts may take."""

import threading
import time
from dataclasses import replace

import pytest
from sqlalchemy import Engine, event, func, select

from newsapi.app import create_worker
from newsapi.cdn import CdnPurgeConsumer
from newsapi.feeds.websub import WebSubConsumer
from newsapi.related.tables import RelatedProfile
from newsapi.related.worker import RelatedIndexConsumer
from newsapi.worker.consumer import IDLE_INTERVAL_SECONDS, QUIET_INTERVAL_SECONDS
from newsapi.worker.consumers import ConsumerRunner
from newsapi.worker.periodic import IDLE_POLLS
from newsapi.worker.ticks import seconds_until_tick

pytestmark = pytest.mark.real_time

PATIENCE_SECONDS = 60


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_an_index_is_made_anew_however_long_its_reads_take(database, settings, make):
    """A read of a million articles outlasts what a reader is given; here it waits for a lock as long."""
    make.articles(3)
    [listener] = [follow.consumer for follow in create_worker(settings).runners if follow.consumer.name == "related"]
    with database.connection() as holder:
        holder.exec_driver_sql("LOCK TABLE listing_entry IN ACCESS EXCLUSIVE MODE")
        rebuilding = threading.Thread(target=listener.on_log_restored)
        rebuilding.start()
        time.sleep(1.5)
        holder.rollback()
        rebuilding.join()
    listener._database.dispose()
    with database.read_transaction() as connection:
        assert connection.execute(select(func.count()).select_from(RelatedProfile)).scalar() == 3


@pytest.fixture
def _disposed_engines():
    """Close the connections that the parts of a worker opened."""
    engines = set()

    def record(connection):
        engines.add(connection.engine)

    event.listen(Engine, "engine_connect", record)
    yield
    event.remove(Engine, "engine_connect", record)
    for engine in engines:
        engine.dispose()


@pytest.fixture
def sqlalchemy_executions():
    """The statements that SQLAlchemy's execution layer ran, which costs several times as much as the statement."""
    executed = []

    def record(_connection, statement, *_rest):
        executed.append(str(statement))

    event.listen(Engine, "before_execute", record)
    yield executed
    event.remove(Engine, "before_execute", record)


@pytest.mark.usefixtures("_disposed_engines")
def test_an_idle_worker_runs_few_statements_and_writes_nothing(
    settings, database, make, clock, statements, sqlalchemy_executions, tmp_path
):
    """Each of these steps is repeated about once a second as long as the service runs."""
    make.articles(3)
    everything = replace(
        settings,
        smtp_url=tmp_path.as_uri(),
        secret_key="k" * 32,
        purge_url="varnish+http://127.0.0.1:9",
        websub_hub="http://127.0.0.1:9/",
        measure_images="any",
    )
    follows = {
        follow.consumer.name: ConsumerRunner(database, follow.consumer, now=clock)
        for follow in create_worker(everything).runners
        if follow.consumer.name not in {"purge", "websub"}  # they call the servers that the settings name
    }
    for follow in follows.values():
        until = time.monotonic() + PATIENCE_SECONDS
        while follow.step() < IDLE_INTERVAL_SECONDS or follow.consumer.is_busy:
            assert time.monotonic() < until
        for _ in range(IDLE_POLLS):
            follow.step()
    counts = {}
    sqlalchemy_executions.clear()
    for name, follow in follows.items():
        statements.clear()
        seconds = follow.step()
        counts[name] = (seconds, len(statements))
        assert {text.split()[0] for text in statements} == {"SELECT"}
    assert counts == {
        "embargo": (IDLE_INTERVAL_SECONDS, 2 if database.is_sqlite else 3),  # PostgreSQL is asked for the time
        "merging": (IDLE_INTERVAL_SECONDS, 2),
        "importing": (IDLE_INTERVAL_SECONDS, 3),
        "alerts": (IDLE_INTERVAL_SECONDS, 4),
        "webhooks": (IDLE_INTERVAL_SECONDS, 2),
        "related": (QUIET_INTERVAL_SECONDS, 1),
        "images": (QUIET_INTERVAL_SECONDS, 2),
    }
    assert len(sqlalchemy_executions) == (0 if database.is_sqlite else 1)


def test_consumers_to_which_changes_bring_all_work_step_rarely():
    for consumer in (RelatedIndexConsumer, CdnPurgeConsumer, WebSubConsumer):
        assert consumer.idle_interval_seconds == QUIET_INTERVAL_SECONDS


@pytest.mark.parametrize("interval", [0.2, 1.0, 5.0])
def test_all_threads_wait_for_the_same_moments(interval):
    ticks = [(time.monotonic() + seconds_until_tick(interval)) / interval for _ in range(20)]
    assert all(abs(tick - round(tick)) < 0.01 for tick in ticks)
    assert seconds_until_tick(0) == 0
