"""The import contracts of pyproject.toml: they are kept, and each of them notices an import that breaks it."""

import re
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
CONTRACTS = tomllib.loads((TOP / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [program, "--no-cache", "--no-logo", "--verbose"], cwd=folder, capture_output=True, text=True, check=False
    )


def test_the_contracts_are_kept():
    result = lint_imports(TOP)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.fixture
def skeleton(tmp_path):
    """A copy of the package in which every module is empty; imports that contracts ignore need not be matched in it."""
    config = (TOP / "pyproject.toml").read_text()
    ignored = "\nignore_imports = ["
    config = config.replace(ignored, f'\nunmatched_ignore_imports_alerting = "none"{ignored}')
    (tmp_path / "pyproject.toml").write_text(config)
    for file in (TOP / "newsapi").rglob("*.py"):
        copy = tmp_path / file.relative_to(TOP)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.touch()
    return tmp_path


def test_a_package_without_imports_keeps_the_contracts(skeleton):
    result = lint_imports(skeleton)
    assert result.returncode == 0, result.stdout + result.stderr


def packages_by_layer():
    """Return the layers from the highest to the lowest, each a list of packages and modules."""
    (layers,) = [contract["layers"] for contract in CONTRACTS if contract["type"] == "layers"]
    return [re.split(r" [|:] ", layer) for layer in layers]


def test_an_import_from_every_higher_layer_is_noticed(skeleton):
    layers = packages_by_layer()
    upward = [(lower[0], upper[-1]) for upper, lower in pairwise(layers)]
    for package, above in upward:
        folder = skeleton / "newsapi" / package
        file = folder / "planted.py" if folder.is_dir() else folder.with_suffix(".py")
        file.write_text(f"import newsapi.{above}\n")
    output = lint_imports(skeleton).stdout
    assert [
        pair for pair in upward if "newsapi.{} is not allowed to import newsapi.{}".format(*pair) not in output
    ] == []


def test_a_package_outside_the_layers_is_noticed(skeleton):
    (skeleton / "newsapi" / "utils.py").touch()
    assert lint_imports(skeleton).returncode == 1


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("editing/commands.py", "import newsapi.webhooks.events"),
        ("imports/jobs.py", "from newsapi.webhooks import events"),
        ("feeds/views.py", "from newsapi.sync import delta"),
        ("search/index.py", "import newsapi.related.index"),
        ("content/writes/articles.py", "from newsapi.search import index"),
        ("content/writes/terms.py", "from newsapi.subscriptions import queries"),
        ("keys/commands.py", "from newsapi.webhooks import queries"),
        ("web/context.py", "from newsapi.content.context import ContentContext"),
        ("worker/periodic.py", "import newsapi.editing.scheduler"),
        ("reading/article_views.py", "import sqlalchemy.orm"),
        ("keys/schemas.py", "from sqlalchemy import select"),
        ("content/schemas/articles.py", "import sqlalchemy"),
        ("text/slugs.py", "import sqlalchemy"),
        ("text/slugs.py", "import newsapi.content.schemas"),
        ("web/wire.py", "import sqlalchemy"),
        ("keys/views.py", "from newsapi.keys.tables import ApiKey"),
        ("feeds/views.py", "from newsapi.content.tables import articles"),
        ("editing/commands.py", "from flask import request"),
        ("editing/schemas.py", "import flask_smorest"),
        ("server/front.py", "import werkzeug"),
        ("content/queries/articles.py", "import flask_caching"),
        ("cli/main.py", "import flask"),
        ("errors.py", "import newsapi.settings"),
    ],
)
def test_a_forbidden_import_is_noticed(skeleton, file, text):
    assert (skeleton / "newsapi" / file).is_file()
    (skeleton / "newsapi" / file).write_text(f"{text}\n")
    assert lint_imports(skeleton).returncode == 1


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("reading/article_views.py", "import flask, newsapi.search.planner, newsapi.content.queries.articles"),
        ("app.py", "import flask, newsapi.routes, newsapi.webhooks.worker"),
        ("cache/redis_cache.py", "import flask_caching"),
        ("content/queries/articles.py", "import sqlalchemy, newsapi.content.tables.articles"),
        ("editing/commands.py", "import newsapi.content.writes.writer, newsapi.keys.audit"),
        ("subscriptions/worker.py", "import newsapi.worker.consumers"),
        ("web/context.py", "import flask, newsapi.cache.response_cache"),
    ],
)
def test_an_allowed_import_is_allowed(skeleton, file, text):
    assert (skeleton / "newsapi" / file).is_file()
    (skeleton / "newsapi" / file).write_text(f"{text}\n")
    result = lint_imports(skeleton)
    assert result.returncode == 0, result.stdout


def test_contracts_of_views_list_every_module_of_views():
    files = {*(TOP / "newsapi").glob("*/*views.py"), TOP / "newsapi/subscriptions/page.py"}
    views = {".".join(file.relative_to(TOP).with_suffix("").parts) for file in files}
    lists = [
        {module for module in contract["source_modules"] if re.search(r"views$|\.page$", module)}
        for contract in CONTRACTS
        if contract["name"].startswith("Views")
    ]
    assert lists == [views, views]
