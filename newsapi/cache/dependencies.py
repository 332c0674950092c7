"""Dependencies: what a response was built from, and what a change affects. They are only built in this module.

A dependency is the id of a facet (a list of articles or terms; every response that shows the list depends on it), or a
text that names one thing: `article:ID`, `slug:SLUG` (the article that has or had this slug), `brand:SLUG` and similar
(the name of the term as displayed). A response stays valid while none of its dependencies is affected by a change. The
texts also serve as surrogate keys, by which a CDN purges responses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar
from uuid import UUID

from newsapi.text.slugs import is_uuid

Dependency = int | str
NAME_FIELDS = ("brand", "section", "authors", "mentions", "tags")
"""Fields in which an article shows the names of brands, sections, authors and tags."""

_KINDS = {"brand": "brand", "section": "section", "authors": "author", "mentions": "brand", "tags": "tag"}


TOMBSTONES = "gone"
"""Dependency of responses that list withdrawn articles, including those that left a filter long ago."""

FILTERS = {
    "brand": "brand",
    "group": "brand",
    "mentions": "brand",
    "about": "brand",
    "author": "author",
    "section": "section",
    "tag": "tag",
    "tag_all": "tag",
    "section_not": "section",
}
"""Filters whose values are slugs, with the kind of term."""

ALL_OF_FILTERS = frozenset({"tag_all"})
"""Filters that an article must match with each value; for the others, one value is enough."""

NEGATED_FILTERS = frozenset({"section_not"})
"""Filters that an article must match with no value."""


class ChangelogRow(Protocol):
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
    def additional_slugs(self) -> Sequence[str] | None: ...
    @property
    def article_ids(self) -> Sequence[str] | None: ...
    @property
    def facets_before(self) -> Sequence[int]: ...
    @property
    def facets_after(self) -> Sequence[int]: ...


def dependencies_of_change(change: ChangelogRow) -> Iterator[Dependency]:
    """Yield the dependencies that a change affects: the lists it left, stayed in and joined, and its own names.

    Args:
        change: A row of the changelog.

    Yields:
        Facet ids and texts, possibly repeated.
    """
    yield from change.facets_before
    yield from change.facets_after
    if change.kind == "related":
        yield from (related_dependency(id_) for id_ in change.article_ids or ())
        return
    if change.kind == "image":
        yield from (article_dependency(UUID(id_)) for id_ in change.article_ids or ())
        return
    slugs = (change.slug, change.previous_slug, *(change.additional_slugs or ()))
    if change.kind == "article":
        yield article_dependency(change.subject_id)
        if change.action == "delete":
            yield TOMBSTONES
        yield from (slug_dependency(text) for text in slugs if text)
    else:
        yield from (name_dependency(change.kind, text) for text in slugs if text)


ALL_ARTICLES = "articles"
"""Surrogate key of every list of articles that has no key of its own; purged with every change of an article."""


def surrogate_keys_of_change(
    change: ChangelogRow, terms_by_facet: Mapping[int, Iterable[tuple[str, str]]]
) -> Iterator[str]:
    """Yield the surrogate keys of the responses that a change made invalid.

    Lists by mention, format, language and others without a key of their own have the key ALL_ARTICLES.

    Args:
        change: A row of the changelog.
        terms_by_facet: Kind and slug of the terms that each facet of the change stands for.

    Yields:
        Surrogate keys, possibly repeated.
    """
    facets = (*change.facets_before, *change.facets_after)
    if facets:
        yield ALL_ARTICLES
    for facet in facets:
        yield from (name_dependency(kind, text) for kind, text in terms_by_facet.get(facet, ()))
    if change.kind == "article":
        yield related_dependency(change.subject_id)
    yield from (dependency for dependency in dependencies_of_change(change) if isinstance(dependency, str))


def surrogate_keys_of_response(surrogate_keys: Iterable[str], dependencies: Iterable[Dependency]) -> Iterator[str]:
    """Yield the surrogate keys of a response.

    Args:
        surrogate_keys: Keys of the response beside its dependencies.
        dependencies: Its dependencies, of which the texts are also surrogate keys.

    Yields:
        The keys, the dependencies among them sorted.
    """
    yield from surrogate_keys
    yield from sorted(dependency for dependency in dependencies if isinstance(dependency, str))


def article_dependency(id_: UUID) -> str:
    """Return the dependency on the article with this id, wherever it is shown."""
    return f"article:{id_}"


def related_dependency(id_: UUID | str) -> str:
    """Return the dependency on the list of articles related to the article with this id."""
    return f"related:{id_}"


def slug_dependency(slug: str) -> str:
    """Return the dependency on the article that has or had this slug, also if there is none."""
    return f"slug:{slug}"


def named_article(id_or_slug: str) -> str:
    """Return the dependency on the article with this id, or with this present or former slug."""
    return article_dependency(UUID(id_or_slug)) if is_uuid(id_or_slug) else slug_dependency(id_or_slug)


def name_dependency(kind: str, slug: str) -> str:
    """Return the dependency on the displayed name of the term with this slug, also if there is none."""
    return f"{kind}:{slug}"


class FacetLike(Protocol):
    """A list of articles: its id and the number of articles on it."""

    @property
    def id(self) -> int: ...
    @property
    def article_count(self) -> int: ...


_Facet = TypeVar("_Facet", bound=FacetLike)


def facet_groups(facets_by_filter: Mapping[str, Sequence[_Facet]]) -> Iterator[tuple[str, Sequence[_Facet]]]:
    """Yield each group of facets of which a listed article is in at least one, with the name of its filter.

    A filter is one group, but each value of ALL_OF_FILTERS is a group of its own. A group without facets lists nothing.
    """
    for filter_, facets in facets_by_filter.items():
        if filter_ in ALL_OF_FILTERS and facets:
            yield from ((filter_, [facet]) for facet in facets)
        else:
            yield filter_, facets


def list_dependencies(
    query: Mapping[str, Sequence[Any]], facets_by_filter: Mapping[str, Sequence[FacetLike]], all_articles: FacetLike
) -> Iterator[Dependency]:
    """Yield the dependencies that decide which articles are on a list.

    An article that enters, leaves or changes on the list is in a facet of every filter, before or after the change.
    Therefore the facets of the filter with the fewest articles are enough. Slugs are dependencies too, as a slug may
    move to another term. A format or language without a facet may first appear with any article, so its filter is not
    used for this.

    Args:
        query: The values of each filter.
        facets_by_filter: The facets that these values stand for, without NEGATED_FILTERS: an article that starts or
            stops to match one changes, and so do all of its facets.
        all_articles: The facet of all articles.

    Yields:
        Facet ids and texts.
    """
    for filter_, kind in FILTERS.items():
        yield from (name_dependency(kind, value) for value in query.get(filter_, ()))
    yield from (slug_dependency(name) for name in query.get("exclude", ()) if not is_uuid(name))
    if "id" in query or "slug" in query:
        yield from map(article_dependency, query.get("id", ()))
        yield from map(slug_dependency, query.get("slug", ()))
        return
    complete = [
        facets
        for filter_, facets in facet_groups(facets_by_filter)
        if filter_ in FILTERS or len(facets) == len(query[filter_])
    ]
    smallest = min(complete, key=lambda facets: sum(facet.article_count for facet in facets), default=[all_articles])
    yield from (facet.id for facet in smallest)


def search_dependencies(all_articles: FacetLike, terms: Iterable[FacetLike]) -> set[Dependency]:
    """Return the dependencies of a search.

    Word frequencies depend on every article, and the interpretation of the words on the names of all terms.

    Args:
        all_articles: The facet of all articles.
        terms: The facets of all terms of each kind.

    Returns:
        The ids of the facets.
    """
    return {all_articles.id, *(facet.id for facet in terms)}


def name_dependencies(records: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the dependencies on the term names that articles show: a renamed term changes the response.

    Args:
        records: Articles with the fields of NAME_FIELDS; a field may be missing or None.

    Yields:
        Texts, possibly repeated.
    """
    for record in records:
        for field in NAME_FIELDS:
            value = record.get(field)
            terms = value if isinstance(value, list) else [value] if value else []
            for term in terms:
                yield name_dependency(_KINDS[field], term["slug"])


def term_dependencies(term: Mapping[str, Any]) -> Iterator[Dependency]:
    """Yield the dependencies of a term as it is shown: its number of articles, and the brands above and below it.

    A brand joins or leaves its group with a change of the facet of the group, and is shown while there are articles
    in its own facets.
    """
    yield term["facet_id"]
    if parent := term.get("parent"):
        yield name_dependency("brand", parent["slug"])
    if group_facet := term.get("group_facet_id"):
        yield group_facet
    yield from term.get("child_facets", ())
    yield from (name_dependency("brand", child["slug"]) for child in term.get("children", ()))
