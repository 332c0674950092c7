"""The write context, and the persistence of articles that imports and all article commands share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from newsapi.changelog import writer as changelog_writer
from newsapi.changelog.writer import SeqRange
from newsapi.content.queries.terms import Kind
from newsapi.content.writes import articles, terms
from newsapi.content.writes.articles import ArticleWrite
from newsapi.content.writes.drafts import TERM_KIND_OF_FIELD, ArticleDraft
from newsapi.content.writes.hooks import WriteHooks, WriteTransaction
from newsapi.content.writes.resolve import References
from newsapi.db.clock import Clock
from newsapi.db.database import Database, Session
from newsapi.db.types import uuid7
from newsapi.settings import Settings
from newsapi.text.body_html.context import Removal


@dataclass(frozen=True, slots=True)
class WriteContext:
    """What commands need: database, settings, the clock that decides when scheduled articles are due, and hooks."""

    database: Database
    settings: Settings
    clock: Clock
    hooks: WriteHooks

    @contextmanager
    def write_transaction(self) -> Iterator[WriteTransaction]:
        """Open a transaction that holds the write lock of the changelog.

        Yields:
            The transaction, with the time after the lock was acquired.
        """
        with self.database.transaction() as session:
            changelog_writer.acquire_write_lock(session)
            yield WriteTransaction(session, self.clock(session.connection()), self.hooks)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteResult:
    """The result of a write: the article or term with its new version.

    `seq` is the position of the change in the changelog; 0 if nothing was appended to it. `removals` is what was
    removed from the body of an article, or replaced by a link.
    """

    id: UUID
    slug: str
    version: int
    seq: int
    removals: tuple[Removal, ...] = ()


def resolve_references(session: Session, drafts: Iterable[ArticleDraft]) -> References:
    """Return the ids of all terms that the drafts refer to, by kind and slug.

    A tag that does not exist gets a new id, with which `persist_articles` creates it; other terms are left out.
    """
    slugs: dict[str, set[str]] = {kind: set() for kind in TERM_KIND_OF_FIELD.values()}
    for draft in drafts:
        for field, field_slugs in draft.references.items():
            slugs[TERM_KIND_OF_FIELD[field]].update(field_slugs)
    ids = {kind: terms.resolve_slugs(session, cast("Kind", kind), kind_slugs) for kind, kind_slugs in slugs.items()}
    ids["tag"] |= {slug: uuid7() for slug in sorted(slugs["tag"] - ids["tag"].keys())}
    return ids


def persist_articles(
    write: WriteTransaction,
    items: Sequence[ArticleWrite],
    term_ids: References,
    *,
    actor: str,
    in_bulk: bool = False,
) -> SeqRange:
    """Write articles after the tags and facets that they are the first to use.

    Args:
        write: The transaction, with its time and hooks.
        items: The articles before and after the write.
        term_ids: The ids of their terms, as returned by `resolve_references`.
        actor: Who the revisions name.
        in_bulk: Whether the changes are part of an import, which marks them so in the changelog.

    Returns:
        The positions of the changes in the changelog.
    """
    session, now = write.session, write.now
    used_ids = {id_ for item in items for id_ in item.after.links["tags"]}
    public_ids = {id_ for item in items if item.after.is_public for id_ in item.after.links["tags"]}
    tag_ids = {slug: id_ for slug, id_ in term_ids["tag"].items() if id_ in used_ids}
    if changes := terms.ensure_tags(session, tag_ids, public_ids, now):
        changelog_writer.append_changes(session, changes, now=now, bulk=in_bulk)
    terms.ensure_facets(session, {pair for item in items for pair in item.after.named_facets.items()})
    return articles.write_articles(write, items, actor=actor, in_bulk=in_bulk)
