"""Relative links and anchors of all Markdown files lead to something."""

from urllib.parse import unquote

import pytest

from tests.docs.pages import PAGES, TOP, anchors, links


def target_of(page, link):
    path = unquote(link).partition("#")[0]
    return ((TOP / page).parent / path if path else TOP / page).resolve()


def leads_somewhere(page, link):
    target, anchor = target_of(page, link), unquote(link).partition("#")[2]
    there = target.exists() and target.is_relative_to(TOP)
    return there and (not anchor or anchor in anchors(target.read_text()))


def relative(page):
    return [link for link in links(PAGES[page]) if "://" not in link and not link.startswith("mailto:")]


@pytest.mark.parametrize("page", PAGES)
def test_every_relative_link_of_a_page_leads_somewhere(page):
    assert [link for link in relative(page) if not leads_somewhere(page, link)] == []


def test_every_page_is_reached_from_the_readme():
    reached, waiting = set(), ["README.md"]
    while waiting:
        page = waiting.pop()
        if page in PAGES and page not in reached:
            reached.add(page)
            waiting += [target_of(page, link).relative_to(TOP).as_posix() for link in relative(page)]
    assert set(PAGES) - reached == set()
