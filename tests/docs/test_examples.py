"""Every command, request and example of the Markdown files works."""

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from io import BytesIO
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from newsapi.app import WRITE_HOOKS, create_app
from newsapi.content.presentation import consent
from newsapi.db.clock import utc_now
from newsapi.db.database import Database
from newsapi.demo import content
from newsapi.imports import loader as import_loader
from newsapi.imports import mapping as import_mapping
from newsapi.settings import Settings
from newsapi.subscriptions.tokens import TokenSigner
from tests.docs.pages import BLOCKS, PAGES, TOP, blocks, commands
from tests.support.processes import environ

BASE = "http://127.0.0.1:8000"
LANGUAGES = {"html", "ini", "json", "ndjson", "nginx", "sh", "text", "toml", "ts", "vcl", "yaml"}
HOW = {"", "400", "served", "walk", "backup", "restore", "pg_dump"}
HOW |= {"archive", "base backup", "recovery", "recovery by name", "recovery by time"}
"""What the comment before a block can say: this module and test_backup.py run these."""

NOT_RUN = {
    "docker": "tests start no containers",
    "cp deploy/compose/env.example": "it prepares containers",
    "chmod 600 deploy/.env": "it prepares containers",
    **dict.fromkeys(("install ", "systemctl ", "systemd-run ", "useradd "), "they change the system"),
    "pip install": "tests install nothing",
    "export OTEL_": "it names a receiver of traces, which tests have of their own (tests/server/test_traces.py)",
    **dict.fromkeys(("npm ", "node dist/"), "tests/clients/test_example_mobile.py runs them"),
    "python -m build": "it writes into the working tree; a release does it",
}
"""Programs of shell blocks that no test runs, and why."""

RENAMED = {
    "check-config": "check",
    "suppressions import-bounces": "addresses bounced",
    "suppressions remove": "addresses allow",
}
"""Present names and the former ones, which are used where the present ones do not exist yet."""

SHELL = [(block, command) for block in blocks("sh") for command in commands(block)]
NEWSAPI = Path(sys.executable).with_name("newsapi")


NAMED = attrgetter("name")


def of(program):
    return [(block, command) for block, command in SHELL if shlex.split(command)[0] == program]


def request_of(command):
    """The path and query of a GET by curl."""
    words = shlex.split(command)[1:]
    [address] = [word for word in words if word.startswith("http")]
    assert set(words) - {address} <= {"--include"}, command
    url = urlsplit(address)
    assert f"{url.scheme}://{url.netloc}" == BASE
    return f"{url.path}?{url.query}"


@pytest.fixture(scope="module")
def demo_file(tmp_path_factory, sqlite_template):
    """A database with the content of the demo."""
    path = tmp_path_factory.mktemp("docs") / "news.sqlite3"
    path.write_bytes(sqlite_template.read_bytes())
    parts = create_app(settings_of(path)).extensions["newsapi"]
    with content.stream(parts.settings.api_url) as stream:
        import_loader.import_records(
            parts.database,
            parts.settings,
            stream,
            hooks=WRITE_HOOKS,
            now=utc_now,
            reject=lambda *place: pytest.fail(str(place)),
        )
    parts.database.dispose()
    return path


def settings_of(path):
    return Settings.from_env({"NEWSAPI_DATABASE_URL": f"sqlite:///{path}", "NEWSAPI_RATE_LIMITS": "off"})


@pytest.fixture(scope="module")
def demo(demo_file):
    app = create_app(settings_of(demo_file))
    yield app.test_client()
    app.extensions["newsapi"].close()


# --- blocks -----------------------------------------------------------------------------------------------------------


def test_every_block_is_of_a_kind_that_is_tested():
    assert {block.language for block in BLOCKS} <= LANGUAGES
    assert {block.how for block in BLOCKS} <= HOW


def test_every_shell_command_is_run_or_its_reason_stated():
    known = {"curl", "make", "newsapi"}
    others = [command for _, command in SHELL if command.split()[0] not in known]
    assert [command for command in others if not command.startswith(tuple(NOT_RUN))] == []


# --- requests ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", sorted({command for _, command in of("curl")}))
def test_every_request_is_answered_with_something(demo, command):
    answer = demo.get(request_of(command))
    assert answer.status_code == 200
    if answer.mimetype == "application/json":
        assert answer.json["data"]
    else:
        assert answer.data.startswith(b"<?xml")


@pytest.mark.parametrize("block", blocks("sh", "400"), ids=NAMED)
def test_every_request_that_shall_fail_does(demo, block):
    for command in commands(block):
        answer = demo.get(request_of(command))
        assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")


def shown():
    """Requests and the response that stands right behind them."""
    for before, after in pairwise(BLOCKS):
        between = PAGES[before.page][before.end : after.start] if before.page == after.page else "other"
        if (before.language, after.language) == ("sh", "json") and not between.strip():
            yield commands(before)[-1], after


@pytest.mark.parametrize(("command", "block"), [*shown()], ids=lambda one: getattr(one, "name", ""))
def test_every_response_shown_is_part_of_the_real_one(demo, command, block):
    real, part = demo.get(request_of(command)).json["data"], json.loads(block.text)["data"]
    assert {name: real[name] for name in part} == part


def test_responses_are_shown():
    assert {block.page for _, block in shown()} >= {"README.md", "docs/tutorial.md"}


# --- commands ---------------------------------------------------------------------------------------------------------


def test_every_make_target_of_the_documentation_exists():
    targets = set(re.findall(r"^([a-z-]+):.*##", (TOP / "Makefile").read_text(), re.MULTILINE))
    text = "\n".join([command for _, command in of("make")] + re.findall(r"`make [^`]+`", "\n".join(PAGES.values())))
    named = set(re.findall(r"\bmake ([a-z-]+)\b", text))
    assert named
    assert named <= targets


@pytest.fixture(scope="module")
def help_text():
    groups = ([], ["suppressions"])
    done = [
        subprocess.run([NEWSAPI, *group, "--help"], capture_output=True, text=True, check=False) for group in groups
    ]
    return "".join(one.stdout for one in done)


def present(command, help_text):
    """The command as this version knows it."""
    for name, former in RENAMED.items():
        if f"newsapi {name}" in command and name.split()[-1] not in help_text:
            return command.replace(name, former)
    return command


FROM_EMPTY = {"docs/guides/importing.md"}
"""Pages whose commands begin without a database; the others find the content of the demo."""

WARNED = {"docs/guides/partners.md"}
"""Pages where `check-config` finds something: there, a key is restricted while everything is public."""


@pytest.mark.timeout(180)
@pytest.mark.parametrize("page", sorted({block.page for block, _ in of("newsapi")}))
def test_the_commands_of_a_page_succeed_in_their_order(tmp_path, demo_file, help_text, page):
    supplied(tmp_path)
    if page not in FROM_EMPTY:
        shutil.copy(demo_file, tmp_path / "newsapi.sqlite3")
        name_sent_email(tmp_path)
    for _, command in [(block, command) for block, command in of("newsapi") if block.page == page]:
        words = shlex.split(present(command, help_text))[1:]
        if words in (["serve"], ["worker"]):  # other tests start and stop them
            words.append("--help")
        done = subprocess.run(
            [NEWSAPI, *words],
            cwd=tmp_path,
            env={name: value for name, value in os.environ.items() if not name.startswith("NEWSAPI_")},
            capture_output=True,
            text=True,
            check=False,
            timeout=50,
        )
        warned = page in WARNED and words[0].startswith("check")
        assert done.returncode == int(warned), f"{command}: {done.stdout}{done.stderr}"
    assert (tmp_path / "newsapi.sqlite3").exists()


def supplied(folder):
    """Give a folder the files that commands name."""
    [example] = re.findall(r"\[The content of the demo\]\((.*?)\)", PAGES["docs/guides/importing.md"])
    shutil.copy((TOP / "docs/guides" / example).resolve(), folder / "archive.ndjson")
    files = TOP / "tests" / "imports" / "formats" / "files"
    blog = (files / "wordpress.xml").read_text().replace("<title></title>", "<title>Un titolo</title>")
    (folder / "wordpress.xml").write_text(blog)
    shutil.copy(files / "feed.atom", folder)
    shutil.copy(TOP / "tests" / "subscriptions" / "bounce.eml", folder)
    [mapping] = blocks("toml")
    (folder / "mapping.toml").write_text(mapping.text)


def name_sent_email(folder):
    """Write the Message-ID of an email of this database into the bounce message."""
    database = Database(f"sqlite:///{folder}/newsapi.sqlite3")
    signer = TokenSigner(database)
    token = signer.message_token("an email", signer.hash_email("lucia@example.com"))
    database.dispose()
    path = folder / "bounce.eml"
    path.write_text(path.read_text().replace("0" * 32, token))


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", blocks("json"), ids=NAMED)
def test_every_json_block_can_be_read(block):
    assert json.loads(block.text)


@pytest.mark.parametrize("block", blocks("ndjson"), ids=NAMED)
def test_every_record_can_be_imported(database, settings, block):
    counts = import_loader.import_records(
        *(database, settings, BytesIO(block.text.encode())),
        hooks=WRITE_HOOKS,
        now=utc_now,
        reject=lambda *place: pytest.fail(str(place)),
    )
    assert counts.created >= len(block.text.splitlines())


def test_every_mapping_can_be_read():
    for block in blocks("toml"):
        assert import_mapping.parse_mapping(block.text.encode()) == tomllib.loads(block.text)


@pytest.mark.parametrize("block", [*blocks("yaml"), *blocks("ini")], ids=NAMED)
def test_every_configuration_can_be_read(block):
    if block.language == "yaml":
        assert yaml.safe_load(block.text)
    else:
        parser = configparser.ConfigParser(strict=True)
        parser.read_string(block.text)
        assert parser.sections()


@pytest.mark.parametrize("block", blocks("html"), ids=NAMED)
def test_every_html_block_is_well_formed(block):
    open_, void = [], {"img", "input", "link"}

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            open_.extend([tag] if tag not in void else [])

        def handle_endtag(self, tag):
            assert open_.pop() == tag

    Reader().feed(block.text)
    assert open_ == []


def test_the_form_names_the_consent_that_the_demo_shows():
    named = set(re.findall(r'consent_version: "([^"]+)"', "".join(block.text for block in blocks("html"))))
    assert named == {consent.consent_text("it", None, None).version}


# --- walk through -----------------------------------------------------------------------------------------------------

EDITING = PAGES["docs/guides/editing.md"]
STEPS = [
    (name, command.replace("\\|", "|"))  # as Markdown has it inside a table
    for name, command in re.findall(r"^\| (.+?) \| `(.+)` \|$", EDITING.partition("## Walk through")[2], re.MULTILINE)
    if "$V1" in command
]


@pytest.fixture
def shell(serve):
    """Run commands one after the other, after those that prepare the walk; answer what each printed."""
    with serve("demo") as served:
        [setup] = blocks("sh", "walk")
        folder = served._printed.parent
        path = f"{NEWSAPI.parent}:{environ()['PATH']}"

        def shell(commands):
            start = setup.text.replace(BASE, served.base)
            script = "\n".join(["set -eu", start, *(f"{command}; echo; echo ----" for command in commands)])
            done = subprocess.run(
                ["bash", "-c", script],
                cwd=folder,
                env=environ(PATH=path, http_proxy="", no_proxy="*"),
                capture_output=True,
                text=True,
                timeout=50,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            return [json.loads(text) for text in done.stdout.split("----\n")[:-1]]

        yield shell


def test_the_walk_through_editing_goes_from_the_draft_to_the_withdrawal(shell):
    assert len(STEPS) >= 8
    results = dict(zip((name for name, _ in STEPS), shell([command for _, command in STEPS]), strict=True))
    data = {name: result["data"] for name, result in results.items()}
    assert data["create a draft"]["status"] == "draft"
    assert data["schedule"]["status"] == "scheduled"
    assert data["publish now"]["status"] == "published"
    assert data["withdraw"]["status"] == "withdrawn"
    assert data["correct"]["corrections"][0]["text"] == "Il nome era incompleto."
    assert data["correct"]["byline"]
    assert "preview=see_" in data["create a preview link"]["api_url"]
    assert data["import an archive"]["state"] == "queued"
    assert [one["number"] for one in data["list the revisions"]] == [4, 3, 2, 1]
    assert data["pick related articles"]["slugs"] == ["range-rover-velar-in-arrivo-il-nuovo-suv-coupe"]


@pytest.mark.parametrize("block", blocks("sh", "served"), ids=NAMED)
def test_every_block_for_a_running_demo_succeeds(serve, tmp_path, block):
    with serve("demo") as served:
        (tmp_path / "examples").symlink_to(TOP / "examples")
        done = subprocess.run(
            ["bash", "-c", f"set -eu\n{block.text.replace(BASE, served.base)}"],
            cwd=tmp_path,
            env=environ(PATH=f"{NEWSAPI.parent}:{environ()['PATH']}", http_proxy="", no_proxy="*"),
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout
