"""What the fork server starts processes with, and how it reports their ends. Each test is a program of its own."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.timeout(120)

PROGRAM = """
import errno, os, signal, socket, sys, time
from newsapi.server.fork_server import ChildProcess, ForkServer, call

{before}
fork_server = ForkServer()

def start(target, *args):
    process = ChildProcess(fork_server, target, args)
    process.start()
    return process

def end(process):
    process.join(30)
    return process.exitcode

def parent_of(pid):
    return int(open(f"/proc/{{pid}}/stat").read().rpartition(")")[2].split()[1])

def wait_for(condition):
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)

{test}
"""


def run(test, before=""):
    """Run a test in a program; return what it wrote to standard error."""
    program = PROGRAM.format(test=test, before=before)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_exit_statuses_are_those_of_programs():
    errors = run("""
assert end(start(time.sleep, 0)) == 0
assert end(start(sys.exit, 3)) == 3
assert end(start(sys.exit, None)) == 0
assert end(start(sys.exit, "a reason")) == 1
assert end(start(call, "operator:truediv", 1, 0)) == 1
killed = start(time.sleep, 60)
assert killed.is_alive()
killed.kill()
assert end(killed) == -signal.SIGKILL and not killed.is_alive()
stopped = start(time.sleep, 60)
stopped.terminate()
assert end(stopped) == -signal.SIGTERM
""")
    assert errors.count("ZeroDivisionError") == 1
    assert errors.count("a reason") == 1
    assert errors.count("Traceback") == 1


def test_a_process_gets_the_sockets_among_its_arguments():
    run("""
ours, theirs = socket.socketpair()
process = start(socket.socket.sendall, theirs, b"from the process")
theirs.close()
assert ours.recv(100) == b"from the process"
assert end(process) == 0
assert ours.recv(100) == b""  # no other process has a copy
""")


def test_a_socket_that_is_passed_twice_is_one_socket():
    run(
        """
ours, theirs = socket.socketpair()
process = start(call_with_sockets, theirs, theirs)
theirs.close()
assert ours.recv(100) == b"1"
assert end(process) == 0
""",
        before="""
def call_with_sockets(first, second):
    first.sendall(b"%d" % (first is second))
""",
    )


def test_processes_end_when_the_fork_server_is_killed_and_the_next_are_forked_from_a_new_one():
    run("""
process = start(time.sleep, 60)
killed = parent_of(process.pid)
os.kill(killed, signal.SIGKILL)
assert end(process) == 255
wait_for(lambda: not os.path.exists(f"/proc/{process.pid}"))
later = start(time.sleep, 60)
assert parent_of(later.pid) not in {killed, os.getpid()}
assert parent_of(parent_of(later.pid)) == os.getpid()
later.kill()
""")


def test_a_fork_server_that_was_replaced_ends_after_its_processes():
    run("""
processes = [start(time.sleep, 60) for _ in range(2)]
old = parent_of(processes[0].pid)
fork_server.renew()
new = start(time.sleep, 60)
assert parent_of(new.pid) != old
for process in processes:
    assert os.path.exists(f"/proc/{old}")
    assert process.is_alive()
    process.terminate()
    assert end(process) == -signal.SIGTERM
assert not os.path.exists(f"/proc/{old}")
assert new.is_alive()
new.kill()
""")


def test_a_process_is_started_when_the_system_has_room_again():
    run(
        """
processes = [start(time.sleep, 60), start(time.sleep, 0)]
assert end(processes[1]) == 0
assert processes[0].is_alive()
processes[0].kill()
""",
        before="""
forks, fork = 0, os.fork
def full():
    global forks
    forks += 1
    if forks in {3, 4}:  # the first makes the fork server, the second a process
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
    return fork()
os.fork = full
""",
    )


def test_a_process_that_cannot_be_started_is_an_error_and_the_others_go_on():
    run(
        """
process = start(time.sleep, 60)
began_at = time.monotonic()
try:
    start(time.sleep, 0)
except OSError as error:
    assert error.errno == errno.ENOMEM
else:
    raise AssertionError
assert time.monotonic() - began_at > 4
assert process.is_alive()
process.kill()
""",
        before="""
forks, fork = 0, os.fork
def full():
    global forks
    forks += 1
    if forks > 2:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")
    return fork()
os.fork = full
""",
    )


def test_all_processes_end_when_the_program_ends():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(before="", test="print(start(time.sleep, 60).pid, flush=True)")],
        capture_output=True,  # until all processes that have copies of its ends have ended
        text=True,
        timeout=30,
        check=True,
    )
    assert int(done.stdout) > 0
