"""Schemas of search results and suggestions."""

from __future__ import annotations

from marshmallow import fields, validate

from newsapi.content.schemas.articles import ArticleSummary
from newsapi.content.schemas.params import FACETS, SEARCH_TEXT_METADATA, TOTAL_METADATA, ListFilters
from newsapi.web.params import Flag, ReadParams, SearchText, choice_list
from newsapi.web.wire import OutputSchema, PageInfo, PageLinks, StrictInteger, open_enum

SORTS = ("-score", "-published_at")


class Highlights(OutputSchema):
    """Snippets with the search words: escaped HTML whose only elements are `<mark>` around matches."""

    headline = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Null if nothing in it matches", "example": "<mark>Batterie</mark> per Jaguar"},
    )
    standfirst = fields.String(
        required=True, allow_none=True, metadata={"description": "Null if nothing in it matches"}
    )
    body = fields.List(fields.String(), required=True, metadata={"description": "Snippets of the body"})


class SearchHit(ArticleSummary):
    """An article that matches the search."""

    score = fields.Float(
        required=True, metadata={"description": "0 to 1; only comparable with other results of the same search"}
    )
    highlights = fields.Nested(Highlights, required=True)


class FacetCount(OutputSchema):
    """Number of matching articles with one value of a facet."""

    slug = fields.String(required=True, metadata={"example": "land-rover"})
    name = fields.String(required=True, metadata={"example": "Land Rover"})
    count = fields.Integer(required=True)


class SearchList(OutputSchema):
    """A page of search results, the best first unless `sort` is given."""

    data = fields.List(fields.Nested(SearchHit), required=True)
    page = fields.Nested(PageInfo, required=True)
    links = fields.Nested(PageLinks, required=True)
    did_you_mean = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Another spelling of the query that has results, if this one has none"},
    )
    corrected_from = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "The query as it was sent, if it has no results and `data` are those of `did_you_mean`"
        },
    )
    facets = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.Nested(FacetCount)),
        metadata={"description": "With `facets=`: for each facet, the 10 values with the most articles"},
    )
    facets_exact = fields.Boolean(
        metadata={"description": "With `facets=`: whether all results were counted, which is always so"}
    )


class SuggestionLinks(OutputSchema):
    """URL of the suggested item."""

    self = fields.Url(required=True)


class Suggestion(OutputSchema):
    """An item whose name, or a word in it, begins with the typed text."""

    type = fields.String(required=True, metadata=open_enum("brand", "tag", "author", "article"))
    slug = fields.String(required=True, metadata={"example": "land-rover"})
    name = fields.String(required=True, metadata={"description": "Name or headline", "example": "Land Rover"})
    links = fields.Nested(SuggestionLinks, required=True)


class Suggestions(OutputSchema):
    """Brands first, then tags, authors and articles."""

    data = fields.List(fields.Nested(Suggestion), required=True)


class SearchParams(ListFilters):
    """Parameters of `GET /v1/search`."""

    q = SearchText(
        metadata={
            **SEARCH_TEXT_METADATA,
            "description": f"{SEARCH_TEXT_METADATA['description']}. Required unless `cursor` is given",
        }
    )
    sort = fields.String(
        load_default=lambda: SORTS[0],
        validate=validate.OneOf(SORTS, error=f"must be one of {', '.join(SORTS)}"),
        metadata={
            "description": "Sort by relevance, or with the newest first. Default: -score",
            "x-enum-varnames": ["RELEVANCE", "NEWEST"],
        },
    )
    total = Flag(load_default=False, metadata=TOTAL_METADATA)
    facets = choice_list(FACETS, f"Facets to count the results by: {', '.join(FACETS)}")


class SuggestParams(ReadParams):
    """Parameters of `GET /v1/suggest`."""

    q = SearchText(
        required=True, metadata={**SEARCH_TEXT_METADATA, "description": "Beginning of a name, or of a word in it"}
    )
    limit = StrictInteger(1, 20, load_default=10, metadata={"description": "Maximum number of suggestions"})
