"""Imports that were asked for over the API: what became of each so far, and its file until it is done."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from newsapi.model.base import Base, uuid7


class Import(Base):
    """One import. `line` and `offset` are how far its records are done, as of the last transaction that wrote any.

    `state` is `receiving` while the file still comes in. `holder` is a random word of the worker that runs it: one that
    was stopped meanwhile finds another one there. `failures` counts how often it failed since it last got on.
    """

    __tablename__ = "import_job"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    format: Mapped[str]
    plan: Mapped[dict[str, Any] | None]
    state: Mapped[str]
    by: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    line: Mapped[int] = mapped_column(BigInteger)
    offset: Mapped[int] = mapped_column(BigInteger)
    created: Mapped[int]
    updated: Mapped[int]
    unchanged: Mapped[int]
    rejected: Mapped[int]
    errors: Mapped[list[Any]]
    holder: Mapped[str | None]
    failures: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class ImportPart(Base):
    """A piece of the file of an import, all of one length but the last."""

    __tablename__ = "import_part"

    import_id: Mapped[UUID] = mapped_column(ForeignKey("import_job.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    data: Mapped[bytes]
