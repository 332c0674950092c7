"""Lossless parsing of a sanitized body into blocks, for applications that do not render HTML.

Each top-level element becomes a block, and so does each run of inline content between them. A block gets a specific
type only if the HTML rendered from it equals its source; otherwise its type is `html` and it holds the source, so that
no construct is lost. The comparison ignores white space that a browser collapses, a `<p>` that wraps the whole content
of a cell, an item or an image, and a `colspan` or `rowspan` of 1.

    paragraph       text, marks
    heading         level (2 to 4), text, marks
    list            ordered, start, reversed, items[{text, marks, value, anchor, lists[list]}]
    quote           cite, paragraphs[{text, marks}], caption, figure
    image           url, alt, width, height, href, caption, figure
    gallery         images[image], caption, figure
    video           provider ("youtube", "vimeo", "dailymotion"), then as embed
    embed           url, width, height, title, fullscreen, caption, figure
    table           head, rows, foot (rows of cells {text, marks, header, colspan, rowspan, scope}), caption, figure
    html            html

Every member of a block type is always present, null if unknown; a block inside another has a `type`, no `id` and no
`anchor`. `anchor` is the `id` attribute of the block's element, to which links within the page lead; items of a list
have one too.
`caption` is null or {text, marks}. `figure` says whether the source has a `<figure>` around the block. `href` of an
image is the target of the link around it.

`text` has single spaces between words; `<br>` is a line feed. `marks` are {start, end, type, href, attributes}: ranges
of the text in Unicode code points, ordered by start with the outer mark first; two marks are nested or disjoint. The
type is "link" for `<a>`, else the name of the element; `href` is null except for links; `attributes` holds the others
(`id`, `title`, `hreflang`, `data-article-id`, `cite`, `datetime`) as they were written.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import groupby
from typing import Final

from newsapi.text.blocks_html import LEVELS, MARK_ELEMENTS, Block, blocks_to_html
from newsapi.text.body_html.policy import BLOCK_ELEMENTS, FORCED_ATTRIBUTES
from newsapi.text.body_html.tree import (
    Child,
    Node,
    collapse_whitespace,
    is_blank,
    only_child,
    parse_fragment,
    serialize,
)
from newsapi.text.html import html_to_text
from newsapi.text.internal_links import ARTICLE_ID_PATTERN

_HOST = re.compile(r"https://([^/?#:]+)")
# Elements that form a block of their own. A stray list item or term does not: it stays in the run around it.
_BLOCK_SEPARATOR: Final = BLOCK_ELEMENTS - {"li", "dt", "dd"}
_NO_TEXT: Final = BLOCK_ELEMENTS | {"img", "iframe"}
_PROVIDERS: Final = {
    "youtube.com": "youtube",
    "youtube-nocookie.com": "youtube",
    "youtu.be": "youtube",
    "vimeo.com": "vimeo",
    "dailymotion.com": "dailymotion",
    "dai.ly": "dailymotion",
}


class BlockTypeMismatch(Exception):
    """The element does not fit the block type that was tried."""


def parse_blocks(html: str) -> list[Block]:
    """Parse a body into blocks.

    Args:
        html: HTML as `sanitize_html` returns it.

    Returns:
        The blocks in document order. The `id` of a block is unique in this body and depends on the content of the block
        only: it does not change when other blocks do.
    """
    parsed: list[Block] = []
    occurrences: dict[str, int] = {}
    for node, source in _segments(html):
        block, rendered = _block(node, source)
        # The article ids of links are excluded: they may change while the block does not.
        digest = blake2b(ARTICLE_ID_PATTERN.sub("", rendered).encode(), digest_size=5).hexdigest()
        occurrences[digest] = count = occurrences.get(digest, 0) + 1
        parsed.append({"id": digest if count == 1 else f"{digest}-{count}", **block})
    return parsed


def _segments(html: str) -> Iterator[tuple[Node, str]]:
    """Yield each top-level element with its source; each run of inline content between them as one paragraph."""
    for is_separator, run in groupby(
        parse_fragment(html), lambda child: isinstance(child, Node) and child.name in _BLOCK_SEPARATOR
    ):
        if is_separator:
            yield from ((node, serialize([node])) for node in run if isinstance(node, Node))
        else:
            inline = list(run)
            if source := serialize(inline).strip(" \t\n"):
                yield Node("p", {}, inline), source


def _block(node: Node, source: str) -> tuple[Block, str]:
    """Return the block of the type that fits, else of type html, and the HTML rendered from it."""
    try:
        anchor = node.attributes.get("id")
        block = {"anchor": anchor, **_BLOCK_PARSERS.get(node.name, _reject)(node)}
        rendered = blocks_to_html([block])
        if _renders_equal(rendered, source):
            return block, rendered
    except BlockTypeMismatch:
        pass
    return {"anchor": None, "type": "html", "html": source}, source


def _renders_equal(rendered: str, source: str) -> bool:
    """Return whether two pieces of HTML have the same markup and the same words."""
    return rendered == source or (
        _markup(rendered) == _markup(source) and html_to_text(rendered).split() == html_to_text(source).split()
    )


def _markup(html: str) -> str:
    """Remove white space, the tags of paragraphs except between two of them, and spans of 1."""
    for insignificant in (" ", "\t", "\n", 'colspan="1"', 'rowspan="1"'):
        html = html.replace(insignificant, "")
    return html.replace("</p><p>", "<>").replace("<p>", "").replace("</p>", "")


def _reject(_: Node) -> Block:
    raise BlockTypeMismatch


@dataclass(slots=True)
class _RichTextBuilder:
    """The text and the marks of inline content, collected in one pass."""

    words: list[str] = field(default_factory=list)
    marks: list[Block] = field(default_factory=list)
    length: int = 0

    def read(self, children: Sequence[Child]) -> None:
        for child in children:
            if isinstance(child, str):
                self._add(collapse_whitespace(child))
            elif child.name == "br":
                self._add("\n")
            elif child.name in _NO_TEXT:
                raise BlockTypeMismatch
            else:
                self._mark(child)

    def _add(self, text: str) -> None:
        """Append text, without a space at the start, after another space or after a line feed."""
        if text[0] == " " and (not self.words or self.words[-1][-1] in " \n"):
            text = text[1:]
        if text:
            self.words.append(text)
            self.length += len(text)

    def _mark(self, node: Node) -> None:
        attributes = _attributes(node)
        href = attributes.pop("href", None)
        mark = {"start": self.length, "end": self.length, "type": MARK_ELEMENTS.get(node.name, node.name), "href": href}
        mark["attributes"] = attributes
        self.marks.append(mark)
        self.read(node.children)
        mark["end"] = self.length


def _text(children: Sequence[Child]) -> Block:
    """Parse inline content, without a paragraph that wraps all of it."""
    paragraph = only_child(children)
    if paragraph is not None and paragraph.name == "p":
        children = paragraph.children
    builder = _RichTextBuilder()
    builder.read(children)
    text = "".join(builder.words)
    if text.endswith(" "):
        text = text[:-1]
        for mark in builder.marks:
            mark["start"], mark["end"] = min(mark["start"], len(text)), min(mark["end"], len(text))
    return {"text": text, "marks": builder.marks}


def _paragraph(node: Node) -> Block:
    """Parse a paragraph of text, or of images and embeds only."""
    elements = [child for child in node.children if isinstance(child, Node)]
    if elements and all(map(_is_media, elements)):
        return {**_media(_elements(node)), "caption": None, "figure": False}
    return {"type": "paragraph", **_text(node.children)}


def _heading(node: Node) -> Block:
    return {"type": "heading", "level": LEVELS[node.name], **_text(node.children)}


def _list(node: Node) -> Block:
    attributes = _attributes(node)
    return {
        "type": "list",
        "ordered": node.name == "ol",
        "start": _number(attributes, "start"),
        "reversed": "reversed" in attributes,
        "items": [_item(child) for child in _elements(node)],
    }


def _item(node: Node) -> Block:
    """Parse the text of an item, and the lists that follow it."""
    if node.name != "li":
        raise BlockTypeMismatch
    inline = list(node.children)
    lists: list[Block] = []
    while inline:
        last = inline[-1]
        if isinstance(last, Node) and last.name in {"ul", "ol"}:
            lists.append(_list(last))
        elif not is_blank(last):
            break
        inline.pop()
    attributes = _attributes(node)
    value, anchor = _number(attributes, "value"), attributes.get("id")
    return {**_text(inline), "value": value, "anchor": anchor, "lists": lists[::-1]}


def _quote(node: Node) -> Block:
    if any(isinstance(child, Node) and child.name == "p" for child in node.children):
        paragraphs = [_text(child.children if child.name == "p" else [child]) for child in _elements(node)]
    else:
        paragraphs = [_text(node.children)]
    cite = _attributes(node).get("cite")
    return {"type": "quote", "cite": cite, "paragraphs": paragraphs, "caption": None, "figure": False}


def _figure(node: Node) -> Block:
    """Parse a quote, a table, an image or an embed with its caption; several images are a gallery."""
    parts = _elements(node)
    caption = _text(parts.pop().children) if parts and parts[-1].name == "figcaption" else None
    if len(parts) == 1 and parts[0].name == "p":
        parts = parts[0].elements()
    if len(parts) == 1 and parts[0].name in {"blockquote", "table"}:
        block = _BLOCK_PARSERS[parts[0].name](parts[0])
    else:
        block = _media(parts)
    return {**block, "caption": caption, "figure": True}


def _is_media(node: Node) -> bool:
    element = only_child(node.children) if node.name == "a" else node
    return element is not None and element.name in {"img", "iframe"}


def _media(parts: Sequence[Node]) -> Block:
    """Parse one image or embed, or else a gallery."""
    if len(parts) == 1 and parts[0].name != "figure":
        return _medium(parts[0])
    images = [_figure(part) if part.name == "figure" else _medium(part) for part in parts]
    if not images or any(image["type"] != "image" for image in images):
        raise BlockTypeMismatch
    return {"type": "gallery", "images": images}


def _medium(node: Node) -> Block:
    if node.name == "iframe":
        return _embed(node)
    href = _attributes(node)["href"] if node.name == "a" else None
    image = only_child(node.children) if node.name == "a" else node
    if image is None or image.name != "img":
        raise BlockTypeMismatch
    attributes = _attributes(image)
    return {
        "type": "image",
        "url": attributes["src"],
        "alt": attributes.get("alt"),
        **_size(attributes),
        "href": href,
        "caption": None,
        "figure": False,
    }


def _embed(node: Node) -> Block:
    attributes = _attributes(node)
    host = _HOST.match(attributes["src"])
    provider = _PROVIDERS.get(".".join(host[1].lower().split(".")[-2:])) if host else None
    return {
        **({"type": "video", "provider": provider} if provider else {"type": "embed"}),
        "url": attributes["src"],
        **_size(attributes),
        "title": attributes.get("title"),
        "fullscreen": "allowfullscreen" in attributes,
        "caption": None,
        "figure": False,
    }


def _table(node: Node) -> Block:
    block: Block = {"type": "table", "head": [], "rows": [], "foot": [], "caption": None, "figure": False}
    groups = {"thead": "head", "tbody": "rows", "tfoot": "foot"}
    for part in _elements(node):
        if part.name == "caption":
            block["caption"] = _text(part.children)
        elif part.name in groups:
            block[groups[part.name]] += [[_cell(cell) for cell in _elements(row)] for row in _elements(part)]
    return block


def _cell(node: Node) -> Block:
    attributes = _attributes(node)
    spans = {name: int(attributes.get(name, 1)) for name in ("colspan", "rowspan")}
    return {**_text(node.children), "header": node.name == "th", **spans, "scope": attributes.get("scope")}


def _attributes(node: Node) -> dict[str, str]:
    """Return the attributes of an element without those that are always written."""
    forced = FORCED_ATTRIBUTES.get(node.name, {})
    return {name: value for name, value in node.attributes.items() if name not in forced}


def _elements(node: Node) -> list[Node]:
    """Return the child elements; raise BlockTypeMismatch if there is text between them."""
    if any(isinstance(child, str) and not is_blank(child) for child in node.children):
        raise BlockTypeMismatch
    return node.elements()


def _size(attributes: dict[str, str]) -> dict[str, int | None]:
    return {name: _number(attributes, name) for name in ("width", "height")}


def _number(attributes: dict[str, str], name: str) -> int | None:
    return int(attributes[name]) if name in attributes else None


_BLOCK_PARSERS: Final[dict[str, Callable[[Node], Block]]] = {
    "p": _paragraph,
    **dict.fromkeys(LEVELS, _heading),
    "ul": _list,
    "ol": _list,
    "blockquote": _quote,
    "figure": _figure,
    "table": _table,
}
