"""The application context with the services of articles and terms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from newsapi.content.presentation.listed_articles import ListedArticles
from newsapi.content.presentation.presentation import ArticlePresenter
from newsapi.content.writes.hooks import WriteHooks
from newsapi.content.writes.writer import WriteContext
from newsapi.web import context
from newsapi.web.context import AppContext


@dataclass(frozen=True, kw_only=True)
class ContentContext(AppContext):
    """Services for views of articles and terms.

    Attributes:
        presentation: Builds the public representation of articles and terms.
        listed_articles: Serialized items of lists of articles.
        listed_cards: Serialized items of lists of articles with `profile=card`.
        hooks: What other packages do in the transaction of a write.
    """

    presentation: ArticlePresenter
    listed_articles: ListedArticles
    listed_cards: ListedArticles
    hooks: WriteHooks

    @property
    def write_context(self) -> WriteContext:
        """The context of editorial commands.

        Raises:
            Unavailable: The database is known to be unreachable.
        """
        self.require_database()
        return WriteContext(self.database, self.settings, self.clock, self.hooks)


def app_context() -> ContentContext:
    """Return the context of the application that handles the current request."""
    return cast("ContentContext", context.app_context())
