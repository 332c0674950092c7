"""Schemas of cards: what a list of articles shows of each with `profile=card`."""

from __future__ import annotations

from marshmallow import fields

from newsapi.web.wire import OutputSchema, PageInfo, PageLinks, TermRef


class CardImage(OutputSchema):
    """The image of a card."""

    url = fields.Url(
        required=True,
        metadata={
            "description": "The image cropped to 16:9, 640 pixels wide or less; the original if there is no crop"
        },
    )
    alt = fields.String(required=True, allow_none=True, metadata={"description": "As `image.alt` of the article"})
    color = fields.String(required=True, allow_none=True, metadata={"description": "As `image.color` of the article"})


class ArticleCard(OutputSchema):
    """An article as on a card of a list: section label, headline, image and date. The slugs make its address."""

    slug = fields.String(required=True)
    headline = fields.String(required=True)
    section = fields.Nested(TermRef, required=True, allow_none=True)
    image = fields.Nested(CardImage, required=True, allow_none=True)
    published_on = fields.Date(required=True)


class CardList(OutputSchema):
    """A page of articles with `profile=card`."""

    data = fields.List(fields.Nested(ArticleCard), required=True)
    page = fields.Nested(PageInfo, required=True)
    links = fields.Nested(PageLinks, required=True)
