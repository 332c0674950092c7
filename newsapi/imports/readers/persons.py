"""Names of persons in files of other systems, without their email addresses and logins."""

from __future__ import annotations

import re
from typing import Final

from newsapi.imports.readers.terms import html_to_line

_ADDRESS: Final = re.compile(r"(?:mailto:)?[^\s<>()\[\],;:\"]{1,100}@[^\s<>()\[\],;:\"]{1,250}", re.IGNORECASE)
_BRACKETS: Final = re.compile(r"[<>()\[\]]+")
_SEPARATORS: Final = " \t\n,;:|/-–—\"'"
_PLACEHOLDER_NAMES: Final = frozenset({"unknown", "noreply", "no reply", "anonymous", "nobody", "none", "null"})
"""Author names, in lower case, that feeds write when an article has no author."""


def person_name(text: str | None) -> str | None:
    """Return the name of a person without an email address.

    Args:
        text: A name, an email address or both, in any order and notation, such as `mail@host (Name)`; may be HTML.

    Returns:
        The name in one line; None if the text has only an address, or nothing.
    """
    if not text:
        return None
    if "@" in text or "&" in text:
        unescaped = text.replace("&lt;", "<").replace("&gt;", ">").replace("&#64;", "@").replace("&commat;", "@")
        if "@" in unescaped:
            text = _BRACKETS.sub(" ", _ADDRESS.sub(" ", unescaped))
    name = html_to_line(text)
    name = name.strip(_SEPARATORS) if name else ""
    if not name or "@" in name or name.lower() in _PLACEHOLDER_NAMES:
        return None
    return " ".join(name.split())
