"""Slugs: the readable part of an article's URL."""

import re
from typing import Final

from slugify import slugify as _transliterated

from newsapi.text.characters import strip_invisible

MAX_SLUG_LENGTH: Final = 200
"""Maximum length of a slug in characters."""

SLUG_PATTERN: Final = re.compile(r"[a-z0-9]++(?:-[a-z0-9]++)*+", re.ASCII)
"""The syntax of a slug. Use it with `fullmatch`: `match` with "$" would accept a trailing line feed."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# The library would delete these characters: "dell’auto" would become "dellauto", and "1,6 litri" "16-litri".
_SEPARATOR: Final = str.maketrans(dict.fromkeys("'’‘ʼ′´`,", " "))
_FALLBACK: Final = "articolo"


def slugify(headline: str) -> str:
    """Return the slug of a headline.

    Args:
        headline: Plain text in any script; other scripts are transliterated.

    Returns:
        Lower-case ASCII words joined by hyphens, at most 200 characters, cut at a word boundary. "articolo" if the
        headline has no letters and digits; that word is put before a slug that would be a UUID.
    """
    # Truncated before the transliteration, which is slow: one character may become several or none.
    separated = strip_invisible(headline)[: 4 * MAX_SLUG_LENGTH].translate(_SEPARATOR)
    slug = _transliterated(separated, entities=False, decimal=False, hexadecimal=False)
    slug = _cut(slug) or _FALLBACK
    return f"{_FALLBACK}-{slug}" if is_uuid(slug) else slug


def is_slug(text: str) -> bool:
    """Return whether a text has the syntax of a slug, at most 200 characters, and is not a UUID."""
    return len(text) <= MAX_SLUG_LENGTH and SLUG_PATTERN.fullmatch(text) is not None and not is_uuid(text)


def is_uuid(text: str) -> bool:
    """Return whether a text is a UUID in its canonical form (RFC 9562, section 4), in either case."""
    return _UUID.fullmatch(text) is not None


def _cut(slug: str) -> str:
    if len(slug) <= MAX_SLUG_LENGTH:
        return slug
    boundary = slug.rfind("-", 0, MAX_SLUG_LENGTH + 1)
    return slug[:boundary] if boundary > 0 else slug[:MAX_SLUG_LENGTH]
