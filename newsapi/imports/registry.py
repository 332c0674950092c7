"""The import formats by name: ndjson, wxr, rss."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from newsapi.imports import mapping, rss, wxr
from newsapi.imports.formats import NDJSON, ConvertedFormat, RecordFormat


def get_format(name: str, mapping_document: Mapping[str, Any] | None, zone: ZoneInfo) -> RecordFormat:
    """Return a format. A validated mapping document applies to categories, the zone to times without an offset."""
    if name == "ndjson":
        return NDJSON
    category_mapping = mapping.build_mapping(mapping_document or {})
    if name == "wxr":
        return ConvertedFormat(partial(wxr.read_records, mapping=category_mapping, zone=zone))
    return ConvertedFormat(partial(rss.read_records, mapping=category_mapping))
