"""The search documents of articles, updated in the transaction that writes the articles."""

from __future__ import annotations

from collections.abc import Sequence

from newsapi.content.writes.hooks import WrittenArticle
from newsapi.db.database import Session
from newsapi.search import index


def update_documents(session: Session, articles: Sequence[WrittenArticle], *, in_bulk: bool) -> None:
    """Delete the documents of articles that must not be found by their old text; index the articles if not in bulk.

    In a bulk write the worker indexes the articles later, and until then an article stays findable by its old text if
    its facets and publication time did not change.
    """
    kept = {article.after.id for article in articles if in_bulk and _keeps_text(article)}
    old = [article.before for article in articles if article.before]
    index.delete_documents(session, [state.id for state in old if state.is_public and state.id not in kept])
    if not in_bulk:
        documents = [
            index.indexable(article.after, article.facets_after) for article in articles if article.after.is_public
        ]
        index.insert_documents(session, documents)


def _keeps_text(article: WrittenArticle) -> bool:
    """Return whether an article may be found by its old text until it is indexed: facets and publication time match."""
    before, after = article.before, article.after
    if before is None or not before.is_public or not after.is_public:
        return False
    same_time = before.values["published_at"] == after.values["published_at"]
    return article.facets_after == article.facets_before and same_time
