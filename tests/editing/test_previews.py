from dataclasses import replace

import pytest

from newsapi.app import WRITE_HOOKS
from newsapi.content.writes.writer import WriteContext
from newsapi.editing import scheduler
from tests.support.client import Editor, slugs_of
from tests.support.invariants import dump

API = "https://api.example.com"


@pytest.fixture
def link(editor):
    """Make a link to an article; answers its token and what was told of it."""

    def link(which, **asked):
        answer = editor.post(f"/v1/articles/{which}/preview-links", asked)
        assert answer.status_code == 201, answer.text
        return answer.json["data"]["token"], answer.json["data"]

    return link


def test_who_has_the_link_sees_the_draft_and_nobody_else(editor, public, link):
    editor.write(slug="bozza", headline="Segreto")
    token, told = link("bozza")
    assert told["api_url"] == f"{API}/v1/articles/bozza?preview={token}"
    assert told["expires_at"] == "2026-11-02T12:00:00Z"
    seen = public.get(f"/v1/articles/bozza?preview={token}")
    assert (seen.status_code, seen.json["data"]["headline"]) == (200, "Segreto")
    assert seen.headers["Cache-Control"] == "private, no-store"
    assert "Surrogate-Key" not in seen.headers
    assert "CDN-Cache-Control" not in seen.headers
    for path in ("/v1/articles/bozza", "/v1/articles/bozza/related", f"/v1/articles/{seen.json['data']['id']}"):
        assert public.get(path).status_code == 404, path
    assert "Segreto" not in public.get("/v1/articles").text


@pytest.mark.parametrize(
    ("article_url", "preview_url", "url"),
    [
        (None, None, f"{API}/v1/articles/bozza?preview=TOKEN"),
        ("https://site/{section}/{slug}", None, "https://site/-/bozza?preview=TOKEN"),
        ("https://site/{slug}?a=1", None, "https://site/bozza?a=1&preview=TOKEN"),
        ("https://site/{slug}", "https://other/p?token={token}&path={path}", "https://other/p?token=TOKEN&path=/bozza"),
        ("https://site/a?s={slug}", "https://site/p/{token}?path={path}", "https://site/p/TOKEN?path=/a%3Fs%3Dbozza"),
    ],
)
def test_a_link_leads_to_the_page_that_the_settings_name(build, settings, editor, article_url, preview_url, url):
    editor.write(slug="bozza")
    site = build(replace(settings, article_url=article_url, preview_url=preview_url)).test_client()
    answer = site.post("/v1/articles/bozza/preview-links", headers=editor.headers)
    assert answer.status_code == 201, answer.text
    assert answer.json["data"]["url"].replace(answer.json["data"]["token"], "TOKEN") == url


def test_a_link_opens_its_own_article_and_no_other(editor, public, link):
    editor.write(slug="uno")
    editor.write(slug="due")
    token, _ = link("uno")
    assert public.get(f"/v1/articles/uno?preview={token}").status_code == 200
    assert public.get(f"/v1/articles/due?preview={token}").status_code == 404
    assert slugs_of(public.get(f"/v1/articles?preview={token}")) == ["uno"]


def test_a_link_that_ended_or_was_revoked_opens_nothing(editor, public, link, clock):
    editor.write(slug="bozza")
    short, _ = link("bozza", expires_in=60)
    other, told = link("bozza")
    clock.forward(seconds=60)
    late = public.get(f"/v1/articles/bozza?preview={short}")
    assert (late.status_code, late.json["type"].rpartition("/")[2]) == (410, "token-expired")
    assert editor.delete(f"/v1/articles/bozza/preview-links/{told['id']}").status_code == 204
    for path in ("/v1/articles/bozza", "/v1/articles", "/v1/articles/bozza/related"):
        assert public.get(f"{path}?preview={other}").status_code == 410, path
    assert [one["revoked"] for one in editor.get("/v1/articles/bozza/preview-links").json["data"]] == [False, True] or [
        one["revoked"] for one in editor.get("/v1/articles/bozza/preview-links").json["data"]
    ] == [True, False]
    assert editor.delete("/v1/articles/bozza/preview-links/01890a5d-ac96-774b-bcce-b302099a8057").status_code == 404


@pytest.mark.parametrize("token", ["x", "see_abcdefghij_" + "a" * 43, "", "a" * 101, "%00", "key_abcdefghij_x"])
def test_a_token_that_is_none_is_refused_by_name(public, token):
    answer = public.get(f"/v1/articles?preview={token}")
    assert (answer.status_code, answer.json["errors"][0]["parameter"]) == (400, "preview")


def test_a_key_is_no_preview_token_and_a_token_no_key(app, editor, public, link):
    editor.write(slug="bozza")
    token, _ = link("bozza")
    assert public.get(f"/v1/articles?preview={editor.secret}").status_code == 400
    assert Editor(app, token).get("/v1/articles").status_code == 401


def test_tokens_are_told_once_and_kept_as_hashes(editor, link, database):
    editor.write(slug="bozza")
    token, _ = link("bozza")
    assert token not in repr(dump(database))
    assert token not in editor.get("/v1/articles/bozza/preview-links").text


@pytest.mark.parametrize(
    "body", [{"expires_in": 59}, {"expires_in": 10**9}, {"expires_in": "60"}, {"as_of": "2026-11-02"}, {"x": 1}]
)
def test_a_link_that_cannot_be_made_is_refused(editor, body):
    editor.write(slug="bozza")
    assert editor.post("/v1/articles/bozza/preview-links", body).status_code == 422
    assert editor.post("/v1/articles/nessuno/preview-links", {}).status_code == 404


def test_drafts_are_left_out_as_public_articles_are(editor, hire):
    for name in ("prove", "mercato"):
        editor.post("/v1/sections", {"name": name.title(), "slug": name})
    editor.write(slug="senza")
    editor.write(slug="prove", section="prove", tags=["suv", "ibrida"])
    former = editor.write(slug="mercato-di-prima", section="mercato", tags=["suv"])
    editor.change(former, slug="mercato")
    expected = {
        "section_not=prove": {"senza", "mercato"},
        "section_not=prove,mercato": {"senza"},
        "tag_all=suv": {"prove", "mercato"},
        "tag_all=suv,ibrida": {"prove"},
        "tag_all=suv,nessuno": set(),
        "exclude=senza,nessuno": {"prove", "mercato"},
        f"exclude={former['id']},prove": {"senza"},
        "tag_all=suv&section_not=mercato&exclude=prove": set(),
    }
    for query, slugs in expected.items():
        answer = editor.get(f"/v1/articles?status=draft&{query}&total=true")
        assert set(slugs_of(answer)) == slugs, query
        assert answer.json["page"]["total"] == len(slugs), query


def test_lists_and_related_are_shown_as_they_will_be(editor, public, link, clock, database, settings):
    editor.post("/v1/brands", {"name": "Jaguar"})
    hours = {"08": "Arriva la nuova elettrica.", "10": "Il salone apre le porte.", "12": "Vendite di ottobre in calo."}
    old = {"published_at": "2026-10-01T00:00:00Z", "headline": "Storia di allora"}
    editor.write(slug="vecchio", status="published", brand="jaguar", **old)
    ends = {"expires_at": "2026-11-02T11:00:00Z"}
    editor.write(slug="scade", status="published", brand="jaguar", rights=ends, published_at="2026-10-02T00:00:00Z")
    for hour, text in hours.items():
        at = {"published_at": f"2026-11-02T{hour}:00:00Z", "body_html": f"<p>{text}</p>", "headline": text}
        editor.write(slug=f"ore-{hour}", status="scheduled", brand="jaguar", **at)
    editor.write(slug="bozza", brand="jaguar")
    token, _ = link("ore-08", as_of="2026-11-02T11:30:00Z", expires_in=7 * 86_400)
    seen = {
        path: slugs_of(public.get(f"{path}{'&' if '?' in path else '?'}preview={token}"))
        for path in (
            "/v1/articles",
            "/v1/articles?brand=jaguar&sort=published_at",
            "/v1/articles?tag=nessuno",
            "/v1/articles/ore-08/related",
        )
    }
    assert list(seen.values()) == [
        ["ore-10", "ore-08", "vecchio"],
        ["vecchio", "ore-08", "ore-10"],
        [],
        ["ore-10", "vecchio"],
    ]
    clock.time = clock.time.replace(month=11, day=2, hour=11, minute=30)
    while scheduler.run_due(WriteContext(database, settings, lambda _: clock(), WRITE_HOOKS)):
        pass
    real = {path: slugs_of(public.get(path)) for path in seen}
    assert real == seen


def test_pages_of_a_preview_lead_on_and_miss_nothing(editor, public, link):
    for number in range(7):
        status = "published" if number % 2 else "scheduled"
        day = f"2026-{'10' if number % 2 else '11'}-{number + 2:02}T00:00:00Z"
        editor.write(slug=f"a-{number}", status=status, published_at=day)
    token, _ = link("a-0", as_of="2026-12-01T00:00:00Z")
    whole = slugs_of(public.get(f"/v1/articles?preview={token}"))
    assert len(whole) == 7
    for sort in ("", "&sort=published_at", "&sort=-updated_at"):
        whole = slugs_of(public.get(f"/v1/articles?preview={token}{sort}"))
        path, found, back = f"/v1/articles?limit=2&preview={token}{sort}", [], None
        while path:
            answer = public.get(path.removeprefix(API))
            found += slugs_of(answer)
            path, back = answer.json["links"]["next"], answer.json["links"]["prev"] or back
        assert found == whole
        before = slugs_of(public.get(back.removeprefix(API)))
        assert before == whole[4:6]


# --- drafts on lists --------------------------------------------------------------------------------------------------


@pytest.fixture
def magazine(editor):
    editor.post("/v1/brands", {"name": "Gruppo"})
    editor.post("/v1/brands", {"name": "Jaguar", "parent": "gruppo"})
    editor.post("/v1/authors", {"name": "Anna"})
    editor.post("/v1/sections", {"name": "Mercato"})
    terms = {"brand": "jaguar", "authors": ["anna"], "section": "mercato", "tags": ["suv"]}
    made = {}
    for status in ("draft", "scheduled", "published", "withdrawn"):
        hour = {"published_at": "2026-11-05T00:00:00Z"} if status == "scheduled" else {}
        first = "draft" if status == "withdrawn" else status
        made[status] = editor.write(slug=f"il-{status}", status=first, **hour, **terms)
    editor.delete("/v1/articles/il-withdrawn")
    editor.write(slug="altro", mentions=["jaguar"], language="en", format="video")
    return made


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=draft", {"il-draft", "altro"}),
        ("status=draft,scheduled,withdrawn", {"il-draft", "il-scheduled", "il-withdrawn", "altro"}),
        ("status=published,draft", {"il-published", "il-draft", "altro"}),
        ("status=published", {"il-published"}),
        *((f"status=draft&{name}={value}", {"il-draft"}) for name, value in (
            ("brand", "jaguar"), ("group", "gruppo"), ("author", "anna"), ("section", "mercato"), ("tag", "suv"),
            ("language", "it"), ("format", "article"), ("slug", "il-draft,il-scheduled"))),
        ("status=draft&mentions=jaguar", {"altro"}),
        ("status=draft&about=jaguar", {"altro", "il-draft"}),
        ("status=scheduled&published_from=2026-11-04", {"il-scheduled"}),
        ("status=scheduled&published_until=2026-11-04", set()),
        ("", {"il-published"}),
    ],
)  # fmt: skip
def test_who_may_read_drafts_finds_them_by_status_and_every_filter(editor, magazine, query, found):
    answer = editor.get(f"/v1/articles?{query}&total=true" if query else "/v1/articles?total=true")
    assert set(slugs_of(answer)) == found
    assert answer.json["page"]["total"] == len(found)


def test_for_everybody_else_there_is_no_such_parameter(hire, public, magazine):
    for caller in (public, hire("content:write")):
        answer = caller.get("/v1/articles?status=draft")
        unknown = caller.get("/v1/articles?stato=draft")
        assert answer.status_code == unknown.status_code == 400
        told = [item.json["errors"][0]["message"] for item in (answer, unknown)]
        assert told[0] == told[1]
        assert "status" not in told[1]


def test_a_cursor_of_drafts_opens_them_to_nobody_else(editor, public, magazine):
    cursor = editor.get("/v1/articles?status=draft,withdrawn&limit=1").json["page"]["next"]
    assert public.get(f"/v1/articles?cursor={cursor}").status_code == 400
    assert editor.get(f"/v1/articles?cursor={cursor}").status_code == 200


def test_single_articles_are_seen_by_slug_and_id_whatever_their_status(editor, hire, magazine):
    for status, article in magazine.items():
        for which in (article["slug"], article["id"]):
            assert editor.get(f"/v1/articles/{which}").json["data"]["status"] == status
    writer = hire("content:write")
    assert [writer.get(f"/v1/articles/il-{status}").status_code for status in magazine] == [404, 404, 200, 404]


def test_after_an_editor_looked_anybody_is_told_the_same_as_before(editor, public, magazine, clock):
    before = public.get("/v1/articles/il-draft")
    editor.get("/v1/articles/il-draft")
    editor.get("/v1/articles?status=draft")
    after = public.get("/v1/articles/il-draft")
    assert (before.status_code, after.status_code) == (404, 404)
    assert "il-draft" not in public.get("/v1/articles").text


def test_what_to_read_after_a_draft_is_the_newest_of_its_brand(editor, magazine):
    assert slugs_of(editor.get("/v1/articles/il-draft/related")) == ["il-published"]
    assert editor.get("/v1/articles/il-draft/jsonld").status_code == 200
    assert editor.get("/v1/articles/altro?include=jsonld,blocks,brand").json["data"]["jsonld"]["headline"] == "Titolo"
    assert [item["slug"] for item in editor.get("/v1/articles/il-draft?include=related").json["data"]["related"]] == [
        "il-published"
    ]
