"""Two nodes, a worker, a replica, PgBouncer and Redis behind Varnish: each is killed, and readers notice nothing."""

import signal
import sys
import time
from dataclasses import replace
from statistics import median

import pytest

from tests.end_to_end.edge_checker import EdgeChecker
from tests.support.processes import PATIENCE
from tests.support.prometheus import Prometheus
from tests.support.topology import NEEDS_PROGRAMS, Topology
from tests.support.varnish import Varnish

pytestmark = [
    NEEDS_PROGRAMS,
    pytest.mark.long,
    pytest.mark.timeout(300),
]

BOUND_SECONDS = 7.0
"""A change is purged a second after it was committed, and once more five seconds later, for responses on their way."""

LEASE_SECONDS = 15.0
"""Another worker takes over from one that was killed when the lease of its consumers ends."""

READERS = 4
PHASE_SECONDS = 5.0


@pytest.fixture(scope="module")
def topology(tmp_path_factory):
    with Topology(tmp_path_factory.mktemp("topology")) as topology:
        yield topology


@pytest.fixture(scope="module")
def checker(topology):
    checker = EdgeChecker(topology.base, topology.key, BOUND_SECONDS)
    checker.fill()
    return checker


def report(what, checker, topology):
    """Print the figures so far; `pytest -s` shows them."""
    seconds = sorted(one.seconds for one in checker.visible)
    hits, misses = topology.varnish.count("cache_hit"), topology.varnish.count("cache_miss")
    sys.stdout.write(
        f"\n{what}: {checker.statuses.total()} reads {dict(checker.statuses)}; Varnish: {hits} hits, {misses} misses;"
        f" {len(seconds)} writes, seen after {median(seconds):.2f} s (median), {seconds[-1]:.2f} s (largest);"
        f" oldest state seen {checker.oldest:.2f} s; repeated writes {dict(checker.repeats)}"
    )


def test_readers_notice_nothing_while_one_part_after_the_other_is_killed(topology, checker):
    with checker.reading(READERS):
        checker.run(PHASE_SECONDS)
        for name in ("node1", "replica", "redis", "pgbouncer", "node2"):
            topology.parts[name].stop(signal.SIGKILL)
            checker.run(PHASE_SECONDS)
            topology.parts[name].start()
            checker.run(PHASE_SECONDS)
            report(name, checker, topology)
    assert checker.faults == []
    assert topology.varnish.count("cache_hit") > 100
    assert checker.statuses[410] > 0
    assert {one.action for one in checker.visible} == {"publish", "rename", "update", "recall"}


def test_prometheus_scrapes_every_node_and_the_worker(topology):
    server = Prometheus(f"http://127.0.0.1:{topology.parts['prometheus'].port}")
    until = time.monotonic() + PATIENCE
    while [series["value"][1] for series in server.get("query", query="up")["result"]] != ["1"] * 3:
        assert time.monotonic() < until
        time.sleep(0.5)


def test_another_worker_takes_over_the_purges(topology, checker):
    checker.bound = BOUND_SECONDS + LEASE_SECONDS
    with checker.reading(READERS):
        topology.parts["worker"].stop(signal.SIGKILL)
        checker.run(LEASE_SECONDS)
        topology.parts["worker"].start()
        checker.run(PHASE_SECONDS)
    report("worker", checker, topology)
    assert checker.faults == []


def test_the_checker_finds_a_cache_that_is_not_purged(topology, checker, tmp_path):
    backend = f"http://127.0.0.1:{topology.parts['node1'].port}"
    with Varnish(tmp_path, backend) as unpurged:
        other = replace(checker, base=unpurged.base, bound=3.0, faults=[], visible=[])
        time.sleep(3)  # until the probe says that the node is healthy
        with other.reading(READERS):
            other.run(8)
    assert any("replaced" in fault for fault in other.faults)
