"""A request that comes again, because its answer was lost on the way, has one effect and gets the same answer.

Its word (Idempotency-Key) is claimed in a transaction of its own, so that a second one that comes meanwhile is told so
at once. The answer is kept in the transaction of the effect: there are both or neither, whoever is killed when.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple

from newsapi.actions.keys import Caller
from newsapi.actions.writing import Desk
from newsapi.errors import KeyReused, NewsError, StillRunning
from newsapi.store import repeats
from newsapi.store.database import Session


class Reply(NamedTuple):
    """What is answered to a write: a status, headers, and a body in JSON."""

    status: int
    headers: Mapping[str, str]
    body: str


Keep = Callable[[Session, Reply], Reply]
"""Keeps a reply in the transaction of its effect, and answers it."""


def once(desk: Desk, caller: Caller, word: str, digest: bytes, act: Callable[[Keep], Reply]) -> Reply:
    """Do something once for each word of a caller; `digest` stands for all that was asked.

    Raises KeyReused where the word came with something else, StillRunning where it is being worked on.
    """
    holder = secrets.token_hex(8)
    with desk.database.transaction() as session:
        now = desk.moment(session.connection())
        row = repeats.claim(session, caller.prefix, word, digest=digest, holder=holder, now=now)
    if row is not None:
        if row.digest != digest:
            raise KeyReused
        if row.status is None:
            raise StillRunning
        return Reply(row.status, row.headers, row.body)

    def keep(session: Session, reply: Reply) -> Reply:
        kept = {"status": reply.status, "headers": dict(reply.headers), "body": reply.body}
        if not repeats.finish(session, caller.prefix, word, holder=holder, **kept):
            raise StillRunning  # it took so long that somebody else began: that one's effect counts
        return reply

    try:
        return act(keep)
    except BaseException:
        with suppress(NewsError), desk.database.transaction() as session:
            repeats.give_back(session, caller.prefix, word, holder=holder)
        raise


def plainly(_session: Session, reply: Reply) -> Reply:
    """Keep nothing: for requests that bear no word."""
    return reply
