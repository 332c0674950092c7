"""Digests of the records that terms were last imported from: an equal record need not be written again."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from newsapi.content.queries.terms import MODELS, Kind
from newsapi.db.types import columns_table


def find_digest(session: Session, kind: Kind, slug: str) -> bytes | None:
    """Return the digest of the record that a term was last imported from, or None."""
    model = MODELS[kind]
    digest: bytes | None = session.execute(select(model.import_digest).where(model.slug == slug)).scalar_one_or_none()
    return digest


def save_digest(session: Session, kind: Kind, slug: str, digest: bytes) -> None:
    """Save the digest of the record that a term was imported from."""
    terms = columns_table(MODELS[kind])
    session.connection().execute(update(terms).where(terms.c.slug == slug).values(import_digest=digest))
