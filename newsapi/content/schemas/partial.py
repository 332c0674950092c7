"""Schemas of articles and terms narrowed by `fields=`, for OpenAPI only; they are made from the full schemas.

A narrowed schema is named `Partial…` and has all fields of the full one, none of them required. Nested objects are
narrowed in the same way.
"""

from __future__ import annotations

from copy import copy
from functools import cache
from typing import cast

from marshmallow import Schema, fields

from newsapi.content.schemas.articles import ArticleWithRelated
from newsapi.content.schemas.params import EXTRA_INCLUDES
from newsapi.text.json_types import JsonValue
from newsapi.web.wire import OutputSchema, PageInfo, PageLinks

_ADDED_WHOLE = (*EXTRA_INCLUDES, "articles")
"""Fields that `include` adds, which `fields=` does not narrow."""


@cache
def partial_schema(schema: type[Schema], always: frozenset[str] = frozenset()) -> type[Schema]:
    """Return a schema with the same fields, of which only those in `always` are required."""
    members = {
        name: _field(field, required=name in always) if name not in _ADDED_WHOLE else field
        for name, field in schema().declared_fields.items()
    }
    partial = type(
        f"Partial{schema.__name__.removesuffix('WithRelated')}",
        (OutputSchema,),
        {"__doc__": f"{schema.__doc__} Only the fields selected by `fields=` are present.", **members},
    )
    return cast("type[Schema]", partial)


def _field(field: fields.Field[JsonValue], *, required: bool) -> fields.Field[JsonValue]:
    if isinstance(field, fields.Nested):
        return fields.Nested(partial_schema(type(field.schema)), allow_none=field.allow_none, metadata=field.metadata)
    if isinstance(field, fields.List):
        return fields.List(_field(field.inner, required=False), metadata=field.metadata)
    partial = copy(field)
    partial.required = required
    return partial


PartialArticle = partial_schema(ArticleWithRelated, frozenset({"id"}))


class PartialArticleList(OutputSchema):
    """A page of articles with `id` and the fields selected by `fields=`, any of the full article."""

    data = fields.List(fields.Nested(PartialArticle), required=True)
    page = fields.Nested(PageInfo, required=True)
    links = fields.Nested(PageLinks, required=True)


class PartialArticleResponse(OutputSchema):
    """An article with `id` and the fields selected by `fields=`."""

    data = fields.Nested(PartialArticle, required=True)
