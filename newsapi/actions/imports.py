"""Imports: a stream of records becomes brands, authors, sections, tags and articles, each once and whole.

The stream is taken in chunks, each in one transaction. A line that an article was last imported from is known by its
hash and costs next to nothing, so an import that was cut off is simply run again. A second run changes nothing: a line
is passed over where the article is what a later line of the same file made of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any, BinaryIO, cast
from uuid import UUID

from newsapi.actions import writing
from newsapi.actions.decisions import Present, References, decided
from newsapi.actions.drafts import Draft
from newsapi.actions.reading import Found, Reading, Record, Refused, read
from newsapi.actions.writing import references
from newsapi.errors import Fault, Invalid
from newsapi.intake.forms import NDJSON, Form
from newsapi.intake.ndjson import Line
from newsapi.intake.positions import Positions
from newsapi.settings import Settings
from newsapi.store import bulk, log, states, vocabulary
from newsapi.store.bulk import Written
from newsapi.store.database import Database, Session
from newsapi.store.taxonomy import Kind

CHUNK = 1_000
"""Lines in one transaction: other writers wait for no longer than these take, a third of a second or so."""

CHUNK_BYTES = 8 << 20
"""Bytes in one transaction, for long lines."""

LOOKED_UP = 10_000
"""Names in one look-up: three times as many are what SQLite takes in one statement."""

Reject = Callable[[int, Fault], None]


@dataclass(frozen=True, slots=True)
class Reached:
    """How far a file is done: the number of a line, and how many bytes end with it."""

    line: int = 0
    offset: int = 0


Note = Callable[[Session, Reached], None]


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


@dataclass(slots=True)
class Load:
    """One run of an import: what it needs, and what became of it so far.

    `note` writes down how far it is, in the transaction that wrote the lines. `by` is who history says it was.
    """

    database: Database
    settings: Settings
    now: Callable[[], datetime]
    reject: Reject
    positions: Positions
    counts: Counts = field(default_factory=Counts)
    by: str = "import"
    form: Form = NDJSON
    note: Note | None = None
    writes: int = 0

    def is_overtaken(self, line: int, standing: bytes | None) -> bool:
        """Whether what stands is what a later line of the same file says: `standing` is the digest of that line."""
        return standing is not None and self.positions.last(standing) > line

    def refuse(self, line: int, found: Iterable[Fault]) -> None:
        """Count a line as rejected, and tell each place that is wrong with it."""
        self.counts.rejected += 1
        for fault in found:
            self.reject(self.form.place(line), fault)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Lines that are imported together; those that were `known`, after so many writes of this run, are not read."""

    lines: Sequence[Line]
    known: set[bytes]
    asked_at: int


def load(
    database: Database,
    settings: Settings,
    stream: BinaryIO,
    *,
    now: Callable[[], datetime],
    reject: Reject,
    progress: Callable[[int], None] = lambda _: None,
    form: Form = NDJSON,
) -> Counts:
    """Import a stream of records.

    `reject` is told the number of a line and what is wrong with it, and the rest goes on; `progress` how many bytes
    are done. What was done when the process is killed stays; run it again for the rest. A stream that cannot be wound
    back is imported as it comes: where it has several lines for one article, each run writes all of them.
    """
    run = Load(database, settings, now, reject, Positions(stream, form), form=form)
    for reached in steps(run, stream):
        progress(reached.offset)
    return run.counts


def steps(run: Load, stream: BinaryIO, begin: Reached = Reached()) -> Iterator[Reached]:
    """Import what comes behind `begin`; answer after each transaction how far it is."""
    lines = run.form.lines(stream, number=begin.line, offset=begin.offset)
    with Reading(run.settings) as reading:
        for chunk, found in reading.ahead(_unread(run, lines)):
            reached = Reached(chunk.lines[-1].number, chunk.lines[-1].offset)
            _load_chunk(run, chunk, found, reached)
            yield reached


def _unread(run: Load, found: Iterable[Line]) -> Iterator[tuple[Chunk, list[Line]]]:
    """Answer chunks, each with those of its lines that must be read: others are what articles were imported from."""
    for lines_ in _chunks(found):
        chunk = Chunk(lines_, _known(run, lines_), run.writes)
        yield chunk, [line for line in lines_ if line.digest not in chunk.known]


def _known(run: Load, found: Iterable[Line]) -> set[bytes]:
    with run.database.reading() as connection:
        return states.known_digests(connection, [line.digest for line in found if line.problem is None])


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


def _load_chunk(run: Load, chunk: Chunk, found: list[Found], reached: Reached) -> None:
    known = [line for line in chunk.lines if line.digest in chunk.known]
    if known and chunk.asked_at < run.writes:
        still = _known(run, known)
        # What was written meanwhile has overtaken these lines, and now they overtake it.
        found += read(run.settings, [line for line in known if line.digest not in still])
        found.sort(key=attrgetter("line"))
        known = [line for line in known if line.digest in still]
    run.counts.unchanged += len(known)
    for refused in found:
        if isinstance(refused, Refused):
            run.refuse(refused.line, refused.faults)
    records = [record for record in found if isinstance(record, Record)]
    if not records and run.note is None:
        return
    with run.database.transaction() as session:
        if records:
            log.lock(session)
        for is_article, same in groupby(records, lambda record: isinstance(record.values, Draft)):
            if is_article:
                _write_articles(run, session, [cast("Draft", record.values) for record in same])
            else:
                _write_terms(run, session, same)
        if run.note is not None:
            run.note(session, reached)
    run.writes += bool(records)


def _write_terms(run: Load, session: Session, records: Iterable[Record]) -> None:
    for record in records:
        now = run.now()
        kind, values = cast("Kind", record.type), cast("Mapping[str, Any]", record.values)
        before = vocabulary.import_digest(session, kind, values["slug"])
        stays = run.form.keeps_terms and vocabulary.look_up(session, kind, [values["slug"]])
        if stays or before == record.digest or run.is_overtaken(record.line, before):
            run.counts.add("unchanged")
            continue
        try:
            outcome, told = vocabulary.write(session, kind, values, now)
        except Invalid as error:
            run.refuse(record.line, error.faults)
            continue
        vocabulary.remember_digest(session, kind, values["slug"], record.digest)
        if told:
            log.append(session, told, now=now, bulk=True)
        run.counts.add(outcome)


def _write_articles(run: Load, session: Session, drafts: Sequence[Draft]) -> None:
    """Write a run of articles; where two lines name one article, the second is written after the first."""
    now = run.now()
    rest = drafts
    while rest:
        apart = _apart(rest)
        slugs = {slug for draft in apart for slug in (draft.slug, *draft.previous_slugs)}
        present = Present(*states.existing(session, slugs, {draft.id for draft in apart if draft.id}))
        batch = _Batch(run, present, references(session, apart), now)
        taken = next((number for number, draft in enumerate(apart) if not batch.take(draft)), len(apart))
        batch.write(session)
        rest = rest[taken:]


def _apart(drafts: Sequence[Draft]) -> Sequence[Draft]:
    """As many of the first drafts as have no name in common, and name no more than can be looked up at once."""
    named: set[str | UUID] = set()
    count = 0
    for number, draft in enumerate(drafts):
        keys = draft.keys()
        count += len(keys) + sum(map(len, draft.references.values()))
        if number and (count > LOOKED_UP or named & keys):
            return drafts[:number]
        named |= keys
    return drafts


class _Batch:
    """Articles that are written together: no two of them touch the same one."""

    def __init__(self, run: Load, present: Present, references: References, now: datetime) -> None:
        self._run, self._present, self._references, self._now = run, present, references, now
        self._named: set[str | UUID] = set()
        self._todo: list[Written] = []
        self._same: list[tuple[UUID, bytes]] = []

    def take(self, draft: Draft) -> bool:
        """Decide on a draft; answer False where it must wait until this batch is written."""
        named = draft.keys() | {state.id for state in self._present.named(draft)}
        if named & self._named:
            return False
        before = self._present.target(draft)
        overtaken = partial(self._run.is_overtaken, draft.line, before.import_digest if before else None)
        try:
            item = decided(draft, self._present, self._references, self._now)
        except Invalid as error:
            if overtaken():
                self._run.counts.add("unchanged")
            else:
                self._run.refuse(draft.line, error.faults)
            return True
        if item.before and item.after is not item.before and overtaken():
            self._run.counts.add("unchanged")
            return True
        self._named |= named
        if item.after is item.before:
            if draft.digest:
                self._same.append((item.after.id, draft.digest))
            self._run.counts.add("unchanged")
        else:
            self._todo.append(item)
            self._run.counts.add("updated" if item.before else "created")
        return True

    def write(self, session: Session) -> None:
        """Write what was decided."""
        if self._todo:
            writing.write(session, self._todo, self._references, now=self._now, by=self._run.by, in_bulk=True)
        bulk.remember_digests(session, self._same)
