import pytest
from sqlalchemy import select

from newsapi.changelog.tables import Change
from newsapi.editing.transitions import TRANSITIONS
from tests.support.events import changelog_seq
from tests.support.invariants import dump

pytestmark = pytest.mark.usefixtures("consistent_afterwards")


def last(database):
    with database.read_transaction() as connection:
        return connection.execute(select(Change.__table__).order_by(Change.seq.desc()).limit(1)).one()


def pointers(answer):
    assert answer.status_code == 422, answer.text
    return {error["pointer"] for error in answer.json["errors"]}


# --- making -----------------------------------------------------------------------------------------------------------


def test_a_new_article_is_a_draft_that_the_public_cannot_tell_from_none(editor, public, database):
    before = changelog_seq(database)
    answer = editor.post("/v1/articles", {"headline": "L'auto è qui", "body_html": "<p>x<script>evil()</script>"})
    made = answer.json["data"]
    assert (answer.status_code, made["status"], made["slug"], made["version"]) == (201, "draft", "l-auto-e-qui", 1)
    assert answer.headers["Location"] == "https://api.example.com/v1/articles/l-auto-e-qui"
    assert answer.headers["ETag"] == '"v1"'
    assert made["body_html"] == "<p>x</p>"
    hidden, none = (public.get(f"/v1/articles/{slug}") for slug in ("l-auto-e-qui", "mai-esistito"))
    assert (hidden.status_code, hidden.json["detail"]) == (404, none.json["detail"])
    assert changelog_seq(database) == before, "work on drafts moves no number"
    assert editor.get("/v1/articles/l-auto-e-qui").json["data"] == made


def test_published_at_once_it_is_there_at_once(editor, public):
    editor.post("/v1/brands", {"name": "Land Rover"})
    made = editor.write(headline="Velar", status="published", brand="land-rover", tags=["nuovo"])
    assert public.get("/v1/articles/velar").json["data"]["id"] == made["id"]
    assert [item["slug"] for item in public.get("/v1/articles?tag=nuovo&brand=land-rover").json["data"]] == ["velar"]
    assert made["published_at"] == made["updated_at"] == made["materially_updated_at"] == "2026-11-01T12:00:00Z"


def test_a_publication_whose_time_is_to_come_waits_for_it(editor, public):
    made = editor.write(headline="Domani", status="published", published_at="2026-11-02T08:00:00+01:00")
    assert (made["status"], made["published_at"]) == ("scheduled", "2026-11-02T07:00:00Z")
    assert public.get("/v1/articles/domani").status_code == 404


def test_a_second_one_of_a_headline_gets_a_number_and_a_slug_that_is_given_is_refused(editor):
    slugs = [editor.write(headline="Stessa cosa")["slug"] for _ in range(3)]
    assert slugs == ["stessa-cosa", "stessa-cosa-2", "stessa-cosa-3"]
    answer = editor.post("/v1/articles", {"headline": "x", "slug": "stessa-cosa"})
    assert (answer.status_code, answer.json["type"][-6:]) == (409, "in-use")


@pytest.mark.parametrize("headline", ["Ùn títolo", "UN TITOLO", "Un titolo.", "Un titolo", "un  titolo"])
def test_headlines_that_look_alike_never_share_a_slug(editor, headline):
    assert editor.write(headline="Un titolo")["slug"] == "un-titolo"
    assert editor.write(headline=headline)["slug"] == "un-titolo-2"


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({}, {"/headline"}),
        ({"headline": ""}, {"/headline"}),
        ({"headline": "a\r\nb"}, {"/headline"}),
        ({"headline": "a", "slug": "A B"}, {"/slug"}),
        ({"headline": "a", "slug": "01890a5d-ac96-774b-bcce-b302099a8057"}, {"/slug"}),
        ({"headline": "a", "slug": "a\r\nX: y"}, {"/slug"}),
        ({"headline": "a", "brand": "nessuna", "authors": ["x"]}, {"/brand", "/authors/0"}),
        ({"headline": "a", "id": "01890a5d-ac96-774b-bcce-b302099a8057"}, {"/id"}),
        ({"headline": "a", "version": 7, "created_by": "me", "seq": 1}, {"/version", "/created_by", "/seq"}),
        ({"headline": "a", "updated_at": "2020-01-01T00:00:00Z", "gone": None}, {"/updated_at", "/gone"}),
        ({"headline": "a", "status": "withdrawn"}, {"/status"}),
        ({"headline": "a", "status": "scheduled"}, {"/published_at"}),
        ({"headline": "a", "published_at": "2026-11-02T08:00:00"}, {"/published_at"}),
        ({"headline": "a", "image": {"alt": "x"}}, {"/image/url"}),
        ({"headline": ["a"]}, {"/headline"}),
        ({"headline": "a", "tags": "suv"}, {"/tags"}),
        ({"headline": "a", "authors": [{"slug": "x"}]}, {"/authors/0"}),
    ],
)
def test_what_cannot_be_taken_is_named_and_leaves_nothing(editor, database, body, places):
    before = dump(database)
    assert pointers(editor.post("/v1/articles", body)) == places
    assert dump(database) == before


@pytest.mark.parametrize(
    "raw",
    [
        b"", b" ", b"[]", b"1", b"null", b'"x"', b"{", b'{"headline": NaN}', b'{"headline": 1e999}', b"\xff\xfe",
        b'{"headline": "a", "headline": "b"}', b'{"headline": "\\ud800"}', b'{"headline": "\\u0000"}',
        b'{"headline": 99999999999999999999}', b'{"a":' * 50 + b"1" + b"}" * 50, b'{"headline": "\x01"}',
    ],
)  # fmt: skip
def test_a_body_that_is_no_plain_object_is_refused(editor, raw):
    answer = editor.client.post("/v1/articles", data=raw, headers=editor.headers, content_type="application/json")
    assert (answer.status_code, answer.json["type"].rpartition("/")[2]) == (422, "bad-body")


@pytest.mark.parametrize(
    "media_type",
    ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x", "", "application/xml",
     "application/json; charset=utf-16", "application/merge-patch+json"],
)  # fmt: skip
def test_a_write_takes_its_own_media_type_and_no_form(editor, database, media_type):
    before = dump(database)
    answer = editor.client.post(
        "/v1/articles", data=b'{"headline": "x"}', headers=editor.headers, content_type=media_type
    )
    assert answer.status_code == 415
    assert dump(database) == before
    made = editor.client.patch("/v1/articles/x", data=b"{}", headers=editor.headers, content_type="application/json")
    assert (made.status_code, made.headers["Accept-Patch"]) == (415, "application/merge-patch+json")


def test_a_body_beyond_a_megabyte_is_too_large(editor):
    answer = editor.post("/v1/articles", {"headline": "x", "body_html": "x" * (1 << 20)})
    assert answer.status_code == 413


# --- changing ---------------------------------------------------------------------------------------------------------


def test_a_patch_changes_what_it_names_and_nothing_else(editor):
    made = editor.write(headline="Prima", standfirst="Sotto", seo={"title": "t", "robots": "noindex"}, tags=["a", "b"])
    after = editor.change(made, headline="Dopo", standfirst=None, seo={"title": None, "description": "d"}, tags=["b"])
    assert (after["headline"], after["standfirst"], after["version"]) == ("Dopo", None, 2)
    assert after["seo"] == {"title": None, "description": "d", "robots": "noindex"}
    assert [tag["slug"] for tag in after["tags"]] == ["b"]
    same = {"slug", "status", "body_html", "id", "language"}
    assert {name: after[name] for name in same} == {name: made[name] for name in same}


def test_a_patch_that_changes_nothing_makes_no_version(editor, database):
    made = editor.write(status="published", published_at="2026-10-01T10:00:00Z", tags=["a"])
    before = dump(database)
    assert editor.change(made, headline="Titolo", tags=["a"], body_html="<p>Testo.</p>")["version"] == 1
    assert dump(database) == before


def test_the_version_must_be_said_and_be_the_present_one(editor):
    made = editor.write()
    missing = editor.patch(made["slug"], {"headline": "x"})
    assert (missing.status_code, missing.json["type"].rpartition("/")[2]) == (428, "version-missing")
    editor.change(made, headline="a")
    stale = editor.patch(made["slug"], {"headline": "b"}, 1)
    assert (stale.status_code, stale.headers["ETag"], stale.json["version"]) == (412, '"v2"', 2)
    for tag in ('W/"v2"', '"v3"', "v2", '"2"', '"v02"', "x", '"v2', "", '"v2-x"', '"v3-gzip"', 'W/"v2-gzip"'):
        answer = editor.send("PATCH", f"/v1/articles/{made['slug']}", {"headline": "c"}, If_Match=tag)
        assert answer.status_code == 412, tag
    for tag in ('"v1", "v2"', "*", '"v4-gzip"', '"v5--gzip"', '"v6;gzip"', '"v7-br"'):
        version = editor.get(f"/v1/articles/{made['slug']}").json["data"]["version"]
        answer = editor.send("PATCH", f"/v1/articles/{made['slug']}", {"headline": tag}, If_Match=tag)
        assert (answer.status_code, answer.json["data"]["version"]) == (200, version + 1), tag


@pytest.mark.parametrize(
    ("changes", "places"),
    [
        ({"headline": None, "slug": None, "status": None}, {"/headline", "/slug", "/status"}),
        ({"id": "x", "version": 3, "materially_updated_at": None}, {"/id", "/version", "/materially_updated_at"}),
        ({"image": {"alt": "x"}}, {"/image/url"}),
        ({"corrections": []}, {"/corrections"}),
        ({"brand": "nessuna"}, {"/brand"}),
        ({"update_type": "huge"}, {"/update_type"}),
        ({"update_type": "correction"}, {"/correction"}),
        ({"correction": "x"}, {"/correction"}),
        ({"body_html": 7}, {"/body_html"}),
        ({"status": "scheduled"}, {"/published_at"}),
    ],
)
def test_a_patch_that_cannot_be_taken_is_named_and_leaves_nothing(editor, database, changes, places):
    made = editor.write()
    before = dump(database)
    assert pointers(editor.patch(made["slug"], changes, 1)) == places
    assert dump(database) == before


def test_what_is_not_there_cannot_be_changed(editor):
    for which in ("nessuno", "01890a5d-ac96-774b-bcce-b302099a8057", "No%20Slug", "a" * 300):
        assert editor.patch(which, {"headline": "x"}, 1).status_code == 404
        assert editor.delete(f"/v1/articles/{which}").status_code == 404


def test_an_update_says_how_much_it_is(editor, clock):
    made = editor.write(status="published")
    clock.forward(hours=1)
    minor = editor.change(made, headline="a")
    assert (minor["updated_at"], minor["materially_updated_at"]) == ("2026-11-01T13:00:00Z", "2026-11-01T12:00:00Z")
    clock.forward(hours=1)
    major = editor.change(minor, headline="b", update_type="major")
    assert major["materially_updated_at"] == "2026-11-01T14:00:00Z"
    clock.forward(hours=1)
    right = editor.change(major, update_type="correction", correction="Era 2016, non 2017.")
    assert right["corrections"] == [{"at": "2026-11-01T15:00:00Z", "text": "Era 2016, non 2017."}]
    assert right["materially_updated_at"] == "2026-11-01T15:00:00Z"


def test_a_correction_is_told_as_one(editor, database):
    made = editor.write(status="published")
    editor.change(made, update_type="correction", correction="Era 2016.")
    assert (last(database).reason, last(database).action, last(database).is_bulk) == ("corrected", "upsert", False)


# --- moving -----------------------------------------------------------------------------------------------------------

HOUR = {"published_at": "2026-11-02T08:00:00Z"}


def brought_to(editor, status):
    made = editor.write(status="draft" if status == "withdrawn" else status, **(HOUR if status == "scheduled" else {}))
    return editor.change(made, status="withdrawn") if status == "withdrawn" else made


@pytest.mark.parametrize("start", TRANSITIONS)
@pytest.mark.parametrize("end", TRANSITIONS)
def test_a_status_follows_where_it_may_and_else_it_is_said_what_may(editor, start, end):
    made = brought_to(editor, start)
    answer = editor.patch(made["slug"], {"status": end, **(HOUR if end == "scheduled" else {})}, made["version"])
    if end == start or end in TRANSITIONS[start]:
        assert (answer.status_code, answer.json["data"]["status"]) == (200, end)
    else:
        assert (answer.status_code, answer.json["allowed"]) == (409, list(TRANSITIONS[start]))


def test_to_publish_to_schedule_and_to_take_off_need_their_scope(hire, editor):
    writer = hire("content:write")
    live, waiting, draft = editor.write(status="published"), brought_to(editor, "scheduled"), writer.write()
    for article, changes in (
        (draft, {"status": "published"}),
        (draft, {"status": "scheduled", **HOUR}),
        (waiting, {"published_at": "2026-11-01T12:00:01Z"}),
        (waiting, {"status": "draft"}),
        (live, {"status": "draft"}),
        (live, {"published_at": "2026-11-09T12:00:00Z"}),
    ):
        answer = writer.patch(article["slug"], changes, article["version"])
        assert (answer.status_code, answer.json["scope"]) == (403, "content:publish"), changes
    assert writer.post("/v1/articles", {"headline": "x", "status": "published"}).status_code == 403
    assert writer.delete(f"/v1/articles/{live['slug']}").status_code == 403
    assert writer.delete(f"/v1/articles/{draft['slug']}").status_code == 200
    assert writer.patch(live["slug"], {"headline": "Refuso"}, 1).status_code == 200


def test_what_is_live_is_not_scheduled_by_moving_its_hour(editor):
    made = editor.write(status="published")
    answer = editor.patch(made["slug"], HOUR, 1)
    assert (answer.status_code, answer.json["allowed"]) == (409, ["draft", "withdrawn"])


def test_published_now_is_now_whatever_hour_was_set(editor, public):
    made = brought_to(editor, "scheduled")
    assert editor.change(made, status="published")["published_at"] == "2026-11-01T12:00:00Z"
    assert public.get(f"/v1/articles/{made['slug']}").status_code == 200


def test_unpublished_it_is_gone_and_published_again_it_is_news(editor, public, clock):
    made = editor.write(status="published")
    draft = editor.change(made, status="draft")
    gone = public.get(f"/v1/articles/{made['slug']}")
    assert (gone.status_code, gone.json["gone"]["action"]) == (410, "unpublished")
    clock.forward(days=1)
    again = editor.change(draft, status="published")
    assert (again["published_at"], again["materially_updated_at"]) == (made["published_at"], "2026-11-02T12:00:00Z")
    assert public.get(f"/v1/articles/{made['slug']}").status_code == 200


# --- withdrawing ------------------------------------------------------------------------------------------------------


def test_withdrawn_it_is_gone_with_the_reason_and_kept(editor, public, database):
    editor.write(slug="altro", status="published")
    made = editor.write(slug="velar", status="published")
    answer = editor.delete("/v1/articles/velar?reason=legal&note=Su richiesta.&replaced_by=altro")
    assert (answer.status_code, answer.json["data"]["status"]) == (200, "withdrawn")
    gone = public.get("/v1/articles/velar")
    at = "2026-11-01T12:00:00Z"
    assert gone.status_code == 410
    assert gone.json["gone"] == {
        "at": at,
        "action": "withdrawn",
        "reason": "legal",
        "note": "Su richiesta.",
        "replaced_by": "altro",
    }
    assert [item["slug"] for item in public.get("/v1/articles").json["data"]] == ["altro"]
    assert (last(database).action, last(database).reason) == ("delete", "withdrawn")
    assert editor.get("/v1/articles/velar").json["data"]["headline"] == made["headline"]
    again = editor.delete("/v1/articles/velar")
    assert (again.status_code, public.get("/v1/articles/velar").json["gone"]["reason"]) == (200, "legal")


def test_a_draft_that_is_withdrawn_stays_unknown(editor, public, database):
    made = editor.write()
    before = changelog_seq(database)
    editor.delete(f"/v1/articles/{made['slug']}")
    assert (public.get(f"/v1/articles/{made['slug']}").status_code, changelog_seq(database)) == (404, before)


@pytest.mark.parametrize(
    "query", ["reason=fun", "replaced_by=nessuno", "replaced_by=bozza", "replaced_by=velar", "x=1"]
)
def test_a_withdrawal_with_a_wrong_reason_withdraws_nothing(editor, public, query):
    editor.write(slug="velar", status="published")
    editor.write(slug="bozza")
    answer = editor.delete(f"/v1/articles/velar?{query}")
    assert (answer.status_code, public.get("/v1/articles/velar").status_code) == (400, 200)


# --- slugs ------------------------------------------------------------------------------------------------------------


def test_a_former_slug_leads_to_the_present_one_and_back_again_there_is_no_loop(editor, public):
    made = editor.write(slug="uno", status="published")
    for slug in ("due", "uno", "tre", "due"):
        made = editor.change(made, slug=slug)
    assert made["previous_slugs"] == ["tre", "uno"] or set(made["previous_slugs"]) == {"uno", "tre"}
    for old in ("uno", "tre"):
        answer = public.get(f"/v1/articles/{old}?fields=slug")
        assert (answer.status_code, answer.headers["Location"]) == (
            308,
            "https://api.example.com/v1/articles/due?fields=slug",
        )
    assert public.get("/v1/articles/due").status_code == 200


def test_a_slug_of_another_is_refused_and_a_former_one_may_be_taken(editor, public):
    first, second = editor.write(slug="uno", status="published"), editor.write(slug="altro", status="published")
    assert editor.patch("altro", {"slug": "uno"}, 1).status_code == 409
    editor.change(first, slug="primo")
    assert public.get("/v1/articles/uno").status_code == 308
    editor.change(second, slug="uno")
    assert public.get("/v1/articles/uno").json["data"]["id"] == second["id"]
    assert public.get("/v1/articles/primo").json["data"]["previous_slugs"] == []


def test_what_a_draft_was_called_is_never_told(editor, public):
    made = editor.write(slug="il-capo-si-dimette")
    made = editor.change(made, slug="novita")
    made = editor.change(made, status="published")
    assert made["previous_slugs"] == []
    assert public.get("/v1/articles/il-capo-si-dimette").status_code == 404
    assert public.get("/v1/articles/novita").json["data"]["previous_slugs"] == []


def test_what_was_kept_under_the_slugs_is_true_after_a_change(editor, public):
    made = editor.write(slug="uno", status="published")
    assert [public.get(f"/v1/articles/{slug}").status_code for slug in ("uno", "due")] == [200, 404]
    editor.change(made, slug="due")
    assert [public.get(f"/v1/articles/{slug}").status_code for slug in ("uno", "due")] == [308, 200]


def test_a_parameter_beside_a_write_is_refused(editor):
    editor.write(slug="uno")
    for method, path, body in (
        ("POST", "/v1/articles?x=1", {"headline": "x"}),
        ("PATCH", "/v1/articles/uno?status=draft", {"headline": "x"}),
        ("PUT", "/v1/articles/uno/picks?x=1", {}),
        ("GET", "/v1/me?x=1", None),
        ("GET", "/v1/articles/uno/revisions?x=1", None),
        ("DELETE", "/v1/tags/x?x=1", None),
    ):
        answer = editor.send(method, path, body)
        assert (answer.status_code, answer.json["errors"][0]["parameter"]) == (
            400,
            path.rpartition("?")[2].split("=")[0],
        )


# --- picks ------------------------------------------------------------------------------------------------------------


def test_picks_and_bans_are_kept_and_touch_the_related_list(editor, public, database):
    for slug in ("uno", "due", "tre"):
        editor.write(slug=slug, status="published")
    public.get("/v1/articles/uno/related")
    answer = editor.put("/v1/articles/uno/picks", {"slugs": ["tre", "due"], "ban": []})
    assert (answer.status_code, answer.json["data"]) == (200, {"slugs": ["tre", "due"], "ban": []})
    assert editor.get("/v1/articles/uno/picks").json == answer.json
    assert public.get("/v1/articles/uno/related").headers["Cache-Status"] == "newsapi; fwd=miss"
    assert editor.put("/v1/articles/uno/picks", {"slugs": ["due"], "ban": ["tre"]}, If_Match='"v1"').status_code == 412
    editor.put("/v1/articles/uno/picks", {"ban": ["tre"]})
    assert editor.get("/v1/articles/uno/picks").json["data"] == {"slugs": [], "ban": ["tre"]}


@pytest.mark.parametrize("body", [{"slugs": ["nessuno"]}, {"slugs": ["uno"]}, {"ban": ["x y"]}, {"slug": []}])
def test_picks_that_lead_nowhere_are_refused(editor, body):
    editor.write(slug="uno", status="published")
    assert editor.put("/v1/articles/uno/picks", body).status_code == 422


# --- history ----------------------------------------------------------------------------------------------------------


def test_every_version_says_who_made_it_when_and_what_it_said(editor, hire, clock):
    made = editor.write(headline="Uno", tags=["a"])
    clock.forward(hours=1)
    other = hire()
    other.change(made, headline="Due", body_html="<p>Testo.</p><p>Altro.</p>")
    path = f"/v1/articles/{made['slug']}/revisions"
    listed = editor.get(path).json["data"]
    assert [(one["number"], one["at"], one["by"]) for one in listed] == [
        (2, "2026-11-01T13:00:00Z", other.prefix),
        (1, "2026-11-01T12:00:00Z", editor.prefix),
    ]
    first, second = (editor.get(f"{path}/{number}").json["data"]["content"] for number in (1, 2))
    assert (first["headline"], second["headline"], first["tags"]) == ("Uno", "Due", ["a"])
    found = {one["field"]: one for one in editor.get(f"{path}/2/diff").json["data"]["differences"]}
    assert (found["headline"]["before"], found["headline"]["after"]) == ("Uno", "Due")
    assert found["body_html"]["lines"] == ["+ <p>Altro.</p>"]
    assert set(found) == {"headline", "body_html", "updated_at", "word_count"}
    assert editor.get(f"{path}/3").status_code == 404
    assert editor.get(f"{path}/0").status_code == 404


def test_many_versions_come_page_by_page(editor):
    made = editor.write()
    for number in range(5):
        made = editor.change(made, headline=f"n. {number}")
    path, numbers = f"/v1/articles/{made['slug']}/revisions?limit=2", []
    while path:
        answer = editor.get(path.removeprefix("https://api.example.com")).json
        numbers += [one["number"] for one in answer["data"]]
        path = answer["links"]["next"]
    assert numbers == [6, 5, 4, 3, 2, 1]


def test_a_version_comes_back_as_a_new_one_and_status_and_slug_stay(editor):
    made = editor.write(headline="Uno", tags=["a"], body_html="<p>Prima.</p>")
    made = editor.change(made, headline="Due", tags=["b"], slug="due", status="published")
    answer = editor.post(f"/v1/articles/{made['id']}/revisions/1/restore", {})
    back = answer.json["data"]
    assert (back["headline"], back["version"], back["slug"], back["status"]) == ("Uno", 3, "due", "published")
    assert [tag["slug"] for tag in back["tags"]] == ["a"]
    assert editor.post(f"/v1/articles/{made['id']}/revisions/9/restore", {}).status_code == 404


def test_a_change_is_noted_with_its_key_and_number(hire, editor, database):
    made = editor.write(status="published")
    editor.change(made, headline="x")
    admin = hire("admin")
    deeds = admin.get(f"/v1/audit?subject={made['id']}").json["data"]
    told = [(one["by"], one["action"], one["version"], one["slug"]) for one in deeds]
    assert told == [(editor.prefix, "update", 2, made["slug"]), (editor.prefix, "create", 1, made["slug"])]
    assert deeds[0]["seq"] == changelog_seq(database)
    assert admin.get(f"/v1/audit?by={editor.prefix}&limit=1").json["page"]["next"]
    following = admin.get(f"/v1/audit?by={editor.prefix}&limit=1").json["links"]["next"]
    rest = admin.get(following.removeprefix("https://api.example.com")).json["data"]
    assert [one["action"] for one in rest] == ["create"]


# --- once -------------------------------------------------------------------------------------------------------------


def test_a_repeat_with_the_same_word_gets_the_same_answer_and_has_no_effect(editor, database):
    body = {"headline": "Una volta"}
    first = editor.post("/v1/articles", body, Idempotency_Key="w1")
    before = dump(database)
    again = editor.post("/v1/articles", body, Idempotency_Key="w1")
    assert (again.status_code, again.data) == (201, first.data)
    assert (again.headers["Location"], again.headers["ETag"]) == (first.headers["Location"], first.headers["ETag"])
    assert dump(database) == before


def test_a_word_stands_for_one_request_of_one_caller_for_a_day(editor, hire, clock):
    editor.post("/v1/articles", {"headline": "a"}, Idempotency_Key="w")
    other = editor.post("/v1/articles", {"headline": "b"}, Idempotency_Key="w")
    assert (other.status_code, other.json["type"].rpartition("/")[2]) == (422, "idempotency-conflict")
    assert hire().post("/v1/articles", {"headline": "b"}, Idempotency_Key="w").status_code == 201
    clock.forward(hours=25)
    assert editor.post("/v1/articles", {"headline": "b"}, Idempotency_Key="w").json["data"]["slug"] == "b-2"


def test_a_refused_request_does_not_use_its_word_up(editor):
    assert editor.post("/v1/articles", {"headline": ""}, Idempotency_Key="w").status_code == 422
    assert editor.post("/v1/articles", {"headline": "x"}, Idempotency_Key="w").status_code == 201


@pytest.mark.parametrize("word", ["", " ", "a b", "x" * 256, "\x7f"])
def test_a_word_that_cannot_be_one_is_refused(editor, word):
    assert editor.post("/v1/articles", {"headline": "x"}, Idempotency_Key=word).status_code == 400


def test_what_has_no_rights_any_more_cannot_be_published(editor):
    made = editor.write(rights={"expires_at": "2026-10-31T00:00:00Z"})
    assert pointers(editor.patch(made["slug"], {"status": "published"}, 1)) == {"/rights/expires_at"}
    assert editor.patch(made["slug"], {"status": "published", "rights": None}, 1).status_code == 200
