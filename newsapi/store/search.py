"""Searching: what a query means here, and what the index has of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, Final

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA
from sqlalchemy import Connection, Select, String, bindparam, func, null, or_, select, union_all

from newsapi.model import (
    Article,
    Author,
    Brand,
    Facet,
    SearchBlock,
    SearchFresh,
    SearchPosting,
    SearchText,
    SearchWord,
)
from newsapi.search import blocks, ranking
from newsapi.search.blocks import Array, Facets, Times
from newsapi.search.documents import facet, holds, phrase, term_of, unpacked, without_body
from newsapi.search.queries import Asked
from newsapi.search.ranking import Block, Found, Question, Reading
from newsapi.store import integers, prepared
from newsapi.store.facets import Truth
from newsapi.store.listing import Question as ListQuestion
from newsapi.store.search_index import micros
from newsapi.store.taxonomy import literally
from newsapi.text.folding import fold

LANGUAGES: Final = 8
"""In so many languages, those of most articles, a query is read."""

COMPLETED: Final = 24
"""By so many words, those of most articles, the start of one is completed."""

ENOUGH: Final = 100_000
"""So many articles leave nothing to wish for: the start of a word that is in as many is completed by no other."""

_LOOKED_AT: Final = 2_000
"""Words that begin alike, of which these are chosen."""

_NAMES: Final = 40
_NAMED, _SPELLED = 5_000, 20_000
_NAME, _PART_OF_A_NAME, _MENTIONED = 0.7, 0.35, 0.5

Fits = Callable[[bytes], bool]
"""Tells by the sequence of an article whether it has the phrases that are asked for."""


@dataclass(frozen=True, slots=True)
class Search:
    """A query as it was understood, and the blocks as far as it needs them.

    `exact` is one about the times of updates: what was changed by an import waits to be indexed by its new text and its
    new time, and is found by the old text until then, but not by a time that it has no more.
    """

    asked: Asked
    question: Question
    blocks: Sequence[Block]
    fits: Fits | None
    terms: Mapping[str, frozenset[int | None]]
    languages: Sequence[str]
    exact: bool = False
    _found: dict[str | None, list[Found]] = field(default_factory=dict)

    def found(self, *, without: str | None = None) -> list[Found]:
        """Answer what is found; `without` is a filter to leave out."""
        if without not in self._found:
            self._found[without] = list(ranking.find(self.blocks, self.question, without=without))
        return self._found[without]

    @property
    def by_text(self) -> bool:
        """Whether what the blocks say is all there is to it: no phrases, and no times that may have changed."""
        return self.fits is None and not self.exact

    def marked(self, language: str) -> set[int]:
        """Answer the terms whose words are shown as found in articles of a language."""
        main = language.partition("-")[0].lower()
        readings = [reading for its, reading in zip(self.languages, self.question.readings, strict=True) if its == main]
        return {term for reading in readings for word in reading.words for term, _ in word if term > 0}

    def unknown(self) -> list[str]:
        """Answer the words that stand in no article."""
        known = {term for block in self.blocks for term in block.postings}
        return [word for word in self.asked.words if self.terms[word] and not self.terms[word] & known]


def understand(
    connection: Connection,
    asked: Asked,
    truth: Truth,
    asked_of_list: ListQuestion,
    *,
    headlines: bool = False,
    bodies: bool = True,
    most: int | None = None,
) -> Search:
    """Look up what a query means, and read what is needed to answer it.

    In: the filters that name facets, in `truth`, and the others. `headlines` finds what has the words in its headline.
    Without `bodies` phrases are looked for in headlines and standfirsts alone: who asks may not read every body, and
    phrases would tell him them word by word. `most` is among how many of the articles indexed last to look, at least.
    """
    languages = _languages(connection, truth)
    more = _completions(connection, asked.start, ENOUGH if most is None else math.inf)
    names = _names(connection, asked.words) if asked.words and not headlines else {}
    question = Question(
        readings=tuple(_reading(asked, language, more, names) for language in languages),
        filters=_filters(connection, truth),
        published=_range(asked_of_list.published),
        updated=_range(asked_of_list.updated),
        only=_only(connection, asked_of_list),
        headlines=headlines,
    )
    read = _blocks(connection, question.terms(), most)
    by_word = {word: frozenset(term_of(word, language) for language in languages) - {None} for word in asked.words}
    exact = asked_of_list.key == "updated_at" or asked_of_list.updated != (None, None)
    return Search(asked, question, read, _fits(asked, languages, bodies=bodies), by_word, languages, exact)


def spelled(connection: Connection, words: Iterable[str]) -> dict[str, str]:
    """Answer, for words that stand nowhere, the nearest that do or did; none for those near to none."""
    named = union_all(select(Brand.words), select(Author.words)).subquery()
    names = {word for row in connection.execute(select(named).limit(_NAMED)).scalars() for word in row.split()}
    found = {}
    for written in words:
        plain = fold(written)
        if len(plain) < 3 or " " in plain:
            continue
        most = 1 if len(plain) < 6 else 2
        word = SearchWord.word
        alike = select(word, SearchWord.shown, SearchWord.times).where(
            word > plain[0],
            word < plain[0] + "\U0010ffff",
            func.length(word).between(len(plain) - most, len(plain) + most),
        )
        rows = connection.execute(alike.order_by(word).limit(_SPELLED)).all()
        shown = {name: (name, 0) for name in names} | {row.word: (row.shown, row.times) for row in rows}
        near = process.extract(plain, list(shown), scorer=OSA.distance, score_cutoff=most, limit=None)
        best = min(near, key=lambda one: (one[1], -shown[one[0]][1], one[0]), default=None)
        if best is not None:
            found[written] = shown[best[0]][0]
    return found


_LANGUAGES = select(Facet.id, Facet.name, Facet.articles).where(Facet.kind == "language", Facet.articles > 0)


def _languages(connection: Connection, truth: Truth) -> list[str]:
    asked = {state.id for state in truth.filters["language"]} if "language" in truth.filters else None
    by_language: dict[str, int] = {}
    for id_, name, articles in prepared.rows(connection, _LANGUAGES, {}):
        if asked is None or id_ in asked:
            main = name.partition("-")[0].lower()
            by_language[main] = by_language.get(main, 0) + articles
    return sorted(by_language, key=lambda language: (-by_language[language], language))[:LANGUAGES]


def _reading(asked: Asked, language: str, more: Sequence[str], names: Mapping[str, ranking.Alternatives]) -> Reading:
    words = []
    for word in asked.words:
        if (term := term_of(word, language)) is None:
            continue  # it tells nothing in this language
        own = {term: 1.0}
        if word == asked.start:
            for other in more:
                if (begun := term_of(other, language)) is not None:
                    own.setdefault(begun, ranking.STARTED)
        words.append((*own.items(), *names.get(word, ())))
    without = [term_of(words_[0], language) for words_ in asked.without if len(words_) == 1]
    return Reading(tuple(words), tuple(term for term in without if term is not None))


def _fits(asked: Asked, languages: Sequence[str], *, bodies: bool) -> Fits | None:
    barred = [words for words in asked.without if len(words) > 1]
    if not asked.phrases and not barred:
        return None
    wanted = [{phrase(words, language) for language in languages} for words in asked.phrases]
    unwanted = [phrase(words, language) for words in barred for language in languages]

    def fits(sequence: bytes) -> bool:
        if not bodies:
            sequence = without_body(sequence)
        has = all(any(holds(sequence, one) for one in either) for either in wanted)
        return has and not any(holds(sequence, one) for one in unwanted)

    return fits


_BEGUN = (
    select(SearchWord.word, SearchWord.shown, SearchWord.times)
    .where(SearchWord.word >= bindparam("start"), SearchWord.word < bindparam("end"))
    .order_by(SearchWord.word)
    .limit(_LOOKED_AT)
)


def _completions(connection: Connection, start: str, enough: float) -> list[str]:
    """Words that begin so, those of most articles first, as long as there are not `enough` articles already."""
    plain = fold(start)
    if len(plain) < 2 or " " in plain:
        return []
    rows = prepared.rows(connection, _BEGUN, {"start": plain, "end": plain + "\U0010ffff"})
    articles = sum(times for word, _, times in rows if word == plain)
    found: list[str] = []
    for word, shown, times in sorted(rows, key=lambda row: (-row[2], row[1])):
        if articles >= enough or len(found) == COMPLETED:
            break
        if word != plain:
            found.append(shown)
            articles += times
    return found


@lru_cache(maxsize=2 * ranking.WORDS)
def _bearers(model: Any, count: int) -> Select[*tuple[Any, ...]]:
    """Brands or authors in whose names and aliases one of so many words stands, those of most articles."""
    mention = Brand.mention_facet_id if model is Brand else null()
    aliases = Brand.aliases if model is Brand else null()
    found = select(model.facet_id, mention, model.name, aliases).join(Facet, Facet.id == model.facet_id)
    named = (model.words + " ").like
    given = or_(*(named(bindparam(f"word_{number}", type_=String), escape="\\") for number in range(count)))
    return found.where(given).order_by(Facet.articles.desc(), model.slug).limit(_NAMES)


def _names(connection: Connection, words: Sequence[str]) -> dict[str, ranking.Alternatives]:
    """What the names of brands and authors add to words: the articles of those who bear them.

    A name that is there whole counts for each of its words as if it were written in the headline.
    """
    plain = {word: fold(word) for word in words[: ranking.WORDS]}
    wanted = {text for text in plain.values() if text and " " not in text}
    if not wanted:
        return {}
    given = {f"word_{number}": f"% {literally(text)} %" for number, text in enumerate(sorted(wanted))}
    query = f" {' '.join(fold(word) for word in words)} "
    added: dict[str, dict[int, float]] = {text: {} for text in wanted}
    for model in (Brand, Author):
        for own, mentioned, name, aliases in prepared.rows(connection, _bearers(model, len(given)), given):
            for called in (name, *(aliases or ())):
                folded = fold(called)
                factor = _NAME if f" {folded} " in query else _PART_OF_A_NAME
                for text in wanted & {*folded.split()}:
                    its = added[text]
                    its[facet(own)] = max(factor, its.get(facet(own), 0.0))
                    if mentioned is not None:
                        its[facet(mentioned)] = max(factor * _MENTIONED, its.get(facet(mentioned), 0.0))
    return {word: tuple(added[text].items()) for word, text in plain.items() if added.get(text)}


def _filters(connection: Connection, truth: Truth) -> dict[str, tuple[int, ...]]:
    """The facets of each filter; of a group those of its brands, as a brand may be moved without its articles."""
    found = {name: tuple(facet(state.id) for state in states) for name, states in truth.filters.items()}
    if "group" in truth.filters:
        ids = [state.id for state in truth.filters["group"]]
        above = select(Brand.id).where(or_(Brand.group_facet_id.in_(ids), Brand.facet_id.in_(ids)))
        brands = select(Brand.facet_id).where(or_(Brand.id.in_(above), Brand.parent_id.in_(above)))
        found["group"] = tuple(facet(id_) for id_ in connection.execute(brands).scalars())
    return found


def _range(times: tuple[Any, Any]) -> tuple[int | None, int | None]:
    start, end = times
    return start and micros(start), end and micros(end)


def _only(connection: Connection, asked: ListQuestion) -> Array | None:
    if asked.ids is None and asked.slugs is None:
        return None
    text = select(SearchText.number).join(Article, Article.id == SearchText.article_id)
    if asked.ids is not None:
        text = text.where(Article.id.in_(asked.ids))
    if asked.slugs is not None:
        text = text.where(Article.slug.in_(asked.slugs))
    return np.array(connection.execute(text).scalars().all(), np.int64)


# --- reading blocks ---------------------------------------------------------------------------------------------------


_HEADS = select(SearchBlock.id, SearchBlock.first, SearchBlock.span, SearchBlock.articles, SearchBlock.newest).order_by(
    SearchBlock.first
)
_POSTINGS = {
    dialect: select(SearchPosting.block, SearchPosting.term, SearchPosting.content).where(
        integers.one_of(dialect, SearchPosting.block, "blocks"), integers.one_of(dialect, SearchPosting.term, "terms")
    )
    for dialect in integers.DIALECTS
}
_FRESH = select(SearchFresh.number, SearchFresh.content).order_by(SearchFresh.number)


def _blocks(connection: Connection, terms: Collection[int], most: int | None) -> list[Block]:
    kept = prepared.rows(connection, _HEADS, {})
    if most is not None:
        start, covered = len(kept), 0
        while start and covered < most:
            start -= 1
            covered += kept[start][3]
        kept = kept[start:]
    postings: dict[int, dict[int, blocks.Posting]] = {id_: {} for id_, *_ in kept}
    if kept and terms:
        dialect = connection.dialect.name
        asked = {"blocks": integers.written(dialect, postings), "terms": integers.written(dialect, terms)}
        for block, term, content in prepared.rows(connection, _POSTINGS[dialect], asked):
            postings[block][term] = blocks.posting(content)
    read = [
        Block(
            *(first, span, articles, newest),
            postings[id_],
            partial(_times, connection, id_),
            partial(_facets, connection, id_, span),
        )
        for id_, first, span, articles, newest in kept
    ]
    return [*read, *_fresh(connection, terms)]


def _fresh(connection: Connection, terms: Iterable[int]) -> list[Block]:
    numbered = [(number, unpacked(content)) for number, content in prepared.rows(connection, _FRESH, {})]
    return [
        Block(
            few.first,
            few.span,
            few.articles,
            few.newest,
            few.postings(terms),
            partial(_same, few.times),
            partial(_same, few.facets),
        )
        for few in blocks.fresh(numbered)
    ]


def _same(value: Any) -> Any:
    return value


def _times(connection: Connection, id_: int) -> Times:
    """The times of a block, a megabyte at most; a process reads them once, as a block never changes."""
    known = _known_times(id_)
    if not known:
        column = select(SearchBlock.times).where(SearchBlock.id == id_)
        known.append(blocks.times(connection.execute(column).scalar_one()))
    return known[0]


def _facets(connection: Connection, id_: int, span: int) -> Facets:
    """The facets of the articles of a block, some three megabytes."""
    known = _known_facets(id_)
    if not known:
        column = select(SearchBlock.facets).where(SearchBlock.id == id_)
        known.append(blocks.facets(connection.execute(column).scalar_one(), span))
    return known[0]


KEPT: Final = 48
"""Blocks of which a process keeps times and facets: of three million articles, 50 MB a million."""


@lru_cache(maxsize=KEPT)
def _known_times(_block: int) -> list[Times]:
    return []


@lru_cache(maxsize=KEPT)
def _known_facets(_block: int) -> list[Facets]:
    return []
