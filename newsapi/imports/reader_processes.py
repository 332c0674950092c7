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
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias, TypeVar, cast

from marshmallow import Schema, ValidationError

from newsapi.content.schemas.article_inputs import ArticleImport
from newsapi.content.schemas.terms import AuthorInput, BrandInput, SectionInput, TagInput
from newsapi.content.writes.drafts import ArticleDraft, make_draft
from newsapi.errors import FieldError, ParserProcessDied
from newsapi.imports.ndjson import Line
from newsapi.settings import Settings
from newsapi.text.strict_json import InvalidJson, parse_line
from newsapi.web.wire import field_errors

if TYPE_CHECKING:  # a parser process does without SQLAlchemy, whose import takes longer than parsing a thousand lines
    from newsapi.content.queries.terms import Kind

Context = TypeVar("Context")

MIN_LINES_FOR_PROCESSES = 2_000
"""Lines that are parsed in this process before others are started, which takes time."""

MAX_PROCESSES = min(4, os.cpu_count() or 1)
"""Maximum number of parser processes; more would only wait for the process that writes."""

TERM_SCHEMAS: Final[Mapping[Kind, Schema]] = {
    "brand": BrandInput(),
    "section": SectionInput(),
    "tag": TagInput(),
    "author": AuthorInput(),
}
MAX_NAME_CHARACTERS: Final = 100
"""Length to which the name of a rejected record is cut."""

ARTICLE_SCHEMA: Final = ArticleImport()
RECORD_TYPES: Final = (*TERM_SCHEMAS, "article")


@dataclass(frozen=True, slots=True)
class ParsedTerm:
    """A line with a valid brand, section, tag or author."""

    line: int
    digest: bytes
    kind: Kind
    slug: str
    values: Mapping[str, object]


@dataclass(frozen=True)
class ParsedArticle:
    """A line with a valid article."""

    line: int
    draft: ArticleDraft


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A line whose record is invalid, with all of its field errors.

    `name` is the headline, name or slug of the record, and empty if it has none.
    """

    line: int
    errors: Sequence[FieldError]
    name: str = ""
    is_term: bool = False


ParseResult: TypeAlias = ParsedTerm | ParsedArticle | RejectedLine


def parse_lines(settings: Settings, lines: Iterable[Line]) -> list[ParseResult]:
    """Return the parsed record or the rejection of each line, in order."""
    return [_parse_record(settings, line) for line in lines]


def _parse_record(settings: Settings, line: Line) -> ParseResult:
    if line.problem is not None:
        return RejectedLine(line.number, [FieldError(line.problem.pointer, line.problem.message)])
    record: Mapping[str, object] = {}
    type_: object = None
    try:
        record = members = parse_line(line.raw)
        type_ = members.pop("type", None)
        if type_ == "article":
            values = ARTICLE_SCHEMA.load(record)
            draft = make_draft(values, settings, source_line=line.number, source_digest=line.digest)
            return ParsedArticle(line.number, draft)
        for kind, schema in TERM_SCHEMAS.items():
            if kind == type_:
                values = schema.load(record)
                return ParsedTerm(line.number, line.digest, kind, values["slug"], values)
        raise InvalidJson("/type", f"must be one of {', '.join(RECORD_TYPES)}")
    except InvalidJson as error:
        errors = [FieldError(error.pointer, error.message)]
    except ValidationError as error:
        errors = list(field_errors(error.messages))
    is_term = isinstance(type_, str) and type_ in TERM_SCHEMAS
    return RejectedLine(line.number, errors, _name_of(record), is_term)


def _name_of(record: Mapping[str, object]) -> str:
    """Return what identifies an invalid record to a reader: its headline, name or slug; empty if it has none."""
    for member in ("headline", "name", "slug", "source_id"):
        if isinstance(value := record.get(member), str) and value.strip():
            return value.strip()[:MAX_NAME_CHARACTERS]
    return ""


class ParserPool(AbstractContextManager["ParserPool"]):
    """A pool of parser processes for the lines of one file; leaving the context ends them."""

    def __init__(self, settings: Settings) -> None:
        """Create the pool; processes are started when they are needed."""
        self._settings = settings
        self._lines_before_processes = MIN_LINES_FOR_PROCESSES
        self._processes: list[_ParserProcess] = []

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.end()

    def iter_parsed(
        self, batches: Iterable[tuple[Context, Sequence[Line]]]
    ) -> Iterator[tuple[Context, list[ParseResult]]]:
        """Parse batches of lines ahead of the caller, one batch per process, so that only a few are in memory.

        Args:
            batches: Pairs of any object and the lines to parse.

        Yields:
            The object of each batch with its results, in order.

        Raises:
            ParserProcessDied: A parser process was killed.
        """
        pending: deque[tuple[Context, Callable[[], list[ParseResult]]]] = deque()
        for context, lines in batches:
            if len(pending) == MAX_PROCESSES:
                first_context, wait_for_results = pending.popleft()
                results = wait_for_results()
                pending.append((context, self._start(lines)))
                yield first_context, results
            else:
                pending.append((context, self._start(lines)))
        for first_context, wait_for_results in pending:
            yield first_context, wait_for_results()

    def _start(self, lines: Sequence[Line]) -> Callable[[], list[ParseResult]]:
        """Start to parse lines; return the function that waits for the results."""
        if len(lines) <= self._lines_before_processes or MAX_PROCESSES == 1:
            self._lines_before_processes -= len(lines)
            return lambda: parse_lines(self._settings, lines)
        idle = next((process for process in self._processes if process.idle), None)
        if idle is None:
            idle = _ParserProcess(self._settings)
            self._processes.append(idle)
        idle.send(lines)
        return idle.receive


class _ParserProcess:
    """A process that parses the lines sent to it. It exits when its input is closed, and so with its parent."""

    def __init__(self, settings: Settings) -> None:
        self.idle = True
        self._process = subprocess.Popen(  # noqa: S603 (the interpreter that runs this process)
            # -P: the current directory is not searched for modules.
            [sys.executable, "-P", "-c", f"from {__name__} import {parser_main.__name__} as main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,  # Ctrl-C is for the process that writes
        )
        self._send(settings)

    def send(self, lines: Sequence[Line]) -> None:
        self.idle = False
        self._send(lines)

    def receive(self) -> list[ParseResult]:
        try:
            results: list[ParseResult] = pickle.load(self._process.stdout)  # type: ignore[arg-type]  # noqa: S301 (own process)
        except (EOFError, pickle.UnpicklingError) as error:
            raise ParserProcessDied from error
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
            raise ParserProcessDied from error


def parser_main() -> None:
    """Run a parser process: reads the settings, then batches of lines, and writes the results of each.

    Messages are pickled; the loop ends with the input.
    """
    gc.set_threshold(100_000, 50, 100)  # many objects and no reference cycles, as in the process that writes
    requests, responses = sys.stdin.buffer, sys.stdout.buffer
    with suppress(EOFError, BrokenPipeError):
        settings = pickle.load(requests)  # noqa: S301 (from the process that started this one)
        while True:
            results = parse_lines(settings, pickle.load(requests))  # noqa: S301 (the same)
            pickle.dump(results, responses, protocol=pickle.HIGHEST_PROTOCOL)
            responses.flush()
