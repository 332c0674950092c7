"""Bulk writes of articles: one statement per table for any number of new and changed articles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from uuid import UUID

from sqlalchemy import bindparam, delete, update
from sqlalchemy.orm import Session

from newsapi.changelog import writer as changelog_writer
from newsapi.changelog.digests import bucket
from newsapi.changelog.records import NewChange
from newsapi.changelog.writer import SeqRange
from newsapi.content.queries import listing_entries
from newsapi.content.queries.article_rows import LINKS
from newsapi.content.queries.snapshots import DETAIL, SUMMARY, TIMES, ArticleSnapshot
from newsapi.content.tables.articles import Article, ArticleContent, Revision, SlugRedirect
from newsapi.content.writes import publication_numbers
from newsapi.content.writes.hooks import WriteTransaction
from newsapi.content.writes.images import write_images
from newsapi.db import bulk_rows
from newsapi.db.bulk_rows import in_values
from newsapi.db.types import Base, columns_table
from newsapi.text.json_types import JsonObject


@dataclass(frozen=True, slots=True)
class ArticleWrite:
    """One article to write.

    Attributes:
        after: The article as it is to be stored.
        before: The article as it is stored now; None if it is new.
        reason: The reason of the public change; None if the public sees no change.
        left_fields: The fields of an imported record that were not written, because editors changed the stored ones.
        local_changes: The local changes to save; of use where `after` is `before`.
    """

    after: ArticleSnapshot
    before: ArticleSnapshot | None
    reason: str | None
    left_fields: tuple[str, ...] = ()
    local_changes: Mapping[str, str] | None = None


def write_articles(
    write: WriteTransaction, items: Sequence[ArticleWrite], *, actor: str, in_bulk: bool = True
) -> SeqRange:
    """Write articles with their links, listing entries, revisions and public changes, in the given order.

    The facets of their formats, languages and translation groups must exist.

    Args:
        write: The transaction, with its time and hooks.
        items: The articles, each at most once.
        actor: Who is recorded as the author of the revisions.
        in_bulk: Whether the changes are marked as part of a bulk write, which indexes may follow later.

    Returns:
        The seqs assigned to the changes.
    """
    session, now = write.session, write.now
    changed = [item for item in items if item.reason]
    seq_range = changelog_writer.reserve_seqs(session, len(changed), now=now)
    seqs = {item.after.id: seq for seq, item in enumerate(changed, seq_range.first)}
    for item in items:
        item.after.publication_number = item.before.publication_number if item.before else None
    publication_numbers.assign_numbers(session, [item.after for item in items])
    old_states = [item.before for item in items if item.before]
    facets = listing_entries.facets_of_articles(session, [*old_states, *(item.after for item in items)])
    facets_before = dict(zip([state.id for state in old_states], facets, strict=False))
    with_facets = list(zip(items, facets[len(old_states) :], strict=True))
    listing_entries.delete_entries(session, zip(old_states, facets, strict=False))
    _write_rows(session, items, seqs, seq_range.committed_at, now)
    _insert(session, Revision, [_revision(state, now, actor) for state in old_states])
    _write_links(session, items)
    write_images(session, [(item.before, item.after) for item in items], now)
    _write_former_slugs(session, items, now)
    listing_entries.insert_entries(session, ((item.after, facets_after) for item, facets_after in with_facets))
    no_facets: frozenset[int] = frozenset()
    change_records = [
        _change_records(item, facets_before.get(item.after.id, no_facets), facets_after)
        for item, facets_after in with_facets
        if item.reason
    ]
    changelog_writer.append_reserved(session, change_records, seq_range, bulk=in_bulk)
    return seq_range


def _write_rows(
    session: Session, items: Sequence[ArticleWrite], seqs: Mapping[UUID, int], committed_at: datetime, now: datetime
) -> None:
    """Insert the rows of new articles and update those of existing ones."""
    new_items = [item for item in items if item.before is None]
    existing_items = [item for item in items if item.before is not None]

    def article_rows(group: Sequence[ArticleWrite]) -> list[JsonObject]:
        return [_article_row(item, seqs.get(item.after.id), committed_at, now) for item in group]

    _insert(session, Article, article_rows(new_items))
    _insert(session, ArticleContent, [_detail_row(item) for item in new_items])
    _update(session, Article, "id", article_rows(existing_items))
    _update(session, ArticleContent, "article_id", [_detail_row(item) for item in existing_items])


def update_import_states(session: Session, states: Iterable[tuple[UUID, bytes, Mapping[str, str] | None]]) -> None:
    """Save the import digest and the local changes of articles whose records contained nothing new."""
    columns = ("id", "import_digest", "local_changes")
    _update(session, Article, "id", [dict(zip(columns, state, strict=True)) for state in states])


def _article_row(item: ArticleWrite, seq: int | None, committed_at: datetime, now: datetime) -> JsonObject:
    state = item.after
    row = {name: state.values[name] for name in (*SUMMARY, *TIMES)}
    row |= {
        "id": state.id,
        "version": state.version,
        "withdrawal": state.withdrawal,
        "import_digest": state.import_digest,
        "local_changes": state.local_changes,
    }
    row["publication_number"] = state.publication_number
    expires_at = (state.values["rights"] or {}).get("expires_at")
    row["expires_at"] = datetime.fromisoformat(expires_at) if expires_at else None
    if item.before is None:
        row |= {"created_at": now, "digest_bucket": bucket(state.id)}
    if item.before is None or seq is not None:
        row |= {"seq": seq, "changed_at": committed_at if seq else None}
    return row


def _detail_row(item: ArticleWrite) -> JsonObject:
    values = {name: item.after.values[name] for name in DETAIL}
    return {"article_id": item.after.id, "source_id": item.after.source_id, **values}


def _revision(state: ArticleSnapshot, now: datetime, actor: str) -> JsonObject:
    return {
        "article_id": state.id,
        "number": state.version,
        "replaced_at": now,
        "replaced_by": actor,
        "content": revision_content(state),
    }


def revision_content(state: ArticleSnapshot) -> JsonObject:
    """Build the stored content of a revision: all fields, with terms by their slugs."""
    values = {name: value for name, value in state.values.items() if name not in {"brand_id", "section_id"}}
    return values | (state.names or {})


def _write_links(session: Session, items: Sequence[ArticleWrite]) -> None:
    connection = session.connection()
    for kind, (link, term_id, _) in LINKS.items():
        relinked = [item for item in items if item.before is None or item.before.links[kind] != item.after.links[kind]]
        outdated = [item.after.id for item in relinked if item.before]
        if outdated:
            connection.execute(delete(columns_table(link)).where(in_values(connection, link.article_id, outdated)))
        link_rows = (
            (item.after.id, position, term) for item in relinked for position, term in enumerate(item.after.links[kind])
        )
        bulk_rows.bulk_insert(session, link, ("article_id", "position", term_id.key), link_rows)


def _write_former_slugs(session: Session, items: Sequence[ArticleWrite], now: datetime) -> None:
    """Insert redirects from new former slugs; delete redirects from slugs that an article has now."""
    connection = session.connection()
    current = [item.after.values["slug"] for item in items]
    known = {item.after.id: item.before.former_slugs if item.before else frozenset() for item in items}
    former = {slug: item.after.id for item in items for slug in item.after.former_slugs - known[item.after.id]}
    replaced = in_values(connection, SlugRedirect.slug, [*current, *former])
    connection.execute(delete(columns_table(SlugRedirect)).where(SlugRedirect.kind == "article", replaced))
    redirects = (("article", slug, id_, now) for slug, id_ in former.items())
    bulk_rows.bulk_insert(session, SlugRedirect, ("kind", "slug", "subject_id", "created_at"), redirects)


def _change_records(item: ArticleWrite, facets_before: frozenset[int], facets_after: frozenset[int]) -> NewChange:
    state, reason = item.after, item.reason or ""
    slug = state.values["slug"]
    known_slugs = item.before.former_slugs if item.before and item.before.is_public else frozenset()
    old_slug = item.before.values["slug"] if item.before else slug
    return NewChange(
        kind="article",
        action="upsert" if state.is_public else "delete",
        reason=reason,
        subject_id=state.id,
        slug=slug,
        previous_slug=old_slug if old_slug != slug else None,
        additional_slugs=tuple(sorted(state.former_slugs - known_slugs - {old_slug})),
        version=state.version,
        previous_version=item.before.version if item.before else None,
        facets_before=facets_before,
        facets_after=facets_after,
    )


def _insert(session: Session, model: type[Base], values: Sequence[JsonObject]) -> None:
    """Insert rows that all have the same columns."""
    if values:
        columns = tuple(values[0])
        bulk_rows.bulk_insert(session, model, columns, map(itemgetter(*columns), values))


def _update(session: Session, model: type[Base], key: str, values: Iterable[JsonObject]) -> None:
    """Update rows by their key, with one statement for all rows that have the same columns."""
    by_columns: dict[frozenset[str], list[JsonObject]] = {}
    for row in values:
        parameters = {("row_key" if name == key else name): row[name] for name in row}
        by_columns.setdefault(frozenset(row), []).append(parameters)
    column = columns_table(model).c[key]
    statement = update(columns_table(model)).where(column == bindparam("row_key", type_=column.type))
    for batch in by_columns.values():
        session.connection().execute(statement, batch)
