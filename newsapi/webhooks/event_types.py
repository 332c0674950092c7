"""The registry of webhook event types, from which the schemas, the planning of deliveries and the documentation derive.

To add an event type, add it to `EVENT_TYPES` and to the table of `docs/reference/events.md`, which a test compares.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class EventType(NamedTuple):
    """An event type.

    Attributes:
        name: The value of `type` in the event.
        kind: The kind of the changes that are this event; None if the event does not come from a single change.
        reasons: For articles, the reasons of these changes.
    """

    name: str
    kind: str | None = None
    reasons: tuple[str, ...] = ()


ARTICLE_PUBLISHED: Final = "article.published"
ARTICLE_UNPUBLISHED: Final = "article.unpublished"
ARTICLE_WITHDRAWN: Final = "article.withdrawn"
ARTICLE_OUT_OF_SCOPE: Final = "article.out_of_scope"
CACHE_INVALIDATED: Final = "cache.invalidated"
IMPORT_FINISHED: Final = "import.finished"
PING: Final = "webhook.ping"

EVENT_TYPES: Final = (
    EventType(ARTICLE_PUBLISHED, "article", ("published",)),
    EventType("article.updated", "article", ("updated",)),
    EventType("article.corrected", "article", ("corrected",)),
    EventType(ARTICLE_UNPUBLISHED, "article", ("unpublished",)),
    EventType(ARTICLE_WITHDRAWN, "article", ("withdrawn", "rights")),
    EventType(ARTICLE_OUT_OF_SCOPE, "article"),
    EventType("brand.updated", "brand"),
    EventType("section.updated", "section"),
    EventType("author.updated", "author"),
    EventType("tag.updated", "tag"),
    EventType(CACHE_INVALIDATED),
    EventType(IMPORT_FINISHED),
    EventType(PING),
)
"""All event types."""

RECALLS: Final = frozenset({ARTICLE_UNPUBLISHED, ARTICLE_WITHDRAWN, ARTICLE_OUT_OF_SCOPE})
"""The events after which a receiver must not show an article any more; an import sends them to every webhook."""

EVENT_NAMES: Final = tuple(event_type.name for event_type in EVENT_TYPES)
"""The names of all event types, in the order of the documentation."""

ARTICLE_EVENT_OF_REASON: Final = {
    reason: event_type.name for event_type in EVENT_TYPES for reason in event_type.reasons
}
"""The event type of a change of an article, by the reason of the change."""

TERM_EVENT_OF_KIND: Final = {
    event_type.kind: event_type.name
    for event_type in EVENT_TYPES
    if event_type.kind is not None and event_type.kind != "article"
}
"""The event type of a change of a term, by the kind of the term."""
