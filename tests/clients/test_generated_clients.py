"""Clients made from the document by three generators: they compile in strict mode and work against the demo."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "openapi.yaml"
BESIDE = Path(sys.executable).parent

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


def test_a_python_client_is_typed_and_works(tmp_path, demo, altered):
    generator = BESIDE / "openapi-python-client"
    if not generator.exists():
        pytest.skip("openapi-python-client is not installed")
    client = tmp_path / "client"
    said = python(tmp_path, generator, "generate", "--path", DOCUMENT, "--output-path", client, "--fail-on-warning")
    assert "Warning" not in said
    program = shutil.copy(HERE / "with_python.py", client)
    python(client, BESIDE / "mypy", "--strict", "--config-file=", program, "newsapi_client")
    python(client, sys.executable, "-W", "error", program, demo.base, altered)
