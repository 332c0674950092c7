"""Former slugs: the last segments of old addresses, in the form in which they were linked.

Other systems allow letters of any script, underscores and suffixes in the addresses of articles. Such a segment is no
slug of this API, but requests for it are redirected to the article.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final
from urllib.parse import unquote

from newsapi.text.slugs import MAX_SLUG_LENGTH, is_uuid

_FORBIDDEN: Final = re.compile(r"[\x00-\x20\x7f-\xa0/\\?#\ud800-\udfff\ufffd\ufffe\uffff]")


def normalize_former_slug(text: str) -> str | None:
    """Return the form in which a former slug is stored and looked up.

    Args:
        text: A segment of a path, percent-encoded or decoded.

    Returns:
        The decoded segment in lower case and NFC. None if it cannot be a former slug: it is empty, longer than 200
        characters, in the form of a UUID, `.` or `..`, or has white space, a slash or a control character.
    """
    decoded = unquote(text) if "%" in text else text
    slug = unicodedata.normalize("NFC", decoded.lower())
    if not slug or len(slug) > MAX_SLUG_LENGTH or slug in {".", ".."} or is_uuid(slug) or _FORBIDDEN.search(slug):
        return None
    return slug
