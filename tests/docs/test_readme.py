"""The README stays short and keeps what newcomers and CI rely on."""

import re

from newsapi import __version__
from tests.docs.pages import PAGES, blocks, commands

README = PAGES["README.md"]
LONGEST = 150


def test_the_readme_is_short():
    assert len(README.splitlines()) <= LONGEST


def test_the_readme_names_the_two_commands():
    shell = [command for block in blocks("sh") if block.page == "README.md" for command in commands(block)]
    assert shell[:2] == ["make demo", "make test"]


def test_the_readme_has_one_graph():
    assert len(re.findall(r"!\[[^\]]{20,}\]\(", README)) == 1


def test_the_changelog_begins_with_this_version():
    assert re.search(r"^## (\S+?),? ", PAGES["CHANGELOG.md"], re.MULTILINE)[1] == __version__
