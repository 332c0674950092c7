"""The line with which `newsapi serve` says where it listens has no credentials."""

import pytest
from sqlalchemy import make_url

from newsapi.cli.startup import describe_service
from newsapi.settings import Settings


@pytest.mark.parametrize(
    ("database", "shown"),
    [
        ("postgresql+psycopg://ann:s3cret@db.example:5433/news?sslmode=require", "db.example:5433/news "),
        ("postgresql+psycopg://db.example/news?user=ann&password=s3cret", "//db.example/news "),
        ("postgresql+psycopg://ann:s3cret@/news?host=/run/postgresql", "///news?host=%2Frun%2Fpostgresql "),
        ("sqlite:////var/lib/news/news.sqlite3", "sqlite:////var/lib/news/news.sqlite3 "),
    ],
)
def test_the_database_is_named_without_user_and_password(database, shown):
    line = describe_service(Settings(), "::1", make_url(database))
    assert line.startswith("Serving http://[::1]:8000 from ")
    assert shown in line
    assert "s3cret" not in line
    assert "ann" not in line


@pytest.mark.parametrize(
    ("redis", "shown"),
    [
        ("redis://:s3cret@cache.example:6379/0", "redis://cache.example:6379/0."),
        ("redis://:s3/cr@et@cache.example/0", "redis://cache.example/0."),
        ("unix:///run/redis.sock?db=1&password=s3cret", "unix:///run/redis.sock."),
    ],
)
def test_the_cache_is_named_without_password(redis, shown):
    line = describe_service(Settings(redis_url=redis, processes=1), "127.0.0.1", make_url("sqlite:///news.sqlite3"))
    assert line.endswith(
        f" in 1 process, with a worker and a search indexer; responses are cached in memory and {shown}"
    )
    assert "s3" not in line
