"""What a page of a first sync reads, at its start, in the middle and at its end: of 1,000,000 articles, 1,000 a page.

    python -m bench.first_sync --articles 1000000

The articles are made by the databases themselves, in seconds: what a page reads hangs on the tables that delta sync
walks, not on what the articles say. Every tenth is of the brand `decima`, every thousandth of `rara`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from bench.counted import Counter
from bench.loaded import USUAL
from newsapi.app import create_app
from newsapi.migrations.upgrade import upgrade
from newsapi.settings import Settings
from newsapi.store import log, vocabulary
from newsapi.store.database import Connection, Database
from tests import servers

DIALECTS = {
    "postgresql": {
        "numbers": "generate_series(1, {n}) AS numbers(n)",
        "id": "gen_random_uuid()",
        "time": "timestamptz '2016-01-01' + n * interval '1 minute'",
        "modulo": "%%",
    },
    "sqlite": {
        "numbers": "(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {n}) SELECT n FROM c)",
        "id": "randomblob(16)",
        "time": "1451606400000000 + n * 60000000",
        "modulo": "%",
    },
}
STEPS: Final = """
INSERT INTO article (id, slug, status, version, seq, changed_at, headline, format, language, word_count,
    published_at, published_precision, updated_at, created_at, bucket) SELECT {id}, 'a-' || n, 'published', 1,
    {base} + n, {time}, 'Titolo ' || n, 'article', 'it', 300, {time}, 'second', {time}, {time}, n {modulo} 4096 FROM
    {numbers};
INSERT INTO article_detail (article_id, media, corrections, picks, body_html) SELECT id, '[]', '[]', '[]',
    '<p>Testo.</p>' FROM article;
INSERT INTO listing SELECT {every}, published_at, id, updated_at, published_at FROM article;
INSERT INTO listing SELECT {tenth}, published_at, id, updated_at, published_at FROM article WHERE seq {modulo} 10 = 0;
INSERT INTO listing SELECT {rare}, published_at, id, updated_at, published_at FROM article WHERE seq {modulo} 1000 = 0;
INSERT INTO change (seq, mark, at, kind, action, reason, subject_id, slug, version, facets_before, facets_after,
    bulk) SELECT seq, seq, changed_at, 'article', 'upsert', 'published', id, slug, 1, '[]', '[{every}]', {true} FROM
    article;
UPDATE facet SET articles = (SELECT count(*) FROM listing WHERE facet_id = facet.id), seq = {base} + {n};
UPDATE log_head SET seq = {base} + {n}, mark = {base} + {n}
""".split(";")


def fill(connection: Connection, articles: int, facets: dict[str, int], base: int) -> None:
    """Make the articles."""
    kind = connection.dialect.name
    words = {**DIALECTS[kind], **facets, "n": articles, "base": base, "true": "1" if kind == "sqlite" else "true"}
    words["numbers"] = DIALECTS[kind]["numbers"].format(n=articles)
    for step in STEPS:
        connection.exec_driver_sql(step.format(**words))
    connection.commit()


def _facets(database: Database) -> tuple[dict[str, int], int]:
    """Make the brands; answer the facets of all lists, and the head of the log."""
    now = datetime.now(UTC)
    with database.transaction() as session:
        log.lock(session)
        brand = {"aliases": [], "description": None, "logo": None}
        for slug in ("decima", "rara"):
            _, told = vocabulary.write(session, "brand", {"slug": slug, "name": slug, **brand}, now)
            base = log.append(session, told, now=now).last
        connection = session.connection()
        sql = "SELECT slug, facet_id FROM brand"
        found: dict[str, int] = dict(connection.exec_driver_sql(sql).all())  # type: ignore[arg-type]
        every = connection.exec_driver_sql("SELECT id FROM facet WHERE kind = 'all'").scalar_one()
    return {"every": every, "tenth": found["decima"], "rare": found["rara"]}, base


@contextmanager
def _databases() -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory() as folder, servers.kept_in(Path(folder) / "postgresql", USUAL) as server:
        yield {"sqlite": f"sqlite:///{folder}/news.sqlite3", "postgresql": server}


@click.command()
@click.option("--articles", default=1_000_000, show_default=True)
@click.option("--limit", default=1_000, show_default=True)
@click.option("--plans", is_flag=True, help="Show what PostgreSQL says of each statement.")
def main(articles: int, limit: int, plans: bool) -> None:  # noqa: FBT001 (an option of a command)
    """Print statements, rows, pages and visits of pages at five places of a first sync."""
    with _databases() as urls:
        for kind, url in urls.items():
            database = Database(url, patient=True)
            with database.connection() as connection:
                upgrade(connection)
            facets, base = _facets(database)
            with database.connection() as connection:
                fill(connection, articles, facets, base)
                if kind == "postgresql":
                    connection.exec_driver_sql("CREATE EXTENSION pg_buffercache")
                    connection.commit()
                    connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM ANALYZE")
            app = create_app(Settings.from_env({"NEWSAPI_DATABASE_URL": url, "NEWSAPI_RATE_LIMITS": "off"}))
            _measure(Counter(app, database), app, articles, limit, plans=plans)


def _measure(counter: Counter, app: Any, articles: int, limit: int, *, plans: bool) -> None:
    kind = "SQLite" if counter.of_sqlite else "PostgreSQL"
    client = app.test_client()
    for query in ("", "&brand=decima", "&brand=rara"):
        for share in (0, 0.25, 0.5, 0.75, 0.99):
            since = round(articles * share)
            address = f"/v1/changes?limit={limit}&since={since}{query}&fields=headline"
            client.get(address)
            reads = counter.request(f"{address},slug")
            page = client.get(address).json
            click.echo(
                f"{kind:10} {query or 'all':14} after {since:9,}: {len(page['data']):5} articles, more:"
                f" {page['has_more']!s:5} {len(reads.statements):3} statements, work {reads.work:8,}, pages"
                f" {reads.pages:6,}, visits {reads.visits:8,}"
            )
            if plans and not counter.of_sqlite and share == 0.5:
                _plans(counter, reads.statements)


def _plans(counter: Counter, statements: list[tuple[str, Any]]) -> None:
    with counter._database.reading() as connection:  # noqa: SLF001 (beside the house)
        for statement, parameters in statements:
            if "FROM article" in statement and "seq >" in statement:
                for (line,) in connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS) {statement}", parameters):
                    click.echo(f"    {line}")


if __name__ == "__main__":
    main()
