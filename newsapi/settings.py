"""Every setting of the product: name, type, default and one line of help, read from the environment once."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from dotenv import dotenv_values

PREFIX = "NEWSAPI_"


class BadSetting(Exception):
    """A setting that cannot be used; `str()` is a sentence that names it."""

    def __init__(self, name: str, reason: str) -> None:
        """Keep the variable's name; `reason` reads on from it."""
        super().__init__(f"{name} {reason}")
        self.name = name


def _setting(help_text: str, default: object = None, parse: Callable[[str], object] = str) -> object:
    """A field of `Settings`; `parse` reads the text of the environment and raises ValueError with a reason."""
    return dataclasses.field(default=default, metadata={"help": help_text, "parse": parse})


def _database_url(text: str) -> str:
    scheme, separator, rest = text.partition("://")
    if not separator or scheme.partition("+")[0] not in {"sqlite", "postgresql", "postgres"}:
        raise ValueError("is not an address such as sqlite:///news.sqlite3 or postgresql://user@host/news")
    return f"postgresql+psycopg://{rest}" if scheme.startswith("postgres") else text


def _redis_url(text: str) -> str:
    if urlsplit(text).scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("is not an address such as redis://host:6379/0")
    return text


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError("is not an absolute http or https address")
    return text.rstrip("/")


def _template(*names: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        try:
            _address(text.format(**dict.fromkeys(names, "x")))
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(
                f"is not an absolute address that uses only {', '.join('{' + name + '}' for name in names)}"
            ) from error
        return text

    return parse


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 1 << 16):
        raise ValueError("is not a port number")
    return int(text)


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError("is not a whole number")
    return int(text)


def _count(text: str) -> int:
    if not _whole(text):
        raise ValueError("is not 1 or more")
    return int(text)


def _hub(text: str) -> str:
    _address(text)
    return text  # a slash at its end may be part of it


def _purge_url(text: str) -> str:
    flavour, plus, rest = text.partition("+")
    if flavour not in {"fastly", "varnish"} or not plus:
        raise ValueError("is not an address such as fastly+https://api.fastly.com/service/ID or varnish+http://host:80")
    return f"{flavour}+{_address(rest)}"


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("is not a time zone of the IANA database, such as Europe/Rome") from error


def _secret(text: str) -> str:
    shortest = 32
    if len(text) < shortest:
        raise ValueError(f"is shorter than {shortest} characters")
    return text


def _hosts(text: str) -> frozenset[str]:
    return frozenset(host.strip().lower() for host in text.split(",") if host.strip())


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"is not one of {', '.join(words)}")
        return text

    return parse


def _rate_limits(text: str) -> tuple[int, int] | None:
    if text.lower() == "off":
        return None
    try:
        return _two(text)
    except ValueError as error:
        raise ValueError("is not off or two numbers such as 1200,6000") from error


def _smtp_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        good = parts.port is None or parts.port > 0
    except ValueError:
        good = False
    if not good or parts.scheme not in SMTP or bool(parts.hostname) == (parts.scheme == "file"):
        raise ValueError("is not an address such as smtps://user:password@host, smtp+starttls://host or smtp://host:25")
    return text


SMTP = ("smtp", "smtp+starttls", "smtps", "file")
"""How mail may leave: plainly, by STARTTLS or TLS with a certificate that is checked, or into a folder instead."""


def _sender(text: str) -> str:
    name, spec = parseaddr(text)
    try:
        found = Address(display_name=name, addr_spec=spec)
    except (MessageError, ValueError, IndexError):
        found = Address()
    if not found.domain or any(character < " " for character in text):
        raise ValueError("is not a sender such as Motor News <news@example.com>")
    return str(found)


def _two(text: str) -> tuple[int, int]:
    first, comma, second = text.partition(",")
    if not comma:
        raise ValueError("is not two numbers such as 20,2000")
    return _count(first.strip()), _count(second.strip())


Networks = tuple[IPv4Network | IPv6Network, ...]


def _networks(text: str) -> Networks:
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise ValueError("is not a list of networks such as 10.0.0.0/8,::1/128") from error


def _level(text: str) -> str:
    levels = ("debug", "info", "warning", "error")
    if text.lower() not in levels:
        raise ValueError(f"is not one of {', '.join(levels)}")
    return text.lower()


EMBED_HOSTS = "www.youtube.com,www.youtube-nocookie.com,player.vimeo.com,www.dailymotion.com,open.spotify.com"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What can be set from outside; frozen, so that two applications in one process never share a change."""

    database_url: str = _setting(  # type: ignore[assignment]
        "SQLite or PostgreSQL: `sqlite:///news.sqlite3`, `postgresql://user@host/news`",
        "sqlite:///newsapi.sqlite3",
        _database_url,
    )
    redis_url: str | None = _setting(  # type: ignore[assignment]
        "Redis or Valkey for all nodes: `redis://host:6379/0`; memory alone if left out", None, _redis_url
    )
    cache_mb: int = _setting(  # type: ignore[assignment]
        "megabytes of finished answers that each server process keeps in memory", 64, _whole
    )
    host: str = _setting("address `newsapi serve` listens on", "127.0.0.1")  # type: ignore[assignment]
    port: int = _setting("port `newsapi serve` listens on", 8000, _port)  # type: ignore[assignment]
    processes: int = _setting("server processes that share the port", 2, _count)  # type: ignore[assignment]
    api_url: str = _setting(  # type: ignore[assignment]
        "where clients reach this API; `links` start with it; `http://HOST:PORT` if left out", "", _address
    )
    article_url: str | None = _setting(  # type: ignore[assignment]
        "address of an article on the site, such as `https://site/{section}/{slug}`; its address here if left out",
        None,
        _template("section", "brand", "slug", "id"),
    )
    brand_url: str | None = _setting(  # type: ignore[assignment]
        "address of a brand on the site, such as `https://site/marche/{slug}`", None, _template("slug")
    )
    author_url: str | None = _setting(  # type: ignore[assignment]
        "address of an author on the site", None, _template("slug")
    )
    section_url: str | None = _setting(  # type: ignore[assignment]
        "address of a section on the site", None, _template("slug")
    )
    publisher: str | None = _setting("name of the publication, for search engines")  # type: ignore[assignment]
    image_url: str | None = _setting(  # type: ignore[assignment]
        "service that resizes pictures: `imgproxy+https://…`, `thumbor+https://…`, or a template with {url} or"
        " {raw_url}, {width}, {height}, {x}, {y}; the original alone if left out"
    )
    image_key: str | None = _setting(  # type: ignore[assignment]
        "signs picture addresses: imgproxy's key in hex, or thumbor's SECURITY_KEY as it is"
    )
    image_salt: str | None = _setting("imgproxy's salt, in hex")  # type: ignore[assignment]
    time_zone: ZoneInfo = _setting(  # type: ignore[assignment]
        "zone in which a day begins (`published_on`, plain dates)", ZoneInfo("Europe/Rome"), _zone
    )
    secret_key: str | None = _setting(  # type: ignore[assignment]
        "signs cursors and the links in mail, and keys the hashes of addresses: at least 32 characters, the same on"
        " every node and for good; the database keeps one if left out",
        None,
        _secret,
    )
    embed_hosts: frozenset[str] = _setting(  # type: ignore[assignment]
        "hosts whose `iframe` stays in a body, separated by commas", _hosts(EMBED_HOSTS), _hosts
    )
    reads: str = _setting(  # type: ignore[assignment]
        "who may read: `public` is everybody, `key` whoever has a key", "public", _one_of("public", "key")
    )
    public_body: str = _setting(  # type: ignore[assignment]
        "what readers without a key get of a body: `full`, `teaser` or `none`; what partners' keys are for counts only"
        " where it is not `full`",
        "full",
        _one_of("full", "teaser", "none"),
    )
    rate_limits: tuple[int, int] | None = _setting(  # type: ignore[assignment]
        "requests a minute, of an address (IPv6: a /64) without a key and of a key that has no number of its own;"
        " what is answered from memory is free; `off` for none",
        (1_200, 6_000),
        _rate_limits,
    )
    trusted_proxies: Networks = _setting(  # type: ignore[assignment]
        "networks of our own proxies, separated by commas: of those alone `X-Forwarded-For` is believed", (), _networks
    )
    import_mb: int = _setting(  # type: ignore[assignment]
        "megabytes that an import over the API may have; they lie in the database until it is done", 2_048, _count
    )
    purge_url: str | None = _setting(  # type: ignore[assignment]
        "CDN that is told what to drop, and may hence keep answers for a day:"
        " `fastly+https://api.fastly.com/service/ID` or `varnish+http://host:port`",
        None,
        _purge_url,
    )
    purge_key: str | None = _setting("Fastly's API token, for purging")  # type: ignore[assignment]
    websub_hub: str | None = _setting(  # type: ignore[assignment]
        "WebSub hub that feeds name and that is told when one has changed, such as `https://pubsubhubbub.appspot.com/`",
        None,
        _hub,
    )
    webhook_private: str = _setting(  # type: ignore[assignment]
        "`allow` lets webhooks reach addresses of private networks, for tests and development",
        "refuse",
        _one_of("allow", "refuse"),
    )
    smtp_url: str | None = _setting(  # type: ignore[assignment]
        "mail server: `smtps://user:password@host`, `smtp+starttls://…`, or `smtp://host:25` for one that is near;"
        " without one nobody can subscribe",
        None,
        _smtp_url,
    )
    mail_from: str = _setting(  # type: ignore[assignment]
        "whom mail is from, such as `Motor News <news@example.com>`; its domain is that of every Message-ID",
        "newsapi@localhost",
        _sender,
    )
    mail_language: str = _setting(  # type: ignore[assignment]
        "language of the box and of mail to those who name none: `it` or `en`", "it", _one_of("it", "en")
    )
    subscription_url: str | None = _setting(  # type: ignore[assignment]
        "page of the site that links in mail lead to, with `?token=`; a plain page here if left out", None, _address
    )
    privacy_url: str | None = _setting(  # type: ignore[assignment]
        "privacy policy of the site, named where an address is asked for", None, _address
    )
    subscription_limits: tuple[int, int] = _setting(  # type: ignore[assignment]
        "subscriptions that may be asked for in an hour, of an address and of all; not counted where"
        " `NEWSAPI_RATE_LIMITS` is `off`",
        (20, 2_000),
        _two,
    )
    metrics_port: int | None = _setting(  # type: ignore[assignment]
        "port of `NEWSAPI_HOST` on which Prometheus finds `/metrics`; none if left out", None, _port
    )
    log_hits: int = _setting(  # type: ignore[assignment]
        "of how many answers from memory one is logged; 0 for none of them", 1_000, _whole
    )
    log_level: str = _setting("`debug`, `info`, `warning` or `error`", "info", _level)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        """Give `api_url` its default, which hangs on two other settings."""
        if not self.api_url:
            # A server that listens everywhere is reached at home, unless it is told where.
            host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
            host = f"[{host}]" if ":" in host else host
            object.__setattr__(self, "api_url", f"http://{host}:{self.port}")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read `NEWSAPI_*` from a mapping, or from `.env` and the environment, which wins.

        Raises BadSetting with the name of the variable and what is wrong with its value.
        """
        found = {**dotenv_values(".env"), **os.environ} if environ is None else environ
        values: dict[str, object] = {}
        for field in dataclasses.fields(cls):
            name = PREFIX + field.name.upper()
            text = (found.get(name) or "").strip()
            if text:
                try:
                    values[field.name] = field.metadata["parse"](text)
                except ValueError as error:
                    raise BadSetting(name, str(error)) from error
        return cls(**values)  # type: ignore[arg-type]


def table() -> str:
    """The settings as a Markdown table, for the README."""
    lines = ["| setting | default | what it is |", "| --- | --- | --- |"]
    for field in dataclasses.fields(Settings):
        default = field.default
        shown = ",".join(map(str, sorted(default))) if isinstance(default, frozenset | tuple) else default
        lines.append(f"| `{PREFIX}{field.name.upper()}` | {f'`{shown}`' if shown else ''} | {field.metadata['help']} |")
    return "\n".join(lines)
