"""Settings: name, type, default, parser and one line of help each, read from the environment once."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from dotenv import dotenv_values

PREFIX = "NEWSAPI_"
FORMER_NAMES = {"read_access": "reads", "log_hits_every": "log_hits", "import_max_mb": "import_mb"}
"""Names that settings had before, still read where the present name is not set."""

Default = TypeVar("Default")
Parsed = TypeVar("Parsed")


class SettingError(Exception):
    """A setting with a value that cannot be used; `str()` is a sentence that names the environment variable.

    `name` is the environment variable.
    """

    def __init__(self, name: str, reason: str) -> None:
        """Build the sentence from the variable's name and a `reason` that continues it, such as "is not a URL"."""
        super().__init__(f"{name} {reason}")
        self.name = name


def _env(help_text: str, default: Default, parse: Callable[[str], Parsed]) -> Default | Parsed:
    """Return a dataclass field of `Settings`.

    Args:
        help_text: One line for the table of settings.
        default: The value if the environment variable is missing or empty.
        parse: Converts the text of the environment variable; raises ValueError with a reason.

    Returns:
        A `dataclasses.field`, typed as the value that an instance holds, as `dataclasses.field` itself is.
    """
    return dataclasses.field(default=default, metadata={"help": help_text, "parse": parse})


def _database_url(text: str) -> str:
    scheme, separator, rest = text.partition("://")
    if not separator or scheme.partition("+")[0] not in {"sqlite", "postgresql", "postgres"}:
        raise ValueError("is not a URL such as sqlite:///news.sqlite3 or postgresql://user@host/news")
    return f"postgresql+psycopg://{rest}" if scheme.startswith("postgres") else text


def _redis_url(text: str) -> str:
    if urlsplit(text).scheme not in {"redis", "rediss", "unix"}:
        raise ValueError("is not a URL such as redis://host:6379/0")
    return text


def _parse_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError("is not an absolute http or https URL")
    return text.rstrip("/")


def _parse_url_template(*names: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        try:
            _parse_url(text.format(**dict.fromkeys(names, "x")))
        except (KeyError, IndexError, ValueError) as error:
            placeholders = ", ".join("{" + name + "}" for name in names)
            raise ValueError(
                f"is not an absolute http or https URL without other placeholders than {placeholders}"
            ) from error
        return text

    return parse


def _parse_port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 1 << 16):
        raise ValueError("is not a port number")
    return int(text)


def _parse_int(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError("is not a whole number")
    return int(text)


def _parse_positive_int(text: str) -> int:
    if not _parse_int(text):
        raise ValueError("is not 1 or more")
    return int(text)


def _parse_hub_url(text: str) -> str:
    _parse_url(text)
    return text  # a trailing slash may be part of the hub's URL


def _purge_url(text: str) -> str:
    cdn, plus, url = text.partition("+")
    if cdn not in {"fastly", "varnish"} or not plus:
        raise ValueError("is not a URL such as fastly+https://api.fastly.com/service/ID or varnish+http://host:80")
    return f"{cdn}+{_parse_url(url)}"


def _parse_time_zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("is not a time zone of the IANA database, such as Europe/Rome") from error


def _parse_secret_key(text: str) -> str:
    min_length = 32
    if len(text) < min_length:
        raise ValueError(f"is shorter than {min_length} characters")
    return text


def _parse_hosts(text: str) -> frozenset[str]:
    return frozenset(host.strip().lower() for host in text.split(",") if host.strip())


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"is not one of {', '.join(choices)}")
        return text

    return parse


def _rate_limits(text: str) -> tuple[int, int] | None:
    if text.lower() == "off":
        return None
    try:
        return _parse_rate_pair(text)
    except ValueError as error:
        raise ValueError("is not off or two numbers such as 1200,6000") from error


def _smtp_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_valid = parts.port is None or parts.port > 0
    except ValueError:
        is_valid = False
    if not is_valid or parts.scheme not in SMTP or bool(parts.hostname) == (parts.scheme == "file"):
        raise ValueError("is not a URL such as smtps://user:password@host, smtp+starttls://host or smtp://host:25")
    return text


SMTP = ("smtp", "smtp+starttls", "smtps", "file")
"""URL schemes for sending email: unencrypted, STARTTLS or TLS (both verify the certificate), or files in a folder."""


def _parse_mailbox(text: str) -> str:
    display_name, addr_spec = parseaddr(text)
    try:
        mailbox = Address(display_name=display_name, addr_spec=addr_spec)
    except (MessageError, ValueError, IndexError):
        mailbox = Address()
    if not mailbox.domain or any(character < " " for character in text):
        raise ValueError("is not a sender such as Motor News <news@example.com>")
    return str(mailbox)


def _parse_rate_pair(text: str) -> tuple[int, int]:
    first, comma, second = text.partition(",")
    if not comma:
        raise ValueError("is not two numbers such as 20,2000")
    return _parse_positive_int(first.strip()), _parse_positive_int(second.strip())


Networks = tuple[IPv4Network | IPv6Network, ...]


def _networks(text: str) -> Networks:
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise ValueError("is not a list of networks such as 10.0.0.0/8,::1/128") from error


def _parse_log_level(text: str) -> str:
    levels = ("debug", "info", "warning", "error")
    if text.lower() not in levels:
        raise ValueError(f"is not one of {', '.join(levels)}")
    return text.lower()


EMBED_HOSTS = "www.youtube.com,www.youtube-nocookie.com,player.vimeo.com,www.dailymotion.com,open.spotify.com"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings; frozen, so that applications in one process cannot change each other's."""

    database_url: str = _env(
        "SQLite or PostgreSQL: `sqlite:///news.sqlite3`, `postgresql://user@host/news`",
        "sqlite:///newsapi.sqlite3",
        _database_url,
    )
    redis_url: str | None = _env(
        "Redis or Valkey, shared by all nodes: `redis://host:6379/0`; if not set, responses are cached in memory only",
        None,
        _redis_url,
    )
    cache_mb: int = _env("megabytes of cached responses that each server process keeps in memory", 64, _parse_int)
    host: str = _env("address that `newsapi serve` listens on", "127.0.0.1", str)
    port: int = _env("port that `newsapi serve` listens on", 8000, _parse_port)
    processes: int = _env("server processes that share the port", 2, _parse_positive_int)
    api_url: str = _env(
        "URL at which clients reach this API; `links` start with it; `http://HOST:PORT` if not set", "", _parse_url
    )
    article_url: str | None = _env(
        "URL of an article on the site, such as `https://site/{section}/{slug}`; its URL in this API if not set",
        None,
        _parse_url_template("section", "brand", "slug", "id"),
    )
    brand_url: str | None = _env(
        "URL of a brand on the site, such as `https://site/marche/{slug}`", None, _parse_url_template("slug")
    )
    author_url: str | None = _env("URL of an author on the site", None, _parse_url_template("slug"))
    section_url: str | None = _env("URL of a section on the site", None, _parse_url_template("slug"))
    publisher: str | None = _env("name of the publication, for search engines", None, str)
    image_url: str | None = _env(
        "service that resizes images: `imgproxy+https://…`, `thumbor+https://…`, or a template with {url} or"
        " {raw_url}, {width}, {height}, {x}, {y}; if not set, only the original image is offered",
        None,
        str,
    )
    image_key: str | None = _env(
        "signs image URLs: the key of imgproxy in hex, or the SECURITY_KEY of thumbor unchanged", None, str
    )
    image_salt: str | None = _env("salt of imgproxy, in hex", None, str)
    time_zone: ZoneInfo = _env(
        "time zone in which a day begins (`published_on`, dates without a time)",
        ZoneInfo("Europe/Rome"),
        _parse_time_zone,
    )
    secret_key: str | None = _env(
        "signs cursors and the links in emails, and keys the hashes of email addresses: at least 32 characters, the"
        " same on every node, never changed; if not set, a generated one is stored in the database",
        None,
        _parse_secret_key,
    )
    embed_hosts: frozenset[str] = _env(
        "hosts from which an `iframe` in an article body is allowed, separated by commas",
        _parse_hosts(EMBED_HOSTS),
        _parse_hosts,
    )
    read_access: str = _env(
        "read access: `public` for all clients, `key` for clients with an API key only",
        "public",
        _one_of("public", "key"),
    )
    public_body: str = _env(
        "how much of an article body clients without a key get: `full`, `teaser` or `none`; the entitlements of partner"
        " keys apply only if it is not `full`",
        "full",
        _one_of("full", "teaser", "none"),
    )
    rate_limits: tuple[int, int] | None = _env(
        "requests per minute, for a client address without a key (IPv6: a /64) and for a key without a limit of its"
        " own; cache hits in memory are not counted; `off` for no limits",
        (1_200, 6_000),
        _rate_limits,
    )
    trusted_proxies: Networks = _env(
        "networks of your own proxies, separated by commas: `X-Forwarded-For` is used only if it comes from them",
        (),
        _networks,
    )
    import_max_mb: int = _env(
        "maximum size in megabytes of a file imported over the API; it is stored in the database until the import has"
        " finished",
        2_048,
        _parse_positive_int,
    )
    purge_url: str | None = _env(
        "CDN to purge after each change, which lets it cache responses for a day:"
        " `fastly+https://api.fastly.com/service/ID` or `varnish+http://host:port`",
        None,
        _purge_url,
    )
    purge_key: str | None = _env("API token of Fastly, for purging", None, str)
    websub_hub: str | None = _env(
        "WebSub hub that feeds link to and that is notified when they change, such as"
        " `https://pubsubhubbub.appspot.com/`",
        None,
        _parse_hub_url,
    )
    webhook_private: str = _env(
        "`allow` lets webhooks reach addresses in private networks, for tests and development",
        "refuse",
        _one_of("allow", "refuse"),
    )
    smtp_url: str | None = _env(
        "mail server: `smtps://user:password@host`, `smtp+starttls://…`, or `smtp://host:25` for one in the same"
        " network; if not set, email subscriptions are disabled",
        None,
        _smtp_url,
    )
    mail_from: str = _env(
        "sender of emails, such as `Motor News <news@example.com>`; its domain is used in every Message-ID",
        "newsapi@localhost",
        _parse_mailbox,
    )
    mail_language: str = _env(
        "language of the subscription form and of emails, unless the client names one: `it` or `en`",
        "it",
        _one_of("it", "en"),
    )
    subscription_url: str | None = _env(
        "page of the site that the links in emails lead to, with `?token=`; if not set, a plain page of this API",
        None,
        _parse_url,
    )
    privacy_url: str | None = _env(
        "privacy policy of the site, linked wherever an email address is requested", None, _parse_url
    )
    subscription_limits: tuple[int, int] = _env(
        "subscription requests per hour, for a client address and in total; not counted if `NEWSAPI_RATE_LIMITS` is"
        " `off`",
        (20, 2_000),
        _parse_rate_pair,
    )
    metrics_port: int | None = _env(
        "port on `NEWSAPI_HOST` that serves `/metrics` for Prometheus; none if not set", None, _parse_port
    )
    log_hits_every: int = _env("logs one in this many cache hits in memory; 0 logs none", 1_000, _parse_int)
    log_level: str = _env("`debug`, `info`, `warning` or `error`", "info", _parse_log_level)

    def __post_init__(self) -> None:
        """Set the default of `api_url`, which depends on `host` and `port`."""
        if not self.api_url:
            # A server that listens on all interfaces is reached on the loopback address.
            host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
            host = f"[{host}]" if ":" in host else host
            object.__setattr__(self, "api_url", f"http://{host}:{self.port}")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the `NEWSAPI_*` variables.

        Args:
            environ: The variables; if None, those of the file `.env` and of the environment, which has precedence.

        Returns:
            The settings; a variable that is missing or empty has its default.

        Raises:
            SettingError: A value cannot be used; the error names the variable and the reason.
        """
        variables = {**dotenv_values(".env"), **os.environ} if environ is None else environ
        values: dict[str, Any] = {}
        for field in dataclasses.fields(cls):
            name = PREFIX + field.name.upper()
            former_name = PREFIX + FORMER_NAMES.get(field.name, field.name).upper()
            text = (variables.get(name) or variables.get(former_name) or "").strip()
            if text:
                try:
                    values[field.name] = field.metadata["parse"](text)
                except ValueError as error:
                    raise SettingError(name, str(error)) from error
        return cls(**values)


def settings_markdown() -> str:
    """Return the settings as a Markdown table."""
    lines = ["| setting | default | what it is |", "| --- | --- | --- |"]
    for field in dataclasses.fields(Settings):
        default = field.default
        text = ",".join(map(str, sorted(default))) if isinstance(default, frozenset | tuple) else default
        lines.append(f"| `{PREFIX}{field.name.upper()}` | {f'`{text}`' if text else ''} | {field.metadata['help']} |")
    return "\n".join(lines)
