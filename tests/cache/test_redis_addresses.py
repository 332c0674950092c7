"""Redis behind Sentinels, as a cluster and with TLS: cached responses and rate limits work, and survive a failover."""

import contextlib
import select
import socket
import socketserver
import ssl
import subprocess
import threading
import time

import pytest
from limits import RateLimitItemPerMinute
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from newsapi.cache.cached_response import CachedResponse
from newsapi.cache.redis_cache import RedisResponseCache
from newsapi.setting_parsers import parse_redis_nodes, parse_redis_url
from newsapi.web.shared_limits import SharedLimits
from tests.support import servers
from tests.support.processes import free_port

pytestmark = [pytest.mark.real_time, pytest.mark.one_database]

ANSWER = CachedResponse(body=b"{}", seq=1, nonce=1 << 62, changed_at=None)
LIMIT = RateLimitItemPerMinute(100)
PATIENCE = 60


def until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextlib.contextmanager
def running(folder, *arguments):
    """A Valkey with these arguments, which is stopped at the end."""
    folder.mkdir()
    process = subprocess.Popen(
        [servers.valkey_program(), *arguments, "--save", "", "--dir", folder],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def answers(port, password=None):
    client = Redis(port=port, password=password)
    try:
        return client.ping()
    except RedisConnectionError:
        return False
    finally:
        client.close()


def remaining(limits):
    counted = limits.count(LIMIT, "address", "10.0.0.1")
    return counted and counted.remaining


def test_sentinels_lead_to_the_next_primary_after_the_death_of_the_first(tmp_path):
    first, second, sentinel = free_port(), free_port(), free_port()
    secret = ["--requirepass", "word", "--masterauth", "word"]
    (tmp_path / "sentinel.conf").write_text(
        f"port {sentinel}\nsentinel monitor news 127.0.0.1 {first} 1\nsentinel auth-pass news word\n"
        "sentinel down-after-milliseconds news 300\nsentinel failover-timeout news 2000\n"
    )
    with (
        running(tmp_path / "1", "--port", str(first), *secret) as primary,
        running(tmp_path / "2", "--port", str(second), *secret, "--replicaof", "127.0.0.1", str(first)),
    ):
        until(lambda: answers(first, "word") and answers(second, "word"))
        replica = Redis(port=second, password="word")
        until(lambda: replica.info("replication")["master_link_status"] == "up")
        with running(tmp_path / "3", tmp_path / "sentinel.conf", "--sentinel"):
            until(lambda: answers(sentinel))
            watcher = Redis(port=sentinel)
            until(lambda: len(watcher.sentinel_slaves("news")) == 1)
            url = f"redis+sentinel://:word@127.0.0.1:{sentinel},127.0.0.1:1/news"
            shared, limits = RedisResponseCache(url, "r"), SharedLimits(url)
            assert shared.state() == "ok (Redis)"
            shared.put("k", ANSWER)
            assert shared.get("k").body == ANSWER.body
            assert (remaining(limits), remaining(limits)) == (99, 98)
            primary.kill()
            until(lambda: shared.put("after", ANSWER) or shared.get("after") is not None)
            assert shared.state() == "ok (Redis)"
            assert replica.keys("*after")
            until(lambda: remaining(limits) is not None)
            watcher.close()
        replica.close()


def test_a_cluster_keeps_responses_and_counts_and_says_when_it_refuses(tmp_path):
    port = free_port()
    url = f"redis+cluster://127.0.0.1:{port}"
    with running(tmp_path / "1", "--port", str(port), "--cluster-enabled", "yes") as node:
        until(lambda: answers(port))
        shared, limits = RedisResponseCache(url, "r"), SharedLimits(url)
        assert shared.state().startswith("Redis ")
        shared.put("k", ANSWER)
        assert (shared.get("k"), shared.failures > 0) == (None, True)
        with Redis(port=port) as administrator:
            administrator.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
        until(lambda: shared.put("k", ANSWER) or shared.get("k") is not None)
        assert shared.state() == "ok (Redis)"
        assert shared.claim("k")
        assert not RedisResponseCache(url, "r").claim("k")
        shared.release("k")
        assert RedisResponseCache(url, "r").claim("k")
        assert (remaining(limits), remaining(limits)) == (99, 98)
        node.kill()
        node.wait()
        assert shared.get("k") is None
        assert remaining(limits) is None
        assert shared.state().startswith("Redis does not answer")


def test_a_cluster_that_is_away_at_the_start_is_used_when_it_comes(tmp_path):
    port = free_port()
    shared = RedisResponseCache(f"redis+cluster://127.0.0.1:{port}", "r")
    shared.put("k", ANSWER)
    assert shared.failures == 1
    with running(tmp_path / "1", "--port", str(port), "--cluster-enabled", "yes"):
        until(lambda: answers(port))
        with Redis(port=port) as administrator:
            administrator.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
        until(lambda: shared.put("k", ANSWER) or shared.get("k") is not None)


@pytest.fixture
def certificate(tmp_path):
    """A certificate for localhost, signed by itself, and its key."""
    paths = tmp_path / "certificate.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    try:
        subprocess.run(
            [*command, "-addext", "subjectAltName=DNS:localhost", "-out", paths[0], "-keyout", paths[1]],
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    return paths


@contextlib.contextmanager
def tls_before(socket_path, certificate):
    """A TLS port in front of a Unix socket; yields the number of the port. Every connection is closed at the end."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    connections = []

    class Forward(socketserver.BaseRequestHandler):
        def handle(self):
            connections.append(self.request)
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as inner:
                inner.connect(socket_path)
                with context.wrap_socket(self.request.dup(), server_side=True) as outer:
                    self.copy(outer, inner)

        def copy(self, outer, inner):
            while True:
                readable = [outer] if outer.pending() else select.select([outer, inner], [], [])[0]
                for source in readable:
                    if not (piece := source.recv(1 << 14)):
                        return
                    (inner if source is outer else outer).sendall(piece)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Forward) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
            for connection in connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


def test_tls_is_used_and_the_certificate_is_verified(certificate):
    with servers.valkey() as url, tls_before(url.removeprefix("unix://"), certificate) as port:
        trusted = RedisResponseCache(f"rediss://localhost:{port}/0?ssl_ca_certs={certificate[0]}", "r")
        until(lambda: trusted.put("k", ANSWER) or trusted.get("k") is not None)  # a handshake may take 0.1 s under load
        untrusted = RedisResponseCache(f"rediss://localhost:{port}/0", "r")
        assert untrusted.get("k") is None
        assert untrusted.state().startswith("Redis does not answer")
        other_name = RedisResponseCache(f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={certificate[0]}", "r")
        assert other_name.get("k") is None


@pytest.mark.parametrize(
    ("url", "nodes"),
    [
        ("redis+sentinel://a:1,b:2,c/news", [("a", 1), ("b", 2), ("c", 26379)]),
        ("rediss+sentinel://user:p%40ss@a/news/3", [("a", 26379)]),
        ("redis+cluster://[::1]:7000,[::2]", [("::1", 7000), ("::2", 6379)]),
    ],
)
def test_addresses_of_several_nodes_are_understood(url, nodes):
    assert parse_redis_url(url) == url
    assert parse_redis_nodes(url) == nodes


@pytest.mark.parametrize(
    "url",
    [
        "redis+sentinel://a:1",
        "redis+sentinel://a:x/news",
        "redis+sentinel://,b/news",
        "redis+cluster://a:0",
        "redis+cluster://",
        "unix+cluster://a",
        "redis+other://a",
        "memcached://a",
    ],
)
def test_addresses_that_cannot_be_used_are_refused(url):
    with pytest.raises(ValueError, match=r"^(is|names)"):
        parse_redis_url(url)
