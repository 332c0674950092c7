"""The tables' history: one line of numbered steps that gives the tables of the models, forth and back."""

import re
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, select, text

from newsapi.changelog.tables import ChangelogHead, Facet
from newsapi.db.tables import Secret
from newsapi.db.types import Base
from newsapi.migrations.upgrade import config, is_current, upgrade

VERSIONS = Path(__file__).parents[2] / "newsapi" / "migrations" / "versions"


@pytest.fixture
def connection(database):
    with database.connection() as connection:
        yield connection


def files():
    return sorted(path for path in VERSIONS.glob("*.py") if path.name != "__init__.py")


def test_the_steps_are_numbered_without_a_gap_and_named():
    for number, path in enumerate(files(), 1):
        assert re.fullmatch(rf"{number:04}_[a-z0-9_]+\.py", path.name)
        assert f'revision = "{number:04}"' in path.read_text()
        before = "None" if number == 1 else f'"{number - 1:04}"'
        assert f"down_revision = {before}" in path.read_text()


def test_there_is_one_last_step():
    script = ScriptDirectory.from_config(config())
    assert script.get_heads() == [files()[-1].name[:4]]
    assert script.get_bases() == ["0001"]


def test_every_step_says_what_it_does_and_can_be_taken_back():
    for step in ScriptDirectory.from_config(config()).walk_revisions():
        assert step.doc
        assert callable(step.module.upgrade)
        assert callable(step.module.downgrade)


def test_the_steps_give_the_tables_of_the_models(connection):
    assert is_current(connection)
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    assert compare_metadata(context, Base.metadata) == []


def test_columns_that_may_be_null_and_keys_are_those_of_the_models(connection):
    found = inspect(connection)
    for name, table in Base.metadata.tables.items():
        columns = {column["name"]: column["nullable"] for column in found.get_columns(name)}
        assert columns == {column.name: column.nullable for column in table.columns}, name
        key = found.get_pk_constraint(name)["constrained_columns"]
        assert key == [column.name for column in table.primary_key.columns], name
        checks = {check["name"] for check in found.get_check_constraints(name)}
        named = {constraint.name for constraint in table.constraints if type(constraint).__name__ == "CheckConstraint"}
        assert checks == named, name


def test_constraints_have_the_names_that_the_models_give_them(connection):
    found = inspect(connection)
    for name, table in Base.metadata.tables.items():
        named = {constraint.name for constraint in table.constraints if constraint.name}
        there = {found.get_pk_constraint(name)["name"]}
        there |= {item["name"] for item in found.get_unique_constraints(name)}
        there |= {item["name"] for item in found.get_foreign_keys(name)}
        there |= {item["name"] for item in found.get_check_constraints(name)}
        assert {str(constraint) for constraint in named} == there, name


def test_back_to_nothing_and_up_again_is_like_the_first_time(connection):
    first = schema(connection)
    connection.rollback()
    command.downgrade(config(connection), "base")
    connection.commit()
    assert set(inspect(connection).get_table_names()) == {"alembic_version"}
    assert not is_current(connection)
    connection.rollback()
    upgrade(connection)
    assert is_current(connection)
    assert schema(connection) == first


def schema(connection):
    """All tables with their columns, keys and indexes."""
    found = inspect(connection)
    return {
        name: (
            [(column["name"], str(column["type"]), column["nullable"]) for column in found.get_columns(name)],
            found.get_pk_constraint(name),
            sorted(index_as_text(index) for index in found.get_indexes(name)),
            sorted(str(key) for key in found.get_foreign_keys(name)),
        )
        for name in found.get_table_names()
    }


def index_as_text(index):
    """The condition of a partial index is an object without a readable name."""
    options = {name: str(value) for name, value in index.get("dialect_options", {}).items()}
    return str({**index, "dialect_options": options})


def test_with_no_step_missing_there_is_nothing_to_do(connection, statements):
    secret = connection.execute(select(Secret.value)).scalar_one()
    connection.rollback()
    statements.clear()
    upgrade(connection)
    assert [text for text in statements if re.match(r"(?i)\s*(create|alter|drop|insert|update|delete)", text)] == []
    assert connection.execute(select(Secret.value)).scalar_one() == secret


def test_what_is_there_from_the_start_is_there(connection):
    facets = select(Facet.kind, Facet.name).order_by(Facet.id)
    fixed = [("all", ""), ("terms", "author"), ("terms", "brand"), ("terms", "section"), ("terms", "tag")]
    assert [tuple(row) for row in connection.execute(facets)] == fixed
    assert connection.execute(select(ChangelogHead.id, ChangelogHead.seq)).one() == (1, 0)
    assert len(connection.execute(select(Secret.value)).scalar_one()) == 64


def test_a_second_head_of_the_log_is_refused(database):
    with database.connection() as connection, pytest.raises(Exception, match=r"(?i)check"):
        connection.execute(
            text(
                "INSERT INTO changelog_head (id, seq, nonce, committed_at)"
                " SELECT 2, 0, 0, committed_at FROM changelog_head"
            )
        )
