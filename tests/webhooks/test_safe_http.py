"""Calls to addresses of others lead into no private network, and end."""

import socket
import threading
import time

import pytest

from newsapi.webhooks import safe_http

PRIVATE = [
    *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("::1", "::", "fe80::1", "fc00::1", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1"),
    *("2002:7f00:1::", "224.0.0.1", "ff02::1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1", "fe80::1%lo"),
]
WRITTEN = [
    *("127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "localhost", "LOCALHOST.", "127.0.0.1."),
    "１２７.0.0.1",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_told_from_public_ones(address):
    assert not safe_http.is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_public(address):
    assert safe_http.is_public(address)


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
