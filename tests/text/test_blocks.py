"""Blocks: what each kind holds, what it is read from, and what stays HTML."""

import pytest

from newsapi.text.blocks import parse_blocks
from newsapi.text.blocks_html import blocks_to_html, blocks_to_text
from newsapi.text.html import html_to_text, sanitize_html

BASE = "https://www.example.it/novita/articolo.html"
HOSTS = frozenset({"youtube.com", "player.vimeo.com", "dailymotion.com", "maps.example.org"})
PICTURE = '<img src="https://example.org/a.jpg" alt="Una fabbrica" width="1600" height="900">'
OTHER = '<img src="https://example.org/b.jpg">'
IMAGE = {
    "type": "image",
    "url": "https://example.org/a.jpg",
    "alt": "Una fabbrica",
    "width": 1600,
    "height": 900,
    "href": None,
    "caption": None,
    "figure": False,
}
SECOND = IMAGE | {"url": "https://example.org/b.jpg", "alt": None, "width": None, "height": None}
FRAME = '<iframe src="https://{}/x" width="560" height="315" title="Il video" allowfullscreen></iframe>'
EMBED = {
    "type": "embed",
    "url": "https://maps.example.org/x",
    "width": 560,
    "height": 315,
    "title": "Il video",
    "fullscreen": True,
    "caption": None,
    "figure": False,
}

TABLE = (
    "<table><caption>t</caption><thead><tr><th scope=col colspan=2>a</th></tr></thead>"
    "<tbody><tr><td><p>b</p></td><td colspan=1 rowspan=3>c</td></tr></tbody><tfoot><tr><td>d</tfoot></table>"
)


def cleaned(html: str) -> str:
    return sanitize_html(html, base=BASE, embed_hosts=HOSTS).html


def read(html: str) -> list[dict]:
    """The blocks of a body without their ids, and without anchors where they have none."""
    blocks = parse_blocks(cleaned(html))
    return [
        {key: block[key] for key in block if key != "id" and (key, block[key]) != ("anchor", None)} for block in blocks
    ]


def text(words: str, *marks: dict) -> dict:
    return {"text": words, "marks": list(marks)}


def mark(start: int, end: int, kind: str, href: str | None = None, **attributes: str) -> dict:
    return {"start": start, "end": end, "type": kind, "href": href, "attributes": attributes}


def cell(words: str, **other: object) -> dict:
    return {**text(words), "header": False, "colspan": 1, "rowspan": 1, "scope": None} | other


def item(words: str, *lists: dict, value: int | None = None) -> dict:
    return {**text(words), "value": value, "anchor": None, "lists": list(lists)}


def rows(*items: dict, ordered: bool = False, start: int | None = None, backwards: bool = False) -> dict:
    return {"type": "list", "ordered": ordered, "start": start, "reversed": backwards, "items": list(items)}


@pytest.mark.parametrize(
    ("html", "block"),
    [
        ("<p>a</p>", {"type": "paragraph", **text("a")}),
        ("loose <b>text</b>", {"type": "paragraph", **text("loose text", mark(6, 10, "b"))}),
        ("<h3>a</h3>", {"type": "heading", "level": 3, **text("a")}),
        ("<ul><li>a</li><li><p>b</p></li></ul>", rows(item("a"), item("b"))),
        (
            "<ol start=3 reversed><li value=9>a\n<ul><li>b</ul><ol><li>c</ol></ol>",
            rows(
                item("a", rows(item("b")), rows(item("c"), ordered=True), value=9),
                ordered=True,
                start=3,
                backwards=True,
            ),
        ),
        (
            "<blockquote cite=/x><p>a</p> <p>b</p></blockquote>",
            {
                "type": "quote",
                "cite": "https://www.example.it/x",
                "paragraphs": [text("a"), text("b")],
                "caption": None,
                "figure": False,
            },
        ),
        (
            "<figure><blockquote>a</blockquote><figcaption>Enzo</figcaption></figure>",
            {"type": "quote", "cite": None, "paragraphs": [text("a")], "caption": text("Enzo"), "figure": True},
        ),
        (PICTURE, IMAGE),
        (f"<p>\n{PICTURE}\n</p>", IMAGE),
        (f"<p><a href='/big.jpg'>{PICTURE}</a></p>", IMAGE | {"href": "https://www.example.it/big.jpg"}),
        (f"<figure>{PICTURE}</figure>", IMAGE | {"figure": True}),
        (
            f"<figure>\n<p>{PICTURE}</p>\n<figcaption>Le <em>celle</em></figcaption></figure>",
            IMAGE | {"figure": True, "caption": text("Le celle", mark(3, 8, "em"))},
        ),
        (f"<figure>{FRAME.format('maps.example.org')}</figure>", EMBED | {"figure": True}),
        (f"<p>{FRAME.format('maps.example.org')}</p>", EMBED),
        (
            f"<figure>{PICTURE} {OTHER}<figcaption>c</figcaption></figure>",
            {"type": "gallery", "images": [IMAGE, SECOND], "caption": text("c"), "figure": True},
        ),
        (
            f"<figure><figure>{PICTURE}<figcaption>c</figcaption></figure><figure>{OTHER}</figure></figure>",
            {
                "type": "gallery",
                "images": [IMAGE | {"caption": text("c"), "figure": True}, SECOND | {"figure": True}],
                "caption": None,
                "figure": True,
            },
        ),
        (
            f"<p>{PICTURE}{OTHER}</p>",
            {"type": "gallery", "images": [IMAGE, SECOND], "caption": None, "figure": False},
        ),
        (
            TABLE,
            {
                "type": "table",
                "head": [[cell("a", header=True, colspan=2, scope="col")]],
                "rows": [[cell("b"), cell("c", rowspan=3)]],
                "foot": [[cell("d")]],
                "caption": text("t"),
                "figure": False,
            },
        ),
        (
            "<figure><table><tr><td>a</table><figcaption>t</figcaption></figure>",
            {"type": "table", "head": [], "rows": [[cell("a")]], "foot": [], "caption": text("t"), "figure": True},
        ),
        ("<hr>", {"type": "html", "html": "<hr>"}),
    ],
)
def test_a_construct_becomes_one_block(html, block):
    assert read(html) == [block]
    assert blocks_to_text([block]).split() == html_to_text(cleaned(html)).split()


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        ("www.youtube.com", "youtube"),
        ("player.vimeo.com", "vimeo"),
        ("geo.dailymotion.com", "dailymotion"),
        ("WWW.YOUTUBE.COM:443", "youtube"),
    ],
)
def test_a_frame_of_a_known_host_is_a_video(host, provider):
    [block] = read(FRAME.format(host))
    assert block == EMBED | {"type": "video", "provider": provider, "url": f"https://{host}/x"}


@pytest.mark.parametrize(
    "html",
    [
        "<pre>a\n  b</pre>",
        "<dl><dt>a</dt><dd>b</dd></dl>",
        f"<p>a {PICTURE} b</p>",
        f"<p>{PICTURE}<br>a</p>",
        f"<p><a href='/x' title='t'>{PICTURE}</a></p>",
        f"<figure><figcaption>a</figcaption>{PICTURE}</figure>",
        f"<figure>{PICTURE}{FRAME.format('maps.example.org')}</figure>",
        "<figure><p>a</p></figure>",
        "<ul><li><p>a</p><p>b</p></li></ul>",
        "<ul><li>a<ul><li>b</li></ul>c</li></ul>",
        "<ul>a<li>b</li></ul>",
        "<blockquote><p>a</p><ul><li>b</li></ul></blockquote>",
        "<blockquote>a<p>b</p></blockquote>",
        "<table><tr><td><ul><li>b</ul></table>",
        "<table><tbody><tr><td>a</tbody><tbody><tr><td>b</tbody></table>",
        "<table><tbody><tr><td>a</tbody><thead><tr><td>b</thead></table>",
        "<figure><table><caption>a</caption><tr><td>b</table></figure>",
        "<p>a<b>b<i></i></b></p>",
        "<ol start='007'><li>a</li></ol>",
        "<b><h2>a</h2></b>",
        "<li>a</li>b",
    ],
)
def test_what_no_kind_can_say_stays_html(html):
    source = cleaned(html)
    assert read(html) == [{"type": "html", "html": source}]


def test_marks_count_code_points_and_the_outer_one_is_first():
    html = (
        '<p>🏎️ è <a href="/x" title="t" hreflang="en">una <b>x\u0301lite</b></a>, <time datetime="2016">ieri</time></p>'
    )
    words = "🏎️ è una x\u0301lite, ieri"
    assert read(html) == [
        {
            "type": "paragraph",
            **text(
                words,
                mark(5, 15, "link", "https://www.example.it/x", title="t", hreflang="en"),
                mark(9, 15, "b"),
                mark(17, 21, "time", datetime="2016"),
            ),
        },
    ]
    assert words[5:15] == "una x\u0301lite"


def test_a_break_is_a_line_feed_and_a_line_feed_is_a_space():
    assert read("<p>a\nb<br>\n c<br></p>") == [{"type": "paragraph", **text("a b\nc\n")}]


def test_white_space_is_folded_across_marks():
    assert read("<p> <b> a </b> <i> b</i> </p>") == [
        {"type": "paragraph", **text("a b", mark(0, 2, "b"), mark(2, 3, "i"))},
    ]


def test_a_space_that_must_not_break_is_kept():
    assert read("<p>&nbsp;100&nbsp;km </p>") == [{"type": "paragraph", **text("\xa0100\xa0km")}]


def test_white_space_between_blocks_makes_no_block():
    assert [block["type"] for block in read("\n<p>a</p>\n\n<h2>b</h2>\n c \n<hr>")] == [
        "paragraph",
        "heading",
        "paragraph",
        "html",
    ]


def test_no_body_has_no_blocks():
    assert parse_blocks("") == parse_blocks(" \n") == []
    assert blocks_to_html([]) == ""


def test_an_id_stays_when_other_blocks_come_and_go():
    def ids(html: str) -> dict[str, str]:
        return {blocks_to_html([block]): block["id"] for block in parse_blocks(cleaned(html))}

    before = ids("<p>a</p><h2>b</h2><pre>c</pre>")
    after = ids("<p>new</p><p>a</p>\n<hr><h2>b</h2><ul><li>d</ul><pre>c</pre>")
    assert before.items() <= after.items()
    assert len(set(after.values())) == 6


def test_equal_blocks_have_different_ids():
    first, second, third = (block["id"] for block in parse_blocks("<p>a</p><p>a</p><p>a</p>"))
    assert (second, third) == (f"{first}-2", f"{first}-3")


def test_an_id_does_not_depend_on_white_space_around_words():
    assert parse_blocks("<p>a</p>") == parse_blocks("\n a ") == parse_blocks("<p> a\n</p>")


@pytest.mark.parametrize(
    ("html", "block"),
    [
        ("<h2 id=x>a</h2>", {"anchor": "x", "type": "heading", "level": 2, **text("a")}),
        ("<p id=x>a</p>", {"anchor": "x", "type": "paragraph", **text("a")}),
        (f"<p id=x>{PICTURE}</p>", {"anchor": "x", **IMAGE}),
        (f"<figure id=x>{PICTURE}</figure>", {"anchor": "x", **IMAGE, "figure": True}),
        ("<ol><li id=x>a</li></ol>", rows(item("a") | {"anchor": "x"}, ordered=True)),
        ("<p>a<sup id=x>b</sup></p>", {"type": "paragraph", **text("ab", mark(1, 2, "sup", id="x"))}),
    ],
)
def test_a_block_to_which_a_link_leads_has_an_anchor(html, block):
    link = mark(0, 1, "link", "#x")
    assert read(f"{html}<p><a href='#x'>c</a></p>") == [block, {"type": "paragraph", **text("c", link)}]


def test_an_empty_figure_leaves_nothing():
    assert read("<figure></figure><p>a</p>") == [{"type": "paragraph", **text("a")}]
