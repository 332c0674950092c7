"""Settings: name, type, default, parser and one line of help each, read from the environment once."""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from newsapi.env_file import read_env_file
from newsapi.setting_parsers import (
    EMBED_HOSTS,
    Networks,
    parse_connections,
    parse_database_url,
    parse_folder,
    parse_hosts,
    parse_hub_url,
    parse_int,
    parse_log_level,
    parse_mailbox,
    parse_networks,
    parse_one_of,
    parse_port,
    parse_positive_int,
    parse_purge_url,
    parse_rate_limits,
    parse_rate_pair,
    parse_redis_url,
    parse_replica_urls,
    parse_return_path,
    parse_secret_key,
    parse_smtp_url,
    parse_time_zone,
    parse_url,
    parse_url_template,
)

PREFIX = "NEWSAPI_"
FORMER_NAMES = {"read_access": "reads", "log_hits_every": "log_hits", "import_max_mb": "import_mb"}
"""Names that settings had before, still read where the present name is not set."""

TEST_PREFIX = "NEWSAPI_TEST_"
"""Variables with this prefix belong to the tests; all others with `PREFIX` are settings."""

_CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

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


def _env(
    help_text: str, default: Default, parse: Callable[[str], Parsed], *, changes_response: bool = False
) -> Default | Parsed:
    """Return a dataclass field of `Settings`.

    Args:
        help_text: One line for the table of settings.
        default: The value if the environment variable is missing or empty.
        parse: Converts the text of the environment variable; raises ValueError with a reason.
        changes_response: Whether the setting changes the bytes of public responses: processes that differ in it do not
            share cached responses.

    Returns:
        A `dataclasses.field`, typed as the value that an instance holds, as `dataclasses.field` itself is.
    """
    return dataclasses.field(
        default=default, metadata={"help": help_text, "parse": parse, "changes_response": changes_response}
    )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings; frozen, so that applications in one process cannot change each other's."""

    database_url: str = _env(
        "SQLite or PostgreSQL: `sqlite:///news.sqlite3`, `postgresql://user@host/news`",
        "sqlite:///newsapi.sqlite3",
        parse_database_url,
    )
    database_replica_urls: tuple[str, ...] = _env(
        "streaming replicas of a PostgreSQL database, separated by commas: they share the reads of public content, each"
        " as far as it is up to date; may include the primary",
        (),
        parse_replica_urls,
    )
    database_connections: int = _env(
        "maximum number of connections to PostgreSQL, and to each replica, that a server process opens for reads; half"
        " as many for writes. It handles two requests less than this at a time; 4 or more",
        10,
        parse_connections,
    )
    prepared_statements: str = _env(
        "`on`: PostgreSQL prepares frequent statements by name; `off`: for a pooler that does not keep track of them,"
        " such as PgBouncer before 1.21 in transaction mode",
        "on",
        parse_one_of("on", "off"),
    )
    redis_url: str | None = _env(
        "Redis or Valkey, shared by all nodes: `redis://host:6379/0`, `redis+sentinel://host:26379/service`,"
        " `redis+cluster://host:6379`, or `rediss` for TLS; if not set, responses are cached in memory only",
        None,
        parse_redis_url,
    )
    search_index: Path | None = _env(
        "folder of this machine's search index, on a local disk; if not set, `FILE.search` beside a SQLite file, or a"
        " folder in the user's cache directory (`~/.cache/newsapi`)",
        None,
        parse_folder,
    )
    cache_mb: int = _env("megabytes of cached responses that each server process keeps in memory", 64, parse_int)
    host: str = _env("address that `newsapi serve` listens on", "127.0.0.1", str)
    port: int = _env("port that `newsapi serve` listens on", 8000, parse_port)
    processes: int = _env("server processes that share the port", 2, parse_positive_int)
    api_url: str = _env(
        "URL at which clients reach this API; `links` start with it; `http://HOST:PORT` if not set",
        "",
        parse_url,
        changes_response=True,
    )
    problem_url: str = _env(
        "base of `type` in problems, `URL/problems/NAME`: set it to the same URL on staging and production;"
        " `NEWSAPI_API_URL` if not set",
        "",
        parse_url,
        changes_response=True,
    )
    article_url: str | None = _env(
        "URL of an article on the site, such as `https://site/{section}/{slug}`; its URL in this API if not set",
        None,
        parse_url_template("section", "brand", "slug", "id"),
        changes_response=True,
    )
    brand_url: str | None = _env(
        "URL of a brand on the site, such as `https://site/marche/{slug}`",
        None,
        parse_url_template("slug"),
        changes_response=True,
    )
    author_url: str | None = _env(
        "URL of an author on the site", None, parse_url_template("slug"), changes_response=True
    )
    section_url: str | None = _env(
        "URL of a section on the site", None, parse_url_template("slug"), changes_response=True
    )
    preview_url: str | None = _env(
        "page of the site that shows drafts, such as `https://site/preview?token={token}&path={path}`, which preview"
        " links lead to; `{path}` is the path of the article on the site; if not set, the URL of the article with"
        " `?preview=`",
        None,
        parse_url_template("token", "path"),
    )
    publisher: str | None = _env("name of the publication, for search engines", None, str, changes_response=True)
    image_url: str | None = _env(
        "service that resizes images: `imgproxy+https://…`, `thumbor+https://…`, or a template with {url} or"
        " {raw_url}, {width}, {height}, {x}, {y}; if not set, only the original image is offered",
        None,
        str,
        changes_response=True,
    )
    image_key: str | None = _env(
        "signs image URLs: the key of imgproxy in hex, or the SECURITY_KEY of thumbor unchanged",
        None,
        str,
        changes_response=True,
    )
    image_salt: str | None = _env("salt of imgproxy, in hex", None, str, changes_response=True)
    time_zone: ZoneInfo = _env(
        "time zone in which a day begins (`published_on`, dates without a time)",
        ZoneInfo("Europe/Rome"),
        parse_time_zone,
        changes_response=True,
    )
    secret_key: str | None = _env(
        "signs cursors and the links in emails, and keys the hashes of email addresses: at least 32 characters, the"
        " same on every node, never changed; if not set, a generated one is stored in the database",
        None,
        parse_secret_key,
        changes_response=True,
    )
    embed_hosts: frozenset[str] = _env(
        "hosts from which an `iframe` in an article body is allowed, separated by commas",
        parse_hosts(EMBED_HOSTS),
        parse_hosts,
    )
    read_access: str = _env(
        "read access: `public` for all clients, `key` for clients with an API key only",
        "public",
        parse_one_of("public", "key"),
    )
    public_body: str = _env(
        "how much of an article body clients without a key get: `full`, `teaser` or `none`; the entitlements of partner"
        " keys apply only if it is not `full`",
        "full",
        parse_one_of("full", "teaser", "none"),
        changes_response=True,
    )
    rate_limits: tuple[int, int] | None = _env(
        "requests per minute, for a client address without a key (IPv6: a /64) and for a key without a limit of its"
        " own; cache hits in memory are not counted; `off` for no limits",
        (1_200, 6_000),
        parse_rate_limits,
    )
    trusted_proxies: Networks = _env(
        "networks of your own proxies, separated by commas: `X-Forwarded-For` is used only if it comes from them",
        (),
        parse_networks,
    )
    import_max_mb: int = _env(
        "maximum size in megabytes of a file imported over the API; it is stored in the database until the import has"
        " finished",
        2_048,
        parse_positive_int,
    )
    purge_url: str | None = _env(
        "CDN to purge after each change, which lets it cache responses for a day:"
        " `fastly+https://api.fastly.com/service/ID` or `varnish+http://host:port`",
        None,
        parse_purge_url,
    )
    purge_key: str | None = _env("API token of Fastly, for purging", None, str)
    websub_hub: str | None = _env(
        "WebSub hub that feeds link to and that is notified when they change, such as"
        " `https://pubsubhubbub.appspot.com/`",
        None,
        parse_hub_url,
        changes_response=True,
    )
    webhook_private: str = _env(
        "`allow` lets webhooks reach addresses in private networks, for tests and development",
        "refuse",
        parse_one_of("allow", "refuse"),
    )
    measure_images: str = _env(
        "which files of images the worker reads once, for their size, ThumbHash and problems, if `newsapi[images]` is"
        " installed: `public` for those at public addresses, `any` also in private networks, `off`",
        "public",
        parse_one_of("any", "off", "public"),
    )
    smtp_url: str | None = _env(
        "mail server: `smtps://user:password@host`, `smtp+starttls://…`, or `smtp://host:25` for one in the same"
        " network; if not set, email subscriptions are disabled",
        None,
        parse_smtp_url,
        changes_response=True,
    )
    mail_from: str = _env(
        "sender of emails, such as `Motor News <news@example.com>`; its domain is used in every Message-ID",
        "newsapi@localhost",
        parse_mailbox,
    )
    mail_return_path: str | None = _env(
        "address that receives bounces, such as `bounces@example.com`; each email is sent from it with a token of its"
        " own, as `bounces+TOKEN@example.com`; if not set, bounces are sent to the address of `NEWSAPI_MAIL_FROM`",
        None,
        parse_return_path,
    )
    mail_language: str = _env(
        "language of the subscription form and of emails, unless the client names one: `it` or `en`",
        "it",
        parse_one_of("it", "en"),
        changes_response=True,
    )
    subscription_url: str | None = _env(
        "page of the site that the links in emails lead to, with `?token=`; if not set, a plain page of this API",
        None,
        parse_url,
    )
    privacy_url: str | None = _env(
        "privacy policy of the site, linked wherever an email address is requested",
        None,
        parse_url,
        changes_response=True,
    )
    subscription_limits: tuple[int, int] = _env(
        "subscription requests per hour, for a client address and in total; not counted if `NEWSAPI_RATE_LIMITS` is"
        " `off`",
        (20, 2_000),
        parse_rate_pair,
    )
    metrics_port: int | None = _env(
        "port on `NEWSAPI_HOST` that serves `/metrics` for Prometheus; none if not set", None, parse_port
    )
    log_hits_every: int = _env("logs one in this many cache hits in memory; 0 logs none", 1_000, parse_int)
    log_level: str = _env("`debug`, `info`, `warning` or `error`", "info", parse_log_level)

    def __post_init__(self) -> None:
        """Set the defaults of `api_url`, which depends on `host` and `port`, and of `problem_url`."""
        if not self.api_url:
            # A server that listens on all interfaces is reached on the loopback address.
            host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
            host = f"[{host}]" if ":" in host else host
            object.__setattr__(self, "api_url", f"http://{host}:{self.port}")
        if not self.problem_url:
            object.__setattr__(self, "problem_url", self.api_url)

    def response_values(self) -> dict[str, str]:
        """Return name and value of the settings that change the bytes of public responses."""
        return {
            field.name: str(getattr(self, field.name))
            for field in dataclasses.fields(self)
            if field.metadata["changes_response"]
        }

    @classmethod
    def from_env(cls, environ: Mapping[str, str | None] | None = None) -> Settings:
        """Read the `NEWSAPI_*` variables.

        Args:
            environ: The variables; if None, those of the file `.env` and of the environment, which has precedence.

        Returns:
            The settings; a variable that is missing or empty has its default.

        Raises:
            SettingError: A variable is no setting, a value cannot be used, or the file cannot be read; the error names
                the variable or file and the reason.
        """
        variables = _read_variables() if environ is None else environ
        _reject_unknown_names(variables)
        values: dict[str, Any] = {}
        for field in dataclasses.fields(cls):
            name = PREFIX + field.name.upper()
            former_name = PREFIX + FORMER_NAMES.get(field.name, field.name).upper()
            text = (variables.get(name) or variables.get(former_name) or "").strip()
            if text:
                try:
                    values[field.name] = field.metadata["parse"](_checked_text(text))
                except ValueError as error:
                    raise SettingError(name, str(error)) from error
        return cls(**values)


def _read_variables() -> Mapping[str, str | None]:
    """Return the variables of the file `.env` and of the environment, which has precedence."""
    try:
        return {**read_env_file(Path(".env"), PREFIX), **os.environ}
    except ValueError as error:
        raise SettingError("The file .env", str(error)) from error


def _reject_unknown_names(variables: Mapping[str, str | None]) -> None:
    """Raise SettingError for a variable with our prefix that is no setting: a misspelt name would have no effect."""
    fields = dataclasses.fields(Settings)
    names = [field.name.upper() for field in fields]
    known = {*names, *(name.upper() for name in FORMER_NAMES.values())}
    for variable in sorted(variables):
        name = variable.removeprefix(PREFIX)
        if name == variable or name in known or variable.startswith(TEST_PREFIX):
            continue
        [nearest] = difflib.get_close_matches(name, names, n=1, cutoff=0)
        raise SettingError(variable, f"is not a setting; the most similar setting is {PREFIX}{nearest}")


def _checked_text(text: str) -> str:
    """Return the text of a variable; raise ValueError if it is not one line of text."""
    if _CONTROL_CHARACTER.search(text):
        raise ValueError("is not a single line without control characters")
    try:
        text.encode()
    except UnicodeEncodeError as error:  # bytes of the environment that are not UTF-8 are read as lone surrogates
        raise ValueError("is not text in UTF-8") from error
    return text


def settings_markdown() -> str:
    """Return the settings as a Markdown table."""
    lines = ["| setting | default | what it is |", "| --- | --- | --- |"]
    for field in dataclasses.fields(Settings):
        default = field.default
        text = ",".join(map(str, sorted(default))) if isinstance(default, frozenset | tuple) else default
        lines.append(f"| `{PREFIX}{field.name.upper()}` | {f'`{text}`' if text else ''} | {field.metadata['help']} |")
    return "\n".join(lines)
