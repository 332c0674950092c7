"""Status transitions of articles: which are allowed, and which require the scope `content:publish`."""

from __future__ import annotations

from newsapi.errors import TransitionNotAllowed
from newsapi.web.caller import Caller
from newsapi.web.scopes import PUBLISH_SCOPE

TRANSITIONS = {
    "draft": ("scheduled", "published", "withdrawn"),
    "scheduled": ("draft", "published", "withdrawn"),
    "published": ("draft", "withdrawn"),
    "withdrawn": ("draft", "published"),
}
"""The statuses that may follow each status. A withdrawn article cannot be scheduled before it is a draft again."""

PUBLISHING_STATUSES = frozenset({"scheduled", "published"})
"""Statuses that decide what readers see: entering or leaving one, or rescheduling, requires `content:publish`."""


def check_transition(old_status: str | None, new_status: str) -> None:
    """Raise TransitionNotAllowed if the new status may not follow the old one; None is a new article."""
    if old_status is not None and new_status != old_status and new_status not in TRANSITIONS[old_status]:
        raise TransitionNotAllowed(old_status, new_status, TRANSITIONS[old_status])


def check_scope(caller: Caller, old_status: str | None, new_status: str, *, is_rescheduled: bool) -> None:
    """Raise ScopeMissing if the transition changes what readers see and the key lacks `content:publish`."""
    if (old_status != new_status or is_rescheduled) and PUBLISHING_STATUSES & {old_status, new_status}:
        caller.require_scope(PUBLISH_SCOPE)
