"""The body as blocks, for apps that render no HTML: read from cleaned HTML, with nothing lost.

Each element of the top level becomes a block, and so does each run of what is inline between them. A block is of a
typed kind only where the HTML written from it is its source again; all else is a block of type `html`, which holds the
source itself. So no construct can fall through. The same means: but for white space that a browser folds, a `<p>` that
wraps the whole of something (a cell, an item, a picture), and a `colspan` or `rowspan` of 1.

    paragraph       text, marks
    heading         level (2 to 4), text, marks
    list            ordered, start, reversed, items[{text, marks, value, lists[list]}]
    quote           cite, paragraphs[{text, marks}], caption, figure
    image           url, alt, width, height, href, caption, figure
    gallery         images[image], caption, figure
    video           provider ("youtube", "vimeo", "dailymotion"), then as embed
    embed           url, width, height, title, fullscreen, caption, figure
    table           head, rows, foot (rows of cells {text, marks, header, colspan, rowspan, scope}), caption, figure
    html            html

Every key of a kind is always there, null where nothing is known; a block inside another has its `type` and no `id`.
`caption` is null or {text, marks}. `figure` tells whether the source has a `<figure>` around it. `href` of an image is
where a link around it leads.

`text` holds words with single spaces; `<br>` is a line feed. `marks` are {start, end, type, href, attributes}: ranges
of the text in Unicode code points, in the order in which they begin, the outer one first; two of them are nested or
apart. The type is "link" for `<a>`, else the element's name; `href` is null but for links; `attributes` holds the rest
(`title`, `hreflang`, `data-article-id`, `cite`, `datetime`) as it was written.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from html import unescape
from itertools import groupby
from typing import Final

from newsapi.text.allowed import BLOCKS
from newsapi.text.blocks_html import LEVELS, MARKS, Block, html_of
from newsapi.text.blocks_tree import Node, NotThisKind, folded, is_blank, sole, tree
from newsapi.text.markup import to_text
from newsapi.text.own_links import WRITTEN_ID

_HOST = re.compile(r"https://([^/?#:]+)")
# What separates the words on both its sides. A stray item or term does not, and stays with what is around it.
_APART: Final = BLOCKS - {"li", "dt", "dd"}
_NO_TEXT: Final = BLOCKS | {"img", "iframe"}
_PROVIDERS: Final = {
    "youtube.com": "youtube",
    "youtube-nocookie.com": "youtube",
    "youtu.be": "youtube",
    "vimeo.com": "vimeo",
    "dailymotion.com": "dailymotion",
    "dai.ly": "dailymotion",
}


def blocks(html: str) -> list[Block]:
    """Read a body as blocks.

    In: HTML as `clean` writes it. Out: the blocks in their order, each with an `id` that is its own in this body and
    stays while the block does, whatever happens around it.
    """
    made: list[Block] = []
    seen: dict[str, int] = {}
    for node, source in _segments(html):
        block, written = _block(node, source)
        # Which articles its links lead to may change while the block does not.
        digest = blake2b(WRITTEN_ID.sub("", written).encode(), digest_size=5).hexdigest()
        seen[digest] = seen.get(digest, 0) + 1
        made.append({"id": digest if seen[digest] == 1 else f"{digest}-{seen[digest]}", **block})
    return made


def _segments(html: str) -> Iterator[tuple[Node, str]]:
    """Answer each element of the top level with its source; what is inline between two of them as one paragraph."""
    for apart, run in groupby(tree(html), lambda child: isinstance(child, Node) and child.name in _APART):
        if apart:
            yield from ((node, str(node)) for node in run if isinstance(node, Node))
        else:
            inline = list(run)
            if source := "".join(map(str, inline)).strip(" \t\n"):
                yield Node("p", "", inline), source


def _block(node: Node, source: str) -> tuple[Block, str]:
    """Answer the block of the kind that fits, else of type html; and the HTML written from it."""
    try:
        made = _READERS.get(node.name, _refused)(node)
        written = html_of([made])
        if _same(written, source):
            return made, written
    except NotThisKind:
        pass
    return {"type": "html", "html": source}, source


def _same(one: str, other: str) -> bool:
    """Whether two pieces of HTML have the same markup and the same words."""
    return one == other or (_markup(one) == _markup(other) and to_text(one).split() == to_text(other).split())


def _markup(html: str) -> str:
    """Take out white space, paragraphs but where one follows another, and spans of one."""
    for without in (" ", "\t", "\n", 'colspan="1"', 'rowspan="1"'):
        html = html.replace(without, "")
    return html.replace("</p><p>", "<>").replace("<p>", "").replace("</p>", "")


def _refused(_: Node) -> Block:
    raise NotThisKind


@dataclass(slots=True)
class _Line:
    """Words and marks as they are gathered."""

    words: list[str] = field(default_factory=list)
    marks: list[Block] = field(default_factory=list)
    length: int = 0

    def read(self, children: Sequence[Node | str]) -> None:
        for child in children:
            if isinstance(child, str):
                self._add(unescape(folded(child)))
            elif child.name == "br":
                self._add("\n")
            elif child.name in _NO_TEXT:
                raise NotThisKind
            else:
                self._mark(child)

    def _add(self, words: str) -> None:
        """Add words; a space at the start, behind another or behind a line feed is none."""
        if words[0] == " " and (not self.words or self.words[-1][-1] in " \n"):
            words = words[1:]
        if words:
            self.words.append(words)
            self.length += len(words)

    def _mark(self, node: Node) -> None:
        attributes = node.attributes()
        href = attributes.pop("href", None)
        mark = {"start": self.length, "end": self.length, "type": MARKS.get(node.name, node.name), "href": href}
        mark["attributes"] = attributes
        self.marks.append(mark)
        self.read(node.children)
        mark["end"] = self.length


def _text(children: Sequence[Node | str]) -> Block:
    """Read inline content; a paragraph around all of it is taken off."""
    paragraph = sole(children)
    if paragraph is not None and paragraph.name == "p":
        children = paragraph.children
    line = _Line()
    line.read(children)
    text = "".join(line.words)
    if text.endswith(" "):
        text = text[:-1]
        for mark in line.marks:
            mark["start"], mark["end"] = min(mark["start"], len(text)), min(mark["end"], len(text))
    return {"text": text, "marks": line.marks}


def _paragraph(node: Node) -> Block:
    """Words, or pictures and embeds alone."""
    elements = [child for child in node.children if isinstance(child, Node)]
    if elements and all(map(_is_media, elements)):
        return {**_media(node.elements()), "caption": None, "figure": False}
    return {"type": "paragraph", **_text(node.children)}


def _heading(node: Node) -> Block:
    return {"type": "heading", "level": LEVELS[node.name], **_text(node.children)}


def _list(node: Node) -> Block:
    found = node.attributes()
    return {
        "type": "list",
        "ordered": node.name == "ol",
        "start": _number(found, "start"),
        "reversed": "reversed" in found,
        "items": [_item(child) for child in node.elements()],
    }


def _item(node: Node) -> Block:
    """Words, and the lists that follow them."""
    if node.name != "li":
        raise NotThisKind
    words = list(node.children)
    lists: list[Block] = []
    while words:
        last = words[-1]
        if isinstance(last, Node) and last.name in {"ul", "ol"}:
            lists.append(_list(last))
        elif not is_blank(last):
            break
        words.pop()
    return {**_text(words), "value": _number(node.attributes(), "value"), "lists": lists[::-1]}


def _quote(node: Node) -> Block:
    if any(isinstance(child, Node) and child.name == "p" for child in node.children):
        paragraphs = [_text(child.children if child.name == "p" else [child]) for child in node.elements()]
    else:
        paragraphs = [_text(node.children)]
    cite = node.attributes().get("cite")
    return {"type": "quote", "cite": cite, "paragraphs": paragraphs, "caption": None, "figure": False}


def _figure(node: Node) -> Block:
    """A quote, a table, a picture or an embed with its caption; several pictures are a gallery."""
    parts = node.elements()
    caption = _text(parts.pop().children) if parts and parts[-1].name == "figcaption" else None
    if len(parts) == 1 and parts[0].name == "p":
        parts = parts[0].elements()
    if len(parts) == 1 and parts[0].name in {"blockquote", "table"}:
        made = _READERS[parts[0].name](parts[0])
    else:
        made = _media(parts)
    return {**made, "caption": caption, "figure": True}


def _is_media(node: Node) -> bool:
    inside = sole(node.children) if node.name == "a" else node
    return inside is not None and inside.name in {"img", "iframe"}


def _media(parts: Sequence[Node]) -> Block:
    """Read one picture or embed, or else a gallery."""
    if len(parts) == 1 and parts[0].name != "figure":
        return _medium(parts[0])
    images = [_figure(part) if part.name == "figure" else _medium(part) for part in parts]
    if not images or any(image["type"] != "image" for image in images):
        raise NotThisKind
    return {"type": "gallery", "images": images}


def _medium(node: Node) -> Block:
    if node.name == "iframe":
        return _embed(node)
    href = node.attributes()["href"] if node.name == "a" else None
    picture = sole(node.children) if node.name == "a" else node
    if picture is None or picture.name != "img":
        raise NotThisKind
    found = picture.attributes()
    about = {"type": "image", "url": found["src"], "alt": found.get("alt"), **_size(found)}
    return {**about, "href": href, "caption": None, "figure": False}


def _embed(node: Node) -> Block:
    found = node.attributes()
    host = _HOST.match(found["src"])
    provider = _PROVIDERS.get(".".join(host[1].lower().split(".")[-2:])) if host else None
    return {
        **({"type": "video", "provider": provider} if provider else {"type": "embed"}),
        "url": found["src"],
        **_size(found),
        "title": found.get("title"),
        "fullscreen": "allowfullscreen" in found,
        "caption": None,
        "figure": False,
    }


def _table(node: Node) -> Block:
    made: Block = {"type": "table", "head": [], "rows": [], "foot": [], "caption": None, "figure": False}
    places = {"thead": "head", "tbody": "rows", "tfoot": "foot"}
    for part in node.elements():
        if part.name == "caption":
            made["caption"] = _text(part.children)
        elif part.name in places:
            made[places[part.name]] += [[_cell(cell) for cell in row.elements()] for row in part.elements()]
    return made


def _cell(node: Node) -> Block:
    found = node.attributes()
    spans = {name: int(found.get(name, 1)) for name in ("colspan", "rowspan")}
    return {**_text(node.children), "header": node.name == "th", **spans, "scope": found.get("scope")}


def _size(found: dict[str, str]) -> dict[str, int | None]:
    return {name: _number(found, name) for name in ("width", "height")}


def _number(found: dict[str, str], name: str) -> int | None:
    return int(found[name]) if name in found else None


_READERS: Final[dict[str, Callable[[Node], Block]]] = {
    "p": _paragraph,
    **dict.fromkeys(LEVELS, _heading),
    "ul": _list,
    "ol": _list,
    "blockquote": _quote,
    "figure": _figure,
    "table": _table,
}
