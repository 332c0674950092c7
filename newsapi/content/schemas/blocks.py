"""Schemas of the body as blocks, for OpenAPI; `newsapi.text.blocks` documents what each type of block contains."""

from __future__ import annotations

from collections.abc import Mapping

from marshmallow import fields

from newsapi.web.wire import OutputSchema, open_enum

BLOCK_TYPES = ("paragraph", "heading", "list", "quote", "image", "gallery", "video", "embed", "table", "html")


def _of(types: str, description: str = "") -> dict[str, object]:
    """Return the metadata of a field that only blocks of these types have."""
    return {"description": f"{types}: {description}" if description else types}


class TextMark(OutputSchema):
    """Formatting of a range of a text."""

    start = fields.Integer(
        required=True, metadata={"description": "Index of the first character, in Unicode code points"}
    )
    end = fields.Integer(
        required=True, metadata={"description": "Index after the last character, in Unicode code points"}
    )
    type = fields.String(required=True, metadata=open_enum("link", "strong", "em", "b", "i", "u", "s", "sub", "sup"))
    href = fields.String(
        required=True, allow_none=True, metadata={"description": "URL of a link; null for other types"}
    )
    attributes = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={
            "description": "Other attributes of the HTML element: id, title, hreflang, data-article-id, cite, datetime"
        },
    )


class RichText(OutputSchema):
    """Text with its formatting."""

    text = fields.String(required=True, metadata={"description": "Plain text; a line feed is a line break"})
    marks = fields.List(
        fields.Nested(TextMark),
        required=True,
        metadata={"description": "Sorted by start, the outer mark first; marks nest but never overlap partially"},
    )


class ListItem(RichText):
    """An item of a list: text, followed by nested lists."""

    value = fields.Integer(
        required=True, allow_none=True, metadata={"description": "The item's number, if the HTML gives one"}
    )
    anchor = fields.String(
        required=True, allow_none=True, metadata={"description": "The `id` to which links within the page lead"}
    )
    lists = fields.List(
        fields.Dict(), required=True, metadata={"description": "Nested blocks of type list, without ids, to any depth"}
    )


class TableCell(RichText):
    """A cell of a table."""

    header = fields.Boolean(required=True)
    colspan = fields.Integer(required=True)
    rowspan = fields.Integer(required=True)
    scope = fields.String(required=True, allow_none=True, metadata=open_enum("row", "col", "rowgroup", "colgroup"))


class BlockImage(OutputSchema):
    """An image of a gallery: a block of type image without an id."""

    type = fields.String(required=True)
    url = fields.Url(required=True)
    alt = fields.String(required=True, allow_none=True)
    width = fields.Integer(required=True, allow_none=True)
    height = fields.Integer(required=True, allow_none=True)
    href = fields.String(required=True, allow_none=True)
    caption = fields.Nested(RichText, required=True, allow_none=True)
    figure = fields.Boolean(required=True)


class Block(OutputSchema):
    """A part of the body. `type` determines which fields are present; those are never omitted, but null if unknown."""

    id = fields.String(
        required=True,
        metadata={"description": "Unique in this body; it stays the same as long as the block's content does"},
    )
    anchor = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "The `id` attribute of its element, to which links within the page lead (`#id`)"},
    )
    type = fields.String(required=True, metadata=open_enum(*BLOCK_TYPES))
    text = fields.String(metadata=_of("paragraph, heading", "plain text; a line feed is a line break"))
    marks = fields.List(fields.Nested(TextMark), metadata=_of("paragraph, heading"))
    level = fields.Integer(metadata=_of("heading", "2 to 4"))
    ordered = fields.Boolean(metadata=_of("list"))
    start = fields.Integer(allow_none=True, metadata=_of("list", "the number of the first item, if the HTML gives one"))
    reversed = fields.Boolean(metadata=_of("list", "whether the numbers count down"))
    items = fields.List(fields.Nested(ListItem), metadata=_of("list"))
    cite = fields.String(allow_none=True, metadata=_of("quote", "URL of the source"))
    paragraphs = fields.List(fields.Nested(RichText), metadata=_of("quote"))
    url = fields.Url(metadata=_of("image, video, embed"))
    alt = fields.String(allow_none=True, metadata=_of("image", 'alternative text; "" for a decorative image'))
    width = fields.Integer(allow_none=True, metadata=_of("image, video, embed"))
    height = fields.Integer(allow_none=True, metadata=_of("image, video, embed"))
    href = fields.String(allow_none=True, metadata=_of("image", "URL of the link around the image"))
    images = fields.List(fields.Nested(BlockImage), metadata=_of("gallery"))
    provider = fields.String(metadata=open_enum("youtube", "vimeo", "dailymotion") | _of("video"))
    title = fields.String(allow_none=True, metadata=_of("video, embed"))
    fullscreen = fields.Boolean(metadata=_of("video, embed", "whether it may be shown in full screen"))
    head = fields.List(fields.List(fields.Nested(TableCell)), metadata=_of("table", "rows of cells"))
    rows = fields.List(fields.List(fields.Nested(TableCell)), metadata=_of("table", "rows of cells"))
    foot = fields.List(fields.List(fields.Nested(TableCell)), metadata=_of("table", "rows of cells"))
    caption = fields.Nested(RichText, allow_none=True, metadata=_of("quote, image, gallery, video, embed, table"))
    figure = fields.Boolean(
        metadata=_of("quote, image, gallery, video, embed, table", "whether it is in a <figure> element")
    )
    html = fields.String(metadata=_of("html", "HTML that no other type can represent, as in body_html"))

    def get_attribute(self, obj: Mapping[str, object], attr: str, default: object) -> object:
        """Read keys only: every dict has a method `items`, which marshmallow would take for a list's items."""
        return obj.get(attr, default)
