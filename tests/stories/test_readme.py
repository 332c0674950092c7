"""What the README says is done: every command, every address, every answer shown."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from newsapi.actions import imports, search
from newsapi.api.parts import utc_now
from newsapi.app import create_app
from newsapi.demo import content
from newsapi.settings import Settings

TOP = Path(__file__).parents[2]
README = (TOP / "README.md").read_text()
SHELL = [
    line.partition("  #")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
]
SHOWN = re.findall(r"```sh\n(curl [^\n]*)\n```\n\n```json\n(.*?)```", README, re.DOTALL)


def of(program):
    return [command for command in SHELL if command.split()[0] == program]


@pytest.fixture(scope="module")
def demo(tmp_path_factory, sqlite_template):
    path = tmp_path_factory.mktemp("readme") / "news.sqlite3"
    path.write_bytes(sqlite_template.read_bytes())
    app = create_app(Settings.from_env({"NEWSAPI_DATABASE_URL": f"sqlite:///{path}", "NEWSAPI_RATE_LIMITS": "off"}))
    parts = app.extensions["newsapi"]
    with content.stream(parts.settings.api_url) as stream:
        imports.load(parts.database, parts.settings, stream, now=utc_now, reject=lambda *place: pytest.fail(str(place)))
    search.rebuild(parts.database, now=utc_now)
    yield app.test_client()
    parts.database.dispose()


def asked(command):
    url = urlsplit(shlex.split(command)[1])
    assert f"{url.scheme}://{url.netloc}" == "http://127.0.0.1:8000"
    return f"{url.path}?{url.query}"


@pytest.mark.parametrize("command", of("curl"))
def test_every_address_of_the_readme_answers_with_something(demo, command):
    answer = demo.get(asked(command))
    assert answer.status_code == 200
    assert answer.json["data"] if answer.is_json else answer.data.startswith(b"<?xml")


@pytest.mark.parametrize(("command", "answer"), SHOWN)
def test_every_answer_shown_is_part_of_the_real_one(demo, command, answer):
    real, shown = demo.get(asked(command)).json["data"], json.loads(answer)["data"]
    assert {name: real[name] for name in shown} == shown


def test_every_make_command_of_the_readme_is_in_the_makefile():
    targets = set(re.findall(r"^([a-z]+):.*##", (TOP / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)\b", "\n".join([*SHELL, *re.findall(r"`make [a-z]+`", README)])))
    assert named
    assert named <= targets


@pytest.mark.timeout(180)
def test_the_commands_that_fill_and_serve_do_so(tmp_path):
    [example] = re.findall(r"\[what the demo is made of\]\((.*?)\) is an example", README)
    shutil.copy(TOP / example, tmp_path / "archive.ndjson")
    files = TOP / "tests" / "intake" / "files"
    blog = (files / "wordpress.xml").read_text().replace("<title></title>", "<title>Un titolo</title>")
    (tmp_path / "wordpress.xml").write_text(blog)
    shutil.copy(files / "feed.atom", tmp_path)
    shutil.copy(TOP / "tests" / "alerts" / "bounce.eml", tmp_path)
    [mapping] = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "mapping.toml").write_text(mapping)
    newsapi = Path(sys.executable).with_name("newsapi")
    for command in of("newsapi"):
        words = shlex.split(command)[1:]
        if words in (["serve"], ["worker"]):  # other stories start and stop them
            words.append("--help")
        done = subprocess.run([newsapi, *words], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=50)
        warned = words == ["check"]  # of keys that bind nothing as long as everything is public
        assert done.returncode == int(warned), done.stderr
    assert (tmp_path / "newsapi.sqlite3").exists()


def test_every_file_the_readme_leads_to_is_there():
    named = re.findall(r"\]\(([^)#:]+)\)", README) + re.findall(r"`((?:[a-z_]+/)+[a-z_]+\.py)", README)
    assert named
    for name in named:
        assert (TOP / name).exists() or (TOP / "newsapi" / name).exists(), name


def test_the_plan_of_the_house_names_every_room():
    rooms = {path.name.removesuffix(".py") for path in (TOP / "newsapi").iterdir() if path.suffix in {"", ".py"}}
    plan = README.partition("```text\n")[2].partition("```")[0]
    assert rooms - {"__init__", "__pycache__"} <= set(re.findall(r"[a-z]+", plan))
