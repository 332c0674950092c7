"""Mapping files: how an import maps the categories of another system, and defaults for values its files lack.

others = "tag"                      # categories not named below: tag, section or drop
[defaults]
language = "it"
section = "attualita"
author = "redazione"
[categories]
land-rover = "brand"                # the brand land-rover
"Primo contatto" = "section:prove"
varie = "drop"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypedDict

import orjson

from newsapi.text.languages import canonicalize_tag
from newsapi.text.slugs import is_slug, slugify
from newsapi.text.strict_json import InvalidJson

_TARGET = re.compile(r"(brand|section|tag)(?::(.+))?|drop")
DEFAULTS: Final = ("language", "section", "author")


class MappingDocument(TypedDict, total=False):
    """A mapping file after validation."""

    others: str
    defaults: dict[str, str]
    categories: dict[str, str]


@dataclass(frozen=True, slots=True)
class CategoryMapping:
    """A mapping of categories by slug to the kind and slug of a term, or to None if they are dropped; and defaults."""

    others: str = "tag"
    language: str | None = None
    section: str | None = None
    author: str | None = None
    categories: Mapping[str, tuple[str, str] | None] = field(default_factory=dict)


def parse_mapping(raw: bytes) -> MappingDocument:
    """Return the document of a mapping file in JSON or TOML after validation; raise InvalidJson for any problem."""
    try:
        value = orjson.loads(raw) if raw.lstrip()[:1] == b"{" else tomllib.loads(raw.decode())
    except (ValueError, RecursionError) as error:  # raised by both parsers, and by decode()
        raise InvalidJson("", f"neither JSON nor TOML: {str(error)[:200]}") from error
    return validate_mapping(value)


def validate_mapping(value: object) -> MappingDocument:
    """Validate a parsed mapping document and return it; raise InvalidJson for the first problem."""
    members = _table(value, "", ("others", "defaults", "categories"))
    document: MappingDocument = {}
    if "others" in members:
        document["others"] = _validate_others(members["others"])
    if "defaults" in members:
        document["defaults"] = _validate_defaults(members["defaults"])
    if "categories" in members:
        document["categories"] = _validate_categories(members["categories"])
    return document


def _validate_others(value: object) -> str:
    if not isinstance(value, str) or value not in {"tag", "section", "drop"}:
        raise InvalidJson("/others", "must be one of tag, section, drop")
    return value


def _validate_defaults(value: object) -> dict[str, str]:
    defaults: dict[str, str] = {}
    for name, text in _table(value, "/defaults", DEFAULTS).items():
        is_language = name == "language"
        if not isinstance(text, str) or not (canonicalize_tag(text) if is_language else is_slug(text)):
            message = "is not a BCP 47 language tag, such as it or en-GB" if is_language else "is not a slug"
            raise InvalidJson(f"/defaults/{name}", message)
        defaults[name] = text
    return defaults


def _validate_categories(value: object) -> dict[str, str]:
    targets: dict[str, str] = {}
    for name, target in _table(value, "/categories").items():
        match = _TARGET.fullmatch(target) if isinstance(target, str) else None
        if match is None or (match[2] and not is_slug(match[2])):
            pointer = f"/categories/{name[:60].replace('~', '~0').replace('/', '~1')}"
            raise InvalidJson(pointer, "must be drop, brand, section or tag; the last three may be followed by :slug")
        targets[name] = match[0]
    return targets


def build_mapping(document: MappingDocument) -> CategoryMapping:
    """Return the mapping of a validated document."""
    categories: dict[str, tuple[str, str] | None] = {}
    for name, target in document.get("categories", {}).items():
        kind, _, slug = target.partition(":")
        categories[slugify(name)] = None if kind == "drop" else (kind, slug or slugify(name))
    return CategoryMapping(document.get("others", "tag"), categories=categories, **document.get("defaults", {}))


def _table(value: object, pointer: str, allowed_names: tuple[str, ...] | None = None) -> dict[str, object]:
    if not isinstance(value, dict):
        raise InvalidJson(pointer, "must be a table of names and values")
    unknown = [name for name in value if allowed_names is not None and name not in allowed_names]
    if unknown:
        message = f"is unknown; allowed names are {', '.join(allowed_names or ())}"
        raise InvalidJson(f"{pointer}/{unknown[0][:60]}", message)
    return value
