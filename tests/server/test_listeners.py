"""New connections go to the sockets whose processes run."""

import select
import socket

import pytest

from newsapi.server.listeners import Listeners

pytestmark = pytest.mark.one_database


@pytest.fixture
def listeners():
    made = Listeners()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    made.open("127.0.0.1", port, 3)
    yield made
    made.close()


def connect(listeners, count=60):
    """Connect and send; return how many connections each socket got."""
    address = listeners.sockets[0].getsockname()
    clients = [socket.create_connection(address, timeout=10) for _ in range(count)]
    for client in clients:
        client.sendall(b"GET")
    accepted = [0] * len(listeners.sockets)
    while sum(accepted) < count:
        readable, _, _ = select.select(listeners.sockets, [], [], 10)
        assert readable, accepted
        for listener in readable:
            listener.accept()[0].close()
            accepted[listeners.sockets.index(listener)] += 1
    for client in clients:
        client.close()
    return accepted


def test_all_sockets_get_connections(listeners):
    assert all(connect(listeners))


def test_a_socket_without_a_process_gets_none_until_the_next_process_answers(listeners):
    listeners.abandon(1)
    first, none, third = connect(listeners)
    assert (none, bool(first), bool(third)) == (0, True, True)
    listeners.abandon(0)
    assert connect(listeners) == [0, 0, 60]
    listeners.restore(1)
    none, second, third = connect(listeners)
    assert (none, bool(second), bool(third)) == (0, True, True)
    listeners.restore(0)
    assert all(connect(listeners))


def test_without_any_process_connections_wait_in_all_sockets(listeners):
    for slot in range(3):
        listeners.abandon(slot)
    assert all(connect(listeners))


def test_what_is_closed_can_be_abandoned(listeners):
    listeners.close()
    listeners.abandon(0)
    listeners.restore(0)
