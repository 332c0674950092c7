"""Reference pages name what the code has: settings, problems, events, metrics, commands, packages and files."""

import dataclasses
import re
from importlib import import_module

import click
import pytest
import yaml

from newsapi.cli.main import main
from newsapi.cli.reference import with_commands
from newsapi.server.metrics import metrics_markdown
from newsapi.settings import PREFIX, Settings
from newsapi.webhooks.event_types import EVENT_NAMES
from tests.docs.pages import BLOCKS, PAGES, TOP

PACKAGE = TOP / "newsapi"
MOVED = pytest.mark.skipif(not (PACKAGE / "web").is_dir(), reason="the packages are not moved yet")
TEXT = "\n".join(PAGES.values())

FORMER_SETTINGS = {"READ_ACCESS": "READS", "LOG_HITS_EVERY": "LOG_HITS", "IMPORT_MAX_MB": "IMPORT_MB"}
OTHER_VARIABLES = {"TEST_DATABASE_URL", "TEST_REDIS_URL", "PROBLEM_URL"}
"""Of the tests; and of the contract, not implemented yet."""


def first_column(page):
    """The words in code that begin the rows of a page's tables."""
    return re.findall(r"^\| `([^`]+)`", PAGES[page], re.MULTILINE)


def test_every_setting_that_is_named_exists():
    fields = {field.name.upper() for field in dataclasses.fields(Settings)}
    named = set(re.findall(rf"\b{PREFIX}([A-Z_]+[A-Z])\b", TEXT))
    assert {name for name in named - OTHER_VARIABLES if {name, FORMER_SETTINGS.get(name)}.isdisjoint(fields)} == set()


def test_every_event_is_explained():
    table = PAGES["docs/reference/events.md"].partition("## Events")[2].partition("##")[0]
    rows = [name for row in re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE) for name in re.findall("`(.*?)`", row)]
    assert sorted(rows) == sorted(EVENT_NAMES)


def test_every_metric_is_explained():
    import_module("newsapi.app")
    table = PAGES["docs/reference/metrics.md"].partition("<!-- generated: metrics -->\n")[2]
    assert table.partition("\n<!-- /generated: metrics -->")[0] == metrics_markdown()


def paths(group, *before):
    """The commands that do something and are listed, as they are typed."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group) and not command.hidden:
            yield from paths(command, *before, name)
        elif not command.hidden:
            yield " ".join([*before, name])


def test_every_command_is_explained():
    rows = first_column("docs/reference/cli.md")
    assert {re.match(r"newsapi ([a-z -]+?)(?: [A-Z\[].*)?$", row)[1] for row in rows} == set(paths(main))


def test_the_table_of_commands_is_made_from_the_code():
    page = PAGES["docs/reference/cli.md"]
    assert page == with_commands(page), "make reference"


def test_ci_and_hooks_call_what_the_documentation_says():
    workflow = yaml.safe_load((TOP / ".github/workflows/ci.yml").read_text())
    steps = [step.get("run") for job in workflow["jobs"].values() for step in job["steps"]]
    assert "bash .ci/run" in steps
    assert (TOP / ".ci/run").exists()
    [repository] = yaml.safe_load((TOP / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"
    assert all(hook["entry"].startswith(".venv/bin/") for hook in repository["hooks"])


@MOVED
def test_the_architecture_names_every_package():
    there = {path.name.removesuffix(".py") for path in PACKAGE.iterdir() if path.suffix in {"", ".py"}}
    page = "docs/develop/architecture.md"
    [plan] = [block.text for block in BLOCKS if block.page == page and "changelog" in block.text]
    assert there - {"__init__", "__pycache__"} <= set(re.findall(r"[a-z_]+", plan))


@MOVED
def test_every_file_that_is_named_exists():
    named = set(re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.py)(?::[^`]*)?`", TEXT))
    assert named
    assert {name for name in named if not ((TOP / name).exists() or (PACKAGE / name).exists())} == set()
