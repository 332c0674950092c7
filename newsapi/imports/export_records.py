"""The archive as import records, one JSON object a line. Importing them restores equal content."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import orjson

from newsapi.content.queries.snapshots import ArticleSnapshot

TERM: Final = (
    *("slug", "name", "parent", "aliases", "position", "description", "logo"),
    *("email", "job_title", "same_as", "bio", "avatar"),
)
ARTICLE: Final = (
    "slug",
    "headline",
    "standfirst",
    "body_html",
    "language",
    "format",
    "image",
    "media",
    "status",
    "published_at",
    "published_precision",
    "updated_at",
    "materially_updated_at",
    "source",
    "canonical_url",
    "rights",
    "seo",
    "corrections",
    "picks",
    "translation_group",
)


def term(kind: str, values: Mapping[str, object]) -> bytes:
    """Return a brand, section, tag or author as a line with the values that an import accepts."""
    return _line({"type": kind, **{name: values[name] for name in TERM if name in values}})


def article(snapshot: ArticleSnapshot) -> bytes:
    """Return an article as a line."""
    values = snapshot.values
    record = {"type": "article", "id": snapshot.id, **{name: values[name] for name in ARTICLE}}
    record |= snapshot.names or {}
    record |= {"bans": values["bans"]} if values["bans"] else {}
    record |= {"source_id": snapshot.source_id} if snapshot.source_id else {}
    return _line({**record, "previous_slugs": sorted(snapshot.former_slugs)})


def _line(record: Mapping[str, object]) -> bytes:
    in_utc = {name: value.astimezone(UTC) if isinstance(value, datetime) else value for name, value in record.items()}
    return orjson.dumps(in_utc, option=orjson.OPT_UTC_Z) + b"\n"
