"""What may lie where: telling names, files that can be read at once, nothing of the machine they were written on."""

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest

TOP = Path(__file__).parents[2].resolve()

TOP_LEVEL = {
    ".ci",
    ".dockerignore",
    ".git-blame-ignore-revs",
    ".github",
    ".gitignore",
    ".pre-commit-config.yaml",
    ".secrets.baseline",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Dockerfile",
    "LICENSE",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "bench",
    "clients",
    "deploy",
    "docs",
    "examples",
    "newsapi",
    "openapi.yaml",
    "pyproject.toml",
    "requirements-dev.lock",
    "requirements.lock",
    "tests",
    "wsgi.py",
}
DRAWERS = re.compile(r"(util|helper|common|core|manager|handler|service|misc)s?", re.IGNORECASE)
LONGEST = 400

# Folders in which a checkout may lie without its path saying anything about the machine.
ANYWHERE = {"/", "/tmp", "/var/tmp", "/home", "/root", "/opt", "/srv", "/usr/src", "/src", "/app", "/mnt"}
REGISTRIES = [r"pythonhosted\.org", r"pypi\.org/simple", r"registry\.npmjs\.org", r"registry\.yarnpkg\.com"]
ADDRESS = re.compile(r"://|^\s*-(-index-url|-extra-index-url|-find-links|-trusted-host|i|f)\b|\bfile:", re.MULTILINE)


@cache
def files():
    """All that is tracked, or would be by `git add .`."""
    git = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(git, cwd=TOP, capture_output=True, text=True, check=True).stdout
    return sorted(Path(name) for name in set(listed.split("\0")) if name and (TOP / name).is_file())


@cache
def configured_registries():
    """The hosts this machine fetches packages from, and where it says so."""
    said = [
        value for name, value in os.environ.items() if re.search(r"index_url|find_links|registry", name, re.IGNORECASE)
    ]
    pip = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    said += re.findall(r"'(.*)'", pip.stdout)
    hosts = {urlsplit(word).hostname for text in said for word in text.split()}
    return sorted(re.escape(host) for host in hosts if host and "." in host and not host.startswith("127."))


def homes():
    """Where this checkout and its user live."""
    places = {str(TOP), str(TOP.parent), str(Path.home())} - ANYWHERE
    return [rf"{re.escape(place)}\b" for place in places] + [r"/(home|Users)/[a-z]\w+/"]


def where(patterns, among):
    """Each line of the text files that matches one of the patterns."""
    pattern = re.compile("|".join(patterns))
    for name in among:
        try:
            text = (TOP / name).read_text()
        except (UnicodeDecodeError, FileNotFoundError):
            continue  # a picture, or gone since it was listed
        yield from (f"{name}: {found.group()}" for found in pattern.finditer(text))


def test_no_file_names_a_package_registry():
    assert list(where(REGISTRIES + configured_registries(), files())) == []


def test_no_file_names_a_place_on_the_machine_it_was_written_on():
    assert list(where(homes(), files())) == []


@pytest.mark.parametrize("lock", [name for name in files() if name.suffix == ".lock"], ids=str)
def test_a_lock_holds_versions_and_hashes_but_no_address(lock):
    text = (TOP / lock).read_text()
    assert ADDRESS.findall(text) == []
    pinned = re.findall(r"^[a-z0-9].*?(?=^[a-z0-9]|\Z)", text, re.MULTILINE | re.DOTALL)
    assert pinned
    assert [entry for entry in pinned if "==" not in entry or "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("lock", [name for name in files() if name.name == "package-lock.json"], ids=str)
def test_a_lock_of_npm_holds_versions_and_hashes_but_no_address(lock):
    text = (TOP / lock).read_text()
    assert "://" not in text  # of funding pages neither: `npm install` writes them, `npm ci` does not need them
    packages = {name: package for name, package in json.loads(text)["packages"].items() if "node_modules/" in name}
    assert packages
    for name, package in packages.items():
        if not package.get("link"):
            assert "resolved" not in package, name
            assert package["integrity"].startswith("sha512-"), name


def test_no_file_of_the_package_is_too_long_to_be_read_at_once():
    sources = [name for name in files() if name.parts[0] in {"bench", "newsapi"} and name.suffix == ".py"]
    sources = [name for name in sources if "versions" not in name.parts]  # a migration is a list, read table by table
    lengths = {str(name): len((TOP / name).read_text().splitlines()) for name in sources}
    assert {name: length for name, length in lengths.items() if length > LONGEST} == {}


def test_a_name_says_what_is_inside():
    rooms = [name for name in files() if name.parts[0] in {"bench", "newsapi", "tests"}]
    assert [str(name) for name in rooms if any(DRAWERS.fullmatch(part.split(".")[0]) for part in name.parts)] == []


def test_the_top_level_holds_what_was_agreed():
    assert {name.parts[0] for name in files()} - TOP_LEVEL == set()
