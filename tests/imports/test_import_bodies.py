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
        '<p><a href="javascript:x()">a</a><img src="data:image/png;base64,AA"></p><iframe src="https://evil.example/"></iframe>'
    )
    assert not {"javascript", "data:", "iframe", "evil"} & {
        word for word in ("javascript", "data:", "iframe", "evil") if word in shown
    }


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
