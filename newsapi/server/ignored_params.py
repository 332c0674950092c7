"""Query parameters that reads ignore: campaigns and scripts append them to URLs, and no response depends on them."""

from __future__ import annotations

import re
from typing import Final

_NAMES: Final = frozenset({"fbclid", "gclid", "_"})
_PREFIX: Final = "utm_"
_PAIRS: Final = re.compile(r"(?:^|&)(?:utm_[^=&]*|fbclid|gclid|_)(?:=[^&]*)?(?=&|$)")


def is_ignored(name: str) -> bool:
    """Return whether reads ignore the parameter with this name."""
    return name in _NAMES or name.startswith(_PREFIX)


def strip_ignored(query_string: str) -> str:
    """Return a raw query string without the ignored parameters, unless their names are percent-encoded."""
    return _PAIRS.sub("", query_string).removeprefix("&")
