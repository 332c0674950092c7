"""The folder of a search index on the disk of this machine: its generations, its locks, and the state of its indexer.

Each machine has an index of its own, which its processes share. A generation is a folder with the files of one Tantivy
index; the symbolic link `current-VERSION` names the one that is searched. A rebuilt index is a new generation, and
becomes the current one by replacing the link, so readers see the old or the new one. Processes of releases with another
`INDEX_VERSION` use another link in the same folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import select
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import orjson
from sqlalchemy import make_url

from newsapi.search.index_schema import INDEX_VERSION
from newsapi.settings import Settings

META_FILE: Final = "meta.json"
"""The file that Tantivy replaces with each commit and each merge."""

STATUS_BYTES: Final = 512
"""Size of the file with the status."""

LOCK_POLL_SECONDS: Final = 0.02
"""Seconds between two attempts to acquire a lock."""


class IndexStamp(NamedTuple):
    """Identifies what the index folder contains: it changes with each commit and with each rebuild."""

    inode: int
    modified_ns: int
    size: int


class IndexStatus(NamedTuple):
    """What the indexer of this machine does, for `/readyz` and metrics.

    Attributes:
        done: Articles of a rebuild in progress that are indexed.
        total: Articles that a rebuild in progress indexes; 0 without a rebuild.
        problem: What keeps the indexer from working; empty if nothing does.
    """

    done: int = 0
    total: int = 0
    problem: str = ""


def default_folder(database_url: str) -> Path:
    """Return the folder of the index of a database if no other is set.

    It is beside the file of a SQLite database, and in the user's cache directory for a database server.
    """
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        return Path(f"{url.database}.search").absolute()
    identity = f"{url.host}:{url.port or 5432}/{url.database}?{sorted(url.normalized_query.items())}"
    name = hashlib.blake2b(identity.encode(), digest_size=8).hexdigest()
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "newsapi" / f"search-{name}"


class IndexFolder:
    """The folder with the index of one machine."""

    def __init__(self, path: Path) -> None:
        """Use a folder, which is created when something is written."""
        self.path = path
        self._current = path / f"current-{INDEX_VERSION}"
        self._meta = self._current / META_FILE
        self._status = path / f"status-{INDEX_VERSION}.json"
        self._wake = path / f"wake-{INDEX_VERSION}"

    @classmethod
    def of(cls, settings: Settings) -> IndexFolder:
        """Return the folder of these settings."""
        return cls(settings.search_index or default_folder(settings.database_url))

    # --- generations ------------------------------------------------------------------------------------------------

    def stamp(self) -> IndexStamp | None:
        """Return the stamp of the current generation; None if there is none."""
        try:
            status = os.stat(self._meta)  # noqa: PTH116 (each search calls it)
        except OSError:
            return None
        return IndexStamp(status.st_ino, status.st_mtime_ns, status.st_size)

    def current(self) -> Path | None:
        """Return the folder of the current generation; None if there is none."""
        try:
            generation = self.path / self._current.readlink()
        except OSError:
            return None
        return generation if (generation / META_FILE).exists() else None

    def create_generation(self) -> Path:
        """Create the folder of a new generation, which is not current yet."""
        generation = self.path / f"index-{INDEX_VERSION}-{secrets.token_hex(6)}"
        generation.mkdir(parents=True)
        return generation

    def publish(self, generation: Path) -> None:
        """Make a generation the current one."""
        link = self.path / f"link-{secrets.token_hex(6)}"
        link.symlink_to(generation.name)
        link.replace(self._current)

    def discard(self, generation: Path) -> None:
        """Stop using a damaged generation: there is no current one until the index is rebuilt."""
        with contextlib.suppress(OSError):
            if self._current.readlink().name == generation.name:
                self._current.unlink()

    def delete_old_generations(self) -> None:
        """Delete the generations that are not current; call this under the rebuild lock.

        That of another release is kept as long as an indexer of that release runs. Processes that still read a deleted
        one keep its files open.
        """
        for link in self.path.glob("current-*"):
            version = link.name.removeprefix("current-")
            if version != INDEX_VERSION:
                with self._locked(f"writing-{version}.lock", 0.0) as is_unused:
                    if is_unused:
                        link.unlink(missing_ok=True)
        kept = {link.readlink().name for link in self.path.glob("current-*")}
        for link in self.path.glob("link-*"):
            link.unlink(missing_ok=True)
        for generation in self.path.glob("index-*"):
            if generation.name not in kept:
                shutil.rmtree(generation, ignore_errors=True)

    def free_bytes(self) -> int:
        """Return the free space of the disk of the folder, in bytes."""
        try:
            return shutil.disk_usage(self.path).free
        except OSError:
            return 0

    # --- locks ------------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def writing(self, timeout_seconds: float = 0.0) -> Iterator[bool]:
        """Be the only process and thread that follows the changelog with this index.

        Yields:
            False if another one is. The kernel releases the lock of a process that died.
        """
        with self._locked(f"writing-{INDEX_VERSION}.lock", timeout_seconds) as is_mine:
            yield is_mine

    @contextlib.contextmanager
    def rebuilding(self, timeout_seconds: float = 0.0) -> Iterator[bool]:
        """Be the only process and thread that rebuilds this index.

        Yields:
            False if another one is.
        """
        with self._locked(f"rebuilding-{INDEX_VERSION}.lock", timeout_seconds) as is_mine:
            yield is_mine

    def is_followed(self) -> bool:
        """Return whether a process holds the writing lock."""
        with self.writing() as is_mine:
            return not is_mine

    @contextlib.contextmanager
    def _locked(self, name: str, timeout_seconds: float) -> Iterator[bool]:
        self.path.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + timeout_seconds
        with (self.path / name).open("a") as file:
            while not (is_mine := _try_lock(file.fileno())) and time.monotonic() < deadline:
                time.sleep(LOCK_POLL_SECONDS)
            yield is_mine

    # --- the indexer ------------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Tell the indexer of this machine, if one runs, that a search waits for it."""
        with contextlib.suppress(OSError):  # nothing reads the pipe, or it is full
            pipe = os.open(self._wake, os.O_WRONLY | os.O_NONBLOCK)
            try:
                os.write(pipe, b".")
            finally:
                os.close(pipe)

    @contextlib.contextmanager
    def waking(self) -> Iterator[WakePipe]:
        """Receive what `wake` sends.

        Yields:
            The pipe to wait for.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            os.mkfifo(self._wake)
        pipe = os.open(self._wake, os.O_RDWR | os.O_NONBLOCK)
        try:
            yield WakePipe(pipe)
        finally:
            os.close(pipe)

    def write_status(self, status: IndexStatus) -> None:
        """Write what the indexer does, over the bytes of the former status: this works on a disk that is full."""
        with contextlib.suppress(OSError):
            file = os.open(self._status, os.O_WRONLY | os.O_CREAT, 0o644)
            try:
                os.pwrite(file, orjson.dumps(status._asdict()).ljust(STATUS_BYTES), 0)
            finally:
                os.close(file)

    def read_status(self) -> IndexStatus:
        """Return what the indexer does, as it last wrote."""
        try:
            return IndexStatus(**orjson.loads(self._status.read_bytes()))
        except (OSError, ValueError, TypeError):
            return IndexStatus()


class WakePipe:
    """The end of a pipe to which searches write that they wait."""

    def __init__(self, pipe: int) -> None:
        """Read from an open pipe."""
        self._pipe = pipe

    def wait(self, seconds: float = 0.0) -> bool:
        """Wait for at most `seconds` until a search waits; return whether one does."""
        readable, _, _ = select.select([self._pipe], [], [], seconds)
        return bool(readable)

    def clear(self) -> bool:
        """Forget the searches that wait; return whether one did."""
        try:
            return bool(os.read(self._pipe, 1 << 16))
        except BlockingIOError:
            return False


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
