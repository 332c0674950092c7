"""Schemas of brands, authors, sections and tags."""

from __future__ import annotations

from marshmallow import fields, validate

from newsapi.content.schemas.images import Image, ImageInput
from newsapi.content.schemas.subscription_offer import SubscriptionOffer
from newsapi.web.feed_formats import FEED_FORMATS
from newsapi.web.wire import (
    InputSchema,
    JsonInteger,
    MultilineText,
    OutputSchema,
    PageInfo,
    PageLinks,
    SingleLineText,
    SlugField,
    TermRef,
    WebAddress,
)


class TagInput(InputSchema):
    """A tag as imported."""

    slug = SlugField(required=True)
    name = SingleLineText(max_length=200, required=True)


class SectionInput(TagInput):
    """A section of the site."""

    position = JsonInteger(
        0,
        10_000,
        allow_none=True,
        load_default=None,
        metadata={"description": "Place in the navigation of the site"},
    )
    description = MultilineText(max_length=5_000, allow_none=True, load_default=None)


class BrandInput(TagInput):
    """A brand, or a group of brands."""

    parent = SlugField(
        allow_none=True, load_default=None, metadata={"description": "Slug of the group that the brand belongs to"}
    )
    aliases = fields.List(
        SingleLineText(max_length=200),
        load_default=list,
        validate=validate.Length(max=50),
        metadata={"description": "Other names of the brand"},
    )
    description = MultilineText(max_length=5_000, allow_none=True, load_default=None)
    logo = fields.Nested(ImageInput, allow_none=True, load_default=None)


class AuthorInput(TagInput):
    """A person or desk that signs articles."""

    email = SingleLineText(
        max_length=254,
        allow_none=True,
        load_default=None,
        metadata={"description": "Private; returned only to editors"},
    )
    job_title = SingleLineText(max_length=200, allow_none=True, load_default=None)
    same_as = fields.List(
        WebAddress(),
        load_default=list,
        validate=validate.Length(max=20),
        metadata={"description": "URLs of other pages about the author, such as profiles"},
    )
    bio = MultilineText(max_length=5_000, allow_none=True, load_default=None)
    avatar = fields.Nested(ImageInput, allow_none=True, load_default=None)


class TagCreate(TagInput):
    """A tag as editors create it."""

    slug = SlugField(load_default=None, metadata={"description": "Made from the name if omitted"})


class SectionCreate(TagCreate, SectionInput):
    """A section as editors create it."""


class BrandCreate(TagCreate, BrandInput):
    """A brand as editors create it."""


class AuthorCreate(TagCreate, AuthorInput):
    """An author as editors create it."""


class TermLinks(OutputSchema):
    """URLs of the term and of its articles."""

    self = fields.Url(required=True)
    articles = fields.Url(required=True)


class TermLinksWithSubscription(TermLinks):
    """URLs of a term that readers can subscribe to."""

    subscriptions = fields.Url(required=True, metadata={"description": "Where to POST an email subscription"})


FeedLinks = type(
    "FeedLinks",
    (OutputSchema,),
    {
        "__doc__": "URLs of the feed of the brand's articles, in each format.",
        **{feed_format.name: fields.Url(required=True) for feed_format in FEED_FORMATS},
    },
)


class BrandLinks(TermLinksWithSubscription):
    """URLs of a brand and of what belongs to it."""

    feeds = fields.Nested(FeedLinks, required=True)


_PAGE = {"description": "Page on the site; null if the server has no template for it"}


class TagSchema(OutputSchema):
    """A tag."""

    slug = fields.String(required=True, metadata={"example": "anteprime"})
    name = fields.String(required=True, metadata={"example": "Anteprime"})
    article_count = fields.Integer(
        required=True, metadata={"description": "Number of published articles", "example": 12}
    )
    links = fields.Nested(TermLinks, required=True)


class SectionSchema(TagSchema):
    """A section of the site."""

    url = fields.Url(required=True, allow_none=True, metadata=_PAGE)
    position = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Place in the navigation of the site"}
    )
    description = fields.String(required=True, allow_none=True)
    links = fields.Nested(TermLinksWithSubscription, required=True)


class BrandSchema(OutputSchema):
    """A brand, or a group of brands."""

    slug = fields.String(required=True, metadata={"example": "land-rover"})
    name = fields.String(required=True, metadata={"example": "Land Rover"})
    url = fields.Url(required=True, allow_none=True, metadata=_PAGE)
    aliases = fields.List(fields.String(), required=True, metadata={"description": "Other names of the brand"})
    parent = fields.Nested(
        TermRef, required=True, allow_none=True, metadata={"description": "The group that the brand belongs to"}
    )
    children = fields.List(
        fields.Nested(TermRef), required=True, metadata={"description": "The brands that belong to it, by name"}
    )
    description = fields.String(required=True, allow_none=True)
    logo = fields.Nested(Image, required=True, allow_none=True)
    article_count = fields.Integer(
        required=True, metadata={"description": "Number of published articles about the brand itself"}
    )
    subscription = fields.Nested(SubscriptionOffer, required=True)
    links = fields.Nested(BrandLinks, required=True)


class AuthorSchema(OutputSchema):
    """A person or desk that signs articles."""

    slug = fields.String(required=True, metadata={"example": "francesco-donnici"})
    name = fields.String(required=True, metadata={"example": "Francesco Donnici"})
    url = fields.Url(required=True, allow_none=True, metadata=_PAGE)
    job_title = fields.String(required=True, allow_none=True)
    same_as = fields.List(
        fields.Url(), required=True, metadata={"description": "Other pages about the author, such as profiles"}
    )
    bio = fields.String(required=True, allow_none=True)
    avatar = fields.Nested(Image, required=True, allow_none=True)
    article_count = fields.Integer(required=True, metadata={"description": "Number of published articles"})
    links = fields.Nested(TermLinksWithSubscription, required=True)


class EditorAuthor(AuthorSchema):
    """An author for editors: with the private email address."""

    email = fields.String(allow_none=True, metadata={"description": "Private"})


class BrandList(OutputSchema):
    """A page of brands, by name."""

    data = fields.List(fields.Nested(BrandSchema), required=True)
    page = fields.Nested(PageInfo, required=True)
    links = fields.Nested(PageLinks, required=True)


class AuthorList(OutputSchema):
    """A page of authors, by name."""

    data = fields.List(fields.Nested(AuthorSchema), required=True)
    page = fields.Nested(PageInfo, required=True)
    links = fields.Nested(PageLinks, required=True)


class SectionList(OutputSchema):
    """A page of sections, by name."""

    data = fields.List(fields.Nested(SectionSchema), required=True)
    page = fields.Nested(PageInfo, required=True)
    links = fields.Nested(PageLinks, required=True)


class TagList(OutputSchema):
    """A page of tags, by name."""

    data = fields.List(fields.Nested(TagSchema), required=True)
    page = fields.Nested(PageInfo, required=True)
    links = fields.Nested(PageLinks, required=True)
