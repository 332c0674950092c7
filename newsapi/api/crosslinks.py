"""What a full article says of other articles: ids in the links of its body, and its translations."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from newsapi.api.parts import parts
from newsapi.cache import tags
from newsapi.model.base import latest
from newsapi.store import articles, translations
from newsapi.store.articles import Record
from newsapi.store.database import Connection


class Linked(NamedTuple):
    """What records hang on beside themselves: words of articles they lead to, and when one of these last changed."""

    words: frozenset[tags.Word] = frozenset()
    changed_at: datetime | None = None


def link(connection: Connection, records: list[Record]) -> Linked:
    """Put into records that were read in full what they say of other articles that readers see."""
    found = (_own_links(connection, records), _translations(connection, records))
    return Linked(frozenset().union(*(one.words for one in found)), latest({one.changed_at for one in found}))


def _own_links(connection: Connection, records: list[Record]) -> Linked:
    links = parts().presentation.own_links
    bodies = [record for record in records if "body_html" in record]
    names = {name for record in bodies for name in links.names(record["body_html"])}
    if not names:
        return Linked()
    ids, changed_at = articles.named(connection, names)
    for record in bodies:
        record["body_html"] = links.marked(record["body_html"], ids)
    return Linked(frozenset({*map(tags.named_article, names), *map(tags.article, ids.values())}), changed_at)


def _translations(connection: Connection, records: list[Record]) -> Linked:
    groups = sorted({group for record in records if (group := record.get("translation_group"))})
    found = translations.of_groups(connection, groups) if groups else translations.NONE
    for record in records:
        if "translation_group" in record:
            others = found.records.get(record["translation_group"], ())
            record["translations"] = [other for other in others if other["id"] != record["id"]]
    shown = [other for others in found.records.values() for other in others]
    return Linked(found.facets | {*tags.names(shown)}, found.changed_at)
