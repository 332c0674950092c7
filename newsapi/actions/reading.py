"""Parser processes: lines of an import become validated and cleaned records, in several processes if there are many.

Parsing a line takes longer than writing its record, and needs no database: one process writes, and the others parse
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
"""Lines that are parsed in this process before others are started, which takes time."""

READERS = min(4, os.cpu_count() or 1)
"""Maximum number of parser processes; more would only wait for the process that writes."""

SCHEMAS: dict[str, Schema] = {
    "brand": BrandIn(),
    "section": TermIn(),
    "tag": TermIn(),
    "author": AuthorIn(),
    "article": ArticleIn(),
}


@dataclass(frozen=True, slots=True)
class Record:
    """A line whose record is valid: a draft of an article, or the values of a term."""

    line: int
    digest: bytes
    type: str
    values: Mapping[str, Any] | Draft


@dataclass(frozen=True, slots=True)
class Refused:
    """A line whose record is invalid, with all of its field errors."""

    line: int
    faults: Sequence[Fault]


Found: TypeAlias = Record | Refused


def read(settings: Settings, lines: Iterable[Line]) -> list[Found]:
    """Return the parsed record or the rejection of each line, in order."""
    return [_read(settings, line) for line in lines]


def _read(settings: Settings, line: Line) -> Found:
    if line.problem is not None:
        return Refused(line.number, [Fault(line.problem.pointer, line.problem.message)])
    try:
        record = parse(line.raw)
        type_ = record.pop("type", None)
        if not isinstance(type_, str) or type_ not in SCHEMAS:
            raise Unreadable("/type", f"must be one of {', '.join(SCHEMAS)}")
        values = cast("dict[str, Any]", SCHEMAS[type_].load(record))
        if type_ != "article":
            return Record(line.number, line.digest, type_, values)
        draft = drafted(values, settings, line=line.number, digest=line.digest)
        return Record(line.number, line.digest, type_, draft)
    except Unreadable as error:
        return Refused(line.number, [Fault(error.pointer, error.message)])
    except ValidationError as error:
        return Refused(line.number, list(faults(error.messages)))


class Reading(AbstractContextManager["Reading"]):
    """A pool of parser processes for the lines of one file; leaving the context ends them."""

    def __init__(self, settings: Settings) -> None:
        """Create the pool; processes are started when they are needed."""
        self._settings = settings
        self._alone = ALONE
        self._readers: list[_Reader] = []

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._readers:
            process.end()

    def ahead(self, chunks: Iterable[tuple[Beside, Sequence[Line]]]) -> Iterator[tuple[Beside, list[Found]]]:
        """Parse batches of lines ahead of the caller, one batch per process, so that only a few are in memory.

        Args:
            batches: Pairs of any object and the lines to parse.

        Yields:
            The object of each batch with its results, in order.

        Raises:
            ParserProcessDied: A parser process was killed.
        """
        pending: deque[tuple[Beside, Callable[[], list[Found]]]] = deque()
        for companion, lines in chunks:
            if len(pending) == READERS:
                first_companion, wait_for_results = pending.popleft()
                results = wait_for_results()
                pending.append((companion, self._start(lines)))
                yield first_companion, results
            else:
                pending.append((companion, self._start(lines)))
        for first_companion, wait_for_results in pending:
            yield first_companion, wait_for_results()

    def _start(self, lines: Sequence[Line]) -> Callable[[], list[Found]]:
        """Start to parse lines; return the function that waits for the results."""
        if len(lines) <= self._alone or READERS == 1:
            self._alone -= len(lines)
            return lambda: read(self._settings, lines)
        idle = next((process for process in self._readers if process.idle), None)
        if idle is None:
            idle = _Reader(self._settings)
            self._readers.append(idle)
        idle.ask(lines)
        return idle.answer


class _Reader:
    """A process that parses the lines sent to it. It exits when its input is closed, and so with its parent."""

    def __init__(self, settings: Settings) -> None:
        self.idle = True
        self._process = subprocess.Popen(  # noqa: S603 (the interpreter that runs this process)
            # -P: the current directory is not searched for modules.
            [sys.executable, "-P", "-c", f"from {__name__} import {serve.__name__} as main; main()"],
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
            results: list[Found] = pickle.load(self._process.stdout)  # type: ignore[arg-type]  # noqa: S301 (own process)
        except (EOFError, pickle.UnpicklingError) as error:
            raise ReaderDied from error
        self.idle = True
        return results

    def end(self) -> None:
        self._process.kill()  # it holds no resources that must be released
        self._process.communicate()

    def _send(self, message: object) -> None:
        pipe = cast("BinaryIO", self._process.stdin)
        try:
            pickle.dump(message, pipe, protocol=pickle.HIGHEST_PROTOCOL)
            pipe.flush()
        except BrokenPipeError as error:
            raise ReaderDied from error


def serve() -> None:
    """Run a parser process: reads the settings, then batches of lines, and writes the results of each.

    Messages are pickled; the loop ends with the input.
    """
    gc.set_threshold(100_000, 50, 100)  # many objects and no reference cycles, as in the process that writes
    requests, responses = sys.stdin.buffer, sys.stdout.buffer
    with suppress(EOFError, BrokenPipeError):
        settings = pickle.load(requests)  # noqa: S301 (from the process that started this one)
        while True:
            results = read(settings, pickle.load(requests))  # noqa: S301 (the same)
            pickle.dump(results, responses, protocol=pickle.HIGHEST_PROTOCOL)
            responses.flush()
