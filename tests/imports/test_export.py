"""What is exported imports back to equal content."""

import random
from dataclasses import replace
from io import BytesIO

import orjson
import pytest

from newsapi.app import WRITE_HOOKS
from newsapi.db.database import Database
from newsapi.imports import export as import_export
from newsapi.imports import export_records
from newsapi.imports import loader as import_loader
from tests.conftest import migrate
from tests.support.import_records import arbitrary, article, brand
from tests.support.import_records import archive as records_of


def exported(database):
    with database.read_transaction() as connection:
        lines = [export_records.term(kind, values) for kind, values in import_export.iter_terms(connection)]
        return [
            *lines,
            *(export_records.article(s) for s in import_export.iter_articles(connection)),
        ]


def shown(build, settings, url):
    """All that the public sees, what moves with an import apart."""
    # Whether a term without public articles is listed, also among `children`, depends on withdrawals, which are no
    # content.
    client = build(replace(settings, database_url=url)).test_client()
    seen = {}
    for path in ("articles?limit=100&sort=published_at", "brands", "authors", "sections", "tags"):
        page = client.get(f"/v1/{path}").json
        while page["data"]:
            for item in page["data"]:
                if item.get("article_count") == 0:
                    continue
                own = client.get(item["links"]["self"].removeprefix(settings.api_url)).json["data"]
                seen[path, item["slug"]] = {
                    name: value for name, value in own.items() if name not in {"seq", "version", "children"}
                }
            page = (
                client.get(page["links"]["next"].removeprefix(settings.api_url)).json
                if page["links"]["next"]
                else {"data": []}
            )
    return seen


@pytest.mark.parametrize("seed", [1, 2, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(3, 12))])
def test_what_is_exported_imports_back_to_equal_content(
    load, database, settings, build, clock, tmp_path, seed, monkeypatch
):
    monkeypatch.setattr(import_export, "BATCH_SIZE", 7)
    chance = random.Random(seed)
    load(*records_of(60))
    for _ in range(3):
        load(*(arbitrary(chance) for _ in range(40)))
    lines = exported(database)
    url = f"sqlite:///{tmp_path}/copy.sqlite3"
    migrate(url)
    copy = Database(url)
    counts = import_loader.import_records(
        copy,
        settings,
        BytesIO(b"".join(lines)),
        hooks=WRITE_HOOKS,
        now=clock,
        reject=lambda *found: pytest.fail(str(found)),
    )
    assert counts.created == len(lines)
    assert [*map(orjson.loads, exported(copy))] == [*map(orjson.loads, lines)]  # PostgreSQL sorts the keys inside
    assert shown(build, settings, url) == shown(build, settings, settings.database_url)
    copy.dispose()


def test_an_export_holds_what_is_hidden_and_groups_before_their_brands(load, database):
    load(brand("z-gruppo"), brand("a", parent="z-gruppo"), article("bozza", status="draft", tags=["nuovo"], brand="a"))
    first, second, draft = exported(database)
    assert b"z-gruppo" in first
    assert b'"parent":"z-gruppo"' in second
    assert b'"status":"draft"' in draft
    assert b'"tags":["nuovo"]' in draft


def test_bans_are_exported_and_a_record_that_says_nothing_of_them_leaves_them(load, database):
    load(article("uno"), article("due", bans=["uno"]))
    lines = exported(database)
    assert {record["slug"]: record.get("bans") for record in map(orjson.loads, lines)} == {"uno": None, "due": ["uno"]}
    load(article("due"))
    assert exported(database) == lines


def test_identities_are_exported_and_imported(load, import_file, database):
    load(article("uno", source_id="https://agenzia.example/?p=12"), article("due"))
    lines = exported(database)
    records = {record["slug"]: record for record in map(orjson.loads, lines)}
    assert records["uno"]["source_id"] == "https://agenzia.example/?p=12"
    assert "source_id" not in records["due"]
    assert import_file(*lines).total.unchanged == 2
    assert exported(database) == lines
