"""Rows that come many at once are stored as single ones are, on both databases."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from newsapi.changelog.tables import Change
from newsapi.content.tables.articles import Article, SlugRedirect
from newsapi.content.tables.terms import Author
from newsapi.db import bulk_rows
from newsapi.db.bulk_rows import in_values
from newsapi.db.types import columns_table, uuid7

TEXTS = ["tab\tand\nline\r\n", "\\N", "\\", "\\.", "a'b\"c", "", "à e 🚙", "\x7f", "{1,2}", "x" * 100_000]
TIME = datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC)


def article(text):
    return {
        "id": uuid7(),
        "slug": text,
        "status": "published",
        "version": 2**31 - 1,
        "seq": 2**62,
        "changed_at": TIME,
        "headline": text,
        "standfirst": None,
        "format": text,
        "language": "it",
        "brand_id": None,
        "section_id": None,
        "image": {text: [text, None, 1.5, True, {"è": 2**53}]},
        "word_count": 0,
        "published_at": TIME,
        "published_precision": "day",
        "updated_at": TIME,
        "materially_updated_at": None,
        "created_at": TIME,
        "withdrawal": None,
        "import_digest": bytes(range(16)),
        "local_changes": {"headline": "0123"},
        "expires_at": TIME,
        "publication_number": None,
        "digest_bucket": 4095,
    }


def insert_many(database, model, found):
    with database.transaction() as session:
        bulk_rows.bulk_insert(session, model, list(found[0]), [tuple(row.values()) for row in found])


def stored(database, model):
    with database.read_transaction() as connection:
        return [dict(row) for row in connection.execute(select(columns_table(model))).mappings()]


def test_every_kind_of_value_comes_back_as_it_was(database):
    given = [article(text) for text in TEXTS]
    insert_many(database, Article, given)
    assert sorted(stored(database, Article), key=str) == sorted(given, key=str)


def test_many_at_once_are_stored_as_single_ones_are(database):
    given = article("uno")
    with database.transaction() as session:
        session.execute(insert(Article), [given])
    alone = stored(database, Article)
    with database.transaction() as session:
        session.execute(columns_table(Article).delete())
    insert_many(database, Article, [given])
    assert stored(database, Article) == alone


def test_columns_may_be_some_and_in_any_order(database):
    change = {
        "is_bulk": True,
        "facets_after": [3, 1],
        "facets_before": [],
        "slug": "velar",
        "subject_id": uuid7(),
        "reason": "updated",
        "action": "upsert",
        "kind": "article",
        "committed_at": TIME,
        "nonce": 2**63 - 1,
        "seq": 1,
    }
    insert_many(database, Change, [change])
    assert stored(database, Change) == [
        {**change} | dict.fromkeys(["previous_slug", "additional_slugs", "article_ids", "version", "traceparent"])
    ]


def test_no_rows_are_no_work(database):
    with database.transaction() as session:
        bulk_rows.bulk_insert(session, Article, ("id",), [])
    assert stored(database, Article) == []


def test_what_breaks_a_rule_is_an_error_as_ever_and_leaves_nothing(database):
    with pytest.raises(IntegrityError):
        insert_many(database, Article, [article("uno"), article("due"), article("uno")])
    with pytest.raises(IntegrityError):
        insert_many(database, Author, [{"id": uuid7(), "slug": "anna"}])
    assert stored(database, Article) == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_nul_cannot_be_copied(database):
    with pytest.raises(DBAPIError):
        insert_many(database, Article, [article("uno\0due")])


@pytest.mark.parametrize("count", [0, 1, 30_000])
def test_a_column_is_among_few_values_or_thousands(database, count):
    insert_many(
        database,
        SlugRedirect,
        [{"kind": "article", "slug": f"s-{number}", "subject_id": uuid7(), "created_at": TIME} for number in range(3)],
    )
    with database.read_transaction() as connection:
        wanted = in_values(connection, SlugRedirect.slug, [f"s-{number}" for number in range(1, count + 1)])
        found = connection.execute(select(SlugRedirect.slug).where(wanted).order_by(SlugRedirect.slug)).scalars().all()
    assert found == ["s-1", "s-2"][:count]
