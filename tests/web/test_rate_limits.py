"""Limits: how many requests get through, what is told of them, and what does not help."""

import time
from dataclasses import replace
from ipaddress import ip_network
from secrets import token_bytes

import pytest

from newsapi.keys import commands as key_commands
from newsapi.keys.commands import KeyLimits
from newsapi.web.rate_limits import ip_group
from tests.support import servers
from tests.support.client import Editor

pytestmark = pytest.mark.one_database

MOST = 20


@pytest.fixture(autouse=True)
def one_second(monkeypatch):
    """Time stands still, a second after a minute began: no window ends while a story is told."""
    now = time.time() // 60 * 60 + 1
    monkeypatch.setattr(time, "time", lambda: now)


@pytest.fixture
def limited(settings, build):
    return lambda **more: build(replace(settings, rate_limits=(MOST, 2 * MOST), **more))


def statuses(client, count, path="/v1/articles?x={}", **environ):
    """What is answered to requests that no memory has: an unknown parameter, each time another."""
    return [client.get(path.format(n), environ_overrides=environ or None).status_code for n in range(count)]


def test_an_address_gets_its_number_and_then_is_told_when_to_come_again(limited):
    client = limited().test_client()
    assert statuses(client, MOST + 5) == [400] * MOST + [429] * 5
    answer = client.get("/v1/nothing")
    assert answer.status_code in {404, 429}
    answer = client.get("/v1/articles?y=1")
    assert (answer.status_code, answer.json["type"].rpartition("/")[2]) == (429, "rate-limited")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["RateLimit-Policy"] == f'"address";q={MOST};w=60'
    assert answer.headers["RateLimit"].startswith('"address";r=0;t=')
    assert answer.headers["Cache-Control"] == "no-store"


def test_what_is_answered_from_memory_is_free_and_so_is_304(limited, make):
    make.article("velar")
    client = limited().test_client()
    first = client.get("/v1/articles/velar")
    headers = {"If-None-Match": first.headers["ETag"]}
    assert {client.get("/v1/articles/velar").status_code for _ in range(3 * MOST)} == {200}
    assert {client.get("/v1/articles/velar", headers=headers).status_code for _ in range(3 * MOST)} == {304}
    assert statuses(client, MOST + 5)[: MOST - 1] == [400] * (MOST - 1)
    assert client.get("/v1/articles/velar").status_code == 200
    assert client.get("/v1/articles?limit=7").status_code == 429


def test_a_key_has_a_number_of_its_own_wherever_it_is_used_from(limited, database, clock):
    app = limited()
    usual = Editor(app, key_commands.create(database, "a", ["drafts:read"], now=clock()))
    more = Editor(
        app,
        key_commands.create(
            database, "b", ["drafts:read"], now=clock(), limits=KeyLimits(requests_per_minute=3 * MOST)
        ),
    )
    found = []
    for n in range(2 * MOST + 3):
        address = {"REMOTE_ADDR": f"192.0.2.{n}"}
        found.append(usual.client.get("/v1/articles", headers=usual.headers, environ_overrides=address))
    assert [answer.status_code for answer in found] == [200] * 2 * MOST + [429] * 3
    left = [int(answer.headers["RateLimit"].split("r=")[1].split(";")[0]) for answer in found]
    assert left == [*range(2 * MOST - 1, -1, -1), 0, 0, 0]
    assert [more.get("/v1/articles").status_code for _ in range(3 * MOST + 1)] == [200] * 3 * MOST + [429]
    assert statuses(app.test_client(), 1) == [400]


def test_what_a_client_says_of_its_address_is_worth_nothing(limited):
    client = limited().test_client()
    found = [
        client.get(f"/v1/articles?x={n}", headers={"X-Forwarded-For": f"10.0.0.{n}", "Forwarded": f"for=10.0.0.{n}"})
        for n in range(MOST + 5)
    ]
    assert [answer.status_code for answer in found].count(429) == 5


def test_of_a_trusted_proxy_the_last_address_that_is_not_trusted_counts(limited):
    client = limited(trusted_proxies=(ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8"))).test_client()

    def ask(said):
        return client.get("/v1/articles?x=1", headers={"X-Forwarded-For": said}).status_code

    assert [ask(f"203.0.113.{n}") for n in range(MOST + 5)] == [400] * (MOST + 5)
    forged = [ask(f"198.51.100.{n}, 192.0.2.7, 10.0.0.9") for n in range(MOST + 5)]
    assert forged == [400] * MOST + [429] * 5
    other = limited(trusted_proxies=(ip_network("10.0.0.0/8"),)).test_client()
    found = [
        other.get("/v1/articles?x=1", headers={"X-Forwarded-For": f"192.0.2.{n}"}).status_code for n in range(MOST + 1)
    ]
    assert found[-1] == 429


@pytest.mark.parametrize(
    ("address", "whom"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_of_ipv6_a_line_counts_as_one(address, whom):
    assert ip_group(address) == whom


def test_two_nodes_with_one_redis_count_together(limited, pytestconfig):
    app = limited(redis_url=servers.redis_url(pytestconfig))
    nodes = [app.test_client(), limited(redis_url=servers.redis_url(pytestconfig)).test_client()]
    address = {"REMOTE_ADDR": f"10.{token_bytes(1)[0]}.{token_bytes(1)[0]}.{token_bytes(1)[0]}"}  # nobody else's
    found = [statuses(nodes[n % 2], 1, **address)[0] for n in range(MOST + 6)]
    # The shared counts go by the clock of the server, and a minute may turn meanwhile.
    assert MOST <= found.count(400) <= 1.1 * MOST + 1
    assert found[-1] == 429


def test_with_redis_away_each_node_counts_for_itself(limited):
    client = limited(redis_url="redis://127.0.0.1:9/0").test_client()
    assert statuses(client, MOST + 5) == [400] * MOST + [429] * 5


def test_no_limit_at_all_says_nothing(client):
    answer = client.get("/v1/articles")
    assert "RateLimit" not in answer.headers
