"""What is told to the log: a change before it has a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One change to what the public can see, before it has a number.

    `before` and `after` are the ids of the facets that the subject was in and is in now.
    `was` is the version of an article that the public saw before, if it is another one.
    `lists` are the ids of the articles whose related lists changed, of a change of kind `related`.
    """

    kind: Literal["article", "brand", "author", "section", "tag", "related"]
    action: Literal["upsert", "delete"]
    reason: str
    subject_id: UUID
    slug: str
    previous_slug: str | None = None
    more_slugs: tuple[str, ...] = ()
    version: int | None = None
    was: int | None = None
    before: frozenset[int] = frozenset()
    after: frozenset[int] = frozenset()
    lists: tuple[str, ...] = ()
