"""Imports: a stream of records becomes brands, authors, sections, tags and articles, each once and whole.

The stream is taken in chunks, each in one transaction. A line that an article was last imported from is known by its
hash and costs next to nothing, so an import that was cut off is simply run again, and a second run changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, BinaryIO, cast
from uuid import UUID

from marshmallow import Schema, ValidationError

from newsapi.actions.drafts import KIND_OF, Draft, Present, References, decided, drafted
from newsapi.errors import Fault, Invalid
from newsapi.intake.ndjson import Line, Unreadable, lines, parse
from newsapi.schemas.articles import ArticleIn
from newsapi.schemas.taxonomy import AuthorIn, BrandIn, TermIn
from newsapi.schemas.wire import faults
from newsapi.settings import Settings
from newsapi.store import bulk, log, vocabulary
from newsapi.store.bulk import Written
from newsapi.store.database import Database, Session
from newsapi.store.taxonomy import Kind

CHUNK = 500
"""Lines in one transaction: other writers wait for no longer than these take."""

CHUNK_BYTES = 8 << 20
"""Bytes in one transaction, for long lines."""

SCHEMAS: dict[str, Schema] = {
    "brand": BrandIn(),
    "section": TermIn(),
    "tag": TermIn(),
    "author": AuthorIn(),
    "article": ArticleIn(),
}

Reject = Callable[[int, Fault], None]


@dataclass(slots=True)
class Counts:
    """What became of the lines."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0

    def add(self, outcome: str) -> None:
        """Count one line."""
        setattr(self, outcome, getattr(self, outcome) + 1)


@dataclass(frozen=True, slots=True)
class Record:
    """A line that was read and found good by its schema: a draft of an article, or the values of a term."""

    line: int
    type: str
    values: Mapping[str, Any] | Draft


@dataclass(slots=True)
class Load:
    """One run of an import: what it needs, and what became of it so far."""

    database: Database
    settings: Settings
    now: Callable[[], datetime]
    reject: Reject
    counts: Counts = field(default_factory=Counts)

    def refuse(self, line: int, found: Iterable[Fault]) -> None:
        """Count a line as rejected, and tell each place that is wrong with it."""
        self.counts.rejected += 1
        for fault in found:
            self.reject(line, fault)


def load(
    database: Database,
    settings: Settings,
    stream: BinaryIO,
    *,
    now: Callable[[], datetime],
    reject: Reject,
    progress: Callable[[int], None] = lambda _: None,
) -> Counts:
    """Import a stream of NDJSON.

    `reject` is told the number of a line and what is wrong with it, and the rest goes on; `progress` how many bytes
    are done. What was done when the process is killed stays; run it again for the rest.
    """
    run = Load(database, settings, now, reject)
    for chunk in _chunks(lines(stream)):
        _load_chunk(run, chunk)
        progress(chunk[-1].offset)
    return run.counts


def _chunks(found: Iterable[Line]) -> Iterator[list[Line]]:
    chunk: list[Line] = []
    size = 0
    for line in found:
        chunk.append(line)
        size += len(line.raw)
        if len(chunk) == CHUNK or size > CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _load_chunk(run: Load, chunk: Sequence[Line]) -> None:
    with run.database.reading() as connection:
        known = bulk.known_digests(connection, [line.digest for line in chunk if line.problem is None])
    records = []
    for line in chunk:
        if line.problem is None and line.digest in known:
            run.counts.add("unchanged")
        elif record := _read(run, line):
            records.append(record)
    if not records:
        return
    with run.database.transaction() as session:
        log.lock(session)
        for is_article, same in groupby(records, lambda record: isinstance(record.values, Draft)):
            if is_article:
                _write_articles(run, session, [cast("Draft", record.values) for record in same])
            else:
                _write_terms(run, session, same)


def _read(run: Load, line: Line) -> Record | None:
    """Parse and check a line; None where it was rejected."""
    if line.problem is not None:
        run.refuse(line.number, [Fault(line.problem.pointer, line.problem.message)])
        return None
    try:
        raw = parse(line.raw)
        type_ = raw.pop("type", None)
        if not isinstance(type_, str) or type_ not in SCHEMAS:
            raise Unreadable("/type", f"must be one of {', '.join(SCHEMAS)}")
        values = cast("dict[str, Any]", SCHEMAS[type_].load(raw))
        if type_ != "article":
            return Record(line.number, type_, values)
        return Record(line.number, type_, drafted(values, run.settings, line=line.number, digest=line.digest))
    except Unreadable as error:
        run.refuse(line.number, [Fault(error.pointer, error.message)])
    except ValidationError as error:
        run.refuse(line.number, faults(error.messages))
    return None


def _write_terms(run: Load, session: Session, records: Iterable[Record]) -> None:
    for record in records:
        now = run.now()
        values = cast("Mapping[str, Any]", record.values)
        try:
            outcome, told = vocabulary.write(session, cast("Kind", record.type), values, now)
        except Invalid as error:
            run.refuse(record.line, error.faults)
            continue
        if told:
            log.append(session, told, now=now, bulk=True)
        run.counts.add(outcome)


def _write_articles(run: Load, session: Session, drafts: Iterable[Draft]) -> None:
    """Write a run of articles; where one comes twice, the second is written after the first."""
    batch: list[Draft] = []
    named: set[Any] = set()
    for draft in drafts:
        if named & draft.keys():
            _write_batch(run, session, batch)
            batch, named = [], set()
        batch.append(draft)
        named |= draft.keys()
    _write_batch(run, session, batch)


def _write_batch(run: Load, session: Session, drafts: Sequence[Draft]) -> None:
    now = run.now()
    references = _references(session, drafts, now)
    slugs = {slug for draft in drafts for slug in (draft.slug, *draft.previous_slugs)}
    present = Present(*bulk.existing(session, slugs, {draft.id for draft in drafts if draft.id}))
    todo: dict[UUID, Written] = {}
    same: list[tuple[UUID, bytes]] = []
    for draft in drafts:
        try:
            item = decided(draft, present, references, now)
            if item.after.id in todo:
                raise Invalid([Fault("/slug", "names an article that is renamed a few lines before; import it again")])
        except Invalid as error:
            run.refuse(draft.line, error.faults)
            continue
        if item.after is item.before:
            same.append((item.after.id, draft.digest))
            run.counts.add("unchanged")
        else:
            todo[item.after.id] = item
            run.counts.add("updated" if item.before else "created")
    bulk.write(session, list(todo.values()), now=now, by="import")
    bulk.remember_digests(session, same)


def _references(session: Session, drafts: Sequence[Draft], now: datetime) -> References:
    """Look up all that the drafts refer to, and make the tags, formats and languages that are new."""
    slugs: dict[str, set[str]] = {kind: set() for kind in KIND_OF.values()}
    for draft in drafts:
        for name, found in draft.references.items():
            slugs[KIND_OF[name]].update(found)
    if told := vocabulary.make_tags(session, slugs["tag"], now):
        log.append(session, told, now=now, bulk=True)
    for name in ("format", "language"):
        vocabulary.make_facets(session, name, {draft.values[name] for draft in drafts})
    return {kind: vocabulary.look_up(session, cast("Kind", kind), found) for kind, found in slugs.items()}
