"""Schemas of images with a problem."""

from __future__ import annotations

from marshmallow import fields, validate

from newsapi.content.schemas.articles import STATUSES
from newsapi.images.measurement import PROBLEMS
from newsapi.web.params import PageParams
from newsapi.web.wire import Instant, OutputSchema, PageInfo, PageLinks, open_enum

FLAWS = ("broken", "no_alt")


class FlawedImageParams(PageParams):
    """Parameters of `GET /v1/images`."""

    problem = fields.String(
        # A callable keeps the default out of OpenAPI, or generated clients would send it beside a cursor.
        load_default=lambda: FLAWS[0],
        validate=validate.OneOf(FLAWS, error=f"must be one of {', '.join(FLAWS)}"),
        metadata={
            "description": "`broken`: the file cannot be shown. `no_alt`: the alternative text is unknown. "
            "Default: broken"
        },
    )


class ImageArticle(OutputSchema):
    """The article that shows an image."""

    id = fields.UUID(required=True)
    slug = fields.String(required=True)
    headline = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf(STATUSES))


class FlawedImageSchema(OutputSchema):
    """An image of an article that has a problem."""

    article = fields.Nested(ImageArticle, required=True)
    pointer = fields.String(
        required=True,
        metadata={"description": "JSON pointer to the image in the article", "example": "/media/0/image"},
    )
    url = fields.Url(required=True)
    alt = fields.String(required=True, allow_none=True)
    problem = fields.String(
        required=True,
        metadata=open_enum(
            *PROBLEMS,
            "no_alt",
            description="`missing`: 404 or 410. `refused`: a status other than 200. `unreachable`: no response. "
            "`private`: an address that the server must not call. `not_an_image`: another content. `damaged`: it "
            "cannot be decoded. `too_large`: too many bytes or pixels. `no_alt`: no alternative text",
        ),
    )
    next_check_at = Instant(
        required=True, allow_none=True, metadata={"description": "When the file is read again; null if it was measured"}
    )


class FlawedImageList(OutputSchema):
    """A page of images with a problem."""

    data = fields.List(fields.Nested(FlawedImageSchema), required=True)
    page = fields.Nested(PageInfo, required=True)
    links = fields.Nested(PageLinks, required=True)
