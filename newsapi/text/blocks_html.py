"""Rendering of blocks as HTML and as text. The module `blocks` documents the members of each block type."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from newsapi.text.body_html.policy import FORCED_ATTRIBUTES
from newsapi.text.body_html.tree import escape_attribute, escape_text
from newsapi.text.html import html_to_text
from newsapi.text.json_types import JsonObject, JsonValue

Block: TypeAlias = JsonObject
JsonMapping: TypeAlias = Mapping[str, JsonValue]
"""A block, a rich text or attributes that are only read."""

LEVELS: Final = {"h2": 2, "h3": 3, "h4": 4}
MARK_ELEMENTS: Final = {"a": "link"}
"""Mark types whose name differs from that of their element."""

_HEADINGS: Final = {level: name for name, level in LEVELS.items()}
_ELEMENTS: Final = {mark: name for name, mark in MARK_ELEMENTS.items()}
_START_TAG = re.compile("<[a-z0-9]+")
_GROUPS: Final = {"thead": "head", "tbody": "rows", "tfoot": "foot"}


def blocks_to_html(blocks: Iterable[JsonMapping]) -> str:
    """Render blocks as HTML in the notation of `sanitize_html`; media outside a figure are put into a paragraph."""
    return "".join(map(_block, blocks))


def blocks_to_text(blocks: Iterable[JsonMapping]) -> str:
    """Render blocks as plain text: the words that `html_to_text` finds in the body, a blank line between two texts."""
    return "\n\n".join(
        text for block in blocks for text in _TEXT_RENDERERS.get(block["type"], _texts_of_caption)(block)
    )


def _block(block: JsonMapping) -> str:
    html = _HTML_RENDERERS[block["type"]](block)
    if block.get("figure"):
        html = _element("figure", html + _optional_element("figcaption", block["caption"]))
    elif block["type"] in _INLINE:
        html = _element("p", html)
    anchor = block.get("anchor")
    return _START_TAG.sub(lambda tag: tag[0] + _attribute("id", anchor), html, count=1) if anchor else html


def _element(name: str, inner: str, attributes: JsonMapping | None = None) -> str:
    return f"{_tag(name, attributes or {})}{inner}</{name}>"


def _tag(name: str, attributes: JsonMapping) -> str:
    """Return a start tag; None and False leave an attribute out, True writes it without a value."""
    given = {attribute: value for attribute, value in attributes.items() if value is not None and value is not False}
    source = "".join(_attribute(attribute, "" if value is True else str(value)) for attribute, value in given.items())
    return f"<{name}{source}>"


def _attribute(name: str, value: str) -> str:
    return f' {name}="{escape_attribute(value)}"'


def _optional_element(name: str, text: JsonMapping | None) -> str:
    return "" if text is None else _element(name, _inline(text))


def _inline(rich_text: JsonMapping) -> str:
    """Return rich text as HTML: before a mark opens, marks that end there or earlier are closed."""
    text: str = rich_text["text"]
    parts: list[str] = []
    open_marks: list[JsonMapping] = []
    position = 0

    def close_marks(until: int) -> None:
        nonlocal position
        while open_marks and open_marks[-1]["end"] <= until:
            mark = open_marks.pop()
            parts.append(_escape_with_breaks(text[position : mark["end"]]) + f"</{_element_name(mark)}>")
            position = mark["end"]

    for mark in rich_text["marks"]:
        close_marks(mark["start"])
        parts.append(_escape_with_breaks(text[position : mark["start"]]) + _mark_start_tag(mark))
        position = mark["start"]
        open_marks.append(mark)
    close_marks(len(text))
    return "".join(parts) + _escape_with_breaks(text[position:])


def _escape_with_breaks(text: str) -> str:
    return escape_text(text).replace("\n", "<br>")


def _element_name(mark: JsonMapping) -> str:
    mark_type: str = mark["type"]
    return _ELEMENTS.get(mark_type, mark_type)


def _mark_start_tag(mark: JsonMapping) -> str:
    link_attributes = FORCED_ATTRIBUTES["a"] if mark["type"] == "link" else {}
    attributes = dict(mark["attributes"])
    id_ = attributes.pop("id", None)
    return _tag(_element_name(mark), {"id": id_, "href": mark["href"], **attributes, **link_attributes})


def _paragraph(block: JsonMapping) -> str:
    return _element("p", _inline(block))


def _heading(block: JsonMapping) -> str:
    return _element(_HEADINGS[block["level"]], _inline(block))


def _list(block: JsonMapping) -> str:
    items = (
        _element(
            "li", _inline(item) + "".join(map(_list, item["lists"])), {"id": item["anchor"], "value": item["value"]}
        )
        for item in block["items"]
    )
    attributes = {"start": block["start"], "reversed": block["reversed"]}
    return _element("ol" if block["ordered"] else "ul", "".join(items), attributes)


def _quote(block: JsonMapping) -> str:
    paragraphs = "".join(_optional_element("p", text) for text in block["paragraphs"])
    return _element("blockquote", paragraphs, {"cite": block["cite"]})


def _image(block: JsonMapping) -> str:
    image = _tag("img", {"src": block["url"], "alt": block["alt"], "width": block["width"], "height": block["height"]})
    return image if block["href"] is None else _element("a", image, {"href": block["href"], **FORCED_ATTRIBUTES["a"]})


def _gallery(block: JsonMapping) -> str:
    return "".join(_block(image) if image["figure"] else _image(image) for image in block["images"])


def _embed(block: JsonMapping) -> str:
    attributes = {
        "src": block["url"],
        "width": block["width"],
        "height": block["height"],
        "title": block["title"],
        "allowfullscreen": block["fullscreen"],
        **FORCED_ATTRIBUTES["iframe"],
    }
    return _element("iframe", "", attributes)


def _table(block: JsonMapping) -> str:
    caption = "" if block["figure"] else _optional_element("caption", block["caption"])
    groups = (_element(name, "".join(map(_row, block[key]))) for name, key in _GROUPS.items() if block[key])
    return _element("table", caption + "".join(groups))


def _row(cells: Sequence[JsonMapping]) -> str:
    return _element("tr", "".join(map(_cell, cells)))


def _cell(cell: JsonMapping) -> str:
    spans = {name: cell[name] if cell[name] != 1 else None for name in ("colspan", "rowspan")}
    return _element("th" if cell["header"] else "td", _inline(cell), {**spans, "scope": cell["scope"]})


def _html(block: JsonMapping) -> str:
    html: str = block["html"]
    return html


_INLINE: Final = frozenset({"image", "gallery", "video", "embed"})
_HTML_RENDERERS: Final[dict[str, Callable[[JsonMapping], str]]] = {
    "paragraph": _paragraph,
    "heading": _heading,
    "list": _list,
    "quote": _quote,
    "image": _image,
    "gallery": _gallery,
    "video": _embed,
    "embed": _embed,
    "table": _table,
    "html": _html,
}


def _texts_of_rich_text(block: JsonMapping) -> Iterator[str]:
    yield block["text"]


def _texts_of_caption(block: JsonMapping) -> Iterator[str]:
    if block["caption"]:
        yield block["caption"]["text"]


def _texts_of_list(block: JsonMapping) -> Iterator[str]:
    for item in block["items"]:
        yield item["text"]
        for nested in item["lists"]:
            yield from _texts_of_list(nested)


def _texts_of_quote(block: JsonMapping) -> Iterator[str]:
    yield from (text["text"] for text in block["paragraphs"])
    yield from _texts_of_caption(block)


def _texts_of_gallery(block: JsonMapping) -> Iterator[str]:
    for image in block["images"]:
        yield from _texts_of_caption(image)
    yield from _texts_of_caption(block)


def _texts_of_table(block: JsonMapping) -> Iterator[str]:
    if not block["figure"]:
        yield from _texts_of_caption(block)
    yield from (cell["text"] for key in _GROUPS.values() for row in block[key] for cell in row)
    if block["figure"]:
        yield from _texts_of_caption(block)


def _texts_of_html(block: JsonMapping) -> Iterator[str]:
    yield html_to_text(block["html"])


_TEXT_RENDERERS: Final[dict[str, Callable[[JsonMapping], Iterator[str]]]] = {
    "paragraph": _texts_of_rich_text,
    "heading": _texts_of_rich_text,
    "list": _texts_of_list,
    "quote": _texts_of_quote,
    "gallery": _texts_of_gallery,
    "table": _texts_of_table,
    "html": _texts_of_html,
}
