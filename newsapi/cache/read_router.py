"""The choice of the database server for a read: a replica that is up to date, or else the primary.

A streaming replica is behind its primary by milliseconds or, if it is paused or overloaded, by any time. After a
failover or a restore it may contain changes that the primary never had. So each read on a replica begins with the head
of the changelog in its own snapshot. The replica is used only if this change is one of the primary's, and is neither
older than what this process knows of the primary nor than what the client asks for. What is not in the changelog, such
as drafts, must not be read here: the head does not tell whether a replica has it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Final, TypeVar

import structlog
from prometheus_client import Counter
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from newsapi.cache.circuit_breaker import CircuitBreaker
from newsapi.cache.log_follower import ChangelogFollower
from newsapi.changelog import reader as changelog_reader
from newsapi.db.database import Database
from newsapi.db.failures import DRIVER_ERRORS
from newsapi.errors import MigrationsPending, SearchUnavailable, SnapshotOutdated, Unavailable, describe_cause

log = structlog.get_logger("newsapi.cache")

LAG_PAUSE_SECONDS: Final = 0.02
"""Seconds for which a replica that is behind is not used. Most replicas catch up within milliseconds."""

_READS = Counter(
    "newsapi_replica_reads",
    "Reads that began on a replica, and those that the primary did instead because it was `behind` or `failed`",
    ["result"],
)

_Result = TypeVar("_Result")


class Replica:
    """A read replica.

    Attributes:
        database: Its connections.
        circuit: Whether it is used at the moment.
        problem: Why it was not used for the last read, "behind" or "failing"; empty if it was.
    """

    def __init__(self, database: Database) -> None:
        """Start as a replica that is used."""
        self.database = database
        self.circuit = CircuitBreaker()
        self.problem = ""

    def on_use(self) -> None:
        """Note that the replica is up to date."""
        _READS.labels("used").inc()
        self.circuit.close()
        if self.problem == "failing":
            log.warning("replica available again", replica=self.database.server_name)
        self.problem = ""

    def on_lag(self) -> None:
        """Do not use the replica for a moment."""
        _READS.labels("behind").inc()
        self.circuit.open(LAG_PAUSE_SECONDS)
        self.problem = "behind"

    def on_failure(self, error: Exception) -> None:
        """Do not use the replica for a while."""
        _READS.labels("failed").inc()
        self.circuit.open()
        if self.problem != "failing":
            log.warning("replica unavailable", replica=self.database.server_name, cause=describe_cause(error))
        self.problem = "failing"


class ReadRouter:
    """Runs reads on the replicas in turn, or on the primary. Thread-safe."""

    def __init__(self, primary: Database, replicas: Sequence[Database], follower: ChangelogFollower) -> None:
        """Connect the parts; nothing is read yet.

        Args:
            primary: The database to which this application writes.
            replicas: The servers that share the reads; the primary may be one of them.
            follower: What this process knows of the changelog of the primary.
        """
        self._primary = primary
        self._replicas = [Replica(database) for database in replicas]
        self._follower = follower
        self._turns = itertools.count()

    def read(self, build: Callable[[Connection], _Result], *, min_seq: int = 0) -> _Result:
        """Return what a function builds from one snapshot of public content.

        Args:
            build: Builds the result in a read transaction. It may run again, on another server or from a newer
                snapshot, if the server fails or if it raises SnapshotOutdated.
            min_seq: The changelog position that a replica must have reached.

        Returns:
            The result.

        Raises:
            Unavailable: The primary cannot be reached or did not reply in time, and no replica is up to date.
        """
        known = self._follower.latest() if self._replicas else None
        if known is not None:
            required_seq = max(known.seq, min_seq)
            for replica in self._in_turn():
                with replica.circuit.attempt() as is_allowed, suppress(_NotBuilt):
                    if is_allowed:
                        return self._read_replica(replica, build, required_seq)
        return self.read_primary(build)

    def read_primary(self, build: Callable[[Connection], _Result]) -> _Result:
        """Return what a function builds from a snapshot of the primary, also of content that is not public.

        Args:
            build: Builds the result in a read transaction. It runs again, from a newer snapshot, as long as it raises
                SnapshotOutdated.

        Raises:
            Unavailable: The primary cannot be reached or did not reply in time.
        """
        while True:
            with suppress(SnapshotOutdated), self._primary.read_transaction() as connection:
                return build(connection)

    def state(self) -> str | None:
        """Return the state of the replicas at their last reads as text, for `/readyz`; None without replicas."""
        if not self._replicas:
            return None
        problems = [replica.problem for replica in self._replicas if replica.problem]
        if not problems:
            return "ok"
        counts = ", ".join(f"{problems.count(problem)} {problem}" for problem in sorted({*problems}))
        return f"{counts}, of {len(self._replicas)}"

    def dispose(self) -> None:
        """Close all idle connections to the replicas."""
        for replica in self._replicas:
            replica.database.dispose()

    def _in_turn(self) -> Iterator[Replica]:
        """Iterate over the replicas, beginning with the next one at each call."""
        start = next(self._turns) % len(self._replicas)
        yield from self._replicas[start:]
        yield from self._replicas[:start]

    def _read_replica(self, replica: Replica, build: Callable[[Connection], _Result], required_seq: int) -> _Result:
        """Return what a function builds from the snapshot of a replica.

        Raises:
            _NotBuilt: The replica is behind or failed, or its snapshot is too old for `build`.
            SearchUnavailable: The search index, which all servers share, is behind.
        """
        try:
            with replica.database.read_transaction() as connection:
                is_primary = replica.database is self._primary
                if not (is_primary or self._is_up_to_date(connection, required_seq)):
                    replica.on_lag()
                    raise _NotBuilt
                replica.on_use()
                return build(connection)
        except SearchUnavailable:
            raise
        except (Unavailable, MigrationsPending, DBAPIError, *DRIVER_ERRORS) as error:
            replica.on_failure(error)
            raise _NotBuilt from error
        except SnapshotOutdated as error:
            raise _NotBuilt from error

    def _is_up_to_date(self, connection: Connection, required_seq: int) -> bool:
        """Return whether the last change in the snapshot is one of the primary's, and recent enough."""
        seq, nonce = changelog_reader.get_head(connection)
        return seq >= required_seq and self._follower.snapshot_with(seq, nonce) is not None


class _NotBuilt(Exception):
    """A replica could not be used for a read."""
