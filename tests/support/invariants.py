"""What must hold between the tables whatever was written, computed here from scratch and set against what is stored."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from struct import unpack
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from newsapi.changelog.tables import Change, ChangelogHead, Facet, FacetDigest, FilterExit
from newsapi.content.queries.sitemap_pages import ARTICLES_PER_PAGE
from newsapi.content.tables.articles import (
    Article,
    ArticleAuthor,
    ArticleContent,
    ArticleMention,
    ArticleTag,
    ListingEntry,
    Revision,
    SlugRedirect,
)
from newsapi.content.tables.terms import Author, Brand, Section, Tag
from newsapi.db.database import Database
from newsapi.db.types import Base


def dump(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with database.read_transaction() as connection:
        return {
            table.name: sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in Base.metadata.sorted_tables
        }


def dump_content(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row but those that count the requests of keys, which are written some time after the requests."""
    return {table: rows for table, rows in dump(database).items() if table != "key_daily_usage"}


def consistent(database: Database) -> None:
    """Assert that lists, counts, log, articles and history agree."""
    with database.read_transaction() as connection:
        facets = _memberships(connection)
        _lists(connection, facets)
        _counts(connection, facets)
        _log(connection, facets)
        _partners(connection, facets)
        _articles(connection)


def _memberships(connection: Connection) -> dict[Any, set[int]]:
    """Of each published article, the facets it belongs to: by plain loops, not by the statement that is under test."""

    def facet_of(model: Any, name: str = "facet_id") -> dict[Any, int]:
        return {row.id: getattr(row, name) for row in connection.execute(select(model.__table__))}

    named = {
        (row.kind, row.name): row.id for row in connection.execute(select(Facet.__table__)) if row.name is not None
    }
    brand, mention, group = (facet_of(Brand, f"{name}facet_id") for name in ("", "mention_", "group_"))
    parent = {row.id: row.parent_id for row in connection.execute(select(Brand.__table__))}
    section = facet_of(Section)
    detail = connection.execute(select(ArticleContent.article_id, ArticleContent.seo))
    unlisted = {row.article_id for row in detail if row.seo and row.seo["robots"] in {"noindex", "none"}}
    found: dict[Any, set[int]] = {}
    groups = dict(connection.execute(select(ArticleContent.article_id, ArticleContent.translation_group)).all())
    for row in connection.execute(select(Article.__table__).where(Article.status == "published")):
        own = {named["translation", groups[row.id]]} if groups[row.id] else set()
        own |= {named["all", ""], named["format", row.format], named["language", row.language]}
        own |= {section.get(row.section_id), brand.get(row.brand_id), group.get(row.brand_id)}
        own |= {group.get(parent.get(row.brand_id))}
        assert row.publication_number is not None, "what is public has a number"
        if row.id not in unlisted:
            own.add(named["sitemap", str((row.publication_number - 1) // ARTICLES_PER_PAGE + 1)])
        found[row.id] = {facet for facet in own if facet is not None}
    for link, column, ids in (
        (ArticleAuthor, "author_id", facet_of(Author)),
        (ArticleMention, "brand_id", mention),
        (ArticleTag, "tag_id", facet_of(Tag)),
    ):
        for row in connection.execute(select(link.__table__)):
            if row.article_id in found:
                found[row.article_id].add(ids[getattr(row, column)])
    return found


def _lists(connection: Connection, facets: dict[Any, set[int]]) -> None:
    times = {
        row.id: (row.published_at, row.updated_at, row.materially_updated_at)
        for row in connection.execute(select(Article.__table__))
    }
    should = {(facet, times[id_][0], id_, *times[id_][1:]) for id_, own in facets.items() for facet in own}
    columns = (
        *(ListingEntry.facet_id, ListingEntry.published_at, ListingEntry.article_id),
        *(ListingEntry.updated_at, ListingEntry.materially_updated_at),
    )
    assert {tuple(row) for row in connection.execute(select(*columns))} == should


def _counts(connection: Connection, facets: dict[Any, set[int]]) -> None:
    should = Counter(facet for own in facets.values() for facet in own)
    stored = dict(connection.execute(select(Facet.id, Facet.article_count)).all())
    assert stored == {facet: should[facet] for facet in stored}
    with_group = set(
        connection.execute(select(Brand.group_facet_id).where(Brand.group_facet_id.is_not(None))).scalars()
    )
    above = set(connection.execute(select(Brand.parent_id).where(Brand.parent_id.is_not(None))).scalars())
    groups = connection.execute(select(Brand.id, Brand.group_facet_id).where(Brand.id.in_(above))).all()
    assert {group for _, group in groups} <= with_group, "a brand with children has a group"


def _log(connection: Connection, facets: dict[Any, set[int]]) -> None:
    """Numbers without gaps; a client that follows the log has exactly what is published, in the right facets."""
    rows = connection.execute(select(Change.__table__).order_by(Change.seq)).all()
    head = connection.execute(select(ChangelogHead.seq, ChangelogHead.nonce)).one()
    assert [row.seq for row in rows] == list(range(1, head.seq + 1))
    assert not rows or rows[-1].nonce == head.nonce
    assert [row.committed_at for row in rows] == sorted(row.committed_at for row in rows)
    seen: dict[Any, Any] = {}
    last: dict[int, int] = defaultdict(int)
    for row in rows:
        last |= dict.fromkeys(row.facets_before + row.facets_after, row.seq)
        if row.kind == "article":
            seen[row.subject_id] = row
    copy = {id_: row for id_, row in seen.items() if row.action == "upsert"}
    assert copy.keys() == facets.keys()
    articles = {row.id: row for row in connection.execute(select(Article.__table__))}
    assert all((articles[id_].version, articles[id_].slug) == (row.version, row.slug) for id_, row in copy.items())
    assert {id_: row.seq for id_, row in seen.items()} == {id_: row.seq for id_, row in articles.items() if row.seq}
    stored = dict(connection.execute(select(Facet.id, Facet.seq)).all())
    assert stored == {facet: last[facet] for facet in stored}


def _partners(connection: Connection, facets: dict[Any, set[int]]) -> None:
    """What articles left is what the log tells; the sums of each facet are those of the articles in it."""
    left: dict[Any, dict[int, tuple[int, str]]] = defaultdict(dict)
    for row in connection.execute(select(Change.__table__).where(Change.kind == "article").order_by(Change.seq)):
        gone, own = row.action == "delete", left[row.subject_id]
        for facet in row.facets_after:
            own.pop(facet, None)
        for facet in {*row.facets_before, *(own if gone else ())} - {*row.facets_after}:
            own[facet] = (row.seq, row.reason if gone else "out_of_scope")
    stored = connection.execute(select(FilterExit.__table__)).all()
    should = {(id_, facet, *how) for id_, own in left.items() for facet, how in own.items()}
    assert {(row.article_id, row.facet_id, row.seq, row.reason) for row in stored} == should
    versions = dict(connection.execute(select(Article.id, Article.version)).all())
    kinds = dict(connection.execute(select(Facet.id, Facet.kind)).all())
    sums: dict[int, list[int]] = {}
    for id_, article_facets in facets.items():
        digest = hashlib.sha256(f"{id_}:{versions[id_]}".encode()).digest()[:8]
        for facet in article_facets:
            if kinds[facet] in {"all", "author", "brand", "format", "language", "section", "tag"}:
                kept, place = sums.setdefault(facet, [0] * 128), id_.int % 4096 // 64
                kept[place] += 1
                kept[64 + place] = (kept[64 + place] + int.from_bytes(digest)) % 2**64
    tallies = {
        row.facet_id: list(unpack(">64I64Q", row.bucket_sums))
        for row in connection.execute(select(FacetDigest.__table__))
    }
    assert {facet: kept for facet, kept in tallies.items() if any(kept)} == sums
    buckets = connection.execute(select(Article.id, Article.digest_bucket)).all()
    assert dict(buckets) == {id_: id_.int % 4096 for id_ in versions}


def _articles(connection: Connection) -> None:
    """Each article is whole, has all of its history, and bears no slug that leads elsewhere."""
    articles = {row.id: row for row in connection.execute(select(Article.__table__))}
    assert set(connection.execute(select(ArticleContent.article_id)).scalars()) == articles.keys()
    counted = dict(
        connection.execute(select(Revision.article_id, func.count()).group_by(Revision.article_id)).all(),
    )
    assert {id_: row.version - 1 for id_, row in articles.items() if row.version > 1} == counted
    former = connection.execute(
        select(SlugRedirect.slug, SlugRedirect.subject_id).where(SlugRedirect.kind == "article")
    ).all()
    assert not {slug for slug, _ in former} & {row.slug for row in articles.values()}
    assert {id_ for _, id_ in former} <= articles.keys()
    assert all(row.withdrawal is None for row in articles.values() if row.status == "published")
    assert all(row.withdrawal is not None for row in articles.values() if row.seq and row.status != "published")


@pytest.fixture
def consistent_afterwards(database: Database) -> Iterator[None]:
    """Check after the test that lists, counts, changelog and revisions agree."""
    yield
    consistent(database)
