"""Paths of articles, which views of several capabilities share: the path parameter, and how it is read."""

from __future__ import annotations

from urllib.parse import quote
from uuid import UUID

from newsapi.text.former_slugs import parse_article_slug
from newsapi.text.slugs import is_uuid
from newsapi.web.params import SLUG_OR_ID_SCHEMA

ARTICLES_PATH = "/v1/articles"


SLUG_OR_ID_PARAM = {
    "in": "path",
    "name": "slug_or_id",
    "description": "Slug or id of the article",
    "schema": SLUG_OR_ID_SCHEMA,
}


def parse_name(text: str) -> tuple[str | UUID, str]:
    """Parse the article name of a path.

    Returns:
        The id, or the slug or former slug, or "" (which no article has) if the text is none; and the canonical path of
        the article.
    """
    name = UUID(text) if is_uuid(text) else parse_article_slug(text)
    is_canonical = isinstance(name, UUID) or name == text
    return name, f"{ARTICLES_PATH}/{name if is_canonical else quote(text, safe='')}"
