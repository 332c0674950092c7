"""An archive of 21,000 articles, filled in seconds.

The number of an article decides what it is about, so that facets are large and small, dense and sparse. The tag `pari`
(odd numbers) and the author `carla` (even ones) hold half the archive each and meet in MEETING alone, the oldest.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, update

from newsapi.changelog.tables import Facet
from newsapi.content.queries import listing_entries, snapshots
from newsapi.content.tables.articles import (
    Article,
    ArticleAuthor,
    ArticleContent,
    ArticleMention,
    ArticleTag,
    ListingEntry,
)
from newsapi.content.tables.terms import Tag
from newsapi.db.database import Database
from tests.support.factories import Make

ARTICLES = 21_000
MEETING = ("articolo-6", "articolo-4", "articolo-2", "articolo-0")
RARE = 200
"""Every how many articles one bears the tag `raro`."""

START = datetime(2010, 1, 1, tzinfo=UTC)
CHUNK = 1_500
TERMS = {
    "brand": ("jaguar-land-rover", "land-rover", "jaguar", "fiat", *(f"marca-{i}" for i in range(20))),
    "section": ("anteprime", "mercato", "curiosita"),
    "author": ("anna", "bruno", "carla"),
    "tag": ("pari", "dispari", "raro", "suv"),
}
THEMES = [f"tema-{i}" for i in range(2_000)]
BRANDS = (*("land-rover",) * 8, *("fiat",) * 4, *("jaguar",) * 2, *(f"marca-{i}" for i in range(6)))


def fill(database: Database, *, counted_after: int | None = None) -> None:
    """Put the archive into an empty database; let it count its rows after the first `counted_after` articles."""
    make = Make(database, lambda: START)
    ids = _terms(make)
    rows = [_article(number, ids) for number in range(ARTICLES)]
    for start in range(0, ARTICLES, CHUNK):
        _write(database, rows[start : start + CHUNK], ids)
        if counted_after and start < counted_after <= start + CHUNK:
            database.analyze()
    articles = select(func.count()).where(ListingEntry.facet_id == Facet.id).scalar_subquery()
    with database.transaction() as session:
        session.execute(update(Facet).values(article_count=articles, seq=ARTICLES, changed_at=START))


def _terms(make: Make) -> dict[str, UUID]:
    ids = {}
    with make.database.transaction() as session:
        for kind, slugs in TERMS.items():
            for slug in slugs:
                parent = "jaguar-land-rover" if slug in {"land-rover", "jaguar"} else None
                ids[slug] = make._term(session, kind, slug, parent=parent)
        for kind, names in (("format", ("article", "gallery", "video")), ("language", ("it", "en"))):
            for name in names:
                make._facet(session, kind, name)
        session.execute(insert(Facet), [{"kind": "tag", "name": slug} for slug in THEMES])
        facets = session.execute(select(Facet.name, Facet.id).where(Facet.kind == "tag", Facet.name.in_(THEMES))).all()
        fixed = {"search_names": "", "changed_at": START}
        session.execute(
            insert(Tag),
            [{"slug": slug, "name": slug, "sort_key": slug, "facet_id": id_, **fixed} for slug, id_ in facets],
        )
        ids |= dict(session.execute(select(Tag.slug, Tag.id)).all())
    return ids


def _article(number: int, ids: dict[str, UUID]) -> dict[str, Any]:
    published = START + timedelta(minutes=number // 3)  # by threes at one instant
    updated = published + timedelta(minutes=number * 7_919 % 20_011 if number % 4 == 0 else 0)
    return {
        "id": UUID(int=(number * 2_654_435_761 % (1 << 32)) << 80 | 7 << 76 | 2 << 62 | number),
        "slug": f"articolo-{number}",
        "status": "published",
        "seq": number + 1,
        "changed_at": updated,
        "headline": f"Titolo {number}",
        "format": "video" if number % 20 == 7 else "gallery" if number % 10 == 3 else "article",
        "language": "en" if number % 20 == 11 else "it",
        "brand_id": ids[BRANDS[number % len(BRANDS)]],
        "section_id": ids[TERMS["section"][number % 3]],
        "word_count": 100,
        "published_at": published,
        "updated_at": updated,
        "materially_updated_at": published if number % 9 else updated,
        "created_at": published,
    }


def _tags(number: int) -> list[str]:
    tags = ["pari", "dispari"] if number < 7 else ["pari" if number % 2 else "dispari"]
    tags += ["raro"] if number % RARE == RARE // 2 else []
    return [*tags, *(["suv"] if number % 4 == 2 else []), THEMES[number % len(THEMES)]]


def _write(database: Database, rows: list[dict[str, Any]], ids: dict[str, UUID]) -> None:
    links: dict[Any, list[dict[str, Any]]] = {ArticleAuthor: [], ArticleMention: [], ArticleTag: []}
    for row in rows:
        number = int(row["slug"].rpartition("-")[2])
        authors = ["anna" if number % 2 else "carla", *(["bruno"] if number % 5 == 0 else [])]
        mentions = ["fiat"] if number % 3 == 1 and BRANDS[number % len(BRANDS)] != "fiat" else []
        for link, column, slugs in (
            (ArticleAuthor, "author_id", authors),
            (ArticleMention, "brand_id", mentions),
            (ArticleTag, "tag_id", _tags(number)),
        ):
            links[link] += [
                {"article_id": row["id"], "position": position, column: ids[slug]}
                for position, slug in enumerate(slugs)
            ]
    details = [{"article_id": row["id"], "body_html": "<p>Testo.</p>"} for row in rows]
    with database.transaction() as session:
        connection = session.connection()
        for model, found in ((Article, rows), (ArticleContent, details), *links.items()):
            connection.execute(insert(model.__table__), found)
        written = list(snapshots.get_snapshots(session, [row["id"] for row in rows]).values())
        listing_entries.insert_entries(
            session, zip(written, listing_entries.facets_of_articles(session, written), strict=True)
        )
