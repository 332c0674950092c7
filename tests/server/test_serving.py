"""`newsapi serve` as its keepers see it: killed, reloaded, stopped, measured, and met by clients that mean no good."""

import contextlib
import os
import re
import signal
import socket
import threading
import time
from collections import Counter
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from tests.support.fake_servers import Elsewhere
from tests.support.import_records import article, lines
from tests.support.load import Load
from tests.support.processes import descendants, serving

pytestmark = [pytest.mark.real_time, pytest.mark.timeout(150)]
LIST = "/v1/articles?limit=2"


@contextlib.contextmanager
def two_processes(folder):
    """A server of two processes and a worker, on SQLite, that shows its numbers."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
    with serving(folder, "serve", NEWSAPI_METRICS_PORT=port, NEWSAPI_LOG_HITS_EVERY="3") as served:
        served.metrics = f"http://127.0.0.1:{port}/metrics"
        until(lambda: len(processes(served)) == 2 and workers(served))
        for _ in range(8):
            assert ask(served) == 200
        yield served


@pytest.fixture
def served(tmp_path):
    """A server for one test, which may do it harm."""
    with two_processes(tmp_path) as served:
        yield served


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A server for the tests that do it none."""
    with two_processes(tmp_path_factory.mktemp("served")) as served:
        yield served


def processes(served):
    """The ids of the server processes."""
    return [pid for pid, command in children(served) if command == "newsapi server process"]


def workers(served):
    return [pid for pid, command in children(served) if command == "newsapi worker"]


def children(served):
    return descendants(served.process.pid)


def until(what, seconds=40):
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return found


def connection(served, timeout=30):
    return HTTPConnection(urlsplit(served.base).netloc, timeout=timeout)


def ask(served, path=LIST):
    with contextlib.closing(connection(served)) as own:
        own.request("GET", path)
        answer = own.getresponse()
        answer.read()
        return answer.status


def raw(served, *pieces, pause=0.0, timeout=40.0):
    """Send bytes; answer all that comes back until the connection is closed, or nothing has come for a while."""
    with socket.create_connection(("127.0.0.1", urlsplit(served.base).port)) as own:
        own.settimeout(timeout)
        got = b""
        try:
            for piece in pieces:
                own.sendall(piece)
                time.sleep(pause)
            while found := own.recv(65536):
                got += found
        except TimeoutError:
            return got, "open"
        except OSError:
            return got, "closed"
        return got, "closed"


@pytest.mark.long
def test_a_reload_replaces_every_process_and_loses_no_request(served):
    before = {*processes(served), *workers(served)}
    with Load([served.base]) as load:
        time.sleep(1)
        served.process.send_signal(signal.SIGHUP)
        until(
            lambda: len(processes(served)) == 2 and len(workers(served)) == 1 and not before & {*dict(children(served))}
        )
        time.sleep(1)
    assert set(load.results) == {200}
    assert load.results[200] > 100


@pytest.mark.long
def test_a_process_that_is_killed_is_started_again_and_takes_only_its_own_requests_along(served):
    with Load([served.base]) as load:
        for _ in range(3):
            victim = processes(served)[0]
            os.kill(victim, signal.SIGKILL)
            until(lambda: victim not in processes(served) and len(processes(served)) == 2)  # noqa: B023
            time.sleep(0.5)
    lost = sum(number for result, number in load.results.items() if result != 200)
    assert lost <= 3 * 5
    assert load.results[200] > 100
    assert served.process.poll() is None


@pytest.mark.long
def test_a_worker_that_is_killed_is_started_again(served):
    [victim] = workers(served)
    os.kill(victim, signal.SIGKILL)
    until(lambda: workers(served) and victim not in workers(served))


@pytest.mark.long
def test_with_its_supervisor_killed_nothing_stays_behind(served):
    left = [pid for pid, _ in children(served)]
    served.process.kill()
    served.process.wait()
    until(lambda: not any(alive(pid) for pid in left))


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.long
def test_what_is_under_way_when_it_is_told_to_stop_is_answered(served):
    """Fifty requests, ten of them slow; new ones are answered until the port is closed, and refused from then on."""
    head = b"POST /v1/articles HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{"
    answers, late = [], []

    def slow(seconds):
        answers.append(raw(served, head, b"}", pause=seconds)[0][9:12])

    threads = [threading.Thread(target=slow, args=(4 if number < 10 else 1.5,)) for number in range(50)]
    for thread in threads:
        thread.start()
    time.sleep(1)
    served.process.terminate()
    try:
        while True:
            late.append(ask(served))
    except ConnectionRefusedError:
        pass
    for thread in threads:
        thread.join()
    assert Counter(answers) == {b"401": 50}
    assert set(late) == {200}
    assert served.process.wait(40) == 0
    assert "Traceback" not in served.printed


def test_it_prints_where_it_listens_on_which_database_and_cache_and_with_how_many_processes(shared):
    line = next(line for line in shared.printed.splitlines() if line.startswith("Serving "))
    assert line == (
        f"Serving {shared.base} from sqlite:///newsapi.sqlite3 in 2 processes, with a worker and a search indexer;"
        " responses are cached in memory. Press Ctrl-C to stop."
    )


def test_the_numbers_of_all_processes_add_up_and_no_public_port_has_them(shared):
    time.sleep(2.5)  # what was asked before is handed on
    before = numbers(shared)
    asked = 40
    for _ in range(asked):
        assert ask(shared) == 200
    assert ask(shared, "/v1/articles/nothing") == 404

    def counted():
        now = numbers(shared)
        return now if now["newsapi_requests_total"] - before["newsapi_requests_total"] >= asked + 1 else None

    after = until(counted)
    assert after["newsapi_requests_total"] - before["newsapi_requests_total"] == asked + 1
    assert after["newsapi_request_duration_seconds_count"] == after["newsapi_requests_total"]
    assert after['newsapi_requests_total{cache="miss",route="GET /v1/articles/<slug_or_id>",status="404"}'] == 1
    assert after['newsapi_requests_total{cache="hit",route="GET /v1/articles",status="200"}'] >= asked - 2
    assert after['newsapi_response_build_seconds_count{route="GET /v1/articles/<slug_or_id>"}'] == 1
    assert after['newsapi_database_connections{state="idle"}'] >= 2
    assert after["newsapi_database_connections_limit"] > after["newsapi_database_connections"]
    assert after["newsapi_cache_entries"] >= 2
    assert ask(shared, "/metrics") == 404
    assert shared.printed.count('"event": "hit"') >= asked // 3 - 2


def test_numbers_outlive_the_process_that_counted_them(served):
    total = until(lambda: numbers(served)["newsapi_requests_total"] >= 8 and numbers(served)["newsapi_requests_total"])
    victim = processes(served)[0]
    os.kill(victim, signal.SIGKILL)
    until(lambda: victim not in processes(served) and len(processes(served)) == 2)
    assert numbers(served)["newsapi_requests_total"] >= total


def numbers(served):
    """What the metrics port says, by the whole line's name and summed up by that of the metric."""
    found = Counter()
    with urlopen(served.metrics, timeout=10) as answer:
        for line in answer.read().decode().splitlines():
            if not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                found[name] += float(value)
                if "{" in name:
                    found[name.partition("{")[0]] += float(value)
    return found


NAMES = "length chunks headers header chunk-size bare-lf-chunk two-lengths vtab unknown fold space cr nul".split()
ENDLESS = [b"10000\r\n" + b"a" * 65536 + b"\r\n"] * 100


@pytest.mark.parametrize(
    ("pieces", "status"),
    [
        ([b"POST /v1/articles HTTP/1.1\r\nHost: x\r\nContent-Length: 1073741824\r\n\r\n"], b"413"),
        ([b"POST /v1/articles HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", *ENDLESS], b"413"),
        ([b"GET / HTTP/1.1\r\nHost: x\r\n", *[b"X-%d: a\r\n" % number for number in range(10_000)], b"\r\n"], b"431"),
        ([b"GET / HTTP/1.1\r\nHost: x\r\nX: ", *[b"a" * 65536] * 100], b"431"),
        ([b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0x3\r\n"], b"400"),
        ([b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n"], b"400"),
        ([b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"], b"400"),
        ([b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"], b"400"),
        ([b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: xchunked\r\n\r\nabc"], b"400"),
        ([b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n"], b"400"),
        ([b"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n"], b"400"),
        ([b"GET / HTTP/1.1\r\nHost: x\r\nA: b\rContent-Length: 3\r\n\r\n"], b"400"),
        ([b"GET / HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n"], b"400"),
    ],
    ids=NAMES,
)
def test_what_is_too_much_or_badly_framed_is_refused_and_the_connection_closed(shared, pieces, status):
    before = memory(shared)
    answer, end = raw(shared, *pieces)
    if answer or len(pieces) == 1:  # who is still writing may miss the answer
        assert answer[9:12] == status
    assert end == "closed"
    assert memory(shared) - before < 64 << 20


def memory(served):
    """Bytes that the larger server process takes."""
    states = [Path(f"/proc/{pid}/status").read_text() for pid in processes(served)]
    return max(int(re.search(r"VmRSS:\s+(\d+)", state)[1]) << 10 for state in states)


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_framings_the_chunks_count_and_nothing_behind_them_is_read(shared, order):
    headers = [b"Content-Length: 6\r\n", b"Transfer-Encoding: chunked\r\n"][::order]
    answer, end = raw(
        shared,
        b"POST /v1/articles HTTP/1.1\r\nHost: x\r\n"
        + b"".join(headers)
        + b"\r\n0\r\n\r\nGGET / HTTP/1.1\r\nHost: x\r\n\r\n",
    )
    assert answer.count(b"HTTP/1.1 ") == 1
    assert end == "closed"


def test_a_body_that_breaks_off_does_not_pass_for_a_whole_one(shared):
    for head in (b"Content-Length: 9\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"):
        with socket.create_connection(("127.0.0.1", urlsplit(shared.base).port), timeout=20) as own:
            own.sendall(b"POST /v1/articles HTTP/1.1\r\nHost: x\r\n" + head)
            own.shutdown(socket.SHUT_WR)
            assert own.recv(4096)[9:12] == b"400"


@pytest.mark.long
def test_slow_clients_are_let_go_within_half_a_minute_and_hold_nobody_up(shared):
    address = ("127.0.0.1", urlsplit(shared.base).port)
    slow = []
    for _ in range(100):
        for start in (
            b"",
            b"GET / HTTP/1.1\r\nHost: x\r\nX-",
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{",
        ):
            slow.append(socket.create_connection(address))
            slow[-1].sendall(start)
    end = time.monotonic() + 38
    while slow and time.monotonic() < end:
        began = time.monotonic()
        assert ask(shared) == 200
        assert time.monotonic() - began < 5
        time.sleep(1)
        slow = [own for own in slow if not is_closed(own)]
    assert slow == []


def is_closed(own):
    try:
        own.sendall(b"a")
        own.settimeout(0)
        closed = not own.recv(4096)
    except BlockingIOError:
        return False
    except OSError:
        closed = True
    finally:
        with contextlib.suppress(OSError):
            own.settimeout(None)
    if closed:
        own.close()
    return closed


@pytest.mark.long
def test_a_change_reaches_the_cdn_twice_by_the_worker_beside_the_server(newsapi, serve, tmp_path):
    cdn = Elsewhere()
    with serve("serve", NEWSAPI_PURGE_URL=f"varnish+{cdn.url}") as served:
        until(lambda: "lease acquired" in served.printed)
        (tmp_path / "news.ndjson").write_bytes(lines(article("velar")))
        assert newsapi("import", "news.ndjson").returncode == 0
        until(lambda: len(cdn.asked) == 2)
        assert served.stop()[0] == 0
    cdn.close()
    assert all("slug:velar" in asked.words for asked in cdn.asked)


SLOW = 120
"""Seconds in which processes start on a machine that is busy."""


def suspend_new_processes(served, old_fork_server):
    """Suspend the worker, the search indexer and the first server process of a reload when they are forked."""

    def fork_server():
        return set(child_ids(served.process.pid)) - {old_fork_server}

    [new_fork_server] = until(fork_server, SLOW)
    suspended = set()
    end = time.monotonic() + SLOW
    while len(suspended) < 3:  # without a pause: a forked process answers within milliseconds
        assert time.monotonic() < end
        for pid in set(child_ids(new_fork_server)) - suspended:
            os.kill(pid, signal.SIGSTOP)
            suspended.add(pid)
    return suspended


def child_ids(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.long
@pytest.mark.timeout(400)
def test_on_a_reload_an_old_process_stops_when_the_new_one_answers_and_not_before(served):
    old = {*processes(served)}
    [fork_server] = [pid for pid, command in children(served) if command == "newsapi fork server"]
    served.process.send_signal(signal.SIGHUP)
    new = suspend_new_processes(served, fork_server)
    end = time.monotonic() + 6
    while time.monotonic() < end:
        assert ask(served) == 200
        assert old <= {*processes(served)}
        time.sleep(0.2)
    for pid in new:
        os.kill(pid, signal.SIGCONT)
    until(lambda: not old & {*processes(served)} and len(processes(served)) == 2, SLOW)
    assert new & {*processes(served)}
    assert ask(served) == 200


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_reload_with_a_broken_setting_leaves_the_old_processes_and_a_mended_one_replaces_them(served):
    old = {*processes(served)}
    setting = Path(f"/proc/{served.process.pid}/cwd/.env").resolve()
    setting.write_text("NEWSAPI_CACHE_MB=many\n")
    served.process.send_signal(signal.SIGHUP)
    until(lambda: "the old one goes on" in served.printed, SLOW)
    assert old == {*processes(served)}
    assert ask(served) == 200
    setting.write_text("NEWSAPI_CACHE_MB=32\n")
    served.process.send_signal(signal.SIGHUP)
    until(lambda: not old & {*processes(served)} and len(processes(served)) == 2, SLOW)
    assert ask(served) == 200


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_server_that_is_told_to_stop_while_it_reloads_ends(served):
    [fork_server] = [pid for pid, command in children(served) if command == "newsapi fork server"]
    served.process.send_signal(signal.SIGHUP)
    new = suspend_new_processes(served, fork_server)
    assert served.stop()[0] == 0
    assert not any(alive(pid) for pid in new)
