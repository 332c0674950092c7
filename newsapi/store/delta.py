"""What happened since a change, each article and each name once: the latest of it, in the order of the log.

What is in a filter now stands at the last change of its article (`article.seq`); what left it, at the change by which
it left (`store/departures.py`). Numbers come in commit order, so whoever has read up to one has missed nothing before
it; and what changes again moves ahead of him, never behind. A page reads a bounded part of the log: it may be short,
and says up to where it read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, and_, bindparam, func, select

from newsapi.model import Article, Change, Facet, Listing
from newsapi.model.changes import OF_TERMS
from newsapi.store import departures, prepared
from newsapi.store.listing import stands_in
from newsapi.store.public import visible
from newsapi.store.rows import among
from newsapi.store.taxonomy import MODELS

SCAN: Final = 10_000
"""How many articles a page may pass over that are not in the filter."""

FEW: Final = 1_000
"""Where a filter has no more articles, they are looked at one by one, and the log is not walked at all."""


@dataclass(frozen=True, slots=True)
class Group:
    """One filter: the facets that its values stand for, any of which an article must be in, and those they ever did.

    `articles` is how many there are in them, each counted as often as it stands there.
    """

    now: frozenset[int]
    ever: frozenset[int]
    articles: int


class Event(NamedTuple):
    """An article or a name, at the change that it is told at."""

    seq: int
    kind: str
    id: UUID
    action: Literal["upsert", "delete"]
    reason: str | None = None


class Page(NamedTuple):
    """Events in the order of the log, and up to which change they are all there is."""

    events: list[Event]
    until: int


class Told(NamedTuple):
    """What the log says at a change."""

    mark: int
    at: datetime
    reason: str
    slug: str
    previous_slug: str | None
    version: int | None


def page(
    connection: Connection, groups: Sequence[Group], kinds: Collection[str], after: int, head: int, *, limit: int
) -> Page:
    """Answer the first `limit` events after a change. `kinds` are `article` and those of names."""
    events: list[Event] = []
    until = head
    if "article" in kinds:
        found, until = _arrivals(connection, groups, after, head, limit + 1)
        if len(found) > limit:
            until = found[limit - 1].seq
        gone, until = _departed(connection, groups, after, until, limit + 1)
        events += [*found, *gone]
    if names := sorted(set(kinds) - {"article"}):
        told, until = _names(connection, names, after, until, limit + 1)
        events += told
    events = sorted(event for event in events if event.seq <= until)
    if len(events) > limit:
        events = events[:limit]
        until = events[-1].seq
    return Page(events, until)


def _arrivals(
    connection: Connection, groups: Sequence[Group], after: int, head: int, most: int
) -> tuple[list[Event], int]:
    """Answer what is in the filter and changed since, and up to where that was looked for."""
    if not all(group.now for group in groups):
        return [], head
    rarest = min(groups, key=lambda group: group.articles)
    if rarest.articles <= FEW < head - after:
        ids = list(connection.execute(_STANDING, {"facets": list(rarest.now)}).scalars())
        return _walk(connection, groups, after, head, most, ids=ids) if ids else [], head
    until = min(head, after + SCAN)
    found = _walk(connection, groups, after, until, most)
    if len(found) < most and until < head:  # of the numbers there, many may have been overtaken: go on by articles
        last: int | None = connection.execute(_PASSED, {"after": until, "passed": SCAN - 1}).scalar()
        start, until = until, last or head
        found += _walk(connection, groups, start, until, most - len(found))
    return found, until


def _walk(
    connection: Connection,
    groups: Sequence[Group],
    after: int,
    until: int,
    most: int,
    *,
    ids: Sequence[UUID] | None = None,
) -> list[Event]:
    parameters: dict[str, Any] = {"after": after, "until": until, "most": most}
    parameters |= {f"group_{number}": sorted(group.now) for number, group in enumerate(groups)}
    statement = _walked(len(groups))
    if ids is not None:
        rows = connection.execute(statement.where(among(connection, Article.id, ids)), parameters).all()
    else:
        rows = prepared.rows(connection, statement, parameters)  # type: ignore[assignment]
    return [Event(seq, "article", id_, "upsert") for seq, id_ in rows]


@lru_cache(maxsize=16)
def _walked(groups: int) -> Any:
    place = (Article.published_at, Article.id)
    conditions = [stands_in(*place, f"group_{number}") for number in range(groups)]
    within = and_(Article.seq > bindparam("after"), Article.seq <= bindparam("until"))
    found: Any = select(Article.seq, Article.id).where(within, visible(), *conditions)
    return found.order_by(Article.seq).limit(bindparam("most"))


_STANDING = select(Listing.article_id).distinct().where(Listing.facet_id.in_(bindparam("facets", expanding=True)))
_PASSED = (
    select(Article.seq)
    .where(Article.seq > bindparam("after"), Article.seq.is_not(None))
    .order_by(Article.seq)
    .offset(bindparam("passed"))
    .limit(1)
)


def _departed(
    connection: Connection, groups: Sequence[Group], after: int, until: int, most: int
) -> tuple[list[Event], int]:
    """Answer what is in the filter no more: of each filter it was in one facet once, and of one it is in none now.

    It is told at the last change by which it left one of them: by then whoever had it has to know.
    """
    facets = sorted(frozenset[int]().union(*(group.ever for group in groups)))
    found, until = departures.since(connection, facets, after, until, most)
    ids = {row.id for row in found if row.seq <= until}
    if not ids:
        return [], until
    present = _standing(connection, ids, facets)
    left: dict[UUID, dict[int, tuple[int, str]]] = {}
    for row in departures.of_articles(connection, ids, facets):
        left.setdefault(row.id, {})[row.facet] = (row.seq, row.reason)
    events = []
    for id_ in ids:
        own, here = left[id_], present.get(id_, frozenset())
        if all(group.now & here for group in groups) or not all(group.ever & (here | own.keys()) for group in groups):
            continue
        seq, reason = max(own.values())
        events.append(Event(seq, "article", id_, "delete", reason))
    return [event for event in events if after < event.seq <= until], until


def _standing(connection: Connection, ids: Collection[UUID], facets: Collection[int]) -> dict[UUID, frozenset[int]]:
    """Answer in which of these facets these articles stand now."""
    row = Listing
    joined = and_(
        row.published_at == Article.published_at, row.article_id == Article.id, among(connection, row.facet_id, facets)
    )
    found = select(Article.id, row.facet_id).join(row, joined)
    present: dict[UUID, frozenset[int]] = {}
    for id_, facet in connection.execute(found.where(among(connection, Article.id, ids), visible())):
        present[id_] = present.get(id_, frozenset()) | {facet}
    return present


def _names(connection: Connection, kinds: Sequence[str], after: int, until: int, most: int) -> tuple[list[Event], int]:
    """Answer the brands, authors, sections and tags that changed themselves."""
    values = {"kinds": kinds, "after": after, "until": until, "most": most}
    rows: Sequence[Any] = connection.execute(_NAMES, values).all()
    if len(rows) >= most:
        until = rows[-1].seq
    last = dict(connection.execute(_LAST, {"ids": [row.subject_id for row in rows]}).all()) if rows else {}
    return [
        Event(row.seq, row.kind, row.subject_id, row.action) for row in rows if row.seq == last[row.subject_id]
    ], until


_NAMES = (
    select(Change.seq, Change.kind, Change.subject_id, Change.action)
    .where(
        OF_TERMS,
        Change.kind.in_(bindparam("kinds", expanding=True)),
        Change.seq > bindparam("after"),
        Change.seq <= bindparam("until"),
    )
    .order_by(Change.seq)
    .limit(bindparam("most"))
)
_LAST = (
    select(Change.subject_id, func.max(Change.seq))
    .where(OF_TERMS, Change.subject_id.in_(bindparam("ids", expanding=True)))
    .group_by(Change.subject_id)
)


def told(connection: Connection, seqs: Collection[int]) -> dict[int, Told]:
    """Answer what the log says at these changes."""
    columns = (Change.seq, Change.mark, Change.at, Change.reason, Change.slug, Change.previous_slug, Change.version)
    found = connection.execute(select(*columns).where(among(connection, Change.seq, sorted(seqs))))
    return {row.seq: Told(*row[1:]) for row in found}


def gone(connection: Connection, ids: Collection[UUID]) -> dict[UUID, Any]:
    """Answer why these articles are gone, of those that are; the others were never seen, or are here."""
    found = select(Article.id, Article.gone).where(among(connection, Article.id, ids), Article.status != "published")
    return {id_: why for id_, why in connection.execute(found) if why}


def short(connection: Connection, kind: Any, ids: Collection[UUID]) -> dict[UUID, dict[str, str]]:
    """Answer brands, authors, sections or tags in short."""
    model = MODELS[kind]
    found = connection.execute(select(model.id, model.slug, model.name).where(among(connection, model.id, ids)))
    return {id_: {"slug": slug, "name": name} for id_, slug, name in found}


def members(connection: Connection, facets: Collection[int]) -> int:
    """Answer how many articles stand in these facets."""
    found = select(func.coalesce(func.sum(Facet.articles), 0)).where(among(connection, Facet.id, facets))
    return int(connection.execute(found).scalar_one())


def in_scope(connection: Connection, groups: Sequence[Group], ids: Collection[UUID]) -> set[UUID]:
    """Answer which of these articles are in every filter."""
    if not ids:
        return set()
    facets = frozenset[int]().union(*(group.now for group in groups))
    return {id_ for id_, here in _standing(connection, ids, facets).items() if all(g.now & here for g in groups)}


def rarest(connection: Connection, groups: Sequence[Group], most: int) -> list[UUID] | None:
    """Answer the articles of the filter that has the fewest; None where those are more than `most`."""
    least = min(groups, key=lambda group: group.articles)
    if least.articles > most:
        return None
    return list(connection.execute(_STANDING, {"facets": list(least.now)}).scalars())


def marks(told_: Mapping[int, Told], seq: int) -> int:
    """Answer the mark of a change that was read; the log's beginning has none."""
    return told_[seq].mark if seq in told_ else 0
