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


FORBIDDEN_IMPORTS = [
    ("editing.commands", "newsapi.webhooks.events"),
    ("imports.jobs", "newsapi.webhooks.events"),
    ("feeds.views", "newsapi.sync.delta"),
    ("search.indexer", "newsapi.related.index"),
    ("content.writes.articles", "newsapi.search.indexer"),
    ("content.writes.terms", "newsapi.subscriptions.queries"),
    ("keys.commands", "newsapi.webhooks.queries"),
    ("keys.commands", "newsapi.content.queries.terms"),
    ("web.context", "newsapi.content.context"),
    ("worker.periodic", "newsapi.editing.scheduler"),
    ("text.slugs", "newsapi.db.types"),
    ("errors", "newsapi.settings"),
    ("reading.article_views", "sqlalchemy"),
    ("keys.schemas", "sqlalchemy"),
    ("content.schemas.articles", "sqlalchemy"),
    ("text.slugs", "sqlalchemy"),
    ("web.wire", "sqlalchemy"),
    ("keys.views", "newsapi.keys.tables"),
    ("feeds.views", "newsapi.content.tables.articles"),
    ("editing.commands", "flask"),
    ("editing.schemas", "flask_smorest"),
    ("server.front", "werkzeug"),
    ("content.queries.articles", "flask_caching"),
    ("cli.main", "flask"),
]


def test_a_circle_of_two_modules_is_noticed(skeleton):
    plant(skeleton, [("webhooks.events", "newsapi.webhooks.signing"), ("webhooks.signing", "newsapi.webhooks.events")])
    result = lint_imports(skeleton)
    assert "No cycles are allowed in newsapi.webhooks" in result.stdout


def plant(skeleton: Path, imports: list[tuple[str, str]]) -> None:
    """Write the imports, given as pairs of module and imported module, into the empty modules."""
    for module, imported in imports:
        file = skeleton / "newsapi" / f"{module.replace('.', '/')}.py"
        assert file.is_file(), module
        with file.open("a") as text:
            text.write(f"import {imported}\n")


def test_every_forbidden_import_is_noticed(skeleton):
    plant(skeleton, FORBIDDEN_IMPORTS)
    result = lint_imports(skeleton)
    output = " ".join(result.stdout.split())
    assert [pair for pair in FORBIDDEN_IMPORTS if "newsapi.{} -> {} (l.".format(*pair) not in output] == []


def test_allowed_imports_are_allowed(skeleton):
    plant(
        skeleton,
        [
            ("reading.article_views", "flask"),
            ("reading.article_views", "newsapi.search.planner"),
            ("app", "flask"),
            ("app", "newsapi.routes"),
            ("app", "newsapi.webhooks.worker"),
            ("cache.redis_cache", "flask_caching"),
            ("content.queries.articles", "sqlalchemy"),
            ("content.queries.articles", "newsapi.content.tables.articles"),
            ("editing.article_views", "newsapi.content.queries.articles"),
            ("editing.commands", "newsapi.content.writes.writer"),
            ("editing.commands", "newsapi.keys.audit"),
            ("subscriptions.worker", "newsapi.worker.consumer"),
            ("web.context", "flask"),
            ("web.context", "newsapi.cache.response_cache"),
        ],
    )
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
