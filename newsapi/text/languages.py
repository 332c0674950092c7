"""Names of languages: BCP 47 tags."""

import re
from typing import Final

LONGEST: Final = 35
"""RFC 5646, section 4.4.1: what every reader must be able to hold."""

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


def language_tag(text: str) -> str | None:
    """Answer a language tag in its canonical case ("it-IT", "zh-Hant-TW"), or None if it is malformed.

    Well-formed is what the grammar `langtag` of RFC 5646, section 2.1, allows, up to 35 characters; tags that name no
    language ("x-…", "i-…") are refused.
    """
    # The length comes first: whatever the pattern does, it does it on 35 characters.
    if len(text) > LONGEST or not text.isascii():
        return None
    found = _TAG.fullmatch(text.lower())
    if found is None:
        return None
    tag = found["language"]
    if found["script"]:
        tag += f"-{found['script'].title()}"
    if found["region"]:
        tag += f"-{found['region'].upper()}"
    return tag + found["rest"]
