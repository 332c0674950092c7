"""The timelines of PostgreSQL servers: a primary that another server has replaced is not used again.

A standby that is promoted begins a new timeline. The machine of the primary that it replaces may return, still as a
primary: writes to it would be lost, and the processes that read it would see another history. So a process remembers
the highest timeline that it has seen of a cluster, and refuses servers that are behind it. This does not replace
fencing: a process that knows only the old primary cannot tell.
"""

from __future__ import annotations

import threading
from typing import Final, NamedTuple

COLUMNS: Final = (
    "system_identifier, CASE WHEN NOT pg_is_in_recovery() THEN pg_walfile_name(pg_current_wal_insert_lsn()) END"
)
SOURCE: Final = "pg_control_system()"
"""SQL for the cluster and the name of the current file of the write-ahead log, which is NULL on a standby."""

_TIMELINE_LENGTH: Final = 8
"""Number of hexadecimal digits of the timeline, with which the name of a file of the write-ahead log begins."""


class Timeline(NamedTuple):
    """A timeline of a cluster, which a primary and the standbys made from it share."""

    cluster: str
    number: int

    @classmethod
    def from_row(cls, cluster: bytes, wal_file: bytes) -> Timeline:
        """Return the timeline in the values of COLUMNS."""
        return cls(cluster.decode(), int(wal_file[:_TIMELINE_LENGTH], 16))


class TimelineRegister:
    """The highest timeline of each cluster that this process has seen. Thread-safe."""

    def __init__(self) -> None:
        """Start without any."""
        self._highest: dict[str, int] = {}
        self._lock = threading.Lock()

    def note(self, timeline: Timeline) -> None:
        """Note the timeline of a primary."""
        with self._lock:
            self._highest[timeline.cluster] = max(timeline.number, self._highest.get(timeline.cluster, 0))

    def is_outdated(self, timeline: Timeline) -> bool:
        """Return whether a server on a later timeline of the cluster was seen."""
        return timeline.number < self._highest.get(timeline.cluster, 0)


register: Final = TimelineRegister()
"""The timelines that this process has seen."""
