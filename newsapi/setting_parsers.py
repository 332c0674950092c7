"""Parsers of settings: each converts the text of an environment variable, or raises ValueError with a reason."""

from __future__ import annotations

import re
from collections.abc import Callable
from email.errors import MessageError
from email.headerregistry import Address
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

MIN_CONNECTIONS = 4
"""Connections of a server process for reads: two for requests outside /v1, and two so that one kind of request leaves
one to the others."""

MAX_RETURN_PATH_LENGTH = 31
"""Characters before the @: with a plus sign and a token of 32 they are the 64 that RFC 5321 allows."""


def parse_database_url(text: str) -> str:
    """Return the SQLAlchemy URL of a SQLite or PostgreSQL database."""
    scheme, separator, rest = text.partition("://")
    if not separator or scheme.partition("+")[0] not in {"sqlite", "postgresql", "postgres"}:
        raise ValueError("is not a URL such as sqlite:///news.sqlite3 or postgresql://user@host/news")
    return f"postgresql+psycopg://{rest}" if scheme.startswith("postgres") else text


def parse_replica_urls(text: str) -> tuple[str, ...]:
    """Return the SQLAlchemy URLs of PostgreSQL databases, given with commas between them."""
    urls = [parse_database_url(part) for part in re.split(r"\s*,\s*(?=\w+(?:\+\w+)?://)", text)]
    if any(url.startswith("sqlite") or re.search(r"\s", url) for url in urls):
        raise ValueError("is not a list of URLs such as postgresql://user@host/news, with commas between them")
    return tuple(urls)


def parse_folder(text: str) -> Path:
    """Return the absolute path of a folder, which need not exist."""
    try:
        path = Path(text).expanduser()
        is_other = path.exists() and not path.is_dir()
    except (OSError, RuntimeError) as error:
        raise ValueError("is not the path of a folder") from error
    if is_other:
        raise ValueError("is not a folder")
    return path.absolute()


def parse_redis_url(text: str) -> str:
    """Return the URL of a Redis server, of Sentinels and the service that they watch, or of a cluster."""
    scheme, _, kind = urlsplit(text).scheme.partition("+")
    if scheme not in {"redis", "rediss"} | ({"unix"} if not kind else set()) or kind not in {"", "sentinel", "cluster"}:
        raise ValueError("is not a URL such as redis://host:6379/0")
    if kind:
        parse_redis_nodes(text)
    if kind == "sentinel" and not urlsplit(text).path.strip("/"):
        raise ValueError("names no service of the Sentinels; an example is redis+sentinel://host:26379/service")
    return text


def parse_redis_nodes(url: str) -> list[tuple[str, int]]:
    """Return the hosts and ports of the Sentinels or the cluster nodes in a URL."""
    parts = urlsplit(url)
    default = 26379 if parts.scheme.endswith("+sentinel") else 6379
    nodes = []
    for node in parts.netloc.rpartition("@")[2].split(","):
        host, colon, port = node.rpartition(":") if "]" not in node or "]:" in node else (node, "", "")
        try:
            nodes.append(((host or node).strip("[]"), parse_port(port) if colon else default))
        except ValueError as error:
            raise ValueError(f"names the node {node}, which has no valid port") from error
        if not nodes[-1][0]:
            raise ValueError("names a node without a host")
    return nodes


def parse_url(text: str) -> str:
    """Return an absolute http or https URL without a slash at the end."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError("is not an absolute http or https URL")
    return text.rstrip("/")


def parse_url_template(*names: str) -> Callable[[str], str]:
    """Build the parser of a URL that may contain these placeholders in braces."""

    def parse(text: str) -> str:
        try:
            parse_url(text.format(**dict.fromkeys(names, "x")))
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            placeholders = ", ".join("{" + name + "}" for name in names)
            raise ValueError(
                f"is not an absolute http or https URL without other placeholders than {placeholders}"
            ) from error
        return text

    return parse


def parse_port(text: str) -> int:
    """Return a port number."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 1 << 16):
        raise ValueError("is not a port number")
    return int(text)


def parse_int(text: str) -> int:
    """Return a whole number of 0 or more."""
    if not (text.isascii() and text.isdigit()):
        raise ValueError("is not a whole number")
    return int(text)


def parse_positive_int(text: str) -> int:
    """Return a whole number of 1 or more."""
    if not parse_int(text):
        raise ValueError("is not 1 or more")
    return int(text)


def parse_connections(text: str) -> int:
    """Return a number of connections, which suffices for requests of several kinds at a time."""
    if parse_int(text) < MIN_CONNECTIONS:
        raise ValueError(f"is not {MIN_CONNECTIONS} or more")
    return int(text)


def parse_hub_url(text: str) -> str:
    """Return the URL of a WebSub hub unchanged."""
    parse_url(text)
    return text  # a trailing slash may be part of the hub's URL


def parse_purge_url(text: str) -> str:
    """Return the URL of a CDN with the kind of CDN before it."""
    cdn, plus, url = text.partition("+")
    if cdn not in {"fastly", "varnish"} or not plus:
        raise ValueError("is not a URL such as fastly+https://api.fastly.com/service/ID or varnish+http://host:80")
    if "," in url:
        raise ValueError("is a list of URLs; only one CDN can be purged")
    return f"{cdn}+{parse_url(url)}"


def parse_time_zone(text: str) -> ZoneInfo:
    """Return a time zone of the IANA database."""
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("is not a time zone of the IANA database, such as Europe/Rome") from error


def parse_secret_key(text: str) -> str:
    """Return a secret of at least 32 characters."""
    min_length = 32
    if len(text) < min_length:
        raise ValueError(f"is shorter than {min_length} characters")
    return text


def parse_hosts(text: str) -> frozenset[str]:
    """Return a set of host names in lower case, given with commas between them."""
    return frozenset(host.strip().lower() for host in text.split(",") if host.strip())


def parse_one_of(*choices: str) -> Callable[[str], str]:
    """Build the parser of a setting that has one of these values."""

    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"is not one of {', '.join(choices)}")
        return text

    return parse


def parse_rate_limits(text: str) -> tuple[int, int] | None:
    """Return two numbers of requests, or None for `off`."""
    if text.lower() == "off":
        return None
    try:
        return parse_rate_pair(text)
    except ValueError as error:
        raise ValueError("is not off or two numbers such as 1200,6000") from error


def parse_smtp_url(text: str) -> str:
    """Return the URL of a mail server or of a folder for emails."""
    try:
        parts = urlsplit(text)
        is_valid = parts.port is None or parts.port > 0
    except ValueError:
        is_valid = False
    if not is_valid or parts.scheme not in SMTP_SCHEMES or bool(parts.hostname) == (parts.scheme == "file"):
        raise ValueError("is not a URL such as smtps://user:password@host, smtp+starttls://host or smtp://host:25")
    return text


SMTP_SCHEMES = ("smtp", "smtp+starttls", "smtps", "file")
"""URL schemes for sending email: unencrypted, STARTTLS or TLS (both verify the certificate), or files in a folder."""


def parse_mailbox(text: str) -> str:
    """Return a sender: a name and an email address."""
    display_name, addr_spec = parseaddr(text)
    try:
        mailbox = Address(display_name=display_name, addr_spec=addr_spec)
    except (MessageError, ValueError, IndexError):
        mailbox = Address()
    if not mailbox.domain or any(character < " " for character in text):
        raise ValueError("is not a sender such as Motor News <news@example.com>")
    return str(mailbox)


def parse_return_path(text: str) -> str:
    """Return an email address that is short enough for the token that is added to its local part."""
    try:
        address = Address(addr_spec=text)
    except (MessageError, ValueError, IndexError):
        address = Address()
    if not address.domain or not text.isascii() or "+" in text or any(character <= " " for character in text):
        raise ValueError("is not an email address such as bounces@example.com")
    if len(address.username) > MAX_RETURN_PATH_LENGTH:
        raise ValueError(f"is longer than {MAX_RETURN_PATH_LENGTH} characters before the @")
    return text


def parse_rate_pair(text: str) -> tuple[int, int]:
    """Return two whole numbers of 1 or more, given with a comma between them."""
    first, comma, second = text.partition(",")
    if not comma:
        raise ValueError("is not two numbers such as 20,2000")
    return parse_positive_int(first.strip()), parse_positive_int(second.strip())


Networks = tuple[IPv4Network | IPv6Network, ...]


def parse_networks(text: str) -> Networks:
    """Return IP networks, given with commas between them."""
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise ValueError("is not a list of networks such as 10.0.0.0/8,::1/128") from error


def parse_log_level(text: str) -> str:
    """Return a log level in lower case."""
    levels = ("debug", "info", "warning", "error")
    if text.lower() not in levels:
        raise ValueError(f"is not one of {', '.join(levels)}")
    return text.lower()


EMBED_HOSTS = "www.youtube.com,www.youtube-nocookie.com,player.vimeo.com,www.dailymotion.com,open.spotify.com"
