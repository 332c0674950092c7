"""Language tags (BCP 47)."""

import re
from typing import Final

MAX_TAG_LENGTH: Final = 35
"""Maximum length in characters: the size that every implementation must support (RFC 5646, section 4.4.1)."""

_TAG = re.compile(
    r"""
    (?P<language>[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})
    (?:-(?P<script>[a-z]{4}))?
    (?:-(?P<region>[a-z]{2}|[0-9]{3}))?
    (?P<rest>(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*
    (?:-[0-9a-wyz](?:-[a-z0-9]{2,8})+)*
    (?:-x(?:-[a-z0-9]{1,8})+)?)
    """,
    re.VERBOSE,
)


def canonicalize_tag(text: str) -> str | None:
    """Return a language tag in its canonical case.

    Args:
        text: A tag in any case. Well-formed is what the grammar `langtag` of RFC 5646, section 2.1, allows, up to 35
            characters; tags that name no language ("x-…", "i-…") are rejected.

    Returns:
        The tag, such as "it-IT" or "zh-Hant-TW"; None if it is malformed.
    """
    # The length is checked first, which bounds the cost of the pattern.
    if len(text) > MAX_TAG_LENGTH or not text.isascii():
        return None
    match = _TAG.fullmatch(text.lower())
    if match is None:
        return None
    tag = match["language"]
    if match["script"]:
        tag += f"-{match['script'].title()}"
    if match["region"]:
        tag += f"-{match['region'].upper()}"
    return tag + match["rest"]
