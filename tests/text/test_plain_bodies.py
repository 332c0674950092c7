"""Bodies that are recognized as sanitized already: the sanitizer would return them unchanged."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsapi.text import html as module
from newsapi.text.html import SanitizedHtml

BASE = "https://www.example.it/"

CHARACTERS = list(
    "ab \t\n\r'\"=/:;.[]!-#\x00\x0b\x85\xa0\xadèﬁ😀\u0301\u0338\u1100\u1161\u200b\u2028",
)
TEXT = st.text(alphabet=st.sampled_from(CHARACTERS), max_size=6) | st.sampled_from(
    ["Una frase.", "https://x.it/a", " "]
)
EMPHASIS = st.builds("<{0}>{1}</{0}>".format, st.sampled_from("b em i strong".split()), TEXT)
CONTENT = st.lists(TEXT | EMPHASIS, max_size=4).map("".join)
SPACE = st.sampled_from(["", "", "\n", " \n"])
BLOCK = st.builds("<{0}>{1}</{0}>{2}".format, st.sampled_from("p h2 h3 h4".split()), CONTENT, SPACE)


@given(st.lists(BLOCK, max_size=4).map("".join))
@settings(max_examples=500)
def test_a_plain_body_is_what_the_sanitizer_returns(html):
    if module._is_plain(html):
        assert module._sanitize(html, BASE, frozenset()) == SanitizedHtml(html)


@pytest.mark.parametrize(
    "html",
    [
        "<p>Una frase.</p>",
        "<h2>Titolo</h2>\n<p>È <strong>una</strong> frase: <em>sì</em>.</p>\n\n<p>“Due”</p>\n",
        "<p><b>Una</b></p>" * 200,
    ],
)
def test_plain_bodies_are_recognized(html):
    assert module._is_plain(html)
    assert module._sanitize(html, BASE, frozenset()) == SanitizedHtml(html)


@pytest.mark.parametrize(
    "html",
    [
        "",
        "Una frase.",
        "<p></p>",
        "<p> </p>",
        "<p>a",
        "<p>a<p>b</p>",
        "<p>a</p>b",
        "<P>a</P>",
        "<p >a</p>",
        "<p id=a>a</p>",
        "<p>a &amp; b</p>",
        "<p>a\xa0b</p>",
        "<p>a\rb</p>",
        "<p>a\x00b</p>",
        "<p>e\u0301</p>",
        "<p>https://youtu.be/x</p>",
        "<p>a<br>b</p>",
        "<p><b><i>a</i></b></p>",
        "<h1>a</h1>",
        "<p>a</p><!-- -->",
        "<script>a</script>",
        "<div>a</div>",
    ],
)
def test_other_bodies_are_sanitized(html):
    assert not module._is_plain(html)
