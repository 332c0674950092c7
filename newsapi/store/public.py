"""What the public may see, written once. Every public select of articles starts or ends here."""

from sqlalchemy import ColumnElement

from newsapi.model import Article


def visible() -> ColumnElement[bool]:
    """The condition on an article: published. There is no clock in it, since a publication is an event in the log."""
    return Article.status == "published"
