"""The words of invalidation: what an answer is made of, and what a change touches. Nowhere else are they put together.

A word is the number of a facet (a list of articles or of names: whoever shows it depends on it), or a text that names
one thing: `article:ID`, `slug:SLUG` (whatever article bears or bore it), `brand:SLUG` and its like (the name as it is
shown). An answer stays true while none of its words is touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from newsapi.text.slugs import is_uuid

Word = int | str
NAMED = ("brand", "section", "authors", "mentions", "tags")
"""Where an article shows names of brands, sections, authors and tags."""

_KINDS = {"brand": "brand", "section": "section", "authors": "author", "mentions": "brand", "tags": "tag"}


GONE = "gone"
"""What tells of articles that go: one may tell it to whom it left long ago."""

FILTERS = {
    "brand": "brand",
    "group": "brand",
    "mentions": "brand",
    "about": "brand",
    "author": "author",
    "section": "section",
    "tag": "tag",
}
"""Filters whose values are slugs, and of what."""


class Change(Protocol):
    """A row of the log, as far as words need it."""

    @property
    def kind(self) -> str: ...
    @property
    def action(self) -> str: ...
    @property
    def subject_id(self) -> UUID: ...
    @property
    def slug(self) -> str: ...
    @property
    def previous_slug(self) -> str | None: ...
    @property
    def more_slugs(self) -> Sequence[str] | None: ...
    @property
    def lists(self) -> Sequence[str] | None: ...
    @property
    def facets_before(self) -> Sequence[int]: ...
    @property
    def facets_after(self) -> Sequence[int]: ...


def touched(change: Change) -> Iterator[Word]:
    """Answer every word that a change touches: the lists it left, stayed in and joined, and its own names."""
    yield from change.facets_before
    yield from change.facets_after
    if change.kind == "related":
        yield from (related(id_) for id_ in change.lists or ())
        return
    slugs = (change.slug, change.previous_slug, *(change.more_slugs or ()))
    if change.kind == "article":
        yield article(change.subject_id)
        if change.action == "delete":
            yield GONE
        yield from (slug(text) for text in slugs if text)
    else:
        yield from (name(change.kind, text) for text in slugs if text)


ARTICLES = "articles"
"""The word of every list that no other word names; it goes with every change of one."""


def dropped(change: Change, named: Mapping[int, Iterable[tuple[str, str]]]) -> Iterator[str]:
    """Answer the words by which a CDN drops what a change made untrue.

    In: the row of the log, and kind and slug of the terms that its facets stand for. Lists of mentions, formats,
    languages and whatever else has no word of its own bear ARTICLES.
    """
    facets = (*change.facets_before, *change.facets_after)
    if facets:
        yield ARTICLES
    for facet in facets:
        yield from (name(kind, text) for kind, text in named.get(facet, ()))
    if change.kind == "article":
        yield related(change.subject_id)
    yield from (word for word in touched(change) if isinstance(word, str))


def borne(own: Iterable[str], words: Iterable[Word]) -> Iterator[str]:
    """Answer the words that an answer bears for CDNs: its own, and every name it shows or stands under."""
    yield from own
    yield from sorted(word for word in words if isinstance(word, str))


def article(id_: UUID) -> str:
    """The article with this id, wherever it is shown."""
    return f"article:{id_}"


def related(id_: UUID | str) -> str:
    """What is listed as related to the article with this id."""
    return f"related:{id_}"


def slug(text: str) -> str:
    """Whatever article bears this slug or bore it."""
    return f"slug:{text}"


def named_article(text: str) -> str:
    """Whatever article has this id, or bears this slug or bore it."""
    return article(UUID(text)) if is_uuid(text) else slug(text)


def name(kind: str, text: str) -> str:
    """The brand, author, section or tag with this slug, as it is shown beside others; also that there is none."""
    return f"{kind}:{text}"


class Facet(Protocol):
    """A list of articles: its number, and how many stand on it."""

    @property
    def id(self) -> int: ...
    @property
    def articles(self) -> int: ...


def of_list(
    asked: Mapping[str, Sequence[Any]], found: Mapping[str, Sequence[Facet]], everything: Facet
) -> Iterator[Word]:
    """What decides which articles stand on a list.

    In: the values of its filters, the facets these stand for, the facet of all articles. An article that comes, goes or
    changes is in a facet of every filter, before or after: so those of the rarest filter are enough. A slug may come to
    stand for something else; a format or language that is not there yet may come with any article.
    """
    for filter_, kind in FILTERS.items():
        yield from (name(kind, value) for value in asked.get(filter_, ()))
    if "id" in asked or "slug" in asked:
        yield from map(article, asked.get("id", ()))
        yield from map(slug, asked.get("slug", ()))
        return
    whole = [facets for filter_, facets in found.items() if filter_ in FILTERS or len(facets) == len(asked[filter_])]
    rarest = min(whole, key=lambda facets: sum(facet.articles for facet in facets), default=[everything])
    yield from (facet.id for facet in rarest)


def names(records: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The names that articles show: renamed, they look different."""
    for record in records:
        for field in NAMED:
            shown = record.get(field)
            for term in shown if isinstance(shown, list) else (shown,) if shown else ():
                yield name(_KINDS[field], term["slug"])


def above(term: Mapping[str, Any]) -> Iterator[str]:
    """The name of the brand that a brand belongs to, shown with it."""
    if parent := term.get("parent"):
        yield name("brand", parent["slug"])
