"""Status transitions of articles: which are allowed, and which require the scope `content:publish`."""

from __future__ import annotations

from newsapi.actions.keys import Caller
from newsapi.errors import MoveNotAllowed

MOVES = {
    "draft": ("scheduled", "published", "withdrawn"),
    "scheduled": ("draft", "published", "withdrawn"),
    "published": ("draft", "withdrawn"),
    "withdrawn": ("draft", "published"),
}
"""The statuses that may follow each status. A withdrawn article cannot be scheduled before it is a draft again."""

PUBLIC = frozenset({"scheduled", "published"})
"""Statuses that decide what readers see: entering or leaving one, or rescheduling, requires `content:publish`."""


def check(start: str | None, end: str) -> None:
    """Raise TransitionNotAllowed if the new status may not follow the old one; None is a new article."""
    if start is not None and end != start and end not in MOVES[start]:
        raise MoveNotAllowed(start, end, MOVES[start])


def check_scope(caller: Caller, start: str | None, end: str, *, other_hour: bool) -> None:
    """Raise ScopeMissing if the transition changes what readers see and the key lacks `content:publish`."""
    if (start != end or other_hour) and PUBLIC & {start, end}:
        caller.need("content:publish")
