"""What articles left: written with the change by which they left it, read by whoever follows it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, Select, bindparam, delete, select, union_all
from sqlalchemy.orm import Session

from newsapi.model import Departure
from newsapi.model.base import table
from newsapi.store import rows
from newsapi.store.rows import among
from newsapi.store.told import Told

OUT_OF_SCOPE: Final = "out_of_scope"
"""Why an article left a facet, where the public still sees it elsewhere."""

LATELY: Final = 200
"""Departures from each facet of a list that feeds look at. Whoever missed more asks for the changes."""

TOGETHER: Final = 50
"""Facets that are asked for in one statement."""

_LEFT = table(Departure)


class Left(NamedTuple):
    """An article that left a facet, by which change, and why."""

    seq: int
    id: UUID
    reason: str
    facet: int


def note(session: Session, changes: Iterable[tuple[int, Told]]) -> None:
    """Write what articles left by these changes, each with its number; forget what they came back to."""
    moved = [(seq, change) for seq, change in changes if change.before != change.after or change.action == "delete"]
    if not moved:
        return
    connection = session.connection()
    before = of_articles(connection, {change.subject_id for _, change in moved})
    left: dict[UUID, dict[int, tuple[int, str]]] = {}
    for row in before:
        left.setdefault(row.id, {})[row.facet] = (row.seq, row.reason)
    for seq, change in moved:
        own = left.setdefault(change.subject_id, {})
        for facet in change.after:
            own.pop(facet, None)
        gone = change.action == "delete"
        facets = (change.before - change.after) | (own.keys() if gone else frozenset())
        own |= dict.fromkeys(facets, (seq, change.reason if gone else OUT_OF_SCOPE))
    if before:
        stale = among(connection, Departure.article_id, {row.id for row in before})
        connection.execute(delete(_LEFT).where(stale))
    found = sorted((id_, facet, *how) for id_, own in left.items() for facet, how in own.items())
    rows.insert(session, Departure, ("article_id", "facet_id", "seq", "reason"), found)


def of_articles(connection: Connection, ids: Collection[UUID], facets: Collection[int] | None = None) -> list[Left]:
    """Answer what these articles left: all of it, or of these facets."""
    found = select(_LEFT.c.seq, _LEFT.c.article_id, _LEFT.c.reason, _LEFT.c.facet_id)
    found = found.where(among(connection, Departure.article_id, ids))
    if facets is not None:
        found = found.where(among(connection, Departure.facet_id, facets))
    return [Left(*row) for row in connection.execute(found)]


def since(connection: Connection, facets: Sequence[int], after: int, until: int, most: int) -> tuple[list[Left], int]:
    """Answer what left one of these facets after one change and until another, and up to which change that is whole.

    Of each facet the first `most` are read.
    """
    found = _read(connection, facets, {"after": after, "until": until, "most": most})
    counts: dict[int, list[int]] = {}
    for row in found:
        counts.setdefault(row.facet, []).append(row.seq)
    cut = [max(seqs) for seqs in counts.values() if len(seqs) >= most]
    return found, min(cut, default=until)


def lately(connection: Connection, groups: Sequence[Sequence[int]]) -> list[Left]:
    """Answer what the public sees no more of a list, the last first, by the facets that each filter of it stands for.

    The last departures from the facets of the first filter are looked at: let that be the rarest one.
    """
    first, *others = groups
    last = sorted(_read(connection, first, {"most": LATELY}), reverse=True)
    found = {row.id: row for row in reversed(last) if row.reason != OUT_OF_SCOPE}
    if found and others:
        rest = of_articles(connection, found, {facet for group in others for facet in group})
        left = {(row.id, row.facet) for row in rest if row.reason != OUT_OF_SCOPE}
        whole = (id_ for id_ in found if all(any((id_, facet) in left for facet in group) for group in others))
        found = {id_: found[id_] for id_ in whole}
    return sorted(found.values(), reverse=True)[:LATELY]


def _read(connection: Connection, facets: Sequence[int], values: dict[str, Any]) -> list[Left]:
    """Read what left some facets: after one change and until another, or else the last."""
    found: list[Left] = []
    for start in range(0, len(facets), TOGETHER):
        some = {f"facet_{number}": facet for number, facet in enumerate(facets[start : start + TOGETHER])}
        branches = [_branch(name, newest="after" not in values).subquery() for name in some]
        statement = union_all(*(select(branch) for branch in branches))
        found += [Left(*row) for row in connection.execute(statement, values | some)]
    return found


def _branch(facet: str, *, newest: bool) -> Select[Any]:
    row = _LEFT.alias()
    found = select(row.c.seq, row.c.article_id, row.c.reason, row.c.facet_id).where(row.c.facet_id == bindparam(facet))
    if newest:
        return found.order_by(row.c.seq.desc()).limit(bindparam("most"))
    between = (row.c.seq > bindparam("after"), row.c.seq <= bindparam("until"))
    return found.where(*between).order_by(row.c.seq).limit(bindparam("most"))
