"""Programs that listen on a port of this machine; tests kill them and start them again at the same address."""

import os
import pwd
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any, Self

from tests.support.machines import Machine
from tests.support.processes import PATIENCE, descendants


class Program:
    """One program. What it prints is appended to `log`."""

    def __init__(
        self,
        command: Sequence[str | Path],
        port: int,
        log: Path,
        *,
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
        unprivileged: bool = False,
        machine: Machine | None = None,
    ) -> None:
        """Store what to start.

        Args:
            command: The program and its arguments.
            port: The port of 127.0.0.1 on which it accepts connections as soon as it is ready.
            log: The file for its output.
            folder: The working directory; `/` if None.
            environment: The environment; that of this process if None.
            unprivileged: Whether it refuses to run as root, and so runs as the user `nobody` if this process is root.
            machine: The machine that it runs on; that of this process if None.
        """
        self.port = port
        self.log = log
        self._command = [*command]
        self._folder = folder or Path("/")
        self._environment = environment
        self._machine = machine
        self._become: dict[str, Any] = {}
        if unprivileged and os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._become = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start the program; return when it accepts connections."""
        with self._machine.entered() if self._machine else nullcontext():
            self._start()

    def _start(self) -> None:
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                self._command,
                stdout=out,
                stderr=out,
                cwd=self._folder,
                env=self._environment,
                process_group=0,  # an interrupt from the keyboard is for the process that started it
                **self._become,
            )
        until = time.monotonic() + PATIENCE
        while True:
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < until, self.log.read_text()
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            time.sleep(0.05)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Send a signal and wait for the end; SIGKILL ends the processes below it too, as the end of a machine does."""
        if self._process is None:
            return
        killed = descendants(self._process.pid) if number == signal.SIGKILL else []
        self._process.send_signal(number)
        for pid, _ in killed:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        self._process.wait(PATIENCE)
        self._process = None
