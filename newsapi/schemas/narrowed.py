"""Articles as `fields=` narrows them: schemas for the document alone, made from those that are sent in full.

What is narrowed is named `Partial…` and has all its fields, none of them required; what is inside is narrowed too.
"""

from __future__ import annotations

from copy import copy
from functools import cache
from typing import Any, cast

from marshmallow import Schema, fields

from newsapi.schemas.articles import ArticleWithRelated
from newsapi.schemas.queries import ASIDE
from newsapi.schemas.wire import Out, PageInfo, PageLinks


@cache
def narrowed(schema: type[Schema], always: frozenset[str] = frozenset()) -> type[Schema]:
    """A schema with the fields of another, of which only those in `always` must be there."""
    inside = {
        name: _field(field, required=name in always) if name not in ASIDE else field
        for name, field in schema().declared_fields.items()
    }
    made = type(
        f"Partial{schema.__name__.removesuffix('WithRelated')}",
        (Out,),
        {"__doc__": f"{schema.__doc__} Narrowed by `fields=`.", **inside},
    )
    return cast("type[Schema]", made)


def _field(field: fields.Field[Any], *, required: bool) -> fields.Field[Any]:
    if isinstance(field, fields.Nested):
        return fields.Nested(narrowed(type(field.schema)), allow_none=field.allow_none, metadata=field.metadata)
    if isinstance(field, fields.List):
        return fields.List(_field(field.inner, required=False), metadata=field.metadata)
    made = copy(field)
    made.required = required
    return made


PartialArticle = narrowed(ArticleWithRelated, frozenset({"id"}))


class PartialArticleList(Out):
    """A page of articles with the fields that `fields=` asks for, any of the full article, and `id`."""

    data = fields.List(fields.Nested(PartialArticle), required=True)
    page = fields.Nested(PageInfo, required=True)
    links = fields.Nested(PageLinks, required=True)


class PartialArticleOne(Out):
    """An article with the fields that `fields=` asks for, and `id`."""

    data = fields.Nested(PartialArticle, required=True)
