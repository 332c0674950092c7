"""Many articles at once: the rows of what is new or different."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, update
from sqlalchemy.orm import Session

from newsapi.model import Article, ArticleDetail, OldSlug, Revision
from newsapi.model.articles import bucket
from newsapi.model.base import Base, table
from newsapi.store import listed, log, rows, sitemaps
from newsapi.store.articles import LINKS
from newsapi.store.log import Numbers
from newsapi.store.rows import among
from newsapi.store.states import DETAIL, SUMMARY, TIMES, State
from newsapi.store.told import Told


@dataclass(frozen=True, slots=True)
class Written:
    """One article to write: what it becomes, what it was (None: it is new), and why the public sees a change, if so."""

    after: State
    before: State | None
    reason: str | None


def write(session: Session, items: Sequence[Written], *, now: datetime, by: str, in_bulk: bool = True) -> Numbers:
    """Write the articles, their lists, their revisions and the changes the public sees, in the order given.

    The formats and languages they bear have facets already. `in_bulk` is what the log says of it. Answers the numbers
    that the changes got.
    """
    changes = [item for item in items if item.reason]
    numbers = log.take(session, len(changes), now=now)
    seqs = {item.after.id: seq for seq, item in enumerate(changes, numbers.first)}
    old = [item.before for item in items if item.before]
    for item in items:
        item.after.number = item.before.number if item.before else None
    sitemaps.number(session, [item.after for item in items])
    facets = listed.facets(session, [*old, *(item.after for item in items)])
    before = dict(zip([state.id for state in old], facets, strict=False))
    after = facets[len(old) :]
    listed.unlist_articles(session, zip(old, facets, strict=False))

    def each(make: Callable[[Written], Any], *, new: bool) -> list[dict[str, Any]]:
        return [make(item) for item in items if (item.before is None) is new]

    def article(item: Written) -> dict[str, Any]:
        return _article_row(item, seqs.get(item.after.id), numbers.at, now)

    _insert(session, Article, each(article, new=True))
    _insert(session, ArticleDetail, each(_detail_row, new=True))
    _update(session, Article, "id", each(article, new=False))
    _update(session, ArticleDetail, "article_id", each(_detail_row, new=False))
    _insert(session, Revision, [_revision(state, now, by) for state in old])
    _write_links(session, items)
    _write_former_slugs(session, items, now)
    listed.list_articles(session, ((item.after, found) for item, found in zip(items, after, strict=True)))
    nowhere: frozenset[int] = frozenset()
    told = [
        _told(item, before.get(item.after.id, nowhere), found)
        for item, found in zip(items, after, strict=True)
        if item.reason
    ]
    log.tell(session, told, numbers, bulk=in_bulk)
    return numbers


def remember_digests(session: Session, digests: Sequence[tuple[UUID, bytes]]) -> None:
    """Note the line an article was read from, where it brought nothing new."""
    _update(session, Article, "id", [{"id": id_, "import_digest": digest} for id_, digest in digests])


def _article_row(item: Written, seq: int | None, at: datetime, now: datetime) -> dict[str, Any]:
    state = item.after
    row = {name: state.values[name] for name in (*SUMMARY, *TIMES)}
    row |= {"id": state.id, "version": state.version, "gone": state.gone, "import_digest": state.import_digest}
    row["number"] = state.number
    end = (state.values["rights"] or {}).get("expires_at")
    row["expires_at"] = datetime.fromisoformat(end) if end else None
    if item.before is None:
        row |= {"created_at": now, "bucket": bucket(state.id)}
    if item.before is None or seq is not None:
        row |= {"seq": seq, "changed_at": at if seq else None}
    return row


def _detail_row(item: Written) -> dict[str, Any]:
    return {"article_id": item.after.id, **{name: item.after.values[name] for name in DETAIL}}


def _revision(state: State, now: datetime, by: str) -> dict[str, Any]:
    return {
        "article_id": state.id,
        "number": state.version,
        "replaced_at": now,
        "replaced_by": by,
        "content": content(state),
    }


def content(state: State) -> dict[str, Any]:
    """What history keeps of an article: all it said, and the slugs of what it referred to."""
    found = {name: value for name, value in state.values.items() if name not in {"brand_id", "section_id"}}
    return found | (state.names or {})


def _write_links(session: Session, items: Sequence[Written]) -> None:
    connection = session.connection()
    for kind, (link, term_id, _) in LINKS.items():
        moved = [item for item in items if item.before is None or item.before.links[kind] != item.after.links[kind]]
        if stale := [item.after.id for item in moved if item.before]:
            connection.execute(delete(table(link)).where(among(connection, link.article_id, stale)))
        found = (
            (item.after.id, position, term) for item in moved for position, term in enumerate(item.after.links[kind])
        )
        rows.insert(session, link, ("article_id", "position", term_id.key), found)


def _write_former_slugs(session: Session, items: Sequence[Written], now: datetime) -> None:
    """Lead former slugs on; a slug that an article bears now leads nowhere else."""
    connection = session.connection()
    present = [item.after.values["slug"] for item in items]
    had = {item.after.id: item.before.former_slugs if item.before else frozenset() for item in items}
    former = {slug: item.after.id for item in items for slug in item.after.former_slugs - had[item.after.id]}
    taken = among(connection, OldSlug.slug, [*present, *former])
    connection.execute(delete(table(OldSlug)).where(OldSlug.kind == "article", taken))
    found = (("article", slug, id_, now) for slug, id_ in former.items())
    rows.insert(session, OldSlug, ("kind", "slug", "subject_id", "at"), found)


def _told(item: Written, before: frozenset[int], after: frozenset[int]) -> Told:
    state, reason = item.after, item.reason or ""
    slug = state.values["slug"]
    led = item.before.former_slugs if item.before and item.before.is_public else frozenset()
    old_slug = item.before.values["slug"] if item.before else slug
    return Told(
        kind="article",
        action="upsert" if state.is_public else "delete",
        reason=reason,
        subject_id=state.id,
        slug=slug,
        previous_slug=old_slug if old_slug != slug else None,
        more_slugs=tuple(sorted(state.former_slugs - led - {old_slug})),
        version=state.version,
        was=item.before.version if item.before else None,
        before=before,
        after=after,
    )


def _insert(session: Session, model: type[Base], found: Sequence[dict[str, Any]]) -> None:
    """Insert rows that all bear the same columns."""
    if found:
        columns = tuple(found[0])
        rows.insert(session, model, columns, map(itemgetter(*columns), found))


def _update(session: Session, model: type[Base], key: str, found: Iterable[dict[str, Any]]) -> None:
    """Update rows by their key: those that bear the same columns in one go."""
    kinds: dict[frozenset[str], list[dict[str, Any]]] = {}
    for row in found:
        kinds.setdefault(frozenset(row), []).append({("which" if name == key else name): row[name] for name in row})
    column = table(model).c[key]
    statement = update(table(model)).where(column == bindparam("which", type_=column.type))
    for same in kinds.values():
        session.connection().execute(statement, same)
