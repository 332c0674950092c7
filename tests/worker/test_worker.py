"""What a worker is made of, and how long its parts may take."""

import threading
import time

import pytest
from sqlalchemy import func, select

from newsapi.app import create_worker
from newsapi.related.tables import RelatedProfile


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
