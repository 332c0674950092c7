"""Which status may follow which, who may decide that, and what is said of an article that goes."""

from __future__ import annotations

from newsapi.actions.keys import Caller
from newsapi.errors import MoveNotAllowed

MOVES = {
    "draft": ("scheduled", "published", "withdrawn"),
    "scheduled": ("draft", "published", "withdrawn"),
    "published": ("draft", "withdrawn"),
    "withdrawn": ("draft", "published"),
}
"""What is public goes off the site or stays; what was withdrawn is looked at again before it is scheduled."""

PUBLIC = frozenset({"scheduled", "published"})
"""Whoever brings an article into one of these, or out of one, or moves its hour, decides what readers see."""


def check(start: str | None, end: str) -> None:
    """Raise MoveNotAllowed unless a status may follow; None is an article that is new."""
    if start is not None and end != start and end not in MOVES[start]:
        raise MoveNotAllowed(start, end, MOVES[start])


def check_scope(caller: Caller, start: str | None, end: str, *, other_hour: bool) -> None:
    """Raise ScopeMissing where the move is a decision to publish, and the key is not for that."""
    if (start != end or other_hour) and PUBLIC & {start, end}:
        caller.need("content:publish")
