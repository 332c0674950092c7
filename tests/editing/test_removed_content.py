"""Bodies over HTTP: media are kept, text is composed, and what was removed is told in the answer."""

import pytest

pytestmark = pytest.mark.usefixtures("consistent_afterwards")

BODY = '<p>Ascolta.</p><audio src="https://vecchio.example/a.mp3" title="Intervista"></audio>'
FILE = {"url": "https://vecchio.example/a.mp3", "type": None, "width": None, "height": None}


def files(article):
    return [(item["kind"], [source["url"] for source in item["sources"]]) for item in article["media"]]


def test_a_post_tells_what_was_removed_from_its_body(editor):
    body = (
        '<p>a</p><iframe src="https://mappe.example/1"></iframe><iframe src="https://mappe.example/2"></iframe>'
        "<form><input></form><script>x()</script>"
    )
    answer = editor.post("/v1/articles", {"headline": "Mappe", "body_html": body})
    assert answer.json["meta"] == {
        "removed": [
            {"kind": "embed", "count": 2, "first": "https://mappe.example/1"},
            {"kind": "form", "count": 1, "first": "input"},
            {"kind": "script", "count": 1, "first": "script"},
        ]
    }
    assert 'href="https://mappe.example/1"' in answer.json["data"]["body_html"]


def test_a_patch_tells_it_too_and_a_write_that_removes_nothing_does_not(editor):
    made = editor.post("/v1/articles", {"headline": "Mappe", "body_html": "<p class=x style='a:b'>a</p>"})
    assert "meta" not in made.json
    patched = editor.patch("mappe", {"body_html": "<p>b</p><style>p{}</style>"}, version=1)
    assert patched.json["meta"] == {"removed": [{"kind": "style", "count": 1, "first": "style"}]}
    assert "meta" not in editor.patch("mappe", {"standfirst": "c"}, version=2).json


def test_audio_of_a_body_is_in_the_media_and_a_link_in_the_body(editor, public):
    made = editor.write(headline="Suono", body_html=BODY, status="published")
    assert files(made) == [("audio", ["https://vecchio.example/a.mp3"])]
    assert made["media"][0]["sources"] == [FILE]
    assert '<a href="https://vecchio.example/a.mp3" rel="noopener noreferrer">Intervista</a>' in made["body_html"]
    shown = public.get("/v1/articles/suono?include=blocks").json["data"]
    assert [block["type"] for block in shown["blocks"]] == ["paragraph", "paragraph"]
    assert "a.mp3" in public.get("/v1/feeds/articles.rss").text


def test_a_file_that_the_writer_lists_is_not_listed_twice(editor):
    listed = [{"kind": "audio", "sources": [{"url": FILE["url"]}], "caption": "Mia"}]
    made = editor.write(headline="Suono", body_html=BODY, media=listed)
    assert [item["caption"] for item in made["media"]] == ["Mia"]


def test_a_patch_of_the_body_adds_its_files_to_those_that_are_there(editor):
    listed = [{"kind": "video", "sources": [{"url": "https://vecchio.example/v.mp4"}]}]
    editor.write(headline="Suono", media=listed)
    patched = editor.patch("suono", {"body_html": BODY}, version=1).json["data"]
    assert files(patched) == [("video", ["https://vecchio.example/v.mp4"]), ("audio", [FILE["url"]])]
    again = editor.patch("suono", {"body_html": BODY}, version=2).json["data"]
    assert (again["version"], again["media"]) == (2, patched["media"])


def test_a_file_with_an_apostrophe_can_be_sent_back(editor):
    made = editor.write(headline="Suono", body_html='<audio src="https://vecchio.example/l\'auto.mp3"></audio>')
    media = [{**item, "id": None} for item in made["media"]]
    assert files(made) == [("audio", ["https://vecchio.example/l%27auto.mp3"])]
    assert editor.patch("suono", {"media": media}, version=1).status_code == 200


def test_text_is_stored_composed(editor, public):
    brand = editor.post("/v1/brands", {"name": "Citroe\u0308n", "aliases": ["S\u030ckoda"]}).json["data"]
    assert (brand["name"], brand["aliases"]) == ("Citro\xebn", ["\u0160koda"])
    made = editor.write(
        headline="Orle\u0301ans",
        standfirst="E\u0300 qui",
        body_html="<p>e\u0301quipe e&#769;</p>",
        image={"url": "https://vecchio.example/a.jpg", "caption": "citta\u0300"},
        status="published",
    )
    assert (made["headline"], made["standfirst"]) == ("Orl\xe9ans", "\xc8 qui")
    assert (made["body_html"], made["image"]["caption"]) == ("<p>\xe9quipe \xe9</p>", "citt\xe0")
    patched = editor.patch("orleans", {"headline": "Citta\u0300"}, version=1).json["data"]
    assert patched["headline"] == "Citt\xe0"
    for query in ("e%CC%81quipe", "%C3%A9quipe", "citta%CC%80"):
        assert [hit["slug"] for hit in public.get(f"/v1/search?q={query}").json["data"]] == ["orleans"]
    assert [term["slug"] for term in public.get("/v1/brands?q=citroe%CC%88n").json["data"]] == ["citroen"]
