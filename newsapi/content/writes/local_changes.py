"""Local changes: the fields of an imported article that editors changed here, which later imports leave as they are.

An article that was imported has, for each field that was changed since, the hash of the value of the last import. A
field whose value is equal to the imported one again is no longer a local change. So the names of the local changes are
exactly the fields in which the article differs from the record that it was last imported from.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final, TypeAlias
from uuid import UUID

import orjson

from newsapi.content.queries.snapshots import DETAIL, SUMMARY, ArticleSnapshot
from newsapi.content.writes.drafts import LISTS

LocalChanges: TypeAlias = Mapping[str, str]
"""The changed fields, each with the hash of the value that the last import had for it."""

TERM_FIELDS: Final = ("brand", "section")
_DEPENDENT_COLUMNS: Final = {
    "body_html": ("word_count",),
    "published_at": ("published_precision",),
    "brand": ("brand_id",),
    "section": ("section_id",),
}
"""The columns that are kept or replaced together with a field; terms are stored in these columns alone."""
_DERIVED: Final = frozenset(name for names in _DEPENDENT_COLUMNS.values() for name in names)
FIELDS: Final = (*(name for name in (*SUMMARY, *DETAIL) if name not in _DERIVED), *TERM_FIELDS, *LISTS)
"""The fields of an article that editors may change."""

_ALWAYS_GIVEN: Final = frozenset((*TERM_FIELDS, *LISTS))
"""The fields that are links to terms; of the others, a record may lack some."""

_UNKNOWN_HASH: Final = ""
"""Stands for an imported value that nothing is equal to."""


def record_edit(before: ArticleSnapshot, after: ArticleSnapshot) -> LocalChanges | None:
    """Return the local changes of an imported article after an edit.

    Args:
        before: The article before the edit.
        after: The article after it.

    Returns:
        The local changes; None if there are none, or if the article was never imported.
    """
    if before.import_digest is None:
        return None
    changes = dict(before.local_changes or {})
    for field in find_differences(before, after):
        if field not in changes:
            changes[field] = _hash(_value(field, before.values, before.links))
        elif changes[field] == _hash(_value(field, after.values, after.links)):
            del changes[field]
    return changes or None


def keep_local_changes(
    values: dict[str, object], links: dict[str, list[UUID]], before: ArticleSnapshot, now: datetime
) -> LocalChanges | None:
    """Put the locally changed values in place of those of an import.

    A draft that editors have worked on keeps its status, so that no import publishes it.

    Args:
        values: The imported values; changed in place. A field that is missing is not changed by the import.
        links: The imported links to terms; changed in place.
        before: The stored article.
        now: The time of the write.

    Returns:
        The local changes after the import: the fields that were kept, as their values differ.
    """
    changes = dict(before.local_changes or {})
    if changes and before.values["status"] == "draft":
        changes.setdefault("status", _UNKNOWN_HASH)
    for field in tuple(changes):
        if field in _ALWAYS_GIVEN or field in values:
            _keep(field, changes, values, links, before)
    if changes and not _is_valid_time(values, now):  # one of the two was kept, and the other does not fit it
        _keep("published_at" if "status" in changes else "status", changes, values, links, before)
    return changes or None


def find_differences(before: ArticleSnapshot, after: ArticleSnapshot) -> tuple[str, ...]:
    """Return the names of the fields in which two states of an article differ."""
    return tuple(
        field
        for field in FIELDS
        if _value(field, before.values, before.links) != _value(field, after.values, after.links)
    )


def _keep(
    field: str,
    changes: dict[str, str],
    values: dict[str, object],
    links: dict[str, list[UUID]],
    before: ArticleSnapshot,
) -> None:
    """Keep the stored value of a field, unless the imported one is equal to it."""
    imported, stored = _value(field, values, links), _value(field, before.values, before.links)
    if imported == stored:
        changes.pop(field, None)
        return
    changes[field] = _hash(imported)
    if field in LISTS:
        links[field] = list(before.links[field])
        return
    columns = _DEPENDENT_COLUMNS.get(field, ())
    for column in columns if field in TERM_FIELDS else (field, *columns):
        values[column] = before.values[column]


def _is_valid_time(values: Mapping[str, object], now: datetime) -> bool:
    """Return whether the time of publication fits the status."""
    status, published_at = values["status"], values["published_at"]
    if status not in {"published", "scheduled"}:
        return True
    return isinstance(published_at, datetime) and (published_at <= now) == (status == "published")


def _value(field: str, values: Mapping[str, object], links: Mapping[str, list[UUID]]) -> object:
    if field in LISTS:
        return links[field]
    if field == "bans":
        return values[field] or []  # null and an empty list mean the same
    return values[f"{field}_id"] if field in TERM_FIELDS else values[field]


def _hash(value: object) -> str:
    if isinstance(value, datetime):
        value = value.astimezone(UTC)
    return blake2b(orjson.dumps(value, option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()
