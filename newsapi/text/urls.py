"""URLs in an article body: which are allowed, and their absolute form.

Browsers accept URLs far more loosely than RFC 3986 specifies. Nothing is repaired here: a value that is not plainly a
URL of an allowed scheme is rejected.
"""

import re
from collections.abc import Container
from typing import Final
from urllib.parse import urljoin

LINK_SCHEMES: Final = frozenset({"http", "https", "mailto", "tel"})
IMAGE_SCHEMES: Final = frozenset({"http", "https"})
EMBED_SCHEMES: Final = frozenset({"https"})

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
_COLON_FIRST = re.compile(r"[^/\\?#:]*+:")
# User names and backslashes are excluded: both are used to show one host and lead to another.
_WEB = re.compile(r"https?://([^\s/?#\\@:<>\"'`{}|^%\[\]]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?(?=[/?#]|\Z)")
# The common case, which needs no further processing.
_PLAIN = re.compile(r"https?://[A-Za-z0-9.-]++(?:/[A-Za-z0-9/._~%!$&'()*+,;=:@?#-]*+)?")
_UNSAFE = re.compile(r"[\s\"<>\\^`{|}]")
_BACKSLASH: Final = "\\"
_IGNORED_CHARACTERS = str.maketrans("", "", "\t\n\r")


def resolve_url(value: str, *, base: str, schemes: Container[str]) -> str | None:
    """Return the absolute form of a URL.

    Args:
        value: An attribute value with its character references decoded.
        base: The URL that relative references are resolved against (RFC 3986, section 5).
        schemes: The allowed schemes, in lower case.

    Returns:
        An absolute URL in which the characters that RFC 3986 forbids are percent-encoded. None if the value is empty,
        has another scheme, lacks a host where the scheme needs one, or hides its host behind a user name.
    """
    if not _PLAIN.fullmatch(value):
        value = _join_base(value.translate(_IGNORED_CHARACTERS).strip(), base)
    match = _SCHEME.match(value)
    scheme = match[1].lower() if match else None
    if match is None or scheme not in schemes:
        return None
    rest = value[match.end() :]
    if scheme in IMAGE_SCHEMES:
        return _normalize_http(f"{scheme}:{rest.replace(_BACKSLASH, '/')}")
    return f"{scheme}:{percent_encode(rest)}" if rest.strip() else None


def resolve_embed_url(value: str, *, base: str, hosts: frozenset[str]) -> str | None:
    """Return the absolute URL of an embed.

    Args:
        value: An attribute value with its character references decoded.
        base: The URL that relative references are resolved against.
        hosts: The allowed hosts, in lower case; each also allows its subdomains.

    Returns:
        An https URL on the default port of an allowed host, else None.
    """
    url = resolve_url(f"https:{value}" if value.startswith("//") else value, base=base, schemes=EMBED_SCHEMES)
    match = _WEB.match(url) if url else None
    if match is None or match[2] not in {None, "443"}:
        return None
    host = match[1].lower()
    if host in hosts or any(host.endswith(f".{allowed_host}") for allowed_host in hosts):
        return url
    return None


def _join_base(value: str, base: str) -> str:
    """Resolve a relative reference; return an absolute value unchanged, and "" for one that cannot be resolved."""
    if not value or _SCHEME.match(value):
        return value
    # RFC 3986, section 4.2: without a scheme there is no colon before the first slash. It would be a hidden scheme.
    if _COLON_FIRST.match(value):
        return ""
    try:
        return urljoin(base, value.replace(_BACKSLASH, "/"))
    except ValueError:
        return ""


def _normalize_http(url: str) -> str | None:
    match = _WEB.match(url)
    if match is None or int(match[2] or 0) > 65535:
        return None
    return percent_encode(url)


def percent_encode(url: str) -> str:
    """Return a URL, or a part of one, in which the characters that RFC 3986 forbids are percent-encoded."""
    if not _UNSAFE.search(url):
        return url
    return _UNSAFE.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), url)
