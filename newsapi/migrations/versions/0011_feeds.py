"""Lists have a third order, by the last change that matters, and what was ever public has a number for the site map."""

import sqlalchemy as sa
from alembic import op

from newsapi.model.base import Id, UtcDateTime

revision = "0011"
down_revision = "0010"

PAGE = 5_000
KEYS = ("facet_id", "published_at", "article_id", "updated_at")


def upgrade() -> None:
    """Write the lists anew, which is quicker than to change each row, and number the articles by their first hour."""
    op.execute(
        "UPDATE article SET materially_updated_at = published_at"
        " WHERE status = 'published' AND materially_updated_at IS NULL"
    )
    op.add_column("article", sa.Column("number", sa.Integer))
    _number()
    op.create_index("ix_article_number", "article", ["number"], unique=True)
    _set_aside()
    _create(sa.Column("materially_updated_at", UtcDateTime, nullable=False))
    op.execute(
        f"INSERT INTO listing ({', '.join(KEYS)}, materially_updated_at)"  # noqa: S608 (names of columns)
        f" SELECT {', '.join(f'old_listing.{key}' for key in KEYS)}, article.materially_updated_at"
        " FROM old_listing JOIN article ON article.id = old_listing.article_id"
        " ORDER BY old_listing.facet_id, old_listing.published_at, old_listing.article_id"
    )
    op.drop_table("old_listing")
    _list_for_the_site_map()
    for name in ("updated", "materially_updated"):
        op.create_index(f"ix_listing_{name}", "listing", ["facet_id", f"{name}_at", "article_id"])


def downgrade() -> None:
    """Forget both."""
    op.drop_index("ix_listing_materially_updated", "listing")
    op.execute("DELETE FROM listing WHERE facet_id IN (SELECT id FROM facet WHERE kind = 'sitemap')")
    op.execute("DELETE FROM facet WHERE kind = 'sitemap'")
    _set_aside()
    _create()
    op.execute(f"INSERT INTO listing ({', '.join(KEYS)}) SELECT {', '.join(KEYS)} FROM old_listing")  # noqa: S608 (names)
    op.drop_table("old_listing")
    op.create_index("ix_listing_updated", "listing", ["facet_id", "updated_at", "article_id"])
    op.drop_index("ix_article_number", "article")
    op.drop_column("article", "number")


def _number() -> None:
    """By way of a table with an index: SQLite would look through all numbers for each article."""
    op.execute(
        "CREATE TEMPORARY TABLE counted AS"
        " SELECT id, row_number() OVER (ORDER BY published_at, id) AS number FROM article WHERE seq IS NOT NULL"
    )
    op.execute("CREATE UNIQUE INDEX counted_id ON counted (id)")
    op.execute("UPDATE article SET number = counted.number FROM counted WHERE counted.id = article.id")
    op.execute("DROP TABLE counted")


def _set_aside() -> None:
    op.drop_index("ix_listing_updated", "listing")
    op.rename_table("listing", "old_listing")
    if op.get_context().dialect.name == "postgresql":
        op.execute("ALTER INDEX pk_listing RENAME TO pk_old_listing")


def _create(*more: sa.Column[object]) -> None:
    op.create_table(
        "listing",
        sa.Column("facet_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("published_at", UtcDateTime, primary_key=True),
        sa.Column("article_id", Id, primary_key=True),
        sa.Column("updated_at", UtcDateTime, nullable=False),
        *more,
        sqlite_with_rowid=False,
    )


def _list_for_the_site_map() -> None:
    """Give each page of the site map its facet, and list what is public and not kept from search engines there."""
    page = f"CAST((number - 1) / {PAGE} + 1 AS TEXT)"
    op.execute(
        "INSERT INTO facet (kind, name, articles, seq, at)"  # noqa: S608 (a number of ours)
        f" SELECT 'sitemap', pages.name, 0, log_head.seq, log_head.at FROM log_head,"
        f" (SELECT DISTINCT {page} AS name FROM article WHERE number IS NOT NULL) AS pages"
    )
    robots = {
        "postgresql": "coalesce(lower(d.seo ->> 'robots'), '')",
        "sqlite": "coalesce(lower(json_extract(d.seo, '$.robots')), '')",
    }[op.get_context().dialect.name]
    words = f"',' || replace({robots}, ' ', '') || ','"
    op.execute(
        f"INSERT INTO listing ({', '.join(KEYS)}, materially_updated_at)"  # noqa: S608 (names of columns)
        " SELECT f.id, a.published_at, a.id, a.updated_at, a.materially_updated_at"
        " FROM article AS a JOIN article_detail AS d ON d.article_id = a.id"
        f" JOIN facet AS f ON f.kind = 'sitemap' AND f.name = {page}"
        f" WHERE a.status = 'published' AND {words} NOT LIKE '%,noindex,%' AND {words} NOT LIKE '%,none,%'"
    )
    op.execute(
        "UPDATE facet SET articles = (SELECT count(*) FROM listing WHERE listing.facet_id = facet.id)"
        " WHERE kind = 'sitemap'"
    )
