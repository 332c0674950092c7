"""Table of requests that carry an idempotency key."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from newsapi.db.types import Base, BytewiseText


class IdempotencyRecord(Base):
    """A request with an Idempotency-Key, and its response for repetitions.

    Attributes:
        caller: The key that sent the request.
        request_digest: Hash of the request; a repetition must be equal.
        lease_holder: Random token of the process that executes the request.
        lease_expires_at: When that process is considered dead.
        status: The response's status; None while the request is executed.
    """

    __tablename__ = "idempotency_record"

    caller: Mapped[str] = mapped_column(BytewiseText, primary_key=True)
    idempotency_key: Mapped[str] = mapped_column(BytewiseText, primary_key=True)
    request_digest: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(index=True)
    lease_holder: Mapped[str]
    lease_expires_at: Mapped[datetime]
    status: Mapped[int | None]
    headers: Mapped[dict[str, Any] | None]
    body: Mapped[str | None]
