"""Resolution of filter values to facets, with the changelog position of the read: the first statement of a read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)

from newsapi.cache.dependencies import ALL_OF_FILTERS, NEGATED_FILTERS, facet_groups
from newsapi.changelog.tables import ChangelogHead, Facet
from newsapi.content.tables.articles import SlugRedirect
from newsapi.content.tables.terms import Author, Brand, Section, Tag
from newsapi.db import compiled_queries
from newsapi.db.types import latest_time
from newsapi.errors import MigrationsPending

TERM_FILTERS = ("brand", "group", "mentions", "about", "author", "section", "tag", "tag_all", "section_not")
"""Filters whose values are slugs of terms: brands, authors, sections or tags."""

LITERAL_FILTERS = ("format", "language")
"""Filters whose values are the names of facets."""

BUILTIN_FACETS = (("all", ""), ("terms", "author"), ("terms", "brand"), ("terms", "section"), ("terms", "tag"))
"""Facets that every database has: all articles, and the lists of terms of each kind."""

IS_PUBLIC_FACET = Facet.seq > 0
"""Condition that a facet is public: a tag, format or language that no change has touched is used in drafts only."""


FacetSelect = Select[str, int, int, int, datetime | None]
"""Rows of a filter's name and a facet: id, number of articles, and the seq and time of its last change."""


class FacetState(NamedTuple):
    """A facet as of the read: its id, number of articles, and the seq and time of its last change."""

    id: int
    article_count: int
    seq: int
    changed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReadSnapshot:
    """The changelog position of a read, and the facets that its filters stand for.

    Attributes:
        seq: The head of the changelog.
        nonce: The nonce of that change.
        committed_at: When that change was committed.
        filters: The facets of each filter; an unknown slug adds none, or leaves none to filters that must match with
            each value.
        everything: The facet of all articles.
        terms: The facets of the lists of terms, by kind.
        excluded: The facets whose articles are left out.
    """

    seq: int
    nonce: int
    committed_at: datetime
    filters: Mapping[str, Sequence[FacetState]]
    everything: FacetState
    terms: Mapping[str, FacetState]
    excluded: Sequence[FacetState] = ()

    @property
    def groups(self) -> list[Sequence[FacetState]]:
        """The groups of facets of which an article must be in at least one each."""
        return [group for _, group in facet_groups(self.filters)]

    def changed_at(self) -> datetime | None:
        """Return when an article last entered, changed in or left a list with these filters."""
        times = [_changed_at(group) for group in [*filter(None, self.groups)] or [[self.everything]]]
        last_time = min((time for time in times if time is not None), default=None)
        return latest_time({last_time, _changed_at(self.excluded)})


def _changed_at(group: Sequence[FacetState]) -> datetime | None:
    return latest_time(facet.changed_at for facet in group)


_MODELS: dict[str, type[Author | Section | Tag]] = {
    "author": Author,
    "section": Section,
    "section_not": Section,
    "tag": Tag,
    "tag_all": Tag,
}


def _term(filter_: str, *, is_former: bool) -> FacetSelect:
    """Select the facets of the terms whose slug, or former slug, is among the values of the filter."""
    model = _MODELS.get(filter_, Brand)
    kind = model.__tablename__
    facet_conditions: dict[str, ColumnElement[bool]] = {
        "mentions": Facet.id == Brand.mention_facet_id,
        "about": or_(Facet.id == Brand.facet_id, Facet.id == Brand.mention_facet_id),
        "group": Facet.id == func.coalesce(Brand.group_facet_id, Brand.facet_id),
    }
    values: BindParameter[str] = bindparam(filter_, expanding=True)
    statement = select(literal(filter_).label("filter"), Facet.id, Facet.article_count, Facet.seq, Facet.changed_at)
    statement = statement.select_from(model)
    if is_former:
        statement = statement.join(SlugRedirect, SlugRedirect.subject_id == model.id).where(
            SlugRedirect.kind == kind, SlugRedirect.slug.in_(values)
        )
    else:
        statement = statement.where(model.slug.in_(values))
    statement = statement.join(Facet, facet_conditions.get(filter_, Facet.id == model.facet_id))
    return statement.where(IS_PUBLIC_FACET) if model is Tag else statement


def _named(filter_: str) -> FacetSelect:
    values: BindParameter[str] = bindparam(filter_, expanding=True)
    statement = select(literal(filter_).label("filter"), Facet.id, Facet.article_count, Facet.seq, Facet.changed_at)
    return statement.where(Facet.kind == filter_, Facet.name.in_(values), IS_PUBLIC_FACET)


@lru_cache(maxsize=256)
def _statement(filters: tuple[str, ...]) -> Select[int, int, datetime, str, int, int, int, datetime | None]:
    builtin = select(
        (Facet.kind + ":" + func.coalesce(Facet.name, "")), Facet.id, Facet.article_count, Facet.seq, Facet.changed_at
    ).where(or_(*(and_(Facet.kind == kind, Facet.name == name) for kind, name in BUILTIN_FACETS)))
    branches = [builtin]
    for filter_ in filters:
        if filter_ in LITERAL_FILTERS:
            branches.append(_named(filter_))
        else:
            branches += [_term(filter_, is_former=False), _term(filter_, is_former=True)]
    facets = union_all(*branches).subquery("f")
    head = (ChangelogHead.seq, ChangelogHead.nonce, ChangelogHead.committed_at)
    return select(*head, *facets.c).select_from(ChangelogHead).join(facets, true())


def resolve_filters(connection: Connection, filters: Mapping[str, Sequence[str]]) -> ReadSnapshot:
    """Resolve the values of filters to facets and read the head of the changelog, in one statement.

    Returns:
        The position of the read and the facets of each filter.

    Raises:
        MigrationsPending: The changelog has no head row.
    """
    rows = compiled_queries.fetch_rows(connection, _statement(tuple(sorted(filters))), filters)
    if not rows:
        raise MigrationsPending
    seq, nonce, committed_at = rows[0][:3]
    facets_by_filter: dict[str, list[FacetState]] = {name: [] for name in filters}
    resolved_counts: Counter[str] = Counter()
    terms: dict[str, FacetState] = {}
    for _, _, _, filter_, id_, article_count, facet_seq, changed_at in rows:
        facet = FacetState(id_, article_count, facet_seq, changed_at)
        kind, colon, name = filter_.partition(":")
        if colon:
            terms[name or kind] = facet
            continue
        resolved_counts[filter_] += 1
        if facet not in facets_by_filter[filter_]:
            facets_by_filter[filter_].append(facet)
    for filter_ in ALL_OF_FILTERS & filters.keys():
        if resolved_counts[filter_] < len(filters[filter_]):  # no article has a value that does not exist
            facets_by_filter[filter_] = []
    excluded = [facet for filter_ in NEGATED_FILTERS for facet in facets_by_filter.pop(filter_, ())]
    return ReadSnapshot(seq, nonce, committed_at, facets_by_filter, terms.pop("all"), terms, excluded)
