"""Articles as they stand, whole: what a write is set against."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, literal, select, union, union_all
from sqlalchemy.orm import Session

from newsapi.model import Article, ArticleDetail, Brand, OldSlug, Section
from newsapi.store.articles import LINKS
from newsapi.store.rows import among

DETAIL = (
    *("canonical_url", "source", "media", "corrections", "rights", "seo", "picks", "bans", "translation_group"),
    "body_html",
)
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
KEPT = ("version", "gone", "import_digest", "number")


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
    number: int | None = None
    names: dict[str, Any] | None = None
    former_slugs: frozenset[str] = frozenset()

    @property
    def is_public(self) -> bool:
        """Whether readers see it."""
        return bool(self.values["status"] == "published")

    @property
    def named_facets(self) -> dict[str, str]:
        """The facets that have no other row than their name, by their kind."""
        group = self.values["translation_group"]
        found = {kind: self.values[kind] for kind in ("format", "language")}
        return found | {"translation": group} if group else found

    def same_content(self, other: State) -> bool:
        """Whether nothing that a newsroom writes is different."""
        names = (*SUMMARY, *DETAIL, *TIMES)
        same = all(self.values[name] == other.values[name] for name in names)
        return same and self.links == other.links and self.former_slugs == other.former_slugs


def known_digests(connection: Connection, digests: Collection[bytes]) -> set[bytes]:
    """Answer which of these lines are what an article was last imported from."""
    found = select(Article.import_digest).where(among(connection, Article.import_digest, digests))
    return {digest for digest in connection.execute(found).scalars() if digest is not None}


def slugs_taken(session: Session, slugs: Collection[str]) -> set[str]:
    """Answer those of these slugs that an article has, or had."""
    own = select(Article.slug).where(Article.slug.in_(slugs))
    former = select(OldSlug.slug).where(OldSlug.kind == "article", OldSlug.slug.in_(slugs))
    return set(session.execute(union_all(own, former)).scalars())


def picked(connection: Connection, article: UUID) -> tuple[list[str], list[str], int]:
    """Answer the slugs that the editors picked and banned for an article, and its version."""
    found = select(ArticleDetail.picks, ArticleDetail.bans, Article.version).join(
        Article, Article.id == ArticleDetail.article_id
    )
    picks, bans, version = connection.execute(found.where(Article.id == article)).one()
    return picks, bans or [], version


def gone(connection: Connection, ids: Collection[UUID]) -> dict[UUID, Any]:
    """Answer, of those of these articles that were public and are no more, when, how and why they went."""
    found = select(Article.id, Article.gone).where(among(connection, Article.id, ids), Article.gone.is_not(None))
    return dict(connection.execute(found).all()) if ids else {}


def articles_of(session: Session, kind: str, term: UUID, most: int) -> dict[UUID, State]:
    """Answer the first articles, of any status, that bear a brand (also by mention), author, section or tag."""
    found = []
    if kind in {"brand", "section"}:
        column = Article.brand_id if kind == "brand" else Article.section_id
        found.append(select(Article.id).where(column == term))
    found += [
        select(link.article_id).where(term_id == term)
        for link, term_id, model in LINKS.values()
        if model.__tablename__ == kind
    ]
    ids = session.execute(union(*found).limit(most)).scalars().all()
    return by_id(session, ids)


def existing(
    session: Session, slugs: Collection[str], ids: Collection[UUID]
) -> tuple[dict[str, State], dict[UUID, State]]:
    """Answer the articles that have, or had, one of these slugs (by it), and those with one of these ids."""
    connection = session.connection()
    own = select(Article.slug, Article.id).where(among(connection, Article.slug, slugs))
    former = select(OldSlug.slug, OldSlug.subject_id).where(
        OldSlug.kind == "article", among(connection, OldSlug.slug, slugs)
    )
    by_slug: dict[str, UUID] = {**dict(connection.execute(former).all()), **dict(connection.execute(own).all())}
    states = by_id(session, {*by_slug.values(), *ids})
    return {slug: states[id_] for slug, id_ in by_slug.items()}, states


def by_id(session: Session, ids: Collection[UUID]) -> dict[UUID, State]:
    """Answer the articles with these ids."""
    return _whole(session.connection(), ids) if ids else {}


def whole(connection: Connection, id_: UUID) -> State:
    """Answer the article with this id, which there is."""
    return _whole(connection, [id_])[id_]


def _whole(connection: Connection, ids: Collection[UUID]) -> dict[UUID, State]:
    article = [getattr(Article, name) for name in ("id", *KEPT, *SUMMARY, *TIMES)]
    detail = [getattr(ArticleDetail, name) for name in DETAIL]
    found = (
        select(*article, *detail, Brand.slug.label("brand"), Section.slug.label("section"))
        .join(ArticleDetail, ArticleDetail.article_id == Article.id)
        .outerjoin(Brand, Brand.id == Article.brand_id)
        .outerjoin(Section, Section.id == Article.section_id)
        .where(among(connection, Article.id, ids))
    )
    states = {}
    for row in connection.execute(found).mappings():
        states[row["id"]] = State(
            id=row["id"],
            values={name: row[name] for name in (*SUMMARY, *DETAIL, *TIMES)},
            links={kind: [] for kind in LINKS},
            names={"brand": row["brand"], "section": row["section"], **{kind: [] for kind in LINKS}},
            **{name: row[name] for name in KEPT},
        )
    former = select(OldSlug.subject_id, OldSlug.slug).where(
        OldSlug.kind == "article", among(connection, OldSlug.subject_id, ids)
    )
    for article_id, slug in connection.execute(former):
        states[article_id].former_slugs |= {slug}
    for kind, article_id, term_id, slug in connection.execute(_all_links(connection, ids)):
        state = states[article_id]
        state.links[kind].append(term_id)
        if state.names:
            state.names[kind].append(slug)
    return states


def _all_links(connection: Connection, ids: Collection[UUID]) -> Any:
    branches = []
    for kind, (link, term_id, term) in LINKS.items():
        found = select(
            literal(kind).label("kind"), link.article_id, term_id.label("term_id"), term.slug, link.position
        ).join(term, term.id == term_id)
        branches.append(found.where(among(connection, link.article_id, ids)))
    rows = union_all(*branches).subquery()
    return select(rows.c.kind, rows.c.article_id, rows.c.term_id, rows.c.slug).order_by(rows.c.position)
