"""Writes of terms (brands, authors, sections and tags), and the resolution of the slugs that articles refer to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, func, insert, literal, select, update
from sqlalchemy.orm import Session

from newsapi.changelog.records import NewChange
from newsapi.changelog.tables import Facet
from newsapi.content.queries import snapshots
from newsapi.content.queries.terms import MODELS, Kind
from newsapi.content.tables.articles import ListingEntry, SlugRedirect
from newsapi.content.tables.terms import Author, Brand, Tag
from newsapi.content.writes.hooks import WriteTransaction
from newsapi.db.bulk_rows import in_values
from newsapi.db.types import columns_table, uuid7
from newsapi.errors import FieldError, InvalidParameter
from newsapi.text.folding import fold
from newsapi.text.words import joined_spans


def resolve_slugs(session: Session, kind: Kind, slugs: Collection[str]) -> dict[str, UUID]:
    """Return the ids of terms keyed by the given slugs, former slugs included; unknown slugs are left out."""
    model = MODELS[kind]
    connection = session.connection()
    current = select(model.slug, model.id).where(in_values(connection, model.slug, slugs))
    ids: dict[str, UUID] = dict(connection.execute(current).all())
    if missing := set(slugs) - ids.keys():
        former = select(SlugRedirect.slug, SlugRedirect.subject_id).where(
            SlugRedirect.kind == kind, in_values(connection, SlugRedirect.slug, missing)
        )
        ids |= dict(connection.execute(former).all())
    return ids


def ensure_tags(
    session: Session, ids: Mapping[str, UUID], public_ids: Collection[UUID], now: datetime
) -> list[NewChange]:
    """Create the tags that do not exist yet, named by their slugs.

    A tag that only unpublished articles have is not public and not a change.

    Args:
        session: A session that holds the write lock.
        ids: The ids of the tags, keyed by slug.
        public_ids: The ids of the tags that a public article has.
        now: The time of the write.

    Returns:
        The changes to append: of the tags that become public now.
    """
    connection = session.connection()
    existing = set(connection.execute(select(Tag.id).where(in_values(connection, Tag.id, ids.values()))).scalars())
    missing = sorted((slug, id_) for slug, id_ in ids.items() if id_ not in existing)
    if missing:
        _insert_tags(session, missing, now)
    unpublished = (
        select(Tag.id, Tag.slug, Tag.facet_id)
        .join(Facet, Facet.id == Tag.facet_id)
        .where(in_values(connection, Tag.id, public_ids), Facet.seq == 0)
        .order_by(Tag.slug)
    )
    rows = connection.execute(unpublished).all()
    if not rows:
        return []
    connection.execute(
        update(columns_table(Tag)).where(in_values(connection, Tag.id, [row.id for row in rows])).values(changed_at=now)
    )
    all_tags = _terms_facet(session, "tag")
    return [_build_change("tag", row.id, row.slug, {row.facet_id, all_tags}) for row in rows]


def _insert_tags(session: Session, tags: Sequence[tuple[str, UUID]], now: datetime) -> None:
    facets = session.execute(insert(Facet).returning(Facet.id), [{"kind": "tag", "name": None} for _ in tags])
    session.execute(
        delete(SlugRedirect).where(SlugRedirect.kind == "tag", SlugRedirect.slug.in_([slug for slug, _ in tags]))
    )
    rows = []
    for (slug, id_), facet in zip(tags, facets.scalars(), strict=True):
        name = fold(slug)
        row = {"id": id_, "slug": slug, "name": slug, "sort_key": name, "search_names": f" {name}"}
        rows.append({**row, "facet_id": facet, "changed_at": now})
    session.execute(insert(Tag), rows)


def ensure_facets(session: Session, kinds_and_names: Collection[tuple[str, str]]) -> None:
    """Insert missing facets of formats, languages and translation groups, given kind and name of each."""
    connection = session.connection()
    for kind in sorted({kind for kind, _ in kinds_and_names}):
        names = {name for facet_kind, name in kinds_and_names if facet_kind == kind}
        existing = select(Facet.name).where(Facet.kind == kind, in_values(connection, Facet.name, names))
        if missing := sorted(names - {*connection.execute(existing).scalars()}):
            connection.execute(insert(columns_table(Facet)), [{"kind": kind, "name": name} for name in missing])


def upsert_by_slug(
    session: Session, kind: Kind, values: Mapping[str, Any], now: datetime
) -> tuple[str, list[NewChange]]:
    """Create the term with the slug in `values`, or update it.

    Returns:
        `created`, `updated` or `unchanged`, and the changes to append.
    """
    return upsert_term(session, kind, get_by_current_slug(session, kind, values["slug"]), values, now)


def upsert_term(
    session: Session, kind: Kind, row: Any, values: Mapping[str, Any], now: datetime
) -> tuple[str, list[NewChange]]:
    """Update a term, also its slug, or create it.

    Args:
        session: A session that holds the write lock.
        kind: The kind of the term.
        row: The term as an ORM object; None to create it.
        values: Its fields; the parent of a brand is a slug.
        now: The time of the write.

    Returns:
        `created`, `updated` or `unchanged`, and the changes to append.

    Raises:
        InvalidParameter: The parent of a brand is unknown, or is the brand itself or one of its descendants.
    """
    columns = dict(values)
    parent = columns.pop("parent", None)
    old_slug = row.slug if row else values["slug"]
    if kind == "brand":
        columns["parent_id"] = _parent_id(session, old_slug, parent)
    columns["sort_key"] = fold(values["name"])
    columns["search_names"] = "".join(map(_search_name, (values["name"], *values.get("aliases", ()))))
    old_parent = getattr(row, "parent_id", None)
    if row is None:
        outcome, row = "created", _new(session, kind, columns, now)
    else:
        changed = {name: value for name, value in columns.items() if getattr(row, name) != value}
        if not changed and not _is_unpublished(session, row):
            return "unchanged", []
        outcome = "updated"
        for name, value in changed.items():
            setattr(row, name, value)
        row.changed_at, row.version = now, row.version + 1
    session.flush()
    if row.slug != old_slug:
        _redirect_slug(session, kind, row, old_slug, now)
    touched = {row.facet_id, _terms_facet(session, kind)}
    if columns.get("parent_id") != old_parent:
        touched |= _move_to_group(session, row, old_parent)
    change = _build_change(kind, row.id, row.slug, touched)
    return outcome, [replace(change, previous_slug=old_slug if old_slug != row.slug else None)]


def _search_name(name: str) -> str:
    """Return the words by which a name is found, each after a space: folded, and joined for words such as ID.3."""
    joined = "".join(f" {fold(span.word)}" for span in joined_spans(name))
    return f" {fold(name)}{joined}"


def _redirect_slug(session: Session, kind: Kind, row: Any, old_slug: str, now: datetime) -> None:
    """Redirect the old slug of a term to its new one, and delete any redirect from the new slug."""
    replaced = SlugRedirect.slug.in_([old_slug, row.slug])
    session.execute(delete(SlugRedirect).where(SlugRedirect.kind == kind, replaced))
    session.add(SlugRedirect(kind=kind, slug=old_slug, subject_id=row.id, created_at=now))
    session.flush()


def get_by_current_slug(session: Session, kind: Kind, slug: str) -> Any:
    """Return the term that has this slug now, or None."""
    model = MODELS[kind]
    return session.execute(select(model).where(model.slug == slug)).scalar_one_or_none()


def get_by_any_slug(session: Session, kind: Kind, slug: str) -> Any:
    """Return the term that has or had this slug, or None."""
    id_ = resolve_slugs(session, kind, [slug]).get(slug)
    return session.get(MODELS[kind], id_) if id_ else None


def term_document(session: Session, kind: Kind, row: Any) -> dict[str, Any]:
    """Return a term in the form of a request body."""
    values = {name: getattr(row, name) for name in ("slug", "name")}
    if kind == "brand":
        values |= {name: getattr(row, name) for name in ("aliases", "description", "logo")}
        values["parent"] = slugs_of(session, "brand", [row.parent_id])[0] if row.parent_id else None
    if kind == "author":
        values |= {name: getattr(row, name) for name in ("email", "job_title", "same_as", "bio", "avatar")}
    if kind == "section":
        values |= {name: getattr(row, name) for name in ("position", "description")}
    return values


def author_email(connection: Connection, slug: str) -> str | None:
    """Return the email address of an author, which only editors may see."""
    address: str | None = connection.execute(select(Author.email).where(Author.slug == slug)).scalar()
    return address


def slugs_of(session: Session, kind: Kind, ids: Sequence[UUID]) -> list[str]:
    """Return the slugs of terms, in the order of their ids."""
    model = MODELS[kind]
    slugs_by_id: dict[UUID, str] = dict(session.execute(select(model.id, model.slug).where(model.id.in_(ids))).all())
    return [slugs_by_id[id_] for id_ in ids]


def is_descendant(session: Session, brand: UUID, ancestor: UUID) -> bool:
    """Tell whether a brand is a descendant of another one, at any depth."""
    parent: UUID | None = brand
    while parent is not None:
        parent = session.execute(select(Brand.parent_id).where(Brand.id == parent)).scalar_one()
        if parent == ancestor:
            return True
    return False


def is_used(session: Session, kind: Kind, id_: UUID) -> bool:
    """Tell whether an article of any status is linked to a term, or a brand has child brands."""
    if kind == "brand" and session.execute(select(Brand.id).where(Brand.parent_id == id_).limit(1)).first():
        return True
    return bool(snapshots.list_by_term(session, kind, id_, 1))


def delete_term(write: WriteTransaction, kind: Kind, id_: UUID) -> list[NewChange]:
    """Delete a term that is not used, and its redirects.

    Its facets remain, empty, because the changelog refers to them.

    Returns:
        The changes to append.
    """
    session, model = write.session, MODELS[kind]
    row = session.get_one(model, id_)
    touched = {row.facet_id, _terms_facet(session, kind)}
    write.hooks.on_term_deleted(session, row.facet_id)
    parent_id = getattr(row, "parent_id", None)
    if parent_id is not None:
        parent = session.get_one(Brand, parent_id)
        touched.add(parent.facet_id)
        if parent.group_facet_id:
            touched.add(parent.group_facet_id)
    slug = row.slug
    session.delete(row)
    session.execute(delete(SlugRedirect).where(SlugRedirect.kind == kind, SlugRedirect.subject_id == id_))
    session.flush()
    change = _build_change(kind, id_, slug, touched)
    return [replace(change, action="delete")]


def merge_into(write: WriteTransaction, kind: Kind, source: UUID, target: UUID) -> list[NewChange]:
    """Merge a term that no article is linked to any more into another one.

    The slugs of the source redirect to the target; child brands move to it.

    Returns:
        The changes to append.
    """
    session, now = write.session, write.now
    changes: list[NewChange] = []
    old = session.get_one(MODELS[kind], source)
    former = list(
        session.execute(
            select(SlugRedirect.slug).where(SlugRedirect.kind == kind, SlugRedirect.subject_id == source)
        ).scalars()
    )
    if kind == "brand":
        changes += _move_children(session, source, target, now)
    slug = old.slug
    write.hooks.on_term_merged(session, old.facet_id, session.get_one(MODELS[kind], target).facet_id)
    changes += delete_term(write, kind, source)
    session.add_all(SlugRedirect(kind=kind, slug=name, subject_id=target, created_at=now) for name in (slug, *former))
    session.flush()
    new = session.get_one(MODELS[kind], target)
    new.changed_at = now
    session.flush()
    touched = {new.facet_id, _terms_facet(session, kind)}
    change = _build_change(kind, target, new.slug, touched)
    changes.append(replace(change, additional_slugs=tuple(sorted((slug, *former)))))
    return changes


def _move_children(session: Session, source: UUID, target: UUID, now: datetime) -> list[NewChange]:
    """Make the child brands of one brand the children of another."""
    changes = []
    for child in session.execute(select(Brand).where(Brand.parent_id == source)).scalars().all():
        child.parent_id, child.changed_at, child.version = target, now, child.version + 1
        session.flush()
        touched = {child.facet_id, _terms_facet(session, "brand")} | _move_to_group(session, child, source)
        changes.append(_build_change("brand", child.id, child.slug, touched))
    return changes


def find_names(connection: Connection, kind: Kind, slugs: Collection[str]) -> dict[str, str]:
    """Return the names of the terms that have these slugs now, by slug."""
    model = MODELS[kind]
    return dict(
        connection.execute(select(model.slug, model.name).where(in_values(connection, model.slug, slugs))).all()
    )


def _build_change(kind: Kind, id_: UUID, slug: str, touched: Collection[int]) -> NewChange:
    return NewChange(
        kind=kind, action="upsert", reason="updated", subject_id=id_, slug=slug, facets_after=frozenset(touched)
    )


def _is_unpublished(session: Session, term: Any) -> bool:
    """Tell whether a term was never public: a tag that only unpublished articles have had."""
    return bool(isinstance(term, Tag) and session.get_one(Facet, term.facet_id).seq == 0)


def _move_to_group(session: Session, brand: Brand, old_parent: UUID | None) -> set[int]:
    """Move the articles of a brand from its old group to its new one; return the facets of both."""
    touched = set()
    article_ids = select(ListingEntry.article_id).where(ListingEntry.facet_id == brand.facet_id)
    if old_parent is not None:
        former_parent = session.get_one(Brand, old_parent)
        old_group = former_parent.group_facet_id
        session.execute(
            delete(ListingEntry).where(ListingEntry.facet_id == old_group, ListingEntry.article_id.in_(article_ids))
        )
        touched |= {old_group, former_parent.facet_id}
    if brand.parent_id is not None:
        parent = session.get_one(Brand, brand.parent_id)
        if parent.group_facet_id is None:
            parent.group_facet_id = _new_facet(session, "group")
            session.flush()
            _copy_listing(session, parent.facet_id, parent.group_facet_id)
        _copy_listing(session, brand.facet_id, parent.group_facet_id)
        touched |= {parent.group_facet_id, parent.facet_id}
    for facet_id in touched:
        count = select(func.count()).where(ListingEntry.facet_id == facet_id).scalar_subquery()
        session.execute(update(Facet).where(Facet.id == facet_id).values(article_count=count))
    return {facet_id for facet_id in touched if facet_id is not None}


def _copy_listing(session: Session, source: int, target: int) -> None:
    columns = (
        ListingEntry.published_at,
        ListingEntry.article_id,
        ListingEntry.updated_at,
        ListingEntry.materially_updated_at,
    )
    entries = select(literal(target), *columns).where(ListingEntry.facet_id == source)
    names = ["facet_id", *(column.key for column in columns)]
    session.execute(insert(ListingEntry).from_select(names, entries))


def _new(session: Session, kind: Kind, columns: dict[str, Any], now: datetime) -> Any:
    row = MODELS[kind](**columns, id=uuid7(), facet_id=_new_facet(session, kind), changed_at=now)
    if kind == "brand":
        row.mention_facet_id = _new_facet(session, "mention")
    # The slug no longer redirects to a term that had it before.
    session.execute(delete(SlugRedirect).where(SlugRedirect.kind == kind, SlugRedirect.slug == row.slug))
    session.add(row)
    session.flush()
    return row


def _new_facet(session: Session, kind: str, name: str | None = None) -> int:
    facet_id: int = session.execute(insert(Facet).values(kind=kind, name=name).returning(Facet.id)).scalar_one()
    return facet_id


def _terms_facet(session: Session, kind: Kind) -> int:
    """Return the facet of the list of terms of a kind."""
    facet_id: int = session.execute(select(Facet.id).where(Facet.kind == "terms", Facet.name == kind)).scalar_one()
    return facet_id


def _parent_id(session: Session, slug: str, parent: str | None) -> UUID | None:
    """Return the id of the parent that a brand is given; check that it is no descendant of the brand."""
    if parent is None:
        return None
    parent_id = resolve_slugs(session, "brand", [parent]).get(parent)
    if parent_id is None:
        raise InvalidParameter([FieldError("/parent", f"there is no brand {parent}")])
    ancestor_id: UUID | None = parent_id
    while ancestor_id is not None:
        statement = select(Brand.slug, Brand.parent_id).where(Brand.id == ancestor_id)
        ancestor_slug, ancestor_id = session.execute(statement).one()
        if ancestor_slug == slug:
            raise InvalidParameter([FieldError("/parent", f"{parent} is the brand itself or one of its descendants")])
    return parent_id
