"""Many articles at once: what is there already, and the rows of what is new or different."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, insert, literal, select, union_all, update
from sqlalchemy.orm import Session

from newsapi.model import Article, ArticleDetail, Brand, OldSlug, Revision, Section
from newsapi.store import listed, log
from newsapi.store.articles import LINKS
from newsapi.store.log import Told

DETAIL = ("canonical_url", "source", "media", "corrections", "rights", "seo", "picks", "body_html")
SUMMARY = (
    "slug",
    "status",
    "headline",
    "standfirst",
    "format",
    "language",
    "brand_id",
    "section_id",
    "image",
    "word_count",
    "published_at",
    "published_precision",
)
TIMES = ("updated_at", "materially_updated_at")
KEPT = ("version", "gone", "import_digest")


@dataclass(slots=True, kw_only=True)
class State:
    """An article whole: its columns, its links as ids in order, and the slugs it had.

    `names` are the slugs of what it refers to, for people who read its history.
    """

    id: UUID
    values: dict[str, Any]
    links: dict[str, list[UUID]]
    version: int = 1
    gone: dict[str, Any] | None = None
    import_digest: bytes | None = None
    names: dict[str, Any] | None = None
    former_slugs: frozenset[str] = frozenset()

    @property
    def is_public(self) -> bool:
        """Whether readers see it."""
        return bool(self.values["status"] == "published")

    def same_content(self, other: State) -> bool:
        """Whether nothing that a newsroom writes is different."""
        names = (*SUMMARY, *DETAIL, *TIMES)
        same = all(self.values[name] == other.values[name] for name in names)
        return same and self.links == other.links and self.former_slugs == other.former_slugs


@dataclass(frozen=True, slots=True)
class Written:
    """One article to write: what it becomes, what it was (None: it is new), and why the public sees a change, if so."""

    after: State
    before: State | None
    reason: str | None


def known_digests(connection: Connection, digests: Collection[bytes]) -> set[bytes]:
    """Answer which of these lines are what an article was last imported from."""
    found = select(Article.import_digest).where(Article.import_digest.in_(digests))
    return {digest for digest in connection.execute(found).scalars() if digest is not None}


def slugs_in_use(session: Session, slugs: Collection[str]) -> dict[str, UUID]:
    """Answer which articles have these slugs now."""
    found = select(Article.slug, Article.id).where(Article.slug.in_(slugs))
    return dict(session.execute(found).all())


def existing(
    session: Session, slugs: Collection[str], ids: Collection[UUID]
) -> tuple[dict[str, State], dict[UUID, State]]:
    """Answer the articles that have, or had, one of these slugs (by it), and those with one of these ids."""
    own = slugs_in_use(session, slugs)
    former = select(OldSlug.slug, OldSlug.subject_id).where(OldSlug.kind == "article", OldSlug.slug.in_(slugs))
    by_slug: dict[str, UUID] = {**dict(session.execute(former).all()), **own}
    states = _states(session, {*by_slug.values(), *ids})
    return {slug: states[id_] for slug, id_ in by_slug.items()}, states


def _states(session: Session, ids: Collection[UUID]) -> dict[UUID, State]:
    if not ids:
        return {}
    article = [getattr(Article, name) for name in ("id", *KEPT, *SUMMARY, *TIMES)]
    detail = [getattr(ArticleDetail, name) for name in DETAIL]
    found = (
        select(*article, *detail, Brand.slug.label("brand"), Section.slug.label("section"))
        .join(ArticleDetail, ArticleDetail.article_id == Article.id)
        .outerjoin(Brand, Brand.id == Article.brand_id)
        .outerjoin(Section, Section.id == Article.section_id)
        .where(Article.id.in_(ids))
    )
    states = {}
    for row in session.execute(found).mappings():
        states[row["id"]] = State(
            id=row["id"],
            values={name: row[name] for name in (*SUMMARY, *DETAIL, *TIMES)},
            links={kind: [] for kind in LINKS},
            names={"brand": row["brand"], "section": row["section"], **{kind: [] for kind in LINKS}},
            **{name: row[name] for name in KEPT},
        )
    former = select(OldSlug.subject_id, OldSlug.slug).where(OldSlug.kind == "article", OldSlug.subject_id.in_(ids))
    for article_id, slug in session.execute(former):
        states[article_id].former_slugs |= {slug}
    for kind, article_id, term_id, slug in session.execute(_all_links(ids)):
        state = states[article_id]
        state.links[kind].append(term_id)
        if state.names:
            state.names[kind].append(slug)
    return states


def _all_links(ids: Collection[UUID]) -> Any:
    branches = []
    for kind, (link, term_id, term) in LINKS.items():
        found = select(
            literal(kind).label("kind"), link.article_id, term_id.label("term_id"), term.slug, link.position
        ).join(term, term.id == term_id)
        branches.append(found.where(link.article_id.in_(ids)))
    rows = union_all(*branches).subquery()
    return select(rows.c.kind, rows.c.article_id, rows.c.term_id, rows.c.slug).order_by(rows.c.position)


def write(session: Session, items: Sequence[Written], *, now: datetime, by: str) -> None:
    """Write the articles, their lists, their revisions and the changes the public sees, in the order given.

    The formats and languages they bear have facets already.
    """
    ids = [item.after.id for item in items]
    changes = [item for item in items if item.reason]
    numbers = log.take(session, len(changes), now=now)
    seqs = {item.after.id: seq for seq, item in enumerate(changes, numbers.first)}
    old = [item.before for item in items if item.before]
    before = listed.listed_in(session, [state.id for state in old])
    places = [(facet, state.values["published_at"], state.id) for state in old for facet in before[state.id]]
    listed.unlist_articles(session, places)

    def rows(make: Callable[[Written], Any], *, new: bool) -> list[Any]:
        return [make(item) for item in items if (item.before is None) is new]

    def article(item: Written) -> dict[str, Any]:
        return _article_row(item, seqs.get(item.after.id), numbers.at, now)

    _insert(session, Article.__table__, rows(article, new=True))
    _insert(session, ArticleDetail.__table__, rows(_detail_row, new=True))
    _update(session, Article.__table__, "id", rows(article, new=False))
    _update(session, ArticleDetail.__table__, "article_id", rows(_detail_row, new=False))
    _insert(session, Revision.__table__, [_revision(state, now, by) for state in old])
    _write_links(session, items)
    _write_former_slugs(session, items, now)
    listed.list_articles(session, ids)
    after = listed.listed_in(session, ids)
    nowhere: frozenset[int] = frozenset()
    told = [_told(item, before.get(item.after.id, nowhere), after[item.after.id]) for item in changes]
    log.tell(session, told, numbers, bulk=True)


def remember_digests(session: Session, digests: Sequence[tuple[UUID, bytes]]) -> None:
    """Note the line an article was read from, where it brought nothing new."""
    _update(session, Article.__table__, "id", [{"id": id_, "import_digest": digest} for id_, digest in digests])


def _article_row(item: Written, seq: int | None, at: datetime, now: datetime) -> dict[str, Any]:
    state = item.after
    row = {name: state.values[name] for name in (*SUMMARY, *TIMES)}
    row |= {"id": state.id, "version": state.version, "gone": state.gone, "import_digest": state.import_digest}
    if item.before is None:
        row["created_at"] = now
    if item.before is None or seq is not None:
        row |= {"seq": seq, "changed_at": at if seq else None}
    return row


def _detail_row(item: Written) -> dict[str, Any]:
    return {"article_id": item.after.id, **{name: item.after.values[name] for name in DETAIL}}


def _revision(state: State, now: datetime, by: str) -> dict[str, Any]:
    content = {name: value for name, value in state.values.items() if name not in {"brand_id", "section_id"}}
    content |= state.names or {}
    return {
        "article_id": state.id,
        "number": state.version,
        "replaced_at": now,
        "replaced_by": by,
        "content": content,
    }


def _write_links(session: Session, items: Sequence[Written]) -> None:
    for kind, (link, term_id, _) in LINKS.items():
        table = link.__table__
        moved = [item for item in items if item.before is None or item.before.links[kind] != item.after.links[kind]]
        if stale := [item.after.id for item in moved if item.before]:
            session.connection().execute(delete(table).where(table.c.article_id.in_(stale)))
        rows = [
            {"article_id": item.after.id, "position": position, term_id.key: term}
            for item in moved
            for position, term in enumerate(item.after.links[kind])
        ]
        _insert(session, table, rows)


def _write_former_slugs(session: Session, items: Sequence[Written], now: datetime) -> None:
    """Lead former slugs on; a slug that an article bears now leads nowhere else."""
    present = [item.after.values["slug"] for item in items]
    had = {item.after.id: item.before.former_slugs if item.before else frozenset() for item in items}
    former = {slug: item.after.id for item in items for slug in item.after.former_slugs - had[item.after.id]}
    for slugs in (present, list(former)):
        session.execute(delete(OldSlug).where(OldSlug.kind == "article", OldSlug.slug.in_(slugs)))
    rows = [{"kind": "article", "slug": slug, "subject_id": id_, "at": now} for slug, id_ in former.items()]
    _insert(session, OldSlug.__table__, rows)


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
        before=before,
        after=after,
    )


def _insert(session: Session, table: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        session.connection().execute(insert(table), rows)


def _update(session: Session, table: Any, key: str, rows: list[dict[str, Any]]) -> None:
    """Update rows by their key: those that bear the same columns in one go."""
    kinds: dict[frozenset[str], list[dict[str, Any]]] = {}
    for row in rows:
        kinds.setdefault(frozenset(row), []).append({("which" if name == key else name): row[name] for name in row})
    statement = update(table).where(table.c[key] == bindparam("which", type_=table.c[key].type))
    for same in kinds.values():
        session.connection().execute(statement, same)
