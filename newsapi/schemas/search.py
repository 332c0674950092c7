"""What a search and its suggestions answer."""

from __future__ import annotations

from marshmallow import fields

from newsapi.schemas.articles import ArticleSummary
from newsapi.schemas.wire import Out, PageInfo, PageLinks, open_enum


class Highlights(Out):
    """Where the words of the query stand: HTML that is escaped, with `<mark>` around them and no other element."""

    headline = fields.String(required=True, allow_none=True, metadata={"example": "<mark>Batterie</mark> per Jaguar"})
    standfirst = fields.String(required=True, allow_none=True)
    body = fields.List(fields.String(), required=True)


class SearchHit(ArticleSummary):
    """An article that was found."""

    score = fields.Float(required=True, metadata={"description": "From 0 to 1; only to compare with others here"})
    highlights = fields.Nested(Highlights, required=True)


class FacetCount(Out):
    """How many of what was found belong to one brand (or section, author, tag, format)."""

    slug = fields.String(required=True, metadata={"example": "land-rover"})
    name = fields.String(required=True, metadata={"example": "Land Rover"})
    count = fields.Integer(required=True)


class SearchList(Out):
    """A page of what was found, the best first."""

    data = fields.List(fields.Nested(SearchHit), required=True)
    page = fields.Nested(PageInfo, required=True)
    links = fields.Nested(PageLinks, required=True)
    did_you_mean = fields.String(
        required=True, allow_none=True, metadata={"description": "Where nothing was found: what would be found"}
    )
    facets = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.Nested(FacetCount)),
        metadata={"description": "With `facets=`: ten of each, those of most articles"},
    )
    facets_exact = fields.Boolean(
        metadata={"description": "With `facets=`: false where more than 10,000 were found, of which the newest count"}
    )


class SuggestionLinks(Out):
    """Where it leads."""

    self = fields.Url(required=True)


class Suggestion(Out):
    """Something whose name, or a word in it, begins as what was typed."""

    type = fields.String(required=True, metadata=open_enum("brand", "tag", "author", "article"))
    slug = fields.String(required=True, metadata={"example": "land-rover"})
    name = fields.String(required=True, metadata={"description": "Its name or headline", "example": "Land Rover"})
    links = fields.Nested(SuggestionLinks, required=True)


class Suggestions(Out):
    """Brands first, then tags, authors and articles."""

    data = fields.List(fields.Nested(Suggestion), required=True)
