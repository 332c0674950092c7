"""Tables of import jobs: their progress and results, and the uploaded file until the job is finished."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from newsapi.db.types import Base, Json, uuid7
from newsapi.imports.mapping import MappingDocument
from newsapi.imports.report import RecordError, ReportDocument


class Import(Base):
    """An import job.

    Attributes:
        state: `receiving` during the upload, then a state of the API.
        line: The last line processed, as of the last transaction that wrote records.
        offset: The number of bytes processed, as of the same transaction.
        report: The report without the members that have columns of their own, as of the same transaction.
        overwrite: Whether the import replaces what editors changed.
        lease_holder: Random token of the worker that runs the job. A worker that was suspended meanwhile finds another
            token here and stops.
        failures: Number of failures since the job last made progress.
    """

    __tablename__ = "import_job"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    format: Mapped[str]
    mapping: Mapped[MappingDocument | None] = mapped_column(Json)
    state: Mapped[str]
    created_by: Mapped[str]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    line: Mapped[int] = mapped_column(BigInteger)
    offset: Mapped[int] = mapped_column(BigInteger)
    created: Mapped[int]
    updated: Mapped[int]
    unchanged: Mapped[int]
    rejected: Mapped[int]
    errors: Mapped[list[RecordError]] = mapped_column(Json)
    report: Mapped[ReportDocument] = mapped_column(Json)
    overwrite: Mapped[bool]
    lease_holder: Mapped[str | None]
    failures: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ImportChunk(Base):
    """A chunk of the uploaded file; all chunks but the last have the same size."""

    __tablename__ = "import_chunk"

    import_id: Mapped[UUID] = mapped_column(ForeignKey("import_job.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    data: Mapped[bytes]
