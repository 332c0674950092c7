"""What happened since: complete, each article once, whatever it went through between two looks."""

import random
import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update

from newsapi.app import WRITE_HOOKS
from newsapi.changelog.tables import Change, ChangelogHead
from newsapi.content.writes.writer import WriteContext
from newsapi.editing import merges
from tests.support.invariants import consistent

CHANGES = "/v1/changes"


def last(mirror):
    return mirror.events[-1]


def test_a_first_sync_is_the_published_set(make, mirror, truth):
    make.articles(8, brand="fiat")
    make.article(status="draft", brand="fiat")
    assert mirror().follow().versions == truth()
    assert len(mirror().follow().events) == 8


def test_an_event_says_what_the_contract_says(editor, mirror, clock):
    made = editor.write(slug="velar", status="published")
    follower = mirror().follow()
    event = last(follower)
    assert {**event, "article": None} == {
        "seq": made["seq"],
        "type": "article",
        "action": "upsert",
        "reason": "published",
        "id": made["id"],
        "slug": "velar",
        "previous_slug": None,
        "version": 1,
        "changed_at": event["changed_at"],
        "article": None,
        "gone": None,
        "name": None,
    }
    assert event["article"] == editor.get("/v1/articles/velar").json["data"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"headline": "Nuovo"}, "updated"),
        ({"update_type": "correction", "correction": "Era un errore.", "headline": "Giusto"}, "corrected"),
        ({"status": "draft"}, "unpublished"),
    ],
)
def test_the_reason_is_that_of_the_change(editor, mirror, changes, reason):
    made = editor.write(status="published")
    follower = mirror().follow()
    editor.change(made, **changes)
    event = last(follower.follow())
    assert event["reason"] == reason
    assert (event["gone"] or {}).get("action") == (reason if reason == "unpublished" else None)


def test_a_withdrawal_says_why(editor, mirror, truth):
    made = editor.write(status="published")
    follower = mirror().follow()
    editor.delete(f"/v1/articles/{made['id']}?reason=legal&note=Tribunale")
    event = last(follower.follow())
    assert (event["action"], event["reason"], event["article"]) == ("delete", "withdrawn", None)
    assert (event["gone"]["reason"], event["gone"]["note"]) == ("legal", "Tribunale")
    assert follower.versions == truth() == {}


def test_who_moves_on_leaves_every_mirror_he_was_in(editor, mirror, make):
    for name in "abc":
        make.brand(name)
    made = editor.write(status="published", brand="a")
    followers = {name: mirror(f"brand={name}").follow() for name in "abc"}
    behind = {name: mirror(f"brand={name}").follow() for name in "abc"}
    for name in "bc":
        made = editor.change(made, brand=name)
        for follower in followers.values():
            follower.follow()
    for group in (followers, behind):
        found = {name: len(follower.follow().articles) for name, follower in group.items()}
        assert found == {"a": 0, "b": 0, "c": 1}
    assert last(behind["a"])["reason"] == "out_of_scope"
    assert last(behind["a"])["gone"] is None
    assert [event["action"] for event in behind["b"].events] == ["delete"]  # it came and went between two looks


def test_who_comes_back_is_there_again(editor, mirror, make):
    make.brand("a")
    make.brand("b")
    made = editor.write(status="published", brand="a")
    follower = mirror("brand=a").follow()
    made = editor.change(made, brand="b")
    assert follower.follow().articles == {}
    editor.change(made, brand="a")
    assert list(follower.follow().articles) == [made["id"]]


def test_a_recall_reaches_whoever_had_it_once(editor, mirror, make):
    make.brand("a")
    make.brand("b")
    made = editor.write(status="published", brand="a")
    follower = mirror("brand=a").follow()
    editor.change(made, brand="b")
    assert last(follower.follow())["reason"] == "out_of_scope"
    editor.delete(f"/v1/articles/{made['id']}?reason=legal")
    event = last(follower.follow())
    assert (event["reason"], event["gone"]["reason"]) == ("withdrawn", "legal")


def test_drafts_are_nobody_s_business(editor, mirror):
    follower = mirror().follow()
    made = editor.write()
    editor.change(made, headline="Altro")
    editor.delete(f"/v1/articles/{made['id']}")
    assert follower.follow().events == []


def test_names_follow_by_their_types_and_a_rename_tells_no_article_again(editor, mirror, make):
    make.brand("land-rover", name="Land Rover")
    make.article(brand="land-rover", authors=["anna"], tags=["suv"])
    follower = mirror("types=article,brand,author,tag,section").follow()
    assert {(kind, name["slug"]) for (kind, _), name in follower.names.items()} == {
        ("brand", "land-rover"),
        ("author", "anna"),
        ("tag", "suv"),
    }
    seen = len(follower.events)
    version = editor.get("/v1/brands/land-rover").json["data"]
    answer = editor.send("PATCH", "/v1/brands/land-rover", {"name": "LR", "slug": "lr"}, If_Match="*")
    assert answer.status_code == 200, (answer.text, version)
    [event] = follower.follow().events[seen:]
    assert (event["type"], event["slug"], event["previous_slug"]) == ("brand", "lr", "land-rover")
    assert event["name"] == {"slug": "lr", "name": "LR"}
    editor.delete("/v1/tags/suv", If_Match="*")


def test_names_are_told_once_and_their_end(editor, mirror, make):
    make.brand("a")
    for name in ("Uno", "Due"):
        editor.send("PATCH", "/v1/brands/a", {"name": name}, If_Match="*")
    follower = mirror("types=brand").follow()
    assert [event["name"]["name"] for event in follower.events] == ["Due"]
    assert editor.delete("/v1/brands/a", If_Match="*").status_code == 204
    assert last(follower.follow())["action"] == "delete"
    assert follower.names == {}


def test_fields_narrow_the_article(make, mirror, public):
    make.article("velar", brand="fiat")
    [event] = public.get(f"{CHANGES}?fields=headline,brand.slug").json["data"]
    assert set(event["article"]) == {"id", "headline", "brand"}


def test_a_slug_that_comes_to_be_is_followed_from_its_beginning(make, mirror, truth):
    make.articles(3, brand="a")
    follower = mirror("brand=nuovo").follow()
    assert follower.articles == {}
    make.articles(3, brand="nuovo")
    assert follower.follow().versions == truth("brand=nuovo")
    assert follower.starts == 0


def test_a_merged_brand_brings_what_its_new_one_holds(editor, mirror, truth, make, database, settings, clock):
    make.articles(3, brand="old")
    make.articles(4, brand="new")
    follower = mirror("brand=old").follow()
    assert editor.post("/v1/brands/old/merge", {"into": "new"}).status_code == 202
    desk = WriteContext(database, settings, lambda _: clock(), WRITE_HOOKS)
    while merges.run_slice(desk):
        pass
    assert follower.follow().versions == truth("brand=old") == truth("brand=new")
    assert len(follower.articles) == 7
    assert follower.starts == 0


def test_a_slug_that_stands_for_something_else_now_is_a_new_start(editor, mirror, truth, make):
    make.articles(3, brand="a")
    follower = mirror("brand=a").follow()
    editor.send("PATCH", "/v1/brands/a", {"slug": "b"}, If_Match="*")
    assert follower.follow().versions == truth("brand=b")
    assert editor.post("/v1/brands", {"slug": "a", "name": "Altra"}).status_code == 201
    make.articles(2, brand="a")
    assert follower.follow().versions == truth("brand=a")
    assert len(follower.articles) == 2
    assert follower.starts == 1


def test_since_a_number(make, public):
    make.articles(3)
    seqs = [event["seq"] for event in public.get(CHANGES).json["data"]]
    found = public.get(f"{CHANGES}?since={seqs[0]}").json["data"]
    assert [event["seq"] for event in found] == seqs[1:]


def test_nothing_new_is_an_empty_page_with_the_same_cursor(make, public):
    make.articles(2, brand="a")
    page = public.get(f"{CHANGES}?brand=a").json
    make.articles(2, brand="b")
    again = public.get(f"{CHANGES}?cursor={page['cursor']}").json
    assert again == {"data": [], "cursor": page["cursor"], "has_more": False}


# --- cursors that lead nowhere ----------------------------------------------------------------------------------------


def refusal(answer):
    return answer.status_code, answer.json["type"].rpartition("/")[2]


def test_an_altered_bit_is_seen(make, public):
    make.article()
    cursor = public.get(CHANGES).json["cursor"]
    rng = random.Random(5)
    for _ in range(200):
        place = rng.randrange(len(cursor))
        other = cursor[:place] + rng.choice("ABab01-_".replace(cursor[place], "")) + cursor[place + 1 :]
        assert refusal(public.get(f"{CHANGES}?cursor={other}")) == (400, "cursor-invalid")


def test_a_cursor_of_another_list_is_refused(make, public):
    make.articles(2)
    other = public.get("/v1/articles?limit=1").json["page"]["next"]
    assert refusal(public.get(f"{CHANGES}?cursor={other}")) == (400, "cursor-invalid")
    cursor = public.get(CHANGES).json["cursor"]
    assert refusal(public.get(f"/v1/articles?cursor={cursor}")) == (400, "cursor-invalid")


@pytest.mark.parametrize("beside", ["brand=a", "since=1", "types=tag"])
def test_a_cursor_stands_alone(make, public, beside):
    cursor = public.get(CHANGES).json["cursor"]
    answer = public.get(f"{CHANGES}?cursor={cursor}&{beside}")
    assert refusal(answer) == (400, "bad-parameter")


def test_a_cursor_lives_four_hundred_days_and_not_for_ever(make, public, clock):
    make.article()
    cursor = public.get(CHANGES).json["cursor"]
    clock.time += timedelta(days=400)
    assert public.get(f"{CHANGES}?cursor={cursor}").status_code == 200
    clock.time += timedelta(days=60)
    assert refusal(public.get(f"{CHANGES}?cursor={cursor}")) == (410, "cursor-expired")


def test_after_a_restore_a_cursor_is_expired(make, public, database):
    make.articles(3)
    cursor = public.get(CHANGES).json["cursor"]
    with database.transaction() as session:  # set back by one, and another way from there
        session.execute(delete(Change).where(Change.seq == session.execute(select(ChangelogHead.seq)).scalar_one()))
        session.execute(update(ChangelogHead).values(seq=ChangelogHead.seq - 1))
    assert refusal(public.get(f"{CHANGES}?cursor={cursor}")) == (410, "cursor-expired")
    make.articles(2)
    assert refusal(public.get(f"{CHANGES}?cursor={cursor}")) == (410, "cursor-expired")
    assert refusal(public.get(f"{CHANGES}?since=99")) == (410, "cursor-expired")


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "wait=31", "wait=-1", "types=song", "since=x", "sort=id"])
def test_what_is_not_allowed_is_said(public, query):
    assert refusal(public.get(f"{CHANGES}?{query}")) == (400, "bad-parameter")


# --- at random --------------------------------------------------------------------------------------------------------

QUERIES = [
    "",
    "brand=b0",
    "brand=b0,b1",
    "section=s1",
    "brand=b1,b2&section=s0",
    "tag=t0",
    "tag=t0,t1&brand=b0,b2",
    "author=f1&format=video",
    "language=en",
]


def done(rng, editor, articles, some):
    """Do something to some article; answer it."""
    act = rng.random()
    if act < 0.25 or not articles:
        return editor.write(status=rng.choice(["published", "draft"]), **some())
    made = rng.choice(list(articles.values()))
    if act < 0.75:
        changes = rng.choice([some(), {"headline": str(rng.random())}, {"brand": rng.choice(["b0", "b1"])}])
        return editor.change(made, **changes)
    moves = {"published": ["draft", "withdrawn"], "draft": ["published"], "withdrawn": ["published"]}
    return editor.change(made, status=rng.choice(moves[made["status"]]))


@pytest.mark.parametrize("seed", range(2))
def test_whoever_follows_at_random_ends_up_with_the_truth(seed, editor, mirror, truth, make, database, clock):
    rng = random.Random(seed)
    for kind in "brand", "section", "tag", "author":
        for number in range(3):
            getattr(make, kind)(f"{'f' if kind == 'author' else kind[0]}{number}")
    followers = {query: mirror(query, limit=rng.choice([1, 2, 5])) for query in QUERIES}

    def some():
        return {
            "brand": rng.choice(["b0", "b1", "b2", None]),
            "section": rng.choice(["s0", "s1", None]),
            "tags": rng.sample(["t0", "t1", "t2"], rng.randrange(3)),
            "authors": rng.sample(["f0", "f1"], rng.randrange(2)),
            "format": rng.choice(["article", "video"]),
            "language": rng.choice(["it", "en"]),
        }

    articles = {}
    for _ in range(120):
        clock.forward(seconds=1)
        made = done(rng, editor, articles, some)
        articles[made["id"]] = made
        for query in rng.sample(QUERIES, 2):
            follower = followers[query]
            rng.choice([follower.page, follower.page, follower.follow, dict])()
    for query, follower in followers.items():
        assert follower.follow().versions == truth(query), query
        assert mirror(query, limit=1000).follow().versions == truth(query), query
    consistent(database)


# --- waiting, under any WSGI server -----------------------------------------------------------------------------------


def test_who_waits_in_a_thread_hears_of_what_happens(app, make):
    make.articles(2)
    cursor = app.test_client().get(CHANGES).json["cursor"]
    told = []

    def wait():
        told.append(app.test_client().get(f"{CHANGES}?cursor={cursor}&wait=20"))

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.5)
    assert not told
    id_ = make.article()
    thread.join(15)
    assert [event["id"] for event in told[0].json["data"]] == [str(id_)]
    assert "no-store" in told[0].headers["Cache-Control"]


def test_too_many_who_wait_in_threads_are_told_to_come_again(app, make):
    make.article()
    cursor = app.test_client().get(CHANGES).json["cursor"]
    held = app.extensions["newsapi"].long_poll_slots
    while held.acquire(blocking=False):
        pass
    answer = app.test_client().get(f"{CHANGES}?cursor={cursor}&wait=20")
    assert answer.json["data"] == []
    assert answer.headers["Retry-After"] == "5"


def test_what_is_there_is_told_without_waiting(app, make):
    make.article()
    assert len(app.test_client().get(f"{CHANGES}?wait=30").json["data"]) == 1


# --- kept, as any answer is -------------------------------------------------------------------------------------------


def test_who_asks_the_same_gets_the_same_until_it_is_true_no_more(public, make, editor):
    make.brand("a")
    make.brand("b")
    made = editor.write(status="published", brand="a")
    cursor = public.get(f"{CHANGES}?brand=a").json["cursor"]
    path = f"{CHANGES}?cursor={cursor}"
    public.get(path)
    assert public.get(path).headers["Cache-Status"] == "newsapi; hit"
    make.article(brand="b")
    assert public.get(path).headers["Cache-Status"] == "newsapi; hit"
    made = editor.change(made, brand="b")
    assert public.get(path).json["data"][0]["reason"] == "out_of_scope"
    assert public.get(path).headers["Cache-Status"] == "newsapi; hit"
    editor.delete(f"/v1/articles/{made['id']}?reason=legal")  # no list of brand a has to do with it any more
    assert public.get(path).json["data"][0]["reason"] == "withdrawn"


def test_what_is_read_once_takes_nobody_s_place_in_memory(public, make):
    make.articles(5)
    for _ in range(2):
        answer = public.get(f"{CHANGES}?limit=2")
        assert answer.headers["Cache-Status"] == "newsapi; fwd=miss"
