"""Addresses in texts whose source is unknown."""

from __future__ import annotations

import re
from typing import Final

_RELATIVE: Final = re.compile(
    r"""\s(?:src|href|poster|data-src|srcset)\s*=\s*(?:"(?!\s*(?:[a-z][a-z0-9+.-]*:|//|\#))[^"]*+"|
        '(?!\s*(?:[a-z][a-z0-9+.-]*:|//|\#))[^']*+')""",
    re.IGNORECASE | re.VERBOSE,
)


def drop_relative_addresses(html: str) -> tuple[str, int]:
    """Remove relative addresses from the attributes of an HTML text.

    Without an address that they belong to, they would be resolved against this API.

    Args:
        html: The text.

    Returns:
        The text and the number of addresses that were removed.
    """
    return _RELATIVE.subn("", html)
