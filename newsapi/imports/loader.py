"""Imports: a stream of records becomes brands, authors, sections, tags and articles; each record is applied whole.

The stream is imported in batches, each in one transaction. A line from which an article was last imported is recognised
by its digest and skipped at almost no cost, so an interrupted import is simply run again. A second run changes nothing:
where a file has several lines for one article, a line is also skipped if the article is as a later line made it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import BinaryIO
from uuid import UUID

from newsapi.changelog import writer as changelog_writer
from newsapi.content.queries import snapshots
from newsapi.content.writes import articles as article_writes
from newsapi.content.writes import terms as term_writes
from newsapi.content.writes import writer
from newsapi.content.writes.articles import ArticleWrite
from newsapi.content.writes.drafts import Draft
from newsapi.content.writes.hooks import WriteHooks, WriteTransaction
from newsapi.content.writes.resolve import ExistingArticles, References, resolve
from newsapi.content.writes.writer import resolve_references
from newsapi.db.database import Database, Session
from newsapi.errors import FieldError, InvalidParameter
from newsapi.imports.formats import NDJSON, RecordFormat
from newsapi.imports.line_index import LineIndex
from newsapi.imports.ndjson import Line
from newsapi.imports.reader_processes import (
    ParsedArticle,
    ParsedTerm,
    ParseResult,
    ParserPool,
    RejectedLine,
    parse_lines,
)
from newsapi.settings import Settings

BATCH_LINES = 1_000
"""Lines in one transaction, which limits how long other writers wait to about a third of a second."""

BATCH_BYTES = 8 << 20
"""Bytes in one transaction, for long lines."""

MAX_NAMES_PER_LOOKUP = 10_000
"""Names in one look-up; SQLite allows about three times as many values in one statement."""

RejectCallback = Callable[[int, FieldError], None]
"""Called with the line of the file and the field error of a record that cannot be imported."""


@dataclass(frozen=True, slots=True)
class ImportPosition:
    """A position in a file: the number of a line, and the bytes of the file up to its end."""

    line: int = 0
    offset: int = 0


ProgressCallback = Callable[[Session, ImportPosition], None]
"""Called in the transaction that writes a batch, with the position of its last line."""


@dataclass(slots=True)
class Counts:
    """Number of lines by outcome."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0

    def add(self, outcome: str) -> None:
        """Count one line."""
        setattr(self, outcome, getattr(self, outcome) + 1)


@dataclass(slots=True)
class ImportRun:
    """One run of an import, with its results so far.

    Attributes:
        hooks: What other packages do in the transactions of the import.
        reject: Called for each field error of a record that cannot be imported.
        line_index: The index of the lines of the file.
        actor: The actor of revisions.
        save_position: Saves the position, in the transaction that wrote the lines.
        write_count: Number of batches that changed the database.
    """

    database: Database
    settings: Settings
    now: Callable[[], datetime]
    hooks: WriteHooks
    reject: RejectCallback
    line_index: LineIndex
    counts: Counts = field(default_factory=Counts)
    actor: str = "import"
    record_format: RecordFormat = NDJSON
    save_position: ProgressCallback | None = None
    write_count: int = 0

    def is_superseded(self, line: int, digest: bytes | None) -> bool:
        """Return whether the stored article or term comes from a later line of this file.

        Args:
            line: The number of the line to import.
            digest: The digest of the line from which the stored one was imported, if any.

        Returns:
            Whether the last line with this digest comes after the line to import.
        """
        return digest is not None and self.line_index.last_line_with(digest) > line

    def reject_line(self, line: int, errors: Iterable[FieldError]) -> None:
        """Count a line as rejected, and report its field errors."""
        self.counts.rejected += 1
        for error in errors:
            self.reject(self.record_format.source_line(line), error)


@dataclass(frozen=True, slots=True)
class LineBatch:
    """Lines that are imported in one transaction.

    Attributes:
        known_digests: Digests from which stored articles were imported; these lines are not parsed.
        write_count: The `write_count` of the run when they were looked up.
    """

    lines: Sequence[Line]
    known_digests: set[bytes]
    write_count: int


def import_records(
    database: Database,
    settings: Settings,
    stream: BinaryIO,
    *,
    now: Callable[[], datetime],
    hooks: WriteHooks,
    reject: RejectCallback,
) -> Counts:
    """Import a stream of NDJSON records.

    If the process is killed, committed batches are kept; run the import again for the rest. In a stream that is not
    seekable, lines for the same article cannot be compared: each run writes all of them.

    Args:
        database: The database.
        settings: The settings.
        stream: The records.
        now: The clock.
        hooks: What other packages do in the transactions of the import.
        reject: Called for each field error of a record that cannot be imported; the others are imported.

    Returns:
        The number of lines by outcome.
    """
    run = ImportRun(database, settings, now, hooks, reject, LineIndex(stream))
    for _ in iter_batches(run, stream):
        pass
    return run.counts


def iter_batches(
    run: ImportRun, stream: BinaryIO, begin: ImportPosition = ImportPosition()
) -> Iterator[ImportPosition]:
    """Import the lines after a position, one batch per step.

    Args:
        run: The run, which collects the results.
        stream: The file.
        begin: The position that an earlier run has reached.

    Yields:
        The position after each batch, which is then committed.
    """
    lines = run.record_format.lines(stream, number=begin.line, offset=begin.offset)
    with ParserPool(run.settings) as parsers:
        for batch, results in parsers.iter_parsed(_skip_unchanged(run, lines)):
            position = ImportPosition(batch.lines[-1].number, batch.lines[-1].offset)
            _import_batch(run, batch, results, position)
            yield position


def _skip_unchanged(run: ImportRun, lines: Iterable[Line]) -> Iterator[tuple[LineBatch, list[Line]]]:
    """Yield batches, each with those of its lines that must be parsed because no stored article comes from them."""
    for batch_lines in _split_batches(lines):
        batch = LineBatch(batch_lines, _find_known_digests(run, batch_lines), run.write_count)
        yield batch, [line for line in batch_lines if line.digest not in batch.known_digests]


def _find_known_digests(run: ImportRun, lines: Iterable[Line]) -> set[bytes]:
    with run.database.read_transaction() as connection:
        return snapshots.existing_import_digests(connection, [line.digest for line in lines if line.problem is None])


def _split_batches(lines: Iterable[Line]) -> Iterator[list[Line]]:
    batch: list[Line] = []
    size = 0
    for line in lines:
        batch.append(line)
        size += len(line.raw)
        if len(batch) == BATCH_LINES or size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _import_batch(run: ImportRun, batch: LineBatch, results: list[ParseResult], position: ImportPosition) -> None:
    """Import one batch in one transaction: count known lines, report rejected ones, write the records."""
    known = [line for line in batch.lines if line.digest in batch.known_digests]
    if known and batch.write_count < run.write_count:
        known, parsed = _look_up_again(run, known)
        results = sorted([*results, *parsed], key=attrgetter("line"))
    run.counts.unchanged += len(known)
    for result in results:
        if isinstance(result, RejectedLine):
            run.reject_line(result.line, result.errors)
    records = [result for result in results if not isinstance(result, RejectedLine)]
    if not records and run.save_position is None:
        return
    with run.database.transaction() as session:
        if records:
            changelog_writer.acquire_write_lock(session)
            _write_records(run, session, records)
        if run.save_position is not None:
            run.save_position(session, position)
    run.write_count += bool(records)


def _look_up_again(run: ImportRun, known: Sequence[Line]) -> tuple[list[Line], list[ParseResult]]:
    """Look up known lines again after this run has written other batches.

    Returns:
        The lines that are still known, and the parsed ones of the others: an article that came from them has since been
        overwritten by an earlier line of the file, and they overwrite it in turn.
    """
    still_known = _find_known_digests(run, known)
    parsed = parse_lines(run.settings, [line for line in known if line.digest not in still_known])
    return [line for line in known if line.digest in still_known], parsed


def _write_records(run: ImportRun, session: Session, records: Iterable[ParsedTerm | ParsedArticle]) -> None:
    """Write records in their order; consecutive articles are written together."""
    for _, group in groupby(records, type):
        drafts: list[Draft] = []
        for record in group:
            if isinstance(record, ParsedTerm):
                _write_term(run, session, record)
            else:
                drafts.append(record.draft)
        if drafts:
            _write_articles(run, session, drafts)


def _write_term(run: ImportRun, session: Session, term: ParsedTerm) -> None:
    now = run.now()
    stored_digest = term_writes.import_digest(session, term.kind, term.slug)
    is_kept = run.record_format.keeps_terms and term_writes.resolve_slugs(session, term.kind, [term.slug])
    if is_kept or stored_digest == term.digest or run.is_superseded(term.line, stored_digest):
        run.counts.add("unchanged")
        return
    try:
        outcome, changes = term_writes.upsert_by_slug(session, term.kind, term.values, now)
    except InvalidParameter as error:
        run.reject_line(term.line, error.faults)
        return
    term_writes.save_import_digest(session, term.kind, term.slug, term.digest)
    if changes:
        changelog_writer.append_changes(session, changes, now=now, bulk=True)
    run.counts.add(outcome)


def _write_articles(run: ImportRun, session: Session, drafts: Sequence[Draft]) -> None:
    """Write consecutive articles; if two lines name the same article, the second is written after the first."""
    now = run.now()
    remaining = drafts
    while remaining:
        candidates = _non_conflicting_prefix(remaining)
        slugs = {slug for draft in candidates for slug in (draft.slug, *draft.previous_slugs)}
        existing = ExistingArticles(
            *snapshots.find_by_slugs_or_ids(session, slugs, {draft.id for draft in candidates if draft.id})
        )
        batch = _WriteBatch(run, existing, resolve_references(session, candidates), now)
        count = 0
        for draft in candidates:
            if not batch.take(draft):
                break
            count += 1
        batch.write(session)
        remaining = remaining[count:]


def _non_conflicting_prefix(drafts: Sequence[Draft]) -> Sequence[Draft]:
    """Return the first drafts, up to one that shares a name with another or exceeds the limit of a look-up."""
    seen_keys: set[str | UUID] = set()
    count = 0
    for number, draft in enumerate(drafts):
        keys = draft.keys()
        count += len(keys) + sum(map(len, draft.references.values()))
        if number and (count > MAX_NAMES_PER_LOOKUP or seen_keys & keys):
            return drafts[:number]
        seen_keys |= keys
    return drafts


class _WriteBatch:
    """Articles that are written together; no two drafts of a batch match the same stored article."""

    def __init__(self, run: ImportRun, existing: ExistingArticles, term_ids: References, now: datetime) -> None:
        self._run, self._existing, self._term_ids, self._now = run, existing, term_ids, now
        self._names: set[str | UUID] = set()
        self._writes: list[ArticleWrite] = []
        self._unchanged: list[tuple[UUID, bytes]] = []

    def take(self, draft: Draft) -> bool:
        """Resolve a draft; return False if this batch must be written first, as it writes an article of that name."""
        names = draft.keys() | {snapshot.id for snapshot in self._existing.all_named(draft)}
        if names & self._names:
            return False
        before = self._existing.match(draft)
        is_superseded = partial(self._run.is_superseded, draft.source_line, before.import_digest if before else None)
        try:
            item = resolve(draft, self._existing, self._term_ids, self._now)
        except InvalidParameter as error:
            if is_superseded():
                self._run.counts.add("unchanged")
            else:
                self._run.reject_line(draft.source_line, error.faults)
            return True
        if item.before and item.after is not item.before and is_superseded():
            self._run.counts.add("unchanged")
            return True
        self._names |= names
        if item.after is item.before:
            if draft.source_digest:
                self._unchanged.append((item.after.id, draft.source_digest))
            self._run.counts.add("unchanged")
        else:
            self._writes.append(item)
            self._run.counts.add("updated" if item.before else "created")
        return True

    def write(self, session: Session) -> None:
        """Write the changed articles, and the import digests of the unchanged ones."""
        if self._writes:
            write = WriteTransaction(session, self._now, self._run.hooks)
            writer.persist_articles(write, self._writes, self._term_ids, actor=self._run.actor, in_bulk=True)
        article_writes.update_import_digests(session, self._unchanged)
