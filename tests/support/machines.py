"""Machines with network stacks of their own on one kernel: Linux network namespaces at the ports of one bridge.

A machine that is cut off behaves as one that lost its power or its cable: it does not answer, and neither does its
kernel. Packets are dropped in both directions, connections stay half-open, and an attempt to connect ends with the time
limit of the client.

The namespaces have no names: each lives as long as a process in it, and the first process of each ends when its
standard input is closed. So nothing stays behind when the tests end, however they end.
"""

from __future__ import annotations

import ctypes
import fcntl
import functools
import os
import struct
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

import pytest

ADDRESS = "10.77.0.{}"
SUBNET = "10.77.0.0/24"
MAX_MACHINES = 32
CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
OWN_NAMESPACE = Path("/proc/thread-self/ns/net")
PATIENCE_SECONDS = 10

_libc = ctypes.CDLL(None, use_errno=True)


@functools.cache
def why_not() -> str:
    """Return why namespaces cannot be made here; empty if they can."""
    try:
        with Network(["first", "second"]) as network:
            network["first"].run("ip", "link", "show", "eth0")
    except (OSError, subprocess.SubprocessError) as error:
        return f"no network namespaces (they need root, iproute2 and util-linux): {error}"
    return ""


def marks() -> list[pytest.MarkDecorator]:
    """Return the marks of tests on machines: they are skipped where namespaces cannot be made."""
    reason = why_not()
    return [pytest.mark.skipif(bool(reason), reason=reason), pytest.mark.allow_hosts(["127.0.0.1", SUBNET])]


class Machine:
    """A network namespace. Its processes reach other machines at `address`, and themselves at 127.0.0.1 too."""

    def __init__(self, name: str, number: int) -> None:
        """Start the first process of the namespace, which has no connection to others yet."""
        self.name = name
        self.address = ADDRESS.format(number)
        self.hardware_address = f"02:00:00:00:00:{number:02x}"
        self.port = f"port{number}"  # of the switch
        self._holder = subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE)
        self.namespace = Path(f"/proc/{self._holder.pid}/ns/net")
        until = time.monotonic() + PATIENCE_SECONDS
        while self.namespace.readlink() == OWN_NAMESPACE.readlink():  # `unshare` has just started
            if self._holder.poll() is not None or time.monotonic() > until:
                self.close()
                raise OSError("unshare --net failed")
            time.sleep(0.005)
        self.run("ip", "link", "set", "lo", "up")

    @property
    def pid(self) -> int:
        """The id of the first process of the namespace."""
        return self._holder.pid

    def close(self) -> None:
        """End the first process; the namespace ends with the last one."""
        assert self._holder.stdin
        self._holder.stdin.close()
        self._holder.kill()
        self._holder.wait()

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Let this thread, and the threads and processes that it starts, use the network of the machine."""
        with OWN_NAMESPACE.open() as previous:
            with self.namespace.open() as own:
                _enter(own.fileno())
            try:
                yield
            finally:
                _enter(previous.fileno())

    def run(self, *command: str) -> None:
        """Run a command on the machine."""
        with self.entered():
            subprocess.run(command, check=True, capture_output=True)


class Network:
    """Machines at one switch, by name; those of another region are at a switch of their own."""

    def __init__(self, names: Sequence[str], *, far: Collection[str] = (), delay_seconds: float = 0.0) -> None:
        """Store what is needed; the machines are made when the block is entered.

        Args:
            names: The names of the machines.
            far: Those of the other region.
            delay_seconds: How long a packet from one region to the other takes.
        """
        assert len(names) < MAX_MACHINES
        self._names, self._far, self._delay_seconds = names, far, delay_seconds
        self._stack = ExitStack()
        self._machines: dict[str, Machine] = {}

    def __enter__(self) -> Self:
        try:
            self._switch = self._make_machine("switch", 0)
            for bridge in ("near", "far"):
                self._switch.run("ip", "link", "add", bridge, "type", "bridge")
                self._switch.run("ip", "link", "set", bridge, "up")
            if self._far:
                self._link_regions()
            for number, name in enumerate(self._names, 1):
                self._machines[name] = self._make_machine(name, number)
            for machine in self._machines.values():
                self._connect(machine)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __getitem__(self, name: str) -> Machine:
        return self._machines[name]

    def _make_machine(self, name: str, number: int) -> Machine:
        machine = Machine(name, number)
        self._stack.callback(machine.close)
        return machine

    def _link_regions(self) -> None:
        ends = [self._open_tap(bridge) for bridge in ("near", "far")]
        words = [sys.executable, "-m", "tests.support.delayed_link", *map(str, ends), str(self._delay_seconds)]
        link = subprocess.Popen(words, stdin=subprocess.PIPE, pass_fds=ends, cwd=Path(__file__).parents[2])
        for end in ends:
            os.close(end)
        assert link.stdin
        self._stack.callback(link.wait, PATIENCE_SECONDS)
        self._stack.callback(link.stdin.close)

    def _open_tap(self, bridge: str) -> int:
        """Return the file descriptor of a new device at a bridge."""
        name = f"{bridge}-link"
        with self._switch.entered():
            device = os.open("/dev/net/tun", os.O_RDWR)
            fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
        self._switch.run("ip", "link", "set", name, "master", bridge, "up")
        return device

    def _connect(self, machine: Machine) -> None:
        cable = f"ip link add {machine.port} type veth peer name eth0 netns {machine.pid}"
        self._switch.run(*cable.split())
        self._switch.run("ip", "link", "set", machine.port, "up")
        machine.run("ip", "link", "set", "eth0", "address", machine.hardware_address, "up")
        machine.run("ip", "address", "add", f"{machine.address}/24", "dev", "eth0")
        for other in self._machines.values():
            # Hardware addresses are known as those of a router are: the kernel reports no host as unreachable.
            neighbour = f"ip neighbour replace {other.address} lladdr {other.hardware_address} dev eth0 nud permanent"
            machine.run(*neighbour.split())
        self.reconnect(machine.name)

    def cut_off(self, name: str) -> None:
        """Drop all packets from and to a machine, whose own network stays up."""
        self._switch.run("ip", "link", "set", self[name].port, "nomaster")

    def reconnect(self, name: str) -> None:
        """Deliver packets from and to a machine again."""
        bridge = "far" if name in self._far else "near"
        self._switch.run("ip", "link", "set", self[name].port, "master", bridge)


def _enter(namespace: int) -> None:
    if _libc.setns(namespace, CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
