"""Editors see which images are broken or lack a text; the public sees nothing of it."""

import pytest

from tests.images.conftest import picture


@pytest.fixture
def checker(hire):
    return hire("drafts:read")


def test_broken_images_are_listed_with_their_place(editor, checker, files, measure):
    files.files |= {"/good.jpg": picture(), "/page.jpg": b"<html>"}
    media = [
        {"kind": "image", "image": {"url": f"{files.url}/good.jpg", "alt": "Testo"}},
        {"kind": "image", "image": {"url": f"{files.url}/page.jpg", "alt": "Testo"}},
    ]
    image = {"url": f"{files.url}/none.jpg", "alt": "Testo"}
    older = editor.write(slug="velar", headline="Velar", image=image, media=media, status="published")
    newer = editor.write(slug="evoque", image={"url": f"{files.url}/page.jpg", "alt": ""})
    measure()
    answer = checker.get("/v1/images")
    assert answer.status_code == 200
    assert [(item["article"]["slug"], item["pointer"], item["problem"]) for item in answer.json["data"]] == [
        ("evoque", "/image", "not_an_image"),
        ("velar", "/image", "missing"),
        ("velar", "/media/1/image", "not_an_image"),
    ]
    first, second, _ = answer.json["data"]
    assert first["article"] == {"id": newer["id"], "slug": "evoque", "headline": "Titolo", "status": "draft"}
    assert second["article"]["id"] == older["id"]
    assert (first["url"], first["alt"]) == (f"{files.url}/page.jpg", "")
    assert first["next_check_at"].endswith("Z")
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_a_file_that_is_known_to_be_broken_is_listed_at_once_and_no_longer_when_it_is_mended(
    editor, checker, files, measure, clock
):
    image = {"url": f"{files.url}/a.jpg", "alt": "Testo"}
    editor.write(slug="velar", image=image)
    measure()
    editor.write(slug="evoque", image=image)
    assert [item["article"]["slug"] for item in checker.get("/v1/images").json["data"]] == ["evoque", "velar"]
    files.files["/a.jpg"] = picture()
    clock.forward(hours=1)
    measure()
    assert checker.get("/v1/images").json["data"] == []


def test_images_without_a_text_are_listed_whether_or_not_they_were_measured(editor, checker):
    url = "https://img.example.com/a.jpg"
    written = editor.write(
        slug="velar", image={"url": url}, media=[{"kind": "image", "image": {"url": url, "alt": ""}}]
    )
    editor.write(slug="evoque", image={"url": url, "alt": "Testo"})
    [item] = checker.get("/v1/images?problem=no_alt").json["data"]
    assert (item["article"]["slug"], item["pointer"], item["problem"], item["alt"]) == (
        "velar",
        "/image",
        "no_alt",
        None,
    )
    assert checker.get("/v1/images?problem=broken").json["data"] == []
    editor.change(written, image={"alt": ""})
    assert checker.get("/v1/images?problem=no_alt").json["data"] == []


def test_images_of_withdrawn_articles_are_left_out(editor, checker):
    written = editor.write(slug="velar", image={"url": "https://img.example.com/a.jpg"}, status="published")
    assert len(checker.get("/v1/images?problem=no_alt").json["data"]) == 1
    assert editor.delete(f"/v1/articles/{written['id']}", If_Match='"v1"').status_code < 300
    assert checker.get("/v1/images?problem=no_alt").json["data"] == []


def test_pages_list_every_image_once(editor, checker, statements):
    images = [{"kind": "image", "image": {"url": f"https://img.example.com/{n}.jpg"}} for n in range(4)]
    for number in range(3):
        editor.write(slug=f"a{number}", image={"url": "https://img.example.com/lead.jpg"}, media=images)
    seen, path, pages = [], "/v1/images?problem=no_alt&limit=4", 0
    while path:
        statements.clear()
        answer = checker.get(path.removeprefix("https://api.example.com"))
        assert answer.status_code == 200, answer.text
        seen += [(item["article"]["slug"], item["pointer"]) for item in answer.json["data"]]
        path, pages = answer.json["links"]["next"], pages + 1
        assert len([text for text in statements if "article_image" in text]) == 1
    pointers = ["/image", *(f"/media/{n}/image" for n in range(4))]
    assert seen == [(f"a{number}", pointer) for number in (2, 1, 0) for pointer in pointers]
    assert pages == 4


def test_only_keys_that_read_drafts_see_them(hire, public, checker):
    assert public.get("/v1/images").status_code == 401
    refused = hire("content:write").get("/v1/images")
    assert refused.status_code == 403
    assert "drafts:read" in refused.text
    assert checker.get("/v1/images").status_code == 200


@pytest.mark.one_database
@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("problem=all", "problem"),
        ("problem=", "problem"),
        ("problem=broken,no_alt", "problem"),
        ("problem=broken&problem=no_alt", "problem"),
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("article=velar", "article"),
        ("cursor=", "cursor"),
    ],
)
def test_bad_parameters_are_named(checker, query, parameter):
    answer = checker.get(f"/v1/images?{query}")
    assert answer.status_code == 400
    assert [error["parameter"] for error in answer.json["errors"]] == [parameter]


@pytest.mark.one_database
def test_a_cursor_belongs_to_its_list_and_stands_alone(editor, checker):
    for number in range(2):
        editor.write(slug=f"a{number}", image={"url": "https://img.example.com/a.jpg"})
    cursor = checker.get("/v1/images?problem=no_alt&limit=1").json["page"]["next"]
    assert checker.get(f"/v1/images?cursor={cursor}").json["data"][0]["article"]["slug"] == "a0"
    assert checker.get(f"/v1/images?cursor={cursor}&problem=no_alt").status_code == 400
    assert checker.get(f"/v1/images?cursor={cursor}x").status_code == 400
    assert checker.get(f"/v1/articles?cursor={cursor}").status_code == 400
    other = editor.get("/v1/audit?limit=1").json
    assert "page" not in other or checker.get(f"/v1/images?cursor={other['page']['next']}").status_code == 400
