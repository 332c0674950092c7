"""The import formats. The request parameter `format`, accepted media types and the command line follow from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from newsapi.imports import mapping
from newsapi.imports.formats import NDJSON, ConvertedFormat, RecordFormat
from newsapi.imports.mapping import CategoryMapping, MappingDocument
from newsapi.imports.readers.feeds import rss
from newsapi.imports.readers.wordpress import wxr


@dataclass(frozen=True, slots=True)
class ImportFormat:
    """A format of import files.

    Attributes:
        name: Value of `format` in requests and of `--format`.
        title: Name of the format, for the documentation.
        media_types: Accepted media types of an upload; errors name the first.
        create: Returns the reader of a file with this mapping of categories; the zone applies to times without an
            offset.
    """

    name: str
    title: str
    media_types: tuple[str, ...]
    create: Callable[[CategoryMapping, ZoneInfo], RecordFormat]


_XML_MEDIA_TYPES = ("application/xml", "text/xml", "application/rss+xml", "application/atom+xml")


def _create_wxr(category_mapping: CategoryMapping, zone: ZoneInfo) -> RecordFormat:
    return ConvertedFormat(partial(wxr.read_records, mapping=category_mapping, zone=zone))


def _create_rss(category_mapping: CategoryMapping, _zone: ZoneInfo) -> RecordFormat:
    return ConvertedFormat(partial(rss.read_records, mapping=category_mapping), repeated_items="latest")


IMPORT_FORMATS: Final = (
    ImportFormat(
        "ndjson",
        "NDJSON",
        ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/json"),
        lambda _mapping, _zone: NDJSON,
    ),
    ImportFormat("wxr", "WordPress export (WXR)", _XML_MEDIA_TYPES, _create_wxr),
    ImportFormat("rss", "RSS or Atom", _XML_MEDIA_TYPES, _create_rss),
)

DEFAULT_FORMAT: Final = IMPORT_FORMATS[0]

FORMATS_BY_NAME: Final = {import_format.name: import_format for import_format in IMPORT_FORMATS}


def get_format(name: str, mapping_document: MappingDocument | None, zone: ZoneInfo) -> RecordFormat:
    """Return the reader of a format. A validated mapping document applies to categories, the zone to local times."""
    return FORMATS_BY_NAME[name].create(mapping.build_mapping(mapping_document or {}), zone)
