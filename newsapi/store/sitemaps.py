"""The pages of the site map: which article stands on which, when each last changed, and what is on one.

What becomes public for the first time takes the next number, for ever; so an article stays on its page, and a page that
is full changes only with its own articles. A page is a facet like any other: writes tell it, answers are proven by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, func, insert, select, tuple_
from sqlalchemy.orm import Session

from newsapi.model import Article, Brand, Facet, Listing, Section
from newsapi.model.base import Id, UtcDateTime
from newsapi.store.gathered import newest
from newsapi.store.public import visible
from newsapi.store.states import State

PAGE = 5_000
"""Articles on a page: a tenth of what is allowed, so that a publication makes us write and crawlers read less."""

KIND = "sitemap"

AT_ONCE = 2_000
"""Articles that one statement reads."""


class MapPage(NamedTuple):
    """A page of the site map: its number, its facet, how many articles are on it, and when it last changed."""

    number: int
    facet_id: int
    articles: int
    at: datetime


def page_of(number: int) -> str:
    """The name of the page on which the article with this number stands."""
    return str((number - 1) // PAGE + 1)


def number(session: Session, states: Sequence[State]) -> None:
    """Give those that become public for the first time their numbers, in the order given, and see to their pages."""
    new = [state for state in states if state.is_public and state.number is None]
    if not new:
        return
    last = session.execute(select(func.max(Article.number))).scalar() or 0
    for count, state in enumerate(new, last + 1):
        state.number = count
    first = int(page_of(last)) if last else 0
    names = [str(page) for page in range(first + 1, int(page_of(last + len(new))) + 1)]
    if names:
        session.execute(insert(Facet), [{"kind": KIND, "name": name} for name in names])


def pages(connection: Connection) -> list[MapPage]:
    """Answer all pages that have articles, in order."""
    rows: Iterable[Any] = connection.execute(_PAGES)
    return sorted(MapPage(int(name), *rest) for name, *rest in rows)


_PAGES = select(Facet.name, Facet.id, Facet.articles, Facet.at).where(Facet.kind == KIND, Facet.articles > 0)


def articles(connection: Connection, page: MapPage) -> Iterator[Any]:
    """Answer the articles of a page, by time of publication: what their addresses are made of, and their last change.

    Rows of id, slug, section and brand (slugs, None where there is none), `at`, the last change that matters, and
    `changed_at`, when anything of this last changed.
    """
    values: dict[str, Any] = {"facet": page.facet_id, "rows": AT_ONCE}
    statement = _ROWS
    while rows := connection.execute(statement, values).all():
        yield from rows
        if len(rows) < AT_ONCE:
            return
        statement, values = _NEXT, {**values, "at": rows[-1].published_at, "id": rows[-1].id}


_ROWS = (
    select(
        Article.id,
        Article.slug,
        Section.slug.label("section"),
        Brand.slug.label("brand"),
        Listing.materially_updated_at.label("at"),
        newest(Article.changed_at, Brand.changed_at, Section.changed_at).label("changed_at"),
        Listing.published_at,
    )
    .select_from(Listing)
    .join(Article, Article.id == Listing.article_id)
    .outerjoin(Section, Section.id == Article.section_id)
    .outerjoin(Brand, Brand.id == Article.brand_id)
    .where(Listing.facet_id == bindparam("facet"), visible())
    .order_by(Listing.published_at, Listing.article_id)
    .limit(bindparam("rows"))
)
_NEXT = _ROWS.where(
    tuple_(Listing.published_at, Listing.article_id)
    > tuple_(bindparam("at", type_=UtcDateTime()), bindparam("id", type_=Id()))
)
