"""URLs that others give to be called: their canonical form in ASCII, and which IP addresses are public."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import quote, urlsplit

import idna

MAX_URL_LENGTH: Final = 2_000
"""Maximum number of characters of a URL in its canonical form."""

MAX_HOST_LENGTH: Final = 253
"""Maximum number of characters of a host name (RFC 1035, section 2.3.4)."""

_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_STRAY_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_RESERVED: Final = "/?:@!$&'()*+,;=%-._~"
"""Characters that stay as they are in a path or query (RFC 3986, sections 3.3 and 3.4)."""


class InvalidAddress(ValueError):
    """A URL that cannot be called; the message says why."""


def normalize_url(url: str) -> str:
    """Return a URL in the form in which it is called: the host name in IDNA, the rest percent-encoded.

    Args:
        url: An absolute URL, possibly with characters outside ASCII (RFC 3987).

    Returns:
        The URL in ASCII (RFC 3986), without a fragment.

    Raises:
        InvalidAddress: The host or the port is invalid, or the URL has a user name, a zone id or is too long.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidAddress("the host or the port is invalid") from error
    if "@" in parts.netloc:
        raise InvalidAddress("it must not have a user name or a password")
    if port == 0:
        raise InvalidAddress("the port is invalid")
    normalize = _normalize_ipv6 if "[" in parts.netloc else _normalize_host
    host = normalize(parts.hostname or "")
    authority = host if port is None else f"{host}:{port}"
    path = _percent_encode(parts.path) or "/"
    query = f"?{_percent_encode(parts.query)}" if parts.query else ""
    normalized = f"{parts.scheme}://{authority}{path if parts.path or query else ''}{query}"
    if len(normalized) > MAX_URL_LENGTH:
        raise InvalidAddress(f"it is longer than {MAX_URL_LENGTH} characters when it is encoded")
    return normalized


def _percent_encode(text: str) -> str:
    return quote(_STRAY_PERCENT.sub("%25", text), safe=_RESERVED)


def _normalize_host(host: str) -> str:
    try:
        name = host if host.isascii() else idna.encode(host, uts46=True, transitional=False).decode()
        for label in name.split("."):
            if label.startswith("xn--"):
                idna.decode(label)
    except UnicodeError as error:
        raise InvalidAddress("the host name is not valid (IDNA)") from error
    labels = name.removesuffix(".").split(".")
    if len(name) > MAX_HOST_LENGTH or not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidAddress("the host name is not valid")
    return name


def _normalize_ipv6(host: str) -> str:
    if "%" in host:
        raise InvalidAddress("it must not have a zone id, which means nothing on another machine")
    try:
        return f"[{ipaddress.IPv6Address(host).compressed}]"
    except ValueError as error:
        raise InvalidAddress("the IPv6 address is invalid") from error


# --- public addresses -------------------------------------------------------------------------------------------------

_SPECIAL_IPV4: Final = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private use
        "100.64.0.0/10",  # shared address space of providers
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link local; clouds serve their metadata there
        "172.16.0.0/12",  # private use
        "192.0.0.0/24",  # IETF protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112 name servers
        "192.52.193.0/24",  # automatic multicast tunneling
        "192.88.99.0/24",  # 6to4 relays, deprecated
        "192.168.0.0/16",  # private use
        "192.175.48.0/24",  # AS112 name servers
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and limited broadcast
    )
)
"""The IANA IPv4 Special-Purpose Address Registry, and multicast."""

_GLOBAL_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
"""The only IPv6 addresses that IANA has allocated for the public internet; site-local `fec0::/10` is outside."""

_SPECIAL_IPV6: Final = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # IETF protocol assignments, with Teredo
        "2001:db8::/32",  # documentation
        "2620:4f:8000::/48",  # AS112 name servers
        "3fff::/20",  # documentation
    )
)
"""The part of the IANA IPv6 Special-Purpose Address Registry that is within `2000::/3`, without 6to4."""

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


def is_public(address: str | int) -> bool:
    """Return whether an IP address belongs to the public internet.

    The registries are written out here: `is_global` of the standard library differs between releases of Python. An IPv6
    address that embeds an IPv4 address (mapped, 6to4, NAT64) is judged by that one.

    Args:
        address: An IP address; a zone id is ignored.
    """
    ip = ipaddress.ip_address(str(address).partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in network for network in _SPECIAL_IPV4) and ip.is_global
    embedded = ip.ipv4_mapped or ip.sixtofour
    if ip in _NAT64:
        embedded = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    if embedded is not None:
        return is_public(str(embedded))
    return ip in _GLOBAL_UNICAST and not any(ip in network for network in _SPECIAL_IPV6) and ip.is_global
