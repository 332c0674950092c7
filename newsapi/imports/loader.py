"""Imports: a stream of records becomes brands, authors, sections, tags and articles; each record is applied whole.

The stream is imported in batches, each in one transaction. A line from which an article was last imported is recognised
by its digest and skipped at almost no cost, so an interrupted import is simply run again. A second run changes nothing:
where a file has several lines for one article, a line is also skipped if the article is as a later line made it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, groupby, islice
from operator import attrgetter
from typing import BinaryIO, TypeAlias

from newsapi.changelog import writer as changelog_writer
from newsapi.changelog.records import NewChange
from newsapi.content.queries import snapshots
from newsapi.content.queries.snapshots import ImportedArticle
from newsapi.content.queries.terms import Kind
from newsapi.content.writes import terms as term_writes
from newsapi.content.writes.drafts import ArticleDraft
from newsapi.content.writes.hooks import WriteHooks
from newsapi.db.database import Database, Session
from newsapi.errors import InvalidParameter
from newsapi.imports import term_digests
from newsapi.imports.article_writes import write_articles
from newsapi.imports.import_run import FILE_BEGIN, ImportPosition, ImportRun, RejectCallback
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
from newsapi.imports.record_notes import Omission
from newsapi.imports.report import Counts
from newsapi.settings import Settings

BATCH_LINES = 1_000
"""Lines in one transaction, which limits how long other writers wait to about a third of a second."""

BATCH_BYTES = 8 << 20
"""Bytes in one transaction, for long lines."""

TermChanges: TypeAlias = dict[tuple[Kind, str], list[NewChange]]
"""Changes of consecutive terms, by kind and slug, which are appended to the changelog together."""


@dataclass(frozen=True, slots=True)
class LineBatch:
    """Lines that are imported in one transaction.

    Attributes:
        known: The articles that were last imported from lines of the batch, by digest; these lines are not parsed.
        write_count: The `write_count` of the run when they were looked up.
    """

    lines: Sequence[Line]
    known: Mapping[bytes, ImportedArticle]
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


def iter_batches(run: ImportRun, stream: BinaryIO, begin: ImportPosition = FILE_BEGIN) -> Iterator[ImportPosition]:
    """Import the lines after a position, one batch per step.

    Args:
        run: The run, which collects the results.
        stream: The file.
        begin: The position that an earlier run has reached.

    Yields:
        The position after each batch, which is then committed.
    """
    if begin.line and run.record_format.keeps_terms:
        with run.database.read_transaction() as connection:
            read_lines = islice(run.record_format.lines(stream), begin.line)
            run.term_slugs.restore(connection, read_lines)
        stream.seek(0)
    lines = run.record_format.lines(stream, number=begin.line, offset=begin.offset)
    with ParserPool(run.settings) as parsers:
        for batch, results in parsers.iter_parsed(_skip_unchanged(run, lines)):
            position = ImportPosition(batch.lines[-1].number, batch.lines[-1].offset)
            _import_batch(run, batch, results, position)
            yield position


def _skip_unchanged(run: ImportRun, lines: Iterable[Line]) -> Iterator[tuple[LineBatch, list[Line]]]:
    """Yield batches, each with those of its lines that must be parsed because no stored article comes from them."""
    for batch_lines in _split_batches(lines):
        batch = LineBatch(batch_lines, _find_known_articles(run, batch_lines), run.write_count)
        yield batch, [line for line in batch_lines if line.note is None and line.digest not in batch.known]


def _find_known_articles(run: ImportRun, lines: Iterable[Line]) -> dict[bytes, ImportedArticle]:
    """Return the articles that were last imported from these lines; without those that an import overwrites."""
    with run.database.read_transaction() as connection:
        known = snapshots.find_by_import_digests(connection, [line.digest for line in lines if line.digest])
    if not run.overwrite:
        return known
    return {digest: article for digest, article in known.items() if not article.changed_fields}


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
    known_articles = batch.known
    known_lines = [line for line in batch.lines if line.digest in known_articles]
    if known_lines and batch.write_count < run.write_count:
        known_lines, known_articles, parsed = _look_up_again(run, known_lines)
        results = sorted([*results, *parsed], key=attrgetter("line"))
    _report_lines(run, batch.lines, known_lines, known_articles)
    for result in results:
        if isinstance(result, RejectedLine):
            run.reject_record(result.line, result.errors, name=result.name, is_term=result.is_term)
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


def _look_up_again(
    run: ImportRun, known_lines: Sequence[Line]
) -> tuple[list[Line], Mapping[bytes, ImportedArticle], list[ParseResult]]:
    """Look up known lines again after this run has written other batches.

    Returns:
        The lines that are still known, with their articles, and the parsed ones of the others: an article that came
        from them has since been overwritten by an earlier line of the file, and they overwrite it in turn.
    """
    still_known = _find_known_articles(run, known_lines)
    parsed = parse_lines(run.settings, [line for line in known_lines if line.digest not in still_known])
    return [line for line in known_lines if line.digest in still_known], still_known, parsed


def _report_lines(
    run: ImportRun, lines: Iterable[Line], known_lines: Sequence[Line], known_articles: Mapping[bytes, ImportedArticle]
) -> None:
    """Report the omissions and warnings of a batch, and its known lines: they change nothing."""
    report, source_line = run.report, run.record_format.source_line
    for line in lines:
        if isinstance(line.note, Omission):
            report.add_omission(source_line(line.number), line.note)
        elif line.note is not None:
            run.warn(line.number, line.note.pointer, line.note.message)
    report.articles.add("unchanged", len(known_lines))
    for line in known_lines:
        article = known_articles[line.digest]
        if article.changed_fields:
            report.add_left_article(source_line(line.number), article.slug, article.changed_fields)


def _write_records(run: ImportRun, session: Session, records: Iterable[ParsedTerm | ParsedArticle]) -> None:
    """Write records in their order; consecutive articles are written together."""
    for _, group in groupby(records, type):
        drafts: list[ArticleDraft] = []
        changes: TermChanges = {}
        for record in group:
            if isinstance(record, ParsedTerm):
                _write_term(run, session, record, changes)
            else:
                drafts.append(run.term_slugs.apply(record.draft))
        _append_changes(run, session, changes)
        if drafts:
            write_articles(run, session, drafts)


def _append_changes(run: ImportRun, session: Session, changes: TermChanges) -> None:
    if changes:
        new_changes = [*chain.from_iterable(changes.values())]
        changelog_writer.append_changes(session, new_changes, now=run.now(), bulk=True)
        changes.clear()


def _write_term(run: ImportRun, session: Session, term: ParsedTerm, appended_later: TermChanges) -> None:
    """Write a term, and add its changes to those to be appended."""
    now = run.now()
    if run.record_format.keeps_terms:
        run.term_slugs.assign(session.connection(), term.kind, {term.slug: str(term.values["name"])})
        slug = run.term_slugs.get(term.kind, term.slug)
        term = replace(term, slug=slug, values={**term.values, "slug": slug})
    stored_digest = term_digests.find_digest(session, term.kind, term.slug)
    is_kept = run.record_format.keeps_terms and term_writes.resolve_slugs(session, term.kind, [term.slug])
    if is_kept or stored_digest == term.digest or run.is_superseded(term.line, stored_digest):
        run.report.terms.add("unchanged")
        return
    try:
        if (term.kind, term.slug) in appended_later:  # whether a tag is public depends on its last change
            _append_changes(run, session, appended_later)
        outcome, changes = term_writes.upsert_by_slug(session, term.kind, term.values, now)
    except InvalidParameter as error:
        run.reject_record(term.line, error.faults, name=term.slug, is_term=True)
        return
    term_digests.save_digest(session, term.kind, term.slug, term.digest)
    if changes:
        appended_later[term.kind, term.slug] = changes
    run.report.terms.add(outcome)
