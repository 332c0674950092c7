"""Types of the records that reads load: an article and a term on the way from their rows to a response.

A record starts with the columns that a query loaded. `ArticlePresenter` completes it in place, and `fast_dump` picks
the fields that the response shows. Fields below "NotRequired" are there only if they were requested.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import NotRequired, TypedDict
from uuid import UUID

from newsapi.text.json_types import JsonObject


class TermRow(TypedDict):
    """A brand, author, section or tag; within an article only its slug and name, unless `include` names it."""

    slug: str
    name: str
    sort_key: NotRequired[str]
    changed_at: NotRequired[datetime]
    list_changed_at: NotRequired[datetime | None]
    version: NotRequired[int]
    facet_id: NotRequired[int]
    article_count: NotRequired[int]
    aliases: NotRequired[list[str]]
    description: NotRequired[str | None]
    logo: NotRequired[JsonObject | None]
    parent: NotRequired[TermRow | None]
    email: NotRequired[str | None]
    url: NotRequired[str | None]
    position: NotRequired[int | None]
    children: NotRequired[list[TermRow]]
    group_facet_id: NotRequired[int | None]
    child_facets: NotRequired[set[int]]
    job_title: NotRequired[str | None]
    same_as: NotRequired[list[str]]
    bio: NotRequired[str | None]
    avatar: NotRequired[JsonObject | None]
    links: NotRequired[JsonObject]
    subscription: NotRequired[JsonObject]
    articles: NotRequired[JsonObject]


class MeasuredImage(TypedDict):
    """What was measured of an image; the columns of `ImageFile` have the same names."""

    width: int | None
    height: int | None
    type: str | None
    bytes: int | None
    thumbhash: str | None
    color: str | None


class ArticleRow(TypedDict):
    """An article: the fields of a summary, and those of the full article that were requested."""

    id: UUID
    slug: str
    headline: str
    standfirst: str | None
    format: str
    language: str
    image: JsonObject | None
    published_at: datetime | None
    published_precision: str
    updated_at: datetime
    materially_updated_at: datetime | None
    word_count: int
    status: str
    version: int
    seq: int | None
    brand: TermRow | None
    section: TermRow | None
    authors: list[TermRow]
    measured_images: NotRequired[dict[int, MeasuredImage]]
    mentions: NotRequired[list[TermRow]]
    tags: NotRequired[list[TermRow]]
    body_html: NotRequired[str | None]
    body_text: NotRequired[str | None]
    canonical_url: NotRequired[str | None]
    source: NotRequired[JsonObject | None]
    media: NotRequired[list[JsonObject]]
    corrections: NotRequired[list[JsonObject]]
    rights: NotRequired[JsonObject | None]
    seo: NotRequired[JsonObject | None]
    translation_group: NotRequired[str | None]
    previous_slugs: NotRequired[list[str]]
    # Completed for the response:
    url: NotRequired[str]
    published_on: NotRequired[date | None]
    links: NotRequired[dict[str, str | None]]
    byline: NotRequired[str | None]
    reading_minutes: NotRequired[int]
    translations: NotRequired[list[JsonObject]]
    has_whole_body: NotRequired[bool]
    # Added by single reads:
    adjacent: NotRequired[dict[str, dict[str, ArticleRow | None] | None]]
    related: NotRequired[list[ArticleRow]]
    relation: NotRequired[JsonObject]
    blocks: NotRequired[list[JsonObject]]
    jsonld: NotRequired[JsonObject]
    score: NotRequired[float]
    highlights: NotRequired[JsonObject]
