"""Clients made from the document by three generators: they compile in strict mode and work against the demo."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "openapi.yaml"
BESIDE = Path(sys.executable).parent
JSON = re.compile(r"[/+]json$|x-www-form-urlencoded$")

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]

# Each with the way to make its client, in the folder of the tools.
TYPESCRIPT = {
    "with_openapi_fetch": ("openapi-typescript", DOCUMENT, "--output", "schema.ts"),
    "with_hey_api": ("openapi-ts", "--input", DOCUMENT, "--output", "hey_api", "--no-log-file"),
}


@pytest.fixture
def compiled(run, tools):
    """Generate a client, compile it and the program that uses it; answer where the program is."""

    def compiled(name):
        shutil.copy(HERE / f"{name}.ts", tools)
        run(*TYPESCRIPT[name])
        config = tools / f"tsconfig.{name}.json"
        config.write_text(f'{{"extends": "./tsconfig.json", "include": [], "files": ["{name}.ts"]}}')
        run("tsc", "--strict", "--project", config)
        return tools / "built" / f"{name}.js"

    return compiled


@pytest.mark.parametrize("name", TYPESCRIPT)
def test_a_typescript_client_compiles_and_works(run, compiled, demo, altered, name):
    run("node", compiled(name), demo.base, altered)


def python(folder, *words):
    path = f"{BESIDE}{os.pathsep}{os.environ['PATH']}"
    environ = {**os.environ, "PATH": path, "PYTHONPATH": str(folder), "MYPYPATH": str(folder)}
    done = subprocess.run(words, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=150)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def operations_in_json(document):
    """Return the document without the operations on XML, YAML and NDJSON, which this generator does not know."""
    paths = {
        path: {key: value for key, value in item.items() if key not in METHODS or is_in_json(value)}
        for path, item in document["paths"].items()
    }
    kept = {path: item for path, item in paths.items() if METHODS & item.keys()}
    assert len(kept) > len(paths) * 3 / 4
    return document | {"paths": kept}


METHODS = {"get", "post", "put", "patch", "delete"}


def is_in_json(operation):
    contents = [operation.get("requestBody", {}), *operation["responses"].values()]
    return all(JSON.search(type_) for one in contents for type_ in one.get("content", ()))


def test_a_python_client_is_typed_and_works(tmp_path, demo, altered):
    generator = BESIDE / "openapi-python-client"
    if not generator.exists():
        pytest.skip("openapi-python-client is not installed")
    client = tmp_path / "client"
    path = tmp_path / "json.yaml"
    path.write_text(yaml.safe_dump(operations_in_json(yaml.safe_load(DOCUMENT.read_text()))))
    said = python(tmp_path, generator, "generate", "--path", path, "--output-path", client, "--fail-on-warning")
    assert "Warning" not in said
    program = shutil.copy(HERE / "with_python.py", client)
    python(client, BESIDE / "mypy", "--strict", "--config-file=", program, "newsapi_client")
    python(client, sys.executable, "-W", "error", program, demo.base, altered)
