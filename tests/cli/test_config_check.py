"""What is set up in a way that may not be meant is said, and nothing else."""

from datetime import timedelta

import pytest

from newsapi.cli import config_check
from newsapi.content.writes.terms import resolve_slugs
from newsapi.keys import commands as key_commands
from newsapi.keys.commands import Entitlement, KeyLimits
from newsapi.keys.queries import list_keys as every_key
from newsapi.settings import Settings

pytestmark = pytest.mark.one_database

FASTLY = "fastly+https://api.fastly.com/service/x"
QUIET = {"NEWSAPI_API_URL": "https://api.example.com"}
MAIL = {
    "NEWSAPI_SMTP_URL": "smtps://mail.example",
    "NEWSAPI_MAIL_FROM": "News <news@site.example>",
    "NEWSAPI_SECRET_KEY": "x" * 32,
}


@pytest.fixture
def said(database, clock):
    """What is said of settings, and of the keys that there are."""

    def said(**settings):
        with database.read_transaction() as connection:
            rows = every_key(connection)
        read = Settings.from_env({**QUIET, **settings})
        return [*config_check.setting_warnings(read), *config_check.key_warnings(read, rows, clock())]

    return said


def test_of_what_is_as_it_should_be_nothing_is_said(said):
    assert said() == []


@pytest.mark.parametrize(
    ("settings", "about"),
    [
        ({"NEWSAPI_PUBLIC_BODY": "teaser"}, "no partner has a key"),
        ({"NEWSAPI_DATABASE_REPLICA_URLS": "postgresql://replica/news"}, "is SQLite"),
        ({"NEWSAPI_WEBHOOK_PRIVATE": "allow"}, "NEWSAPI_WEBHOOK_PRIVATE"),
        ({"NEWSAPI_MEASURE_IMAGES": "any"}, "NEWSAPI_MEASURE_IMAGES"),
        ({"NEWSAPI_PURGE_URL": FASTLY}, "set NEWSAPI_PURGE_KEY"),
        ({"NEWSAPI_PURGE_KEY": "token"}, "has no effect"),
        ({"NEWSAPI_PURGE_KEY": "token", "NEWSAPI_PURGE_URL": "varnish+http://cache:80"}, "has no effect"),
        (MAIL | {"NEWSAPI_SMTP_URL": "file:///var/mail"}, "are not sent"),
        ({"NEWSAPI_RATE_LIMITS": "off"}, "NEWSAPI_RATE_LIMITS"),
        ({"NEWSAPI_API_URL": "http://api.example.com"}, "not https"),
        ({"NEWSAPI_HOST": "0.0.0.0", "NEWSAPI_API_URL": "http://127.0.0.1:8000"}, "leads clients to"),
        ({"NEWSAPI_HOST": "0.0.0.0", "NEWSAPI_METRICS_PORT": "9100"}, "/metrics is open"),
        ({"NEWSAPI_REDIS_URL": "redis://10.0.0.7:6379/0"}, "no password"),
        ({"NEWSAPI_TRUSTED_PROXIES": "0.0.0.0/0"}, "trusts every address"),
        (MAIL | {"NEWSAPI_SMTP_URL": "smtp://mail.example:25"}, "without TLS"),
        (MAIL | {"NEWSAPI_MAIL_FROM": "News <news@localhost>"}, "NEWSAPI_MAIL_FROM"),
        (MAIL | {"NEWSAPI_SECRET_KEY": ""}, "NEWSAPI_SECRET_KEY"),
        ({"NEWSAPI_MAIL_RETURN_PATH": "bounces@site.example"}, "has no effect"),
    ],
    ids=lambda one: "-".join(one) if isinstance(one, dict) else None,
)
def test_a_setting_that_may_not_be_meant_is_named(said, settings, about):
    [sentence] = said(**settings)
    assert about in sentence


@pytest.mark.parametrize(
    "settings",
    [
        {"NEWSAPI_API_URL": "http://127.0.0.1:8000"},
        {"NEWSAPI_REDIS_URL": "redis://127.0.0.1:6379/0"},
        {"NEWSAPI_REDIS_URL": "redis://:word@10.0.0.7:6379/0"},
        {"NEWSAPI_METRICS_PORT": "9100"},
        {"NEWSAPI_PURGE_KEY": "token", "NEWSAPI_PURGE_URL": FASTLY},
        {"NEWSAPI_PURGE_URL": "varnish+http://cache:80"},
        {"NEWSAPI_TRUSTED_PROXIES": "10.0.0.0/8"},
        MAIL,
        MAIL | {"NEWSAPI_SMTP_URL": "smtp://127.0.0.1:25"},
        MAIL | {"NEWSAPI_MAIL_RETURN_PATH": "bounces@site.example"},
    ],
)
def test_what_only_looks_like_it_is_passed_over(said, settings):
    assert said(**settings) == []


def test_a_key_that_binds_nothing_is_named_until_it_ends(said, make, database, clock):
    make.brand("fiat")
    entitlement = Entitlement(brands=("fiat",), body="teaser")
    end = clock() + timedelta(days=1)
    key_commands.create(
        database,
        "gazzetta",
        ("partner:read",),
        now=clock(),
        limits=KeyLimits(expires_at=end, entitlement=entitlement),
        resolve_slugs=resolve_slugs,
    )
    [sentence] = said()
    assert "gazzetta" in sentence
    assert said(NEWSAPI_PUBLIC_BODY="none") == []
    clock.forward(days=2)
    assert said() == []


def test_a_key_that_may_do_everything_for_ever_is_named(said, database, clock):
    key_commands.create(
        database, "capo", ("admin",), now=clock(), limits=KeyLimits(expires_at=clock() + timedelta(days=30))
    )
    assert said() == []
    key_commands.create(database, "anna", ("admin",), now=clock())
    [sentence] = said()
    assert "anna" in sentence
