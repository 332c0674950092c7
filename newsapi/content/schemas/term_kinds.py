"""The kinds of terms, each with its schemas and its name in texts."""

from __future__ import annotations

from dataclasses import dataclass

from marshmallow import Schema

from newsapi.content.queries.terms import Kind
from newsapi.content.schemas import terms as wire
from newsapi.content.schemas.params import BrandListParams, TermListParams


@dataclass(frozen=True)
class TermKind:
    """A kind of term: its name, its schemas and its description.

    Attributes:
        kind: "brand", "author", "section" or "tag".
        singular: Schema of one term.
        page: Schema of a page of terms.
        text: Description for OpenAPI.
        list_params: Schema of the parameters of the list.
    """

    kind: Kind
    singular: type[Schema]
    page: type[Schema]
    text: str
    list_params: type[TermListParams] = TermListParams

    @property
    def path(self) -> str:
        """The path of the list."""
        return f"/v1/{self.kind}s"

    @property
    def indefinite_name(self) -> str:
        """The name with its indefinite article."""
        return f"an {self.kind}" if self.kind == "author" else f"a {self.kind}"


TERM_KINDS = (
    TermKind("brand", wire.BrandSchema, wire.BrandList, "Brands, and the groups they belong to", BrandListParams),
    TermKind("author", wire.AuthorSchema, wire.AuthorList, "Authors of articles"),
    TermKind("section", wire.SectionSchema, wire.SectionList, "Sections of the site"),
    TermKind("tag", wire.TagSchema, wire.TagList, "Tags: keywords of articles"),
)
