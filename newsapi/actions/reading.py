"""Lines become records: parsed, checked and cleaned, in other processes where there are many of them.

Reading a line takes longer than writing what it says, and needs no database: so one process writes, and the others read
ahead of it.
"""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, BinaryIO, TypeAlias, TypeVar, cast

from marshmallow import Schema, ValidationError

from newsapi.actions.drafts import Draft, drafted
from newsapi.errors import Fault, ReaderDied
from newsapi.intake.ndjson import Line, Unreadable, parse
from newsapi.schemas.articles import ArticleIn
from newsapi.schemas.taxonomy import AuthorIn, BrandIn, TermIn
from newsapi.schemas.wire import faults
from newsapi.settings import Settings

Beside = TypeVar("Beside")

ALONE = 2_000
"""As many lines are read before it is worth the time to start other processes."""

READERS = min(4, os.cpu_count() or 1)
"""Processes that read: more would only wait for the one that writes."""

SCHEMAS: dict[str, Schema] = {
    "brand": BrandIn(),
    "section": TermIn(),
    "tag": TermIn(),
    "author": AuthorIn(),
    "article": ArticleIn(),
}


@dataclass(frozen=True, slots=True)
class Record:
    """A line that was read and found good by its schema: a draft of an article, or the values of a term."""

    line: int
    digest: bytes
    type: str
    values: Mapping[str, Any] | Draft


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that cannot be taken, and all that is wrong with it."""

    line: int
    faults: Sequence[Fault]


Found: TypeAlias = Record | Refused


def read(settings: Settings, lines: Iterable[Line]) -> list[Found]:
    """Parse, check and clean lines, in their order."""
    return [_read(settings, line) for line in lines]


def _read(settings: Settings, line: Line) -> Found:
    if line.problem is not None:
        return Refused(line.number, [Fault(line.problem.pointer, line.problem.message)])
    try:
        raw = parse(line.raw)
        type_ = raw.pop("type", None)
        if not isinstance(type_, str) or type_ not in SCHEMAS:
            raise Unreadable("/type", f"must be one of {', '.join(SCHEMAS)}")
        values = cast("dict[str, Any]", SCHEMAS[type_].load(raw))
        if type_ != "article":
            return Record(line.number, line.digest, type_, values)
        draft = drafted(values, settings, line=line.number, digest=line.digest)
        return Record(line.number, line.digest, type_, draft)
    except Unreadable as error:
        return Refused(line.number, [Fault(error.pointer, error.message)])
    except ValidationError as error:
        return Refused(line.number, list(faults(error.messages)))


class Reading(AbstractContextManager["Reading"]):
    """Reads the lines of one file, ahead of who asks for them, and ends its processes when it is left."""

    def __init__(self, settings: Settings) -> None:
        """Start nothing yet."""
        self._settings = settings
        self._alone = ALONE
        self._readers: list[_Reader] = []

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for reader in self._readers:
            reader.end()

    def ahead(self, chunks: Iterable[tuple[Beside, Sequence[Line]]]) -> Iterator[tuple[Beside, list[Found]]]:
        """Answer what was found in the lines of each chunk, beside what came with them, in their order.

        Each process reads one chunk ahead, so that no more than a few are ever held. Raises ReaderDied.
        """
        waiting: deque[tuple[Beside, Callable[[], list[Found]]]] = deque()
        for beside, lines in chunks:
            if len(waiting) == READERS:
                first, found = waiting.popleft()
                answer = found()
                waiting.append((beside, self._start(lines)))
                yield first, answer
            else:
                waiting.append((beside, self._start(lines)))
        for first, found in waiting:
            yield first, found()

    def _start(self, lines: Sequence[Line]) -> Callable[[], list[Found]]:
        """Begin to read; answer the function that waits for what was found."""
        if len(lines) <= self._alone or READERS == 1:
            self._alone -= len(lines)
            return lambda: read(self._settings, lines)
        idle = next((reader for reader in self._readers if reader.idle), None)
        if idle is None:
            idle = _Reader(self._settings)
            self._readers.append(idle)
        idle.ask(lines)
        return idle.answer


class _Reader:
    """A process that reads the lines it is sent. It ends when its input does, so it never outlives who started it."""

    def __init__(self, settings: Settings) -> None:
        self.idle = True
        self._process = subprocess.Popen(  # noqa: S603 (this very Python)
            # -P: nothing is loaded from the folder that we happen to be in.
            [sys.executable, "-P", "-c", f"from {__name__} import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,  # Ctrl-C is for the process that writes
        )
        self._send(settings)

    def ask(self, lines: Sequence[Line]) -> None:
        self.idle = False
        self._send(lines)

    def answer(self) -> list[Found]:
        try:
            found: list[Found] = pickle.load(self._process.stdout)  # type: ignore[arg-type]  # noqa: S301 (it is ours)
        except (EOFError, pickle.UnpicklingError) as error:
            raise ReaderDied from error
        self.idle = True
        return found

    def end(self) -> None:
        self._process.kill()  # it holds nothing
        self._process.communicate()

    def _send(self, what: object) -> None:
        pipe = cast("BinaryIO", self._process.stdin)
        try:
            pickle.dump(what, pipe, protocol=pickle.HIGHEST_PROTOCOL)
            pipe.flush()
        except BrokenPipeError as error:
            raise ReaderDied from error


def serve() -> None:
    """Be a reader: settings first, then lines and what was found in them, by turns, until the input ends."""
    gc.set_threshold(100_000, 50, 100)  # many objects and no cycles, as in the process that writes
    source, answers = sys.stdin.buffer, sys.stdout.buffer
    with suppress(EOFError, BrokenPipeError):
        settings = pickle.load(source)  # noqa: S301 (from the process that started this one)
        while True:
            pickle.dump(read(settings, pickle.load(source)), answers, protocol=pickle.HIGHEST_PROTOCOL)  # noqa: S301
            answers.flush()
