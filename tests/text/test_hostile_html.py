"""What hostile markup becomes: nothing of it runs, and a second cleaning finds nothing to do."""

from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi.text.html import html_to_text, sanitize_html, text_to_html

BASE = "https://www.example.it/novita/articolo.html"
HOSTS = frozenset({"youtube.com", "player.vimeo.com"})

# A list of its own, so that a slip in the one under test is seen.
PLAIN = (
    "b br caption cite code dd dl dt em figcaption figure h2 h3 h4 hr i kbd mark p pre s small strong sub sup table "
    "tbody tfoot thead tr u ul"
)
ALLOWED: dict[str, set[str]] = {name: set() for name in PLAIN.split()} | {
    "a": {"href", "title", "hreflang", "data-article-id", "rel"},
    "abbr": {"title"},
    "blockquote": {"cite"},
    "del": {"cite", "datetime"},
    "iframe": {"src", "width", "height", "title", "allowfullscreen", "sandbox", "loading"},
    "img": {"src", "alt", "width", "height"},
    "ins": {"cite", "datetime"},
    "li": {"value"},
    "ol": {"start", "reversed"},
    "q": {"cite"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "time": {"datetime"},
}
VOID = {"br", "hr", "img"}
SCHEMES = {"href": ("https:", "http:", "mailto:", "tel:"), "src": ("https:", "http:"), "cite": ("https:", "http:")}
PICTURES = {"⏎": "\n", "␉": "\t"} | {chr(0x2400 + code): chr(code) for code in (*range(9), *range(11, 32))}
PICTURES["␡"] = "\x7f"


def written() -> list[str]:
    text = Path(__file__).with_name("hostile_html.txt").read_text(encoding="utf-8")
    return [line.translate(str.maketrans(PICTURES)) for line in text.splitlines()]


def addresses() -> list[str]:
    """Every way of hiding a scheme, in every attribute that takes an address."""
    schemes = [
        "javascript:alert(1)",
        "vbscript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "file:///etc/passwd",
    ]
    hidden = [
        lambda scheme: scheme,
        str.upper,
        lambda scheme: f" \t\n{scheme}",
        lambda scheme: f"\x01\x1f{scheme}",
        lambda scheme: f"{scheme[:4]}\t{scheme[4:]}",
        lambda scheme: f"{scheme[:4]}\r\n{scheme[4:]}",
        lambda scheme: f"{scheme[:4]}\x00{scheme[4:]}",
        lambda scheme: f"{scheme[:4]}&Tab;&NewLine;{scheme[4:]}",
        lambda scheme: f"{scheme[:4]}&#0;&#1;{scheme[4:]}",
        lambda scheme: scheme.replace(":", "&colon;"),
        lambda scheme: scheme.replace(":", "&#58"),
        lambda scheme: "".join(f"&#{ord(letter):07}" for letter in scheme),
        lambda scheme: "".join(f"&#x{ord(letter):X};" for letter in scheme),
        lambda scheme: f"feed:{scheme}",
        lambda scheme: f"view-source:{scheme}",
    ]
    places = [
        "<a href='{}'>x</a>",
        '<img src="{}" alt="">',
        "<iframe src='{}'></iframe>",
        "<blockquote cite='{}'>x</blockquote>",
    ]
    return [place.format(hide(scheme)) for scheme, hide, place in product(schemes, hidden, places)]


CORPUS = [*written(), *addresses()]


def cleaned(html: str) -> str:
    return sanitize_html(html, base=BASE, embed_hosts=HOSTS).html


class Survivors(HTMLParser):
    """Reads cleaned HTML with another parser, and fails at what must not be there."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED
        given = dict(attrs)
        assert set(given) <= ALLOWED[tag]
        for name, value in given.items():
            assert value is not None
            assert value.startswith(SCHEMES.get(name, ("",)))
        if tag == "iframe":
            host = urlsplit(given["src"] or "").hostname or ""
            assert host in HOSTS or host.endswith(tuple(f".{known}" for known in HOSTS))
            assert given["sandbox"] == "allow-scripts allow-same-origin allow-popups allow-presentation"
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        pytest.fail(f"a comment survived: {data}")

    def handle_decl(self, decl: str) -> None:
        pytest.fail(f"a declaration survived: {decl}")

    unknown_decl = handle_decl
    handle_pi = handle_decl


def survivors(html: str) -> None:
    reader = Survivors()
    reader.feed(html)
    reader.close()
    assert reader.open == []


def test_the_corpus_has_more_than_three_hundred_entries():
    assert len(set(CORPUS)) > 300


@pytest.mark.parametrize("html", written())
def test_nothing_forbidden_survives_a_second_parser(html):
    survivors(cleaned(html))


def test_cleaning_hostile_markup_twice_changes_nothing():
    assert [html for html in CORPUS if cleaned(cleaned(html)) != cleaned(html)] == []


def test_no_control_character_survives():
    unprintable = "\n\t\xa0\xad\u200d\u202c\u202e"
    assert [
        html for html in CORPUS if not cleaned(html).translate(dict.fromkeys(map(ord, unprintable))).isprintable()
    ] == []


def test_nothing_forbidden_survives_in_an_address():
    for html in addresses():
        survivors(cleaned(html))


def test_a_hidden_scheme_leaves_no_trace_in_an_address():
    assert [html for html in addresses() if "script:" in cleaned(html).lower()] == []


@pytest.mark.parametrize("around", ["<p>{}</p>", "<table><tr><td>{}</table>", "<b><a href=x>{}", "<svg>{}", "<pre>{}"])
def test_nothing_forbidden_survives_inside_other_markup(around):
    for html in CORPUS:
        once = cleaned(around.format(html))
        survivors(once)
        assert cleaned(once) == once


PIECES = st.sampled_from(
    [f"<{name}>" for name in [*ALLOWED, "div", "svg", "math", "style", "template", "form", "select", "h1", "x"]]
    + [f"</{name}>" for name in [*ALLOWED, "div", "svg", "math", "style", "template", "form", "select", "h1", "x"]]
    + [
        '<a href="/x">',
        '<img src="y" alt="&lt;">',
        '<iframe src="//youtube.com/x">',
        "<!--",
        "-->",
        "<",
        ">",
        '"',
        "&lt;",
    ]
    + ["x", " ", "\n", "&nbsp;", "&#10;", "&", "=", "'", "\0", "<pre>\n", "<p ", "<td colspan=2>", "&amp;lt;p&gt;"],
)


@given(st.lists(PIECES, max_size=40).map("".join))
def test_broken_nesting_is_cleaned_for_good(html):
    once = cleaned(html)
    survivors(once)
    assert cleaned(once) == once


@given(st.text(alphabet=st.characters(), max_size=60) | st.text(alphabet="<>/&#;a=\"' -!\n", max_size=60))
def test_any_text_is_cleaned_for_good(html):
    once = cleaned(html)
    survivors(once)
    assert cleaned(once) == once


@given(st.text(alphabet=st.characters(), max_size=60))
def test_paragraphs_of_any_text_are_clean(text):
    html = text_to_html(text)
    assert cleaned(html) == html


@given(st.lists(PIECES, max_size=40).map("".join))
def test_text_of_clean_markup_has_folded_white_space(html):
    text = html_to_text(cleaned(html))
    assert "  " not in text
    assert "\n\n\n" not in text
    assert text == text.strip()
