"""The rule of what is public, defined once; every public query of articles uses it."""

from sqlalchemy import ColumnElement

from newsapi.content.tables.articles import Article


def is_visible() -> ColumnElement[bool]:
    """Return the condition that an article is published.

    The condition compares no time: publication is an event in the changelog.
    """
    return Article.status == "published"
