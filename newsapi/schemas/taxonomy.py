"""Schemas of brands, authors, sections and tags."""

from __future__ import annotations

from marshmallow import fields, validate

from newsapi.schemas.boxes import Box
from newsapi.schemas.pictures import Picture, PictureIn
from newsapi.schemas.wire import In, Line, Out, PageInfo, PageLinks, Prose, Ref, SlugField


class TermIn(In):
    """A section or a tag as imported."""

    slug = SlugField(required=True)
    name = Line(max_length=200, required=True)


class BrandIn(TermIn):
    """A brand, or a group of brands."""

    parent = SlugField(
        allow_none=True, load_default=None, metadata={"description": "Slug of the group that the brand belongs to"}
    )
    aliases = fields.List(
        Line(max_length=200),
        load_default=list,
        validate=validate.Length(max=50),
        metadata={"description": "Other names of the brand"},
    )
    description = Prose(max_length=5_000, allow_none=True, load_default=None)
    logo = fields.Nested(PictureIn, allow_none=True, load_default=None)


class AuthorIn(TermIn):
    """A person or desk that signs articles."""

    email = Line(
        max_length=254,
        allow_none=True,
        load_default=None,
        metadata={"description": "Private; returned only to editors"},
    )
    bio = Prose(max_length=5_000, allow_none=True, load_default=None)
    avatar = fields.Nested(PictureIn, allow_none=True, load_default=None)


class TermNew(TermIn):
    """A section or a tag as editors create it."""

    slug = SlugField(load_default=None, metadata={"description": "Made from the name if omitted"})


class BrandNew(TermNew, BrandIn):
    """A brand as editors create it."""


class AuthorNew(TermNew, AuthorIn):
    """An author as editors create it."""


class TermLinks(Out):
    """URLs of the term and of its articles."""

    self = fields.Url(required=True)
    articles = fields.Url(required=True)


class FollowedLinks(TermLinks):
    """URLs of a term that readers can subscribe to."""

    subscriptions = fields.Url(required=True, metadata={"description": "Where to POST an e-mail subscription"})


class FeedLinks(Out):
    """URLs of the feed of the brand's articles, in each format."""

    rss = fields.Url(required=True)
    atom = fields.Url(required=True)
    json = fields.Url(required=True)
    ninjs = fields.Url(required=True)


class BrandLinks(FollowedLinks):
    """URLs of a brand and of what belongs to it."""

    feeds = fields.Nested(FeedLinks, required=True)


class Term(Out):
    """A tag."""

    slug = fields.String(required=True, metadata={"example": "anteprime"})
    name = fields.String(required=True, metadata={"example": "Anteprime"})
    article_count = fields.Integer(
        required=True, metadata={"description": "Number of published articles", "example": 12}
    )
    links = fields.Nested(TermLinks, required=True)


class Section(Term):
    """A section of the site."""

    links = fields.Nested(FollowedLinks, required=True)


class Brand(Out):
    """A brand, or a group of brands."""

    slug = fields.String(required=True, metadata={"example": "land-rover"})
    name = fields.String(required=True, metadata={"example": "Land Rover"})
    aliases = fields.List(fields.String(), required=True, metadata={"description": "Other names of the brand"})
    parent = fields.Nested(
        Ref, required=True, allow_none=True, metadata={"description": "The group that the brand belongs to"}
    )
    description = fields.String(required=True, allow_none=True)
    logo = fields.Nested(Picture, required=True, allow_none=True)
    article_count = fields.Integer(
        required=True, metadata={"description": "Number of published articles about the brand itself"}
    )
    subscription = fields.Nested(Box, required=True)
    links = fields.Nested(BrandLinks, required=True)


class Author(Out):
    """A person or desk that signs articles."""

    slug = fields.String(required=True, metadata={"example": "francesco-donnici"})
    name = fields.String(required=True, metadata={"example": "Francesco Donnici"})
    bio = fields.String(required=True, allow_none=True)
    avatar = fields.Nested(Picture, required=True, allow_none=True)
    article_count = fields.Integer(required=True, metadata={"description": "Number of published articles"})
    links = fields.Nested(FollowedLinks, required=True)


class DeskAuthor(Author):
    """An author for editors: with the private e-mail address."""

    email = fields.String(allow_none=True, metadata={"description": "Private"})


class BrandList(Out):
    """A page of brands, by name."""

    data = fields.List(fields.Nested(Brand), required=True)
    page = fields.Nested(PageInfo, required=True)
    links = fields.Nested(PageLinks, required=True)


class AuthorList(Out):
    """A page of authors, by name."""

    data = fields.List(fields.Nested(Author), required=True)
    page = fields.Nested(PageInfo, required=True)
    links = fields.Nested(PageLinks, required=True)


class SectionList(Out):
    """A page of sections, by name."""

    data = fields.List(fields.Nested(Section), required=True)
    page = fields.Nested(PageInfo, required=True)
    links = fields.Nested(PageLinks, required=True)


class TermList(Out):
    """A page of tags, by name."""

    data = fields.List(fields.Nested(Term), required=True)
    page = fields.Nested(PageInfo, required=True)
    links = fields.Nested(PageLinks, required=True)
