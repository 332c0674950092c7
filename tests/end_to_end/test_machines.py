"""Machines that vanish: nothing of them answers, not even their kernel, and later they are back as they were.

`test_topology.py` kills programs, whose machines refuse connections at once. Here packets are dropped.
"""

import signal
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from http.client import HTTPConnection
from itertools import count, pairwise

import orjson
import psycopg
import pytest

from newsapi.changelog.writer import MAX_IDLE_MS
from tests.end_to_end.edge_checker import EdgeChecker
from tests.support import machines
from tests.support.machines import Network
from tests.support.threads import running
from tests.support.topology import MACHINES, NEEDS_PROGRAMS, Topology

pytestmark = [
    NEEDS_PROGRAMS,
    *machines.marks(),
    pytest.mark.long,
    pytest.mark.timeout(300),
]

PURGE_SECONDS = 7.0
"""A change is purged a second after it was committed, and once more five seconds later, for responses on their way."""

LEASE_SECONDS = 15.0
"""Another worker takes over from one that is gone when the lease of its consumers ends."""

NODE_SECONDS = 6.0
"""Varnish waits four seconds for a node that does not answer, and then asks another."""

RECOVERY_SECONDS = 8.0
SESSION_SECONDS = 75.0
"""PostgreSQL ends the sessions of a machine that is gone after a minute."""

CALM_SECONDS = 3.0
CUT_SECONDS = 20.0
READERS = 4
WRITERS = 8


@pytest.fixture(scope="module")
def network():
    with Network(MACHINES) as network:
        yield network


@pytest.fixture(scope="module")
def topology(network, tmp_path_factory):
    topology = Topology(tmp_path_factory.mktemp("machines"), network=network)
    with network["client"].entered():
        topology.__enter__()
    yield topology
    topology.__exit__()


@pytest.fixture(autouse=True)
def _client(network):
    with network["client"].entered():
        yield


@pytest.fixture(scope="module")
def filled(network, topology):
    checker = EdgeChecker(topology.base, topology.key, PURGE_SECONDS)
    with network["client"].entered():
        checker.fill()
    return checker


@pytest.fixture
def checker(filled):
    """The checker without what it found in other tests."""
    filled.bound, filled.may_refuse, filled.oldest = PURGE_SECONDS, False, 0.0
    for found in (filled.faults, filled.exchanges, filled.visible):
        found.clear()
    return filled


@contextmanager
def in_use(checker):
    """Read and write until the block is left."""
    stop = threading.Event()

    def write():
        while not stop.is_set():
            checker.run(1.0)

    with checker.reading(READERS), running([threading.Thread(target=write)], stop.set, join_seconds=60):
        time.sleep(CALM_SECONDS)
        yield


def use_while_gone(network, name, checker, record_property):
    """Read and write while a machine is cut off, and some seconds after; return when it was reconnected."""
    with in_use(checker):
        began = time.monotonic()
        with cut_off(network, name):
            time.sleep(CUT_SECONDS)
        ended = time.monotonic()
        time.sleep(RECOVERY_SECONDS)
    report(record_property, name, checker, began, ended)
    return ended


@contextmanager
def cut_off(network, name):
    network.cut_off(name)
    try:
        yield
    finally:
        network.reconnect(name)


def first(exchanges, since, *, is_write):
    """Return how long after a time the first request that began then was accepted."""
    ends = [
        one.ended
        for one in exchanges
        if one.began >= since and one.status in {200, 201, 204} and (one.method != "GET") == is_write
    ]
    return min(ends, default=float("inf")) - since


def report(record_property, name, checker, began, ended):
    reads = [one for one in checker.exchanges if one.method == "GET" and one.began >= began]
    writes = [one for one in checker.exchanges if one.method != "GET" and one.began >= began]
    statuses = [dict(Counter(one.status for one in some)) for some in (reads, writes)]
    text = (
        f"{name}: {len(reads)} reads {statuses[0]}, slowest {max(one.seconds for one in reads):.1f} s;"
        f" {len(writes)} writes {statuses[1]}, slowest"
        f" {max((one.seconds for one in writes), default=0):.1f} s; seen after at most"
        f" {max((one.seconds for one in checker.visible), default=0):.1f} s; oldest state {checker.oldest:.1f} s;"
        f" writes again {first(checker.exchanges, ended, is_write=True):.1f} s after the return"
    )
    record_property("measured", text)
    sys.stdout.write(f"\n{text}")


@pytest.mark.parametrize("name", ["node1", "replica", "redis", "pgbouncer", "node2"])
def test_readers_get_no_error_while_a_machine_is_gone(name, network, topology, checker, record_property):
    ended = use_while_gone(network, name, checker, record_property)
    assert checker.faults == []
    assert max(one.seconds for one in checker.exchanges if one.method == "GET") < NODE_SECONDS
    assert first(checker.exchanges, ended, is_write=True) < RECOVERY_SECONDS
    topology.parts["replica"].await_replay(topology.parts["primary"])
    assert time.monotonic() - ended < CUT_SECONDS


def test_another_worker_purges_while_that_of_the_worker_machine_is_gone(network, checker, record_property):
    checker.bound = PURGE_SECONDS + LEASE_SECONDS
    use_while_gone(network, "worker", checker, record_property)
    assert checker.faults == []


def test_everything_goes_on_when_the_primary_is_back(network, checker, record_property):
    """Until then, Varnish sends what it has, and all else is 503 with `Retry-After`."""
    checker.bound, checker.may_refuse = CUT_SECONDS + PURGE_SECONDS, True
    ended = use_while_gone(network, "primary", checker, record_property)
    assert checker.faults == []
    refused = [one for one in checker.exchanges if one.status == 503]
    assert refused
    assert max(one.ended for one in refused) - ended < RECOVERY_SECONDS / 2
    assert first(checker.exchanges, ended, is_write=True) < RECOVERY_SECONDS


# --- a node that is gone while it writes ---


def write_on(topology, network, name, tag, stop, done, timeout):
    """Create tags, which are in no list of the checker, and note when each was acknowledged."""
    headers = {"Authorization": f"Bearer {topology.key}", "Content-Type": "application/json"}
    for number in count():
        if stop.is_set():
            return
        slug = f"{tag}-{number}"
        body = {"slug": slug, "name": slug}
        connection = HTTPConnection(network[name].address, topology.parts[name].port, timeout=timeout)
        try:
            connection.request("POST", "/v1/tags", orjson.dumps(body), headers)
            if connection.getresponse().status == 201:
                done.append((slug, time.monotonic()))
            else:
                stop.wait(0.1)
        except OSError:
            pass
        finally:
            connection.close()


def test_the_sessions_of_a_node_that_is_gone_end_and_free_the_write_lock(network, topology, record_property):
    """Several of them hold or await the lock when the node vanishes; PgBouncer is down, so PostgreSQL is their peer."""
    primary, node = topology.parts["primary"], topology.parts["node1"]
    sessions = f"SELECT count(*) FROM pg_stat_activity WHERE client_addr = '{network['node1'].address}'"
    topology.parts["pgbouncer"].stop(signal.SIGKILL)
    stop, done = threading.Event(), []
    lost = [(topology, network, "node1", f"lost{number}", stop, [], 2) for number in range(WRITERS)]
    threads = [
        threading.Thread(target=write_on, args=args)
        for args in (*lost, (topology, network, "node2", "kept", stop, done, 20))
    ]
    with running(threads, stop.set, join_seconds=60):
        time.sleep(CALM_SECONDS)
        began = time.monotonic()
        network.cut_off("node1")
        before = primary.execute(sessions)
        time.sleep(MAX_IDLE_MS / 1000 + 10)
        stop.set()
    times = [began, *(at for _, at in done if at > began)]
    gap = max(after - at for at, after in pairwise(times))
    while primary.execute(sessions):
        assert time.monotonic() - began < SESSION_SECONDS
        time.sleep(1)
    record_property("measured", f"writes refused for {gap:.1f} s; {before} sessions ended")
    sys.stdout.write(
        f"\nwrites refused for {gap:.1f} s; {before} sessions ended after {time.monotonic() - began:.0f} s"
    )
    topology.parts["pgbouncer"].start()
    node.stop(signal.SIGKILL)
    network.reconnect("node1")
    node.start()
    assert before > WRITERS / 2
    assert gap < MAX_IDLE_MS / 1000 + 5


# --- failover ---


def slugs(node):
    with psycopg.connect(f"host={node.folder} port={node.port} user=postgres dbname=postgres") as connection:
        return {slug for (slug,) in connection.execute("SELECT slug FROM tag")}


def test_no_write_goes_to_a_primary_that_returns_after_it_was_replaced(tmp_path, record_property):
    with (
        Network(MACHINES) as network,
        network["client"].entered(),
        Topology(tmp_path, network=network, has_failover=True) as topology,
    ):
        replaced, promoted = topology.parts["primary"], topology.parts["replica"]
        checker = EdgeChecker(topology.base, topology.key, CUT_SECONDS + PURGE_SECONDS, may_refuse=True)
        checker.fill()
        stop, done = threading.Event(), []
        threads = [
            threading.Thread(target=write_on, args=(topology, network, name, name, stop, done, 10))
            for name in topology.node_names
        ]
        with checker.reading(READERS), running(threads, stop.set, join_seconds=60):
            time.sleep(CALM_SECONDS)
            with cut_off(network, "primary"):
                time.sleep(CUT_SECONDS / 4)
                promoted.execute("SELECT pg_promote()")
                at = time.monotonic()
                time.sleep(CUT_SECONDS / 2)
            began = time.monotonic()
            node = topology.parts["node2"]
            node.stop()
            node.start()  # it has never seen the other timeline
            time.sleep(CUT_SECONDS - (time.monotonic() - began))
        since = [slug for slug, acknowledged in done if acknowledged > at]
        seconds = min(acknowledged for _, acknowledged in done if acknowledged > at) - at
        text = f"{len(since)} writes since the promotion, the first after {seconds:.1f} s"
        record_property("measured", text)
        sys.stdout.write(f"\n{text}")
        assert {*since} <= slugs(promoted)
        assert not slugs(replaced) & {*since}
        assert seconds < RECOVERY_SECONDS
        assert {slug.partition("-")[0] for slug, acknowledged in done if acknowledged > began + 10} == {
            "node1",
            "node2",
        }
        assert checker.faults == []
