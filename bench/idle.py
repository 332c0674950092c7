"""Memory and processor time of a service without requests: `python -m bench.idle`.

It starts `newsapi demo` in a folder of its own, lets it measure its images and build its indexes, and prints for each
process the proportional set size (PSS: pages that processes share are divided among them), the private part of it,
the processor time and how often its threads woke up.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import click
import psutil

from tests.support.processes import NEWSAPI, environ, free_port

SETTLE_SECONDS = 30.0
"""Seconds in which the demo does what follows its start; free memory is returned ten seconds after that."""


CLOCK_OF_PROCESS = 2
"""The last three bits of the number of a clock that counts the CPU time of a process; the others have its id."""


class Usage(NamedTuple):
    """What a process has used: CPU time in seconds, and how often each of its threads woke up."""

    cpu_seconds: float
    wakes: dict[str, int]


@click.command()
@click.option("--seconds", default=60.0, help="Seconds to measure.")
@click.option("--processes", default="", help="NEWSAPI_PROCESSES, if it is not to be that of the demo.")
def main(seconds: float, processes: str) -> None:
    """Print what the processes of an idle demo use, as a Markdown table."""
    settings = {"NEWSAPI_PORT": str(free_port()), "NEWSAPI_MEASURE_IMAGES": "any"}
    if processes:
        settings["NEWSAPI_PROCESSES"] = processes
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log").open("w")  # noqa: SIM115 (closed with the process)
        demo = subprocess.Popen([NEWSAPI, "demo"], cwd=folder, env=environ(**settings), stdout=log, stderr=log)
        try:
            time.sleep(SETTLE_SECONDS)
            _report(psutil.Process(demo.pid), seconds)
        finally:
            demo.terminate()
            demo.wait()
            log.close()


def _report(supervisor: psutil.Process, seconds: float) -> None:
    family = [supervisor, *supervisor.children(recursive=True)]
    before = [_usage(process.pid) for process in family]
    time.sleep(seconds)
    after = [_usage(process.pid) for process in family]
    click.echo(
        "| process | PSS MB | private MB | % of a core | wake-ups per second |\n| --- | ---: | ---: | ---: | ---: |"
    )
    total_pss = total_cpu = 0.0
    for process, first, last in zip(family, before, after, strict=True):
        memory = process.memory_full_info()
        cpu = (last.cpu_seconds - first.cpu_seconds) / seconds * 100
        wakes = sum(last.wakes[thread] - first.wakes[thread] for thread in first.wakes.keys() & last.wakes) / seconds
        total_pss, total_cpu = total_pss + memory.pss / 1e6, total_cpu + cpu
        click.echo(f"| {_name(process)} | {memory.pss / 1e6:.0f} | {memory.uss / 1e6:.0f} | {cpu:.2f} | {wakes:.0f} |")
    click.echo(f"| all | {total_pss:.0f} |  | {total_cpu:.2f} |  |")


def _usage(pid: int) -> Usage:
    wakes = {}
    for thread in Path(f"/proc/{pid}/task").iterdir():
        lines = (thread / "status").read_text().splitlines()
        wakes[thread.name] = next(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))
    return Usage(time.clock_gettime(~pid << 3 | CLOCK_OF_PROCESS), wakes)


def _name(process: psutil.Process) -> str:
    """Return what a process calls itself."""
    command = " ".join(process.cmdline())
    return command.removeprefix("newsapi ").strip() if command.startswith("newsapi ") else "supervisor"


if __name__ == "__main__":
    main()
