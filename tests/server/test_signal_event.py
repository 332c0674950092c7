"""Processes end on any number of signals at any moment: their handlers take no lock."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from newsapi.server.signal_event import SignalEvent
from tests.support.processes import NEWSAPI, environ

pytestmark = pytest.mark.real_time

INTERRUPTED = """
import signal, sys, threading
from newsapi.server.signal_event import SignalEvent

event = {event}
signal.signal(signal.SIGUSR1, lambda *_: event.set())
count = 0

def interrupt(*_):  # before each line and at each return of the handler and of what it calls
    global count
    if count < 60:
        count += 1
        sys.settrace(None)
        signal.raise_signal(signal.SIGUSR1)
        sys.settrace(interrupt)
    return interrupt

sys.settrace(interrupt)
event.set()
event.wait(0.01)
event.set()
sys.settrace(None)
print(count, event.is_set())
"""


def interrupted(event):
    return subprocess.run(
        [sys.executable, "-c", INTERRUPTED.format(event=event)],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    ).stdout.split()


def test_a_handler_that_interrupts_itself_anywhere_does_not_hang():
    count, is_set = interrupted("SignalEvent()")
    assert int(count) >= 8
    assert is_set == "True"


def test_an_event_of_threading_hangs_there():
    """The control: the same interruptions do find the lock that threading.Event takes."""
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run([sys.executable, "-c", INTERRUPTED.format(event="threading.Event()")], timeout=5, check=True)


def test_it_is_an_event():
    event = SignalEvent()
    assert (event.is_set(), event.wait(0.01)) == (False, False)
    threads = [threading.Thread(target=event.wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(100_000):  # more than the pipe holds
        event.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert (event.is_set(), event.wait()) == (True, True)
    event.clear()
    assert (event.is_set(), event.wait(0.01)) == (False, False)
    event.set()
    assert event.wait() is True


def test_a_signal_wakes_a_waiting_main_thread():
    event = SignalEvent()
    before = signal.signal(signal.SIGUSR1, lambda *_: event.set())
    try:
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1)).start()
        began = time.monotonic()
        assert event.wait(20)
        assert time.monotonic() - began < 10
    finally:
        signal.signal(signal.SIGUSR1, before)


SUPERVISOR = """
from newsapi.server.fork_server import ForkServer
from newsapi.server.signal_event import SignalEvent
from newsapi.server.supervisor import ServerSupervisor
from newsapi.settings import Settings

supervisor = ServerSupervisor(Settings.from_env(), "127.0.0.1", ForkServer())
assert isinstance(supervisor.main_loop_interrupt, SignalEvent)
"""


def test_the_supervisor_waits_for_such_an_event(sqlite_url):
    subprocess.run([sys.executable, "-c", SUPERVISOR], env=environ(NEWSAPI_DATABASE_URL=sqlite_url), check=True)


def run_worker(folder):
    return subprocess.Popen(
        [NEWSAPI, "worker"],
        cwd=folder,
        env=environ(NEWSAPI_LOG_LEVEL="info"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize("runs", [2, pytest.param(20, marks=[pytest.mark.long, pytest.mark.timeout(900)])])
def test_a_worker_that_gets_two_signals_ends(tmp_path, runs):
    for number in range(runs):
        with run_worker(tmp_path) as worker:
            assert worker.stdout is not None
            next(line for line in worker.stdout if "lease acquired" in line)
            worker.send_signal(signal.SIGTERM)
            time.sleep(number * 0.000_05)
            worker.send_signal(signal.SIGTERM)
            worker.stdout.close()
            assert worker.wait(60) == 0
