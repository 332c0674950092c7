"""The processes of `newsapi serve` share the memory of an application that was imported once, and end together."""

import os
import signal
import subprocess
import sys
import time
from http.client import HTTPException
from pathlib import Path

import pytest

from tests.support.processes import descendants, environ

pytestmark = [pytest.mark.timeout(180), pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")]
PATIENCE_SECONDS = 60


@pytest.fixture
def served(serve, sqlite_url):
    with serve("serve", NEWSAPI_DATABASE_URL=sqlite_url, NEWSAPI_PROCESSES="1") as served:
        assert answers(served)
        yield served


def processes(served, *names):
    """Return the ids of the processes of a server that have one of these names."""
    return [pid for pid, command in descendants(served.process.pid) if command.removeprefix("newsapi ") in names]


def loaded_libraries(pid):
    return Path(f"/proc/{pid}/maps").read_text()


def answers(served):
    served.close()  # a connection that a stopped process closed is of no use
    return served.json("/v1/articles")["data"] == []


def wait_for(condition):
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        try:
            if condition():
                return
        except (OSError, ValueError, HTTPException):
            pass
        time.sleep(0.1)
    pytest.fail("the condition did not come true in time")


def has_ended(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def memory(pid):
    """Return MB that a process uses alone, and MB that it shares with others."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kilobytes = {name: int(rest.split()[0]) for name, rest in (line.split(":") for line in lines)}
    private, shared = (kilobytes[f"{kind}_Clean"] + kilobytes[f"{kind}_Dirty"] for kind in ("Private", "Shared"))
    return private / 1e3, shared / 1e3


def test_all_processes_share_the_memory_of_the_application(served):
    # A forked process has the name of the fork server until it begins.
    names = ("fork server", "server process", "worker", "search indexer")
    for name in names:
        wait_for(lambda name=name: len(processes(served, name)) == 1)
    supervisor = served.process.pid
    assert all("tantivy" in loaded_libraries(pid) for pid in (supervisor, *processes(served, *names)))
    for pid in (supervisor, *processes(served, "fork server")):
        private, shared = memory(pid)
        assert private < shared / 3  # 6 and 4 MB of 90


@pytest.mark.parametrize(
    ("modules", "unneeded"),
    [
        (
            "newsapi.cli.main newsapi.cli.serving",
            {"flask", "granian", "marshmallow", "prometheus_client", "sqlalchemy"},
        ),
        ("newsapi.server.preloaded", {"PIL", "alembic", "flask_caching", "numpy", "opentelemetry", "redis"}),
    ],
)
def test_a_process_does_not_import_what_is_needed_rarely(modules, unneeded, sqlite_url):
    """All processes keep in memory what is imported here."""
    imports = "".join(f"import {module}\n" for module in modules.split())
    loaded = subprocess.run(
        [sys.executable, "-c", f"{imports}import sys; print(*sys.modules)"],
        env=environ(NEWSAPI_DATABASE_URL=sqlite_url),
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert "newsapi.settings" in loaded
    assert unneeded.isdisjoint(loaded)


def test_all_processes_end_when_the_supervisor_is_killed(served):
    ids = processes(served, "fork server", "server process", "worker", "search indexer")
    served.stop(signal.SIGKILL)
    for pid in ids:
        wait_for(lambda pid=pid: has_ended(pid))


def test_after_the_fork_server_is_killed_new_processes_serve(served):
    wait_for(lambda: len(processes(served, "server process", "worker", "search indexer")) == 3)
    [fork_server] = processes(served, "fork server")
    ids = processes(served, "server process", "worker", "search indexer")
    os.kill(fork_server, signal.SIGKILL)
    for pid in ids:
        wait_for(lambda pid=pid: has_ended(pid))
    wait_for(lambda: answers(served))
    wait_for(lambda: len(processes(served, "server process", "worker", "search indexer")) == 3)
    [new] = processes(served, "fork server")
    assert new != fork_server


def test_a_signal_to_all_processes_stops_all(served):
    ids = processes(served, "server process", "worker", "fork server")
    for pid in ids:
        os.kill(pid, signal.SIGTERM)
    assert served.stop()[0] == 0
    for pid in ids:
        wait_for(lambda pid=pid: has_ended(pid))


def test_a_process_that_is_told_to_stop_while_it_starts_stops(served):
    for _ in range(3):
        [worker] = processes(served, "worker")
        os.kill(worker, signal.SIGKILL)
        known = {pid for pid, _ in descendants(served.process.pid)}
        wait_for(lambda known=known: {pid for pid, _ in descendants(served.process.pid)} - known)
        for pid, _ in descendants(served.process.pid):
            if pid not in known:
                os.kill(pid, signal.SIGTERM)
                wait_for(lambda pid=pid: has_ended(pid))
        wait_for(lambda: len(processes(served, "worker")) == 1)


def test_after_a_reload_processes_import_the_code_that_is_installed(served):
    old = processes(served, "server process", "worker")
    [old_fork_server] = processes(served, "fork server")
    served.process.send_signal(signal.SIGHUP)
    for pid in old:
        wait_for(lambda pid=pid: has_ended(pid))
    wait_for(lambda: len(processes(served, "server process", "worker")) == 2)
    wait_for(lambda: answers(served))
    wait_for(lambda: has_ended(old_fork_server))
    [fork_server] = processes(served, "fork server")
    for pid in processes(served, "server process", "worker"):
        assert parent_of(pid) == fork_server
    assert is_new_interpreter(fork_server)


def parent_of(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def is_new_interpreter(pid):
    """Return whether a process is a new interpreter: the system loads its libraries at other addresses."""
    return address_of_libc(pid) != address_of_libc(parent_of(pid))


def address_of_libc(pid):
    return next(line for line in Path(f"/proc/{pid}/maps").read_text().splitlines() if "libc.so" in line).split("-")[0]


HEAP_BYTES = 64 << 20
"""Size to which glibc aligns each heap beside the first one."""


def count_heaps(pid):
    """Return the number of heaps of a process beside the first one: maps at such an address, with room to grow."""
    maps = [line.split() for line in Path(f"/proc/{pid}/maps").read_text().splitlines()]
    ranges = [tuple(int(end, 16) for end in fields[0].split("-")) for fields in maps]
    return sum(
        start % HEAP_BYTES == 0 and fields[1] == "rw-p" and rest[0] == end and reserved[1] == "---p"
        for (start, end), rest, fields, reserved in zip(ranges, ranges[1:], maps, maps[1:], strict=False)
    )


def test_the_threads_of_a_process_share_two_heaps(served):
    wait_for(lambda: served.json("/v1/search?q=spider")["data"] == [])  # the indexer has written an index
    pids = processes(served, "server process", "worker", "search indexer")
    assert len(pids) == 3
    assert all(count_heaps(pid) <= 1 for pid in pids)
