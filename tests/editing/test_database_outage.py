"""While the database is away a write is refused at once, in words, and nothing of it is there afterwards."""

import sqlite3
import time

import pytest

from newsapi.errors import Unavailable
from tests.support.invariants import dump

pytestmark = pytest.mark.real_time

NO_WAIT = 1.5


@pytest.fixture
def away(app, monkeypatch):
    """No connection can be had any more; `log` is whether that is known already."""

    def away(*, known):
        parts = app.extensions["newsapi"]

        def refuse(*_args, **_kwargs):
            raise sqlite3.OperationalError("unable to open database file")

        for engine in (parts.database._reader, parts.database._writer):
            engine.dispose()
            monkeypatch.setattr(engine.pool, "_creator", refuse)
            monkeypatch.setattr(engine.dialect, "connect", refuse)
        if known:
            monkeypatch.setattr(type(parts.response_cache.follower), "is_unavailable", property(lambda _: True))

    return away


@pytest.mark.parametrize("known", [True, False])
def test_every_write_is_refused_at_once(editor, away, database, known):
    made = editor.write(slug="uno", status="published")
    before = dump(database)
    away(known=known)
    for method, path, body in (
        ("POST", "/v1/articles", {"headline": "x"}),
        ("PATCH", "/v1/articles/uno", {"headline": "x"}),
        ("DELETE", "/v1/articles/uno", None),
        ("PUT", "/v1/articles/uno/picks", {}),
        ("POST", "/v1/brands", {"name": "x"}),
        ("POST", f"/v1/articles/{made['id']}/preview-links", {}),
    ):
        began = time.monotonic()
        answer = editor.send(method, path, body, If_Match="*", Idempotency_Key="w")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1"), (method, path)
        assert answer.json["type"].endswith("/problems/unavailable")
        assert time.monotonic() - began < NO_WAIT
    assert dump(database) == before


def test_what_is_known_to_be_away_is_not_asked_for_a_key(editor, away, app, statements):
    away(known=True)
    statements.clear()
    assert editor.get("/v1/me").status_code == 503
    assert statements == []
    with pytest.raises(Unavailable), app.app_context():
        _ = app.extensions["newsapi"].write_context


@pytest.fixture
def full_disk(app):
    """SQLite may not grow any more; called, it may again."""

    def pages(most):
        with app.extensions["newsapi"].database.connection() as connection:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {most}")

    pages(1)  # it takes no fewer than there are
    return lambda: pages(2**31)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_full_disk_is_named_and_loses_nothing(editor, full_disk, database):
    before, body = dump(database), {"headline": "x", "body_html": f"<p>{'parola ' * 20_000}</p>"}
    answer = editor.post("/v1/articles", body, Idempotency_Key="w")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json["detail"] == "The disk of the database is full; reads are still possible."
    assert editor.get("/v1/articles").status_code == 200
    assert dump(database) == before
    full_disk()
    assert editor.post("/v1/articles", body, Idempotency_Key="w").status_code == 201
