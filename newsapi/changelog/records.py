"""A change to append to the changelog."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChange:
    """One public change that has no seq yet.

    Attributes:
        kind: What changed; `related` stands for related lists, `image` for measured images.
        action: Whether the subject is public after the change.
        reason: Why it changed.
        subject_id: Id of the article or term.
        slug: Its slug after the change.
        previous_slug: Its slug before the change, if another.
        additional_slugs: Further slugs that redirect to it since the change.
        version: Version of the article after the change.
        previous_version: Version of the article that was public before, if another.
        facets_before: Ids of the facets that the subject was in.
        facets_after: Ids of the facets that the subject is in.
        article_ids: Ids of the articles whose related lists changed (kind `related`), or that show images which were
            measured (`image`).
    """

    kind: Literal["article", "brand", "author", "section", "tag", "related", "image"]
    action: Literal["upsert", "delete"]
    reason: str
    subject_id: UUID
    slug: str
    previous_slug: str | None = None
    additional_slugs: tuple[str, ...] = ()
    version: int | None = None
    previous_version: int | None = None
    facets_before: frozenset[int] = frozenset()
    facets_after: frozenset[int] = frozenset()
    article_ids: tuple[str, ...] = ()
