"""One run of an import: its parts, and the report that it writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from newsapi.content.writes.hooks import WriteHooks
from newsapi.content.writes.resolve import WriteOrigin
from newsapi.db.database import Connection, Session
from newsapi.errors import FieldError
from newsapi.imports.formats import NDJSON, RecordFormat
from newsapi.imports.line_index import LineIndex
from newsapi.imports.report import Counts, ImportReport
from newsapi.imports.term_slugs import TermSlugs
from newsapi.settings import Settings

RejectCallback = Callable[[int, FieldError], None]
"""Called with the line of the file and the field error of a record that cannot be imported."""


@dataclass(frozen=True, slots=True)
class ImportPosition:
    """A position in a file: the number of a line, and the bytes of the file up to its end."""

    line: int = 0
    offset: int = 0


FILE_BEGIN: Final = ImportPosition()
"""The position before the first line."""

ProgressCallback = Callable[[Session, ImportPosition], None]
"""Called in the transaction that writes a batch, with the position of its last line."""


class TransactionSource(Protocol):
    """Where an import reads and writes: a database, or one whose changes are rolled back."""

    def read_transaction(self) -> AbstractContextManager[Connection]:
        """Open a read transaction."""

    def transaction(self) -> AbstractContextManager[Session]:
        """Open a write transaction."""


@dataclass(slots=True)
class ImportRun:
    """One run of an import, with its results so far.

    Attributes:
        hooks: What other packages do in the transactions of the import.
        reject: Called for each field error of a record that cannot be imported.
        line_index: The index of the lines of the file.
        report: The results so far.
        actor: The actor of revisions.
        overwrite: Whether the import replaces what editors changed.
        save_position: Saves the position, in the transaction that wrote the lines.
        write_count: Number of batches that changed the database.
        term_slugs: The slugs of terms that are not those in the file.
    """

    database: TransactionSource
    settings: Settings
    now: Callable[[], datetime]
    hooks: WriteHooks
    reject: RejectCallback
    line_index: LineIndex
    report: ImportReport = field(default_factory=ImportReport)
    actor: str = "import"
    record_format: RecordFormat = NDJSON
    overwrite: bool = False
    save_position: ProgressCallback | None = None
    write_count: int = 0
    term_slugs: TermSlugs = field(default_factory=TermSlugs)

    @property
    def counts(self) -> Counts:
        """The number of records by outcome."""
        return self.report.total

    @property
    def origin(self) -> WriteOrigin:
        """What the writes of the import may change."""
        return WriteOrigin.OVERWRITING_IMPORT if self.overwrite else WriteOrigin.IMPORT

    def is_superseded(self, line: int, digest: bytes | None) -> bool:
        """Return whether the stored article or term comes from a later line of this file.

        Args:
            line: The number of the line to import.
            digest: The digest of the line from which the stored one was imported, if any.

        Returns:
            Whether the last line with this digest comes after the line to import.
        """
        return digest is not None and self.line_index.last_line_with(digest) > line

    def warn(self, line: int, pointer: str, message: str) -> None:
        """Report a warning about the record of a line."""
        self.report.add_warning(self.record_format.source_line(line), pointer, message)

    def reject_record(self, line: int, errors: Iterable[FieldError], *, name: str = "", is_term: bool = False) -> None:
        """Count a record as rejected, and report its field errors.

        Args:
            line: The number of the line of the record.
            errors: The errors.
            name: The title of the record. Errors of converted formats contain it, because their lines may be long.
            is_term: Whether the record is a brand, author, section or tag.
        """
        (self.report.terms if is_term else self.report.articles).add("rejected")
        source_line = self.record_format.source_line(line)
        for error in errors:
            named = error
            if name and self.record_format.keeps_terms:
                named = FieldError(error.location, f"{error.message} ({name})")
            self.report.add_error(source_line, named)
            self.reject(source_line, named)
