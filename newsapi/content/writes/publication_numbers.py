"""Publication numbers of articles, and the creation of the sitemap pages that they determine."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from newsapi.changelog.tables import Facet
from newsapi.content.queries.sitemap_pages import SITEMAP_KIND, page_name
from newsapi.content.queries.snapshots import ArticleSnapshot
from newsapi.content.tables.articles import Article


def assign_numbers(session: Session, states: Sequence[ArticleSnapshot]) -> None:
    """Assign publication numbers, in the order given, to newly public articles, and create missing pages."""
    new = [state for state in states if state.is_public and state.publication_number is None]
    if not new:
        return
    last = session.execute(select(func.max(Article.publication_number))).scalar() or 0
    for publication_number, state in enumerate(new, last + 1):
        state.publication_number = publication_number
    first = int(page_name(last)) if last else 0
    names = [str(page) for page in range(first + 1, int(page_name(last + len(new))) + 1)]
    if names:
        session.execute(insert(Facet), [{"kind": SITEMAP_KIND, "name": name} for name in names])
