"""CPU time of processes and their descendants, from /proc: it varies less than wall time on a shared machine."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from newsapi.db.database import Database

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids: Collection[int]) -> float:
    """Return the CPU time, user and system, that processes and their living and ended descendants have used."""
    children: dict[int, list[int]] = {}
    ticks: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        pid = int(folder.name)
        children.setdefault(int(fields[1]), []).append(pid)
        ticks[pid] = sum(map(int, fields[11:15]))
    total, remaining = 0, [*pids]
    while remaining:
        pid = remaining.pop()
        total += ticks.get(pid, 0)
        remaining += children.get(pid, [])
    return total / _TICKS_PER_SECOND


def postmaster_id(url: str) -> int:
    """Return the process id of the PostgreSQL server of a URL of a superuser."""
    database = Database(url)
    with database.connection() as connection:
        content: str = connection.exec_driver_sql("SELECT pg_read_file('postmaster.pid')").scalar_one()
    database.dispose()
    return int(content.split(maxsplit=1)[0])
