"""Rows of articles: what a statement selects of an article, and the records that are built from it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from typing import cast as type_cast
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, bindparam, select
from sqlalchemy.orm import InstrumentedAttribute

from newsapi.content.article_types import ArticleRow, MeasuredImage, TermRow
from newsapi.content.queries.visibility import is_visible
from newsapi.content.tables.articles import (
    Article,
    ArticleAuthor,
    ArticleContent,
    ArticleMention,
    ArticleTag,
    SlugRedirect,
)
from newsapi.content.tables.images import LEAD_POSITION, ArticleImage, ImageFile
from newsapi.content.tables.terms import Author, Brand, Section, Tag
from newsapi.db import compiled_queries
from newsapi.db.compiled_queries import RawRow, RowSelect
from newsapi.db.sql_functions import greatest_time, json_rows
from newsapi.db.types import decode_instant, latest_time
from newsapi.text.json_types import JsonValue


class TermLink(NamedTuple):
    """The table that links articles to the terms of a field, its column with the id of a term, and their table."""

    table: type[ArticleAuthor | ArticleMention | ArticleTag]
    term_id: InstrumentedAttribute[UUID]
    term: type[Author | Brand | Tag]


LINKS: dict[str, TermLink] = {
    "authors": TermLink(ArticleAuthor, ArticleAuthor.author_id, Author),
    "mentions": TermLink(ArticleMention, ArticleMention.brand_id, Brand),
    "tags": TermLink(ArticleTag, ArticleTag.tag_id, Tag),
}


_SUMMARY = (
    Article.id,
    Article.slug,
    Article.headline,
    Article.standfirst,
    Article.format,
    Article.language,
    Article.image,
    Article.published_at,
    Article.published_precision,
    Article.updated_at,
    Article.materially_updated_at,
    Article.word_count,
    Article.status,
    Article.version,
    Article.seq,
)
_TERM_COLUMNS = (Brand.slug, Brand.name, Section.slug, Section.name)
_CHANGED = greatest_time(Article.changed_at, Brand.changed_at, Section.changed_at)
_DETAIL = (
    ArticleContent.body_html,
    ArticleContent.canonical_url,
    ArticleContent.source,
    ArticleContent.media,
    ArticleContent.corrections,
    ArticleContent.rights,
    ArticleContent.seo,
    ArticleContent.translation_group,
)
# Offsets in a row: brand and section start at _N, the latest change is at _S, the measurements of images at _M, links
# of terms start at _C.
_N = len(_SUMMARY)
_S, _M, _C = (_N + len(_TERM_COLUMNS) + offset for offset in range(3))
SUMMARY_NAMES = tuple(column.key for column in _SUMMARY)
_DETAIL_NAMES = tuple(column.key for column in _DETAIL)
DETAIL_FIELDS = frozenset(_DETAIL_NAMES) | {"body_text", "translations"}
"""Fields stored in the content row only, which is joined when one of them is requested."""


class Selection(NamedTuple):
    """What a statement selects in addition to the summary: the content row or not, and which kinds of links."""

    with_content: bool
    kinds: tuple[str, ...]


def select_for(fields: Collection[str]) -> Selection:
    """Return what has to be selected for the requested fields."""
    return Selection(
        not DETAIL_FIELDS.isdisjoint(fields), tuple(kind for kind in LINKS if kind == "authors" or kind in fields)
    )


def base_statement(selection: Selection, *, include_unpublished: bool = False) -> RowSelect:
    """Return the statement that selects articles.

    Args:
        selection: What is selected in addition to the summary.
        include_unpublished: Whether articles that are not public are selected too.
    """
    columns: list[ColumnElement[JsonValue] | InstrumentedAttribute[JsonValue]] = [*_SUMMARY, *_TERM_COLUMNS, _CHANGED]
    columns.append(_images_subquery(lead_only=not selection.with_content))
    columns += [_links_subquery(kind) for kind in selection.kinds]
    if selection.with_content:
        columns += _DETAIL
    statement = select(*columns).select_from(Article)
    if selection.with_content:
        statement = statement.join(ArticleContent, ArticleContent.article_id == Article.id)
    statement = statement.outerjoin(Brand, Brand.id == Article.brand_id)
    statement = statement.outerjoin(Section, Section.id == Article.section_id)
    return statement if include_unpublished else statement.where(is_visible())


def _links_subquery(kind: str) -> ColumnElement[JsonValue]:
    """Select the links of one kind: position, slug and name of the term, and when the term last changed."""
    link, term_id, term = LINKS[kind]
    return (
        select(json_rows(link.position, term.slug, term.name, term.changed_at))
        .select_from(link)
        .join(term, term.id == term_id)
        .where(link.article_id == Article.id)
        .correlate(Article)
        .scalar_subquery()
    )


_MEASURED = ("width", "height", "type", "bytes", "thumbhash", "color")


def _images_subquery(*, lead_only: bool) -> ColumnElement[JsonValue]:
    """Select what was measured of the images of an article: position, values of _MEASURED, and when."""
    columns = (getattr(ImageFile, name) for name in _MEASURED)
    statement = (
        select(json_rows(ArticleImage.position, *columns, ImageFile.measured_at))
        .select_from(ArticleImage)
        .join(ImageFile, ImageFile.id == ArticleImage.file_id)
        .where(ArticleImage.article_id == Article.id, ImageFile.measured_at.is_not(None))
    )
    if lead_only:
        statement = statement.where(ArticleImage.position == LEAD_POSITION)
    return statement.correlate(Article).scalar_subquery()


def build_records(
    connection: Connection, rows: Sequence[RawRow], fields: Collection[str]
) -> tuple[list[ArticleRow], datetime | None]:
    """Build records from rows, with their links.

    Returns:
        The records, and when an article or term in them last changed.
    """
    records: list[dict[str, object]] = []
    change_times: set[datetime | None] = set()
    detail, kinds = select_for(fields)
    detail_start = _C + len(kinds)
    for row in rows:
        record: dict[str, object] = dict(zip(SUMMARY_NAMES, row, strict=False))
        brand, brand_name, section, section_name = row[_N:_S]
        record["brand"] = {"slug": brand, "name": brand_name} if brand else None
        record["section"] = {"slug": section, "name": section_name} if section else None
        change_times.add(row[_S])
        measured: dict[int, MeasuredImage] = {}
        record["measured_images"] = measured
        for position, *values, measured_at in row[_M] or ():
            measured[position] = MeasuredImage(**dict(zip(_MEASURED, values, strict=True)))  # type: ignore[typeddict-item]
            change_times.add(decode_instant(measured_at))
        for kind, links in zip(kinds, row[_C:detail_start], strict=True):
            terms: list[TermRow] = []
            record[kind] = terms
            for _, slug, name, changed_at in sorted(links or ()):
                terms.append({"slug": slug, "name": name})
                change_times.add(decode_instant(changed_at))
        if detail:
            record |= zip(_DETAIL_NAMES, row[detail_start:], strict=True)
        records.append(record)
    articles = type_cast("list[ArticleRow]", records)
    if articles and "previous_slugs" in fields:
        _add_previous_slugs(connection, articles)
    return articles, latest_time(change_times)


_OLD_SLUGS = (
    select(SlugRedirect.subject_id, SlugRedirect.slug)
    .where(SlugRedirect.kind == "article", SlugRedirect.subject_id.in_(bindparam("ids", expanding=True)))
    .order_by(SlugRedirect.created_at, SlugRedirect.slug)
)


def _add_previous_slugs(connection: Connection, records: list[ArticleRow]) -> None:
    by_id = {record["id"]: record for record in records}
    for record in records:
        record["previous_slugs"] = []
    for article_id, slug in compiled_queries.fetch_rows(connection, _OLD_SLUGS, {"ids": list(by_id)}):
        by_id[article_id]["previous_slugs"].append(slug)
