"""The page of the demo at `/`: the reference article, the lists, the documentation and the mailbox."""

from __future__ import annotations

from newsapi.demo.content import MAIL_PATH, PUBLISHER, REFERENCE_SLUG, WITHDRAWN_SLUG
from newsapi.web.home_page import HomePage, PageLink

DEMO_PAGE = HomePage(
    f"{PUBLISHER}: the newsapi demo",
    "A small motoring magazine, in Italian. Its reference page is an article with by-line, images, a subscription form"
    " and related articles; everything on it comes from this server.",
    (
        (
            "The reference page",
            (
                PageLink(
                    "The article with its related articles",
                    f"/v1/articles/{REFERENCE_SLUG}?include=related",
                    "the whole page in one request",
                ),
                PageLink(
                    "Related articles alone",
                    f"/v1/articles/{REFERENCE_SLUG}/related",
                    "with the reasons of the ranking",
                ),
                PageLink(
                    "The article for search engines", f"/v1/articles/{REFERENCE_SLUG}/jsonld", "schema.org JSON-LD"
                ),
                PageLink("A withdrawn article", f"/v1/articles/{WITHDRAWN_SLUG}", "410 with date and reason"),
            ),
        ),
        (
            "Lists",
            (
                PageLink("Newest articles", "/v1/articles", "20 to a page"),
                PageLink("Articles of a brand", "/v1/articles?brand=land-rover", "Land Rover"),
                PageLink("Brands", "/v1/brands", "by name"),
                PageLink("Search", "/v1/search?q=batterie&facets=brand", "with highlights and facets"),
                PageLink("RSS feed", "/v1/feeds/articles.rss", "also Atom, JSON Feed and ninjs"),
            ),
        ),
        (
            "Documentation",
            (
                PageLink("All operations", "/docs", "to read and to try"),
                PageLink("Entry points", "/v1", "the resources from which all others can be reached"),
                PageLink("OpenAPI document", "/openapi.yaml", "for generated clients"),
            ),
        ),
        (
            "Email",
            (PageLink("Mailbox", MAIL_PATH, "the emails that the demo would send to subscribers"),),
        ),
    ),
)
"""What the demo shows in place of the page of every server."""
