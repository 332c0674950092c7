"""The blocks of a body, as the OpenAPI document shows them; what each kind holds is told in `newsapi.text.blocks`."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from newsapi.schemas.wire import Out, open_enum

KINDS = ("paragraph", "heading", "list", "quote", "image", "gallery", "video", "embed", "table", "html")


def _of(kinds: str, text: str = "") -> dict[str, Any]:
    return {"description": f"{kinds}: {text}" if text else kinds}


class Mark(Out):
    """A range of a text that means something."""

    start = fields.Integer(required=True, metadata={"description": "In Unicode code points, the first counted"})
    end = fields.Integer(required=True, metadata={"description": "In Unicode code points, the one behind the last"})
    type = fields.String(required=True, metadata=open_enum("link", "strong", "em", "b", "i", "u", "s", "sub", "sup"))
    href = fields.String(required=True, allow_none=True, metadata={"description": "Where a link leads"})
    attributes = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "Others of its element: title, hreflang, data-article-id, cite, datetime"},
    )


class Text(Out):
    """Words with their marks."""

    text = fields.String(required=True, metadata={"description": "A line feed is a line break"})
    marks = fields.List(
        fields.Nested(Mark),
        required=True,
        metadata={"description": "In the order in which they begin, the outer one first; they never cross"},
    )


class ListItem(Text):
    """An item of a list: words, and lists after them."""

    value = fields.Integer(required=True, allow_none=True, metadata={"description": "Its number, where it is given"})
    lists = fields.List(
        fields.Dict(), required=True, metadata={"description": "Blocks of type list, without an id, to any depth"}
    )


class TableCell(Text):
    """A cell of a table."""

    header = fields.Boolean(required=True)
    colspan = fields.Integer(required=True)
    rowspan = fields.Integer(required=True)
    scope = fields.String(required=True, allow_none=True, metadata=open_enum("row", "col", "rowgroup", "colgroup"))


class BlockImage(Out):
    """A picture of a gallery: a block of type image, without an id."""

    type = fields.String(required=True)
    url = fields.Url(required=True)
    alt = fields.String(required=True, allow_none=True)
    width = fields.Integer(required=True, allow_none=True)
    height = fields.Integer(required=True, allow_none=True)
    href = fields.String(required=True, allow_none=True)
    caption = fields.Nested(Text, required=True, allow_none=True)
    figure = fields.Boolean(required=True)


class Block(Out):
    """A part of the body. Which fields it has its type tells; these are always there, null if unknown."""

    id = fields.String(required=True, metadata={"description": "Its own in this body, and stays while the block does"})
    type = fields.String(required=True, metadata=open_enum(*KINDS))
    text = fields.String(metadata=_of("paragraph, heading", "a line feed is a line break"))
    marks = fields.List(fields.Nested(Mark), metadata=_of("paragraph, heading"))
    level = fields.Integer(metadata=_of("heading", "2 to 4"))
    ordered = fields.Boolean(metadata=_of("list"))
    start = fields.Integer(allow_none=True, metadata=_of("list", "the number of the first item, where it is given"))
    reversed = fields.Boolean(metadata=_of("list", "whether it counts down"))
    items = fields.List(fields.Nested(ListItem), metadata=_of("list"))
    cite = fields.String(allow_none=True, metadata=_of("quote", "the address it is from"))
    paragraphs = fields.List(fields.Nested(Text), metadata=_of("quote"))
    url = fields.Url(metadata=_of("image, video, embed"))
    alt = fields.String(allow_none=True, metadata=_of("image", '"" for decoration'))
    width = fields.Integer(allow_none=True, metadata=_of("image, video, embed"))
    height = fields.Integer(allow_none=True, metadata=_of("image, video, embed"))
    href = fields.String(allow_none=True, metadata=_of("image", "where a link around it leads"))
    images = fields.List(fields.Nested(BlockImage), metadata=_of("gallery"))
    provider = fields.String(metadata=open_enum("youtube", "vimeo", "dailymotion") | _of("video"))
    title = fields.String(allow_none=True, metadata=_of("video, embed"))
    fullscreen = fields.Boolean(metadata=_of("video, embed", "whether it may fill the screen"))
    head = fields.List(fields.List(fields.Nested(TableCell)), metadata=_of("table", "rows of cells"))
    rows = fields.List(fields.List(fields.Nested(TableCell)), metadata=_of("table", "rows of cells"))
    foot = fields.List(fields.List(fields.Nested(TableCell)), metadata=_of("table", "rows of cells"))
    caption = fields.Nested(Text, allow_none=True, metadata=_of("quote, image, gallery, video, embed, table"))
    figure = fields.Boolean(
        metadata=_of("quote, image, gallery, video, embed, table", "whether the body has it in a <figure>")
    )
    html = fields.String(metadata=_of("html", "what no other kind can say, as in body_html"))

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """Look at the keys alone: a block that is no list has no items, but every dict has a method of that name."""
        return obj.get(attr, default)
