"""Sitemap pages: the facet of kind `sitemap` that each article belongs to, by its publication number.

An article gets the next publication number when it first becomes public and keeps it. So it stays on its page, and a
full page changes only when its own articles change. A page is a facet like any other: writes update it, and cached
responses depend on it.
"""

from __future__ import annotations

ARTICLES_PER_PAGE = 5_000
"""Articles on a page: a tenth of what the protocol allows, so that a publication changes less output."""


SITEMAP_KIND = "sitemap"


def page_name(number: int) -> str:
    """Return the name of the page that lists the article with this publication number."""
    return str((number - 1) // ARTICLES_PER_PAGE + 1)
