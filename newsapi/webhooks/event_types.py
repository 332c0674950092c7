"""The registry of webhook event types, from which the schemas, the planning of deliveries and the documentation derive.

To add an event type, add it to `EVENT_TYPES` and to the table of `docs/reference/events.md`, which a test compares.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class EventType(NamedTuple):
    """An event type.

    Attributes:
        name: The value of `type` in the event.
        sent_when: When the event is sent, for the OpenAPI document.
        kind: The kind of the changes that are this event; None if the event does not come from a single change.
        reasons: For articles, the reasons of these changes.
    """

    name: str
    sent_when: str
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
    EventType(ARTICLE_PUBLISHED, "An article becomes public, or enters the filter", "article", ("published",)),
    EventType("article.updated", "A public article changes", "article", ("updated",)),
    EventType("article.corrected", "A public article is corrected", "article", ("corrected",)),
    EventType(ARTICLE_UNPUBLISHED, "A public article goes back to draft", "article", ("unpublished",)),
    EventType(
        ARTICLE_WITHDRAWN, "A public article is withdrawn, or its rights end", "article", ("withdrawn", "rights")
    ),
    EventType(
        ARTICLE_OUT_OF_SCOPE,
        "A public article leaves the filter of the webhook or the entitlements of the key",
        "article",
    ),
    *(
        EventType(f"{kind}.updated", f"The {kind} is created, changed, renamed, merged or deleted", kind)
        for kind in ("brand", "section", "author", "tag")
    ),
    EventType(CACHE_INVALIDATED, "Cached responses became outdated"),
    EventType(IMPORT_FINISHED, "An import over HTTP ended"),
    EventType(PING, "A ping was requested"),
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
