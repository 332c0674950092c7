import json

import pytest

from tests.support.import_records import article

pytestmark = pytest.mark.one_database


@pytest.fixture
def body(load, client):
    """What is shown of a body that is imported."""

    def body(html):
        load(article("velar", body_html=html))
        return client.get("/v1/articles/velar").json["data"]["body_html"]

    return body


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("<p>Uno</p><script>alert(1)</script>", "<p>Uno</p>"),
        ('<p onclick="x()" style="color:red">Uno</p>', "<p>Uno</p>"),
        ("<p>Uno", "<p>Uno</p>"),
        ("<p>Uno<!-- due --></p>", "<p>Uno</p>"),
        ("<p>a &lt;b&gt; &amp; c</p>", "<p>a &lt;b&gt; &amp; c</p>"),
        ("", ""),
    ],
)
def test_a_body_is_cleaned_on_its_way_in(body, html, shown):
    assert body(html) == shown


def test_no_scheme_that_runs_or_embeds_stays(body):
    shown = body(
        '<p><a href="javascript:x()">a</a><img src="data:image/png;base64,AA"></p><iframe src="https://evil.example/x"></iframe>'
    )
    assert not any(word in shown for word in ("javascript", "data:", "iframe"))
    assert '<a href="https://evil.example/x" rel="noopener noreferrer">evil.example/x</a>' in shown


def test_audio_and_video_are_in_the_media(load, client):
    sources = '<source src="v.webm" type="video/webm"><source src="v.mp4" type="video/mp4">'
    load(article("velar", body_html=f'<audio src="/a.mp3"></audio><video poster="/p.jpg">{sources}</video>'))
    audio, video = client.get("/v1/articles/velar").json["data"]["media"]
    base = "https://api.example.com"
    assert (audio["kind"], [source["url"] for source in audio["sources"]]) == ("audio", [f"{base}/a.mp3"])
    assert (video["kind"], video["poster"]) == ("video", f"{base}/p.jpg")
    assert [(source["url"], source["type"]) for source in video["sources"]] == [
        (f"{base}/v.webm", "video/webm"),
        (f"{base}/v.mp4", "video/mp4"),
    ]


@pytest.mark.parametrize("escaped", [False, True])
def test_text_is_stored_composed(load, client, escaped):
    record = {"type": "article", "slug": "velar", "headline": "Citroe\u0308n", "body_html": "<p>E\u0301quipe</p>"}
    record |= {"status": "published", "published_at": "2016-07-26"}
    load(json.dumps(record, ensure_ascii=escaped).encode())
    shown = client.get("/v1/articles/velar").json["data"]
    assert (shown["headline"], shown["body_html"]) == ("Citro\xebn", "<p>\xc9quipe</p>")


def test_relative_addresses_become_absolute(body):
    shown = body('<p><a href="/prove/velar?a=1#x">qui</a> <img src="foto/1.jpg" alt=""></p>')
    assert 'href="https://api.example.com/prove/velar?a=1#x"' in shown
    assert 'src="https://api.example.com/foto/1.jpg"' in shown


def test_words_are_counted_in_what_stays(load, stored):
    load(article("velar", body_html="<p>Una prova dell'auto</p><script>tante altre parole qui</script>"))
    assert stored("velar").word_count == 3


def test_headlines_are_text_and_not_html(load, client):
    load(article("velar", headline="<b>Velar</b> & <script>x</script>"))
    assert client.get("/v1/articles/velar").json["data"]["headline"] == "<b>Velar</b> & <script>x</script>"


def test_deep_and_long_bodies_are_taken(load, client):
    deep, long = "<div>" * 20_000 + "in fondo" + "</div>" * 20_000, "<p>parola</p>" * 20_000
    assert load(article("a", body_html=deep), article("b", body_html=long)).counts == (2, 0, 0, 0)
    assert "in fondo" in client.get("/v1/articles/a").json["data"]["body_text"]
