"""Brands, authors, sections and tags as articles refer to them: looked up by slug, made, changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, func, insert, literal, select, update
from sqlalchemy.orm import Session

from newsapi.errors import Fault, Invalid
from newsapi.model import Author, Brand, Facet, Listing, OldSlug, Tag
from newsapi.model.base import table, uuid7
from newsapi.store import states, subscriptions
from newsapi.store.rows import among
from newsapi.store.taxonomy import MODELS, Kind
from newsapi.store.told import Told
from newsapi.text.folding import fold


def look_up(session: Session, kind: Kind, slugs: Collection[str]) -> dict[str, UUID]:
    """Answer the ids of terms by the slugs asked for, former slugs included; what there is not is left out."""
    model = MODELS[kind]
    connection = session.connection()
    present = select(model.slug, model.id).where(among(connection, model.slug, slugs))
    found: dict[str, UUID] = dict(connection.execute(present).all())
    if missing := set(slugs) - found.keys():
        former = select(OldSlug.slug, OldSlug.subject_id).where(
            OldSlug.kind == kind, among(connection, OldSlug.slug, missing)
        )
        found |= dict(connection.execute(former).all())
    return found


def make_tags(session: Session, ids: Mapping[str, UUID], shown: Collection[UUID], now: datetime) -> list[Told]:
    """Make those of these tags that are not there yet, named by their slugs, under the ids given by slug.

    Answers the changes to tell: of those that are `shown` with an article of theirs and never were before. A tag that
    only drafts bear is nobody's business yet.
    """
    connection = session.connection()
    there = set(connection.execute(select(Tag.id).where(among(connection, Tag.id, ids.values()))).scalars())
    missing = sorted((slug, id_) for slug, id_ in ids.items() if id_ not in there)
    if missing:
        _insert_tags(session, missing, now)
    unseen = select(Tag.id, Tag.slug, Tag.facet_id).join(Facet, Facet.id == Tag.facet_id)
    found = connection.execute(unseen.where(among(connection, Tag.id, shown), Facet.seq == 0).order_by(Tag.slug)).all()
    if not found:
        return []
    connection.execute(
        update(table(Tag)).where(among(connection, Tag.id, [row.id for row in found])).values(changed_at=now)
    )
    all_tags = _terms_facet(session, "tag")
    return [_told("tag", row.id, row.slug, {row.facet_id, all_tags}) for row in found]


def _insert_tags(session: Session, tags: Sequence[tuple[str, UUID]], now: datetime) -> None:
    facets = session.execute(insert(Facet).returning(Facet.id), [{"kind": "tag", "name": None} for _ in tags])
    session.execute(delete(OldSlug).where(OldSlug.kind == "tag", OldSlug.slug.in_([slug for slug, _ in tags])))
    rows = []
    for (slug, id_), facet in zip(tags, facets.scalars(), strict=True):
        name = fold(slug)
        row = {"id": id_, "slug": slug, "name": slug, "sort_key": name, "words": f" {name}"}
        rows.append({**row, "facet_id": facet, "changed_at": now})
    session.execute(insert(Tag), rows)


def make_facets(session: Session, named: Collection[tuple[str, str]]) -> None:
    """Make the facets that are not there yet of formats, languages and translations: kind and name of each."""
    connection = session.connection()
    for kind in sorted({kind for kind, _ in named}):
        names = {name for its, name in named if its == kind}
        there = select(Facet.name).where(Facet.kind == kind, among(connection, Facet.name, names))
        if new := sorted(names - {*connection.execute(there).scalars()}):
            connection.execute(insert(table(Facet)), [{"kind": kind, "name": name} for name in new])


def write(session: Session, kind: Kind, values: Mapping[str, Any], now: datetime) -> tuple[str, list[Told]]:
    """Make the term with this slug, or bring it to these values.

    Answers `created`, `updated` or `unchanged`, and the changes to tell. Raises Invalid where the parent of a brand is
    not known or would be below it.
    """
    return bring(session, kind, bears(session, kind, values["slug"]), values, now)


def bring(session: Session, kind: Kind, row: Any, values: Mapping[str, Any], now: datetime) -> tuple[str, list[Told]]:
    """Bring a term to these values, under another slug too; without a row it is made. Answers and raises as `write`."""
    columns = dict(values)
    parent = columns.pop("parent", None)
    old_slug = row.slug if row else values["slug"]
    if kind == "brand":
        columns["parent_id"] = _parent_id(session, old_slug, parent)
    columns["sort_key"] = fold(values["name"])
    columns["words"] = "".join(f" {fold(name)}" for name in (values["name"], *values.get("aliases", ())))
    old_parent = getattr(row, "parent_id", None)
    if row is None:
        outcome, row = "created", _new(session, kind, columns, now)
    else:
        changed = {name: value for name, value in columns.items() if getattr(row, name) != value}
        if not changed and not _is_unseen(session, row):
            return "unchanged", []
        outcome = "updated"
        for name, value in changed.items():
            setattr(row, name, value)
        row.changed_at, row.version = now, row.version + 1
    session.flush()
    if row.slug != old_slug:
        _lead_on(session, kind, row, old_slug, now)
    touched = {row.facet_id, _terms_facet(session, kind)}
    if columns.get("parent_id") != old_parent:
        touched |= _regroup(session, row, old_parent)
    told = _told(kind, row.id, row.slug, touched)
    return outcome, [replace(told, previous_slug=old_slug if old_slug != row.slug else None)]


def _lead_on(session: Session, kind: Kind, row: Any, old_slug: str, now: datetime) -> None:
    """Lead the slug it had to the one it has, which leads nowhere else any more."""
    taken = OldSlug.slug.in_([old_slug, row.slug])
    session.execute(delete(OldSlug).where(OldSlug.kind == kind, taken))
    session.add(OldSlug(kind=kind, slug=old_slug, subject_id=row.id, at=now))
    session.flush()


def bears(session: Session, kind: Kind, slug: str) -> Any:
    """Answer the term that has this slug now; None where none has."""
    model = MODELS[kind]
    return session.execute(select(model).where(model.slug == slug)).scalar_one_or_none()


def named(session: Session, kind: Kind, slug: str) -> Any:
    """Answer the term that has, or had, this slug; None where none did."""
    id_ = look_up(session, kind, [slug]).get(slug)
    return session.get(MODELS[kind], id_) if id_ else None


def document(session: Session, kind: Kind, row: Any) -> dict[str, Any]:
    """Answer a term as the body of a request would say it."""
    found = {name: getattr(row, name) for name in ("slug", "name")}
    if kind == "brand":
        found |= {name: getattr(row, name) for name in ("aliases", "description", "logo")}
        found["parent"] = slugs(session, "brand", [row.parent_id])[0] if row.parent_id else None
    if kind == "author":
        found |= {name: getattr(row, name) for name in ("email", "bio", "avatar")}
    return found


def email(connection: Connection, slug: str) -> str | None:
    """Answer the address of an author, which is for the desk alone."""
    found: str | None = connection.execute(select(Author.email).where(Author.slug == slug)).scalar()
    return found


def slugs(session: Session, kind: Kind, ids: Sequence[UUID]) -> list[str]:
    """Answer the slugs of terms, in their order."""
    model = MODELS[kind]
    found: dict[UUID, str] = dict(session.execute(select(model.id, model.slug).where(model.id.in_(ids))).all())
    return [found[id_] for id_ in ids]


def is_below(session: Session, brand: UUID, above: UUID) -> bool:
    """Whether a brand stands below another one, at any depth."""
    parent: UUID | None = brand
    while parent is not None:
        parent = session.execute(select(Brand.parent_id).where(Brand.id == parent)).scalar_one()
        if parent == above:
            return True
    return False


def is_used(session: Session, kind: Kind, id_: UUID) -> bool:
    """Whether an article of any status bears a term, or a brand stands below it."""
    if kind == "brand" and session.execute(select(Brand.id).where(Brand.parent_id == id_).limit(1)).first():
        return True
    return bool(states.articles_of(session, kind, id_, 1))


def remove(session: Session, kind: Kind, id_: UUID) -> list[Told]:
    """Take away a term that nothing uses; its facets stay, empty, as the log speaks of them. Answers what to tell."""
    model = MODELS[kind]
    row = session.get_one(model, id_)
    touched = {row.facet_id, _terms_facet(session, kind)}
    subscriptions.drop(session, row.facet_id)
    old_parent = getattr(row, "parent_id", None)
    if old_parent is not None:
        above = session.get_one(Brand, old_parent)
        touched |= {above.facet_id} | ({above.group_facet_id} if above.group_facet_id else set())
    slug = row.slug
    session.delete(row)
    session.execute(delete(OldSlug).where(OldSlug.kind == kind, OldSlug.subject_id == id_))
    session.flush()
    told = _told(kind, id_, slug, touched)
    return [replace(told, action="delete")]


def absorb(session: Session, kind: Kind, source: UUID, target: UUID, now: datetime) -> list[Told]:
    """Let a term that no article bears any more be another one: its slugs lead there, brands below it move there."""
    told: list[Told] = []
    old = session.get_one(MODELS[kind], source)
    former = list(
        session.execute(select(OldSlug.slug).where(OldSlug.kind == kind, OldSlug.subject_id == source)).scalars()
    )
    if kind == "brand":
        for child in session.execute(select(Brand).where(Brand.parent_id == source)).scalars().all():
            child.parent_id, child.changed_at, child.version = target, now, child.version + 1
            session.flush()
            touched = {child.facet_id, _terms_facet(session, kind)} | _regroup(session, child, source)
            told.append(_told(kind, child.id, child.slug, touched))
    slug = old.slug
    subscriptions.follow(session, old.facet_id, session.get_one(MODELS[kind], target).facet_id)
    told += remove(session, kind, source)
    session.add_all(OldSlug(kind=kind, slug=name, subject_id=target, at=now) for name in (slug, *former))
    session.flush()
    new = session.get_one(MODELS[kind], target)
    new.changed_at = now
    session.flush()
    more = tuple(sorted((slug, *former)))
    touched = {new.facet_id, _terms_facet(session, kind)}
    return [*told, replace(_told(kind, target, new.slug, touched), more_slugs=more)]


def import_digest(session: Session, kind: Kind, slug: str) -> bytes | None:
    """Answer the digest of the line that a term was last imported from; None where there is none."""
    model = MODELS[kind]
    found: bytes | None = session.execute(select(model.import_digest).where(model.slug == slug)).scalar_one_or_none()
    return found


def remember_digest(session: Session, kind: Kind, slug: str, digest: bytes) -> None:
    """Note the line that a term was imported from."""
    terms = table(MODELS[kind])
    session.connection().execute(update(terms).where(terms.c.slug == slug).values(import_digest=digest))


def _told(kind: Kind, id_: UUID, slug: str, touched: Collection[int]) -> Told:
    return Told(kind=kind, action="upsert", reason="updated", subject_id=id_, slug=slug, after=frozenset(touched))


def _is_unseen(session: Session, term: Any) -> bool:
    """Whether the public was never told of it: a tag that came with a draft."""
    return bool(isinstance(term, Tag) and session.get_one(Facet, term.facet_id).seq == 0)


def _regroup(session: Session, brand: Brand, old_parent: UUID | None) -> set[int]:
    """Take a brand's articles out of its old group and into its new one; answer the facets of both."""
    touched = set()
    own = select(Listing.article_id).where(Listing.facet_id == brand.facet_id)
    if old_parent is not None:
        above = session.get_one(Brand, old_parent)
        left = above.group_facet_id
        session.execute(delete(Listing).where(Listing.facet_id == left, Listing.article_id.in_(own)))
        touched |= {left, above.facet_id}
    if brand.parent_id is not None:
        parent = session.get_one(Brand, brand.parent_id)
        if parent.group_facet_id is None:
            parent.group_facet_id = _new_facet(session, "group")
            session.flush()
            _copy_listing(session, parent.facet_id, parent.group_facet_id)
        _copy_listing(session, brand.facet_id, parent.group_facet_id)
        touched |= {parent.group_facet_id, parent.facet_id}
    for facet in touched:
        count = select(func.count()).where(Listing.facet_id == facet).scalar_subquery()
        session.execute(update(Facet).where(Facet.id == facet).values(articles=count))
    return {facet for facet in touched if facet is not None}


def _copy_listing(session: Session, source: int, target: int) -> None:
    own = (Listing.published_at, Listing.article_id, Listing.updated_at, Listing.materially_updated_at)
    rows = select(literal(target), *own).where(Listing.facet_id == source)
    session.execute(insert(Listing).from_select(["facet_id", *(column.key for column in own)], rows))


def _new(session: Session, kind: Kind, columns: dict[str, Any], now: datetime) -> Any:
    row = MODELS[kind](**columns, id=uuid7(), facet_id=_new_facet(session, kind), changed_at=now)
    if kind == "brand":
        row.mention_facet_id = _new_facet(session, "mention")
    # A slug that something had before is its own again.
    session.execute(delete(OldSlug).where(OldSlug.kind == kind, OldSlug.slug == row.slug))
    session.add(row)
    session.flush()
    return row


def _new_facet(session: Session, kind: str, name: str | None = None) -> int:
    made: int = session.execute(insert(Facet).values(kind=kind, name=name).returning(Facet.id)).scalar_one()
    return made


def _terms_facet(session: Session, kind: Kind) -> int:
    found: int = session.execute(select(Facet.id).where(Facet.kind == "terms", Facet.name == kind)).scalar_one()
    return found


def _parent_id(session: Session, slug: str, parent: str | None) -> UUID | None:
    if parent is None:
        return None
    found = look_up(session, "brand", [parent]).get(parent)
    if found is None:
        raise Invalid([Fault("/parent", f"there is no brand {parent}")])
    above: UUID | None = found
    while above is not None:
        name, above = session.execute(select(Brand.slug, Brand.parent_id).where(Brand.id == above)).one()
        if name == slug:
            raise Invalid([Fault("/parent", f"{parent} stands below {slug} already")])
    return found
