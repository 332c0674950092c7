"""Dependencies: what a response was built from, and what a change affects. They are only built in this module.

A dependency is the id of a facet (a list of articles or terms; every response that shows the list depends on it), or a
text that names one thing: `article:ID`, `slug:SLUG` (the article that has or had this slug), `brand:SLUG` and similar
(the name of the term as displayed). A response stays valid while none of its dependencies is affected by a change. The
texts also serve as surrogate keys, by which a CDN purges responses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from newsapi.text.slugs import is_uuid

Word = int | str
NAMED = ("brand", "section", "authors", "mentions", "tags")
"""Fields in which an article shows the names of brands, sections, authors and tags."""

_KINDS = {"brand": "brand", "section": "section", "authors": "author", "mentions": "brand", "tags": "tag"}


GONE = "gone"
"""Dependency of responses that list withdrawn articles, including those that left a filter long ago."""

FILTERS = {
    "brand": "brand",
    "group": "brand",
    "mentions": "brand",
    "about": "brand",
    "author": "author",
    "section": "section",
    "tag": "tag",
}
"""Filters whose values are slugs, with the kind of term."""


class Change(Protocol):
    """The columns of a changelog row that dependencies are derived from."""

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
    """Yield the dependencies that a change affects: the lists it left, stayed in and joined, and its own names.

    Args:
        change: A row of the changelog.

    Yields:
        Facet ids and texts, possibly repeated.
    """
    yield from change.facets_before
    yield from change.facets_after
    if change.kind == "related":
        yield from (related(id_) for id_ in change.lists or ())
        return
    if change.kind == "search":
        yield SEARCH
        return
    slugs = (change.slug, change.previous_slug, *(change.more_slugs or ()))
    if change.kind == "article":
        yield article(change.subject_id)
        if change.action == "delete":
            yield GONE
        yield from (slug(text) for text in slugs if text)
    else:
        yield from (name(change.kind, text) for text in slugs if text)


SEARCH = "search"
"""Dependency of every search; changes when articles are indexed without being changed."""

ARTICLES = "articles"
"""Surrogate key of every list of articles that has no key of its own; purged with every change of an article."""


def dropped(change: Change, named: Mapping[int, Iterable[tuple[str, str]]]) -> Iterator[str]:
    """Yield the surrogate keys of the responses that a change made invalid.

    Lists by mention, format, language and others without a key of their own have the key ALL_ARTICLES.

    Args:
        change: A row of the changelog.
        terms_by_facet: Kind and slug of the terms that each facet of the change stands for.

    Yields:
        Surrogate keys, possibly repeated.
    """
    facets = (*change.facets_before, *change.facets_after)
    if facets or change.kind == "search":
        yield ARTICLES
    for facet in facets:
        yield from (name(kind, text) for kind, text in named.get(facet, ()))
    if change.kind == "article":
        yield related(change.subject_id)
    yield from (dependency for dependency in touched(change) if isinstance(dependency, str))


def borne(surrogate_keys: Iterable[str], dependencies: Iterable[Word]) -> Iterator[str]:
    """Yield the surrogate keys of a response.

    Args:
        surrogate_keys: Keys of the response beside its dependencies.
        dependencies: Its dependencies, of which the texts are also surrogate keys.

    Yields:
        The keys, the dependencies among them sorted.
    """
    yield from surrogate_keys
    yield from sorted(dependency for dependency in dependencies if isinstance(dependency, str))


def article(id_: UUID) -> str:
    """Return the dependency on the article with this id, wherever it is shown."""
    return f"article:{id_}"


def related(id_: UUID | str) -> str:
    """Return the dependency on the list of articles related to the article with this id."""
    return f"related:{id_}"


def slug(text: str) -> str:
    """Return the dependency on the article that has or had this slug, also if there is none."""
    return f"slug:{text}"


def named_article(text: str) -> str:
    """Return the dependency on the article with this id, or with this present or former slug."""
    return article(UUID(text)) if is_uuid(text) else slug(text)


def name(kind: str, text: str) -> str:
    """Return the dependency on the displayed name of the term with this slug, also if there is none."""
    return f"{kind}:{text}"


class Facet(Protocol):
    """A list of articles: its id and the number of articles on it."""

    @property
    def id(self) -> int: ...
    @property
    def articles(self) -> int: ...


def of_list(
    asked: Mapping[str, Sequence[Any]], found: Mapping[str, Sequence[Facet]], everything: Facet
) -> Iterator[Word]:
    """Yield the dependencies that decide which articles are on a list.

    An article that enters, leaves or changes on the list is in a facet of every filter, before or after the change.
    Therefore the facets of the filter with the fewest articles are enough. Slugs are dependencies too, as a slug may
    move to another term. A format or language without a facet may first appear with any article, so its filter is not
    used for this.

    Args:
        query: The values of each filter.
        facets_by_filter: The facets that these values stand for.
        all_articles: The facet of all articles.

    Yields:
        Facet ids and texts.
    """
    for filter_, kind in FILTERS.items():
        yield from (name(kind, value) for value in asked.get(filter_, ()))
    if "id" in asked or "slug" in asked:
        yield from map(article, asked.get("id", ()))
        yield from map(slug, asked.get("slug", ()))
        return
    complete = [facets for filter_, facets in found.items() if filter_ in FILTERS or len(facets) == len(asked[filter_])]
    smallest = min(complete, key=lambda facets: sum(facet.articles for facet in facets), default=[everything])
    yield from (facet.id for facet in smallest)


def of_search(everything: Facet, terms: Iterable[Facet]) -> set[Word]:
    """Return the dependencies of a search.

    Word frequencies depend on every article, and the interpretation of the words on the names of all terms.

    Args:
        all_articles: The facet of all articles.
        terms: The facets of all terms of each kind.

    Returns:
        ANY_SEARCH and the ids of the facets.
    """
    return {SEARCH, everything.id, *(facet.id for facet in terms)}


def names(records: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the dependencies on the term names that articles show: a renamed term changes the response.

    Args:
        records: Articles with the fields of NAME_FIELDS; a field may be missing or None.

    Yields:
        Texts, possibly repeated.
    """
    for record in records:
        for field in NAMED:
            value = record.get(field)
            terms = value if isinstance(value, list) else [value] if value else []
            for term in terms:
                yield name(_KINDS[field], term["slug"])


def above(term: Mapping[str, Any]) -> Iterator[str]:
    """Yield the dependency on the name of the brand that a brand belongs to, which is shown with it."""
    if parent := term.get("parent"):
        yield name("brand", parent["slug"])
