"""Snapshots of complete articles, against which a write is compared."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Select, literal, select, union, union_all
from sqlalchemy.orm import Session

from newsapi.content.queries.article_rows import LINKS
from newsapi.content.tables.articles import Article, ArticleContent, SlugRedirect
from newsapi.content.tables.terms import Brand, Section
from newsapi.db.bulk_rows import in_values
from newsapi.errors import WithdrawalInfo
from newsapi.text.json_types import JsonObject

DETAIL = (
    "canonical_url",
    "source",
    "media",
    "corrections",
    "rights",
    "seo",
    "picks",
    "bans",
    "translation_group",
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
STATE_COLUMNS = ("version", "withdrawal", "import_digest", "local_changes", "publication_number")


@dataclass(slots=True, kw_only=True)
class ArticleSnapshot:
    """A complete article.

    Attributes:
        id: Its id.
        values: Its columns by name.
        links: Ids of linked terms by kind of link, in order.
        version: Its version.
        withdrawal: When, how and why it was withdrawn; None if it is public or never was.
        import_digest: Digest of the record that it was last imported from.
        local_changes: The fields that editors changed since the import, each with the hash of the imported value.
        source_id: Its identity in the file that it was imported from.
        publication_number: Its place in the sitemaps; None before its first publication.
        names: Slugs of the terms it refers to, stored with its revisions.
        former_slugs: Slugs that redirect to it.
    """

    id: UUID
    values: JsonObject
    links: dict[str, list[UUID]]
    version: int = 1
    withdrawal: WithdrawalInfo | None = None
    import_digest: bytes | None = None
    local_changes: Mapping[str, str] | None = None
    source_id: str | None = None
    publication_number: int | None = None
    names: JsonObject | None = None
    former_slugs: frozenset[str] = frozenset()

    @property
    def is_public(self) -> bool:
        """Whether the article is published."""
        return bool(self.values["status"] == "published")

    @property
    def named_facets(self) -> dict[str, str]:
        """Kind and name of the facets that are identified by their name, except those of sitemaps."""
        group = self.values["translation_group"]
        names = {kind: self.values[kind] for kind in ("format", "language")}
        return names | {"translation": group} if group else names

    def same_content(self, other: ArticleSnapshot) -> bool:
        """Tell whether both have the same editorial content, links, former slugs and identity."""
        names = (*SUMMARY, *DETAIL, *TIMES)
        same = all(self.values[name] == other.values[name] for name in names)
        same = same and self.links == other.links and self.former_slugs == other.former_slugs
        return same and self.source_id == other.source_id


class ImportedArticle(NamedTuple):
    """An article that was imported: its slug, and the names of the fields that editors changed since."""

    slug: str
    changed_fields: tuple[str, ...]


def find_by_import_digests(connection: Connection, digests: Collection[bytes]) -> dict[bytes, ImportedArticle]:
    """Return the articles that were last imported with one of the digests, by digest."""
    statement = select(Article.import_digest, Article.slug, Article.local_changes).where(
        in_values(connection, Article.import_digest, digests)
    )
    return {
        digest: ImportedArticle(slug, tuple(local_changes or ()))
        for digest, slug, local_changes in connection.execute(statement)
        if digest is not None
    }


def find_by_source_ids(session: Session, source_ids: Collection[str]) -> dict[str, UUID]:
    """Return the ids of the articles with these identities in their sources, by identity."""
    if not source_ids:
        return {}
    column = ArticleContent.source_id
    statement = select(column, ArticleContent.article_id).where(
        column.is_not(None), in_values(session.connection(), column, source_ids)
    )
    return {source_id: id_ for source_id, id_ in session.execute(statement) if source_id is not None}


def used_slugs(session: Session, slugs: Collection[str]) -> set[str]:
    """Return those of the slugs that an article has or had."""
    current = select(Article.slug).where(Article.slug.in_(slugs))
    former = select(SlugRedirect.slug).where(SlugRedirect.kind == "article", SlugRedirect.slug.in_(slugs))
    return set(session.execute(union_all(current, former)).scalars())


def get_picks(connection: Connection, article_id: UUID) -> tuple[list[str], list[str], int]:
    """Return the slugs that editors picked and excluded as related articles, and the version of the article."""
    statement = (
        select(ArticleContent.picks, ArticleContent.bans, Article.version)
        .join(Article, Article.id == ArticleContent.article_id)
        .where(Article.id == article_id)
    )
    picks, exclusions, version = connection.execute(statement).one()
    return picks, exclusions or [], version


def list_withdrawals(connection: Connection, ids: Collection[UUID]) -> dict[UUID, WithdrawalInfo]:
    """Return when, how and why articles were withdrawn, for those of the ids that were public and no longer are."""
    if not ids:
        return {}
    statement = select(Article.id, Article.withdrawal).where(
        in_values(connection, Article.id, ids), Article.status != "published"
    )
    return {id_: withdrawal for id_, withdrawal in connection.execute(statement) if withdrawal}


def list_by_term(session: Session, kind: str, term_id: UUID, limit: int) -> dict[UUID, ArticleSnapshot]:
    """Return up to `limit` articles, of any status, that are linked to a term (to a brand, also by a mention)."""
    branches = []
    if kind in {"brand", "section"}:
        column = Article.brand_id if kind == "brand" else Article.section_id
        branches.append(select(Article.id).where(column == term_id))
    branches += [
        select(link.article_id).where(link_column == term_id)
        for link, link_column, model in LINKS.values()
        if model.__tablename__ == kind
    ]
    ids = session.execute(union(*branches).limit(limit)).scalars().all()
    return get_snapshots(session, ids)


def find_by_slugs_or_ids(
    session: Session, slugs: Collection[str], ids: Collection[UUID]
) -> tuple[dict[str, ArticleSnapshot], dict[UUID, ArticleSnapshot]]:
    """Find articles by slug or former slug, and by id.

    Returns:
        The articles keyed by the given slug (a current slug takes precedence over a former one), and all articles,
        keyed by id.
    """
    connection = session.connection()
    current = select(Article.slug, Article.id).where(in_values(connection, Article.slug, slugs))
    former = select(SlugRedirect.slug, SlugRedirect.subject_id).where(
        SlugRedirect.kind == "article", in_values(connection, SlugRedirect.slug, slugs)
    )
    ids_by_slug: dict[str, UUID] = dict(connection.execute(former).all())
    ids_by_slug |= dict(connection.execute(current).all())
    states = get_snapshots(session, {*ids_by_slug.values(), *ids})
    return {slug: states[id_] for slug, id_ in ids_by_slug.items()}, states


def get_snapshots(session: Session, ids: Collection[UUID]) -> dict[UUID, ArticleSnapshot]:
    """Return the articles with these ids; unknown ids are left out."""
    return _load_snapshots(session.connection(), ids) if ids else {}


def get_snapshot(connection: Connection, id_: UUID) -> ArticleSnapshot:
    """Return the article with this id, which must exist."""
    return _load_snapshots(connection, [id_])[id_]


def _load_snapshots(connection: Connection, ids: Collection[UUID]) -> dict[UUID, ArticleSnapshot]:
    article_columns = [getattr(Article, name) for name in ("id", *STATE_COLUMNS, *SUMMARY, *TIMES)]
    detail_columns = [getattr(ArticleContent, name) for name in (*DETAIL, "source_id")]
    statement = (
        select(*article_columns, *detail_columns, Brand.slug.label("brand"), Section.slug.label("section"))
        .join(ArticleContent, ArticleContent.article_id == Article.id)
        .outerjoin(Brand, Brand.id == Article.brand_id)
        .outerjoin(Section, Section.id == Article.section_id)
        .where(in_values(connection, Article.id, ids))
    )
    states = {}
    for row in connection.execute(statement).mappings():
        states[row["id"]] = ArticleSnapshot(
            id=row["id"],
            values={name: row[name] for name in (*SUMMARY, *DETAIL, *TIMES)},
            links={kind: [] for kind in LINKS},
            names={"brand": row["brand"], "section": row["section"], **{kind: [] for kind in LINKS}},
            **{name: row[name] for name in (*STATE_COLUMNS, "source_id")},
        )
    former = select(SlugRedirect.subject_id, SlugRedirect.slug).where(
        SlugRedirect.kind == "article", in_values(connection, SlugRedirect.subject_id, ids)
    )
    for article_id, slug in connection.execute(former):
        states[article_id].former_slugs |= {slug}
    for kind, article_id, term_id, slug in connection.execute(_all_links(connection, ids)):
        state = states[article_id]
        state.links[kind].append(term_id)
        if state.names:
            state.names[kind].append(slug)
    return states


def _all_links(connection: Connection, ids: Collection[UUID]) -> Select[str, UUID, UUID, str]:
    branches = []
    for kind, (link, term_id, term) in LINKS.items():
        branch = select(
            literal(kind).label("kind"), link.article_id, term_id.label("term_id"), term.slug, link.position
        ).join(term, term.id == term_id)
        branches.append(branch.where(in_values(connection, link.article_id, ids)))
    rows = union_all(*branches).subquery()
    return select(rows.c.kind, rows.c.article_id, rows.c.term_id, rows.c.slug).order_by(rows.c.position)
