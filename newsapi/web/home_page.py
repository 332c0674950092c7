"""The page at `/`, for people: where to go from here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import flask
from flask import Response, current_app

from newsapi.web import entry_points
from newsapi.web.context import app_context

EXTENSION = "newsapi-home-page"
"""Key of `Flask.extensions` for a `HomePage` that replaces the one of every server."""


@dataclass(frozen=True)
class PageLink:
    """A link of the page: its text, its path below the base URL, and a sentence about it."""

    text: str
    path: str
    description: str


@dataclass(frozen=True)
class HomePage:
    """The content of the page.

    Attributes:
        title: The heading.
        introduction: One or two sentences below the heading.
        sections: Headings with their links, in order.
    """

    title: str
    introduction: str
    sections: Sequence[tuple[str, Sequence[PageLink]]]


def default_page(publisher: str | None) -> HomePage:
    """Return the page of a server; `publisher` is the name of the publication."""
    title = f"{publisher}: news content API" if publisher else "News content API"
    return HomePage(
        title,
        "This server offers news articles as JSON, feeds and sitemaps. It is meant for programs; people start here.",
        (
            (
                "For developers",
                (
                    PageLink("Documentation", "/docs", "all operations, to read and to try"),
                    PageLink("Entry points", "/v1", "the resources from which all others can be reached"),
                    PageLink("OpenAPI document", "/openapi.yaml", "for generated clients; also as openapi.json"),
                ),
            ),
            (
                "Content",
                (
                    PageLink("Newest articles", "/v1/articles", "as JSON"),
                    PageLink("RSS feed", "/v1/feeds/articles.rss", "the newest articles for feed readers"),
                    PageLink("Sitemap", "/sitemap.xml", "for search engines"),
                ),
            ),
        ),
    )


def render_page(page: HomePage) -> str:
    """Return the page as HTML. Links are relative, so that they work behind any host name and path prefix."""
    sections = "\n".join(
        f"<section><h2>{escape(heading)}</h2>\n<ul>\n{''.join(map(_item, links))}</ul></section>"
        for heading, links in page.sections
    )
    return _PAGE.format(title=escape(page.title), introduction=escape(page.introduction), sections=sections)


def _item(link: PageLink) -> str:
    address = escape(link.path.removeprefix("/"))
    return f'<li><a href="{address}">{escape(link.text)}</a>: {escape(link.description)}</li>\n'


_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>body{{font:1.1rem/1.6 system-ui,sans-serif;max-width:42rem;margin:2rem auto;padding:0 1rem;color:#222;
background:#fff}}h1{{font-size:1.7rem;line-height:1.25}}h2{{font-size:1.2rem;margin:1.6rem 0 .3rem}}ul{{margin:0;
padding-left:1.2rem}}li{{margin:.3rem 0}}a{{color:#0645ad}}a:focus{{outline:3px solid #fa0;outline-offset:2px}}</style>
</head>
<body><main><h1>{title}</h1>
<p>{introduction}</p>
{sections}
</main></body></html>
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def blueprint() -> flask.Blueprint:
    """Return the blueprint of the page. It is not part of the OpenAPI document."""
    flask_blueprint = flask.Blueprint("home_page", __name__)

    @flask_blueprint.get("/")
    def home() -> Response:
        settings = app_context().settings
        page: HomePage = current_app.extensions.get(EXTENSION) or default_page(settings.publisher)
        headers = {
            "Content-Security-Policy": _POLICY,
            "Link": entry_points.link_header(settings.api_url),
            "Cache-Control": "max-age=300",
        }
        return Response(render_page(page), content_type="text/html; charset=utf-8", headers=headers)

    return flask_blueprint
