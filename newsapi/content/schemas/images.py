"""Schemas of images and media: as editors enter them, and as clients receive them."""

from __future__ import annotations

from typing import cast

from marshmallow import Schema, fields, validate

from newsapi.web.wire import (
    InputSchema,
    LanguageTag,
    MultilineText,
    OutputSchema,
    PixelLength,
    SingleLineText,
    WebAddress,
    open_enum,
)


class FocalPointInput(InputSchema):
    """The focal point, which every crop keeps visible, as fractions of width and height from the top left."""

    x = fields.Float(required=True, validate=validate.Range(0, 1, error="must be a number from 0 to 1"))
    y = fields.Float(required=True, validate=validate.Range(0, 1, error="must be a number from 0 to 1"))


class AltText(SingleLineText):
    """Alternative text: "" for a decorative image, null if unknown."""

    def _prepare(self, value: object) -> object:
        return value if value == "" else super()._prepare(value)

    def _deserialize(self, value: object, attr: str | None, data: object, **kwargs: object) -> str:
        return "" if value == "" else super()._deserialize(value, attr, data, **kwargs)


class ImageInput(InputSchema):
    """An image as editors enter it."""

    url = WebAddress(required=True)
    alt = AltText(max_length=1_000, allow_none=True, load_default=None)
    caption = MultilineText(max_length=2_000, allow_none=True, load_default=None)
    width = PixelLength(allow_none=True, load_default=None)
    height = PixelLength(allow_none=True, load_default=None)
    credit = SingleLineText(allow_none=True, load_default=None)
    focal = fields.Nested(FocalPointInput, allow_none=True, load_default=None)


class MediaSourceInput(InputSchema):
    """One file of a video or audio."""

    url = WebAddress(required=True)
    type = SingleLineText(max_length=100, allow_none=True, load_default=None)
    width = PixelLength(allow_none=True, load_default=None)
    height = PixelLength(allow_none=True, load_default=None)


class CaptionTrackInput(InputSchema):
    """Subtitles in one language."""

    language = LanguageTag(required=True)
    url = WebAddress(required=True)


MEDIA_KINDS = ("image", "video", "audio", "embed")


class MediaInput(InputSchema):
    """An item of the article's media: an image of a gallery, a video, audio or an embed."""

    id = SingleLineText(max_length=100, allow_none=True, load_default=None)
    kind = fields.String(
        required=True, validate=validate.OneOf(MEDIA_KINDS, error=f"must be one of {', '.join(MEDIA_KINDS)}")
    )
    image = fields.Nested(ImageInput, allow_none=True, load_default=None)
    sources = fields.List(fields.Nested(MediaSourceInput), load_default=list)
    embed_url = WebAddress(allow_none=True, load_default=None)
    poster = WebAddress(allow_none=True, load_default=None)
    duration_seconds = fields.Float(
        allow_none=True,
        load_default=None,
        validate=validate.Range(0, 10_000_000, error="must be a number of seconds"),
    )
    captions = fields.List(fields.Nested(CaptionTrackInput), load_default=list)
    caption = MultilineText(max_length=2_000, allow_none=True, load_default=None)
    credit = SingleLineText(allow_none=True, load_default=None)


class FocalPoint(OutputSchema):
    """The focal point, which every crop keeps visible, as fractions of width and height from the top left."""

    x = fields.Float(required=True)
    y = fields.Float(required=True)


class Rendition(OutputSchema):
    """The image in one size and aspect ratio."""

    name = fields.String(
        required=True,
        metadata=open_enum(
            "original", "16x9", "4x3", "1x1", description="The aspect ratio; `original` is the unchanged image"
        ),
    )
    url = fields.Url(required=True)
    width = fields.Integer(required=True, allow_none=True)
    height = fields.Integer(required=True, allow_none=True)
    type = fields.String(
        required=True, allow_none=True, metadata={"description": "Media type", "example": "image/jpeg"}
    )


class ShapeSize(OutputSchema):
    """A crop in one size."""

    url = fields.Url(required=True)
    width = fields.Integer(required=True)
    height = fields.Integer(required=True)


class Shape(OutputSchema):
    """The crops of an image in one aspect ratio, in several sizes."""

    srcset = fields.String(required=True, metadata={"description": "The sizes for `img` or `source`"})
    sizes = fields.List(
        fields.Nested(ShapeSize), required=True, metadata={"description": "The same sizes, the smallest first"}
    )


def _shapes_schema() -> type[Schema]:
    """Return the schema of an object with a field for each aspect ratio, whose names are no identifiers."""
    shape = {
        name: fields.Nested(Shape, required=True, allow_none=True, metadata={"description": f"Crops to {name}"})
        for name in ("16x9", "4x3", "1x1")
    }
    text = "The crops by aspect ratio; null for one in which there is none."
    return cast("type[Schema]", type("Shapes", (OutputSchema,), {"__doc__": text, **shape}))


Shapes = _shapes_schema()


class Image(OutputSchema):
    """An image with its renditions."""

    url = fields.Url(required=True, metadata={"description": "URL of the original"})
    alt = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": 'Alternative text; "" for a decorative image, null if unknown, never the headline'},
    )
    caption = fields.String(required=True, allow_none=True)
    width = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Width of the original in pixels: measured, else as entered"},
    )
    height = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "Height of the original in pixels: measured, else as entered"},
    )
    credit = fields.String(required=True, allow_none=True)
    focal = fields.Nested(FocalPoint, required=True, allow_none=True)
    srcset = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "The uncropped image in several widths, for `img`; null if no image service is "
            "configured or the size is unknown"
        },
    )
    renditions = fields.List(
        fields.Nested(Rendition),
        required=True,
        metadata={"description": "The original first, then crops that are no larger"},
    )
    shapes = fields.Nested(
        Shapes,
        required=True,
        metadata={
            "description": "The crops of `renditions`, grouped by aspect ratio. A logo or an avatar has no shape that "
            "would cut it"
        },
    )
    type = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "Media type of the original: by its content if it was measured, else by its URL",
            "example": "image/jpeg",
        },
    )
    bytes = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Size of the original; null if it was not measured"}
    )
    thumbhash = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "ThumbHash of the original in Base64, to show until it is loaded; null if not measured",
            "example": "1QcSHQRnh493V4dIh4eXh1h4kJUI",
        },
    )
    color = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Average colour of the original; null if it was not measured", "example": "#5b6f63"},
    )


class MediaSource(OutputSchema):
    """One file of a video or audio."""

    url = fields.Url(required=True)
    type = fields.String(required=True, allow_none=True)
    width = fields.Integer(required=True, allow_none=True)
    height = fields.Integer(required=True, allow_none=True)


class CaptionTrack(OutputSchema):
    """Subtitles in one language."""

    language = fields.String(required=True)
    url = fields.Url(required=True)


class Media(OutputSchema):
    """An item of the article's media: an image of a gallery, a video, audio or an embed."""

    id = fields.String(required=True)
    kind = fields.String(required=True, metadata=open_enum(*MEDIA_KINDS))
    image = fields.Nested(Image, required=True, allow_none=True)
    sources = fields.List(fields.Nested(MediaSource), required=True)
    embed_url = fields.Url(required=True, allow_none=True)
    poster = fields.Url(
        required=True, allow_none=True, metadata={"description": "URL of a still image to show before playback"}
    )
    duration_seconds = fields.Float(required=True, allow_none=True)
    captions = fields.List(fields.Nested(CaptionTrack), required=True)
    caption = fields.String(required=True, allow_none=True)
    credit = fields.String(required=True, allow_none=True)
