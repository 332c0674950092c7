"""An archive as import records, a JSON object a line: what imports back to equal content."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import orjson

TERM: Final = ("slug", "name", "parent", "aliases", "description", "logo", "email", "bio", "avatar")
ARTICLE: Final = (
    *("slug", "headline", "standfirst", "body_html", "language", "format", "image", "media", "status", "published_at"),
    *("published_precision", "updated_at", "materially_updated_at", "source", "canonical_url", "rights", "seo"),
    *("corrections", "picks", "translation_group"),
)


def term(kind: str, values: Mapping[str, Any]) -> bytes:
    """Write a brand, section, tag or author as a line; of its values those that an import takes."""
    return _line({"type": kind, **{name: values[name] for name in TERM if name in values}})


def article(id_: UUID, values: Mapping[str, Any], names: Mapping[str, Any], former_slugs: Iterable[str]) -> bytes:
    """Write an article as a line. `names` are the slugs of all that it refers to."""
    record = {"type": "article", "id": id_, **{name: values[name] for name in ARTICLE}, **names}
    if values["bans"]:
        record["bans"] = values["bans"]
    return _line({**record, "previous_slugs": sorted(former_slugs)})


def _line(record: Mapping[str, Any]) -> bytes:
    written = {name: value.astimezone(UTC) if isinstance(value, datetime) else value for name, value in record.items()}
    return orjson.dumps(written, option=orjson.OPT_UTC_Z) + b"\n"
