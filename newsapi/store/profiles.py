"""The index of related articles: profiles, the terms they are found by, and how rare terms are."""

from __future__ import annotations

import secrets
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, func, insert, literal, select, text, union_all
from sqlalchemy.orm import Session

from newsapi.model import (
    Article,
    ArticleDetail,
    ArticleMention,
    ArticleTag,
    Brand,
    Facet,
    Listing,
    Place,
    RelatedPosting,
    RelatedProfile,
    RelatedWeights,
    Tag,
)
from newsapi.model.base import table
from newsapi.relatedness.profiles import KEYS, MARKS, Profile, Text, Weights, describe, unpacked, vocabulary
from newsapi.relatedness.ranking import Candidate
from newsapi.store import prepared, rows
from newsapi.store.public import visible
from newsapi.store.rows import among
from newsapi.text import markup

LISTENER: Final = "related"
"""The listener of the log that keeps the index."""

FIRST: Final = 200
"""How many articles of each term are looked at."""

COUNTED: Final = 5_000
"""Of how many of the newest articles terms are counted, at most."""

_DAYS_A_POINT: Final = 10
_RARE: Final = 1_000
"""A weight in whole thousandths: sums of whole numbers are the same in whatever order a database adds them."""


class Source(NamedTuple):
    """An article as it is indexed."""

    pool: int
    text: Text


class Count(NamedTuple):
    """How rare terms are, counted anew when there were `archive` articles: `found` has in how many each stands."""

    weights: Weights
    archive: int
    found: Mapping[int, int]


_ALL = select(Facet.id).where(Facet.kind == "all").scalar_subquery()
_TEXTS = (
    select(
        Article.id,
        func.coalesce(Brand.facet_id, _ALL).label("pool"),
        Article.headline,
        Article.standfirst,
        ArticleDetail.body_html,
        Article.language,
        Article.published_at,
    )
    .join(ArticleDetail, ArticleDetail.article_id == Article.id)
    .outerjoin(Brand, Brand.id == Article.brand_id)
    .where(visible(), Article.id.in_(bindparam("ids", expanding=True)))
)


def texts(connection: Connection, ids: Collection[UUID]) -> dict[UUID, Source]:
    """Answer the texts of these articles, those that the public sees."""
    if not ids:
        return {}
    which = {"ids": list(ids)}
    marks: dict[UUID, dict[str, list[tuple[UUID, str]]]] = {}
    for kind, article, id_, name in prepared.rows(connection, _MARKS, which):
        marks.setdefault(article, {"tags": [], "mentions": []})[kind].append((id_, name))
    return {
        id_: Source(
            pool,
            Text(
                id=id_,
                headline=headline,
                standfirst=standfirst or "",
                body=markup.to_text(body_html),
                language=language,
                at=published_at.timestamp(),
                **marks.get(id_, {}),
            ),
        )
        for id_, pool, headline, standfirst, body_html, language, published_at in prepared.rows(
            connection, _TEXTS, which
        )
    }


def _marks() -> Any:
    branches = [
        select(literal(kind).label("kind"), link.article_id, term.id, term.name, link.position)
        .join(term, term.id == term_id)
        .where(link.article_id.in_(bindparam("ids", expanding=True)))
        for kind, link, term_id, term in (
            ("tags", ArticleTag, ArticleTag.tag_id, Tag),
            ("mentions", ArticleMention, ArticleMention.brand_id, Brand),
        )
    ]
    found = union_all(*branches).subquery()
    return select(found.c.kind, found.c.article_id, found.c.id, found.c.name).order_by(found.c.position)


_MARKS = _marks()


# --- how rare terms are -----------------------------------------------------------------------------------------------


def weights(connection: Connection) -> Weights | None:
    """Answer how rare terms are; None before they were counted."""
    version = connection.execute(select(RelatedWeights.version)).scalar()
    return None if version is None else weights_of(connection, version)


def weights_of(connection: Connection, version: int) -> Weights:
    """Answer the weights of a version that is there; a process reads each once."""
    known = _known(version)
    if not known:
        row = connection.execute(
            select(RelatedWeights.documents, RelatedWeights.content).where(RelatedWeights.version == version)
        ).one()
        half = len(row.content) // 6 * 4
        numbers, counts = array("i", row.content[:half]), array("H", row.content[half:])
        known.append(Weights(version, row.documents, dict(zip(numbers, counts, strict=True))))
    return known[0]


@lru_cache(maxsize=2)
def _known(_version: int) -> list[Weights]:
    return []


def are_outgrown(connection: Connection) -> bool:
    """Tell whether there are twice as many articles as when terms were last counted, or they never were."""
    there = connection.execute(select(Facet.articles).where(Facet.kind == "all")).scalar() or 0
    counted = connection.execute(select(RelatedWeights.archive)).scalar()
    return there > 0 if counted is None else there >= 2 * max(counted, 1)


def counted(connection: Connection, *, progress: Callable[[int], None] = lambda _: None) -> Count:
    """Count in how many of the newest articles each term stands; `progress` is told of every article."""
    newest = (
        select(Listing.article_id)
        .where(Listing.facet_id == _ALL)
        .order_by(Listing.published_at.desc(), Listing.article_id.desc())
        .limit(COUNTED)
    )
    ids = list(connection.execute(newest).scalars())
    found: Counter[int] = Counter()
    for start in range(0, len(ids), 500):
        for source in texts(connection, ids[start : start + 500]).values():
            found.update(vocabulary(source.text))
            progress(1)
    archive = connection.execute(select(Facet.articles).where(Facet.kind == "all")).scalar() or 0
    return Count(Weights(secrets.randbits(63), len(ids), found), archive, found)


def keep_count(session: Session, new: Count, *, now: datetime) -> None:
    """Let what was counted be the weights from now on."""
    common = sorted((number, times) for number, times in new.found.items() if times > 1)
    numbers, counts = array("i", [number for number, _ in common]), array("H", [times for _, times in common])
    session.execute(delete(table(RelatedWeights)))
    row = {
        "version": new.weights.version,
        "at": now,
        "documents": new.weights.documents,
        "archive": new.archive,
        "content": numbers.tobytes() + counts.tobytes(),
    }
    session.execute(insert(table(RelatedWeights)).values(row))


# --- profiles ---------------------------------------------------------------------------------------------------------


def lock(session: Session) -> None:
    """Wait for the turn to write to the index; the listener has it whenever its place moves."""
    session.execute(select(Place.seq).where(Place.listener == LISTENER).with_for_update())


def replace(session: Session, gone: Collection[UUID], found: Sequence[tuple[int, UUID, Profile]]) -> None:
    """Take articles out of the index, and put others in with their pools: what was there of an article is replaced."""
    connection = session.connection()
    old = _delete(connection, gone)
    number = (connection.execute(select(func.max(RelatedProfile.number))).scalar() or 0) + 1
    numbered = [(old.get(id_, number + place), pool, id_, profile) for place, (pool, id_, profile) in enumerate(found)]
    rows.insert(
        session,
        RelatedProfile,
        ("number", "article_id", "pool", "content"),
        [(its, id_, pool, profile.packed()) for its, pool, id_, profile in numbered],
    )
    postings = sorted(
        (pool, term, _strength(profile, share), its)
        for its, pool, _, profile in numbered
        for term, share in dict(profile.found_by()).items()
    )
    rows.insert(session, RelatedPosting, ("pool", "term", "strength", "number"), postings)


def _strength(profile: Profile, share: int) -> int:
    return (int(profile.day) + _DAYS_A_POINT * share) << 8 | share


def _delete(connection: Connection, ids: Collection[UUID]) -> dict[UUID, int]:
    """Take articles out; answer the numbers they had."""
    if not ids:
        return {}
    row = table(RelatedProfile).c
    there = connection.execute(
        select(row.article_id, row.number, row.pool, row.content).where(among(connection, row.article_id, ids))
    ).all()
    postings = [
        {"in_pool": pool, "of_term": term, "at": _strength(profile, share), "its": number}
        for _, number, pool, content in there
        for profile in (unpacked(content),)
        for term, share in dict(profile.found_by()).items()
    ]
    if there:
        connection.execute(_OUT, postings or [{"in_pool": 0, "of_term": 0, "at": 0, "its": 0}])
        connection.execute(delete(table(RelatedProfile)).where(among(connection, row.article_id, ids)))
    return {id_: number for id_, number, _, _ in there}


_POSTING = table(RelatedPosting).c
_OUT = delete(table(RelatedPosting)).where(
    _POSTING.pool == bindparam("in_pool"),
    _POSTING.term == bindparam("of_term"),
    _POSTING.strength == bindparam("at"),
    _POSTING.number == bindparam("its"),
)


def described(connection: Connection, ids: Collection[UUID], known: Weights) -> dict[UUID, Profile]:
    """Answer the profiles of these articles: from the index, or made of their texts where it has none of them yet."""
    if not ids:
        return {}
    row = RelatedProfile
    there = connection.execute(select(row.article_id, row.content).where(among(connection, row.article_id, ids)))
    found = {id_: unpacked(content) for id_, content in there}
    new = texts(connection, [id_ for id_ in ids if id_ not in found])
    return found | {id_: describe(source.text, known) for id_, source in new.items()}


def candidates(connection: Connection, pool: int, profile: Profile, known: Weights, most: int) -> list[Candidate]:
    """Answer the articles of a pool that share most with a profile: one statement, of bounded cost at any size.

    Of each of its terms the first `FIRST` are looked at, and what they have in common is summed.
    """
    keys = profile.found_by()[: KEYS + MARKS]
    own = [(term, round(_RARE * known.of(term) * share)) for term, share in keys]
    parameters: dict[str, Any] = {"pool": pool, "most": most}
    if connection.dialect.name == "sqlite":
        own += [(0, 0)] * (KEYS + MARKS - len(own))
        parameters |= {f"t{place}": term for place, (term, _) in enumerate(own)}
        parameters |= {f"w{place}": weight for place, (_, weight) in enumerate(own)}
        statement = _SHARED_SQLITE
    else:
        parameters |= {"terms": [term for term, _ in own], "weights": [weight for _, weight in own]}
        statement = _SHARED_POSTGRESQL
    found = connection.execute(statement, parameters)
    return [Candidate(_as_id(id_), unpacked(content)) for id_, content in found]


def _as_id(stored: Any) -> UUID:
    return stored if isinstance(stored, UUID) else UUID(bytes=stored)


_FIRST = f"ORDER BY strength DESC, number DESC LIMIT {FIRST}"
_SHARED = """
    SELECT p.article_id, p.content
    FROM ({rows}) AS shared JOIN related_profile AS p ON p.number = shared.number
    ORDER BY shared.weight DESC, shared.number DESC
"""
_BEST = "GROUP BY number ORDER BY weight DESC, number DESC LIMIT :most"
_BRANCH = (
    "SELECT number, :w{place} * (strength & 255) AS weight FROM"  # noqa: S608 (words and numbers of ours)
    " (SELECT number, strength FROM related_posting WHERE pool = :pool AND term = :t{place} " + _FIRST + ")"
)
_SHARED_SQLITE = text(
    _SHARED.format(
        rows="SELECT number, sum(weight) AS weight FROM ("  # noqa: S608 (the same)
        + " UNION ALL ".join(_BRANCH.format(place=place) for place in range(KEYS + MARKS))
        + f") {_BEST}"
    )
)
_SHARED_POSTGRESQL = text(
    _SHARED.format(
        rows="SELECT number, sum(own.weight * (found.strength & 255)) AS weight"  # noqa: S608 (the same)
        " FROM unnest(cast(:terms AS integer[]), cast(:weights AS bigint[])) AS own (term, weight)"
        " CROSS JOIN LATERAL (SELECT number, strength FROM related_posting"
        f" WHERE pool = :pool AND term = own.term {_FIRST}) AS found {_BEST}"
    )
)


def everything(connection: Connection) -> list[UUID]:
    """Answer every article that the public sees, the oldest first."""
    found = select(Listing.article_id).where(Listing.facet_id == _ALL)
    return list(connection.execute(found.order_by(Listing.published_at, Listing.article_id)).scalars())


def indexed(connection: Connection) -> set[UUID]:
    """Answer every article in the index."""
    return {*connection.execute(select(RelatedProfile.article_id)).scalars()}
