"""The TypeScript client as its users install it: packed, compiled in strict mode, and run against the demo."""

import gzip
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from newsapi import __version__
from newsapi.sync.schemas import ALLOWED_WITH_CURSOR as CHANGE_PARAMETERS
from newsapi.web.params import ALLOWED_WITH_CURSOR as PAGE_PARAMETERS
from tests.clients.conftest import execute, install_packages, shared_folder
from tests.support.processes import NEWSAPI, environ, serving

TOP = Path(__file__).parents[2]
CLIENT = TOP / "clients" / "typescript"
README = (CLIENT / "README.md").read_text()
MAX_CORE_BYTES = 6_000
SCOPES = ("content:write", "content:publish", "drafts:read", "webhooks")
EXAMPLE_ADDRESS = "https://api.example.com"

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="session")
def client(tmp_path_factory, worker_id):
    """The folder of the client, installed, built and packed."""
    folder = shared_folder(tmp_path_factory, worker_id, "typescript-client")

    def copy():
        unwanted = shutil.ignore_patterns("node_modules", "dist", "built")
        shutil.copytree(CLIENT, folder, ignore=unwanted, dirs_exist_ok=True)

    install_packages(folder, copy, ("npm", "pack", "--foreground-scripts=false"))
    return folder


@pytest.fixture
def consumer(client, tmp_path):
    """Return a folder with the packed client in `node_modules`, and these files."""

    def consumer(*paths):
        modules = tmp_path / "node_modules"
        (modules / "newsapi-client").mkdir(parents=True)
        [archive] = client.glob("*.tgz")
        shutil.unpack_archive(archive, tmp_path / "unpacked")
        shutil.copytree(tmp_path / "unpacked" / "package", modules / "newsapi-client", dirs_exist_ok=True)
        for name in ("@types", "undici-types", "typescript", ".bin"):
            (modules / name).symlink_to(client / "node_modules" / name)
        (tmp_path / "package.json").write_text('{"type": "module"}')
        for path in (CLIENT / "test" / "tsconfig.json", *paths):
            shutil.copy(path, tmp_path)
        return tmp_path

    return consumer


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    """A demo that may call local webhooks, and a key for it, as environment variables."""
    folder = tmp_path_factory.mktemp("demo-to-write")
    with serving(folder, "demo", NEWSAPI_WEBHOOK_PRIVATE="allow") as served:
        command = [NEWSAPI, "keys", "create", "redazione", *(word for scope in SCOPES for word in ("--scope", scope))]
        database = f"sqlite:///{folder / 'newsapi-demo.sqlite3'}"
        made = subprocess.run(
            command, env=environ(NEWSAPI_DATABASE_URL=database), cwd=folder, capture_output=True, text=True, check=True
        )
        yield {"API_URL": served.base, "API_KEY": made.stdout.strip().splitlines()[-1].split()[-1]}


def test_its_types_are_those_of_the_document(client):
    generated = client / "generated.ts"
    execute(client, "openapi-typescript", TOP / "openapi.yaml", "--default-non-nullable", "false", "-o", generated)
    assert generated.read_text() == (CLIENT / "src" / "schema.ts").read_text(), "run `make typescript`"


def test_it_works_against_a_running_api(consumer, api):
    folder = consumer(*(CLIENT / "test").glob("*.ts"))
    execute(folder, "tsc")
    execute(folder, "node", "--test", "--test-reporter=spec", "--test-timeout=120000", "built/", **api)


NEXT_CACHE = """
export const cacheTag = (...tags) => globalThis.tags = tags;
export const revalidateTag = (tag, profile) => undefined;
"""
NEXT_CACHE_TYPES = """
export function cacheTag(...tags: string[]): void;
export function revalidateTag(tag: string, profile: string | { expire?: number }): undefined;
"""


def test_the_examples_of_its_readme_compile_and_run(consumer, api):
    examples = re.findall(r"^```ts\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert len(examples) >= 9
    folder = consumer()
    cache = folder / "node_modules" / "next"  # its two functions, with their types in Next.js 16
    cache.mkdir()
    (cache / "package.json").write_text('{"name": "next", "type": "module"}')
    (cache / "cache.js").write_text(NEXT_CACHE)
    (cache / "cache.d.ts").write_text(NEXT_CACHE_TYPES)
    (cache / "package.json").write_text(
        '{"type": "module", "exports": {"./cache": {"types": "./cache.d.ts", "default": "./cache.js"}}}'
    )
    names = []
    for number, example in enumerate(examples):
        path = re.match(r"// (\S+\.ts)$", example, re.MULTILINE)
        place = folder / (path[1] if path else f"example{number}.ts")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(example.replace(EXAMPLE_ADDRESS, api["API_URL"]))
        names.append(place.relative_to(folder))
    config = json.loads((folder / "tsconfig.json").read_text())
    config["include"] = ["**/*.ts"]
    config["exclude"] = ["node_modules", "built", "unpacked"]
    config["compilerOptions"]["rootDir"] = "."
    (folder / "tsconfig.json").write_text(json.dumps(config))
    execute(folder, "tsc")
    said = [
        execute(
            folder,
            "node",
            folder / "built" / name.with_suffix(".js"),
            NEWSAPI_KEY=api["API_KEY"],
            NEWSAPI_WEBHOOK_SECRET="whsec_c2VjcmV0IG9mIHRoZSBleGFtcGxl",
        ).stdout
        for name in names
    ]
    assert "Jaguar Land Rover, allo studio una fabbrica per produrre batterie 26 luglio 2016" in said[0]
    assert "bad-parameter limit" in said[2]


def test_its_core_is_small(client, record_property):
    execute(
        client,
        client / "node_modules" / ".bin" / "esbuild",
        "dist/index.js",
        "--bundle",
        "--minify",
        "--format=esm",
        "--target=es2022",
        "--outfile=core.js",
    )
    size = len(gzip.compress((client / "core.js").read_bytes(), 9))
    record_property("measured", size)
    assert size <= MAX_CORE_BYTES


def test_the_package_has_what_its_readme_lists(client):
    [pack] = json.loads(execute(client, "npm", "pack", "--dry-run", "--json", "--ignore-scripts").stdout)
    listed = re.search(r"^```text\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)[1].split()
    assert sorted(file["path"] for file in pack["files"]) == listed


def test_its_version_is_that_of_the_project_and_its_licence_too():
    for name in ("package.json", "package-lock.json"):
        assert json.loads((CLIENT / name).read_text())["version"] == __version__
    assert (CLIENT / "LICENSE").read_bytes() == (TOP / "LICENSE").read_bytes()
    package = json.loads((CLIENT / "package.json").read_text())
    assert "dependencies" not in package


def test_it_repeats_beside_a_cursor_what_the_api_allows_there():
    [names] = re.findall(r"const BESIDE_CURSOR = (\[.*\]);", (CLIENT / "src" / "client.ts").read_text())
    assert {*json.loads(names), "cursor"} == PAGE_PARAMETERS | CHANGE_PARAMETERS


def test_it_sends_min_seq_to_the_reads_that_take_it():
    document = yaml.load((TOP / "openapi.yaml").read_text(), Loader=yaml.CSafeLoader)
    [pattern] = re.findall(r"const READS =\s+/(.*)/;", (CLIENT / "src" / "transport.ts").read_text())
    for path, item in document["paths"].items():
        operation = item.get("get", {})
        names = [parameter.get("name") for parameter in operation.get("parameters", [])]
        is_read = "min_seq" in names and "security" not in operation
        assert bool(re.search(pattern.replace(r"\/", "/"), path)) == is_read, path
