"""The smallest valid things, straight to the tables: what a test does not say takes a value that cannot matter.

    brand = make.brand("land-rover", name="Land Rover", parent="jaguar-land-rover")
    article = make.article("velar", brand="land-rover", tags=["suv"], published_at=make.at("2017-02-22T10:00:00Z"))

Terms that an article names are made where they are not there yet.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from newsapi.changelog import writer as changelog_writer
from newsapi.changelog.records import NewChange
from newsapi.changelog.tables import Facet
from newsapi.content.queries import listing_entries, snapshots
from newsapi.content.tables.articles import (
    Article,
    ArticleAuthor,
    ArticleContent,
    ArticleMention,
    ArticleTag,
    SlugRedirect,
)
from newsapi.content.tables.terms import Author, Brand, Section, Tag
from newsapi.content.writes import publication_numbers
from newsapi.db.database import Database
from newsapi.errors import WithdrawalInfo
from newsapi.text.folding import fold

TERMS: dict[str, Any] = {"brand": Brand, "author": Author, "section": Section, "tag": Tag}


class Make:
    """Makes things in one database; every article is a minute newer than the one before, unless told otherwise."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self.database, self.now = database, now
        self._count = 0

    @staticmethod
    def at(text: str) -> datetime:
        return datetime.fromisoformat(text).astimezone(UTC)

    def brand(self, slug: str, *, parent: str | None = None, **columns: Any) -> UUID:
        with self.database.transaction() as session:
            return self._term(session, "brand", slug, parent=parent, **columns)

    def author(self, slug: str, **columns: Any) -> UUID:
        with self.database.transaction() as session:
            return self._term(session, "author", slug, **columns)

    def section(self, slug: str, **columns: Any) -> UUID:
        with self.database.transaction() as session:
            return self._term(session, "section", slug, **columns)

    def tag(self, slug: str, **columns: Any) -> UUID:
        with self.database.transaction() as session:
            return self._term(session, "tag", slug, **columns)

    def old_slug(self, kind: str, slug: str, subject: UUID) -> None:
        with self.database.transaction() as session:
            session.add(SlugRedirect(kind=kind, slug=slug, subject_id=subject, created_at=self.now()))

    def article(
        self,
        slug: str | None = None,
        *,
        brand: str | None = None,
        section: str | None = None,
        authors: Iterable[str] = (),
        mentions: Iterable[str] = (),
        tags: Iterable[str] = (),
        **columns: Any,
    ) -> UUID:
        """Make an article, published unless `status` says otherwise, and tell the log if it is public."""
        with self.database.transaction() as session:
            terms = {
                name: self._ensure(session, kind, slugs)
                for name, kind, slugs in (
                    ("brand", "brand", [brand] if brand else []),
                    ("section", "section", [section] if section else []),
                    ("authors", "author", authors),
                    ("mentions", "brand", mentions),
                    ("tags", "tag", tags),
                )
            }
            detail = {name: columns.pop(name) for name in DETAIL if name in columns}
            row = self._article(slug, columns, terms)
            group = detail.get("translation_group")
            named = {"format": row.format, "language": row.language} | ({"translation": group} if group else {})
            for kind, name in named.items():
                self._facet(session, kind, name)
            session.add(row)
            session.flush()
            session.add(ArticleContent(**{"article_id": row.id, "body_html": "<p>Testo.</p>", **detail}))
            for link, column, name in LINKS:
                for position, id_ in enumerate(terms[name]):
                    session.execute(insert(link), {"article_id": row.id, "position": position, column: id_})
            session.flush()
            if row.status == "published":
                self._publish(session, row)
            return row.id

    def articles(self, count: int, **columns: Any) -> list[UUID]:
        return [self.article(**columns) for _ in range(count)]

    def hide(self, article: UUID, *, status: str = "withdrawn", gone: WithdrawalInfo | None = None) -> None:
        """Take a published article away, as a withdrawal does."""
        with self.database.transaction() as session:
            row = session.get_one(Article, article)
            state = snapshots.get_snapshots(session, [article])[article]
            [facets] = listing_entries.facets_of_articles(session, [state])
            listing_entries.delete_entries(session, [(state, facets)])
            row.status = status
            withdrawal: WithdrawalInfo = gone or {
                "at": "2026-11-01T12:00:00Z",
                "action": "withdrawn" if status == "withdrawn" else "unpublished",
                "reason": "other",
                "note": None,
                "replaced_by": None,
            }
            row.withdrawal = withdrawal
            session.flush()
            self._append_change(
                session, row, "delete", withdrawal["action"], facets_before=facets, facets_after=frozenset()
            )

    def _article(self, slug: str | None, columns: dict[str, Any], terms: dict[str, list[UUID]]) -> Article:
        self._count += 1
        time = self.at("2026-01-01T00:00:00Z") + timedelta(minutes=self._count)
        usual: dict[str, Any] = {
            "slug": slug or f"articolo-{self._count}",
            "status": "published",
            "version": 1,
            "headline": f"Titolo {self._count}",
            "format": "article",
            "language": "it",
            "word_count": 1,
            "published_at": time,
            "published_precision": "second",
            "brand_id": next(iter(terms["brand"]), None),
            "section_id": next(iter(terms["section"]), None),
            "created_at": time,
        }
        values = {**usual, **columns}
        values.setdefault("updated_at", values["published_at"] or time)
        values.setdefault("materially_updated_at", values["published_at"])
        return Article(**values)

    def _publish(self, session: Session, row: Article) -> None:
        state = snapshots.get_snapshots(session, [row.id])[row.id]
        publication_numbers.assign_numbers(session, [state])
        row.publication_number = state.publication_number
        [facets] = listing_entries.facets_of_articles(session, [state])
        listing_entries.insert_entries(session, [(state, facets)])
        self._append_change(session, row, "upsert", "published", facets_before=frozenset(), facets_after=facets)

    def _append_change(self, session: Session, row: Article, action: Any, reason: str, **facets: Any) -> None:
        change = NewChange(
            kind="article",
            action=action,
            reason=reason,
            subject_id=row.id,
            slug=row.slug,
            version=row.version,
            **facets,
        )
        numbers = changelog_writer.append_changes(session, [change], now=self.now())
        session.execute(
            update(Article).where(Article.id == row.id).values(seq=numbers.last, changed_at=numbers.committed_at)
        )

    def _ensure(self, session: Session, kind: str, slugs: Iterable[str]) -> list[UUID]:
        model = TERMS[kind]
        found = []
        for slug in slugs:
            id_ = session.execute(select(model.id).where(model.slug == slug)).scalar()
            found.append(id_ or self._term(session, kind, slug))
        return found

    def _term(self, session: Session, kind: Any, slug: str, *, parent: str | None = None, **columns: Any) -> UUID:
        name = columns.setdefault("name", slug.replace("-", " ").title())
        words = "".join(f" {fold(text)}" for text in (name, *columns.get("aliases", ())))
        row = TERMS[kind](
            slug=slug,
            sort_key=fold(name),
            search_names=words,
            changed_at=self.now(),
            facet_id=self._facet(session, kind, None),
            **columns,
        )
        if kind == "brand":
            row.mention_facet_id = self._facet(session, "mention", None)
        if parent:
            above = session.execute(select(Brand).where(Brand.slug == parent)).scalar_one()
            row.parent_id = above.id
            above.group_facet_id = above.group_facet_id or self._facet(session, "group", None)
        session.add(row)
        session.flush()
        touched = session.execute(select(Facet.id).where(Facet.kind == "terms", Facet.name == kind)).scalar_one()
        change = NewChange(
            kind=kind,
            action="upsert",
            reason="updated",
            subject_id=row.id,
            slug=slug,
            facets_after=frozenset({touched, row.facet_id}),
        )
        changelog_writer.append_changes(session, [change], now=self.now())
        id_: UUID = row.id
        return id_

    @staticmethod
    def _facet(session: Session, kind: str, name: str | None) -> int:
        if name is not None:
            found = session.execute(select(Facet.id).where(Facet.kind == kind, Facet.name == name)).scalar()
            if found:
                return found
        return session.execute(insert(Facet).values(kind=kind, name=name).returning(Facet.id)).scalar_one()


DETAIL = (
    "body_html",
    "canonical_url",
    "source",
    "media",
    "corrections",
    "rights",
    "seo",
    "picks",
    "bans",
    "translation_group",
)
LINKS = (
    (ArticleAuthor, "author_id", "authors"),
    (ArticleMention, "brand_id", "mentions"),
    (ArticleTag, "tag_id", "tags"),
)


def make_articles(database_url: str, count: int, clock: Callable[[], datetime]) -> None:
    """Make articles of one brand and tag, `a-0` and so on, in a database that has the tables."""
    database = Database(database_url)
    make = Make(database, clock)
    for number in range(count):
        make.article(f"a-{number}", brand="land-rover", tags=["suv"])
    database.dispose()
