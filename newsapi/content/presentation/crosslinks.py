"""References of full articles to other articles: internal links in the body, and translations."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from newsapi.cache import dependencies as cache_dependencies
from newsapi.content.article_types import ArticleRow
from newsapi.content.context import app_context
from newsapi.content.queries import articles as article_queries
from newsapi.content.queries import translations
from newsapi.db.database import Connection
from newsapi.db.types import latest_time


class CrosslinkResult(NamedTuple):
    """Dependencies of records on the articles they refer to, and when one of these articles last changed."""

    dependencies: frozenset[cache_dependencies.Dependency] = frozenset()
    changed_at: datetime | None = None


def add_crosslinks(connection: Connection, records: list[ArticleRow]) -> CrosslinkResult:
    """Add article ids to the internal links of bodies, and `translations` to records; only of public articles.

    Args:
        connection: A read transaction.
        records: Article records, changed in place; `body_html` and `translation_group` may be missing.

    Returns:
        The dependencies of the records on other articles.
    """
    links, others = _own_links(connection, records), _translations(connection, records)
    return CrosslinkResult(links.dependencies | others.dependencies, latest_time({links.changed_at, others.changed_at}))


def _own_links(connection: Connection, records: list[ArticleRow]) -> CrosslinkResult:
    links = app_context().presentation.own_links
    bodies = [record for record in records if "body_html" in record]
    names = {name for record in bodies for name in links.targets(record["body_html"] or "")}
    if not names:
        return CrosslinkResult()
    ids, changed_at = article_queries.resolve_names(connection, names)
    for record in bodies:
        record["body_html"] = links.annotate(record["body_html"] or "", ids)
    return CrosslinkResult(
        frozenset(
            {*map(cache_dependencies.named_article, names), *map(cache_dependencies.article_dependency, ids.values())}
        ),
        changed_at,
    )


def _translations(connection: Connection, records: list[ArticleRow]) -> CrosslinkResult:
    groups = sorted({group for record in records if (group := record.get("translation_group"))})
    translation_set = translations.list_for_groups(connection, groups) if groups else translations.NONE
    for record in records:
        if "translation_group" in record:
            members = translation_set.records.get(record["translation_group"] or "", ())
            record["translations"] = [member for member in members if member["id"] != record["id"]]
    all_members = [member for members in translation_set.records.values() for member in members]
    return CrosslinkResult(
        translation_set.facets | {*cache_dependencies.name_dependencies(all_members)}, translation_set.changed_at
    )
