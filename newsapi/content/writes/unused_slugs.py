"""Slugs that no article has or had."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from typing import Final

from sqlalchemy.orm import Session

from newsapi.content.queries import snapshots
from newsapi.errors import ResourceInUse
from newsapi.text.slugs import MAX_SLUG_LENGTH

MAX_SLUG_ATTEMPTS: Final = 200
"""Numbered slugs that are looked up in one query."""

_NUMBER: Final = re.compile(r"-\d{1,4}")


def find_unused_slug(session: Session, slug: str, *, reserved: AbstractSet[object] = frozenset()) -> str:
    """Return the slug if no article has or had it, else the first unused one with a number appended.

    Args:
        session: The session of the write.
        slug: The slug.
        reserved: Further slugs that may not be used.

    Returns:
        A slug that is not used.

    Raises:
        ResourceInUse: The slug is used with all numbers up to 10,000.
    """
    short = _without_end(slug)
    for start in range(2, 10_000, MAX_SLUG_ATTEMPTS):
        candidates = [slug, *(f"{short}-{number}" for number in range(start, start + MAX_SLUG_ATTEMPTS))]
        taken = snapshots.used_slugs(session, candidates)
        for candidate in candidates:
            if candidate not in taken and candidate not in reserved:
                return candidate
    raise ResourceInUse(f"Too many articles have the slug {slug} with a number; send another slug.")


def is_numbered(slug: str, base: str) -> bool:
    """Return whether a slug is another one with a number appended, as `find_unused_slug` returns it."""
    short = _without_end(base)
    return slug.startswith(short) and _NUMBER.fullmatch(slug, len(short)) is not None


def _without_end(slug: str) -> str:
    """Return the slug, cut so that a number fits behind it."""
    return slug[: MAX_SLUG_LENGTH - 5].rstrip("-")
