"""The offline store of examples/mobile: its own tests, against an application whose clock and database they change."""

import re
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from newsapi.app import WRITE_HOOKS
from newsapi.content.writes.writer import WriteContext
from newsapi.editing import merges
from tests.clients.conftest import execute, install_packages, shared_folder

TOP = Path(__file__).parents[2]
EXAMPLE = TOP / "examples" / "mobile"
README = (EXAMPLE / "README.md").read_text()
DEMO_ADDRESS = "http://127.0.0.1:8000"
SCOPES = ("content:write", "content:publish", "drafts:read")

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


@pytest.fixture(scope="session")
def example(tmp_path_factory, worker_id):
    """The folder of the example, installed and built, with the client at its place beside it."""
    top = shared_folder(tmp_path_factory, worker_id, "mobile")
    folder = top / EXAMPLE.relative_to(TOP)
    folder.mkdir(parents=True, exist_ok=True)

    def copy():
        unwanted = shutil.ignore_patterns("node_modules", "dist")
        for source in (EXAMPLE, TOP / "clients" / "typescript"):
            shutil.copytree(source, top / source.relative_to(TOP), ignore=unwanted, dirs_exist_ok=True)

    install_packages(folder, copy, ("npm", "run", "build"))
    return folder


class Control:
    """A WSGI application with commands below `/control/` that no client has."""

    def __init__(self, app, clock, context, path):
        self._app, self._clock, self._context = app, clock, context
        self._path, self._saved = path, path.with_name("saved.sqlite3")

    def __call__(self, environ, start_response):
        request = Request(environ)
        _, first, command = request.path.split("/", 2)
        if first != "control":
            return self._app(environ, start_response)
        getattr(self, command)(**request.args)
        return Response(status=204)(environ, start_response)

    def advance(self, days):
        self._clock.forward(days=int(days))

    def merge(self):
        while merges.run_slice(self._context):
            pass

    def save(self):
        copy_database(self._path, self._saved)

    def restore(self):
        copy_database(self._saved, self._path)


def copy_database(source, target):
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)


@pytest.fixture
def api(app, settings, database, clock, hire, sqlite_url):
    """The address of an application and a key for it, as environment variables."""
    context = WriteContext(database, settings, lambda _: clock(), WRITE_HOOKS)
    control = Control(app, clock, context, Path(sqlite_url.removeprefix("sqlite:///")))
    server = make_server("127.0.0.1", 0, control, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield {"API_URL": f"http://127.0.0.1:{server.server_port}", "API_KEY": hire(*SCOPES).secret}
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.one_database
@pytest.mark.parametrize("name", sorted(path.name.removesuffix(".ts") for path in EXAMPLE.glob("test/*.test.ts")))
def test_its_own_tests_pass(example, api, name):
    execute(example, "node", "--test", "--test-timeout=250000", f"dist/test/{name}.js", **api)


def test_the_commands_of_its_readme_run(example, demo):
    [block] = re.findall(r"^```sh\n(npm ci.*?)^```$", README, re.MULTILINE | re.DOTALL)
    commands = block.replace(DEMO_ADDRESS, demo.base).splitlines()[2:]  # the first two are those of the fixture
    said = [execute(example, "sh", "-c", command).stdout for command in commands]
    assert "45 articles, 45 bodies" in said[0]
    assert "Jaguar Land Rover, allo studio" in said[1] + said[2]


def test_its_measurement_runs(example, demo):
    said = execute(example, "node", "dist/test/measure.js", demo.base).stdout
    assert re.search(r"^\| first sync, everything \|", said, re.MULTILINE)
