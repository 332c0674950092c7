"""The rule of what is public, defined once; every public query of articles uses it."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement

from newsapi.content.tables.articles import Article


def is_visible() -> ColumnElement[bool]:
    """Return the condition that an article is published.

    The condition compares no time: publication is an event in the changelog.
    """
    return Article.status == "published"


def is_indexed(seo: Mapping[str, Any] | None) -> bool:
    """Return whether search engines may index an article, by the robots directives of its `ArticleContent.seo`."""
    robots = (seo or {}).get("robots") or ""
    return {"noindex", "none"}.isdisjoint(directive.strip() for directive in robots.lower().split(","))
