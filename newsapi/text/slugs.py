"""Slugs: the part of an address that a reader can read."""

import re
from typing import Final

from slugify import slugify as _transliterated

LONGEST: Final = 200
"""The most characters a slug may have."""

SLUG: Final = re.compile(r"[a-z0-9]++(?:-[a-z0-9]++)*+", re.ASCII)
"""The shape of a slug. To be used with `fullmatch`: `match` with "$" would let a line feed at the end pass."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# Left to the library, these would go without a trace: "dell’auto" would be "dellauto", and "1,6 litri" "16-litri".
_APART: Final = str.maketrans(dict.fromkeys("'’‘ʼ′´`,", " "))
_FALLBACK: Final = "articolo"


def slugify(headline: str) -> str:
    """Make a slug of a headline.

    Out: lower-case words in ASCII joined by hyphens, at most 200 characters, cut at the border of a word; other scripts
    are transliterated. A headline without letters and digits gives "articolo"; a UUID is put behind that word.
    """
    # Not more than can be used: one character may become several or none, and transliteration is not cheap.
    apart = headline[: 4 * LONGEST].translate(_APART)
    slug = _transliterated(apart, entities=False, decimal=False, hexadecimal=False)
    slug = _cut(slug) or _FALLBACK
    return f"{_FALLBACK}-{slug}" if is_uuid(slug) else slug


def is_slug(text: str) -> bool:
    """Tell whether a text is a slug: its shape, at most 200 characters, and not a UUID."""
    return len(text) <= LONGEST and SLUG.fullmatch(text) is not None and not is_uuid(text)


def is_uuid(text: str) -> bool:
    """Tell whether a text is a UUID in its canonical form (RFC 9562, section 4), in either case."""
    return _UUID.fullmatch(text) is not None


def _cut(slug: str) -> str:
    if len(slug) <= LONGEST:
        return slug
    border = slug.rfind("-", 0, LONGEST + 1)
    return slug[:border] if border > 0 else slug[:LONGEST]
