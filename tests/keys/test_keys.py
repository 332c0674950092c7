from datetime import timedelta

import pytest
from sqlalchemy import select

from newsapi.errors import InvalidParameter, NotFound
from newsapi.keys import commands as key_commands
from newsapi.keys.commands import KeyLimits
from newsapi.keys.tables import ApiKey
from newsapi.webhooks.queries import reassign
from tests.support.client import Editor
from tests.support.invariants import dump


def rows(database):
    with database.read_transaction() as connection:
        return connection.execute(select(ApiKey.__table__)).all()


def test_a_secret_is_kept_nowhere(database, editor):
    (row,) = rows(database)
    assert editor.secret.startswith(f"{row.prefix}_")
    assert len(row.secret_digest) == 32
    everything = repr(dump(database))
    assert editor.secret not in everything
    assert editor.secret.removeprefix(f"{row.prefix}_") not in everything


def test_without_a_key_nobody_writes(public):
    answer = public.post("/v1/articles", {"headline": "x"})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.json["type"].endswith("/problems/key-missing")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("secret", ["x", "key_abcdefghij_" + "a" * 43, "key_abcdefghij", "a b", "\xff", "a" * 5000])
def test_a_key_that_nobody_has_is_refused_for_reads_too(app, secret):
    answer = Editor(app, secret).get("/v1/articles")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.json["type"].endswith("/problems/key-unknown")


def test_the_right_open_part_with_a_wrong_secret_is_told_in_the_same_words(app, editor):
    ending = "A" if editor.secret[-1] != "A" else "B"
    wrong = Editor(app, editor.secret[:-1] + ending).get("/v1/articles")
    unknown = Editor(app, "key_abcdefghij_" + "a" * 43).get("/v1/articles")
    without = [{**answer.json, "request_id": None} for answer in (wrong, unknown)]
    assert without[0] == without[1]


def test_a_missing_scope_is_named(hire):
    answer = hire("drafts:read").post("/v1/articles", {"headline": "x"})
    assert (answer.status_code, answer.json["scope"]) == (403, "content:write")
    assert 'scope="content:write"' in answer.headers["WWW-Authenticate"]


def test_admin_holds_every_scope(hire):
    hire("admin").write(status="published")


def test_a_revoked_key_is_worth_nothing_at_once_on_every_node(database, editor, settings, build, clock):
    elsewhere = Editor(build(settings), editor.secret)
    assert elsewhere.get("/v1/me").status_code == 200
    key_commands.revoke(database, editor.prefix, now=clock())
    assert elsewhere.get("/v1/me").status_code == 401
    assert editor.get("/v1/articles").status_code == 401
    with pytest.raises(NotFound):
        key_commands.revoke(database, editor.prefix, now=clock())


def test_a_key_ends_when_it_is_said_to(hire, clock):
    short = hire("drafts:read", limits=KeyLimits(expires_at=clock() + timedelta(hours=1)))
    assert short.get("/v1/me").status_code == 200
    clock.forward(hours=1)
    assert short.get("/v1/me").status_code == 401


def test_a_rotated_key_goes_on_for_a_while_beside_the_new_one(app, database, editor, clock):
    new = Editor(
        app, key_commands.rotate(database, editor.prefix, now=clock(), overlap=timedelta(hours=2), on_rotated=reassign)
    )
    assert new.get("/v1/me").json["data"]["scopes"] == editor.get("/v1/me").json["data"]["scopes"]
    clock.forward(hours=2)
    assert (editor.get("/v1/me").status_code, new.get("/v1/me").status_code) == (401, 200)
    with pytest.raises(NotFound):
        key_commands.rotate(database, "key_nobody", now=clock(), overlap=timedelta(), on_rotated=reassign)


def test_a_rotation_does_not_prolong_a_key(app, database, clock):
    limits = KeyLimits(expires_at=clock() + timedelta(hours=1))
    old = Editor(app, key_commands.create(database, "short", ["content:write"], now=clock(), limits=limits))
    key_commands.rotate(database, old.prefix, now=clock(), overlap=timedelta(hours=2), on_rotated=reassign)
    assert old.get("/v1/me").status_code == 200
    clock.forward(hours=1)
    assert old.get("/v1/me").status_code == 401


@pytest.mark.parametrize("scopes", [[], ["content:read"], ["content:write", ""]])
def test_a_scope_that_there_is_not_is_refused(database, clock, scopes):
    with pytest.raises(InvalidParameter):
        key_commands.create(database, "x", scopes, now=clock())
    assert rows(database) == []


def test_a_read_with_a_key_is_for_its_bearer_alone(make, editor, public):
    make.article("velar")
    for path in ("/v1/articles", "/v1/articles/velar", "/v1/brands", "/v1/articles/none", "/v1/articles?x=1"):
        answer = editor.get(path)
        assert answer.headers["Cache-Control"] == "private, no-store", path
        assert "Surrogate-Key" not in answer.headers
        assert "Cache-Status" not in answer.headers
    assert editor.get("/v1/articles/velar").headers["ETag"] == '"v1"'
    assert public.get("/v1/articles/velar").headers["Cache-Status"] == "newsapi; fwd=miss"
    assert public.get("/v1/articles/velar").headers["Cache-Status"] == "newsapi; hit"


def test_what_a_key_reads_and_what_all_read_is_the_same_where_nothing_is_hidden(make, editor, public):
    make.article("velar", brand="land-rover", tags=["suv"])
    paths = ["/v1/articles", "/v1/articles/velar?include=related", "/v1/articles/velar/related", "/v1/tags/suv"]
    for path in paths:
        assert editor.get(path).data == public.get(path).data


def test_reads_can_be_kept_for_those_with_a_key(settings, build, editor, make):
    from dataclasses import replace  # noqa: PLC0415 (one test's need)

    make.article("velar")
    app = build(replace(settings, read_access="key"))
    anybody, reader = Editor(app, None), Editor(app, editor.secret)
    assert reader.get("/v1/articles/velar").status_code == 200
    assert [anybody.get(path).status_code for path in ("/v1/articles/velar", "/v1/brands")] == [401, 401]
    assert [anybody.get(path).status_code for path in ("/healthz", "/docs", "/problems/gone")] == [200, 200, 200]


def test_the_audit_tells_of_keys_too(hire, database, clock):
    admin, other = hire("admin"), hire("drafts:read")
    key_commands.revoke(database, other.prefix, now=clock())
    deeds = admin.get("/v1/audit?by=command").json["data"]
    assert [(one["action"], one["kind"], one["slug"]) for one in deeds] == [
        ("revoke", "key", other.prefix),
        ("create", "key", other.prefix),
        ("create", "key", admin.prefix),
    ]
