"""Former names of commands work and are not listed."""

import click
import pytest
from click.testing import CliRunner

from newsapi.cli import maintenance, suppressions
from newsapi.cli.main import main

ALIASES = {
    ("check",): maintenance.check_config,
    ("addresses", "bounced"): suppressions.import_bounces,
    ("addresses", "allow"): suppressions.remove_suppression,
}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a command with a database of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEWSAPI_DATABASE_URL", f"sqlite:///{tmp_path}/news.sqlite3")

    def run(*words, **options):
        return CliRunner().invoke(main, words, **options)

    return run


@pytest.mark.parametrize("words", ALIASES, ids=" ".join)
def test_a_former_name_is_the_same_command(words):
    command = main
    for word in words:
        command = command.get_command(click.Context(command), word)
    assert command.callback is ALIASES[words].callback
    assert command.params == ALIASES[words].params


def test_former_names_are_not_listed(run):
    help_text = run("--help").output
    listed = {line.split()[0] for line in help_text.partition("Commands:")[2].splitlines() if line.strip()}
    assert {"check-config", "suppressions"} <= listed
    assert {"check", "addresses"}.isdisjoint(listed)


@pytest.mark.parametrize("name", ["check-config", "check"])
def test_settings_without_problems_are_reported_as_such(run, name):
    run("db", "upgrade")
    done = run(name)
    assert (done.exit_code, done.output) == (0, "No problems found.\n")


@pytest.mark.parametrize("words", [("suppressions", "import-bounces"), ("addresses", "bounced")], ids=" ".join)
def test_a_bounce_is_read_from_standard_input(run, words):
    done = run(*words, input="Subject: no bounce\n\ntext\n")
    ignored = "1 ignored: neither a bounce message nor a complaint"
    assert (done.exit_code, done.stdout.splitlines()) == (0, ["0 suppressed", ignored])


@pytest.mark.parametrize("words", [("suppressions", "remove"), ("addresses", "allow")], ids=" ".join)
def test_an_address_that_is_not_suppressed_is_an_error(run, words):
    done = run(*words, "anna@example.com")
    assert (done.exit_code, done.output) == (1, "Error: This address is not suppressed.\n")
