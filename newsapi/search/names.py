"""Names of brands and authors in a query: their articles match a word of the name, whether or not they contain it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Select, String, bindparam, func, literal, null, or_, select

from newsapi.changelog.tables import Facet
from newsapi.content.queries.facets import ReadSnapshot
from newsapi.content.queries.terms import escape_like
from newsapi.content.tables.terms import Author, Brand
from newsapi.db import compiled_queries
from newsapi.text.folding import fold

MAX_NAME_MATCHES: Final = 40
"""Brands, and authors, whose names are matched with a query, those with the most articles."""

MAX_LOOKED_UP_WORDS: Final = 16
"""Words of a query that are looked up in names."""

MAX_KEPT_TERMS: Final = 5_000
"""Brands and authors up to which their names are kept in memory."""

FULL_NAME_PERCENT, PARTIAL_NAME_PERCENT, MENTION_PERCENT = 70, 35, 50
"""Weights of a whole name and of a part of one, in percent of the weight of a word, and of a mention, in percent of
those."""

FacetPercents = Mapping[int, int]
"""Facets that match a word, each with its weight in percent of the weight of the word."""


class _NamedTerm(NamedTuple):
    """A brand or author: its facet, that of its mentions, and its folded names and aliases."""

    is_brand: bool
    facet_id: int
    mention_facet_id: int | None
    names: tuple[str, ...]


class NameCatalog:
    """The names of brands and authors. They are kept until one of them changes. Thread-safe."""

    def __init__(self) -> None:
        """Create a catalog that has read nothing yet."""
        self._kept: tuple[object, Mapping[str, Sequence[_NamedTerm]] | None] = (None, None)

    def find(self, connection: Connection, snapshot: ReadSnapshot, words: Sequence[str]) -> dict[str, FacetPercents]:
        """Return the facets of brands and authors that have words of a query in their names or aliases.

        Args:
            connection: A read transaction.
            snapshot: The snapshot of the transaction.
            words: The words of the query in lower case.

        Returns:
            The facets of each word. A brand also has the facet of its mentions. If the query contains the whole name,
            each of its words has the full weight of a name.
        """
        plain = {word: fold(word) for word in words[:MAX_LOOKED_UP_WORDS]}
        name_words = {text for text in plain.values() if text and " " not in text}
        if not name_words:
            return {}
        query = f" {' '.join(fold(word) for word in words)} "
        percents: dict[str, dict[int, int]] = {text: {} for text in name_words}
        for term in self._find_terms(connection, snapshot, name_words):
            for name in term.names:
                percent = FULL_NAME_PERCENT if f" {name} " in query else PARTIAL_NAME_PERCENT
                for text in name_words & {*name.split()}:
                    _raise_percent(percents[text], term.facet_id, percent)
                    if term.mention_facet_id is not None:
                        _raise_percent(percents[text], term.mention_facet_id, percent * MENTION_PERCENT // 100)
        return {word: percents[text] for word, text in plain.items() if percents.get(text)}

    def _find_terms(
        self, connection: Connection, snapshot: ReadSnapshot, words: Collection[str]
    ) -> Iterable[_NamedTerm]:
        """Return the brands and authors with any of these words in a name or alias, those with the most articles."""
        key = (snapshot.nonce, snapshot.terms["brand"].seq, snapshot.terms["author"].seq)
        kept_key, terms_by_word = self._kept
        if kept_key != key:
            terms_by_word = _terms_by_word(connection)
            self._kept = (key, terms_by_word)
        if terms_by_word is None:
            return _list_terms(connection, words)
        terms = {term for word in words for term in terms_by_word.get(word, ())}
        if any(sum(term.is_brand is kind for term in terms) > MAX_NAME_MATCHES for kind in (True, False)):
            return _list_terms(connection, words)
        return terms


def _raise_percent(percents: dict[int, int], facet_id: int, percent: int) -> None:
    """Set the weight of a facet, unless it has a greater one."""
    percents[facet_id] = max(percent, percents.get(facet_id, 0))


def _terms_by_word(connection: Connection) -> Mapping[str, Sequence[_NamedTerm]] | None:
    """Return all brands and authors by the words of their names; None if there are too many."""
    count = sum(connection.execute(select(func.count()).select_from(model)).scalar_one() for model in (Brand, Author))
    if count > MAX_KEPT_TERMS:
        return None
    terms: dict[str, list[_NamedTerm]] = {}
    for model in (Brand, Author):
        for term in map(_named_term, connection.execute(_select_names(model))):
            for word in {word for name in term.names for word in name.split()}:
                terms.setdefault(word, []).append(term)
    return terms


def _list_terms(connection: Connection, words: Collection[str]) -> Iterator[_NamedTerm]:
    """Iterate over the brands and authors with any of these words in a name or alias, those with the most articles.

    Yields:
        At most MAX_NAME_MATCHES of each kind.
    """
    parameters = {f"word_{number}": f"% {escape_like(word)} %" for number, word in enumerate(sorted(words))}
    for model in (Brand, Author):
        statement = _select_matches(model, len(parameters))
        yield from map(_named_term, compiled_queries.fetch_rows(connection, statement, parameters))


def _named_term(row: Sequence[Any]) -> _NamedTerm:
    is_brand, facet_id, mention_facet_id, name, aliases = row
    return _NamedTerm(bool(is_brand), facet_id, mention_facet_id, tuple(map(fold, (name, *(aliases or ())))))


def _select_names(model: type[Brand | Author]) -> Select[*tuple[Any, ...]]:
    is_brand = model is Brand
    mention, aliases = (Brand.mention_facet_id, Brand.aliases) if is_brand else (null(), null())
    return select(literal(is_brand), model.facet_id, mention, model.name, aliases)


@lru_cache(maxsize=2 * MAX_LOOKED_UP_WORDS)
def _select_matches(model: type[Brand | Author], count: int) -> Select[*tuple[Any, ...]]:
    """Build the query for brands or authors with any of `count` words in a name or alias, most articles first."""
    statement = _select_names(model).join(Facet, Facet.id == model.facet_id)
    like = (model.search_names + " ").like
    has_word = or_(*(like(bindparam(f"word_{number}", type_=String), escape="\\") for number in range(count)))
    return statement.where(has_word).order_by(Facet.article_count.desc(), model.slug).limit(MAX_NAME_MATCHES)
