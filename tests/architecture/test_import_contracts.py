"""Who may import whom: the contracts of pyproject.toml, and that each of their walls would be noticed if it fell."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [program, "--no-cache", "--no-logo", "--verbose"], cwd=folder, capture_output=True, text=True, check=False
    )


def test_the_floors_hold():
    result = lint_imports(TOP)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture
def skeleton(tmp_path):
    """The shape of the house without its furniture: each room is empty."""
    shutil.copy(TOP / "pyproject.toml", tmp_path)
    for room in (
        "api",
        "actions",
        "cache",
        "outbox",
        "store",
        "model",
        "migrations",
        "schemas",
        "serving",
        "feeds",
        "intake",
        "relatedness",
        "search",
        "text",
    ):
        folder = tmp_path / "newsapi" / room
        folder.mkdir(parents=True)
        (folder / "__init__.py").touch()
    for room in ("__init__", "cli", "app", "terminal", "settings", "errors"):
        (tmp_path / "newsapi" / f"{room}.py").touch()
    return tmp_path


def test_an_empty_house_stands(skeleton):
    result = lint_imports(skeleton)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("utils.py", ""),
        ("actions/articles.py", "import newsapi.outbox"),
        ("actions/articles.py", "import sqlalchemy"),
        ("actions/articles.py", "from flask import request"),
        ("cache/front.py", "import werkzeug"),
        ("outbox/worker.py", "import newsapi.api"),
        ("store/articles.py", "from newsapi import actions"),
        ("store/articles.py", "import flask_caching"),
        ("schemas/articles.py", "from newsapi.model import articles"),
        ("text/slugs.py", "import newsapi.schemas"),
        ("errors.py", "import newsapi.settings"),
        ("api/articles.py", "import sqlalchemy.orm"),
    ],
)
def test_a_fallen_wall_is_noticed(skeleton, file, text):
    (skeleton / "newsapi" / file).write_text(f"{text}\n")
    assert lint_imports(skeleton).returncode == 1


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("api/articles.py", "import flask, werkzeug, flask_caching, newsapi.store, newsapi.schemas"),
        ("app.py", "import flask, newsapi.api, newsapi.outbox"),
        ("cache/pages.py", "import flask_caching"),
        ("store/articles.py", "import sqlalchemy, newsapi.model"),
        ("actions/articles.py", "import newsapi.store"),
    ],
)
def test_a_door_is_open(skeleton, file, text):
    (skeleton / "newsapi" / file).write_text(f"{text}\n")
    result = lint_imports(skeleton)
    assert result.returncode == 0, result.stdout
