"""A command imports what it needs: help is listed without importing any command."""

import subprocess
import sys

import click
import pytest
from click.formatting import HelpFormatter
from click.testing import CliRunner

from newsapi.cli.lazy_group import LazyCommand, LazyGroup
from newsapi.cli.main import main

HEAVY = ("alembic", "flask", "flask_smorest", "granian", "marshmallow", "tantivy", "psycopg", "sqlalchemy")
CONTEXT = click.Context(main, info_name="newsapi")
NAMES = main.list_commands(CONTEXT)
LISTED = [name for name in NAMES if main.lazy_commands.get(name, LazyCommand("")).summary]


def imported_by(*words):
    """The heavy packages that a command has imported when it ends."""
    program = (
        "import sys; from newsapi.cli.main import main; main(standalone_mode=False);"
        f"print('imported:', *[name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, check=True, timeout=90
    )
    return set(done.stdout.rpartition("imported:")[2].split())


def test_help_imports_no_command():
    assert imported_by("--help") == set()


@pytest.mark.parametrize("group", ["keys", "suppressions", "db", "check-config"])
def test_small_commands_import_no_flask(group):
    assert {"alembic", "flask", "flask_smorest", "granian", "tantivy"}.isdisjoint(imported_by(group, "--help"))


@pytest.mark.parametrize("command", ["import", "export"])
def test_imports_and_exports_import_no_flask(command):
    assert {"flask", "flask_smorest", "granian"}.isdisjoint(imported_by(command, "--help"))


@pytest.mark.parametrize("name", LISTED)
def test_the_list_of_commands_has_the_first_sentence_of_their_help(name):
    command = main.get_command(CONTEXT, name)
    assert main.lazy_commands[name].summary.removesuffix(".") == command.get_short_help_str(1_000).removesuffix(".")
    assert not command.hidden


def test_every_listed_command_is_in_the_help():
    help_text = CliRunner().invoke(main, ["--help"], terminal_width=120).output
    rows = [line.split() for line in help_text.partition("Commands:\n")[2].splitlines()]
    assert [row[0] for row in rows] == sorted(LISTED)
    assert all(len(row) > 1 for row in rows)


def test_an_unknown_command_is_a_usage_error():
    done = CliRunner().invoke(main, ["improt"])
    assert done.exit_code == 2
    assert "improt" in done.output


def test_a_group_without_commands_lists_none():
    formatter = HelpFormatter()
    LazyGroup("empty").format_commands(CONTEXT, formatter)
    assert formatter.getvalue() == ""
