"""Every setting is read, refused in words that name it, and documented."""

import dataclasses
from ipaddress import ip_network
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from newsapi.settings import FORMER_NAMES, PREFIX, SettingError, Settings, settings_markdown

PAGE = Path(__file__).parents[2] / "docs" / "operate" / "settings.md"
NAMES = [PREFIX + field.name.upper() for field in dataclasses.fields(Settings)]

READ = [
    ("DATABASE_URL", "sqlite:///a.sqlite3", "sqlite:///a.sqlite3"),
    ("DATABASE_URL", "postgresql://u@h/n", "postgresql+psycopg://u@h/n"),
    ("DATABASE_URL", "postgres://u@h/n", "postgresql+psycopg://u@h/n"),
    ("DATABASE_URL", "postgresql+psycopg://u@h/n", "postgresql+psycopg://u@h/n"),
    (
        "DATABASE_REPLICA_URLS",
        "postgresql://u@h/n, postgres://u@/n?host=a,b",
        ("postgresql+psycopg://u@h/n", "postgresql+psycopg://u@/n?host=a,b"),
    ),
    ("DATABASE_CONNECTIONS", "4", 4),
    ("PREPARED_STATEMENTS", "off", "off"),
    ("REDIS_URL", "redis://h/0", "redis://h/0"),
    ("CACHE_MB", "0", 0),
    ("SEARCH_INDEX", "/var/lib/newsapi/search", Path("/var/lib/newsapi/search")),
    ("PROCESSES", "4", 4),
    ("HOST", "0.0.0.0", "0.0.0.0"),
    ("PORT", "1", 1),
    ("PORT", " 65535 ", 65_535),
    ("API_URL", "https://api.example.com/", "https://api.example.com"),
    ("PROBLEM_URL", "https://api.example.com/v/", "https://api.example.com/v"),
    ("ARTICLE_URL", "https://site/{section}/{slug}", "https://site/{section}/{slug}"),
    ("ARTICLE_URL", "https://site/{brand}-{id}", "https://site/{brand}-{id}"),
    ("BRAND_URL", "https://site/marche/{slug}", "https://site/marche/{slug}"),
    ("AUTHOR_URL", "https://site/autori/{slug}", "https://site/autori/{slug}"),
    ("SECTION_URL", "https://site/{slug}", "https://site/{slug}"),
    ("PUBLISHER", " La Gazzetta ", "La Gazzetta"),
    ("IMAGE_URL", "imgproxy+https://pictures.example", "imgproxy+https://pictures.example"),
    ("IMAGE_KEY", "00ff", "00ff"),
    ("IMAGE_SALT", "ff00", "ff00"),
    ("TIME_ZONE", "Australia/Sydney", ZoneInfo("Australia/Sydney")),
    ("SECRET_KEY", "x" * 32, "x" * 32),
    ("EMBED_HOSTS", " A.example , b.example,", frozenset({"a.example", "b.example"})),
    ("LOG_LEVEL", "DEBUG", "debug"),
    ("PROCESSES", "3", 3),
    ("PURGE_URL", "fastly+https://api.fastly.com/service/x/", "fastly+https://api.fastly.com/service/x"),
    ("PURGE_URL", "varnish+http://cache:6081", "varnish+http://cache:6081"),
    ("PURGE_KEY", "token", "token"),
    ("WEBSUB_HUB", "https://hub.example/", "https://hub.example/"),
    ("METRICS_PORT", "9100", 9100),
    ("IMPORT_MAX_MB", "100", 100),
    ("LOG_HITS_EVERY", "0", 0),
    ("READ_ACCESS", "key", "key"),
    ("WEBHOOK_PRIVATE", "allow", "allow"),
    ("MEASURE_IMAGES", "any", "any"),
    ("SMTP_URL", "smtps://news:secret@mail.example:465", "smtps://news:secret@mail.example:465"),
    ("SMTP_URL", "smtp+starttls://mail.example", "smtp+starttls://mail.example"),
    ("SMTP_URL", "file:///var/mail/sent", "file:///var/mail/sent"),
    ("MAIL_FROM", "Caffè & Motori <news@site.example>", "Caffè & Motori <news@site.example>"),
    ("MAIL_FROM", "news@site.example", "news@site.example"),
    ("MAIL_RETURN_PATH", "bounces@site.example", "bounces@site.example"),
    ("MAIL_LANGUAGE", "en", "en"),
    ("SUBSCRIPTION_URL", "https://site.example/avvisi", "https://site.example/avvisi"),
    ("PREVIEW_URL", "https://site/p?t={token}&path={path}", "https://site/p?t={token}&path={path}"),
    ("PRIVACY_URL", "https://site.example/privacy", "https://site.example/privacy"),
    ("SUBSCRIPTION_LIMITS", "5, 100", (5, 100)),
    ("PUBLIC_BODY", "teaser", "teaser"),
    ("RATE_LIMITS", "off", None),
    ("RATE_LIMITS", "10, 20", (10, 20)),
    ("TRUSTED_PROXIES", "10.0.0.0/8, ::1/128,", (ip_network("10.0.0.0/8"), ip_network("::1/128"))),
]
REFUSED = [
    ("DATABASE_URL", "mysql://u@h/n"),
    ("DATABASE_REPLICA_URLS", "sqlite:///a.sqlite3"),
    ("DATABASE_REPLICA_URLS", "postgresql://u@h/n postgresql://u@i/n,"),
    ("DATABASE_CONNECTIONS", "3"),
    ("PREPARED_STATEMENTS", "no"),
    ("MAIL_RETURN_PATH", "bounces"),
    ("MAIL_RETURN_PATH", "Bounces <bounces@site.example>"),
    ("MAIL_RETURN_PATH", "bounces+news@site.example"),
    ("MAIL_RETURN_PATH", "caffè@site.example"),
    ("MAIL_RETURN_PATH", f"{'b' * 32}@site.example"),
    ("WEBHOOK_PRIVATE", "yes"),
    ("MEASURE_IMAGES", "on"),
    ("DATABASE_URL", "news.sqlite3"),
    ("SEARCH_INDEX", __file__),
    ("PORT", "65536"),
    ("PORT", "0"),
    ("REDIS_URL", "localhost:6379"),
    ("PORT", "-1"),
    ("CACHE_MB", "much"),
    ("PROCESSES", "0"),
    ("PORT", "٣"),
    ("PORT", "80a"),
    ("API_URL", "api.example.com"),
    ("API_URL", "ftp://api.example.com"),
    ("API_URL", "https://"),
    ("PROBLEM_URL", "problems"),
    ("PROBLEM_URL", "https://"),
    ("ARTICLE_URL", "https://site/{headline}"),
    ("ARTICLE_URL", "https://site/{}"),
    ("ARTICLE_URL", "https://site/{slug"),
    ("ARTICLE_URL", "/{slug}"),
    ("BRAND_URL", "https://site/{section}"),
    ("AUTHOR_URL", "{slug}"),
    ("SECTION_URL", "https://site/{0}"),
    ("BRAND_URL", "https://site/{section}/{slug}"),
    ("AUTHOR_URL", "site/{slug}"),
    ("SECTION_URL", "https://site/{id}"),
    ("TIME_ZONE", "Europe/Roma"),
    ("TIME_ZONE", "../../etc/passwd"),
    ("TIME_ZONE", "/etc/localtime"),
    ("SECRET_KEY", "x" * 31),
    ("LOG_LEVEL", "loud"),
    ("CACHE_MB", "-1"),
    ("PURGE_URL", "https://api.fastly.com/service/x"),
    ("PURGE_URL", "akamai+https://x.example"),
    ("PURGE_URL", "varnish+cache:6081"),
    ("PURGE_URL", "varnish+http://cache-1:6081,varnish+http://cache-2:6081"),
    ("WEBSUB_HUB", "hub.example"),
    ("IMPORT_MAX_MB", "0"),
    ("METRICS_PORT", "0"),
    ("LOG_HITS_EVERY", "some"),
    ("READ_ACCESS", "nobody"),
    ("SMTP_URL", "mail.example:25"),
    ("SMTP_URL", "http://mail.example"),
    ("SMTP_URL", "smtp://"),
    ("SMTP_URL", "smtp://mail.example:x"),
    ("MAIL_FROM", "nobody"),
    ("MAIL_FROM", "News <news@site.example>\r\nBcc: <all@site.example>"),
    ("MAIL_LANGUAGE", "de"),
    ("SUBSCRIPTION_URL", "site.example"),
    ("PREVIEW_URL", "https://site/p?t={token}&slug={slug}"),
    ("PREVIEW_URL", "/p?t={token}"),
    ("PRIVACY_URL", "/privacy"),
    ("SUBSCRIPTION_LIMITS", "5"),
    ("SUBSCRIPTION_LIMITS", "0,5"),
    ("PUBLIC_BODY", "some"),
    ("RATE_LIMITS", "10"),
    ("RATE_LIMITS", "0,10"),
    ("RATE_LIMITS", "many,10"),
    ("TRUSTED_PROXIES", "10.0.0.1/8"),
    ("TRUSTED_PROXIES", "localhost"),
]


@pytest.mark.parametrize(("name", "text", "value"), READ)
def test_a_setting_is_read(name, text, value):
    assert getattr(Settings.from_env({PREFIX + name: text}), name.lower()) == value


@pytest.mark.parametrize(("name", "text"), REFUSED)
def test_what_cannot_be_used_is_refused_by_name(name, text):
    with pytest.raises(SettingError, match=f"^{PREFIX}{name} is ") as refused:
        Settings.from_env({PREFIX + name: text})
    assert refused.value.name == PREFIX + name


def test_a_secret_that_is_refused_is_not_told():
    with pytest.raises(SettingError) as refused:
        Settings.from_env({f"{PREFIX}SECRET_KEY": "hunter2"})
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("NEWSAPI_PROT", "NEWSAPI_PORT"),
        ("NEWSAPI_DATABSE_URL", "NEWSAPI_DATABASE_URL"),
        ("NEWSAPI_DATABASE", "NEWSAPI_DATABASE_URL"),
        ("NEWSAPI_port", "NEWSAPI_"),
        ("NEWSAPI_", "NEWSAPI_"),
    ],
)
@pytest.mark.parametrize("value", ["1", ""])
def test_a_name_that_is_no_setting_is_refused_with_the_nearest_one(name, nearest, value):
    with pytest.raises(
        SettingError, match=f"^{name} is not a setting; the most similar setting is {nearest}"
    ) as refused:
        Settings.from_env({"NEWSAPI_PORT": "80", name: value})
    assert refused.value.name == name


def test_names_of_other_programs_and_of_tests_are_no_settings_of_ours():
    assert Settings.from_env({"PORT": "x", "MY_NEWSAPI_PROT": "1", "NEWSAPI_TEST_DATABASE_URL": "x"}) == Settings()


@pytest.mark.parametrize(("name", "former"), FORMER_NAMES.items())
def test_a_former_name_is_read(name, former):
    [text] = [text for read, text, _ in READ if read.lower() == name]
    by_name, by_former_name = (Settings.from_env({PREFIX + one.upper(): text}) for one in (name, former))
    assert by_name == by_former_name != Settings()


NASTY = [
    "\udcff", "a\nb", "\x01", "9" * 5_000, "{", "}", "{slug.x}", "{slug[a]}", "{slug!z}", "{slug:d}", "{0}", "%", "[",
    "http://[", "https://[::1", "https://a:b/", "https://a:99999/", "postgresql://[", "redis://a:b", "smtp://[",
    "fastly+http://[", "https://x/{slug.__class__}", "https://x/{slug[a]}", "https://x/{slug:9}", "https://x/{slug!r}",
    "\u202e", "\ufeff", "☃", "'", '"', ",", ";", "-", "+", "1e9", "١", "0x10",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", NASTY)
def test_any_text_is_a_value_or_is_refused_by_name(name, text):
    message = ""
    try:
        str(Settings.from_env({name: text})).encode()
    except SettingError as error:
        message = str(error)
    assert message.startswith(f"{name} ") or not message
    assert "\n" not in message


def test_an_empty_setting_is_one_left_out():
    assert Settings.from_env(dict.fromkeys(NAMES, " ")) == Settings.from_env({}) == Settings()


def test_every_setting_is_tried_here():
    assert {PREFIX + name for name, *_ in READ} == set(NAMES)


def test_links_start_at_the_host_and_port_unless_told_otherwise():
    assert Settings.from_env({f"{PREFIX}PORT": "81"}).api_url == "http://127.0.0.1:81"


def test_settings_that_change_a_response_are_declared_beside_the_setting():
    """Values that only say how the server runs must not split the cache that all nodes share."""
    names = set(Settings(image_url="https://images.example/{url}").response_values())
    assert {"api_url", "article_url", "image_url", "secret_key", "time_zone", "public_body"} <= names
    assert names.isdisjoint({"database_url", "redis_url", "cache_mb", "host", "processes", "log_level", "purge_key"})


def test_settings_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().port = 1


def test_every_setting_is_told_in_one_line_of_help():
    lines = settings_markdown().splitlines()[2:]
    assert [line.split("`")[1] for line in lines] == NAMES
    assert all(line.count(" | ") == 2 and len(line) > len(name) + 20 for line, name in zip(lines, NAMES, strict=True))


def test_the_documentation_has_the_table_of_settings():
    _, start, rest = PAGE.read_text().partition("<!-- settings -->")
    shown, end, _ = rest.partition("<!-- /settings -->")
    assert start
    assert end
    assert shown.strip() == settings_markdown()
