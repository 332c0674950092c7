"""Calls to addresses of others lead into no private network, and end."""

import socket
import threading
import time

import pytest

from newsapi.worker import safe_http
from newsapi.worker.addresses import InvalidAddress, is_public, normalize_url

pytestmark = pytest.mark.real_time

PRIVATE = [
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("::1", "::", "fe80::1", "fc00::1", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1"),
    *("fec0::1", "feff::1", "192.0.0.1", "192.0.0.9", "192.0.0.171", "192.88.99.1", "192.31.196.1", "192.52.193.1"),
    *("192.175.48.1", "198.51.100.1", "203.0.113.1", "100.127.255.255", "0.1.2.3", "::8.8.8.8", "::ffff:0:8.8.8.8"),
    *("64:ff9b:1::808:808", "64:ff9b::a00:1", "100::1", "100:0:0:1::1", "2001::1", "2001:0:4136:e378::1", "2001:2::1"),
    *("2001:10::1", "2001:20::1", "2001:db8::1", "2002:a00:1::1", "2002:c058:6301::1", "2620:4f:8000::1", "3fff::1"),
    *("5f00::1", "4000::1", "::ffff:192.0.0.1", "::ffff:192.88.99.1"),
    *("2002:7f00:1::", "224.0.0.1", "ff02::1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1", "fe80::1%lo"),
]
WRITTEN = [
    *("127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "localhost", "LOCALHOST.", "127.0.0.1."),
    "１２７.0.0.1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_told_from_public_ones(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "192.0.1.1", "192.88.98.1", "2a00::1"],
)
def test_public_addresses_are_public(address):
    assert is_public(address)


@pytest.fixture
def forbidden():
    """A server at home that nobody may reach; answers how often somebody did."""
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.2)
    yield server
    try:
        server.accept()
        hit = True
    except TimeoutError:
        hit = False
    server.close()
    assert not hit


@pytest.mark.parametrize("host", [*(f"[{a}]" if ":" in a else a for a in PRIVATE if "%" not in a), *WRITTEN])
def test_none_of_them_is_called_however_it_is_written(forbidden, host):
    port = forbidden.getsockname()[1]
    with pytest.raises((safe_http.ForbiddenAddress, socket.gaierror)):
        safe_http.post(f"http://{host}:{port}/hook", b"{}", {}, allow_private=False)


def test_a_name_that_says_something_else_a_moment_later_changes_nothing(forbidden, monkeypatch):
    port = forbidden.getsockname()[1]
    asked = []

    def look_up(host, port_, **_):
        asked.append(host)
        address = "192.0.2.55" if len(asked) > 1 else "8.8.8.8"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address if len(asked) == 1 else "127.0.0.1", port_))]

    reached = []

    def connect(_self, place):
        reached.append(place)
        raise ConnectionRefusedError

    monkeypatch.setattr(safe_http.socket, "getaddrinfo", look_up)
    monkeypatch.setattr(safe_http.socket.socket, "connect", connect)
    with pytest.raises(ConnectionRefusedError):
        safe_http.post(f"http://rebind.example:{port}/", b"{}", {}, allow_private=False)
    assert (asked, reached) == (["rebind.example"], [("8.8.8.8", port)])


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(safe_http.socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(safe_http.ForbiddenAddress):
        safe_http.post("https://both.example/", b"{}", {}, allow_private=False)


@pytest.mark.parametrize("what", ["nothing", "drips", "noise", "endless"])
def test_a_receiver_who_does_not_answer_is_left(what, monkeypatch):
    monkeypatch.setattr(safe_http, "RESPONSE_TIMEOUT_SECONDS", 0.5)
    server = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve():
        connection, _ = server.accept()
        with connection:
            try:
                if what == "noise":
                    connection.sendall(b"SSH-2.0-OpenSSH\r\n")
                while not stop.wait(0.1):
                    if what == "drips":
                        connection.sendall(b"H")
                    if what == "endless":
                        connection.sendall(b"x" * 4_000)
            except OSError:
                return

    thread = threading.Thread(target=serve)
    thread.start()
    began = time.monotonic()
    with pytest.raises((OSError, safe_http.http.client.HTTPException)):
        safe_http.post(f"http://127.0.0.1:{server.getsockname()[1]}/", b"{}", {}, allow_private=True)
    assert time.monotonic() - began < 5
    stop.set()
    thread.join()
    server.close()


@pytest.mark.parametrize(
    ("url", "called"),
    [
        ("https://example.com", "https://example.com"),
        ("https://EXAMPLE.com:8443/A?b=c", "https://example.com:8443/A?b=c"),
        ("https://müller.example/tür?größe=1&x=ä", "https://xn--mller-kva.example/t%C3%BCr?gr%C3%B6%C3%9Fe=1&x=%C3%A4"),
        ("https://straße.example/", "https://xn--strae-oqa.example/"),
        ("https://例え.テスト/", "https://xn--r8jz45g.xn--zckzah/"),
        ("https://xn--mller-kva.example/", "https://xn--mller-kva.example/"),
        ("https://example.com/a%20b/%zz?c=100%", "https://example.com/a%20b/%25zz?c=100%25"),
        ("https://example.com?a=b", "https://example.com/?a=b"),
        ("http://[2606:4700:0:0::1111]:81/", "http://[2606:4700::1111]:81/"),
        ("https://a_b.example.com./", "https://a_b.example.com./"),
        ("https://example.com/#here", "https://example.com/"),
    ],
)
def test_a_url_is_called_in_ascii(url, called):
    assert normalize_url(url) == called
    assert normalize_url(called) == called


INVALID = [
    "http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/", "http://[::1", "http://[v1.x]/", "http://[12345::]/",
    "https://user@example.com/", "https://user:secret@example.com/", "https://@example.com/", "https://a..b/",
    "https://.example.com/", "https://-a.example/", "https://a-.example/", f"https://{'a' * 64}.example/",
    f"https://{'a.' * 127}example/", "https://xn--a.example/", "https://xn--.example/", "https://☃️‍.example/",
    "https://a%41.example/", "https://exa mple.com/", "https://example.com:99999/", "https://example.com:0/",
    "https://example.com:x/", "https:///path", "https://a,b.example/", "https://a/" + "ä" * 400, "https://ex℀mple.com/",
]  # fmt: skip


@pytest.mark.parametrize("url", INVALID)
def test_a_url_that_cannot_be_called_is_told(url):
    with pytest.raises(InvalidAddress):
        normalize_url(url)


def test_a_url_in_other_letters_is_called(monkeypatch):
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    real = socket.getaddrinfo
    monkeypatch.setattr(safe_http.socket, "getaddrinfo", lambda _host, *a, **k: real("127.0.0.1", *a, **k))
    received = []

    def serve():
        connection, _ = server.accept()
        with connection:
            received.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    thread = threading.Thread(target=serve)
    thread.start()
    assert safe_http.post(f"http://müller.example:{port}/tür", b"{}", {}, allow_private=True) == 204
    thread.join()
    server.close()
    head = received[0].decode("ascii")
    assert head.startswith("POST /t%C3%BCr HTTP/1.1\r\n")
    assert f"\r\nHost: xn--mller-kva.example:{port}\r\n" in head
