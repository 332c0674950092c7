"""What partners follow: what articles left, sums to compare by, receipts of recalls, what keys are for, their use."""

import hashlib
from collections.abc import Iterator
from struct import Struct
from typing import Any

import sqlalchemy as sa
from alembic import op

from newsapi.model.base import Id, Json, UtcDateTime

revision = "0012"
down_revision = "0011"

_OF_TERMS = sa.text("kind IN ('author', 'brand', 'section', 'tag')")
_FILTERED = ("all", "author", "brand", "format", "language", "section", "tag")
_SUMS = Struct(">64I64Q")
_AT_ONCE = 10_000


def upgrade() -> None:
    """Make the tables and fill them from what is there."""
    op.add_column("article", sa.Column("bucket", sa.Integer))
    for name in ("brands", "sections"):
        op.add_column("key", sa.Column(name, Json))
    op.add_column("key", sa.Column("body", sa.Text))
    op.create_table(
        "departure",
        sa.Column("article_id", Id, nullable=False),
        sa.Column("facet_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("article_id", "facet_id", name="pk_departure"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tally",
        sa.Column("facet_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("sums", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("facet_id", name="pk_tally"),
    )
    op.create_table(
        "receipt",
        sa.Column("article_id", Id, nullable=False),
        sa.Column("seq", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("key_id", Id, nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.PrimaryKeyConstraint("article_id", "seq", "key_id", name="pk_receipt"),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"], name="fk_receipt_article_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["key_id"], ["key.id"], name="fk_receipt_key_id"),
    )
    op.create_table(
        "key_use",
        sa.Column("key_id", Id, nullable=False),
        sa.Column("day", sa.Date, nullable=False),
        sa.Column("requests", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("key_id", "day", name="pk_key_use"),
        sa.ForeignKeyConstraint(["key_id"], ["key.id"], name="fk_key_use_key_id"),
    )
    connection = op.get_bind()
    _count(connection)
    _depart(connection)
    op.create_index("ix_departure_facet_id_seq", "departure", ["facet_id", "seq"])
    op.create_index("ix_article_seq", "article", ["seq"])
    op.create_index("ix_article_bucket", "article", ["bucket"])
    for name, columns in (("ix_change_of_terms", ["seq"]), ("ix_change_of_term", ["subject_id", "seq"])):
        op.create_index(name, "change", columns, sqlite_where=_OF_TERMS, postgresql_where=_OF_TERMS)


def downgrade() -> None:
    """Take them away; what is lost beside receipts and use can be made anew from articles and log."""
    for name in ("ix_change_of_terms", "ix_change_of_term"):
        op.drop_index(name, "change")
    for name in ("bucket", "seq"):
        op.drop_index(f"ix_article_{name}", "article")
    for name in ("key_use", "receipt", "tally", "departure"):
        op.drop_table(name)
    for name in ("body", "sections", "brands"):
        op.drop_column("key", name)
    op.drop_column("article", "bucket")


def _count(connection: sa.Connection) -> None:
    """Give every article its bucket, and every facet the sums of its articles."""
    article = sa.table("article", *map(sa.column, ("version", "bucket")), sa.column("id", Id))
    listing = sa.table("listing", sa.column("facet_id"), sa.column("article_id", Id))
    facet = sa.table("facet", *map(sa.column, ("id", "kind")))
    give = sa.update(article).where(article.c.id == sa.bindparam("which", type_=Id)).values(bucket=sa.bindparam("n"))
    for ids in _pages(connection, sa.select(article.c.id), article.c.id):
        connection.execute(give, [{"which": id_, "n": id_.int & 0xFFF} for (id_,) in ids])
    kept: dict[int, list[int]] = {}
    placed = (
        sa.select(listing.c.facet_id, article.c.id, article.c.version)
        .select_from(article)
        .join(listing, listing.c.article_id == article.c.id)
        .join(facet, (facet.c.id == listing.c.facet_id) & facet.c.kind.in_(_FILTERED))
    )
    # One walk along the lists, which lie by facet: `listing` has no index by article.
    for id_, one, version in connection.execute(placed, execution_options={"yield_per": _AT_ONCE}):
        place = (one.int & 0xFFF) // 64
        sums = kept.setdefault(id_, [0] * 128)
        sums[place] += 1
        digest = hashlib.sha256(f"{one}:{version}".encode()).digest()[:8]
        sums[64 + place] = (sums[64 + place] + int.from_bytes(digest)) % (1 << 64)
    tally = sa.table("tally", sa.column("facet_id"), sa.column("sums", sa.LargeBinary))
    if kept:
        connection.execute(
            sa.insert(tally), [{"facet_id": id_, "sums": _SUMS.pack(*sums)} for id_, sums in kept.items()]
        )


def _depart(connection: sa.Connection) -> None:
    """Note what articles left, as the log tells it."""
    names = ("seq", "kind", "action", "reason")
    facets = [sa.column(name, Json) for name in ("facets_before", "facets_after")]
    change = sa.table("change", *map(sa.column, names), sa.column("subject_id", Id), *facets)
    columns = (change.c.seq, change.c.action, change.c.reason, change.c.subject_id, *facets)
    left: dict[Any, dict[int, tuple[int, str]]] = {}
    told = sa.select(*columns).where(change.c.kind == "article")
    for page in _pages(connection, told, change.c.seq):
        for seq, action, reason, id_, before, after in page:
            if set(before) == set(after) and action != "delete":
                continue
            own = left.setdefault(id_, {})
            for facet in after:
                own.pop(facet, None)
            gone = action == "delete"
            facets_ = (set(before) - set(after)) | (own.keys() if gone else set())
            own |= dict.fromkeys(facets_, (seq, reason if gone else "out_of_scope"))
            if not own:
                del left[id_]
    departure = sa.table("departure", sa.column("article_id", Id), *map(sa.column, ("facet_id", "seq", "reason")))
    rows = [
        {"article_id": id_, "facet_id": facet, "seq": seq, "reason": reason}
        for id_, own in left.items()
        for facet, (seq, reason) in own.items()
    ]
    if rows:
        connection.execute(sa.insert(departure), rows)


def _pages(connection: sa.Connection, found: sa.Select[Any], key: Any) -> Iterator[list[Any]]:
    """Read a table bit by bit, in the order of its key."""
    last = None
    while rows := connection.execute(
        (found if last is None else found.where(key > last)).order_by(key).limit(_AT_ONCE)
    ).all():
        yield list(rows)
        last = getattr(rows[-1], key.name)
