"""The search index of the application that handles the current request."""

from __future__ import annotations

from typing import cast

from newsapi.search.freshness import IndexRead, SearchIndex
from newsapi.web.context import app_context


def begin_search() -> IndexRead:
    """Return the search of the current request; a view calls this before it builds the response."""
    return cast("SearchIndex", app_context().search_index).begin()
