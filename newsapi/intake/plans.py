"""Mapping files: what becomes of the categories of another system, and what is said where its files say nothing.

others = "tag"                      # what is not named below: tag, section or drop
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

from newsapi.intake.scrutiny import Unreadable
from newsapi.text.languages import language_tag
from newsapi.text.slugs import is_slug, slugify

_TARGET = re.compile(r"(brand|section|tag)(?::(.+))?|drop")
DEFAULTS: Final = ("language", "section", "author")


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of categories, by slug: the kind of term and its slug, or None for those that are dropped."""

    others: str = "tag"
    language: str | None = None
    section: str | None = None
    author: str | None = None
    categories: Mapping[str, tuple[str, str] | None] = field(default_factory=dict)


def parsed(raw: bytes) -> dict[str, Any]:
    """Read a mapping file, which is JSON or TOML. Raises Unreadable, which names the place that is wrong."""
    try:
        found = orjson.loads(raw) if raw.lstrip()[:1] == b"{" else tomllib.loads(raw.decode())
    except (ValueError, RecursionError) as error:  # what both raise, and decode() too
        raise Unreadable("", f"neither JSON nor TOML: {str(error)[:200]}") from error
    return document(found)


def document(found: object) -> dict[str, Any]:
    """Answer a mapping as it was written, after a look at all of it. Raises Unreadable."""
    whole = _table(found, "", ("others", "defaults", "categories"))
    if whole.get("others", "tag") not in {"tag", "section", "drop"}:
        raise Unreadable("/others", "must be one of tag, section, drop")
    defaults = _table(whole.get("defaults", {}), "/defaults", DEFAULTS)
    if "language" in defaults and (not isinstance(defaults["language"], str) or not language_tag(defaults["language"])):
        raise Unreadable("/defaults/language", "is not a language tag of BCP 47, such as it or en-GB")
    for name in ("section", "author"):
        if name in defaults and not (isinstance(defaults[name], str) and is_slug(defaults[name])):
            raise Unreadable(f"/defaults/{name}", "is not a slug")
    for name, target in _table(whole.get("categories", {}), "/categories").items():
        match = _TARGET.fullmatch(target) if isinstance(target, str) else None
        if match is None or (match[2] and not is_slug(match[2])):
            place = f"/categories/{name[:60].replace('~', '~0').replace('/', '~1')}"
            raise Unreadable(place, "must be drop, or brand, section or tag, behind a colon perhaps its slug")
    return whole


def plan(whole: Mapping[str, Any]) -> Plan:
    """Answer what a mapping says that was looked at."""
    targets = {}
    for name, target in whole.get("categories", {}).items():
        kind, _, slug = target.partition(":")
        targets[slugify(name)] = None if kind == "drop" else (kind, slug or slugify(name))
    return Plan(whole.get("others", "tag"), categories=targets, **whole.get("defaults", {}))


def _table(found: object, place: str, known: tuple[str, ...] | None = None) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise Unreadable(place, "must be a table of names and values")
    unknown = [name for name in found if known is not None and name not in known]
    if unknown:
        raise Unreadable(f"{place}/{unknown[0][:60]}", f"is not known here; {', '.join(known or ())} are")
    return found
