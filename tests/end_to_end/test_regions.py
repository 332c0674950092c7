"""An API node with a replica in another region: 50 milliseconds in each direction to all that is in the first one."""

import sys
import time
from contextlib import closing
from dataclasses import replace
from http.client import HTTPConnection
from itertools import count

import orjson
import pytest

from tests.end_to_end.edge_checker import UNKEPT, EdgeChecker
from tests.support import machines
from tests.support.machines import Network
from tests.support.topology import MACHINES, NEEDS_PROGRAMS, Topology

pytestmark = [
    NEEDS_PROGRAMS,
    *machines.marks(),
    pytest.mark.long,
    pytest.mark.timeout(300),
]

DELAY_SECONDS = 0.05
ROUND_TRIP_SECONDS = 2 * DELAY_SECONDS
STALENESS_SECONDS = 1.0
READS = 200
WRITES = 20


@pytest.fixture(scope="module")
def network():
    with Network([*MACHINES, "reader"], far=["node2", "replica", "reader"], delay_seconds=DELAY_SECONDS) as network:
        yield network


@pytest.fixture(scope="module")
def topology(network, tmp_path_factory):
    settings = {"node2": {"NEWSAPI_REDIS_URL": ""}}  # Redis is local to a region
    topology = Topology(tmp_path_factory.mktemp("regions"), network=network, settings=settings)
    with network["client"].entered():
        topology.__enter__()
    yield topology
    topology.__exit__()


def base(topology, network, name):
    return f"http://{network[name].address}:{topology.parts[name].port}"


def measure(address, port, make_request, number, pause):
    """Return the seconds that requests take, sorted, on a connection that is kept."""
    seconds = []
    with closing(HTTPConnection(address, port, timeout=20)) as connection:
        for _ in range(number):
            method, path, body, headers = make_request()
            began = time.monotonic()
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            response.read()
            assert response.status in {200, 201}, (path, response.status)
            seconds.append(time.monotonic() - began)
            time.sleep(pause)
    return sorted(seconds)


def test_a_node_in_another_region_is_fast_where_it_can_be_and_never_stale(network, topology, record_property):
    near = EdgeChecker(base(topology, network, "node1"), topology.key, STALENESS_SECONDS)
    with network["client"].entered():
        near.fill()
    far = replace(near, base=base(topology, network, "node2"), bound=STALENESS_SECONDS + ROUND_TRIP_SECONDS, faults=[])
    numbers, key = count(), topology.key

    def publish():
        slug = f"far{next(numbers)}"
        body = {"slug": slug, "name": slug}
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        return "POST", "/v1/tags", orjson.dumps(body), headers

    kinds = {
        "hits": (lambda: ("GET", "/v1/articles?limit=20", None, {}), READS, 0.0),
        "hits, three a second": (lambda: ("GET", "/v1/articles?limit=20", None, {}), READS, 0.3),
        "misses": (lambda: ("GET", UNKEPT.format(next(numbers)), None, {}), READS, 0.0),
        "writes": (publish, WRITES, 0.0),
    }
    with network["reader"].entered():
        address, port = network["node2"].address, topology.parts["node2"].port
        for kind, (make_request, number, pause) in kinds.items():
            seconds = measure(address, port, make_request, number, pause)
            p50, p90, p99 = (seconds[int(len(seconds) * share)] * 1000 for share in (0.5, 0.9, 0.99))
            text = f"{kind}: p50 {p50:.1f} ms, p90 {p90:.1f} ms, p99 {p99:.0f} ms"
            record_property("measured", text)
            sys.stdout.write(f"\n{text}")
        with far.reading(4), network["client"].entered():
            near.run(20)
    sys.stdout.write(f"\n{far.statuses}, oldest {far.oldest:.2f} s")
    record_property("measured", f"{far.statuses.total()} reads, oldest state {far.oldest:.2f} s")
    assert near.faults == []
    assert far.faults == []
