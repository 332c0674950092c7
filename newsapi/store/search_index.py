"""Writing the index of searches: what a write changes at once, and blocks made of what came since."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

import numpy as np
from sqlalchemy import Connection, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from newsapi.model import (
    Article,
    SearchBlock,
    SearchFresh,
    SearchPosting,
    SearchSequence,
    SearchText,
    SearchWord,
)
from newsapi.model.base import EPOCH, MICROSECOND, table
from newsapi.search import blocks
from newsapi.search.blocks import Made
from newsapi.search.documents import Document, describe, noted, unpacked
from newsapi.store import listed, rows, states
from newsapi.store.rows import among
from newsapi.store.states import State
from newsapi.text import markup

LISTENER: Final = "search"
"""The listener of the log that keeps the index."""

FRESH: Final = 64
"""So many articles outside of blocks are put into one."""

PARTS: Final = 8
"""Joined blocks are written in so many transactions, for others to write in between."""

_TERMS: Final = 1 << 62


class Indexed(NamedTuple):
    """An article ready to be put into the index."""

    id: UUID
    version: int
    document: Document


def micros(time: datetime) -> int:
    """Answer a time as the index has it."""
    return (time - EPOCH) // MICROSECOND


def described(state: State, facets: Iterable[int]) -> Indexed:
    """Answer a published article as it is indexed, given the facets it belongs to."""
    values = state.values
    document = describe(
        values["headline"],
        values["standfirst"] or "",
        markup.to_text(values["body_html"]),
        values["language"],
        published=micros(values["published_at"]),
        updated=micros(values["updated_at"]),
        facets=facets,
    )
    return Indexed(state.id, state.version, document)


def outdated(connection: Connection, ids: Collection[UUID]) -> list[Indexed]:
    """Answer those of these articles that are published and not in the index as they are now, in the order given."""
    if not ids:
        return []
    text = select(SearchText.article_id, SearchText.version).where(among(connection, SearchText.article_id, ids))
    known = dict(connection.execute(text).all())
    now = select(Article.id, Article.version).where(among(connection, Article.id, ids), Article.status == "published")
    stale = {id_ for id_, version in connection.execute(now) if known.get(id_) != version}
    return whole(connection, [id_ for id_ in ids if id_ in stale])


def whole(connection: Connection, ids: Collection[UUID]) -> list[Indexed]:
    """Answer those of these articles that are published as they are to be indexed, in the order given."""
    session = Session(bind=connection)
    by_id = states.by_id(session, ids)
    found = [by_id[id_] for id_ in ids if id_ in by_id and by_id[id_].is_public]
    return [described(state, facets) for state, facets in zip(found, listed.facets(session, found), strict=True)]


# --- what a write changes at once -------------------------------------------------------------------------------------


def drop(session: Session, ids: Collection[UUID]) -> None:
    """Have these articles found no more."""
    connection = session.connection()
    text = table(SearchText).c
    there = select(text.number).where(among(connection, text.article_id, ids))
    if numbers := connection.execute(there).scalars().all() if ids else ():
        for model in (SearchText, SearchSequence, SearchFresh):
            its = table(model).c.number
            connection.execute(delete(table(model)).where(among(connection, its, numbers)))


def add(session: Session, found: Sequence[Indexed]) -> None:
    """Have these articles found from now on; they are not in the index, and nobody else writes to it."""
    if not found:
        return
    first = unused(session.connection())
    numbered = list(enumerate(found, first))
    _add_texts(session, numbered)
    rows.insert(
        session, SearchFresh, ("number", "content"), [(number, one.document.packed()) for number, one in numbered]
    )


def unused(connection: Connection) -> int:
    """Answer the first number after all that were given out and may still stand in a block."""
    text, block = table(SearchText).c, table(SearchBlock).c
    last = connection.execute(select(func.max(text.number))).scalar() or 0
    covered = connection.execute(select(func.max(block.first + block.span))).scalar() or 0
    return max(last + 1, covered)


def _add_texts(session: Session, numbered: Sequence[tuple[int, Indexed]]) -> None:
    rows.insert(
        session,
        SearchText,
        ("number", "article_id", "version"),
        [(number, one.id, one.version) for number, one in numbered],
    )
    sequences = [(number, one.document.sequence) for number, one in numbered]
    rows.insert(session, SearchSequence, ("number", "content"), sequences)
    written: dict[str, Counter[str]] = {}
    for _, one in numbered:
        written.setdefault(one.document.language, Counter()).update(one.document.words)
    counts: Counter[str] = Counter()
    shown: dict[str, str] = {}
    for language, each in written.items():
        for text, times in each.items():
            if word := noted(text, language):
                counts[word] += times
                shown[word] = max(text, shown.get(word, ""))
    _count_words(session.connection(), [(word, shown[word], times) for word, times in sorted(counts.items())])


def _count_words(connection: Connection, counted: Sequence[tuple[str, str, int]]) -> None:
    """Note words that articles have, and in how many more each stands."""
    if not counted:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(
            "INSERT INTO search_word (word, shown, times) VALUES (?, ?, ?)"
            " ON CONFLICT (word) DO UPDATE SET times = times + excluded.times",
            [*counted],
        )
        return
    columns = table(SearchWord).c
    given = (
        func.unnest(
            bindparam("words", type_=postgresql.ARRAY(columns.word.type)),
            bindparam("all_shown", type_=postgresql.ARRAY(columns.shown.type)),
            bindparam("counts", type_=postgresql.ARRAY(columns.times.type)),
        )
        .table_valued("word", "shown", "times", name="given")
        .render_derived()
    )
    into: Any = postgresql.insert(table(SearchWord)).from_select(["word", "shown", "times"], select(given))
    more = into.on_conflict_do_update(
        index_elements=[columns.word], set_={"times": columns.times + into.excluded.times}
    )
    words, all_shown, counts = (list(column) for column in zip(*counted, strict=True))
    connection.execute(more, {"words": words, "all_shown": all_shown, "counts": counts})


# --- blocks -----------------------------------------------------------------------------------------------------------


def count_fresh(session: Session) -> int:
    """Answer how many articles are in no block."""
    return session.execute(select(func.count()).select_from(SearchFresh)).scalar_one()


def add_block(session: Session, found: Sequence[Indexed]) -> int:
    """Put articles that are in no block, and these that are outside the index, into one; nobody else writes to it.

    Those of them that are another version by now are left out. Answers how many of them went in.
    """
    connection = session.connection()
    ids = [one.id for one in found]
    now = select(Article.id, Article.version).where(among(connection, Article.id, ids), Article.status == "published")
    present = dict(connection.execute(now).all()) if ids else {}
    found = [one for one in found if present.get(one.id) == one.version]
    drop(session, [one.id for one in found])
    fresh = select(SearchFresh.number, SearchFresh.content).order_by(SearchFresh.number)
    waiting = [(number, unpacked(content)) for number, content in connection.execute(fresh)]
    numbered = list(enumerate(found, unused(connection)))
    _add_texts(session, numbered)
    whole = [*waiting, *((number, one.document) for number, one in numbered)]
    while whole:
        end = next((n for n, (number, _) in enumerate(whole) if number - whole[0][0] >= blocks.SPAN), len(whole))
        _keep(session, secrets.randbits(62), blocks.build(whole[:end]))
        whole = whole[end:]
    connection.execute(delete(table(SearchFresh)))
    return len(found)


def _keep(session: Session, id_: int, made: Made) -> None:
    _keep_rows(session, id_, made.rows)
    row = {"id": id_, **made._asdict()}
    del row["rows"]
    session.execute(insert(table(SearchBlock)).values(row))


def _keep_rows(session: Session, id_: int, found: Iterable[tuple[int, bytes]]) -> None:
    rows.insert(session, SearchPosting, ("block", "term", "content"), [(id_, *row) for row in found])


class Joining(NamedTuple):
    """Blocks that are being joined, under which id; which numbers, from a first one on, articles still have."""

    into: int
    sources: Sequence[Any]
    first: int
    alive: Any
    lost: bool

    def parts(self) -> dict[int, blocks.Part]:
        """Answer what each of the blocks brings, by its id."""
        found = {}
        for row in self.sources:
            shift = row.first - self.first
            there = np.zeros(row.span, bool)
            low, high = max(0, -shift), min(row.span, len(self.alive) - shift)
            if low < high:
                there[low:high] = self.alive[low + shift : high + shift]
            found[row.id] = blocks.Part(shift, there)
        return found


def to_join(connection: Connection, since: int) -> Joining | None:
    """Answer which blocks are to be joined now, if any, of those from a number on."""
    block, number = table(SearchBlock).c, table(SearchText).c.number
    columns = select(block.id, block.first, block.span, block.articles)
    all_ = connection.execute(columns.where(block.first >= since).order_by(block.first)).all()
    which = blocks.to_join([(row.first, row.span) for row in all_])
    if which is None:
        return None
    sources = all_[which.start : which.stop]
    within = (number >= sources[0].first, number < sources[-1].first + sources[-1].span)
    there = np.array(connection.execute(select(number).where(*within).order_by(number)).scalars().all(), np.int64)
    first = int(there[0]) if len(there) else sources[0].first
    alive = np.zeros(int(there[-1]) - first + 1 if len(there) else 0, bool)
    alive[there - first] = True
    return Joining(secrets.randbits(62), sources, first, alive, len(there) < sum(row.articles for row in sources))


def join_part(session: Session, joining: Joining, part: int) -> int:
    """Write one of PARTS parts of the rows of a joined block; answer how many. Nobody looks at it before the end."""
    posting = table(SearchPosting).c
    width = _TERMS // (PARTS - 1)
    lowest, end = (part - 1) * width, part * width + (PARTS if part == PARTS - 1 else 0)
    bounds = [posting.term >= lowest, posting.term < end] if part else [posting.term < 0]
    ids = [row.id for row in joining.sources]
    found = select(posting.block, posting.term, posting.content).where(
        among(session.connection(), posting.block, ids), *bounds
    )
    joined = blocks.joined(joining.parts(), map(tuple, session.execute(found)))
    _keep_rows(session, joining.into, joined)
    return len(joined)


def end_joining(session: Session, joining: Joining, written: int) -> bool:
    """Have the joined block looked at in place of those it was made of.

    False where they are not there any more, or not all rows that were written: somebody else tidied meanwhile.
    """
    connection, posting = session.connection(), table(SearchPosting).c
    if session.execute(select(func.count()).where(posting.block == joining.into)).scalar_one() != written:
        return False
    block, ids = table(SearchBlock).c, [row.id for row in joining.sources]
    columns = select(block.id, block.span, block.times, block.facets).where(among(connection, block.id, ids))
    there = connection.execute(columns.order_by(block.first)).all()
    if len(there) < len(ids):
        return False
    parts, span, alive = joining.parts(), len(joining.alive), int(joining.alive.sum())
    newest, times, facets = blocks.joined_columns(
        [(parts[row.id], blocks.times(row.times), blocks.facets(row.facets, row.span)) for row in there], span
    )
    connection.execute(delete(table(SearchBlock)).where(among(connection, block.id, ids)))
    if alive:
        row = {"id": joining.into, "first": joining.first, "span": span, "articles": alive, "newest": newest}
        connection.execute(insert(table(SearchBlock)).values({**row, "times": times, "facets": facets}))
    return True


def drop_leftovers(session: Session) -> int:
    """Drop the rows of one block that is not there any more, or never came to be; answer how many there were."""
    posting = table(SearchPosting).c
    known = set(session.execute(select(table(SearchBlock).c.id)).scalars())
    block: int | None = -1
    while block is not None:
        block = session.execute(select(func.min(posting.block)).where(posting.block > block)).scalar()
        if block is not None and block not in known:
            return session.execute(delete(table(SearchPosting)).where(posting.block == block)).rowcount  # type: ignore[attr-defined, no-any-return]
    return 0


def drop_empty(session: Session) -> None:
    """Drop blocks of whose articles none is there any more."""
    block, number = table(SearchBlock).c, table(SearchText).c.number
    there = select(number).where(number >= block.first, number < block.first + block.span).exists()
    session.execute(delete(table(SearchBlock)).where(~there))


def forget_counts(session: Session) -> None:
    """Begin to count words anew."""
    session.execute(update(table(SearchWord)).values(times=0))


def drop_uncounted(session: Session) -> None:
    """Drop words that no article was counted for."""
    session.execute(delete(table(SearchWord)).where(table(SearchWord).c.times == 0))
