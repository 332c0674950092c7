"""The registry of webhook event types, from which the schemas, the planning of deliveries and the documentation derive.

To add an event type, add it to `EVENT_TYPES` and to the table of `docs/reference/events.md`, which a test compares.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class EventType(NamedTuple):
    """An event type.

    Attributes:
        name: The value of `type` in the event.
        trigger: When the event is sent, as a clause: "a public article changes".
        kind: The kind of the changes that are this event; None if the event does not come from a single change.
        reasons: For articles, the reasons of these changes.
    """

    name: str
    trigger: str
    kind: str | None = None
    reasons: tuple[str, ...] = ()


ARTICLE_PUBLISHED: Final = "article.published"
ARTICLE_OUT_OF_SCOPE: Final = "article.out_of_scope"
CACHE_INVALIDATED: Final = "cache.invalidated"
IMPORT_FINISHED: Final = "import.finished"
PING: Final = "webhook.ping"

_TERM_CHANGED: Final = "the term is created, changed, renamed, merged or deleted"

EVENT_TYPES: Final = (
    EventType(ARTICLE_PUBLISHED, "an article becomes public, or enters the filter", "article", ("published",)),
    EventType("article.updated", "a public article changes", "article", ("updated",)),
    EventType("article.corrected", "a public article is corrected", "article", ("corrected",)),
    EventType("article.unpublished", "a public article goes back to draft", "article", ("unpublished",)),
    EventType(
        "article.withdrawn", "a public article is withdrawn, or its rights end", "article", ("withdrawn", "rights")
    ),
    EventType(
        ARTICLE_OUT_OF_SCOPE,
        "a public article leaves the filter of the webhook or the entitlements of the key",
        "article",
    ),
    EventType("brand.updated", _TERM_CHANGED, "brand"),
    EventType("section.updated", _TERM_CHANGED, "section"),
    EventType("author.updated", _TERM_CHANGED, "author"),
    EventType("tag.updated", _TERM_CHANGED, "tag"),
    EventType(CACHE_INVALIDATED, "cached responses became outdated"),
    EventType(IMPORT_FINISHED, "an import over HTTP ended"),
    EventType(PING, "a ping was requested"),
)
"""All event types."""

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
