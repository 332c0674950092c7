"""The one way in which articles are written, by an import and by the desk: what they refer to, then they themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, cast
from uuid import UUID

from newsapi.actions.decisions import References
from newsapi.actions.drafts import KIND_OF, Draft
from newsapi.model.base import uuid7
from newsapi.settings import Settings
from newsapi.store import bulk, log, vocabulary
from newsapi.store.bulk import Written
from newsapi.store.database import Connection, Database, Session
from newsapi.store.log import Numbers
from newsapi.store.taxonomy import Kind


class Moment(Protocol):
    """Answers the time that a write goes by, aware and in UTC."""

    def __call__(self, connection: Connection) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Desk:
    """What whoever writes needs: the database, the settings, and the clock that decides whether an hour has come."""

    database: Database
    settings: Settings
    moment: Moment

    @contextmanager
    def turn(self) -> Iterator[tuple[Session, datetime]]:
        """Wait for the turn to write; answer the transaction, and the time by the clock after waiting."""
        with self.database.transaction() as session:
            log.lock(session)
            yield session, self.moment(session.connection())


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a write did: to which article (or other thing), and which version and number of the log that gave."""

    id: UUID
    slug: str
    version: int
    seq: int


def references(session: Session, drafts: Iterable[Draft]) -> References:
    """Look up all that the drafts refer to; a tag that is not there has the id that it will be made with."""
    slugs: dict[str, set[str]] = {kind: set() for kind in KIND_OF.values()}
    for draft in drafts:
        for name, found in draft.references.items():
            slugs[KIND_OF[name]].update(found)
    ids = {kind: vocabulary.look_up(session, cast("Kind", kind), found) for kind, found in slugs.items()}
    ids["tag"] |= {slug: uuid7() for slug in sorted(slugs["tag"] - ids["tag"].keys())}
    return ids


def write(
    session: Session, items: Sequence[Written], found: References, *, now: datetime, by: str, in_bulk: bool = False
) -> Numbers:
    """Write articles, after the tags and facets that are new with them; answer their numbers in the log."""
    used = {id_ for item in items for id_ in item.after.links["tags"]}
    shown = {id_ for item in items if item.after.is_public for id_ in item.after.links["tags"]}
    tags = {slug: id_ for slug, id_ in found["tag"].items() if id_ in used}
    if told := vocabulary.make_tags(session, tags, shown, now):
        log.append(session, told, now=now, bulk=in_bulk)
    vocabulary.make_facets(session, {pair for item in items for pair in item.after.named_facets.items()})
    return bulk.write(session, items, now=now, by=by, in_bulk=in_bulk)
