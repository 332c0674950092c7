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
from typing import Any, Final

import orjson

from newsapi.text.languages import canonicalize_tag
from newsapi.text.slugs import is_slug, slugify
from newsapi.text.strict_json import InvalidJson

_TARGET = re.compile(r"(brand|section|tag)(?::(.+))?|drop")
DEFAULTS: Final = ("language", "section", "author")


@dataclass(frozen=True, slots=True)
class CategoryMapping:
    """A mapping of categories by slug to the kind and slug of a term, or to None if they are dropped; and defaults."""

    others: str = "tag"
    language: str | None = None
    section: str | None = None
    author: str | None = None
    categories: Mapping[str, tuple[str, str] | None] = field(default_factory=dict)


def parse_mapping(raw: bytes) -> dict[str, Any]:
    """Return the document of a mapping file in JSON or TOML after validation; raise InvalidJson for any problem."""
    try:
        value = orjson.loads(raw) if raw.lstrip()[:1] == b"{" else tomllib.loads(raw.decode())
    except (ValueError, RecursionError) as error:  # raised by both parsers, and by decode()
        raise InvalidJson("", f"neither JSON nor TOML: {str(error)[:200]}") from error
    return validate_mapping(value)


def validate_mapping(value: object) -> dict[str, Any]:
    """Validate a parsed mapping document and return it; raise InvalidJson for the first problem."""
    mapping_document = _table(value, "", ("others", "defaults", "categories"))
    if mapping_document.get("others", "tag") not in {"tag", "section", "drop"}:
        raise InvalidJson("/others", "must be one of tag, section, drop")
    _check_defaults(mapping_document.get("defaults", {}))
    for name, target in _table(mapping_document.get("categories", {}), "/categories").items():
        match = _TARGET.fullmatch(target) if isinstance(target, str) else None
        if match is None or (match[2] and not is_slug(match[2])):
            pointer = f"/categories/{name[:60].replace('~', '~0').replace('/', '~1')}"
            raise InvalidJson(pointer, "must be drop, brand, section or tag; the last three may be followed by :slug")
    return mapping_document


def _check_defaults(value: object) -> None:
    defaults = _table(value, "/defaults", DEFAULTS)
    if "language" in defaults and (
        not isinstance(defaults["language"], str) or not canonicalize_tag(defaults["language"])
    ):
        raise InvalidJson("/defaults/language", "is not a BCP 47 language tag, such as it or en-GB")
    for name in ("section", "author"):
        if name in defaults and not (isinstance(defaults[name], str) and is_slug(defaults[name])):
            raise InvalidJson(f"/defaults/{name}", "is not a slug")


def build_mapping(mapping_document: Mapping[str, Any]) -> CategoryMapping:
    """Return the mapping of a validated document."""
    targets = {}
    for name, target in mapping_document.get("categories", {}).items():
        kind, _, slug = target.partition(":")
        targets[slugify(name)] = None if kind == "drop" else (kind, slug or slugify(name))
    return CategoryMapping(
        mapping_document.get("others", "tag"), categories=targets, **mapping_document.get("defaults", {})
    )


def _table(value: object, pointer: str, allowed_names: tuple[str, ...] | None = None) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidJson(pointer, "must be a table of names and values")
    unknown = [name for name in value if allowed_names is not None and name not in allowed_names]
    if unknown:
        message = f"is unknown; allowed names are {', '.join(allowed_names or ())}"
        raise InvalidJson(f"{pointer}/{unknown[0][:60]}", message)
    return value
