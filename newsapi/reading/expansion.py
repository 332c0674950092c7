"""Expansion of the references of articles by `include`, and serialization of what `fields` and `include` name."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from marshmallow import Schema

from newsapi.cache import dependencies as cache_dependencies
from newsapi.content.article_types import ArticleRow, TermRow
from newsapi.content.context import app_context
from newsapi.content.queries import terms as term_queries
from newsapi.content.queries.terms import Kind
from newsapi.content.schemas.articles import EXPANDABLE_REFS
from newsapi.content.schemas.params import EXTRA_INCLUDES
from newsapi.db.database import Connection
from newsapi.web.fast_dump import DumpFunction, compile_dump

_KINDS: dict[str, Kind] = {"brand": "brand", "authors": "author", "section": "section"}
"""The kind of the terms in each field of an article that can be expanded."""


class Expansion(NamedTuple):
    """When expanded terms last changed, and the dependencies on their names and counts."""

    change_times: set[datetime | None]
    dependencies: set[cache_dependencies.Dependency]


def expand_terms(connection: Connection, records: list[ArticleRow], include: Collection[str]) -> Expansion:
    """Replace the short brands, authors and sections of records by the full ones.

    Args:
        connection: A read transaction.
        records: Article records; changed in place.
        include: The values of `include`; those that name no reference are ignored.

    Returns:
        When the terms last changed, and the dependencies on their names and counts.
    """
    expansion = Expansion(set(), set())
    for name in include:
        if name not in _KINDS:
            continue
        slugs = [term["slug"] for record in records for term in _terms(record, name)]
        full_terms = term_queries.get_terms(connection, _KINDS[name], slugs) if slugs else {}
        for term in full_terms.values():
            app_context().presentation.term(_KINDS[name], term)
            expansion.change_times.update((term["changed_at"], term["list_changed_at"]))
            expansion.dependencies.update(cache_dependencies.term_dependencies(term))
        for record in records:
            _replace_terms(record, name, full_terms)
    return expansion


def _terms(record: ArticleRow, name: str) -> list[TermRow]:
    """Return the terms in a field that holds several, one or none."""
    if name == "authors":
        return record["authors"]
    term = record["brand"] if name == "brand" else record["section"]
    return [term] if term else []


def _replace_terms(record: ArticleRow, name: str, full_terms: dict[str, TermRow]) -> None:
    """Replace the terms in a field of a record by the full ones."""
    expanded = [full_terms[term["slug"]] for term in _terms(record, name)]
    if name == "authors":
        record["authors"] = expanded
    elif name == "brand":
        record["brand"] = expanded[0] if expanded else None
    else:
        record["section"] = expanded[0] if expanded else None


def article_dump(schema: type[Schema], fields: frozenset[str], include: Collection[str]) -> DumpFunction:
    """Return the function that serializes an article with the fields that `fields` and `include` name.

    Args:
        schema: Schema of the article.
        fields: Dotted paths of the fields to return; empty for all.
        include: The values of `include`.
    """
    expanded = frozenset((name, EXPANDABLE_REFS[name]) for name in include if name in EXPANDABLE_REFS)
    paths = fields | {"id", *({*EXTRA_INCLUDES} & {*include})} if fields else fields
    return compile_dump(schema, paths, expanded)
