"""Blocks turned back into HTML and text: nothing is lost, in the demo's articles and in hostile bodies."""

import json
from html.parser import HTMLParser
from importlib.resources import files
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsapi.text.blocks import parse_blocks
from newsapi.text.blocks_html import blocks_to_html, blocks_to_text
from newsapi.text.html import html_to_text, sanitize_html

BASE = "https://www.example.it/novita/articolo.html"
HOSTS = frozenset({"youtube.com", "player.vimeo.com", "maps.example.org"})
KINDS = {"paragraph", "heading", "list", "quote", "image", "gallery", "video", "embed", "table", "html"}
INLINE = "abbr b cite code del em i ins kbd mark q s small strong sub sup time u".split()
PICTURES = {"⏎": "\n", "␉": "\t", "␡": "\x7f"} | {chr(0x2400 + code): chr(code) for code in (*range(9), *range(11, 32))}
AROUND = (
    "{}",
    "<p>{}</p><p>{}</p>",
    "Prima <b>{}</b> dopo<hr>{}",
    "<ul><li>{}<li>a <i>{}</i></ul>",
    "<blockquote cite=/x><p>{}<p>{}</blockquote>",
    "<figure><img src=/a.jpg>{}<figcaption>{}</figcaption></figure>",
    "<table><tr><th scope=col>{}<td colspan=2>{}</table>",
)


def cleaned(html: str) -> str:
    return sanitize_html(html, base=BASE, embed_hosts=HOSTS).html


def of_the_demo() -> list[str]:
    lines = (files("newsapi.demo") / "content.ndjson").read_text(encoding="utf-8").splitlines()
    found = (json.loads(line) for line in lines)
    return [cleaned(one["body_html"]) for one in found if one["type"] == "article"]


@pytest.fixture(scope="module")
def hostile() -> list[str]:
    """Each hostile line alone and beside others, in every place that a kind of block is made of; no body twice."""
    lines = Path(__file__).with_name("hostile_html.txt").read_text(encoding="utf-8").splitlines()
    lines = [line.translate(str.maketrans(PICTURES)) for line in lines]
    beside = [lines[3:] + lines[:3], lines[100:] + lines[:100]]
    bodies = (
        cleaned(around.replace("{}", one, 1).replace("{}", other))
        for others in beside
        for one, other in zip(lines, others, strict=True)
        for around in AROUND
    )
    return list(dict.fromkeys(bodies))


DEMO = of_the_demo()


class Skeleton(HTMLParser):
    """Markup without white space; what a paragraph wraps is only told apart from what stands next to it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[object] = []

    def handle_starttag(self, tag, attrs):
        if tag == "p":
            self._apart()
        elif tag in {"td", "th"}:
            self.found.append((tag, [pair for pair in attrs if pair not in {("colspan", "1"), ("rowspan", "1")}]))
        else:
            self._tag(tag, (tag, attrs))

    def handle_endtag(self, tag):
        if tag == "p":
            self._apart()
        else:
            self._tag(tag, f"/{tag}")

    def handle_data(self, data):
        if words := "".join(data.split()):
            self.found.append(words)

    def _apart(self):
        if self.found and self.found[-1] != "¶" and not self._ends_apart():
            self.found.append("¶")

    def _ends_apart(self):
        last = self.found[-1]
        return isinstance(last, tuple) and last[0] not in {*INLINE, "a", "br", "img"}

    def _tag(self, tag, found):
        if self.found[-1:] == ["¶"] and tag not in {*INLINE, "a", "br", "img", "iframe"}:
            self.found.pop()
        self.found.append(found)


def skeleton(html: str) -> list[object]:
    reader = Skeleton()
    reader.feed(html)
    reader.close()
    found = reader.found
    # A paragraph says nothing beside a block, or at either end.
    return [
        one
        for place, one in enumerate(found)
        if one != "¶" or (0 < place < len(found) - 1 and not _is_end_of_block(found[place - 1]))
    ]


def _is_end_of_block(one: object) -> bool:
    return isinstance(one, str) and one.startswith("/") and one[1:] not in {*INLINE, "a", "iframe"}


def lost_nothing(html: str) -> bool:
    made = parse_blocks(html)
    back = cleaned(blocks_to_html(made))
    assert skeleton(back) == skeleton(html)
    assert html_to_text(back).split() == html_to_text(html).split()
    assert blocks_to_text(made).split() == html_to_text(html).split()
    return True


def texts(value: object):
    """Every text with marks, however deep."""
    if isinstance(value, dict):
        if "marks" in value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        yield from chain.from_iterable(map(texts, value))


@pytest.mark.parametrize("html", DEMO)
def test_an_article_of_the_demo_is_read_and_written_letter_by_letter(html):
    assert blocks_to_html(parse_blocks(html)) == html
    assert lost_nothing(html)


def test_hardly_a_block_of_the_demo_is_html():
    kinds = [block["type"] for html in DEMO for block in parse_blocks(html)]
    assert kinds.count("html") <= len(kinds) * 0.02


def test_a_thousand_hostile_bodies_lose_nothing(hostile):
    assert len(hostile) >= 1000
    assert all(map(lost_nothing, hostile))


def test_written_blocks_are_clean_and_read_as_the_same_blocks(hostile):
    for html in hostile:
        made = parse_blocks(html)
        back = blocks_to_html(made)
        assert parse_blocks(back) == made
        assert parse_blocks(cleaned(back)) == made


def test_hostile_bodies_reach_every_kind_but_the_embed(hostile):
    assert {block["type"] for html in hostile for block in parse_blocks(html)} == KINDS - {"embed"}


def test_ids_are_unique_and_blocks_are_json(hostile):
    for html in [*DEMO, *hostile]:
        made = parse_blocks(html)
        assert len({block["id"] for block in made}) == len(made)
        assert json.loads(json.dumps(made)) == made


def test_marks_lie_within_the_text_and_cross_nothing(hostile):
    for found in texts([parse_blocks(html) for html in [*DEMO, *hostile]]):
        marks = found["marks"]
        assert all(0 <= mark["start"] <= mark["end"] <= len(found["text"]) for mark in marks)
        assert [mark["start"] for mark in marks] == sorted(mark["start"] for mark in marks)
        for place, outer in enumerate(marks):
            for inner in marks[place + 1 :]:
                assert inner["end"] <= outer["end"] or inner["start"] >= outer["end"]


def test_a_new_block_in_the_middle_leaves_the_other_ids():
    for html in DEMO:
        made = parse_blocks(html)
        middle = len(made) // 2
        longer = blocks_to_html(made[:middle]) + "<p>Aggiunto dopo</p>" + blocks_to_html(made[middle:])
        assert [block["id"] for block in parse_blocks(longer) if block.get("text") != "Aggiunto dopo"] == [
            block["id"] for block in made
        ]


# None of these letters has a composed form with the accent.
WORDS = st.text(alphabet="bè🏎\u0301\u200d漢&<>\"'\xa0", min_size=1, max_size=6)
MARKED = st.recursive(
    WORDS, lambda inner: st.tuples(st.sampled_from(INLINE), st.lists(inner, min_size=1, max_size=3)), max_leaves=12
)


def written(node) -> str:
    if isinstance(node, str):
        return node.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"<{node[0]}>{''.join(map(written, node[1]))}</{node[0]}>"


def words_of(node) -> str:
    return node if isinstance(node, str) else "".join(map(words_of, node[1]))


def marks_of(nodes, start: int = 0):
    for node in nodes:
        if not isinstance(node, str):
            yield start, start + len(words_of(node)), node[0]
            yield from marks_of(node[1], start)
        start += len(words_of(node))


@given(st.lists(MARKED, min_size=1, max_size=4))
def test_nested_marks_are_where_their_elements_were(nodes):
    html = cleaned(f"<p>{''.join(map(written, nodes))}</p>")
    [block] = parse_blocks(html)
    assert block["text"] == "".join(map(words_of, nodes))
    assert [(mark["start"], mark["end"], mark["type"]) for mark in block["marks"]] == list(marks_of(nodes))
    assert blocks_to_html([block]) == html


TAGS = (
    "p h2 ul ol li blockquote figure figcaption table caption thead tbody tr th td hr br dl dt dd pre b i div".split()
)
PIECES = st.sampled_from(
    [f"<{name}>" for name in TAGS]
    + [f"</{name}>" for name in TAGS]
    + ['<a href="/x" title=t>', "</a>", '<img src="y" alt="&lt;">', '<iframe src="//youtube.com/x"></iframe>']
    + ['<iframe src="//maps.example.org/x">', "<td colspan=2>", "<td colspan=1>", "<ol start=2>", "<li value=4>"]
    + ["x", "y", " ", "\n", "&nbsp;", "&amp;lt;", "🏎", 'colspan="1"'],
)


@given(st.lists(PIECES, max_size=40).map("".join))
def test_broken_markup_loses_nothing(html):
    html = cleaned(html)
    made = parse_blocks(html)
    assert parse_blocks(blocks_to_html(made)) == made
    assert lost_nothing(html)


@pytest.mark.parametrize(
    "piece", ["<b>a <i>b</i></b> <br> \n", "<b></b>", "<ul><li>a</li></ul>", "<p>a</p>", " \n", "&lt;&nbsp;"]
)
def test_a_large_body_is_read_whole(piece):
    html = piece * 3_000
    made = parse_blocks(html)
    assert parse_blocks(blocks_to_html(made)) == made
    assert blocks_to_text(made).split() == html_to_text(html).split()
