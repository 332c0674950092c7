"""Many at once: no update is lost, no slug is given twice, a repeat has one effect, and nobody meets a lock."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from newsapi.changelog.tables import ChangelogHead

pytestmark = pytest.mark.usefixtures("consistent_afterwards")

EDITORS = 50


@pytest.fixture
def at_once():
    """Do something in as many threads as there are things, all let go together."""

    def at_once(act, things):
        things = list(things)
        barrier = threading.Barrier(min(len(things), 8))

        def one(number, thing):
            if number < barrier.parties:
                barrier.wait()
            return act(thing)

        with ThreadPoolExecutor(8) as threads:
            return list(threads.map(one, range(len(things)), things))

    return at_once


def test_of_fifty_editors_with_one_version_one_wins_and_nothing_is_lost(editor, at_once):
    made = editor.write(status="published")
    answers = at_once(lambda n: editor.patch(made["id"], {"headline": f"n. {n}"}, 1), range(EDITORS))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 412: EDITORS - 1}
    (won,) = (answer.json["data"] for answer in answers if answer.status_code == 200)
    assert editor.get(f"/v1/articles/{made['id']}").json["data"] == won


def test_of_fifty_editors_who_read_again_every_word_is_kept(editor, at_once):
    made = editor.write(status="published", tags=[])

    def add(number):
        while True:
            now = editor.get(f"/v1/articles/{made['id']}").json["data"]
            tags = [tag["slug"] for tag in now["tags"]]
            answer = editor.patch(made["id"], {"tags": [*tags, f"t-{number}"]}, now["version"])
            assert answer.status_code in {200, 412}, answer.text
            if answer.status_code == 200:
                return answer.json["data"]["version"]

    versions = at_once(add, range(EDITORS))
    assert sorted(versions) == list(range(2, EDITORS + 2))
    now = editor.get(f"/v1/articles/{made['id']}").json["data"]
    assert {tag["slug"] for tag in now["tags"]} == {f"t-{number}" for number in range(EDITORS)}
    listed = editor.get(f"/v1/articles/{made['id']}/revisions?limit=100").json["data"]
    assert [one["number"] for one in listed] == list(range(EDITORS + 1, 0, -1))


def test_without_a_version_nobody_of_fifty_writes(editor, at_once):
    made = editor.write()
    answers = at_once(lambda n: editor.patch(made["id"], {"headline": f"n. {n}"}), range(EDITORS))
    assert {answer.status_code for answer in answers} == {428}


def test_a_hundred_new_articles_with_one_headline_have_a_hundred_slugs(editor, at_once):
    headlines = ["Una volta", "UNA VOLTA", "una  vòlta", "Una volta."]
    answers = at_once(lambda n: editor.post("/v1/articles", {"headline": headlines[n % 4]}), range(100))
    assert {answer.status_code for answer in answers} == {201}
    slugs = {answer.json["data"]["slug"] for answer in answers}
    assert slugs == {"una-volta", *(f"una-volta-{number}" for number in range(2, 101))}


def test_of_a_hundred_with_one_slug_one_has_it(editor, at_once):
    answers = at_once(lambda n: editor.post("/v1/articles", {"headline": f"{n}", "slug": "uno"}), range(100))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 99}


def test_fifty_repeats_at_once_have_one_effect(editor, at_once):
    body = {"headline": "Una volta", "status": "published"}
    answers = at_once(lambda _: editor.post("/v1/articles", body, Idempotency_Key="w"), range(EDITORS))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.data for answer in answers if answer.status_code == 201}) == 1
    assert {answer.json["type"].rpartition("/")[2] for answer in answers if answer.status_code == 409} <= {
        "idempotency-conflict"
    }
    assert len(editor.get("/v1/articles").json["data"]) == 1


def test_a_repeat_while_the_first_is_worked_on_is_told_so(editor, monkeypatch):
    from newsapi.editing import commands as article_commands  # noqa: PLC0415 (one test's need)

    real, seen = article_commands.create, []

    def slowly(*args, **kwargs):
        seen.append(editor.post("/v1/articles", {"headline": "x"}, Idempotency_Key="w"))
        return real(*args, **kwargs)

    monkeypatch.setattr(article_commands, "create", slowly)
    first = editor.post("/v1/articles", {"headline": "x"}, Idempotency_Key="w")
    (second,) = seen
    assert (first.status_code, second.status_code, second.headers["Retry-After"]) == (201, 409, "1")


def test_a_request_that_was_killed_before_its_effect_can_be_sent_again_after_a_while(editor, monkeypatch, clock):
    from newsapi.web import idempotency  # noqa: PLC0415 (one test's need)

    class Killed(BaseException):
        """What no code of ours sees: the process is gone."""

    def dies(*_args, **_kwargs):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("newsapi.changelog.writer.acquire_write_lock", dies)
        patched.setattr(idempotency.idempotency_rows, "release_key", lambda *_args, **_kwargs: None)
        with pytest.raises(Killed):
            editor.post("/v1/articles", {"headline": "x"}, Idempotency_Key="w")
    assert editor.post("/v1/articles", {"headline": "x"}, Idempotency_Key="w").status_code == 409
    clock.forward(seconds=31)
    assert editor.post("/v1/articles", {"headline": "x"}, Idempotency_Key="w").status_code == 201
    assert len(editor.get("/v1/articles?status=draft").json["data"]) == 1


def test_who_took_so_long_that_another_began_has_no_effect(editor, monkeypatch, clock):
    from newsapi.editing import commands as article_commands  # noqa: PLC0415 (one test's need)

    real, seen = article_commands.create, []

    def slowly(*args, **kwargs):
        if not seen:
            seen.append(None)
            clock.forward(seconds=31)
            seen.append(editor.post("/v1/articles", {"headline": "x"}, Idempotency_Key="w"))
        return real(*args, **kwargs)

    monkeypatch.setattr(article_commands, "create", slowly)
    late = editor.post("/v1/articles", {"headline": "x"}, Idempotency_Key="w")
    assert (seen[1].status_code, late.status_code) == (201, 409)
    assert len(editor.get("/v1/articles?status=draft").json["data"]) == 1


def test_two_who_link_to_each_other_and_tag_in_opposite_order_never_wait_for_ever(editor, at_once, database):
    for slug in ("uno", "due"):
        editor.write(slug=slug, status="published")
    tags = [f"t-{n}" for n in range(5)]

    def link(number):
        one, two = ("uno", "due") if number % 2 else ("due", "uno")
        picked = editor.put(f"/v1/articles/{one}/picks", {"slugs": [two] if number % 3 else []})
        order = tags if number % 2 else tags[::-1]
        changed = editor.send("PATCH", f"/v1/articles/{one}", {"tags": order[: number % 5]}, If_Match="*")
        return picked.status_code, changed.status_code

    assert set(at_once(link, range(100))) == {(200, 200)}
    with database.read_transaction() as connection:
        assert connection.execute(select(ChangelogHead.seq)).scalar_one() > 50


def test_what_was_rolled_back_was_never_told(editor, public, database, monkeypatch):
    made = editor.write(slug="uno", status="published")
    with database.read_transaction() as connection:
        before = connection.execute(select(ChangelogHead.seq, ChangelogHead.nonce)).one()

    def fails(*_args, **_kwargs):
        raise RuntimeError

    with monkeypatch.context() as patched:
        patched.setattr("newsapi.keys.audit.insert_entry", fails)
        assert editor.patch("uno", {"headline": "x"}, 1).status_code == 500
    with database.read_transaction() as connection:
        assert connection.execute(select(ChangelogHead.seq, ChangelogHead.nonce)).one() == before
    assert public.get("/v1/articles/uno").json["data"]["headline"] == made["headline"]
