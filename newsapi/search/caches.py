"""What searches of one process keep in memory beside the index."""

from __future__ import annotations

from newsapi.search.hits import HitPresenter
from newsapi.search.languages import LanguageCatalog
from newsapi.search.names import NameCatalog


class SearchCaches:
    """Values that are read or computed once for many searches. Thread-safe.

    Attributes:
        names: The names of brands and authors.
        languages: The languages of the archive.
        hits: Presents results, and keeps their highlights.
    """

    def __init__(self) -> None:
        """Create empty caches."""
        self.names = NameCatalog()
        self.languages = LanguageCatalog()
        self.hits = HitPresenter()
