"""Addresses inside a body: which may stay, and what they are in full.

A reader's browser takes an address far more loosely than RFC 3986 does, so nothing here repairs: what is not plainly an
address of an allowed kind is refused.
"""

import re
from collections.abc import Container
from typing import Final
from urllib.parse import urljoin

LINKS: Final = frozenset({"http", "https", "mailto", "tel"})
PICTURES: Final = frozenset({"http", "https"})
EMBEDS: Final = frozenset({"https"})

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
_COLON_FIRST = re.compile(r"[^/\\?#:]*+:")
# No user name and no backslash: both are used to show one host and lead to another.
_WEB = re.compile(r"https?://([^\s/?#\\@:<>\"'`{}|^%\[\]]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?(?=[/?#]|\Z)")
# The usual address, which needs no work.
_PLAIN = re.compile(r"https?://[A-Za-z0-9.-]++(?:/[A-Za-z0-9/._~%!$&'()*+,;=:@?#-]*+)?")
_UNSAFE = re.compile(r"[\s\"<>\\^`{|}]")
_BACKSLASH: Final = "\\"
_DROPPED = str.maketrans("", "", "\t\n\r")


def absolute(value: str, *, base: str, schemes: Container[str]) -> str | None:
    """Answer the address in full.

    In: the value of an attribute, decoded; the address it is relative to (RFC 3986, section 5); the schemes allowed.
    Out: an absolute address, with the characters that RFC 3986 forbids in it escaped; None if it is empty, of another
    scheme, has no host where it needs one, or hides its host behind a user name.
    """
    if not _PLAIN.fullmatch(value):
        value = _joined(value.translate(_DROPPED).strip(), base)
    named = _SCHEME.match(value)
    scheme = named[1].lower() if named else None
    if named is None or scheme not in schemes:
        return None
    rest = value[named.end() :]
    if scheme in PICTURES:
        return _web(f"{scheme}:{rest.replace(_BACKSLASH, '/')}")
    return f"{scheme}:{_escaped(rest)}" if rest.strip() else None


def embeddable(value: str, *, base: str, hosts: frozenset[str]) -> str | None:
    """Answer the address of an embed in full, or None if it is not https or its host is not on the list.

    A host on the list stands for itself and for its subdomains.
    """
    address = absolute(f"https:{value}" if value.startswith("//") else value, base=base, schemes=EMBEDS)
    found = _WEB.match(address) if address else None
    if found is None or found[2] not in {None, "443"}:
        return None
    host = found[1].lower()
    if host in hosts or any(host.endswith(f".{known}") for known in hosts):
        return address
    return None


def _joined(value: str, base: str) -> str:
    """Put a relative address behind its base; one that has a scheme, is empty or cannot be read stays out of it."""
    if not value or _SCHEME.match(value):
        return value
    # RFC 3986, section 4.2: without a scheme no colon stands before the first slash. It would be a scheme in hiding.
    if _COLON_FIRST.match(value):
        return ""
    try:
        return urljoin(base, value.replace(_BACKSLASH, "/"))
    except ValueError:
        return ""


def _web(address: str) -> str | None:
    found = _WEB.match(address)
    if found is None or int(found[2] or 0) > 65535:
        return None
    return _escaped(address)


def _escaped(address: str) -> str:
    if not _UNSAFE.search(address):
        return address
    return _UNSAFE.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), address)
