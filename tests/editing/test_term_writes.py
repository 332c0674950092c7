import pytest

from newsapi.app import WRITE_HOOKS
from newsapi.content.writes.writer import WriteContext
from newsapi.editing import merges
from newsapi.editing.worker import TermMerger
from tests.support.invariants import dump

pytestmark = pytest.mark.usefixtures("consistent_afterwards")


KINDS = ("brands", "authors", "sections", "tags")
FIELD = {"brands": "brand", "authors": "authors", "sections": "section", "tags": "tags"}


@pytest.fixture
def merge(database, settings, clock):
    """Have the worker do all that is open; answers how many steps it took."""
    desk = WriteContext(database, settings, lambda _: clock(), WRITE_HOOKS)
    listener = TermMerger(desk)

    def merge():
        steps = 0
        while merges.run_slice(desk):
            steps += 1
        assert listener.handle(()) is None
        return steps

    return merge


def bearing(kind, *slugs):
    """What an article says that bears these."""
    return {FIELD[kind]: list(slugs) if kind in {"authors", "tags"} else slugs[0]}


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_one_is_public_at_once(editor, public, kind):
    answer = editor.post(f"/v1/{kind}", {"name": "Prova È"})
    assert (answer.status_code, answer.headers["ETag"]) == (201, '"v1"')
    assert answer.headers["Location"] == f"https://api.example.com/v1/{kind}/prova-e"
    assert public.get(f"/v1/{kind}/prova-e").json["data"] == {
        name: value for name, value in answer.json["data"].items() if name != "email"
    }
    assert editor.post(f"/v1/{kind}", {"name": "Prova E"}).status_code == 409


@pytest.mark.parametrize(
    ("kind", "body", "place"),
    [
        ("brands", {"name": "x", "parent": "nessuno"}, "/parent"),
        ("brands", {"slug": "x"}, "/name"),
        ("tags", {"name": "x", "id": 1}, "/id"),
        ("sections", {"name": "a\nb"}, "/name"),
        ("authors", {"name": "x", "email": "a\r\nBcc: b"}, "/email"),
    ],
)
def test_what_cannot_be_taken_is_named_and_leaves_nothing(editor, database, kind, body, place):
    before = dump(database)
    answer = editor.post(f"/v1/{kind}", body)
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, place)
    assert dump(database) == before


def test_the_address_of_an_author_is_for_the_desk(editor, public):
    made = editor.post("/v1/authors", {"name": "Anna", "email": "anna@example.com"})
    assert made.json["data"]["email"] == "anna@example.com"
    assert editor.get("/v1/authors/anna").json["data"]["email"] == "anna@example.com"
    for path in ("/v1/authors/anna", "/v1/authors", "/v1/authors/anna?include=articles"):
        assert 'example.com"' not in public.get(path).text.replace("https://api.example.com", "")
        assert "anna@" not in public.get(path).text


def test_a_change_wants_the_version_and_is_set_against_it(editor):
    editor.post("/v1/brands", {"name": "Jaguar", "aliases": ["Jag"], "description": "d"})
    assert editor.patch("jaguar", {"name": "x"}, kind="brands").status_code == 428
    after = editor.patch("jaguar", {"description": None}, 1, kind="brands")
    assert (after.json["data"]["description"], after.json["data"]["aliases"]) == (None, ["Jag"])
    assert after.headers["ETag"] == editor.get("/v1/brands/jaguar").headers["ETag"] == '"v2"'
    stale = editor.patch("jaguar", {"name": "x"}, 1, kind="brands")
    assert (stale.status_code, stale.headers["ETag"]) == (412, '"v2"')
    assert editor.patch("jaguar", {"name": None}, 2, kind="brands").status_code == 422
    assert editor.patch("nessuno", {"name": "x"}, 2, kind="brands").status_code == 404


@pytest.mark.parametrize("kind", KINDS)
def test_renamed_it_is_right_on_every_surface_and_found_by_its_former_slug(editor, public, kind):
    editor.post(f"/v1/{kind}", {"name": "Prima"})
    editor.write(slug="velar", status="published", **bearing(kind, "prima"))
    name = kind.removesuffix("s")
    names = f"fields={FIELD[kind]}"
    lists = (f"/v1/articles?{names}", f"/v1/articles?{name}=prima&{names}", f"/v1/{kind}")
    paths = ("/v1/articles/velar", *lists, f"/v1/{kind}/prima")
    for path in paths:
        assert "Prima" in public.get(path).text
    editor.patch("prima", {"slug": "dopo", "name": "Dopo"}, 1, kind=kind)
    for path in (*paths[:-1], f"/v1/{kind}/dopo", f"/v1/articles?{name}=dopo&{names}"):
        text = public.get(path).text
        assert "Dopo" in text, path
        assert "Prima" not in text, path
    led = public.get(f"/v1/{kind}/prima")
    assert (led.status_code, led.headers["Location"]) == (308, f"https://api.example.com/v1/{kind}/dopo")
    back = editor.patch("dopo", {"slug": "prima"}, 2, kind=kind)
    assert back.status_code == 200
    assert (public.get(f"/v1/{kind}/prima").status_code, public.get(f"/v1/{kind}/dopo").status_code) == (200, 308)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_in_use_stays_and_what_is_not_goes(editor, public, database, kind):
    editor.post(f"/v1/{kind}", {"name": "Usato"})
    made = editor.write(**bearing(kind, "usato"))
    before = dump(database)
    answer = editor.delete(f"/v1/{kind}/usato")
    assert (answer.status_code, answer.json["type"].rpartition("/")[2]) == (409, "in-use")
    assert dump(database) == before
    assert public.get(f"/v1/{kind}/usato").status_code == 200
    editor.change(made, **{FIELD[kind]: None})
    assert editor.delete(f"/v1/{kind}/usato").status_code == 204
    assert public.get(f"/v1/{kind}/usato").status_code == 404
    assert public.get(f"/v1/{kind}").json["data"] == []
    assert editor.delete(f"/v1/{kind}/usato").status_code == 404
    assert editor.post(f"/v1/{kind}", {"name": "Usato"}).status_code == 201


def test_a_brand_with_others_below_it_is_in_use_and_cannot_stand_below_itself(editor):
    editor.post("/v1/brands", {"name": "Gruppo"})
    editor.post("/v1/brands", {"name": "Figlia", "parent": "gruppo"})
    assert editor.delete("/v1/brands/gruppo").status_code == 409
    assert editor.patch("gruppo", {"parent": "figlia"}, 1, kind="brands").status_code == 422
    assert editor.patch("gruppo", {"parent": "gruppo"}, 1, kind="brands").status_code == 422


@pytest.mark.parametrize("kind", KINDS)
def test_merged_everything_that_bore_the_one_bears_the_other_some_at_a_time(editor, public, merge, monkeypatch, kind):
    monkeypatch.setattr(merges, "BATCH_SIZE", 2)
    for name in ("Uno", "Due"):
        editor.post(f"/v1/{kind}", {"name": name})
    for _ in range(3):
        editor.write(status="published", **bearing(kind, "uno"))
    editor.write(**bearing(kind, "uno"))
    if kind in {"authors", "tags"}:
        editor.write(status="published", **bearing(kind, "uno", "due"))
    answer = editor.post(f"/v1/{kind}/uno/merge", {"into": "due"})
    job = answer.json["data"]
    assert (answer.status_code, job["state"], job["source"], job["target"]) == (202, "queued", "uno", "due")
    assert editor.post(f"/v1/{kind}/due/merge", {"into": "uno"}).status_code == 409
    assert editor.delete(f"/v1/{kind}/due").status_code == 409
    count = 5 if kind in {"authors", "tags"} else 4
    assert merge() == -(-count // 2) + 1
    job = editor.get(answer.headers["Location"].removeprefix("https://api.example.com")).json["data"]
    assert (job["state"], job["moved"]) == ("done", count)
    assert public.get(f"/v1/{kind}/uno").headers["Location"] == f"https://api.example.com/v1/{kind}/due"
    assert public.get(f"/v1/{kind}/due").json["data"]["article_count"] == count - 1
    name = kind.removesuffix("s")
    listed = [public.get(f"/v1/articles?{name}={slug}").json["data"] for slug in ("uno", "due")]
    assert listed[0] == listed[1]
    assert len(listed[0]) == count - 1


def test_a_merged_brand_takes_mentions_and_the_brands_below_it_along(editor, public, merge):
    for slug in ("vecchio", "nuovo", "altro"):
        editor.post("/v1/brands", {"name": slug})
    editor.post("/v1/brands", {"name": "Figlia", "parent": "vecchio"})
    editor.write(slug="a", status="published", brand="altro", mentions=["vecchio"])
    editor.write(slug="b", status="published", brand="figlia")
    editor.post("/v1/brands/vecchio/merge", {"into": "nuovo"})
    merge()
    assert [item["slug"] for item in public.get("/v1/articles?mentions=nuovo").json["data"]] == ["a"]
    assert [item["slug"] for item in public.get("/v1/articles?group=nuovo").json["data"]] == ["b"]
    assert public.get("/v1/brands/figlia").json["data"]["parent"]["slug"] == "nuovo"


@pytest.mark.parametrize(("body", "status"), [({"into": "uno"}, 422), ({"into": "nessuno"}, 422), ({}, 422)])
def test_a_merge_into_nothing_or_into_itself_is_refused(editor, body, status):
    editor.post("/v1/tags", {"name": "Uno"})
    assert editor.post("/v1/tags/uno/merge", body).status_code == status
    assert editor.post("/v1/tags/nessuno/merge", {"into": "uno"}).status_code == 404
