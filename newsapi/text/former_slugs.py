"""Former slugs: the last segments of old addresses, in the form in which they were linked.

Other systems allow letters of any script, underscores and suffixes in the addresses of articles. Such a segment is no
slug of this API, but a request for it is redirected to the article. It is stored percent-encoded, so that it can stand
in a URL and in a header.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import quote, unquote

from newsapi.text.slugs import MAX_SLUG_LENGTH, is_slug, is_uuid

MAX_ENCODED_LENGTH: Final = 1_000
"""Maximum length of a former slug, percent-encoded."""

_FORBIDDEN: Final = re.compile(r"[\x00-\x20\x7f-\xa0/\\?#\ud800-\udfff\ufffd\ufffe\uffff]")


def normalize_former_slug(text: str) -> str | None:
    """Return the form in which a former slug is stored and looked up.

    Args:
        text: A segment of a path, percent-encoded or decoded.

    Returns:
        The segment in lower case and NFC, percent-encoded where it is not ASCII. None if it cannot be a former slug: it
        is empty, longer than 200 characters, in the form of a UUID, `.` or `..`, or has white space, a slash or a
        control character.
    """
    decoded = unquote(text) if "%" in text else text
    slug = unicodedata.normalize("NFC", decoded.lower())
    if not slug or len(slug) > MAX_SLUG_LENGTH or slug in {".", ".."} or is_uuid(slug) or _FORBIDDEN.search(slug):
        return None
    encoded = quote(slug, safe="")
    return encoded if len(encoded) <= MAX_ENCODED_LENGTH else None


def parse_article_slug(text: str) -> str:
    """Return the slug or former slug that a segment of a path names, or "" if it can be neither.

    A slug in upper case is neither: it would be a second address of the article.
    """
    if is_slug(text):
        return text
    former = normalize_former_slug(text)
    return former if former is not None and not is_slug(former) else ""
